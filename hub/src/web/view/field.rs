//! The page for people of the grids.

use askama::Template;

use super::{DueView, MapMode, MapView, Sev, Shell, StateWord, Theme};
use crate::web::moment::Moment;

/// A move that a task waits for.
#[derive(Clone, Debug)]
pub struct FieldMove {
    /// `check`, `handle_here` or `pass_up`.
    pub kind: &'static str,
    pub name: &'static str,
    /// Who could; nothing where this user may.
    pub why_not: Option<String>,
}

/// A picture that came with the report or with the result.
#[derive(Clone, Debug)]
pub struct FieldPicture {
    pub url: String,
    pub word: &'static str,
}

/// A form that was refused, with what was typed.
#[derive(Clone, Debug)]
pub struct FieldProblem {
    pub kind: String,
    pub why: String,
    /// What has changed since it was drawn: when, what, by whom.
    pub changed: Vec<String>,
    pub text: String,
    /// `1`, `0` or nothing.
    pub agrees: String,
    /// Ids of pictures that wait.
    pub pictures: Vec<String>,
}

/// Who has a task in hand because somebody gave it to him.
#[derive(Clone, Debug)]
pub struct FieldHand {
    pub by: String,
    pub to: String,
    pub at: Moment,
    /// He has taken it.
    pub is_taken: bool,
    /// To whoever looks.
    pub is_own: bool,
}

/// What was said or done beside the moves.
#[derive(Clone, Debug)]
pub struct TalkLine {
    pub at: Moment,
    pub by: String,
    pub action: String,
    pub text: String,
}

#[derive(Clone, Debug)]
pub struct FieldTask {
    pub number: String,
    pub title: String,
    /// 核查 or 处置
    pub word: &'static str,
    pub is_check: bool,
    pub sev: Sev,
    pub place: String,
    pub area: String,
    /// Latitude and longitude as texts; nothing where they are not known.
    pub at: Option<(String, String)>,
    pub due: Option<DueView>,
    pub opened: Moment,
    /// What the unit says that it has done.
    pub result: String,
    pub pictures: Vec<FieldPicture>,
    /// Position of the history that the forms are drawn from.
    pub position: i64,
    pub moves: Vec<FieldMove>,
    pub hand: Option<FieldHand>,
    /// To whom it can be handed.
    pub colleagues: Vec<String>,
    /// The newest last.
    pub talk: Vec<TalkLine>,
    /// Names the forms of it that are no moves: sent twice they are done once.
    pub form_id: String,
    pub problem: Option<FieldProblem>,
}

impl FieldTask {
    /// The refused form of this move.
    pub fn refused(&self, kind: &str) -> Option<&FieldProblem> {
        self.problem.as_ref().filter(|problem| problem.kind == kind)
    }
}

/// A case that this user reported.
#[derive(Clone, Debug)]
pub struct FieldMine {
    pub number: String,
    pub title: String,
    pub state: StateWord,
    pub place: String,
    pub opened: Moment,
    pub updated: Moment,
    pub due: Option<DueView>,
}

/// The form by which a matter is reported, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct FieldReport {
    /// Names the form: sent twice it is one case.
    pub form_id: String,
    pub title: String,
    pub text: String,
    pub place: String,
    /// Id, name, chosen.
    pub areas: Vec<(String, String, bool)>,
    /// Id, word, chosen.
    pub severities: Vec<(&'static str, &'static str, bool)>,
    pub latitude: String,
    pub longitude: String,
    pub accuracy: String,
    pub handled: bool,
    pub result: String,
    pub pictures: Vec<String>,
    pub problem: Option<String>,
    /// Who could handle a matter on the spot; nothing where this user may.
    pub no_handling: Option<String>,
}

#[derive(Template)]
#[template(path = "field.html")]
pub struct FieldPage<'a> {
    pub shell: &'a Shell,
    pub name: String,
    pub role: &'static str,
    /// Where the tasks lie, where there is anything to draw them on.
    pub map: Option<MapView>,
    /// Where he works.
    pub area: String,
    pub handles: Vec<FieldTask>,
    pub checks: Vec<FieldTask>,
    /// There are more tasks than are listed.
    pub more: bool,
    pub mine: Vec<FieldMine>,
    pub report: FieldReport,
    /// What was just done.
    pub done: Option<String>,
}

impl FieldPage<'_> {
    /// What `field.js` says.
    fn words(&self) -> Vec<(&'static str, &'static str)> {
        let l = self.shell.lang;
        vec![
            ("drafts", l.field_draft_count()),
            ("waiting", l.field_waiting()),
            ("sending", l.field_sending()),
            ("refused", l.field_refused()),
            ("edit", l.field_edit()),
            ("delete", l.field_delete()),
            ("delete-ask", l.field_delete_ask()),
            ("anew", l.field_send_anew()),
            ("save", l.field_save()),
            ("cancel", l.field_cancel()),
            ("saved", l.field_saved()),
            ("sent", l.field_sent()),
            ("moved", l.field_moved()),
            ("changed", l.field_changed()),
            ("full-drafts", l.field_full_drafts()),
            ("full-pictures", l.field_full_pictures()),
            ("full-disk", l.field_full_disk()),
            ("bad-picture", l.field_bad_picture()),
            ("no-store", l.field_no_store()),
            ("pictures", l.field_pictures()),
            ("located", l.field_located()),
            ("locating", l.field_locating()),
            ("no-locating", l.field_no_locating()),
            ("no-position", l.field_no_position()),
            ("metres-off", l.field_metres_off()),
            ("metres", l.field_metres()),
            ("away", l.field_away()),
            ("logout-ask", l.field_logout_ask()),
            ("pictures-wait", l.field_pictures_wait()),
            ("handled-not", l.field_handled_not()),
            ("result-missing", l.field_handled_result()),
            ("agrees-yes", l.move_agrees_yes()),
            ("agrees-no", l.move_agrees_no()),
            ("arriving", l.field_locating()),
        ]
    }
}

/// What has happened to a case since a draft was written; a part of a page.
#[derive(Template)]
#[template(path = "field_changes.html")]
pub struct FieldChanges<'a> {
    pub shell: &'a Shell,
    pub state: StateWord,
    pub changed: Vec<String>,
    /// Of the newest row: from which a draft that is decided anew goes on.
    pub position: i64,
}
