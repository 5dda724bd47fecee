//! Areas, units and people in words, and addresses of the pages about them.

use protocol::UtcMs;

use super::local;
use crate::admin::audit::{self, Deed};
use crate::app::App;
use crate::db::Result;
use crate::organisation::{self, Area, AreaPath, Unit};
use crate::user::{Grant, Role};
use crate::web::guard::percent;
use crate::web::text::Lang;
use crate::web::view::{AdminChoice, LastView};

/// Areas that are offered while one is typed; every other is found by its id.
const MOST_OFFERED: usize = 400;

/// What areas and units are called.
pub(super) struct Names {
    pub(super) areas: Vec<Area>,
    pub(super) units: Vec<Unit>,
    lang: Lang,
}

impl Names {
    pub(super) async fn read(app: &App, lang: Lang) -> Result<Self> {
        let tenant = app.tenant().as_str();
        organisation::store::seed_units(&app.db, tenant).await?;
        Ok(Self {
            areas: organisation::store::areas(&app.db, tenant).await?,
            units: organisation::store::units(&app.db, tenant).await?,
            lang,
        })
    }

    pub(super) fn area(&self, path: &str) -> String {
        if path == "/" {
            return self.lang.admin_everywhere().to_owned();
        }
        let known = self.areas.iter().find(|area| area.path == path);
        known.map_or_else(|| path.to_owned(), |area| self.of_area(area).to_owned())
    }

    pub(super) fn of_area<'a>(&self, area: &'a Area) -> &'a str {
        self.lang.pick(&area.name_zh, if area.name_en.is_empty() { &area.name_zh } else { &area.name_en })
    }

    pub(super) fn unit(&self, id: &str) -> String {
        let known = self.units.iter().find(|unit| unit.unit == id);
        known.map_or_else(|| id.to_owned(), |unit| self.lang.pick(&unit.name_zh, &unit.name_en).to_owned())
    }

    /// `派遣员 · 城关镇`
    pub(super) fn grant(&self, grant: &Grant) -> String {
        let mut text = grant.role.word(self.lang).to_owned();
        if let Some(unit) = &grant.unit {
            text += &format!(" · {}", self.unit(unit));
        }
        format!("{text} · {}", self.area(grant.area.as_str()))
    }

    /// The path of an area by its id; nothing written is everywhere.
    pub(super) fn path(&self, id: &str) -> Option<AreaPath> {
        let id = id.trim();
        if id.is_empty() {
            return Some(AreaPath::everything());
        }
        let known = self.areas.iter().find(|area| area.area == id);
        known.map(|area| AreaPath::kept(area.path.clone()))
    }

    /// Areas that somebody may name.
    pub(super) fn area_choices(&self, may: impl Fn(&AreaPath) -> bool) -> Vec<AdminChoice> {
        let own = self.areas.iter().filter(|area| may(&AreaPath::kept(area.path.clone())));
        own.take(MOST_OFFERED)
            .map(|area| AdminChoice {
                value: area.area.clone(),
                word: self.of_area(area).to_owned(),
                on: false,
            })
            .collect()
    }

    pub(super) fn unit_choices(&self, may: impl Fn(&AreaPath) -> bool) -> Vec<AdminChoice> {
        let own =
            self.units.iter().filter(|unit| unit.active == 1 && may(&AreaPath::kept(unit.area.clone())));
        own.map(|unit| AdminChoice { value: unit.unit.clone(), word: self.unit(&unit.unit), on: false })
            .collect()
    }
}

/// Every role, one of them chosen.
pub(super) fn role_choices(chosen: &str, lang: Lang) -> Vec<AdminChoice> {
    let choice = |role: Role| AdminChoice {
        value: role.as_str().to_owned(),
        word: role.word(lang).to_owned(),
        on: role.as_str() == chosen,
    };
    Role::ALL.map(choice).to_vec()
}

/// A part of an address that is a name.
pub(super) fn segment(name: &str) -> String {
    percent(name).replace('/', "%2F")
}

pub(super) fn user_page(name: &str) -> String {
    format!("/admin/users/{}", segment(name))
}

/// `user:chen` as `chen`, the command line in words.
pub(super) fn who(by: &str, lang: Lang) -> String {
    match by.strip_prefix("user:") {
        Some(name) => name.to_owned(),
        None if by == "cli" || by == "hub" => lang.admin_cli().to_owned(),
        None => by.to_owned(),
    }
}

/// When something was done last.
pub(super) async fn last(app: &App, deed: Deed, lang: Lang) -> Result<Option<LastView>> {
    let newest = audit::newest(&app.db, app.tenant().as_str(), deed).await?;
    let local = local(app);
    Ok(newest.map(|(at, by)| LastView { at: local.moment(UtcMs(at)), by: who(&by, lang) }))
}
