//! 派遣台: what waits for a dispatcher, a leader of a shift, a commander or an officer, by what is due next.
//!
//! Each part is a list of open cases, and its number is counted by the same conditions. Everything is done by the forms of the
//! case's own page, or by one form for many cases ([`bulk`]), through the same law. `queue.js` reads the page again when
//! something changes; what is new waits until it is asked for. Deliberately absent: any decision about cases, and any order
//! but that of the limits.

mod asked;
mod bulk;
mod part;
mod pick;
mod row;
mod store;
pub(super) mod suggest;
pub(super) mod views;

use std::collections::{HashMap, HashSet};

use askama::Template as _;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use protocol::Severity;

pub(crate) use bulk::MOST as MOST_CHOSEN;
pub(super) use bulk::{answer, chosen, run, submit};
use part::{Part, Scope, scopes};
use row::Around;
use store::{Counts, Filter, Waiting};

use super::error::PageError;
use super::guard::{Fields, Viewer, percent};
use super::moves::worded;
use super::shell::{local, shell};
use super::text::Lang;
use super::view::{BulkView, Nav, OptionView, QueuePage, QueuePart};
use super::wall::AreaNames;
use super::words;
use crate::app::App;
use crate::case::Source;
use crate::user::Act;
use crate::workflow::{self, Actor, VoidReason};
use crate::{category, db, organisation};

/// Rows of one page; those whose limits end soonest.
const MOST_ROWS: usize = 150;
/// Reported cases of which the law is asked whether they can be closed.
const MOST_ASKED: usize = 60;
/// Longest number or unit that an address may name.
const MOST_NAME: usize = 80;

/// What an address asks to see.
#[derive(Clone, Debug, Default)]
struct Asked {
    /// The first one that is one's own and has cases, where none is named.
    part: Option<Part>,
    /// Instead of a part: cases of this unit, and of those only the late ones.
    unit: String,
    late: bool,
    filter: Filter,
    /// The case that is picked.
    current: String,
    /// What was dispatched a moment ago.
    done: String,
}

impl Asked {
    fn read(fields: &Fields) -> Self {
        let short = |name: &str| fields.get(name).trim().chars().take(MOST_NAME).collect::<String>();
        let severity = fields.get("severity").parse::<Severity>();
        Self {
            part: Part::parse(fields.get("part")),
            unit: short("unit"),
            late: fields.get("late") == "1",
            filter: Filter {
                severity: severity.map_or("", Severity::as_str),
                source: Source::parse(fields.get("source")).map_or("", Source::as_str),
            },
            current: short("case"),
            done: short("done"),
        }
    }

    /// The address of a list, without what is picked in it.
    fn url(&self, part: Option<Part>) -> String {
        let mut words = Vec::new();
        match part {
            Some(part) => words.push(format!("part={}", part.as_str())),
            None if !self.unit.is_empty() => {
                words.push(format!("unit={}", percent(&self.unit)));
                if self.late {
                    words.push("late=1".to_owned());
                }
            }
            None => {}
        }
        let filter = [("severity", self.filter.severity), ("source", self.filter.source)];
        words.extend(filter.iter().filter(|(_, is)| !is.is_empty()).map(|(name, is)| format!("{name}={is}")));
        if words.is_empty() { "/queue".to_owned() } else { format!("/queue?{}", words.join("&")) }
    }
}

/// The form of many as it was sent, to be shown again.
#[derive(Clone, Debug, Default)]
struct Again {
    checked: Vec<String>,
    unit: String,
    void: String,
    words: String,
    problem: Option<&'static str>,
}

pub(super) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::Queue)?;
    let asked = Asked::read(&fields);
    made(&app, &viewer, asked, &Again::default()).await.map(Html).map_err(|error| error.shown(&viewer))
}

/// The list again, with what was chosen and typed, and why nothing was done.
async fn refused(app: &App, viewer: &Viewer, back: &str, again: Again) -> Response {
    let query = back.split_once('?').map_or("", |(_, query)| query);
    let asked = Asked::read(&Fields::parse(query.as_bytes()));
    match made(app, viewer, asked, &again).await {
        Ok(html) => (StatusCode::UNPROCESSABLE_ENTITY, Html(html)).into_response(),
        Err(error) => error.shown(viewer).into_response(),
    }
}

async fn made(app: &App, viewer: &Viewer, mut asked: Asked, again: &Again) -> Result<String, PageError> {
    let mut frame = shell(app, viewer, Nav::Queue).await?;
    let (tenant, db) = (app.tenant().as_str(), &app.db);
    let (local, lang) = (local(app), frame.lang);
    let grants = viewer.session.grants.as_slice();

    let counts = counts(app, viewer, &asked.filter).await?;
    let (requests, more_requests) = asked::waiting(app, viewer, &asked.filter).await?;
    let count = |part: Part| match part {
        Part::Requests => requests.len() as i64,
        part => scopes(part, grants).iter().filter_map(|scope| Some(counts.get(scope)?.of(part))).sum(),
    };
    let here = |part: Part| !scopes(part, grants).is_empty();
    if asked.part.is_none() && asked.unit.is_empty() {
        let own = Part::ALL.into_iter().filter(|part| here(*part) && part.is_own());
        asked.part = own.clone().find(|part| count(*part) > 0).or_else(|| own.clone().next());
    }
    let address = asked.url(asked.part);
    frame.here = format!("{address}{}", if address.contains('?') { "&" } else { "?" });
    let parts = Part::ALL.into_iter().filter(|part| here(*part)).map(|part| QueuePart {
        word: part.word(lang),
        url: asked.url(Some(part)),
        count: match (count(part), part) {
            (many, Part::Requests) if more_requests => format!("{many}+"),
            (many, _) => many.to_string(),
        },
        is_on: asked.part == Some(part),
        is_own: part.is_own(),
    });

    let (rows, mut is_cut) = rows(app, viewer, &asked).await?;
    let units = organisation::store::units(db, tenant).await?;
    let categories = category::all(db, tenant).await?;
    let areas = organisation::store::areas(db, tenant).await?;
    let ends = ends(app, viewer, &asked, &rows, &units).await?;
    let around = Around {
        grants,
        names: &AreaNames::new(&areas),
        units: &units,
        categories: &categories,
        local: &local,
        lang,
        current: &asked.current,
        checked: &again.checked,
        ends: &ends,
    };
    let joint = if address.contains('?') { "&" } else { "?" };
    let bands = row::bands(&rows, &around, |number| format!("{address}{joint}case={}#pick", percent(number)));
    let cards = if asked.part == Some(Part::Requests) {
        let (cards, more) = asked::cards(app, viewer, &requests, &asked.current).await?;
        is_cut = more || more_requests;
        Some(cards)
    } else {
        None
    };
    let may_dispatch = !scopes(Part::Dispatch, grants).is_empty();
    let page = QueuePage {
        parts: parts.collect(),
        title: title(&asked, &units, lang),
        count: cards.as_ref().map_or(rows.len(), Vec::len),
        is_cut,
        pick: pick::picked(app, viewer, &around, &address).await?,
        withdraw: pick::just_dispatched(app, viewer, &around, (&asked.done, &address)).await?,
        severities: severities(asked.filter.severity, lang),
        sources: sources(asked.filter.source, lang),
        part: asked.part.map_or("", Part::as_str).to_owned(),
        is_filtered: !asked.filter.severity.is_empty() || !asked.filter.source.is_empty(),
        bulk: bulk_view(again, &units, may_dispatch, lang),
        may_hand_over: viewer.may(Act::HandOver),
        views: views::of(app, viewer, &address).await?,
        requests: cards,
        bands,
        here: address,
        shell: &frame,
    };
    Ok(page.render()?)
}

/// One count for each place in which any part waits for this user.
async fn counts(app: &App, viewer: &Viewer, filter: &Filter) -> db::Result<HashMap<Scope, Counts>> {
    let (tenant, user, now) = (app.tenant().as_str(), &viewer.session.user, app.clock.now());
    let all: HashSet<Scope> =
        Part::ALL.into_iter().flat_map(|part| scopes(part, &viewer.session.grants)).collect();
    let mut counts = HashMap::new();
    for scope in all {
        let own = store::counts(&app.db, tenant, user, (&scope, filter), now).await?;
        counts.insert(scope, own);
    }
    Ok(counts)
}

/// Rows of what is asked for, in the order of their limits; and whether there are more.
async fn rows(app: &App, viewer: &Viewer, asked: &Asked) -> db::Result<(Vec<Waiting>, bool)> {
    let (tenant, user, now) = (app.tenant().as_str(), &viewer.session.user, app.clock.now());
    // One more than shown tells whether there are more.
    let most = (now, MOST_ROWS as i64 + 1);
    let mut all = Vec::new();
    match asked.part {
        Some(Part::Requests) => {}
        Some(part) => {
            for scope in scopes(part, &viewer.session.grants) {
                let own = (part, &scope, &asked.filter);
                all.extend(store::waiting(&app.db, tenant, user, own, most).await?);
            }
            row::in_order(&mut all);
        }
        None if !asked.unit.is_empty() => {
            all = store::of_unit(&app.db, tenant, user, (&asked.unit, asked.late), most).await?;
        }
        None => {}
    }
    let is_cut = all.len() > MOST_ROWS;
    all.truncate(MOST_ROWS);
    Ok((all, is_cut))
}

/// Of reported cases: what keeps each from its end, as the law says for whoever looks.
async fn ends(
    app: &App,
    viewer: &Viewer,
    asked: &Asked,
    rows: &[Waiting],
    units: &[organisation::Unit],
) -> db::Result<HashMap<String, &'static str>> {
    let mut ends = HashMap::new();
    let Some(part @ (Part::Close | Part::Check)) = asked.part else { return Ok(ends) };
    let (tenant, now, lang) = (app.tenant().as_str(), app.clock.now(), viewer.preferences.lang);
    let actor = Actor::user(&viewer.session.user, &viewer.session.grants);
    let close = workflow::Step::Close { note: String::new() };
    for (at, waiting) in rows.iter().enumerate() {
        let mut may = false;
        if part == Part::Close && at < MOST_ASKED {
            let mut tx = app.db.begin_read().await?;
            let dossier = workflow::store::load(&mut tx, tenant, &waiting.case.number).await?;
            let filing = dossier.as_ref().and_then(|dossier| dossier.state.filing());
            if let (Some(dossier), Some(filing)) = (&dossier, filing) {
                let policy = app.policies.version_in(&mut tx, tenant, filing.policy).await?;
                let around = workflow::Around { policy: &policy, units, now, id: "trial" };
                may = dossier.refusal(&close, &actor, around).is_none();
            }
        }
        let checked = waiting.check_agrees.map(|agrees| agrees != 0);
        ends.insert(waiting.case.number.clone(), row::before_the_end(part, checked, may, lang));
    }
    Ok(ends)
}

fn title(asked: &Asked, units: &[organisation::Unit], lang: Lang) -> String {
    let unit = || {
        let word = if asked.late { lang.queue_of_unit_late() } else { lang.queue_of_unit() };
        format!("{} · {word}", super::moves::unit_name(units, &asked.unit, lang))
    };
    match asked.part {
        Some(part) => part.word(lang).to_owned(),
        None if asked.unit.is_empty() => lang.queue().to_owned(),
        None => unit(),
    }
}

fn option(value: &str, word: &str, chosen: &str) -> OptionView {
    OptionView { value: value.to_owned(), word: word.to_owned(), on: value == chosen }
}

fn severities(chosen: &str, lang: Lang) -> Vec<OptionView> {
    let all = Severity::ALL.iter().map(|one| option(one.as_str(), lang.pick(one.zh(), one.en()), chosen));
    std::iter::once(option("", lang.all(), chosen)).chain(all).collect()
}

fn sources(chosen: &str, lang: Lang) -> Vec<OptionView> {
    let all = Source::ALL.iter().map(|one| option(one.as_str(), words::source(one.as_str(), lang), chosen));
    std::iter::once(option("", lang.all(), chosen)).chain(all).collect()
}

fn bulk_view(again: &Again, units: &[organisation::Unit], may_dispatch: bool, lang: Lang) -> BulkView {
    let active = units.iter().filter(|unit| unit.active == 1);
    let unit = |unit: &organisation::Unit| {
        option(&unit.unit, &worded(&unit.name_zh, &unit.name_en, lang), &again.unit)
    };
    // 并案 is made one by one: each names its other case.
    let voids = VoidReason::ALL.iter().filter(|reason| **reason != VoidReason::Joined);
    let void =
        |reason: &VoidReason| option(reason.as_str(), lang.pick(reason.zh(), reason.en()), &again.void);
    BulkView {
        units: active.map(unit).collect(),
        voids: voids.map(void).collect(),
        words: again.words.clone(),
        may_dispatch,
        problem: again.problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::StepKind;

    /// An address says what is looked at and comes back the same; words that it does not know ask for nothing.
    #[test]
    fn addresses_read_back() {
        let read = |query: &str| Asked::read(&Fields::parse(query.as_bytes()));
        for address in ["/queue?part=late", "/queue?part=dispatch&severity=major&source=call"] {
            let asked = read(address.split_once('?').unwrap().1);
            assert_eq!(asked.url(asked.part), address);
        }
        let asked = read("unit=housing&late=1&case=20260318-001&done=x");
        assert_eq!(asked.url(asked.part), "/queue?unit=housing&late=1");
        assert_eq!((asked.current.as_str(), asked.done.as_str()), ("20260318-001", "x"));
        let odd = read("part=x&severity=y&source=z");
        assert_eq!(odd.url(odd.part), "/queue");
    }

    /// Whoever sees the queue may also make its moves by their law: the table of roles does not promise more.
    #[test]
    fn who_queues_may_do_something() {
        for role in Act::Queue.roles() {
            assert!(StepKind::File.roles().contains(role), "{role}");
        }
    }
}
