//! The hotline's words: what a call is about, how urgent it is, what alarm it raises. Our own data, in
//! `assets/taxonomy.json`, of which box and hub speak by id.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// What a call is about, and which unit answers for it.
#[derive(Clone, Debug, Deserialize)]
pub struct Category {
    pub id: String,
    pub zh: String,
    /// The unit by its name in the county's plan.
    pub unit: String,
    /// Today's names of the unit.
    #[serde(default)]
    pub aliases: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct File {
    categories: Vec<Category>,
}

const TAXONOMY: &str = include_str!("../assets/taxonomy.json");

static FILE: LazyLock<File> =
    LazyLock::new(|| serde_json::from_str(TAXONOMY).expect("taxonomy.json is tested to read"));

/// Matters as id, Chinese, English, in the order of their keys 1 to 6.
pub const MATTERS: [(&str, &str, &str); 6] = [
    ("enquiry", "咨询", "Enquiry"),
    ("complaint", "投诉", "Complaint"),
    ("request", "求助", "Request"),
    ("suggestion", "建议", "Suggestion"),
    ("report", "举报", "Report"),
    ("praise", "表扬", "Praise"),
];

/// Ids of urgencies, worst first.
pub const URGENCIES: [&str; 3] = ["emergency", "urgent", "normal"];

/// Alarms as id, Chinese, English: situations in which a life may be at stake.
pub const ALARMS: [(&str, &str, &str); 12] = [
    ("fire", "火情", "Fire"),
    ("gas", "燃气泄漏", "Gas leak"),
    ("injury", "人员伤病", "Injury or illness"),
    ("violence", "暴力伤害", "Violence"),
    ("suicide", "轻生", "Suicide"),
    ("flood", "积水内涝", "Flood"),
    ("electric", "触电漏电", "Electric shock"),
    ("trapped", "人员被困", "Trapped"),
    ("missing", "人员走失", "Missing person"),
    ("collapse", "坍塌", "Collapse"),
    ("traffic", "交通事故", "Traffic accident"),
    ("explosion", "爆炸", "Explosion"),
];

/// In the order of the file.
pub fn categories() -> &'static [Category] {
    &FILE.categories
}

/// Something that a call may be, offered to whoever decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Offer {
    /// Id of the taxonomy.
    pub id: String,
    /// How sure: of offers at 80 four in five are right. 0 to 100.
    pub percent: u8,
    /// What was said that speaks for it, strongest first.
    pub words: Vec<String>,
}

/// What somebody said from which a life may be at stake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Alarm {
    /// Of [`ALARMS`].
    pub id: String,
    /// What was said that raised it, strongest first.
    pub words: Vec<String>,
    /// When the words were said, from the beginning of the call.
    pub at_ms: u64,
    /// The whole call still says so. An alarm is raised on half a sentence; the other half may take it back. It is then
    /// shown as such, and lowers nothing: that is for people to decide.
    pub holds: bool,
}

/// A place that was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ToldPlace {
    /// As it was said.
    pub text: String,
    /// Name of the grid, where the box's gazetteer knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<String>,
}

/// What a box has read from the words of a call: an offer for the ticket, never a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CallReading {
    /// What it is about in a few of the caller's own words; empty while nothing was finished.
    #[serde(default)]
    pub title: String,
    /// What the caller said of it, shortened.
    #[serde(default)]
    pub summary: String,
    /// Likeliest first.
    pub matters: Vec<Offer>,
    pub categories: Vec<Offer>,
    pub urgencies: Vec<Offer>,
    /// In the order in which they were raised.
    #[serde(default)]
    pub alarms: Vec<Alarm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<ToldPlace>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file reads and agrees with the tables here.
    #[test]
    fn file_and_tables_agree() {
        let file: serde_json::Value = serde_json::from_str(TAXONOMY).unwrap();
        for (list, table) in [("matters", &MATTERS[..]), ("alarms", &ALARMS)] {
            assert_eq!(file[list].as_object().unwrap().len(), table.len());
            for (id, zh, _) in table {
                assert_eq!(file[list][id], *zh);
            }
        }
        assert_eq!(file["urgency"], serde_json::json!(URGENCIES));
        assert_eq!(categories().len(), 27);
        assert!(categories().iter().all(|c| !c.unit.is_empty()));
    }
}
