//! 大类 and 小类 as a county has them: data, imported from a sheet, beginning with the built-in ones.
//!
//! A category has a name and a code, the kinds of incidents and the categories of the hotline that mean it, and the units
//! that usually answer for it, by area. What a case can be filed under is what is here and active, asked in the transaction
//! that files it. Nothing that a case, a request or a policy names can vanish; it becomes inactive.
//!
//! A tenant without rows of its own has the built-in ones ([`crate::case::category`]), which also keep the words for screens.

pub mod cli;
mod import;
pub mod likely;
mod store;
mod suggest;
#[cfg(test)]
mod tests;

use protocol::IncidentKind;
use serde::{Deserialize, Serialize};

pub use import::{ImportError, Imported, Mode, import};
pub use suggest::{
    CategorySuggestion, Heard, UnitSuggestion, category as suggest_category, unit as suggest_unit,
    units as suggest_units,
};

use crate::case::category::{self as built_in, GROUPS};
use crate::db::{Db, Result, Tx};
use crate::organisation::AreaPath;

/// Categories and groups of one tenant.
pub const MOST: usize = 2_000;

/// 部件 or 事件.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    Thing,
    Event,
}

impl Sort {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Thing => "thing",
            Self::Event => "event",
        }
    }

    fn kept(word: &str) -> Self {
        if word == "thing" { Self::Thing } else { Self::Event }
    }
}

/// 大类
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub id: String,
    pub sort: Sort,
    /// By which other systems know it; may be empty.
    pub code: String,
    pub zh: String,
    pub en: String,
}

/// 小类
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    pub id: String,
    pub group: String,
    pub code: String,
    pub zh: String,
    pub en: String,
    /// [`IncidentKind`]s that mean it.
    pub kinds: Vec<String>,
    /// Categories of the hotline that mean it.
    pub hotline: Vec<String>,
    /// Who usually answers for it, where.
    pub units: Vec<(AreaPath, String)>,
    /// Nothing is filed under it any more.
    pub active: bool,
}

impl Category {
    /// The unit for everywhere.
    pub fn unit(&self) -> Option<&str> {
        let everywhere = self.units.iter().find(|(area, _)| *area == AreaPath::everything());
        everywhere.map(|(_, unit)| unit.as_str())
    }
}

/// All of a tenant, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Categories {
    pub groups: Vec<Group>,
    pub categories: Vec<Category>,
}

impl Categories {
    /// Those that every hub brings.
    pub fn built_in() -> Self {
        let event = |(id, zh, en): (&str, &str, &str)| Group {
            id: id.to_owned(),
            // Lamps and covers of manholes are things, the rest are events; a county says so more finely.
            sort: Sort::Event,
            code: String::new(),
            zh: zh.to_owned(),
            en: en.to_owned(),
        };
        let of = |own: &built_in::Category| {
            let is_kind = IncidentKind::ALL.iter().any(|kind| kind.as_str() == own.id);
            let id = own.id.to_owned();
            Category {
                kinds: if is_kind { vec![id.clone()] } else { Vec::new() },
                hotline: if is_kind { Vec::new() } else { vec![id.clone()] },
                units: own.unit.iter().map(|unit| (AreaPath::everything(), (*unit).to_owned())).collect(),
                id,
                group: own.group.to_owned(),
                code: String::new(),
                zh: own.zh.to_owned(),
                en: own.en.to_owned(),
                active: true,
            }
        };
        let mut all = Self {
            groups: GROUPS.into_iter().map(event).collect(),
            categories: built_in::all().iter().map(of).collect(),
        };
        all.groups.sort_by(|a, b| a.id.cmp(&b.id));
        all.categories.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    pub fn find(&self, id: &str) -> Option<&Category> {
        self.categories.iter().find(|category| category.id == id)
    }

    /// What another system calls it: by its id, its code or its Chinese name.
    pub fn told(&self, word: &str) -> Option<&Category> {
        let mut active = self.categories.iter().filter(|category| category.active);
        let by_code = |own: &&Category| !own.code.is_empty() && own.code == word;
        active
            .clone()
            .find(|own| own.id == word)
            .or_else(|| active.clone().find(by_code))
            .or_else(|| active.find(|own| own.zh == word))
    }

    /// The active category that an incident of this kind means.
    pub fn of_kind(&self, kind: &str) -> Option<&Category> {
        self.categories.iter().find(|own| own.active && own.kinds.iter().any(|one| one == kind))
    }

    /// What a case of the hotline's category is filed under: what means it; else the like-named one; else 其他, so that no
    /// call waits for a sheet to be mended.
    pub fn of_hotline(&self, hotline: &str) -> Option<&Category> {
        let means =
            self.categories.iter().find(|own| own.active && own.hotline.iter().any(|one| one == hotline));
        means.or_else(|| self.active(hotline)).or_else(|| self.active(OTHER))
    }

    fn active(&self, id: &str) -> Option<&Category> {
        self.find(id).filter(|own| own.active)
    }

    /// For screens.
    fn learn(&self) {
        for own in &self.categories {
            built_in::learn(&own.id, &own.group, (&own.zh, &own.en), own.unit());
        }
    }
}

/// 其他
pub const OTHER: &str = "other";

/// Those of a tenant.
pub async fn all(db: &Db, tenant: &str) -> Result<Categories> {
    let own = store::all(db, tenant).await?;
    own.learn();
    Ok(if own.categories.is_empty() { Categories::built_in() } else { own })
}

/// The same inside a transaction.
pub async fn all_in(tx: &mut Tx, tenant: &str) -> Result<Categories> {
    let own = store::all_in(tx, tenant).await?;
    own.learn();
    Ok(if own.categories.is_empty() { Categories::built_in() } else { own })
}
