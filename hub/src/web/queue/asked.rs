//! 审批: requests of units that wait for whoever looks, each with the limit that it would move to, as the law reckons it.

use super::store::{self, AskedRow, Filter, MOST_REQUESTS};
use crate::app::App;
use crate::case;
use crate::category::{self, Categories};
use crate::db;
use crate::organisation::{self, AreaPath, Unit};
use crate::web::guard::Viewer;
use crate::web::moment::LocalTime;
use crate::web::moves::{unit_name, worded};
use crate::web::shell::local;
use crate::web::text::Lang;
use crate::web::view::AskedCard;
use crate::web::wall::due;
use crate::web::words;
use crate::workflow::{self, Actor, Around, Ask, ClockKind, Dossier, Request, Step};

/// Requests of one page.
const MOST_SHOWN: usize = 40;

/// Requests that this user may decide, in their order; and whether there may be more.
pub(super) async fn waiting(
    app: &App,
    viewer: &Viewer,
    filter: &Filter,
) -> db::Result<(Vec<AskedRow>, bool)> {
    let user = &viewer.session.user;
    let mut rows = store::requests(&app.db, app.tenant().as_str(), user).await?;
    let is_cut = rows.len() as i64 == MOST_REQUESTS;
    rows.retain(|row| is_for(row, viewer) && fits(row, filter));
    Ok((rows, is_cut))
}

/// Nobody decides on his own request.
fn is_for(row: &AskedRow, viewer: &Viewer) -> bool {
    let area = AreaPath::kept(row.area.clone());
    let deciders = Ask::kept(&row.ask).map_or(&[][..], Ask::deciders);
    let mut grants = viewer.session.grants.iter();
    let may = grants.any(|grant| deciders.contains(&grant.role) && grant.area.covers(&area));
    may && row.asked_by != format!("user:{}", viewer.session.user)
}

fn fits(row: &AskedRow, filter: &Filter) -> bool {
    let is = |wanted: &str, own: &str| wanted.is_empty() || wanted == own;
    is(filter.severity, &row.severity) && is(filter.source, &row.source)
}

/// The first of them with all that it takes to decide; and whether there are more.
pub(super) async fn cards(
    app: &App,
    viewer: &Viewer,
    rows: &[AskedRow],
    current: &str,
) -> db::Result<(Vec<AskedCard>, bool)> {
    let (tenant, user) = (app.tenant().as_str(), viewer.session.user.as_str());
    let units = organisation::store::units(&app.db, tenant).await?;
    let categories = category::all(&app.db, tenant).await?;
    let desk =
        Desk { units: &units, categories: &categories, local: local(app), lang: viewer.preferences.lang };
    let actor = Actor::user(user, &viewer.session.grants);
    let newest = app.policies.newest(&app.db, tenant, app.clock.now()).await?;
    let mut cards = Vec::new();
    for row in rows.iter().take(MOST_SHOWN) {
        let mut tx = app.db.begin_read().await?;
        let Some(case) = case::store::visible_in(&mut tx, tenant, user, &row.number).await? else { continue };
        let Some(dossier) = workflow::store::load(&mut tx, tenant, &row.number).await? else { continue };
        let position = case::store::history_count(&mut tx, tenant, &case.case_id).await?;
        let Some(request) = dossier.requests.iter().find(|one| one.id == row.request_id) else { continue };
        // Another category brings the policy in force with it.
        let policy = match dossier.state.filing() {
            Some(filing) if request.ask != Ask::Category => {
                app.policies.version_in(&mut tx, tenant, filing.policy).await?
            }
            _ => newest.clone(),
        };
        drop(tx);
        let around = Around { policy: &policy, units: &units, now: desk.local.now, id: "trial" };
        let grant = Step::Decide { request: request.id.clone(), grant: true, reason: "-".to_owned() };
        let (then, not_yet) = match dossier.after(&grant, &actor, around) {
            Ok(after) => (desk.limit(&after, request), None),
            Err(_) if request.second && request.endorsed_by.is_none() => {
                (String::new(), Some(desk.lang.queue_needs_endorsement().to_owned()))
            }
            Err(refused) => (String::new(), Some(refused.text(desk.lang))),
        };
        cards.push(AskedCard {
            now: desk.limit(&dossier, request),
            then,
            not_yet,
            position,
            is_current: row.number == current,
            ..desk.card(&case, &dossier, request)
        });
    }
    Ok((cards, rows.len() > MOST_SHOWN))
}

struct Desk<'a> {
    units: &'a [Unit],
    categories: &'a Categories,
    local: LocalTime,
    lang: Lang,
}

impl Desk<'_> {
    fn card(&self, case: &case::Case, dossier: &Dossier, request: &Request) -> AskedCard {
        let lang = self.lang;
        let person = |name: &str| name.strip_prefix("user:").unwrap_or(name).to_owned();
        let mut tasks = dossier.state.work().into_iter().flat_map(|work| work.tasks());
        let task = tasks.find(|task| task.task == request.task);
        AskedCard {
            number: case.number.clone(),
            position: 0,
            title: lang.pick(&case.title_zh, &case.title_en).to_owned(),
            sev: words::severity(&case.severity, lang),
            state: words::state(&case.state, lang),
            due: due(case, &self.local, lang),
            request: request.id.clone(),
            what: lang.pick(request.ask.zh(), request.ask.en()),
            wish: self.wish(request),
            unit: task.map(|task| unit_name(self.units, &task.unit, lang)).unwrap_or_default(),
            by: person(&request.asked_by),
            at: self.local.moment(request.asked_at),
            reason: request.reason.clone(),
            endorsed_by: request.endorsed_by.as_deref().map(person),
            now: String::new(),
            then: String::new(),
            not_yet: None,
            is_current: false,
        }
    }

    /// How much longer, until when, or which category.
    fn wish(&self, request: &Request) -> String {
        let limit = request.by.map(|limit| self.lang.pick(&limit.zh(), &limit.to_string()).to_owned());
        let until = || request.until.map(|at| self.local.moment(at).full);
        let category = || {
            let id = request.category.as_deref()?;
            let own = self.categories.find(id);
            Some(own.map_or_else(|| id.to_owned(), |own| worded(&own.zh, &own.en, self.lang)))
        };
        limit.or_else(until).or_else(category).unwrap_or_default()
    }

    /// The limit that a request is about, as it stands in a case: that of the unit's handling, else what is due next.
    fn limit(&self, dossier: &Dossier, request: &Request) -> String {
        let lang = self.lang;
        let own = dossier.clocks.iter().find(|clock| {
            clock.kind == ClockKind::Handle && clock.task == request.task && clock.stopped_at.is_none()
        });
        let next = || dossier.next_due();
        let Some(clock) = own.or_else(next) else { return lang.queue_limit_still().to_owned() };
        let at = clock.due_at.map(|at| self.local.moment(at).full);
        let at = at.unwrap_or_else(|| lang.queue_limit_still().to_owned());
        format!("{} {at}", lang.pick(clock.kind.zh(), clock.kind.en()))
    }
}
