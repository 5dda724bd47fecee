//! The hotline's matters, urgencies and categories: our own data, in `assets/taxonomy.json`.

use std::sync::LazyLock;

use protocol::Severity;
use serde::Deserialize;

use crate::web::text::Lang;

#[derive(Debug, Deserialize)]
struct File {
    categories: Vec<Category>,
}

/// What a call is about, and which unit answers for it.
#[derive(Clone, Debug, Deserialize)]
pub struct Category {
    pub id: String,
    pub zh: String,
    pub unit: String,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../assets/taxonomy.json")).expect("taxonomy.json is tested to read")
});

/// Matters in the order of their keys 1 to 6.
pub const MATTERS: [(&str, &str, &str); 6] = [
    ("enquiry", "咨询", "Enquiry"),
    ("complaint", "投诉", "Complaint"),
    ("request", "求助", "Request"),
    ("suggestion", "建议", "Suggestion"),
    ("report", "举报", "Report"),
    ("praise", "表扬", "Praise"),
];

/// Urgencies, worst first, with the severity whose shape they wear.
pub const URGENCIES: [(&str, &str, &str, Severity); 3] = [
    ("emergency", "紧急", "Emergency", Severity::Emergency),
    ("urgent", "加急", "Urgent", Severity::Major),
    ("normal", "一般", "Normal", Severity::Normal),
];

/// English names of the categories, which the taxonomy file does not carry.
const ENGLISH: [(&str, &str); 27] = [
    ("fire_hazard", "Fire hazard"),
    ("public_order", "Public order"),
    ("noise", "Noise"),
    ("pollution", "Pollution"),
    ("sanitation", "Street cleaning"),
    ("illegal_building", "Illegal building"),
    ("road_traffic", "Traffic and parking"),
    ("transport_service", "Bus and taxi"),
    ("power", "Electricity"),
    ("utilities", "Water, gas, heating"),
    ("street_facility", "Street facilities"),
    ("property", "Housing and property management"),
    ("labour", "Labour"),
    ("education", "Education"),
    ("health", "Health care"),
    ("family_planning", "Family planning"),
    ("civil_affairs", "Welfare and elderly care"),
    ("disability", "Disability services"),
    ("consumer", "Consumer protection"),
    ("land", "Land"),
    ("telecom", "Telecommunications"),
    ("household", "Household papers"),
    ("legal", "Legal aid and mediation"),
    ("work_safety", "Work safety"),
    ("science", "Science services"),
    ("petition", "Petitions"),
    ("other", "Other"),
];

pub fn categories() -> &'static [Category] {
    &FILE.categories
}

pub fn category(id: &str) -> Option<&'static Category> {
    categories().iter().find(|category| category.id == id)
}

impl Category {
    pub fn word(&self, lang: Lang) -> &str {
        let english =
            ENGLISH.iter().find(|(id, _)| *id == self.id).map_or(self.id.as_str(), |(_, word)| word);
        lang.pick(&self.zh, english)
    }
}

pub fn matter(id: &str, lang: Lang) -> Option<&'static str> {
    MATTERS.iter().find(|row| row.0 == id).map(|row| lang.pick(row.1, row.2))
}

pub fn urgency(id: &str, lang: Lang) -> Option<(&'static str, Severity)> {
    URGENCIES.iter().find(|row| row.0 == id).map(|row| (lang.pick(row.1, row.2), row.3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file reads, agrees with the tables here, and every category has an English name.
    #[test]
    fn file_and_tables_agree() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../../assets/taxonomy.json")).unwrap();
        for (id, zh, _) in MATTERS {
            assert_eq!(file["matters"][id], zh);
        }
        assert_eq!(file["matters"].as_object().unwrap().len(), MATTERS.len());
        let urgencies: Vec<_> = URGENCIES.iter().map(|row| row.0).collect();
        assert_eq!(file["urgency"], serde_json::json!(urgencies));
        for category in categories() {
            assert!(ENGLISH.iter().any(|(id, _)| *id == category.id), "{} has no English name", category.id);
        }
        assert_eq!(categories().len(), ENGLISH.len());
    }
}
