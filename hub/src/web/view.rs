//! What the templates show: plain data, already in words. No decisions here, no SQL.

use askama::Template;

use super::moment::Moment;
use super::text::Lang;
use crate::user::role::Role;

/// Light by day, dark by night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

impl Theme {
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }

    pub fn code(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// Which entry of the navigation is lit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nav {
    Cases,
    Hotline,
    Devices,
    Commands,
    Quarantine,
    None,
}

/// Who looks at the page.
#[derive(Clone, Debug)]
pub struct Who {
    pub name: String,
    pub role: Role,
}

/// The frame around every page.
#[derive(Clone, Debug)]
pub struct Shell {
    pub lang: Lang,
    pub theme: Theme,
    pub nav: Nav,
    pub who: Option<Who>,
    pub csrf: String,
    pub now: Moment,
    /// Path and query of this page without `lang` and `theme`, ending in `?` or `&`.
    pub here: String,
    /// What was looked for.
    pub find: String,
    /// Durable position the page was read at; the live feed goes on from there.
    pub position: i64,
}

impl Shell {
    pub fn role(&self) -> &'static str {
        self.who.as_ref().map_or("", |who| who.role.word(self.lang))
    }
}

/// Severity as shape + word + colour; `class` is `p1` … `p4`.
#[derive(Clone, Debug)]
pub struct Sev {
    pub class: &'static str,
    pub word: &'static str,
}

#[derive(Clone, Debug)]
pub struct StateWord {
    /// Suffix of the `state--…` class.
    pub class: &'static str,
    pub word: &'static str,
}

/// One line of the list of cases.
#[derive(Clone, Debug)]
pub struct CaseRow {
    pub number: String,
    pub title: String,
    pub kind: &'static str,
    pub sev: Sev,
    pub state: StateWord,
    pub place: String,
    pub camera: Option<String>,
    pub is_call: bool,
    pub call_id: Option<String>,
    pub opened: Moment,
    pub age: String,
    pub incident_count: i64,
    pub motion_only: bool,
    pub drill: bool,
    pub thumb: Thumb,
    pub acknowledged_by: Option<String>,
    pub acknowledged_at: Option<Moment>,
    /// Received, and nobody has it yet.
    pub waits: bool,
    pub open: bool,
    pub may_acknowledge: bool,
    /// Only unacknowledged emergencies repeat.
    pub pulses: bool,
}

#[derive(Clone, Debug)]
pub enum Thumb {
    Here(String),
    Waiting,
    Call,
    None,
}

#[derive(Clone, Debug)]
pub struct FilterChoice {
    pub word: &'static str,
    pub url: String,
    pub on: bool,
}

#[derive(Template)]
#[template(path = "cases.html")]
pub struct CasesPage<'a> {
    pub shell: &'a Shell,
    pub waiting: Vec<CaseRow>,
    pub inhand: Vec<CaseRow>,
    pub ended: Vec<CaseRow>,
    pub states: Vec<FilterChoice>,
    pub kinds: Vec<FilterChoice>,
    pub filtered: bool,
    /// The newest case of all, for the empty state.
    pub latest: Option<Moment>,
    pub older: Option<String>,
}

/// One row, for the live list.
#[derive(Template)]
#[template(path = "case_row_only.html")]
pub struct CaseRowOnly<'a> {
    pub shell: &'a Shell,
    pub row: CaseRow,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidenceState {
    Here,
    Waiting,
    OnRequest,
}

#[derive(Clone, Debug)]
pub struct EvidenceView {
    pub kind: &'static str,
    pub word: &'static str,
    pub url: String,
    pub sha256: String,
    pub sha_short: String,
    pub media_type: String,
    pub size: String,
    pub length: Option<String>,
    pub starts: Moment,
    pub masked: bool,
    pub state: EvidenceState,
}

#[derive(Clone, Debug)]
pub struct StepView {
    pub number: usize,
    pub name: &'static str,
    /// `done`, `now` or `todo`.
    pub class: &'static str,
    pub lines: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct HistoryView {
    pub at: Moment,
    pub action: String,
    pub by: String,
    pub detail: String,
    pub hash_short: String,
}

#[derive(Clone, Debug)]
pub struct IncidentView {
    pub id: String,
    pub kind: &'static str,
    pub started: Moment,
    pub ended: Option<Moment>,
    pub revision: i64,
    pub facts: Vec<(&'static str, String)>,
    pub motion_only: bool,
}

/// Where a picture can be asked for.
#[derive(Clone, Debug)]
pub struct StillTarget {
    pub device_id: String,
    pub camera_id: String,
    pub camera_name: String,
    pub may: bool,
    pub roles: String,
}

#[derive(Template)]
#[template(path = "case.html")]
pub struct CasePage<'a> {
    pub shell: &'a Shell,
    pub row: CaseRow,
    pub steps: Vec<StepView>,
    pub clips: Vec<EvidenceView>,
    pub pictures: Vec<EvidenceView>,
    pub recordings: usize,
    pub history: Vec<HistoryView>,
    pub history_whole: bool,
    pub incidents: Vec<IncidentView>,
    pub still: Option<StillTarget>,
    pub requests: Vec<CommandView>,
    pub device_id: String,
    pub ticket: Option<TicketView>,
    pub may_file: bool,
    pub file_roles: String,
    pub acknowledge_roles: String,
    pub error: Option<String>,
}

impl CasePage<'_> {
    /// Whether the camera has masks, as far as its evidence tells.
    fn is_masked(&self) -> bool {
        self.clips.iter().chain(&self.pictures).any(|file| file.masked)
    }
}

#[derive(Clone, Debug)]
pub struct TicketView {
    pub matter: String,
    pub category: String,
    pub unit: String,
    pub urgency: Sev,
    pub place: String,
    pub summary: String,
    pub filed_by: String,
    pub filed_at: Moment,
}

/// One choice of the ticket form.
#[derive(Clone, Debug)]
pub struct Choice {
    pub id: String,
    pub word: String,
    pub key: Option<String>,
    pub on: bool,
    pub sev: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct TicketForm {
    pub matters: Vec<Choice>,
    pub categories: Vec<Choice>,
    pub urgencies: Vec<Choice>,
    pub place: String,
    pub summary: String,
    /// What stops the filing, in words.
    pub wrong: Vec<&'static str>,
    pub may: bool,
    pub roles: String,
}

#[derive(Clone, Debug)]
pub struct SaidView {
    pub who: &'static str,
    pub caller: bool,
    pub at: String,
    pub text: String,
}

#[derive(Clone, Debug)]
pub enum TranscriptView {
    Waiting,
    Silent,
    Failed(String),
    /// The last is how many lines stayed on the box.
    Done {
        said: Vec<SaidView>,
        model: String,
        left_out: u32,
    },
}

#[derive(Clone, Debug)]
pub enum RecordingView {
    /// No recording is named yet.
    None,
    /// On the box; may be asked for.
    OnSite {
        last_failure: Option<String>,
    },
    Asked {
        by: String,
        purpose: String,
        at: Moment,
    },
    /// Here, but this user has not said why.
    NeedsPurpose,
    Plays {
        url: String,
        purpose: String,
        media_type: String,
    },
}

#[derive(Template)]
#[template(path = "call.html")]
pub struct CallPage<'a> {
    pub shell: &'a Shell,
    pub row: CaseRow,
    pub call_id: String,
    pub caller: String,
    pub seat: String,
    pub direction: &'static str,
    pub legs: &'static str,
    pub length: String,
    pub speech: String,
    pub started: Moment,
    pub device_id: String,
    pub transcript: TranscriptView,
    pub recording: RecordingView,
    pub may_listen: bool,
    pub listen_roles: String,
    pub ticket: Option<TicketView>,
    pub form: Option<TicketForm>,
    pub error: Option<String>,
}

#[derive(Clone, Debug)]
pub struct DeviceRow {
    pub id: String,
    /// `online`, `offline`, `never`, `revoked`
    pub state: &'static str,
    pub state_word: &'static str,
    pub last_seen: Option<Moment>,
    pub cameras_running: usize,
    pub cameras: usize,
    pub motion_only: bool,
    pub outbox: u64,
    pub rejected: u64,
    pub skew: Option<String>,
    pub skew_bad: bool,
    pub speech: bool,
    pub version: String,
}

#[derive(Template)]
#[template(path = "devices.html")]
pub struct DevicesPage<'a> {
    pub shell: &'a Shell,
    pub devices: Vec<DeviceRow>,
    pub added: Option<AddedDevice>,
    pub may_add: bool,
    pub add_roles: String,
    pub error: Option<String>,
    pub name: String,
}

/// Shown once, right after adding.
#[derive(Clone, Debug)]
pub struct AddedDevice {
    pub name: String,
    pub code: String,
    pub command_line: String,
    pub qr_svg: String,
}

#[derive(Clone, Debug)]
pub struct CameraView {
    pub id: String,
    pub name: String,
    pub word: &'static str,
    /// `ok`, `soon` or `bad`
    pub class: &'static str,
    pub since: Moment,
    pub fps: String,
    pub dropped: u64,
    pub reason: String,
}

#[derive(Template)]
#[template(path = "device.html")]
pub struct DevicePage<'a> {
    pub shell: &'a Shell,
    pub row: DeviceRow,
    pub detector: String,
    pub detector_reason: String,
    pub speech_model: String,
    pub outbox_oldest: String,
    pub uploads: u64,
    pub disk: String,
    pub uptime: String,
    pub active_calls: u32,
    pub clock_synced: bool,
    pub configuration_version: String,
    pub has_status: bool,
    pub cameras: Vec<CameraView>,
    pub requests: Vec<CommandView>,
    pub may_still: bool,
    pub still_roles: String,
    pub may_configure: bool,
    pub configure_roles: String,
    pub error: Option<String>,
    pub draft: String,
}

#[derive(Clone, Debug)]
pub struct CommandView {
    pub id: String,
    pub device_id: String,
    pub what: &'static str,
    pub subject: String,
    pub subject_url: Option<String>,
    pub purpose: String,
    pub by: String,
    pub at: Moment,
    /// `waiting`, `done`, `failed`, `expired`
    pub state: &'static str,
    pub state_word: &'static str,
    pub answer: String,
    pub answered: Option<Moment>,
    /// Pictures that came as the answer.
    pub pictures: Vec<EvidenceView>,
}

#[derive(Template)]
#[template(path = "commands.html")]
pub struct CommandsPage<'a> {
    pub shell: &'a Shell,
    pub requests: Vec<CommandView>,
}

#[derive(Clone, Debug)]
pub struct QuarantineView {
    pub id: String,
    pub device_id: String,
    pub topic: String,
    pub reason: String,
    pub received: Moment,
    pub size: String,
}

#[derive(Template)]
#[template(path = "quarantine.html")]
pub struct QuarantinePage<'a> {
    pub shell: &'a Shell,
    pub rows: Vec<QuarantineView>,
}

#[derive(Template)]
#[template(path = "quarantine_item.html")]
pub struct QuarantineItemPage<'a> {
    pub shell: &'a Shell,
    pub row: QuarantineView,
    pub text: String,
    pub hex: Vec<String>,
    pub cut: bool,
}

#[derive(Template)]
#[template(path = "login.html")]
pub struct LoginPage<'a> {
    pub shell: &'a Shell,
    pub name: String,
    pub next: String,
    pub error: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    pub shell: &'a Shell,
    pub status: u16,
    pub title: &'a str,
    pub why: &'a str,
    pub detail: String,
}
