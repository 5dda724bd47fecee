//! 网上办事: what whoever reported a matter is told of it, for its number and its code.
//!
//! Told is what the office does, never what somebody wrote: kind of matter, community and grid, steps with their dates, the
//! unit in charge, how it ended. Of a confidential case (保密) only its number, its state and its dates. A wrong number and a
//! wrong code get the same answer by the same way. Wrong answers are counted by where they come from and by the number asked
//! for; too many lock either for a while, in rows, so that a restart or another hub changes nothing.
//!
//! Deliberately absent: a list, a search, the words of whoever reported, results as units write them, names of people.

pub mod code;
mod steps;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use protocol::UtcMs;
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::case::{CaseState, category};
use crate::db;
use crate::web::guard::same;
use crate::web::text::Lang;
use crate::workflow::{Satisfaction, VoidReason};
use steps::Deed;
use store::Found;

/// Wrong answers from one address that lock it, and over which time they count.
pub const MOST_OF_ADDRESS: i64 = 20;
pub const ADDRESS_WINDOW_MS: i64 = 15 * 60_000;
/// The same for one number, wherever they come from.
pub const MOST_OF_NUMBER: i64 = 10;
pub const NUMBER_WINDOW_MS: i64 = 60 * 60_000;

/// Longest number that is looked at.
const MOST_NUMBER: usize = 24;
/// Cases may be joined to cases that are joined.
const MOST_JOINS: usize = 8;
/// Rows of a history that are looked at, the newest.
const MOST_DEEDS: i64 = 1_000;

/// A word in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = NameInBoth)]
pub struct Named {
    pub name: String,
    pub name_en: String,
}

impl Named {
    fn new(zh: &str, en: &str) -> Self {
        Self { name: zh.to_owned(), name_en: en.to_owned() }
    }

    pub fn word(&self, lang: Lang) -> &str {
        lang.pick(&self.name, &self.name_en)
    }
}

/// One of the eight steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MatterStep)]
pub struct Step {
    /// 1 to 8.
    pub step: usize,
    #[serde(flatten)]
    pub called: Named,
    /// Where the case is.
    pub current: bool,
    /// When it was done, epoch ms; nothing while it was not, or where it was not needed.
    pub at: Option<i64>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MatterEnding)]
pub struct Ending {
    /// 办结, 不予受理 or 并案.
    #[serde(flatten)]
    pub called: Named,
    /// Why it was not taken.
    pub reason: Option<Named>,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MatterStatus)]
pub struct Status {
    /// As it was asked for.
    pub number: String,
    /// The case in which it goes on, when it was joined to another one: everything below is told of that.
    pub goes_on_in: Option<String>,
    pub state: CaseState,
    pub state_called: Named,
    /// 保密: what follows after the steps is not told.
    pub confidential: bool,
    /// Epoch ms, as all times.
    pub reported_at: i64,
    pub ended_at: Option<i64>,
    /// All eight.
    pub steps: Vec<Step>,
    pub ending: Option<Ending>,
    /// What it is about.
    pub category: Option<Named>,
    /// Community and grid.
    pub place: Option<Named>,
    /// Who is in charge, once it was dispatched.
    pub unit: Option<Named>,
    /// What was said when the citizen was called back.
    pub satisfaction: Option<Named>,
}

/// What somebody who asks gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Told(Box<Status>),
    /// There is no such number, or its code is another one: nobody learns which.
    Unknown,
    /// Too many wrong answers.
    Locked,
}

/// Answers for a number and its code. `address`: where the request came from.
pub async fn ask(app: &App, number: &str, code: &str, address: &str) -> db::Result<Answer> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let number = read_number(number);
    let mut limits = vec![(format!("address/{}", network(address)), ADDRESS_WINDOW_MS, MOST_OF_ADDRESS)];
    limits.extend(number.map(|number| (format!("number/{number}"), NUMBER_WINDOW_MS, MOST_OF_NUMBER)));
    for (subject, window_ms, most) in &limits {
        if store::tries(&app.db, tenant, subject, now.plus_ms(-window_ms)).await? >= *most {
            return Ok(Answer::Locked);
        }
    }
    // Noted first, counted then: of many who ask at once none is overlooked.
    let try_id = app.new_id();
    let subjects: Vec<String> = limits.iter().map(|(subject, ..)| subject.clone()).collect();
    store::note_try(&app.db, tenant, &try_id, &subjects, now).await?;
    for (subject, window_ms, most) in &limits {
        if store::tries(&app.db, tenant, subject, now.plus_ms(-window_ms)).await? > *most {
            // What is refused does not make the lock last longer.
            store::forget_try(&app.db, tenant, &try_id).await?;
            return Ok(Answer::Locked);
        }
    }
    let found = store::found(&app.db, tenant, number.unwrap_or("-")).await?;
    let given = code::read(code).unwrap_or_else(|| "-".repeat(code::LENGTH));
    let kept = found.as_ref().and_then(|found| found.code.clone());
    // A code that nobody can type stands for one that is not there: the way is the same.
    let right = same(&given, kept.as_deref().unwrap_or("........"));
    let Some(found) = found.filter(|_| right) else { return Ok(Answer::Unknown) };
    store::forget_try(&app.db, tenant, &try_id).await?;
    Ok(Answer::Told(Box::new(status(app, found).await?)))
}

/// Removes tries that count no more.
pub async fn forget(app: &App, now: UtcMs) -> db::Result<u64> {
    store::forget_tries(&app.db, now.plus_ms(-ADDRESS_WINDOW_MS.max(NUMBER_WINDOW_MS))).await
}

/// A case number as somebody typed it; nothing for what cannot be one.
fn read_number(text: &str) -> Option<&str> {
    let text = text.trim();
    let fits = text.len() <= MOST_NUMBER && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    (fits && text.contains('-')).then_some(text)
}

/// Who counts as one: an address, or a whole network of version 6, of which one line has millions.
pub(crate) fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => address.chars().take(MOST_NUMBER).collect(),
    }
}

/// Follows a case that was joined to another one, and says how far it has come.
async fn status(app: &App, asked: Found) -> db::Result<Status> {
    let tenant = app.tenant().as_str();
    let number = asked.number.clone();
    let mut found = asked;
    for _ in 0..MOST_JOINS {
        // Where a confidential matter went is nobody's affair either.
        let Some(into) = found.joined_into.as_deref().filter(|_| found.confidential == 0) else { break };
        let Some(next) = store::found(&app.db, tenant, into).await? else { break };
        found = next;
    }
    let state = found.state.parse().unwrap_or(CaseState::Received);
    let rows = store::deeds(&app.db, tenant, &found.case_id, MOST_DEEDS).await?;
    let deeds: Vec<Deed> =
        rows.iter().map(|(action, at_ms, _)| Deed { action: action.clone(), at_ms: *at_ms }).collect();
    let open = found.confidential == 0;
    let areas = if open { store::areas(&app.db, tenant, &found.area).await? } else { Vec::new() };
    let unit = found.unit_zh.as_deref().zip(found.unit_en.as_deref()).filter(|_| open);
    let told = found.category.as_deref().filter(|_| open).and_then(category::find);
    Ok(Status {
        goes_on_in: (found.number != number).then(|| found.number.clone()),
        number,
        state,
        state_called: Named::new(state.zh(), state.en()),
        confidential: !open,
        reported_at: found.opened_at_ms,
        ended_at: found.closed_at_ms,
        steps: eight(steps::dates(found.opened_at_ms, state, &deeds), steps::current(state)),
        ending: ending(state, found.void_reason.as_deref(), open),
        category: told.map(|category| Named::new(category.zh, category.en)),
        place: place(&areas),
        unit: unit.map(|(zh, en)| Named::new(zh, en)),
        satisfaction: satisfaction(&rows).filter(|_| open),
    })
}

fn eight(dates: steps::Dates, current: usize) -> Vec<Step> {
    let names = |lang: Lang| {
        [
            lang.step_1(),
            lang.step_2(),
            lang.step_3(),
            lang.step_4(),
            lang.step_5(),
            lang.step_6(),
            lang.step_7(),
            lang.step_8(),
        ]
    };
    let named = names(Lang::Zh).into_iter().zip(names(Lang::En)).zip(dates).zip(1..);
    named
        .map(|(((zh, en), at), step)| Step { step, called: Named::new(zh, en), current: step == current, at })
        .collect()
}

/// `open`: it is not confidential.
fn ending(state: CaseState, void_reason: Option<&str>, open: bool) -> Option<Ending> {
    let reason = void_reason.and_then(VoidReason::kept);
    let called = match (state, reason) {
        (CaseState::Closed, _) => Named::new("办结", "Done"),
        (CaseState::Void, _) if !open => return None,
        (CaseState::Void, Some(VoidReason::Joined)) => Named::new("并案", "Joined to another case"),
        (CaseState::Void, _) => Named::new("不予受理", "Not accepted"),
        _ => return None,
    };
    let told = reason.filter(|reason| state == CaseState::Void && *reason != VoidReason::Joined);
    Some(Ending { called, reason: told.map(|reason| Named::new(reason.zh(), reason.en())) })
}

/// Community and grid; the town of what lies in no community. Nothing finer, and no address.
pub(crate) fn place(areas: &[(String, String, String)]) -> Option<Named> {
    let of = |levels: &[&str]| {
        let own: Vec<_> = areas.iter().filter(|(level, ..)| levels.contains(&level.as_str())).collect();
        let zh: String = own.iter().map(|(_, zh, _)| zh.as_str()).collect();
        let en: Vec<&str> =
            own.iter().map(|(_, zh, en)| if en.is_empty() { zh } else { en }.as_str()).collect();
        (!own.is_empty()).then(|| Named { name: zh, name_en: en.join(", ") })
    };
    of(&["community", "grid"]).or_else(|| of(&["town"]))
}

/// What the citizen said last.
fn satisfaction(rows: &[(String, i64, String)]) -> Option<Named> {
    let from = rows.iter().rposition(|(action, ..)| action == "reopened").map_or(0, |at| at + 1);
    let told =
        rows[from..].iter().rev().filter(|(action, ..)| action == "called_back").find_map(|(.., detail)| {
            let detail: Value = serde_json::from_str(detail).ok()?;
            Satisfaction::kept(detail.get("satisfaction")?.as_str()?)
        });
    told.map(|told| Named::new(told.zh(), told.en()))
}
