//! One card of the wall, and one quiet row below: from a case and what is known around it to what the page shows.

use std::collections::HashMap;

use protocol::{Incident, Leg, Severity, Subject, Transcript, UtcMs};

use super::area::AreaNames;
use super::store::{Alarm, JoinedTo};
use crate::case::{Case, CaseState, Preview, report};
use crate::correlation::shelf;
use crate::organisation::AreaPath;
use crate::user::{Act, Role, Session};
use crate::web::moment::{LocalTime, age_text, length_text};
use crate::web::text::Lang;
use crate::web::view::{AlertView, DueView, EscalatesView, HeldView, MinutesView, WallAct, WallProblem};
use crate::web::words;
use crate::workflow::ClockKind;

/// Cards that a digit selects.
const DIGITS: usize = 9;
/// Longest part of a caller's words on a card, in characters.
const MOST_SAID: usize = 60;
/// A limit this near is nearly over.
const SOON_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// For how long a source can be put aside from the wall.
const EMERGENCY_MINUTES: [u32; 3] = [10, 30, 60];
const OTHER_MINUTES: [u32; 6] = [30, 60, 240, 480, 1_440, 4_320];

/// What is known around the cases.
pub(super) struct Around<'a> {
    pub(super) session: &'a Session,
    pub(super) names: &'a AreaNames,
    pub(super) previews: HashMap<&'a str, &'a Preview>,
    pub(super) alarms: HashMap<&'a str, &'a Alarm>,
    /// By number.
    pub(super) joined: HashMap<&'a str, &'a JoinedTo>,
    /// From the opening of an emergency until it is told further.
    pub(super) acknowledge_ms: i64,
    pub(super) local: &'a LocalTime,
    pub(super) lang: Lang,
}

pub(super) fn alert(
    case: &Case,
    nth: usize,
    problem: Option<&WallProblem>,
    around: &Around<'_>,
) -> AlertView {
    let (lang, local, session) = (around.lang, around.local, around.session);
    let preview = around.previews.get(case.case_id.as_str()).copied();
    let area = AreaPath::kept(case.area.clone());
    let severity = case.severity.parse().unwrap_or(Severity::Notice);
    let rings = severity == Severity::Emergency && case.drill == 0;
    let may = session.may_at(Act::Acknowledge, &area);
    let mut row = words::case_row(case, preview, may, local, lang);
    // A drill is no emergency, and a new emergency in a case that went its way is one.
    row.pulses = rings;
    let incident: Option<Incident> =
        preview.and_then(|preview| serde_json::from_str(preview.incident.as_deref()?).ok());
    let alarm = around.alarms.get(case.case_id.as_str());
    let joined = around.joined.get(case.number.as_str());
    let problem = problem.filter(|problem| problem.number == case.number).cloned();
    AlertView {
        rank: severity as usize,
        key: (nth < DIGITS).then_some(nth + 1),
        waited: waited(row.opened.age_ms, lang),
        areas: around.names.chain(&case.area, lang),
        rule: incident.as_ref().map(|incident| rule(incident, lang)).unwrap_or_default(),
        said: incident.as_ref().map(said).unwrap_or_default(),
        escalates: alarm.filter(|_| rings).and_then(|alarm| escalates(case, alarm, around)),
        escalated: alarm.map_or(0, |alarm| alarm.escalation),
        due: due(case, local, lang),
        joined: joined.map_or(0, |joined| joined.cases),
        joined_why: joined.map(|joined| joined.why.clone()).unwrap_or_default(),
        damped: alarm.and_then(|alarm| {
            let since = local.moment(UtcMs(alarm.damped_since_ms?)).text;
            Some(format!("{} {since} · {} {}", lang.wall_since(), alarm.damped_count, lang.wall_counted()))
        }),
        rings,
        dispatch_url: dispatch_url(case),
        live: case.camera_id.is_some() && case.call_id.is_none(),
        no_live: (!session.may_at(Act::RequestStill, &area)).then(|| Act::RequestStill.roles_text(lang)),
        no_acknowledge: (!may).then(|| Act::Acknowledge.roles_text(lang)),
        no_false_alarm: no_false_alarm(case, session, &area, lang),
        no_shelve: no_shelve(case, session, &area, rings, lang),
        shelf_minutes: minutes(severity, problem.as_ref(), lang),
        problem,
        row,
    }
}

pub(in crate::web) fn held(case: &Case, names: &AreaNames, local: &LocalTime, lang: Lang) -> HeldView {
    HeldView {
        row: words::case_row(case, None, false, local, lang),
        areas: names.chain(&case.area, lang),
        unit: case.lead_unit.as_deref().map(|unit| words::unit(unit, lang)).unwrap_or_default(),
        due: due(case, local, lang),
    }
}

/// `00:48`, `1:02:14`, `3 天 4 小时`: what `wall.js` goes on counting.
fn waited(ms: i64, lang: Lang) -> String {
    let ms = ms.max(0);
    if ms < DAY_MS { length_text(ms.unsigned_abs()) } else { age_text(ms, lang.is_zh()) }
}

fn rule(incident: &Incident, lang: Lang) -> String {
    let Subject::Camera(camera) = &incident.subject else { return String::new() };
    let in_english = camera.rule_name_en.as_deref().unwrap_or(&camera.rule_name);
    let name = lang.pick(&camera.rule_name, in_english);
    if camera.motion_only {
        name.to_owned()
    } else {
        format!("{name} · {} {:.2}", lang.score(), camera.score)
    }
}

/// What raised the alarm in the caller's own words; else the beginning of what he said.
fn said(incident: &Incident) -> String {
    let Subject::Call(call) = &incident.subject else { return String::new() };
    let cut = |text: &str| -> String {
        let short: String = text.chars().take(MOST_SAID).collect();
        if short.len() < text.len() { format!("{short}…") } else { short }
    };
    let alarms = call.reading.iter().flat_map(|reading| &reading.alarms).filter(|alarm| alarm.holds);
    let heard: Vec<String> =
        alarms.flat_map(|alarm| &alarm.words).map(|word| format!("“{}”", cut(word))).take(4).collect();
    if !heard.is_empty() {
        return heard.join("");
    }
    if let Some(reading) = call.reading.as_ref().filter(|reading| !reading.summary.is_empty()) {
        return format!("“{}”", cut(&reading.summary));
    }
    let Transcript::Done { segments, .. } = &call.transcript else { return String::new() };
    let first = segments.iter().find(|segment| segment.leg == Leg::Caller);
    first.map(|segment| format!("“{}”", cut(&segment.text))).unwrap_or_default()
}

/// As the engine reckons it; of a case that the engine has not looked at yet, as it will.
fn escalates(case: &Case, alarm: &Alarm, around: &Around<'_>) -> Option<EscalatesView> {
    let fresh = alarm.escalation == 0 && case.state == CaseState::Received.as_str();
    let at = alarm.escalate_at_ms.or_else(|| fresh.then_some(case.updated_at_ms + around.acknowledge_ms))?;
    let left_ms = (at - around.local.now.0).max(0);
    Some(EscalatesView {
        at_ms: at,
        left: age_text(left_ms, around.lang.is_zh()),
        most_ms: around.acknowledge_ms,
        used_ms: (around.acknowledge_ms - left_ms).max(0),
    })
}

/// Its running clock that ends first, against its limit.
pub(in crate::web) fn due(case: &Case, local: &LocalTime, lang: Lang) -> Option<DueView> {
    let (clock, at) = case.due_clock.as_deref().and_then(ClockKind::kept).zip(case.due_at_ms)?;
    let left_ms = at - local.now.0;
    let (side, class) = match left_ms {
        ..=0 => (lang.wall_over(), "over"),
        1..SOON_MS => (lang.wall_left(), "soon"),
        _ => (lang.wall_left(), ""),
    };
    Some(DueView {
        word: lang.pick(clock.zh(), clock.en()),
        at: local.moment(UtcMs(at)),
        side,
        left: age_text(left_ms.abs(), lang.is_zh()),
        class,
    })
}

/// The form of what comes before a dispatch, or the dispatch itself.
fn dispatch_url(case: &Case) -> String {
    let form = match case.state.parse::<CaseState>() {
        Ok(CaseState::Received) => "#move-file",
        Ok(CaseState::Filed) => "#move-dispatch",
        _ => "",
    };
    format!("/cases/{}{form}", case.number)
}

/// Whoever may acknowledge may say that it was nothing, but for those who only set up the system. The law has the last word.
fn no_false_alarm(case: &Case, session: &Session, area: &AreaPath, lang: Lang) -> Option<String> {
    if ![CaseState::Received.as_str(), CaseState::Filed.as_str()].contains(&case.state.as_str()) {
        return Some(lang.wall_no_verdict().to_owned());
    }
    let judges = |role: Role| role != Role::Administrator && role.may(Act::Acknowledge);
    let may = session.grants.iter().any(|grant| judges(grant.role) && grant.area.covers(area));
    let roles = || {
        let roles = Act::Acknowledge.roles().iter().filter(|role| judges(**role));
        roles.map(|role| role.word(lang)).collect::<Vec<_>>().join(lang.pick("、", ", "))
    };
    (!may).then(|| format!("{}{}", lang.only_roles(), roles()))
}

fn no_shelve(case: &Case, session: &Session, area: &AreaPath, rings: bool, lang: Lang) -> Option<String> {
    if case.call_id.is_some() || case.kind == report::KIND {
        return Some(lang.wall_no_source().to_owned());
    }
    let act = if rings || case.severity == Severity::Emergency.as_str() {
        Act::ShelveEmergency
    } else {
        Act::Shelve
    };
    (!session.may_at(act, area)).then(|| format!("{}{}", lang.only_roles(), act.roles_text(lang)))
}

fn minutes(severity: Severity, problem: Option<&WallProblem>, lang: Lang) -> Vec<MinutesView> {
    let choices: &[u32] = if severity == Severity::Emergency { &EMERGENCY_MINUTES } else { &OTHER_MINUTES };
    let asked = problem.filter(|problem| problem.act == WallAct::Shelve).map(|problem| problem.minutes);
    let on = asked.filter(|asked| choices.contains(asked)).unwrap_or(choices[0]);
    debug_assert!(choices.iter().all(|minutes| *minutes <= shelf::MOST_MINUTES));
    let view = |minutes: &u32| MinutesView {
        minutes: *minutes,
        word: match (minutes / 1_440, minutes / 60) {
            (days @ 1.., _) => format!("{days} {}", lang.pick("天", if days == 1 { "day" } else { "days" })),
            (0, hours @ 1..) => {
                format!("{hours} {}", lang.pick("小时", if hours == 1 { "hour" } else { "hours" }))
            }
            _ => format!("{minutes} {}", lang.pick("分钟", "minutes")),
        },
        on: *minutes == on,
    };
    choices.iter().map(view).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the wall offers the shelf takes.
    #[test]
    fn offered_minutes_are_taken() {
        assert!(EMERGENCY_MINUTES.iter().all(|minutes| *minutes <= shelf::EMERGENCY_MINUTES));
        assert!(OTHER_MINUTES.iter().all(|minutes| *minutes <= shelf::MOST_MINUTES));
        let words: Vec<_> =
            minutes(Severity::Major, None, Lang::Zh).into_iter().map(|one| (one.word, one.on)).collect();
        assert_eq!(words[0], ("30 分钟".to_owned(), true));
        assert_eq!((words[2].0.as_str(), words[5].0.as_str()), ("4 小时", "3 天"));
        assert!(words[1..].iter().all(|(_, on)| !on));
    }

    #[test]
    fn ages_by_hand() {
        let zh = |ms| waited(ms, Lang::Zh);
        assert_eq!(
            (zh(48_000).as_str(), zh(3_734_000).as_str(), zh(-5).as_str()),
            ("00:48", "1:02:14", "00:00")
        );
        assert_eq!((zh(90_061_000), waited(90_061_000, Lang::En)), ("1 天 1 小时".into(), "1 d 1 h".into()));
    }
}
