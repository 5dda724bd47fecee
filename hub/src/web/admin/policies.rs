//! Versions of the policy, what differs between them, the calendar, and what another text would have meant.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use protocol::UtcMs;

use super::names::who;
use super::{failed, frame, local, looks, render};
use crate::admin::By;
use crate::admin::diff::{self, Mark};
use crate::app::App;
use crate::calendar::{CalendarSpec, Limit};
use crate::category;
use crate::db;
use crate::policy::effect::{self, Effect};
use crate::policy::{self, Policy, PolicySpec};
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::Viewer;
use crate::web::text::Lang;
use crate::web::view::{AdminPoliciesPage, AdminPolicyPage, DiffLine, EffectView, VersionView, YearView};

pub(in crate::web) async fn page(State(app): State<App>, viewer: Viewer) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    let frame = frame(&app, &viewer, "/admin/policies?").await?;
    let (lang, local, tenant) = (frame.lang, local(&app), app.tenant().as_str());
    let shown = |error| failed(&viewer, error);
    let newest = app.policies.newest(&app.db, tenant, app.clock.now()).await.map_err(shown)?.version;
    let text =
        policy::store::VERSIONS.text(&app.db, tenant, newest).await.map_err(shown)?.unwrap_or_default();
    let calendar = toml::from_str::<PolicySpec>(&text).ok().map(|spec| spec.calendar);
    let (weekdays, hours, years) = calendar.map(|calendar| readable(&calendar, lang)).unwrap_or_default();
    let own = By::of(&viewer.session, app.clock.now());
    let version = |row: policy::store::Version| VersionView {
        version: row.version,
        by: who(&row.made_by, lang),
        at: local.moment(UtcMs(row.made_at_ms)),
        note: row.note,
        in_force: row.version == newest,
    };
    let list = policy::store::list(&app.db, tenant).await.map_err(shown)?;
    let page = AdminPoliciesPage {
        tab: "policies",
        versions: list.into_iter().map(version).collect(),
        weekdays,
        hours,
        years,
        text: (viewer.may(Act::Organise) && own.reaches_everything()).then_some(text),
        shell: &frame,
    };
    Ok(render(&page, &viewer)?.into_response())
}

/// Working days, hours of business, and the yearly tables, the newest first.
fn readable(calendar: &CalendarSpec, lang: Lang) -> (String, Vec<String>, Vec<YearView>) {
    let day = |name: &String| match name.as_str() {
        "mon" => lang.pick("周一", "Mon"),
        "tue" => lang.pick("周二", "Tue"),
        "wed" => lang.pick("周三", "Wed"),
        "thu" => lang.pick("周四", "Thu"),
        "fri" => lang.pick("周五", "Fri"),
        "sat" => lang.pick("周六", "Sat"),
        _ => lang.pick("周日", "Sun"),
    };
    let weekdays: Vec<&str> = calendar.weekdays.iter().map(day).collect();
    let hours = calendar.hours.iter().map(|row| {
        let from = row.from.map_or(String::new(), |from| format!("{from} "));
        format!("{from}{}", row.open.join(", "))
    });
    let mut years: Vec<YearView> = calendar
        .year
        .iter()
        .map(|year| YearView {
            year: year.year,
            holidays: year.holidays.clone(),
            workdays: year.workdays.clone(),
        })
        .collect();
    years.sort_by_key(|year| std::cmp::Reverse(year.year));
    (weekdays.join(lang.pick("、", ", ")), hours.collect(), years)
}

pub(in crate::web) async fn one(
    State(app): State<App>,
    viewer: Viewer,
    Path(version): Path<String>,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    let frame = frame(&app, &viewer, &format!("/admin/policies/{version}?")).await?;
    let tenant = app.tenant().as_str();
    let shown = |error| failed(&viewer, error);
    let newest = app.policies.newest(&app.db, tenant, app.clock.now()).await.map_err(shown)?.version;
    let version: i64 = version.parse().map_err(|_| PageError::NotFound.shown(&viewer))?;
    let text = policy::store::VERSIONS.text(&app.db, tenant, version).await.map_err(shown)?;
    let text = text.ok_or_else(|| PageError::NotFound.shown(&viewer))?;
    let in_force = version == newest;
    let diff = if in_force {
        None
    } else {
        let current =
            policy::store::VERSIONS.text(&app.db, tenant, newest).await.map_err(shown)?.unwrap_or_default();
        Some(lines(&current, &text))
    };
    let page = AdminPolicyPage { tab: "policies", version, in_force, text, diff, shell: &frame };
    Ok(render(&page, &viewer)?.into_response())
}

fn lines(old: &str, new: &str) -> Vec<DiffLine> {
    let line = |line: diff::Line| {
        let (class, mark) = match line.mark {
            Mark::Same => ("same", " "),
            Mark::Gone => ("gone", "−"),
            Mark::New => ("new", "+"),
            Mark::Gap => ("gap", "…"),
        };
        DiffLine { class, mark, text: line.text }
    };
    diff::lines(old, new).into_iter().map(line).collect()
}

/// What a text changes, and what it would have meant for the last closed cases.
pub(super) async fn tried(
    app: &App,
    by: &By,
    text: &str,
    lang: Lang,
) -> db::Result<(Vec<DiffLine>, Vec<EffectView>)> {
    let tenant = app.tenant().as_str();
    let newest = app.policies.newest(&app.db, tenant, by.at).await?.version;
    let current = policy::store::VERSIONS.text(&app.db, tenant, newest).await?.unwrap_or_default();
    let Ok(new) = Policy::read(text, 0, &app.zone) else { return Ok((lines(&current, text), Vec::new())) };
    let pasts = effect::pasts(&app.db, tenant).await?;
    let categories = category::all(&app.db, tenant).await?;
    let limits = |limits: &[Limit]| {
        let words: Vec<String> =
            limits.iter().map(|limit| if lang.is_zh() { limit.zh() } else { limit.to_string() }).collect();
        words.join(lang.pick("、", ", "))
    };
    let view = |effect: Effect| {
        let known = categories.find(&effect.category);
        EffectView {
            category: known
                .map_or_else(|| effect.category.clone(), |own| lang.pick(&own.zh, &own.en).to_owned()),
            clock: lang.pick(effect.clock.zh(), effect.clock.en()),
            cases: effect.cases,
            then: limits(&effect.then),
            new: limits(&effect.new),
            late_then: effect.late_then,
            late_new: effect.late_new,
        }
    };
    Ok((lines(&current, text), effect::effect(&pasts, &new).into_iter().map(view).collect()))
}
