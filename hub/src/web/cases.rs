//! The live list of cases, and one row of it for `page.js`.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};

use super::error::PageError;
use super::guard::{Fields, Viewer, percent};
use super::shell::{local, render, shell};
use super::view::{CaseRow, CaseRowOnly, CasesPage, FilterChoice, Nav};
use super::words;
use super::{store, text::Lang};
use crate::app::App;
use crate::case::{self, Case, CaseFilter};

/// Rows of one page; older ones are a click away.
const PAGE: i64 = 100;

/// What the address asks to see.
#[derive(Clone, Debug, Default)]
struct Wanted {
    /// Also finished ones.
    all: bool,
    /// `camera`, `call`, `device` or everything.
    source: String,
    find: String,
    before_ms: Option<i64>,
}

impl Wanted {
    fn read(fields: &Fields) -> Self {
        let source = fields.get("kind");
        Self {
            all: fields.get("state") == "all",
            source: if ["camera", "call", "device"].contains(&source) {
                source.to_owned()
            } else {
                String::new()
            },
            find: fields.get("q").trim().chars().take(80).collect(),
            before_ms: fields.get("before").parse().ok(),
        }
    }

    fn takes(&self, case: &Case) -> bool {
        let source = if case.call_id.is_some() {
            "call"
        } else if case.camera_id.is_some() {
            "camera"
        } else {
            "device"
        };
        // Somebody who looks for a case wants it whatever became of it.
        (self.all || !self.find.is_empty() || words::is_open(case))
            && (self.source.is_empty() || self.source == source)
    }

    fn url(&self, all: bool, source: &str) -> String {
        let mut parts = Vec::new();
        if all {
            parts.push("state=all".to_owned());
        }
        if !source.is_empty() {
            parts.push(format!("kind={source}"));
        }
        if !self.find.is_empty() {
            parts.push(format!("q={}", percent(&self.find)));
        }
        if parts.is_empty() { "/cases".to_owned() } else { format!("/cases?{}", parts.join("&")) }
    }
}

pub(super) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    let wanted = Wanted::read(&fields);
    let nav = if wanted.source == "call" { Nav::Hotline } else { Nav::Cases };
    let mut frame = shell(&app, &viewer, nav).await?;
    frame.find.clone_from(&wanted.find);
    let lang = frame.lang;
    let shown = read(&app, &wanted).await.map_err(|error| PageError::from(error).shown(&viewer))?;
    let full = shown.len() as i64 >= PAGE;
    let oldest = shown.iter().map(|case| case.opened_at_ms).min();
    let rows = rows(&app, &viewer, shown).await?;

    let (mut waiting, rest): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.waits);
    let (inhand, ended): (Vec<_>, Vec<_>) = rest.into_iter().partition(|row| row.open);
    // The worst first, among equals the one that has waited longest.
    waiting.sort_by_key(|row| (row.sev.class, row.opened.ms));
    let latest = if waiting.is_empty() {
        let filter = CaseFilter { limit: 1, ..CaseFilter::default() };
        let newest = case::store::list(&app.db, app.tenant().as_str(), &filter)
            .await
            .map_err(|error| PageError::from(error).shown(&viewer))?;
        newest.first().map(|case| local(&app).moment(protocol::UtcMs(case.opened_at_ms)))
    } else {
        None
    };
    let page = CasesPage {
        states: states(&wanted, lang),
        kinds: kinds(&wanted, lang),
        filtered: !wanted.find.is_empty() || !wanted.source.is_empty(),
        latest,
        older: oldest.filter(|_| full && wanted.all).map(|before| {
            let url = wanted.url(true, &wanted.source);
            format!("{url}&before={before}")
        }),
        waiting,
        inhand,
        ended,
        shell: &frame,
    };
    render(&page, &viewer)
}

/// One row as the list shows it now; 404 when the list's filter does not show it.
pub(super) async fn row(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<String>,
    fields: Fields,
) -> Result<Response, PageError> {
    let wanted = Wanted::read(&fields);
    let frame = shell(&app, &viewer, Nav::Cases).await?;
    let case = case::store::by_number(&app.db, app.tenant().as_str(), &number)
        .await
        .map_err(|error| PageError::from(error).shown(&viewer))?;
    let Some(case) = case.filter(|case| wanted.takes(case)) else {
        return Err(PageError::NotFound.shown(&viewer));
    };
    let row = rows(&app, &viewer, vec![case]).await?.remove(0);
    Ok(render(&CaseRowOnly { shell: &frame, row }, &viewer)?.into_response())
}

async fn read(app: &App, wanted: &Wanted) -> crate::db::Result<Vec<Case>> {
    let tenant = app.tenant().as_str();
    let numbers = if wanted.find.is_empty() {
        if wanted.all {
            let filter = CaseFilter { limit: PAGE, before_ms: wanted.before_ms, ..CaseFilter::default() };
            let mut cases = case::store::list(&app.db, tenant, &filter).await?;
            cases.retain(|case| wanted.takes(case));
            return Ok(cases);
        }
        store::open_cases(&app.db, tenant, 2 * PAGE).await?
    } else {
        store::find(&app.db, tenant, &store::pattern(&wanted.find), PAGE).await?
    };
    let mut cases = Vec::with_capacity(numbers.len());
    for (number,) in numbers {
        cases.extend(case::store::by_number(&app.db, tenant, &number).await?);
    }
    cases.retain(|case| wanted.takes(case));
    Ok(cases)
}

pub(super) async fn rows(app: &App, viewer: &Viewer, cases: Vec<Case>) -> Result<Vec<CaseRow>, PageError> {
    let tenant = app.tenant().as_str();
    let read = async {
        let evidence = case::store::evidence_of(&app.db, tenant, &cases).await?;
        let data = store::incident_data(&app.db, tenant, &cases).await?;
        Ok::<_, crate::db::Error>((evidence, data))
    };
    let (evidence, data) = read.await.map_err(|error| PageError::from(error).shown(viewer))?;
    let facts = words::facts_of(data.iter().map(|(case, data)| (case.as_str(), data.as_str())));
    let local = local(app);
    let row = |case: &Case| {
        let own: Vec<_> = evidence.iter().filter(|e| e.case_id == case.case_id).cloned().collect();
        let facts = facts.get(&case.case_id);
        words::case_row(case, &own, facts, viewer.session.role, &local, viewer.preferences.lang)
    };
    Ok(cases.iter().map(row).collect())
}

fn states(wanted: &Wanted, lang: Lang) -> Vec<FilterChoice> {
    [(lang.open_only(), false), (lang.all(), true)]
        .map(|(word, all)| FilterChoice { word, url: wanted.url(all, &wanted.source), on: wanted.all == all })
        .to_vec()
}

fn kinds(wanted: &Wanted, lang: Lang) -> Vec<FilterChoice> {
    [(lang.all(), ""), (lang.camera(), "camera"), (lang.call(), "call"), (lang.device(), "device")]
        .map(|(word, source)| FilterChoice {
            word,
            url: wanted.url(wanted.all, source),
            on: wanted.source == source,
        })
        .to_vec()
}
