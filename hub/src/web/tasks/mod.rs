//! 我的任务: what was dispatched to one's own unit, by what is due next; accepted one by one or several at once. What is
//! written (progress, a request, a result) is written in the forms of the case's own page.
//!
//! Deliberately absent: what was dispatched to other units, and any case that is no longer open.

mod store;

use std::collections::BTreeMap;

use askama::Template as _;
use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};
use protocol::UtcMs;

use store::TaskRow;

use super::error::PageError;
use super::guard::{SafeForm, Viewer, percent};
use super::moment::{LocalTime, age_text};
use super::moves::{unit_name, worded};
use super::queue::{MOST_CHOSEN, answer, chosen, run};
use super::shell::{local, shell};
use super::text::Lang;
use super::view::{DueView, Nav, TaskGroup, TaskLine, TasksPage};
use super::wall::AreaNames;
use super::words;
use crate::app::App;
use crate::case::CaseState;
use crate::organisation::{self, Unit};
use crate::user::Act;
use crate::workflow::{Card, Part, Step, TaskState};
use crate::{category, db};

/// Parts of one unit on a page; those whose limits end soonest.
const MOST: i64 = 300;
/// A limit this near ends soon.
const SOON_MS: i64 = 3_600_000;

/// How far a part has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    ToAccept,
    /// 返工
    SentBack,
    InHand,
    Asked,
    Suspended,
    Reported,
}

impl Stage {
    fn of(row: &TaskRow) -> Self {
        let is = |state: TaskState| row.task_state == state.as_str();
        let suspended = row.case.state == CaseState::Suspended.as_str();
        match () {
            () if is(TaskState::Dispatched) => Self::ToAccept,
            () if is(TaskState::Done) => Self::Reported,
            () if suspended => Self::Suspended,
            () if row.asked > 0 => Self::Asked,
            () if row.reworks > 0 => Self::SentBack,
            () => Self::InHand,
        }
    }

    fn word(self, lang: Lang) -> &'static str {
        match self {
            Self::ToAccept => lang.tasks_to_accept(),
            Self::SentBack => lang.tasks_sent_back(),
            Self::InHand => lang.tasks_in_hand(),
            Self::Asked => lang.tasks_asked(),
            Self::Suspended => lang.tasks_suspended(),
            Self::Reported => lang.tasks_reported(),
        }
    }

    /// Its place on the page.
    fn id(self) -> &'static str {
        match self {
            Self::ToAccept => "to-accept",
            Self::SentBack => "sent-back",
            Self::InHand => "in-hand",
            Self::Asked => "asked",
            Self::Suspended => "suspended",
            Self::Reported => "reported",
        }
    }
}

pub(super) async fn page(State(app): State<App>, viewer: Viewer) -> Result<Html<String>, PageError> {
    viewer.must(Act::OwnTasks)?;
    made(&app, &viewer, None).await.map(Html).map_err(|error| error.shown(&viewer))
}

/// Units in which somebody works.
fn own_units(viewer: &Viewer) -> Vec<&str> {
    let own = viewer.session.grants.iter().filter(|grant| grant.role.may(Act::OwnTasks));
    let mut units: Vec<&str> = own.filter_map(|grant| grant.unit.as_deref()).collect();
    units.sort_unstable();
    units.dedup();
    units
}

async fn made(app: &App, viewer: &Viewer, problem: Option<&'static str>) -> Result<String, PageError> {
    let mut frame = shell(app, viewer, Nav::Tasks).await?;
    "/tasks?".clone_into(&mut frame.here);
    let (tenant, db, lang) = (app.tenant().as_str(), &app.db, frame.lang);
    let mut rows = Vec::new();
    let mut is_cut = false;
    for unit in own_units(viewer) {
        let own = store::of_unit(db, tenant, &viewer.session.user, unit, MOST).await?;
        is_cut |= own.len() as i64 == MOST;
        rows.extend(own);
    }
    // Of several units: one order.
    rows.sort_by_key(|row| (row.own_due_ms.is_none(), row.own_due_ms, row.case.opened_at_ms));
    let units = organisation::store::units(db, tenant).await?;
    let desk = Desk {
        names: AreaNames::new(&organisation::store::areas(db, tenant).await?),
        categories: category::all(db, tenant).await?,
        units: &units,
        local: local(app),
        lang,
    };
    let mut stages: BTreeMap<Stage, Vec<TaskLine>> = BTreeMap::new();
    for row in &rows {
        stages.entry(Stage::of(row)).or_default().push(desk.line(row));
    }
    let numbers: Vec<String> = rows.iter().map(|row| percent(&row.case.number)).collect();
    let group =
        |(stage, lines): (Stage, Vec<TaskLine>)| TaskGroup { id: stage.id(), word: stage.word(lang), lines };
    let page = TasksPage {
        units: own_units(viewer).iter().map(|unit| unit_name(&units, unit, lang)).collect(),
        late: rows.iter().filter(|row| row.own_due_ms.is_some_and(|at| at <= desk.local.now.0)).count(),
        may_evaluate: viewer.may(Act::Evaluate),
        orders_url: (!numbers.is_empty()).then(|| {
            format!("/tasks/orders?numbers={}", numbers[..numbers.len().min(MOST_CHOSEN)].join(","))
        }),
        groups: stages.into_iter().map(group).collect(),
        is_cut,
        problem,
        shell: &frame,
    };
    Ok(page.render()?)
}

struct Desk<'a> {
    names: AreaNames,
    categories: category::Categories,
    units: &'a [Unit],
    local: LocalTime,
    lang: Lang,
}

impl Desk<'_> {
    fn line(&self, row: &TaskRow) -> TaskLine {
        let (case, lang) = (&row.case, self.lang);
        let stage = Stage::of(row);
        let part = Part::kept(&row.part).unwrap_or(Part::Co);
        let cards = row.cards.split(' ').filter_map(Card::kept);
        let cards = cards.map(|card| lang.pick(card.zh(), card.en()).to_owned());
        let category = case.category.as_deref().and_then(|id| self.categories.find(id));
        let go_on = matches!(stage, Stage::InHand | Stage::SentBack | Stage::Asked);
        TaskLine {
            number: case.number.clone(),
            position: row.history_count,
            title: lang.pick(&case.title_zh, &case.title_en).to_owned(),
            sev: words::severity(&case.severity, lang),
            state: words::state(&case.state, lang),
            part: lang.pick(part.zh(), part.en()),
            unit: unit_name(self.units, &row.task_unit, lang),
            desk: row.desk.clone(),
            category: category.map(|own| worded(&own.zh, &own.en, lang)).unwrap_or_default(),
            areas: self.names.chain(&case.area, lang),
            place: case.place.clone().unwrap_or_default(),
            drill: case.drill != 0,
            due: row.own_due_ms.map(|at| self.due(at)),
            cards: cards.collect(),
            may_accept: stage == Stage::ToAccept,
            may_progress: go_on,
            may_ask: go_on && stage != Stage::Asked,
            report: match (go_on, part) {
                (true, Part::Lead) => Some(("#move-report", lang.tasks_report())),
                (true, Part::Co) => Some(("#move-finish-part", lang.tasks_finish())),
                (false, _) => None,
            },
        }
    }

    fn due(&self, at_ms: i64) -> DueView {
        let (left_ms, lang) = (at_ms - self.local.now.0, self.lang);
        let (side, class) = match left_ms {
            ..=0 => (lang.wall_over(), "over"),
            1..SOON_MS => (lang.wall_left(), "soon"),
            _ => (lang.wall_left(), ""),
        };
        DueView {
            word: "",
            at: self.local.moment(UtcMs(at_ms)),
            side,
            left: age_text(left_ms.abs(), lang.is_zh()),
            class,
        }
    }
}

/// Accepts each of the chosen parts; the answer says what came of each.
pub(super) async fn accept(State(app): State<App>, form: SafeForm) -> Response {
    let viewer = &form.viewer;
    if let Err(error) = viewer.must(Act::OwnTasks) {
        return error.into_response();
    }
    let lang = viewer.preferences.lang;
    let all = chosen(&form.fields);
    let problem = match &all {
        None => Some(lang.queue_bulk_odd()),
        Some(all) if all.is_empty() => Some(lang.queue_bulk_none()),
        Some(all) if all.len() > MOST_CHOSEN => Some(lang.queue_bulk_many()),
        Some(_) => None,
    };
    if let Some(problem) = problem {
        return match made(&app, viewer, Some(problem)).await {
            Ok(html) => (axum::http::StatusCode::UNPROCESSABLE_ENTITY, Html(html)).into_response(),
            Err(error) => error.shown(viewer).into_response(),
        };
    }
    let step = Step::Accept {};
    let rows: db::Result<_> = run(&app, viewer, &all.unwrap_or_default(), &step).await;
    answer(&app, viewer, &step, rows, (Nav::Tasks, "/tasks")).await
}
