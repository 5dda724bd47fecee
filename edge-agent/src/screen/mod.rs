//! Screening: from what a caller says to alarms, tags, a place, and a text without private numbers.
//!
//! Pure: words in, findings out, no clock and no file but the gazetteer. It works on half a sentence as well as on a
//! whole one, and without any speech model.

pub mod address;
pub mod call;
mod danger;
mod digits;
pub mod gazetteer;
pub mod homophone;
#[cfg(test)]
mod messages;
mod plate;
pub mod privacy;
pub mod reading;
pub mod stream;
pub mod tagger;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use protocol::hotline::{ALARMS, MATTERS, URGENCIES, categories};
use serde::Serialize;

use address::Address;
use danger::{Danger, dangers};
use gazetteer::Gazetteer;
use privacy::{Kind, Private};
use reading::Reading;
use tagger::Tagger;
use tagger::correction::{Correction, Overlay};
use tagger::model::{Head, ranked};

/// From this probability of an emergency on an utterance raises an alarm. One in a hundred missed costs a life, one in ten
/// raised for nothing costs an operator a look; `models/tagger/README.md` has the curve.
pub const SAID: f32 = 0.2;
/// The same while it is being said: half a sentence is easily misread, and every half gets its chance.
pub const BEING_SAID: f32 = 0.7;
/// Categories that are offered.
const OFFERED: usize = 3;

/// A category that an utterance may belong to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Offer {
    pub id: &'static str,
    /// 0 to 1, calibrated: of offers at 0.8 four in five are right.
    pub confidence: f32,
    /// What was said that speaks for it, strongest first.
    pub words: Vec<String>,
}

/// What an utterance tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Screened {
    pub matter: &'static str,
    pub category: &'static str,
    pub category_top3: Vec<Offer>,
    /// The unit that answers for the category.
    pub unit: &'static str,
    pub urgency: &'static str,
    pub alarms: Vec<&'static str>,
    /// What was said that raised the first alarm.
    pub alarm_words: Vec<String>,
    pub address: Option<Address>,
    pub redacted: String,
    pub pii: BTreeSet<Kind>,
}

/// Screens utterances.
#[derive(Debug)]
pub struct Screener {
    /// Replaced whole: who weighs something goes on with the one it has.
    tagger: RwLock<Arc<Tagger>>,
    gazetteer: Gazetteer,
}

impl Screener {
    /// With the model that is part of the program.
    pub fn new(gazetteer: Gazetteer) -> Self {
        Self { tagger: RwLock::new(Arc::new(Tagger::built_in())), gazetteer }
    }

    /// From now on these corrections count, and no others.
    pub fn learn(&self, corrections: &[Correction]) {
        let mut tagger = Tagger::clone(&self.tagger());
        tagger.overlay = Overlay::learn(&tagger.topic, corrections);
        *self.tagger.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(tagger);
    }

    fn tagger(&self) -> Arc<Tagger> {
        Arc::clone(&self.tagger.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn screen(&self, text: &str) -> Screened {
        let reading = Reading::of(text);
        let tags = self.tagger().tags(&reading);
        let dangers = dangers(&self.tagger(), text, SAID);
        let urgency =
            if dangers.is_empty() { 1 + usize::from(tags.urgency[2] >= tags.urgency[1]) } else { 0 };
        let offers: Vec<Offer> = ranked(&tags.category)
            .take(OFFERED)
            .map(|category| Offer {
                id: &categories()[category].id,
                confidence: (tags.category[category] * 1_000.0).round() / 1_000.0,
                words: self.words(text, &reading, Head::Category, category),
            })
            .collect();
        let first = ranked(&tags.category).next().expect("there are categories");
        let private = privacy::find_in(text);
        Screened {
            matter: MATTERS[ranked(&tags.matter).next().expect("there are matters")].0,
            category: &categories()[first].id,
            category_top3: offers,
            unit: &categories()[first].unit,
            urgency: URGENCIES[urgency],
            alarm_words: dangers.first().map_or_else(Vec::new, |danger| self.words_of(text, danger)),
            alarms: dangers.iter().map(|danger| ALARMS[danger.alarm].0).collect(),
            address: address::find(text, &reading, &self.gazetteer),
            redacted: privacy::redacted(text, &private),
            pii: kinds(&private),
        }
    }

    /// What was said that tells a danger.
    fn words_of(&self, text: &str, danger: &Danger) -> Vec<String> {
        let part: String = text.chars().skip(danger.chars.start).take(danger.chars.len()).collect();
        self.words(&part, &Reading::of(&part), Head::Alarm, danger.alarm)
    }

    /// The stretches of `text` that speak for an answer.
    fn words(&self, text: &str, reading: &Reading, head: Head, answer: usize) -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        let reasons = self.tagger().reasons(reading, head, answer);
        reasons.into_iter().map(|letters| chars[reading.span(letters)].iter().collect()).collect()
    }
}

/// The kinds that have a name.
fn kinds(private: &[Private]) -> BTreeSet<Kind> {
    private.iter().map(|p| p.kind).filter(|kind| *kind != Kind::Number).collect()
}
