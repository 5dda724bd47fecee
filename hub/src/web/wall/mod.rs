//! 预警墙: what nobody has in hand, the worst first, for the people who answer alarms; and its form for a room, on which
//! nothing can be done.
//!
//! Everything on it comes from one reading of the tables; `wall.js` reads the page again when something changes and puts
//! what differs in place. Open cases stand on the map where there is one, and by town and community, which needs none. Each
//! figure leads to its cases ([`behind`]), found by the conditions by which it was counted.

mod act;
mod area;
mod behind;
mod card;
pub(super) mod live;
mod load;
mod store;

use std::collections::HashMap;

use askama::Template as _;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use protocol::UtcMs;

pub(super) use act::{false_alarm, shelve};
pub(super) use area::AreaNames;
pub(super) use behind::behind;
use card::Around;
pub(super) use card::{due, held};
use load::{HOUR_MS, LONGEST_SHIFT_MS, Roster, STEP_MS, Verdict};

use super::error::PageError;
use super::guard::{Fields, Viewer};
use super::map;
use super::moment::LocalTime;
use super::shell::{local, shell};
use super::text::Lang;
use super::view::{FlappingView, LoadRow, LoadView, MapMode, Nav, StepCount, Theme, WallPage, WallProblem};
use super::words;
use crate::app::App;
use crate::case::store::list;
use crate::correlation::shelf;
use crate::db;
use crate::organisation;
use crate::user::Act;

/// Cards; what else waits is a click away. More than anybody can look at.
const MOST_CARDS: usize = 60;
/// Quiet rows below them.
const MOST_HELD: usize = 30;

/// Which form of the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// With what can be done.
    Desk,
    /// For a room.
    Screen,
}

pub(super) async fn page(State(app): State<App>, viewer: Viewer) -> Result<Html<String>, PageError> {
    viewer.must(Act::Acknowledge)?;
    made(&app, &viewer, Form::Desk, None).await.map(Html).map_err(|error| error.shown(&viewer))
}

/// The theme of a wall, unless the address names another one.
pub(super) async fn screen(
    State(app): State<App>,
    mut viewer: Viewer,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::WallScreen)?;
    if Theme::parse(fields.get("theme")).is_none() {
        viewer.preferences.theme = Theme::Wall;
    }
    made(&app, &viewer, Form::Screen, None).await.map(Html).map_err(|error| error.shown(&viewer))
}

/// The wall again, with what was refused and what was typed.
async fn refused(app: &App, viewer: &Viewer, status: StatusCode, problem: WallProblem) -> Response {
    match made(app, viewer, Form::Desk, Some(problem)).await {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => error.shown(viewer).into_response(),
    }
}

async fn made(
    app: &App,
    viewer: &Viewer,
    form: Form,
    problem: Option<WallProblem>,
) -> Result<String, PageError> {
    let mut frame = shell(app, viewer, Nav::Wall).await?;
    // The address of a form is not carried on.
    if form == Form::Desk { "/wall?" } else { "/screen?" }.clone_into(&mut frame.here);
    let (tenant, user, db) = (app.tenant().as_str(), viewer.session.user.as_str(), &app.db);
    let (local, lang, now) = (local(app), frame.lang, app.clock.now());

    let mut cases = store::waiting(db, tenant, user, MOST_CARDS as i64 + 1).await?;
    let more_alerts = cases.len() > MOST_CARDS;
    cases.truncate(MOST_CARDS);
    let previews = list::previews(db, tenant, &cases).await?;
    let alarms = store::alarms(db, tenant, &cases).await?;
    let joined = store::joined(db, tenant, user, &cases).await?;
    let areas = organisation::store::areas(db, tenant).await?;
    let names = AreaNames::new(&areas);
    let emergency = app.policies.newest(db, tenant, now).await?.emergency;
    let around = Around {
        session: &viewer.session,
        names: &names,
        previews: previews.iter().map(|one| (one.case_id.as_str(), one)).collect(),
        alarms: alarms.iter().map(|one| (one.case_id.as_str(), one)).collect(),
        joined: joined.iter().map(|one| (one.joined_into.as_str(), one)).collect(),
        acknowledge_ms: i64::from(emergency.acknowledge_s) * 1_000,
        local: &local,
        lang,
    };
    let alerts: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(nth, case)| card::alert(case, nth, problem.as_ref(), &around))
        .collect();

    let mut held = store::in_hand(db, tenant, user, MOST_HELD as i64 + 1).await?;
    let more_held = held.len() > MOST_HELD;
    held.truncate(MOST_HELD);
    let counts = store::places(db, tenant, user).await?;
    let shelved = shelf::list(db, tenant, user).await?;
    let flapping = store::flapping(db, tenant, user).await?;
    let flap = |one: store::Flapping| FlappingView {
        title: lang.pick(&one.title_zh, &one.title_en).to_owned(),
        since: local.moment(UtcMs(one.damped_since_ms)),
        counted: one.damped_count,
        number: one.number,
    };
    let latest = if alerts.is_empty() { store::latest(db, tenant, user).await?.map(UtcMs) } else { None };
    let shown = alerts.iter().any(|alert| alert.problem.is_some());
    let page = WallPage {
        screen: form == Form::Screen,
        may_screen: viewer.may(Act::WallScreen),
        more_alerts,
        held: held.iter().map(|case| card::held(case, &names, &local, lang)).collect(),
        more_held,
        total: area::total(&counts, lang),
        areas: area::rows(&areas, &counts, &viewer.session.grants, lang),
        load: load_view(app, viewer, now, &local, lang).await?,
        shelved: shelved.iter().map(|one| words::shelved(one, &local, lang)).collect(),
        flapping: flapping.into_iter().map(flap).collect(),
        latest: latest.map(|at| local.moment(at)),
        problem: problem.filter(|_| !shown),
        acknowledge_s: emergency.acknowledge_s,
        telephone: app.config.hub.duty_telephone.clone(),
        map: map::view(app, viewer, if form == Form::Desk { MapMode::Wall } else { MapMode::Screen }).await?,
        alerts,
        shell: &frame,
    };
    Ok(page.render()?)
}

/// Whose roster is meant: that of the widest area in which somebody answers alarms.
fn watched(viewer: &Viewer) -> &str {
    let answers = |act| viewer.session.grants.iter().filter(move |grant| grant.role.may(act));
    let own = answers(Act::Acknowledge).chain(answers(Act::WallScreen)).map(|grant| grant.area.as_str());
    own.min_by_key(|area| area.len()).unwrap_or("/")
}

async fn load_view(
    app: &App,
    viewer: &Viewer,
    now: UtcMs,
    local: &LocalTime,
    lang: Lang,
) -> db::Result<LoadView> {
    let (tenant, user, db) = (app.tenant().as_str(), viewer.session.user.as_str(), &app.db);
    let turns = store::turns(db, tenant, watched(viewer), (now.0 - LONGEST_SHIFT_MS, now)).await?;
    let roster = Roster::nearest(turns);
    let hour_from = now.0 - HOUR_MS;
    let steps: HashMap<i64, i64> =
        store::alerts_by_step(db, tenant, user, (hour_from, now)).await?.into_iter().collect();
    let (since, is_shift) = load::since(&roster, now.0);
    let all = store::count_alerts(db, tenant, user, (since, now)).await?;
    let url = |from: i64, to: i64| format!("/wall/cases?alerts=1&after={from}&until={to}");
    let row = |name: String, alerts: i64, from: i64| {
        let load = roster.load(alerts, (from, now.0));
        let (verdict, class) = match load.verdict() {
            Verdict::Good => (lang.wall_load_good(), "ok"),
            Verdict::High => (lang.wall_load_high(), "high"),
            Verdict::Over => (lang.wall_load_over(), "over"),
        };
        let more = if alerts < store::MOST_ALERTS { "" } else { "+" };
        LoadRow {
            name,
            alerts: format!("{alerts}{more}"),
            url: url(from, now.0),
            people: load.people.map(rounded).unwrap_or_default(),
            per_operator: format!("{:.1}", load.per_operator),
            verdict,
            class,
        }
    };
    let in_hour = steps.values().sum();
    let shift = if is_shift {
        format!("{} {}", lang.wall_load_shift(), local.moment(UtcMs(since)).text)
    } else {
        lang.wall_load_hours().to_owned()
    };
    let step = |nth: i64| {
        let (from, to) = (now.0 - (nth + 1) * STEP_MS, now.0 - nth * STEP_MS);
        StepCount {
            from: local.clock(UtcMs(from)),
            to: local.clock(UtcMs(to)),
            alerts: steps.get(&nth).copied().unwrap_or(0),
            url: url(from, to),
        }
    };
    Ok(LoadView {
        rows: vec![row(lang.wall_load_hour().to_owned(), in_hour, hour_from), row(shift, all, since)],
        steps: (0..HOUR_MS / STEP_MS).rev().map(step).collect(),
        on_duty: roster.on_duty(now.0),
        has_roster: !roster.is_empty(),
    })
}

/// What so many alerts are to those who watch over an area, by the wall's own measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measure {
    /// In ten minutes.
    pub(super) per_operator: f64,
    /// On the mean; nothing without a roster: then one desk would have had all of it.
    pub(super) people: Option<f64>,
    /// More than somebody can look at well.
    pub(super) high: bool,
    /// More than the limit.
    pub(super) over: bool,
}

/// A time of less than ten minutes counts as ten: nothing says that it goes on like that.
pub(super) async fn measure(
    app: &App,
    area: &str,
    alerts: i64,
    (from, to): (UtcMs, UtcMs),
) -> db::Result<Measure> {
    let from_ms = from.0.min(to.0 - STEP_MS);
    let turns = store::turns(&app.db, app.tenant().as_str(), area, (from_ms - LONGEST_SHIFT_MS, to)).await?;
    let load = Roster::nearest(turns).load(alerts, (from_ms, to.0));
    let verdict = load.verdict();
    Ok(Measure {
        per_operator: load.per_operator,
        people: load.people,
        high: verdict == Verdict::High,
        over: verdict == Verdict::Over,
    })
}

/// `2`, `1.5`
fn rounded(people: f64) -> String {
    let text = format!("{people:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_whole_where_they_are() {
        assert_eq!((rounded(2.0).as_str(), rounded(1.5).as_str(), rounded(0.04).as_str()), ("2", "1.5", "0"));
    }
}
