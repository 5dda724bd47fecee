//! What can be done with a case: each move a form, or the words why not.

use super::{HistoryView, PickCard};
use crate::web::moment::Moment;

/// The moves of one case as one person sees them.
#[derive(Clone, Debug, Default)]
pub struct MovesView {
    /// Of the case's history, when the forms were drawn: a form that is older than the case changes nothing.
    pub position: i64,
    /// The one that is next.
    pub primary: Option<MoveView>,
    /// The others, by who may.
    pub groups: Vec<MoveGroup>,
    /// Of a form that is not there any more.
    pub refused: Option<RefusedView>,
    /// Units of the newest dispatch.
    pub parts: Vec<PartView>,
    /// Requests that wait for their decision.
    pub asked: Vec<AskedView>,
}

#[derive(Clone, Debug)]
pub struct MoveGroup {
    pub who: String,
    pub moves: Vec<MoveView>,
}

#[derive(Clone, Debug)]
pub struct MoveView {
    /// `move-file`, `move-decide-…`: of the element.
    pub id: String,
    /// What the form says that it is.
    pub kind: &'static str,
    pub name: String,
    pub key: Option<&'static str>,
    /// What it does, in a few words.
    pub about: String,
    /// Why it cannot be done, and by whom; then there is no form.
    pub why_not: Option<String>,
    /// Last part of the form's address: `moves` or `shelf`.
    pub address: &'static str,
    pub fields: Vec<FieldView>,
    pub buttons: Vec<ButtonView>,
    /// Asked before it is done.
    pub confirm: Option<&'static str>,
    pub is_open: bool,
    /// What came back of the last try.
    pub refused: Option<RefusedView>,
}

impl MoveView {
    /// Whether files travel with it.
    pub fn has_pictures(&self) -> bool {
        self.fields.iter().any(|field| matches!(field.control, Control::Pictures(_)))
    }
}

#[derive(Clone, Debug)]
pub struct ButtonView {
    /// What it sends; a plain button sends nothing.
    pub sends: Option<(&'static str, &'static str)>,
    pub word: String,
}

#[derive(Clone, Debug)]
pub struct FieldView {
    pub name: &'static str,
    /// Unique on the page.
    pub id: String,
    pub label: &'static str,
    /// Below the field; may be empty.
    pub hint: String,
    pub is_required: bool,
    pub control: Control,
}

#[derive(Clone, Debug)]
pub enum Control {
    Hidden(String),
    Line(String),
    Text(String),
    /// A date with a time of day.
    When(String),
    /// So many of these.
    Amount {
        count: String,
        units: Vec<OptionView>,
    },
    /// One of several, under headings; `find`: of so many that one looks for it.
    Choice {
        groups: Vec<(String, Vec<OptionView>)>,
        find: bool,
    },
    /// To which unit: those that are suggested, with what they have to do and why; and a list of the others.
    Picks {
        cards: Vec<PickCard>,
        others: Vec<OptionView>,
    },
    /// One of a few.
    Radios(Vec<OptionView>),
    /// Any of several.
    Checks(Vec<OptionView>),
    /// Pictures from here; those of the last try wait already, by their ids.
    Pictures(Vec<String>),
    /// Nothing to fill in.
    Note,
}

#[derive(Clone, Debug)]
pub struct OptionView {
    pub value: String,
    pub word: String,
    pub on: bool,
}

/// A move that was not made.
#[derive(Clone, Debug)]
pub struct RefusedView {
    pub why: String,
    /// What has happened since the form was drawn.
    pub changed: Vec<HistoryView>,
    /// What was typed, where no form shows it: label and text.
    pub kept: Vec<(String, String)>,
}

/// What one unit has to do.
#[derive(Clone, Debug)]
pub struct PartView {
    pub is_lead: bool,
    pub part: &'static str,
    pub unit: String,
    pub state: &'static str,
    /// Who of the unit has it; may be empty.
    pub desk: String,
    pub due: Option<Moment>,
    pub is_late: bool,
}

#[derive(Clone, Debug)]
pub struct AskedView {
    pub what: &'static str,
    /// How much, until when, which; may be empty.
    pub detail: String,
    pub by: String,
    pub at: Moment,
    pub reason: String,
    pub endorsed_by: Option<String>,
}
