//! What people call the rows of a table.

use std::collections::HashMap;

use super::by::{By, NONE};
use crate::app::App;
use crate::case::{Source, category};
use crate::db;
use crate::organisation::{self, AreaPath};

/// Names as they are now, Chinese and English; tables have keys alone.
#[derive(Clone, Debug, Default)]
pub struct Names {
    units: HashMap<String, (String, String)>,
    /// By their path.
    areas: HashMap<String, (String, String)>,
}

impl Names {
    pub async fn read(app: &App) -> db::Result<Self> {
        let tenant = app.tenant().as_str();
        let units = organisation::store::units(&app.db, tenant).await?;
        let areas = organisation::store::areas(&app.db, tenant).await?;
        Ok(Self {
            units: units.into_iter().map(|unit| (unit.unit, (unit.name_zh, unit.name_en))).collect(),
            areas: areas.into_iter().map(|area| (area.path, (area.name_zh, area.name_en))).collect(),
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
            By::Group => category::GROUPS
                .iter()
                .find(|group| group.0 == key)
                .map(|group| (group.1.to_owned(), group.2.to_owned())),
            By::Category => category::find(key).map(|found| (found.zh.to_owned(), found.en.to_owned())),
            By::Source => Source::parse(key).map(source),
        };
        // What is called nothing any more goes by its id.
        known.unwrap_or_else(|| (key.to_owned(), key.to_owned()))
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
