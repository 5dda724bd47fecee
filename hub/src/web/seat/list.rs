//! The calls of a seat: those on the line, those that wait for a ticket, those that were filed today.
//!
//! A call of which its box has told an incident is a case, seen by whoever sees that. One that runs and has none yet is known
//! by what its box tells meanwhile: it is shown to whoever files tickets where its box stands.

use protocol::hotline::{ALARMS, Alarm};
use protocol::{Phase, UtcMs};

use super::pace;
use super::store::{self, CallRow};
use crate::app::App;
use crate::case::CaseState;
use crate::db;
use crate::running::{self, OnLine};
use crate::ticket::taxonomy;
use crate::web::guard::Viewer;
use crate::web::moment::{LocalTime, length_text};
use crate::web::shell::local;
use crate::web::text::Lang;
use crate::web::view::{SeatCall, SeatList, SeatPace};
use crate::web::words;

/// Calls of one day that are listed, and of those before it that nobody has filed.
const MOST: i64 = 300;
const MOST_LEFT_OVER: i64 = 100;

/// What a seat has to do and has done. `seat`: its name; nothing for all of them. `current`: the call that is open.
pub(in crate::web) async fn read(
    app: &App,
    viewer: &Viewer,
    seat: &str,
    current: Option<&str>,
) -> db::Result<SeatList> {
    let (tenant, user) = (app.tenant().as_str(), viewer.session.user.as_str());
    let (local, lang, now) = (local(app), viewer.preferences.lang, app.clock.now());
    let from_ms = pace::day_begins(now, &app.zone).0;
    let mut rows = store::since(&app.db, tenant, user, (from_ms, seat), MOST + 1).await?;
    let cut = rows.len() as i64 > MOST;
    rows.truncate(MOST as usize);
    let today = rows.len();
    let older = store::left_over(&app.db, tenant, user, (from_ms, seat), MOST_LEFT_OVER + 1).await?;
    let cut = cut || older.len() as i64 > MOST_LEFT_OVER;
    rows.extend(older.into_iter().take(MOST_LEFT_OVER as usize));
    let mut list = sorted(&rows, &local, lang);
    for one in on_line(app, viewer, seat).await? {
        list.running.push(without_case(&one, &local, lang));
    }
    (list.today, list.cut, list.seat) = (today, cut, seat.to_owned());
    for call in list.running.iter_mut().chain(&mut list.waiting).chain(&mut list.filed).chain(&mut list.over)
    {
        call.current = current == Some(call.id.as_str());
    }
    Ok(list)
}

/// Running calls of the seat that are no case yet, of boxes where the viewer files tickets.
async fn on_line(app: &App, viewer: &Viewer, seat: &str) -> db::Result<Vec<OnLine>> {
    let mut all = app.running.on_line();
    all.retain(|one| seat.is_empty() || one.seat.as_deref() == Some(seat));
    running::without_case(app, &viewer.session, all).await
}

/// Each call in its part. Pure.
fn sorted(rows: &[CallRow], local: &LocalTime, lang: Lang) -> SeatList {
    let mut list = SeatList {
        running: vec![],
        waiting: vec![],
        filed: vec![],
        over: vec![],
        pace: SeatPace { median: None, tickets: 0 },
        today: 0,
        cut: false,
        seat: String::new(),
    };
    for row in rows {
        let part = if is_running(row) {
            &mut list.running
        } else if row.filed_at_ms.is_some() {
            &mut list.filed
        } else if row.state == CaseState::Received.as_str() {
            &mut list.waiting
        } else {
            &mut list.over
        };
        part.push(view(row, local, lang));
    }
    let took: Vec<i64> = list.filed.iter().filter_map(|call| call.took_s).collect();
    list.pace = SeatPace { tickets: took.len(), median: pace::median_tenths(took).map(pace::tenths_text) };
    list
}

fn is_running(row: &CallRow) -> bool {
    row.phase != Phase::Ended.as_str() && row.closed_at_ms.is_none()
}

fn view(row: &CallRow, local: &LocalTime, lang: Lang) -> SeatCall {
    let skew_ms = row.skew_ms.unwrap_or(0);
    let started_ms = row.started_at_ms.saturating_add(skew_ms);
    let running = is_running(row);
    let length_ms =
        if running { local.now.since_ms(UtcMs(started_ms)) } else { row.duration_ms.unwrap_or(0) };
    let category = row.category.as_deref().and_then(taxonomy::category);
    let title = lang.pick(&row.title_zh, &row.title_en);
    let place = [&row.ticket_place, &row.told_place, &row.place].into_iter().flatten().next();
    SeatCall {
        id: row.call_id.clone(),
        url: format!("/calls/{}", row.call_id),
        number: Some(row.number.clone()),
        caller: row.caller.clone().unwrap_or_else(|| lang.caller_unknown().to_owned()),
        seat: row.seat.clone().unwrap_or_default(),
        came: local.moment(UtcMs(started_ms)),
        since_ms: running.then_some(started_ms),
        length: length_text(u64::try_from(length_ms).unwrap_or(0)),
        alarms: alarms(row.alarms.as_deref(), lang),
        place: place.cloned().unwrap_or_default(),
        what: category.map_or(title, |category| taxonomy::word(category, lang)).to_owned(),
        sev: Some(words::severity(&row.severity, lang)),
        state: Some(words::state(&row.state, lang)),
        took_s: pace::took_s(row.ended_at_ms, skew_ms, row.filed_at_ms),
        filed_by: row.filed_by.clone().unwrap_or_default(),
        current: false,
    }
}

/// Names of dangers that still hold.
fn alarms(json: Option<&str>, lang: Lang) -> Vec<&'static str> {
    let told: Vec<Alarm> = json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let holding = told.iter().filter(|alarm| alarm.holds);
    holding
        .filter_map(|alarm| ALARMS.iter().find(|known| known.0 == alarm.id))
        .map(|known| lang.pick(known.1, known.2))
        .collect()
}

fn without_case(one: &OnLine, local: &LocalTime, lang: Lang) -> SeatCall {
    let came = one.started_at.unwrap_or(local.now);
    let length_ms = local.now.since_ms(came);
    SeatCall {
        id: one.call_id.to_string(),
        url: format!("/calls/{}", one.call_id),
        number: None,
        caller: lang.caller_unknown().to_owned(),
        seat: one.seat.clone().unwrap_or_default(),
        came: local.moment(came),
        since_ms: one.started_at.map(|at| at.0),
        length: length_text(u64::try_from(length_ms).unwrap_or(0)),
        alarms: vec![],
        place: String::new(),
        what: lang.seat_no_case().to_owned(),
        sev: None,
        state: None,
        took_s: None,
        filed_by: String::new(),
        current: false,
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn row(number: &str, phase: &str, state: &str, filed_at_ms: Option<i64>) -> CallRow {
        CallRow {
            number: number.to_owned(),
            call_id: format!("call-{number}"),
            severity: "normal".to_owned(),
            state: state.to_owned(),
            title_zh: "热线来电".to_owned(),
            title_en: "Hotline call".to_owned(),
            place: Some("盒子".to_owned()),
            closed_at_ms: ["closed", "void"].contains(&state).then_some(90_000),
            phase: phase.to_owned(),
            started_at_ms: 10_000,
            ended_at_ms: (phase == "ended").then_some(50_000),
            skew_ms: None,
            seat: Some("03".to_owned()),
            caller: None,
            duration_ms: Some(40_000),
            alarms: Some(
                r#"[{"id":"fire","words":[],"at_ms":0,"holds":true},{"id":"gas","words":[],"at_ms":0,"holds":false}]"#
                    .to_owned(),
            ),
            told_place: Some("凤鸣路".to_owned()),
            category: None,
            ticket_place: None,
            filed_by: None,
            filed_at_ms,
        }
    }

    /// Each call stands in one part; one that runs is on the line whatever was filed; what was measured are first filings of
    /// calls that are over; the next call is one that runs, else the one that waits longest, and never the one that is open.
    #[test]
    fn each_call_has_its_part() {
        let local = LocalTime { zone: TimeZone::UTC, now: UtcMs(100_000) };
        let rows = [
            row("5", "updated", "filed", Some(60_000)),
            row("4", "ended", "received", None),
            row("3", "ended", "received", None),
            row("2", "ended", "filed", Some(58_000)),
            row("1", "ended", "void", None),
            row("0", "opened", "void", None),
        ];
        let mut list = sorted(&rows, &local, Lang::Zh);
        let numbers = |calls: &[SeatCall]| -> Vec<String> {
            calls.iter().filter_map(|call| call.number.clone()).collect()
        };
        assert_eq!(
            (numbers(&list.running), numbers(&list.waiting)),
            (vec!["5".into()], vec!["4".into(), "3".into()])
        );
        assert_eq!(
            (numbers(&list.filed), numbers(&list.over)),
            (vec!["2".into()], vec!["1".into(), "0".into()])
        );
        assert_eq!((list.pace.median.as_deref(), list.pace.tickets), (Some("8"), 1));
        assert_eq!((list.running[0].length.as_str(), list.running[0].since_ms), ("01:30", Some(10_000)));
        let filed = &list.filed[0];
        assert_eq!((filed.length.as_str(), filed.took_s, filed.since_ms), ("00:40", Some(8), None));
        assert_eq!((filed.alarms.as_slice(), filed.place.as_str()), (["火情"].as_slice(), "凤鸣路"));
        let next = |list: &SeatList| list.next().and_then(|call| call.number.clone());
        assert_eq!(next(&list).as_deref(), Some("5"));
        list.running[0].current = true;
        assert_eq!(next(&list).as_deref(), Some("3"), "the one that waits longest");
        list.running.clear();
        list.waiting.clear();
        assert_eq!(next(&list), None);
    }
}
