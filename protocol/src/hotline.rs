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

/// Offers of one kind that a call brings, and words that are quoted for each offer or alarm.
pub const MAX_OFFERS: usize = 3;
pub const MAX_WORDS: usize = 3;

/// Longest title, summary, place or quoted word of a reading, in characters.
pub const MAX_READ_CHARS: usize = 200;

/// What a box has read from the words of a call: an offer for the ticket, never a decision. How much of it there may be
/// is [`CallReading::bounded`].
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

impl CallReading {
    /// As much as a hub keeps: of each kind the first [`MAX_OFFERS`] offers that the taxonomy knows, each known alarm once,
    /// the first [`MAX_WORDS`] words of either, and texts of at most [`MAX_READ_CHARS`] characters without control
    /// characters. What is over is cut and never refused: no alarm may be lost for a long title.
    #[must_use]
    pub fn bounded(self) -> Self {
        let known = |id: &str| ALARMS.iter().any(|alarm| alarm.0 == id);
        let mut alarms: Vec<Alarm> = Vec::new();
        for alarm in self.alarms {
            if known(&alarm.id) && alarms.iter().all(|other| other.id != alarm.id) {
                alarms.push(alarm.bounded());
            }
        }
        let place = self.place.map(|place| ToldPlace { text: cut(place.text), grid: place.grid.map(cut) });
        Self {
            title: cut(self.title),
            summary: cut(self.summary),
            matters: offers(self.matters, |id| MATTERS.iter().any(|matter| matter.0 == id)),
            categories: offers(self.categories, |id| categories().iter().any(|category| category.id == id)),
            urgencies: offers(self.urgencies, |id| URGENCIES.contains(&id)),
            alarms,
            place,
        }
    }
}

impl Alarm {
    /// With no more words than are shown.
    #[must_use]
    pub fn bounded(self) -> Self {
        Self { words: words(self.words), ..self }
    }
}

fn offers(offers: Vec<Offer>, known: impl Fn(&str) -> bool) -> Vec<Offer> {
    let known = offers.into_iter().filter(|offer| known(&offer.id)).take(MAX_OFFERS);
    known.map(|offer| Offer { percent: offer.percent.min(100), words: words(offer.words), ..offer }).collect()
}

fn words(words: Vec<String>) -> Vec<String> {
    words.into_iter().take(MAX_WORDS).map(cut).collect()
}

/// Control characters go too: some of them a database refuses, and with them the whole message.
pub(crate) fn cut(text: String) -> String {
    let fits = text.len() <= MAX_READ_CHARS && !text.contains(char::is_control);
    if fits { text } else { text.chars().filter(|c| !c.is_control()).take(MAX_READ_CHARS).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a box tells is cut to what is kept, in its order; what fits is left as it is.
    #[test]
    fn a_reading_is_cut() {
        let offer = |id: &str| Offer { id: id.into(), percent: 200, words: vec!["词".repeat(300); 9] };
        let alarm =
            |id: &str, at_ms| Alarm { id: id.into(), words: vec!["着火".into(); 9], at_ms, holds: true };
        let told = CallReading {
            title: format!("a\0b{}", "长".repeat(300)),
            summary: "长".repeat(300),
            matters: ["none", "report", "request", "praise", "enquiry"].map(offer).to_vec(),
            categories: ["noise", "none", "power", "land", "legal"].map(offer).to_vec(),
            urgencies: vec![offer("urgent"); 4],
            alarms: vec![alarm("fire", 1), alarm("none", 2), alarm("fire", 3), alarm("gas", 4)],
            place: Some(ToldPlace { text: "路".repeat(300), grid: Some("格".repeat(300)) }),
        };
        let kept = told.bounded();
        assert!(kept.title.starts_with("ab长") && kept.title.chars().count() == MAX_READ_CHARS);
        assert_eq!(kept.summary, "长".repeat(MAX_READ_CHARS));
        let ids = |offers: &[Offer]| offers.iter().map(|offer| offer.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&kept.matters), ["report", "request", "praise"]);
        assert_eq!(ids(&kept.categories), ["noise", "power", "land"]);
        assert_eq!(ids(&kept.urgencies), ["urgent"; 3]);
        assert_eq!((kept.matters[0].percent, kept.matters[0].words.len()), (100, MAX_WORDS));
        assert_eq!(kept.matters[0].words[0].chars().count(), MAX_READ_CHARS);
        let alarms: Vec<_> = kept.alarms.iter().map(|a| (a.id.as_str(), a.at_ms, a.words.len())).collect();
        assert_eq!(alarms, [("fire", 1, MAX_WORDS), ("gas", 4, MAX_WORDS)]);
        let place = kept.place.clone().unwrap();
        assert_eq!(
            (place.text.chars().count(), place.grid.unwrap().chars().count()),
            (MAX_READ_CHARS, MAX_READ_CHARS)
        );
        assert_eq!(kept.clone().bounded(), kept);
    }

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
