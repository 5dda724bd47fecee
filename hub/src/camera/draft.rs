//! What a camera watches for, as somebody has it before him: every field as it is typed, so that it comes back as it was,
//! right or wrong. [`super::check`] says what is wrong, [`super::text`] reads and writes the configuration.

use serde::{Deserialize, Serialize};

/// Zones, lines, masks or rules of one camera that this page edits, at most of each.
pub const MOST_OF_EACH: usize = 100;
/// A draft that is kept, as JSON, at most: what a message to the box can carry.
pub const MOST_BYTES: usize = protocol::limits::MAX_MESSAGE_BYTES;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = CameraDraft)]
pub struct Draft {
    pub zones: Vec<Shape>,
    pub lines: Vec<Shape>,
    /// Without an id.
    pub masks: Vec<Shape>,
    pub rules: Vec<Rule>,
}

/// A zone, a line or a mask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = CameraShape)]
pub struct Shape {
    /// Which of the text's tables it was; nothing: it is new.
    pub was: Option<usize>,
    pub id: String,
    /// `x,y x,y …`
    pub points: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = CameraRule)]
pub struct Rule {
    /// Which of the text's tables it was; nothing: it is new.
    pub was: Option<usize>,
    pub id: String,
    pub kind: String,
    pub name: String,
    pub name_en: String,
    pub enabled: bool,
    pub zone: String,
    pub line: String,
    pub direction: String,
    /// Apart by commas.
    pub labels: String,
    pub min_score: String,
    pub min_size: String,
    pub dwell_s: String,
    pub count: String,
    pub severity: String,
    pub cooldown_s: String,
    /// Apart by commas.
    pub days: String,
    pub from: String,
    pub to: String,
    pub holidays: String,
    /// Stretches of its schedule; more than one are not edited here and stay as they are.
    pub stretches: usize,
}

impl Default for Rule {
    fn default() -> Self {
        let none = String::new;
        Self {
            was: None,
            id: none(),
            kind: none(),
            name: none(),
            name_en: none(),
            enabled: true,
            zone: none(),
            line: none(),
            direction: none(),
            labels: none(),
            min_score: none(),
            min_size: none(),
            dwell_s: none(),
            count: none(),
            severity: none(),
            cooldown_s: none(),
            days: none(),
            from: none(),
            to: none(),
            holidays: none(),
            stretches: 0,
        }
    }
}

impl Shape {
    /// Nothing was filled in.
    pub fn is_blank(&self) -> bool {
        self.was.is_none() && self.id.is_empty() && self.points.is_empty()
    }

    /// Where it stood does not matter.
    pub fn says_the_same(&self, other: &Self) -> bool {
        Self { was: None, ..self.clone() } == Self { was: None, ..other.clone() }
    }
}

impl Rule {
    pub fn is_blank(&self) -> bool {
        self.was.is_none() && self.id.is_empty() && self.kind.is_empty()
    }

    pub fn says_the_same(&self, other: &Self) -> bool {
        let bare = |rule: &Self| Self {
            was: None,
            labels: words(&rule.labels).join(", "),
            days: words(&rule.days).join(", "),
            // One that has no schedule yet gets one of one stretch.
            stretches: rule.stretches.max(1),
            ..rule.clone()
        };
        bare(self) == bare(other)
    }
}

/// Words that stand apart by commas, of either script, or spaces.
pub fn words(text: &str) -> Vec<&str> {
    text.split([',', '，', '、', ' ', '\u{3000}']).filter(|word| !word.is_empty()).collect()
}

/// A number as people type it; nothing where it is none.
pub fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|v| v.is_finite())
}
