//! What people call the rows of a table.

use std::collections::HashMap;

use super::by::{By, NONE};
use crate::app::App;
use crate::case::{Source, category as built_in};
use crate::category::{self, Categories};
use crate::db;
use crate::organisation::{self, AreaPath};

/// Names as they are now, Chinese and English; tables have keys alone.
#[derive(Clone, Debug, Default)]
pub struct Names {
    units: HashMap<String, (String, String)>,
    /// By their path.
    areas: HashMap<String, (String, String)>,
    /// The county's own, or those that every hub brings.
    categories: Categories,
}

impl Names {
    pub async fn read(app: &App) -> db::Result<Self> {
        let tenant = app.tenant().as_str();
        let units = organisation::store::units(&app.db, tenant).await?;
        let areas = organisation::store::areas(&app.db, tenant).await?;
        Ok(Self {
            units: units.into_iter().map(|unit| (unit.unit, (unit.name_zh, unit.name_en))).collect(),
            areas: areas.into_iter().map(|area| (area.path, (area.name_zh, area.name_en))).collect(),
            categories: category::all(&app.db, tenant).await?,
        })
    }

    /// Of a row.
    pub fn of(&self, by: By, key: &str) -> (String, String) {
        if key == NONE {
            let (zh, en) = match by {
                By::Unit => ("未派遣到单位", "No unit"),
                By::Area(_) => ("未定位到本级", "No such area"),
                By::Group | By::Category => ("未立案", "Not filed"),
                By::Source => ("其他", "Other"),
            };
            return (zh.to_owned(), en.to_owned());
        }
        let known = match by {
            By::Unit => self.units.get(key).cloned(),
            By::Area(_) => self.areas.get(key).cloned(),
            By::Group => self.group(key),
            By::Category => self.category(key),
            By::Source => Source::parse(key).map(source),
        };
        // What is called nothing any more goes by its id.
        known.unwrap_or_else(|| (key.to_owned(), key.to_owned()))
    }

    /// 大类. One that the county has no more is still called as every hub calls it: closed months name it.
    fn group(&self, id: &str) -> Option<(String, String)> {
        let own = self.categories.groups.iter().find(|group| group.id == id);
        let of_all = || built_in::GROUPS.iter().find(|group| group.0 == id);
        own.map(|group| (group.zh.clone(), group.en.clone()))
            .or_else(|| of_all().map(|(_, zh, en)| ((*zh).to_owned(), (*en).to_owned())))
    }

    /// 小类, the same.
    fn category(&self, id: &str) -> Option<(String, String)> {
        let own = self.categories.find(id).map(|own| (own.zh.clone(), own.en.clone()));
        own.or_else(|| built_in::find(id).map(|found| (found.zh.to_owned(), found.en.to_owned())))
    }

    pub fn unit(&self, unit: &str) -> (String, String) {
        self.of(By::Unit, unit)
    }

    /// The lowest area of a path.
    pub fn area(&self, path: &str) -> (String, String) {
        let id = || AreaPath::kept(path.to_owned()).area().unwrap_or_default().to_owned();
        self.areas.get(path).cloned().unwrap_or_else(|| (id(), id()))
    }
}

fn source(source: Source) -> (String, String) {
    let (zh, en) = match source {
        Source::Camera => ("摄像头", "Camera"),
        Source::Call => ("来电", "Call"),
        Source::Device => ("设备", "Device"),
        Source::Worker => ("网格上报", "Grid report"),
        Source::Citizen => ("市民上报", "Citizen report"),
        Source::Platform => ("上级平台", "Platform above"),
    };
    (zh.to_owned(), en.to_owned())
}
