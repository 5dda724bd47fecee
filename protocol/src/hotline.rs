//! The hotline's words: what a call is about, how urgent it is, what alarm it raises. Our own data, in
//! `assets/taxonomy.json`, of which box and hub speak by id.

use std::sync::LazyLock;

use serde::Deserialize;

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
