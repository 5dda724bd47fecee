//! What a case is about, in two levels: 大类 and 小类. Those of the hotline's taxonomy, and those that boxes raise: what every
//! hub begins with.
//!
//! A county has its own as data ([`crate::category`]), which also says what a case can be filed under. Their words are learnt
//! here, for screens and exports that have no database at hand; nothing is decided by what is learnt.

use std::collections::BTreeMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use protocol::IncidentKind;
use protocol::hotline::categories;

use crate::organisation::unit;
use crate::ticket::taxonomy;
use crate::web::text::Lang;

/// 大类: id, Chinese, English.
pub const GROUPS: [(&str, &str, &str); 8] = [
    ("public_safety", "公共安全", "Public safety"),
    ("environment", "环境保护", "Environment"),
    ("city", "市容市政", "Streets and facilities"),
    ("traffic", "交通运输", "Traffic"),
    ("housing", "住房与公用事业", "Housing and utilities"),
    ("livelihood", "民生服务", "Public services"),
    ("governance", "社会治理", "Governance"),
    ("equipment", "监测设备", "Monitoring equipment"),
];

/// 小类.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Category {
    pub id: &'static str,
    /// Id of its [`GROUPS`] row.
    pub group: &'static str,
    pub zh: &'static str,
    pub en: &'static str,
    /// Unit that usually answers for it.
    pub unit: Option<&'static str>,
}

/// Where the hotline's categories belong.
fn group_of(hotline: &str) -> &'static str {
    match hotline {
        "fire_hazard" | "public_order" | "work_safety" => "public_safety",
        "noise" | "pollution" => "environment",
        "sanitation" | "illegal_building" | "street_facility" => "city",
        "road_traffic" | "transport_service" => "traffic",
        "power" | "utilities" | "property" | "telecom" | "land" => "housing",
        "legal" | "petition" | "other" => "governance",
        _ => "livelihood",
    }
}

/// Which unit answers for what boxes raise; nobody but the installer for what is wrong with a box.
fn raised(kind: IncidentKind) -> Option<(&'static str, Option<&'static str>)> {
    use IncidentKind as K;
    match kind {
        K::Hotline => None,
        K::Fire | K::Smoke | K::BlockedLane | K::EbikeInLift => Some(("public_safety", Some("work_safety"))),
        K::Fall => Some(("public_safety", Some("health"))),
        K::Intrusion | K::LineCrossing | K::Loitering | K::Crowding | K::AbandonedObject => {
            Some(("public_safety", Some("police")))
        }
        K::VehicleForbidden => Some(("traffic", Some("transport"))),
        K::CameraCovered
        | K::CameraDefocused
        | K::CameraMoved
        | K::CameraFrozen
        | K::CameraLost
        | K::DeviceLost => Some(("equipment", None)),
    }
}

static ALL: LazyLock<Vec<Category>> = LazyLock::new(|| {
    let raised = IncidentKind::ALL.iter().filter_map(|kind| {
        let (group, unit) = raised(*kind)?;
        Some(Category { id: kind.as_str(), group, zh: kind.zh(), en: kind.en(), unit })
    });
    let told = categories().iter().map(|told| Category {
        id: &told.id,
        group: group_of(&told.id),
        zh: &told.zh,
        en: taxonomy::word(told, Lang::En),
        unit: unit::by_name(&told.unit),
    });
    raised.chain(told).collect()
});

pub fn all() -> &'static [Category] {
    &ALL
}

pub fn find(id: &str) -> Option<&'static Category> {
    let learnt = LEARNT.read().unwrap_or_else(PoisonError::into_inner);
    learnt.get(id).copied().or_else(|| ALL.iter().find(|category| category.id == id))
}

/// Whether every hub has it.
pub fn is_built_in(id: &str) -> bool {
    ALL.iter().any(|category| category.id == id)
}

static LEARNT: RwLock<BTreeMap<String, &'static Category>> = RwLock::new(BTreeMap::new());

/// What is learnt stays in memory as long as the process: more words than these are shown as their ids.
const MOST_LEARNT: usize = 4_096;

/// Learns the words of a category, where they are not known as they are.
pub(crate) fn learn(id: &str, group: &str, (zh, en): (&str, &str), unit: Option<&str>) {
    let same = |known: &Category| {
        (known.group, known.zh, known.en, known.unit) == (group, zh, en, unit) && known.id == id
    };
    if find(id).is_some_and(same) {
        return;
    }
    let mut learnt = LEARNT.write().unwrap_or_else(PoisonError::into_inner);
    if learnt.len() >= MOST_LEARNT {
        return;
    }
    let keep = |text: &str| -> &'static str { String::leak(text.to_owned()) };
    let category =
        Category { id: keep(id), group: keep(group), zh: keep(zh), en: keep(en), unit: unit.map(keep) };
    learnt.insert(id.to_owned(), Box::leak(Box::new(category)));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids are one list without repetition; every category has a group that is there, and every one of the hotline's a unit.
    #[test]
    fn the_two_levels_hold_together() {
        let mut ids: Vec<_> = all().iter().map(|category| category.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all().len());
        assert_eq!(all().len(), 17 + 27);
        for category in all() {
            assert!(GROUPS.iter().any(|group| group.0 == category.group), "{category:?}");
            let of_equipment = category.group == "equipment";
            assert_eq!(category.unit.is_none(), of_equipment, "{category:?}");
        }
        assert_eq!(find("noise").unwrap().unit, Some("environment"));
        assert!(find("hotline").is_none());
    }
}
