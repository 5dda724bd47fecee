//! The hotline's words in the two languages of the pages. The lists themselves are the protocol's.

use protocol::Severity;
pub use protocol::hotline::{Category, MATTERS, categories};

use crate::organisation::unit::SEED;
use crate::web::text::Lang;

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

pub fn category(id: &str) -> Option<&'static Category> {
    categories().iter().find(|category| category.id == id)
}

/// The name of a category.
pub fn word(category: &Category, lang: Lang) -> &str {
    let english =
        ENGLISH.iter().find(|(id, _)| *id == category.id).map_or(category.id.as_str(), |(_, word)| word);
    lang.pick(&category.zh, english)
}

/// The unit that usually answers for it. The taxonomy file has its Chinese name.
pub fn unit(category: &Category, lang: Lang) -> &str {
    let named = SEED.iter().find(|(_, zh, _)| *zh == category.unit);
    lang.pick(&category.unit, named.map_or(category.unit.as_str(), |(_, _, en)| en))
}

pub fn matter(id: &str, lang: Lang) -> Option<&'static str> {
    MATTERS.iter().find(|row| row.0 == id).map(|row| lang.pick(row.1, row.2))
}

pub fn urgency(id: &str, lang: Lang) -> Option<(&'static str, Severity)> {
    URGENCIES.iter().find(|row| row.0 == id).map(|row| (lang.pick(row.1, row.2), row.3))
}

/// How severe a case of this urgency is at least.
pub fn severity(urgency: &str) -> Option<Severity> {
    URGENCIES.iter().find(|row| row.0 == urgency).map(|row| row.3)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables agree with the protocol's, and every category has an English name.
    #[test]
    fn tables_agree() {
        let urgencies: Vec<_> = URGENCIES.iter().map(|row| row.0).collect();
        assert_eq!(urgencies, protocol::hotline::URGENCIES);
        for category in categories() {
            assert!(ENGLISH.iter().any(|(id, _)| *id == category.id), "{} has no English name", category.id);
        }
        assert_eq!(categories().len(), ENGLISH.len());
    }
}
