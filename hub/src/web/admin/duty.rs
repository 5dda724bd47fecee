//! A week of the roster: who is on duty and who leads the shift, day by day, and when nobody is.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::ToSpan as _;
use jiff::civil::{Date, Time};
use protocol::UtcMs;

use super::names::Names;
use super::places::why;
use super::{bad, changes, failed, frame, good, local, looks, refused, render};
use crate::admin::By;
use crate::app::App;
use crate::organisation::AreaPath;
use crate::organisation::duty::Post;
use crate::organisation::edit::{self, NewTurn, Planned};
use crate::user::{Act, people};
use crate::web::error::PageError;
use crate::web::guard::{Fields, SafeForm, Viewer, percent};
use crate::web::text::Lang;
use crate::web::view::{AdminChoice, AdminDutyPage, Banner, DayView, PostView, TurnForm, TurnView};

const DAYS: i64 = 7;
/// People that are offered while a name is typed.
const MOST_OFFERED: usize = 500;

pub(in crate::web) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    let lang = viewer.preferences.lang;
    let done = match fields.get("done") {
        "added" => Some(good(lang.admin_turn_added())),
        "removed" => Some(good(lang.admin_turn_removed())),
        _ => None,
    };
    show(&app, &viewer, &fields, done).await
}

pub(in crate::web) async fn act(State(app): State<App>, form: SafeForm) -> Result<Response, PageError> {
    let (viewer, fields) = (&form.viewer, &form.fields);
    let lang = viewer.preferences.lang;
    let by = changes(&app, viewer)?;
    let back = |word: &str| {
        let (area, week) = (percent(fields.get("area")), percent(fields.get("week")));
        Ok(Redirect::to(&format!("/admin/duty?area={area}&week={week}&done={word}")).into_response())
    };
    let wrong = match fields.get("act") {
        "remove" => match edit::remove_turn(&app, &by, fields.get("id")).await {
            Ok(()) => return back("removed"),
            Err(error) => why(error, lang).map_err(|error| error.shown(viewer))?,
        },
        _ => match add(&app, &by, fields, lang).await.map_err(|error| error.shown(viewer))? {
            None => return back("added"),
            Some(why) => why,
        },
    };
    show(&app, viewer, fields, Some(bad(wrong))).await.map(refused)
}

/// Why a turn was not added, if it was not.
async fn add(app: &App, by: &By, fields: &Fields, lang: Lang) -> Result<Option<&'static str>, PageError> {
    let local = local(app);
    let names = Names::read(app, lang).await?;
    let Some(area) = names.path(fields.get("area")) else { return Ok(Some(lang.admin_why_area())) };
    let (Some(from), Some(to)) = (local.parse(fields.get("from")), local.parse(fields.get("to"))) else {
        return Ok(Some(lang.admin_why_moment()));
    };
    let post = if fields.get("post") == Post::Leader.as_str() { Post::Leader } else { Post::Duty };
    let turn = NewTurn { user: fields.get("user").trim(), post, area: &area, from, to };
    match edit::add_turn(app, by, turn).await {
        Ok(()) => Ok(None),
        Err(error) => why(error, lang).map(Some),
    }
}

async fn show(
    app: &App,
    viewer: &Viewer,
    asked: &Fields,
    banner: Option<Banner>,
) -> Result<Response, PageError> {
    let (lang, by) = (viewer.preferences.lang, looks(app, viewer)?);
    let own = By::of(&viewer.session, by.at);
    let names = Names::read(app, lang).await.map_err(|error| failed(viewer, error))?;
    let area = area_of(asked.get("area"), &by);
    let path = names.path(&area).ok_or_else(|| PageError::NotFound.shown(viewer))?;
    if !by.reaches(&path) {
        return Err(PageError::NotFound.shown(viewer));
    }
    let monday = monday(app, asked.get("week"), by.at)
        .ok_or_else(|| PageError::Input(lang.admin_day_wrong().to_owned()).shown(viewer))?;
    let days: Vec<Date> = (0..DAYS).filter_map(|n| monday.checked_add(n.days()).ok()).collect();
    let bounds: Vec<(i64, i64)> = days.iter().filter_map(|day| bounds(app, *day)).collect();
    let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else {
        return Err(PageError::Input(lang.admin_day_wrong().to_owned()).shown(viewer));
    };
    let span = (UtcMs(first.0), UtcMs(last.1));
    let all = edit::planned(app, span).await.map_err(|error| failed(viewer, error))?;
    let is_county = |area: &str| path == AreaPath::everything() && area.matches('/').count() <= 2;
    let meets = |turn: &&Planned| AreaPath::kept(turn.area.clone()).covers(&path) || is_county(&turn.area);
    let turns: Vec<&Planned> = all.iter().filter(meets).collect();
    let week =
        Week { app, names: &names, own: &own, path: &path, may: viewer.may(Act::Organise), now: by.at };
    let posts = Post::ALL.map(|post| PostView {
        word: post_word(post, lang),
        days: days.iter().zip(&bounds).map(|(day, bounds)| week.day(post, *day, *bounds, &turns)).collect(),
    });
    let here = format!("/admin/duty?area={}&", percent(&area));
    let link = |days: i64| {
        let week = monday.checked_add(days.days()).map_or_else(|_| String::new(), |day| day.to_string());
        format!("{here}week={week}")
    };
    let people = if week.may {
        people::list(&app.db, app.tenant().as_str(), &own).await.map_err(|error| failed(viewer, error))?
    } else {
        Vec::new()
    };
    let form = week.may.then(|| TurnForm {
        user: asked.get("user").to_owned(),
        posts: Post::ALL
            .map(|post| AdminChoice {
                value: post.as_str().to_owned(),
                word: post_word(post, lang).to_owned(),
                on: post.as_str() == asked.get("post"),
            })
            .to_vec(),
        from: asked.get("from").to_owned(),
        to: asked.get("to").to_owned(),
        users: people
            .into_iter()
            .filter(|person| person.removed_at_ms.is_none())
            .map(|person| person.name)
            .take(MOST_OFFERED)
            .collect(),
    });
    let frame = frame(app, viewer, &here).await?;
    let page = AdminDutyPage {
        tab: "duty",
        area_name: names.area(path.as_str()),
        areas: names.area_choices(|path| by.reaches(path)),
        area,
        week: monday.to_string(),
        before: link(-DAYS),
        after: link(DAYS),
        posts: posts.into(),
        banner,
        form,
        shell: &frame,
    };
    Ok(render(&page, viewer)?.into_response())
}

/// The area that is asked for; of who has less than everything the first of his.
fn area_of(asked: &str, by: &By) -> String {
    let asked = asked.trim();
    if !asked.is_empty() || by.reaches_everything() {
        return asked.to_owned();
    }
    by.areas().first().and_then(AreaPath::area).unwrap_or_default().to_owned()
}

fn post_word(post: Post, lang: Lang) -> &'static str {
    match post {
        Post::Duty => lang.admin_post_duty(),
        Post::Leader => lang.admin_post_leader(),
    }
}

/// The Monday of a day, of today without one.
fn monday(app: &App, asked: &str, now: UtcMs) -> Option<Date> {
    let day = match asked {
        "" => app.zone.to_datetime(jiff::Timestamp::from_millisecond(now.0).ok()?).date(),
        text => text.parse::<Date>().ok()?,
    };
    day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).ok()
}

/// From midnight to midnight.
fn bounds(app: &App, day: Date) -> Option<(i64, i64)> {
    let at = |day: Date| {
        let midnight = app.zone.to_timestamp(day.to_datetime(Time::midnight())).ok()?;
        Some(midnight.as_millisecond())
    };
    Some((at(day)?, at(day.tomorrow().ok()?)?))
}

struct Week<'a> {
    app: &'a App,
    names: &'a Names,
    own: &'a By,
    path: &'a AreaPath,
    may: bool,
    now: UtcMs,
}

impl Week<'_> {
    fn day(&self, post: Post, day: Date, (from, to): (i64, i64), turns: &[&Planned]) -> DayView {
        let own: Vec<&&Planned> = turns
            .iter()
            .filter(|turn| turn.post == post.as_str() && turn.to_ms > from && turn.from_ms < to)
            .collect();
        let all: Vec<(i64, i64)> = own.iter().map(|turn| (turn.from_ms, turn.to_ms)).collect();
        // What is over is nobody's to mend.
        let begins = from.max(self.now.0);
        let gaps = if begins < to { edit::gaps(&all, (begins, to)) } else { Vec::new() };
        let view = |turn: &&&Planned| {
            let is_here = turn.area == self.path.as_str();
            TurnView {
                id: turn.duty_id.clone(),
                who: turn.user_name.clone(),
                hours: self.hours((turn.from_ms, turn.to_ms), (from, to)),
                area: if is_here { String::new() } else { self.names.area(&turn.area) },
                may: self.may && self.own.reaches(&AreaPath::kept(turn.area.clone())),
            }
        };
        DayView {
            day: day.strftime("%m-%d").to_string(),
            turns: own.iter().map(view).collect(),
            gaps: gaps.into_iter().map(|gap| self.hours(gap, (from, to))).collect(),
        }
    }

    /// What of a stretch lies in a day.
    fn hours(&self, stretch: (i64, i64), day: (i64, i64)) -> String {
        let clock = |at: i64| {
            let time = local(self.app).clock(UtcMs(at));
            time.get(..5).unwrap_or(&time).to_owned()
        };
        let from = clock(stretch.0.max(day.0));
        let to = if stretch.1 >= day.1 { "24:00".to_owned() } else { clock(stretch.1) };
        format!("{from}–{to}")
    }
}
