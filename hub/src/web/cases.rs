//! The live list of cases, and one row of it for `page.js`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};

use super::error::PageError;
use super::guard::{Fields, Viewer, percent};
use super::shell::{local, render, shell};
use super::text::Lang;
use super::view::{CaseRow, CaseRowOnly, CasesPage, Counts, FilterChoice, Nav};
use super::words;
use crate::app::App;
use crate::case::store::list;
use crate::case::{Case, CaseFilter, Cursor, Group, Source};
use crate::correlation::shelf;
use crate::db;
use crate::user::Act;

/// Rows of each part of a page; the next ones are a click away.
const PAGE: usize = 100;

/// What the address asks to see.
#[derive(Clone, Debug, Default)]
struct Wanted {
    /// `None`: what is open, waiting ones and those in hand, each with its own next page.
    group: Option<Group>,
    source: Option<Source>,
    find: String,
    after: Option<Cursor>,
    user: String,
}

impl Wanted {
    fn read(fields: &Fields, viewer: &Viewer) -> Self {
        let find: String = fields.get("q").trim().chars().take(80).collect();
        let group = match fields.get("state") {
            "all" => Some(Group::All),
            "waiting" => Some(Group::Waiting),
            "inhand" => Some(Group::InHand),
            "open" => None,
            // Somebody who looks for a case wants it whatever became of it.
            _ => (!find.is_empty()).then_some(Group::All),
        };
        let after = group.and_then(|_| fields.get("before").parse().ok());
        let user = viewer.session.user.clone();
        Self { group, source: Source::parse(fields.get("kind")), find, after, user }
    }

    fn filter(&self, group: Group) -> CaseFilter {
        CaseFilter {
            group,
            source: self.source,
            words: self.find.clone(),
            after: self.after.clone(),
            user: self.user.clone(),
            // One more than shown tells whether there is a next page.
            limit: PAGE as i64 + 1,
            ..CaseFilter::default()
        }
    }

    /// How many cases there are of each part, on all its pages, up to [`list::MOST_COUNTED`].
    async fn counts(&self, app: &App) -> db::Result<Counts> {
        let all = async |group| {
            let filter = CaseFilter { after: None, ..self.filter(group) };
            list::count(&app.db, app.tenant().as_str(), &filter).await
        };
        let (waiting, inhand) = (all(Group::Waiting).await?, all(Group::InHand).await?);
        // Finished ones are only in the list of everything.
        let ended = if self.group == Some(Group::All) {
            let filter = CaseFilter { after: None, ..self.filter(Group::All) };
            list::count_ended(&app.db, app.tenant().as_str(), &filter).await?
        } else {
            0
        };
        Ok(Counts { waiting, inhand, ended })
    }

    fn groups(&self) -> Vec<Group> {
        self.group.map_or(vec![Group::Waiting, Group::InHand], |group| vec![group])
    }

    fn url(&self, group: Option<Group>, source: Option<Source>, after: Option<&Cursor>) -> String {
        let mut parts = Vec::new();
        match group {
            Some(Group::All) => parts.push("state=all".to_owned()),
            Some(Group::Waiting) => parts.push("state=waiting".to_owned()),
            Some(Group::InHand) => parts.push("state=inhand".to_owned()),
            // Without words, what is open is what one gets.
            None if self.find.is_empty() => {}
            None => parts.push("state=open".to_owned()),
        }
        if let Some(source) = source {
            parts.push(format!("kind={}", source.as_str()));
        }
        if !self.find.is_empty() {
            parts.push(format!("q={}", percent(&self.find)));
        }
        if let Some(after) = after {
            parts.push(format!("before={}", percent(&after.to_string())));
        }
        if parts.is_empty() { "/cases".to_owned() } else { format!("/cases?{}", parts.join("&")) }
    }
}

/// One part of the list, and where its next page begins.
struct Part {
    cases: Vec<Case>,
    next: Option<String>,
}

async fn part(app: &App, wanted: &Wanted, group: Group) -> db::Result<Part> {
    let mut cases = list::list(&app.db, app.tenant().as_str(), &wanted.filter(group)).await?;
    let more = cases.len() > PAGE;
    cases.truncate(PAGE);
    let last = cases.last().filter(|_| more).map(Cursor::of);
    let next = last.map(|last| wanted.url(Some(group), wanted.source, Some(&last)));
    Ok(Part { cases, next })
}

pub(super) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    let wanted = Wanted::read(&fields, &viewer);
    let nav = if wanted.source == Some(Source::Call) { Nav::Hotline } else { Nav::Cases };
    let mut frame = shell(&app, &viewer, nav).await?;
    frame.find.clone_from(&wanted.find);
    let lang = frame.lang;
    let shown = |error: db::Error| PageError::from(error).shown(&viewer);

    let (mut found, mut older, mut older_waiting, mut older_inhand) = (Vec::new(), None, None, None);
    for group in wanted.groups() {
        let part = part(&app, &wanted, group).await.map_err(shown)?;
        found.extend(part.cases);
        match group {
            Group::All => older = part.next,
            Group::Waiting => older_waiting = part.next,
            Group::InHand => older_inhand = part.next,
        }
    }
    let all = rows(&app, &viewer, found).await?;
    let counts = wanted.counts(&app).await.map_err(shown)?;
    let latest =
        if all.iter().any(|row| row.waits) { None } else { latest(&app, &viewer).await.map_err(shown)? };
    let (mut waiting, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|row| row.waits);
    let (inhand, ended): (Vec<_>, Vec<_>) = rest.into_iter().partition(|row| row.open);
    // A page of everything comes newest first; its waiting part reads like every other: the worst first.
    waiting.sort_by_key(|row| (row.sev.class, row.opened.ms));
    let aside = shelf::list(&app.db, app.tenant().as_str(), &viewer.session.user).await.map_err(shown)?;
    let page = CasesPage {
        shelved: aside.iter().map(|one| words::shelved(one, &local(&app), lang)).collect(),
        states: states(&wanted, lang),
        kinds: kinds(&wanted, lang),
        filtered: !wanted.find.is_empty() || wanted.source.is_some() || wanted.after.is_some(),
        part: match wanted.group {
            Some(Group::Waiting) => "waiting",
            Some(Group::InHand) => "inhand",
            _ => "",
        },
        counts,
        latest: latest.map(|at| local(&app).moment(protocol::UtcMs(at))),
        older_waiting,
        older_inhand,
        older,
        waiting,
        inhand,
        ended,
        shell: &frame,
    };
    render(&page, &viewer)
}

/// The numbers beside the parts of the list, as they are now.
pub(super) async fn counts(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Json<Counts>, PageError> {
    let counts = Wanted::read(&fields, &viewer).counts(&app).await;
    counts.map(Json).map_err(|error| PageError::from(error).shown(&viewer))
}

/// When the newest case of all opened: what the empty state says.
async fn latest(app: &App, viewer: &Viewer) -> db::Result<Option<i64>> {
    let filter = CaseFilter { limit: 1, user: viewer.session.user.clone(), ..CaseFilter::default() };
    let newest = list::list(&app.db, app.tenant().as_str(), &filter).await?;
    Ok(newest.first().map(|case| case.opened_at_ms))
}

/// One row as the list shows it now; 404 when the list of this address does not show it.
pub(super) async fn row(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<String>,
    fields: Fields,
) -> Result<Response, PageError> {
    let wanted = Wanted::read(&fields, &viewer);
    let frame = shell(&app, &viewer, Nav::Cases).await?;
    for group in wanted.groups() {
        let filter = CaseFilter { number: number.clone(), limit: 1, ..wanted.filter(group) };
        let found = list::list(&app.db, app.tenant().as_str(), &filter)
            .await
            .map_err(|error| PageError::from(error).shown(&viewer))?;
        if !found.is_empty() {
            let row = rows(&app, &viewer, found).await?.remove(0);
            return Ok(render(&CaseRowOnly { shell: &frame, row }, &viewer)?.into_response());
        }
    }
    Err(PageError::NotFound.shown(&viewer))
}

pub(super) async fn rows(app: &App, viewer: &Viewer, cases: Vec<Case>) -> Result<Vec<CaseRow>, PageError> {
    let previews = list::previews(&app.db, app.tenant().as_str(), &cases)
        .await
        .map_err(|error| PageError::from(error).shown(viewer))?;
    let local = local(app);
    let row = |case: &Case| {
        let preview = previews.iter().find(|preview| preview.case_id == case.case_id);
        words::case_row(case, preview, viewer.may(Act::Acknowledge), &local, viewer.preferences.lang)
    };
    Ok(cases.iter().map(row).collect())
}

fn states(wanted: &Wanted, lang: Lang) -> Vec<FilterChoice> {
    let mut all = vec![(lang.open_only(), None), (lang.all(), Some(Group::All))];
    // A part that was opened by its "more" stays visible as what it is.
    match wanted.group {
        Some(Group::Waiting) => all.insert(1, (lang.unacknowledged(), wanted.group)),
        Some(Group::InHand) => all.insert(1, (lang.acknowledged(), wanted.group)),
        _ => {}
    }
    let choice = |(word, group): (&'static str, Option<Group>)| FilterChoice {
        word,
        url: wanted.url(group, wanted.source, None),
        on: wanted.group == group,
    };
    all.into_iter().map(choice).collect()
}

fn kinds(wanted: &Wanted, lang: Lang) -> Vec<FilterChoice> {
    let all = [
        (lang.all(), None),
        (lang.camera(), Some(Source::Camera)),
        (lang.call(), Some(Source::Call)),
        (lang.device(), Some(Source::Device)),
        (lang.worker(), Some(Source::Worker)),
        (lang.citizen(), Some(Source::Citizen)),
    ];
    let choice = |(word, source)| FilterChoice {
        word,
        url: wanted.url(wanted.group, source, None),
        on: wanted.source == source,
    };
    all.map(choice).to_vec()
}
