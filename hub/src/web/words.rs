//! From the domain's rows to what templates show.

mod history;
mod links;
mod model;
mod self_test;

use protocol::{
    CameraSubject, CommandBody, Cut, Footage, GapReason, IncidentKind, Severity, Subject, Trial,
    TriedIncident, UtcMs,
};

pub use history::history;
pub use links::{joined, joined_report, link, shelved};
pub use model::model;
pub use self_test::self_test;

use super::moment::{LocalTime, age_text, length_text, size_text};
use super::text::Lang;
use super::view::{
    CaseRow, CommandView, EvidenceState, EvidenceView, IncidentView, Sev, StateWord, StepView, Thumb,
    TicketView, TrialView, TriedView,
};
use crate::case::{Case, CaseEvidence, CaseIncident, CaseState, Preview, Source, report};
use crate::command::CommandRow;
use crate::organisation;
use crate::phrase;
use crate::ticket::{Ticket, taxonomy};
use crate::workflow::ClockKind;

/// What a box says of why it did not do something.
pub fn reason(text: &str, lang: Lang) -> String {
    known(text, phrase::reason, lang)
}

/// What is wrong with a sheet, a map or a policy.
pub fn fault(text: &str, lang: Lang) -> String {
    known(text, phrase::fault, lang)
}

fn known(text: &str, find: impl Fn(&str) -> Option<phrase::Known>, lang: Lang) -> String {
    // Several of a box stand in one line.
    let one = |text: &str| find(text).map_or_else(|| text.to_owned(), |known| known.zh);
    match lang {
        Lang::En => text.to_owned(),
        Lang::Zh if find(text).is_some() => one(text),
        Lang::Zh => text.split("; ").map(one).collect::<Vec<_>>().join("; "),
    }
}

pub fn severity(word: &str, lang: Lang) -> Sev {
    let severity = word.parse().unwrap_or(Severity::Notice);
    sev(severity, lang)
}

pub fn sev(severity: Severity, lang: Lang) -> Sev {
    let class = match severity {
        Severity::Emergency => "p1",
        Severity::Major => "p2",
        Severity::Normal => "p3",
        Severity::Notice => "p4",
    };
    Sev { class, word: lang.pick(severity.zh(), severity.en()) }
}

pub fn kind(word: &str, lang: Lang) -> &'static str {
    if word == report::KIND {
        return lang.by_hand();
    }
    word.parse::<IncidentKind>().map_or(lang.unknown(), |kind| lang.pick(kind.zh(), kind.en()))
}

pub fn state(word: &str, lang: Lang) -> StateWord {
    let Ok(state) = word.parse::<CaseState>() else {
        return StateWord { class: "received", word: lang.unknown() };
    };
    let class = match state {
        CaseState::Received => "received",
        CaseState::Filed => "filed",
        CaseState::Dispatched | CaseState::InProgress => "progress",
        CaseState::Verifying => "verify",
        CaseState::Closed => "closed",
        CaseState::Void => "void",
        CaseState::Suspended => "suspended",
    };
    StateWord { class, word: lang.pick(state.zh(), state.en()) }
}

/// Where a case came from.
pub fn source(word: &str, lang: Lang) -> &'static str {
    match Source::parse(word).unwrap_or(Source::Device) {
        Source::Camera => lang.camera(),
        Source::Call => lang.call(),
        Source::Device => lang.device(),
        Source::Worker => lang.worker(),
        Source::Citizen => lang.citizen(),
        Source::Platform => lang.platform(),
    }
}

/// Received, and nobody has said that they have it.
pub fn waits(case: &Case) -> bool {
    case.state == CaseState::Received.as_str() && case.acknowledged_at_ms.is_none()
}

pub fn is_open(case: &Case) -> bool {
    case.state.parse::<CaseState>().is_ok_and(CaseState::is_open)
}

/// Where a file is fetched, as evidence of this case.
pub fn evidence_url(sha256: &str, case_number: Option<&str>) -> String {
    match case_number {
        Some(number) => format!("/api/v1/cases/{number}/evidence/{sha256}"),
        None => format!("/api/v1/evidence/{sha256}"),
    }
}

/// `preview`: the case's newest incident and picture.
pub fn case_row(
    case: &Case,
    preview: Option<&Preview>,
    may_acknowledge: bool,
    local: &LocalTime,
    lang: Lang,
) -> CaseRow {
    let opened = local.moment(UtcMs(case.opened_at_ms));
    let camera = preview.and_then(|preview| camera_of(preview.incident.as_deref()?));
    let thumb = match preview {
        _ if case.call_id.is_some() => Thumb::Call,
        Some(Preview { picture: Some(sha256), .. }) => Thumb::Here(evidence_url(sha256, Some(&case.number))),
        Some(Preview { named: Some(_), .. }) => Thumb::Waiting,
        _ => Thumb::None,
    };
    let waits = waits(case);
    CaseRow {
        number: case.number.clone(),
        title: lang.pick(&case.title_zh, &case.title_en).to_owned(),
        kind: kind(&case.kind, lang),
        sev: severity(&case.severity, lang),
        state: state(&case.state, lang),
        place: case.place.clone().unwrap_or_default(),
        motion_only: camera.as_ref().is_some_and(|camera| camera.motion_only),
        camera: camera.map(|camera| camera.camera_name).or_else(|| case.camera_id.clone()),
        is_call: case.call_id.is_some(),
        call_id: case.call_id.clone(),
        age: age_text(opened.age_ms, lang.is_zh()),
        opened,
        incident_count: case.incident_count,
        drill: case.drill != 0,
        thumb,
        acknowledged_by: case.acknowledged_by.clone(),
        acknowledged_at: case.acknowledged_at_ms.map(|at| local.moment(UtcMs(at))),
        waits,
        unclaimed: is_open(case) && case.acknowledged_at_ms.is_none(),
        open: is_open(case),
        may_acknowledge,
        pulses: waits && case.severity == Severity::Emergency.as_str(),
    }
}

/// What an incident of a camera says of it.
fn camera_of(incident: &str) -> Option<CameraSubject> {
    match serde_json::from_str::<protocol::Incident>(incident).ok()?.subject {
        Subject::Camera(camera) => Some(camera),
        _ => None,
    }
}

pub fn evidence_kind(word: &str, lang: Lang) -> (&'static str, &'static str) {
    match word {
        "snapshot" => ("snapshot", lang.snapshot()),
        "clip" => ("clip", lang.clip()),
        "recording" => ("recording", lang.recording()),
        "still" => ("still", lang.still()),
        "attachment" => ("attachment", lang.attachment()),
        _ => ("other", lang.unknown()),
    }
}

pub fn evidence(e: &CaseEvidence, case_number: Option<&str>, local: &LocalTime, lang: Lang) -> EvidenceView {
    let (kind, word) = evidence_kind(&e.kind, lang);
    let footage: Option<Footage> = e.footage.as_ref().and_then(|json| serde_json::from_str(json).ok());
    EvidenceView {
        kind,
        word,
        url: evidence_url(&e.sha256, case_number),
        sha_short: short_hash(&e.sha256),
        sha256: e.sha256.clone(),
        media_type: e.media_type.clone(),
        size: size_text(u64::try_from(e.size_bytes).unwrap_or(0)),
        length: e.duration_ms.and_then(|ms| u64::try_from(ms).ok()).map(length_text),
        starts: local.moment(UtcMs(e.starts_at_ms)),
        masked: e.masked != 0,
        codec: footage.as_ref().map(|footage| footage.codec.as_str()),
        notes: notes(footage.as_ref(), e.blurred != 0, local, lang),
        copy_of: e.copy_of.clone(),
        copy: None,
        state: match (e.stored_at_ms, e.delivery.as_str()) {
            (Some(_), _) => EvidenceState::Here,
            (None, "on_request") => EvidenceState::OnRequest,
            (None, _) => EvidenceState::Waiting,
        },
    }
}

/// What is missing from a file, and why it ends.
fn notes(footage: Option<&Footage>, blurred: bool, local: &LocalTime, lang: Lang) -> Vec<String> {
    let mut notes = Vec::new();
    if blurred {
        notes.push(lang.blurred().to_owned());
    }
    let Some(footage) = footage else { return notes };
    for gap in &footage.gaps {
        let why = match gap.reason {
            GapReason::NotKept => lang.gap_not_kept(),
            GapReason::StreamLost => lang.gap_stream_lost(),
            GapReason::NoPictures => lang.gap_no_pictures(),
            GapReason::FormatChanged => lang.gap_format_changed(),
        };
        notes.push(format!("{}–{} {why}", local.clock(gap.from), local.clock(gap.to)));
    }
    if footage.more_gaps > 0 {
        notes.push(format!("+{} {}", footage.more_gaps, lang.gaps_more()));
    }
    notes.extend(footage.cut.map(|cut| {
        let why = match cut {
            Cut::Length => lang.cut_length(),
            Cut::Bytes => lang.cut_bytes(),
            Cut::BoxDown => lang.cut_box_down(),
        };
        why.to_owned()
    }));
    notes
}

fn short_hash(hash: &str) -> String {
    match (hash.get(..4), hash.len().checked_sub(4).and_then(|at| hash.get(at..))) {
        (Some(head), Some(tail)) => format!("{head}…{tail}"),
        _ => hash.to_owned(),
    }
}

/// What people call a unit.
pub fn unit(id: &str, lang: Lang) -> String {
    let named = organisation::unit::SEED.iter().find(|row| row.0 == id);
    named.map_or(id, |row| lang.pick(row.1, row.2)).to_owned()
}

pub fn incident(row: &CaseIncident, local: &LocalTime, lang: Lang) -> IncidentView {
    let mut facts = Vec::new();
    let mut motion_only = false;
    if let Some(camera) = camera_of(&row.data) {
        motion_only = camera.motion_only;
        let in_english = camera.rule_name_en.as_deref().unwrap_or(&camera.rule_name);
        facts.push((lang.rule(), lang.pick(&camera.rule_name, in_english).to_owned()));
        let label = lang.pick(camera.label.zh(), camera.label.en());
        facts.push((lang.object(), format!("{label} × {}", camera.object_count)));
        if !camera.motion_only {
            facts.push((lang.score(), format!("{:.2}", camera.score)));
        }
        let method = if camera.motion_only { lang.motion_only() } else { camera.method.as_str() };
        facts.push((lang.method(), method.to_owned()));
    }
    IncidentView {
        id: row.incident_id.clone(),
        kind: kind(&row.kind, lang),
        started: local.moment(UtcMs(row.started_at_ms)),
        ended: row.ended_at_ms.map(|at| local.moment(UtcMs(at))),
        revision: row.revision,
        facts,
        motion_only,
    }
}

/// The eight steps of the seed, and what is due at the one where the case is.
pub fn steps(case: &Case, ticket: Option<&Ticket>, local: &LocalTime, lang: Lang) -> Vec<StepView> {
    let names = [
        lang.step_1(),
        lang.step_2(),
        lang.step_3(),
        lang.step_4(),
        lang.step_5(),
        lang.step_6(),
        lang.step_7(),
        lang.step_8(),
    ];
    let now = match case.state.parse::<CaseState>() {
        Ok(CaseState::Received) | Err(_) => 2,
        Ok(CaseState::Filed) => 4,
        Ok(CaseState::Dispatched | CaseState::InProgress | CaseState::Suspended) => 5,
        Ok(CaseState::Verifying) => 7,
        Ok(CaseState::Closed | CaseState::Void) => 8,
    };
    let source = source(&case.source, lang);
    let lines = |number: usize| -> Vec<String> {
        match number {
            1 => vec![local.moment(UtcMs(case.opened_at_ms)).text, source.to_owned()],
            2 => match (&case.acknowledged_by, case.acknowledged_at_ms) {
                (Some(by), Some(at)) => vec![local.moment(UtcMs(at)).text, by.clone()],
                _ if now == 2 => vec![lang.waiting_for_person().to_owned()],
                _ => vec![],
            },
            3 => ticket.map_or(vec![], |t| vec![local.moment(UtcMs(t.filed_at_ms)).text, t.filed_by.clone()]),
            5 => case.lead_unit.as_deref().map(|id| unit(id, lang)).into_iter().collect(),
            _ => vec![],
        }
    };
    let ended_early = case.state == CaseState::Void.as_str()
        || (case.state == CaseState::Closed.as_str() && case.category.is_none());
    // Of the running clock that ends first.
    let due = case.due_clock.as_deref().and_then(ClockKind::kept).zip(case.due_at_ms).map(|(clock, at)| {
        let (word, at) = (lang.pick(clock.zh(), clock.en()), local.moment(UtcMs(at)).text);
        format!("{word} {} {at}", lang.due_by())
    });
    let step = |(index, name): (usize, &'static str)| {
        let number = index + 1;
        // Of a case that ended without going its way: what it did not reach.
        let skipped = ended_early && (3..=7).contains(&number) && (number > 3 || case.category.is_none());
        let class = match number.cmp(&now) {
            _ if skipped => "todo",
            std::cmp::Ordering::Less => "done",
            std::cmp::Ordering::Equal => "now",
            std::cmp::Ordering::Greater => "todo",
        };
        let mut lines = lines(number);
        if number == now {
            lines.extend(due.clone());
        }
        StepView { number, name, class, lines }
    };
    names.into_iter().enumerate().map(step).collect()
}

pub fn command(word: &str, lang: Lang) -> &'static str {
    match word {
        "still" => lang.command_still(),
        "clip" => lang.command_clip(),
        "recording" => lang.command_recording(),
        "correct" => lang.command_correct(),
        "replay" => lang.command_replay(),
        "self_test" => lang.command_self_test(),
        "configuration" => lang.command_configuration(),
        "show_configuration" => lang.command_show_configuration(),
        _ => lang.unknown(),
    }
}

/// Class and word of a command's state.
pub fn answer(word: &str, lang: Lang) -> (&'static str, &'static str) {
    match word {
        "done" => ("done", lang.answer_done()),
        "failed" => ("failed", lang.answer_failed()),
        "expired" => ("expired", lang.answer_expired()),
        _ => ("waiting", lang.answer_waiting()),
    }
}

pub fn request(row: &CommandRow, pictures: Vec<EvidenceView>, local: &LocalTime, lang: Lang) -> CommandView {
    let (state, state_word) = answer(&row.state, lang);
    let (subject, subject_url) = match serde_json::from_str::<CommandBody>(&row.body) {
        Ok(CommandBody::Still { camera_id }) => {
            (camera_id.to_string(), row.case_number.as_ref().map(|number| format!("/cases/{number}")))
        }
        Ok(CommandBody::Clip { camera_id, from, to }) => {
            let (from, to) = (local.moment(from).full, local.clock(to));
            (
                format!("{camera_id} {from}–{to}"),
                row.case_number.as_ref().map(|number| format!("/cases/{number}")),
            )
        }
        Ok(CommandBody::Recording { call_id }) => {
            (call_id.to_string().chars().take(8).collect(), Some(format!("/calls/{call_id}")))
        }
        Ok(CommandBody::Correct { category, matter, .. }) => {
            let told = [category.as_deref(), matter.as_deref()];
            (told.into_iter().flatten().collect::<Vec<_>>().join(" · "), None)
        }
        Ok(CommandBody::Replay { camera_id, .. }) => (camera_id.to_string(), None),
        Ok(CommandBody::Configuration { version, .. }) => (format!("v{version}"), None),
        Ok(CommandBody::SelfTest {} | CommandBody::ShowConfiguration {}) | Err(_) => (String::new(), None),
    };
    CommandView {
        id: row.command_id.clone(),
        device_id: row.device_id.clone(),
        what: command(&row.name, lang),
        subject,
        subject_url,
        purpose: row.purpose.clone(),
        by: row.issued_by.clone(),
        at: local.moment(UtcMs(row.issued_at_ms)),
        state,
        state_word,
        answer: reason(row.reason.as_deref().unwrap_or_default(), lang),
        answered: row.answered_at_ms.map(|at| local.moment(UtcMs(at))),
        pictures,
        trial: row.trial().map(|trial| tried(&trial, local, lang)),
    }
}

fn tried(trial: &Trial, local: &LocalTime, lang: Lang) -> TrialView {
    let incident = |one: &TriedIncident| TriedView {
        rule: one.rule_id.to_string(),
        kind: lang.pick(one.kind.zh(), one.kind.en()),
        started: local.moment(one.started_at),
        ended: one.ended_at.map(|at| local.moment(at)),
        score: if one.score_percent == 0 { "—".to_owned() } else { format!("{} %", one.score_percent) },
    };
    TrialView {
        from: local.moment(trial.from),
        to: local.moment(trial.to),
        frames: trial.frames,
        incidents: trial.incidents.iter().map(incident).collect(),
        left_out: trial.left_out,
    }
}

pub fn ticket(t: &Ticket, local: &LocalTime, lang: Lang) -> TicketView {
    let category = taxonomy::category(&t.category);
    let urgency = taxonomy::urgency(&t.urgency, lang);
    TicketView {
        matter: taxonomy::matter(&t.matter, lang).unwrap_or(&t.matter).to_owned(),
        category: category.map_or(t.category.as_str(), |category| taxonomy::word(category, lang)).to_owned(),
        unit: category.map(|category| taxonomy::unit(category, lang).to_owned()).unwrap_or_default(),
        urgency: urgency.map_or_else(
            || sev(Severity::Notice, lang),
            |(word, severity)| Sev { word, ..sev(severity, lang) },
        ),
        place: t.place.clone(),
        summary: t.summary.clone(),
        filed_by: t.filed_by.clone(),
        filed_at: local.moment(UtcMs(t.filed_at_ms)),
    }
}
