//! The moves of one case as one person sees them: the next one first, then the others by who may.

use protocol::Severity;

use super::about::{about, key};
use super::fields::{self, Desk, Draw, name, worded};
use super::{Refusal, form_id};
use crate::app::App;
use crate::case::{self, Case};
use crate::category::{self, Categories, likely};
use crate::correlation::links::Links;
use crate::db;
use crate::organisation::{self, AreaPath, Unit};
use crate::user::{Act, Role};
use crate::web::guard::{Fields, Viewer};
use crate::web::queue::suggest::{self, Known, Picks};
use crate::web::shell::local;
use crate::web::text::Lang;
use crate::web::view::{
    AskedView, ButtonView, Control, FieldView, MoveGroup, MoveView, MovesView, PartView, RefusedView,
};
use crate::web::wall::AreaNames;
use crate::web::words;
use crate::workflow::{self, Actor, Around, Ask, Missing, Refused, Request, Step, StepKind};

/// Which move is the next one, where several are somebody's.
const NEXT: [StepKind; 13] = [
    StepKind::Decide,
    StepKind::Endorse,
    StepKind::Accept,
    StepKind::HandleHere,
    StepKind::File,
    StepKind::Dispatch,
    StepKind::Report,
    StepKind::FinishPart,
    StepKind::Check,
    StepKind::Close,
    StepKind::Rework,
    StepKind::CallBack,
    StepKind::Remind,
];

/// Rows of the history that a stale form tells of.
const MOST_TOLD: usize = 20;

/// Nothing, if the case is gone meanwhile.
pub(in crate::web) async fn read(
    app: &App,
    viewer: &Viewer,
    case: &Case,
    link: &Links,
    refusal: Option<&Refusal>,
) -> db::Result<Option<MovesView>> {
    let (tenant, lang, local) = (app.tenant().as_str(), viewer.preferences.lang, local(app));
    let newest = app.policies.newest(&app.db, tenant, app.clock.now()).await?;
    let mut tx = app.db.begin_read().await?;
    let Some(dossier) = workflow::store::load(&mut tx, tenant, &case.number).await? else { return Ok(None) };
    let position = case::store::history_count(&mut tx, tenant, &case.case_id).await?;
    let policy = match dossier.state.filing().map(|filing| filing.policy) {
        Some(version) => app.policies.version_in(&mut tx, tenant, version).await?,
        None => newest,
    };
    let units = organisation::store::units_in(&mut tx, tenant).await?;
    drop(tx);
    let categories = category::all(&app.db, tenant).await?;
    let likely = likely::of_case(app, case, &dossier).await?;
    let session = &viewer.session;
    let offers = dossier.offers(&Actor::user(&session.user, &session.grants));
    let picks = if offers.iter().any(|one| one.step == StepKind::Dispatch && one.refused.is_none()) {
        let names = AreaNames::new(&organisation::store::areas(&app.db, tenant).await?);
        let known = Known { units: &units, categories: &categories, names: &names, lang };
        suggest::picks(app, &session.user, case, known).await?
    } else {
        Picks::default()
    };
    let desk = Desk {
        dossier: &dossier,
        policy: &policy,
        units: &units,
        categories: &categories,
        likely: likely.0.as_ref(),
        picks: &picks,
        local: &local,
        lang,
    };
    Ok(Some(view(desk, (viewer, case, link), position, refusal)))
}

/// The page's part, from what was read of the case.
pub(super) fn view(
    desk: Desk<'_>,
    (viewer, case, link): (&Viewer, &Case, &Links),
    position: i64,
    refusal: Option<&Refusal>,
) -> MovesView {
    let lang = desk.lang;
    let sheet = Sheet { desk, viewer, case, refusal };
    let mut all = sheet.moves();
    all.extend(sheet.shelf(link));
    let mut view = MovesView { position, parts: sheet.parts(), asked: sheet.asked(), ..arranged(all, lang) };
    sheet.hang_up(&mut view);
    view
}

/// A refusal in the names that people know.
pub(in crate::web) async fn why_not(app: &App, refused: &Refused, lang: Lang) -> db::Result<String> {
    let tenant = app.tenant().as_str();
    let units = organisation::store::units(&app.db, tenant).await?;
    let categories = category::all(&app.db, tenant).await?;
    Ok(in_words(refused, &units, &categories, lang))
}

fn in_words(refused: &Refused, units: &[Unit], categories: &Categories, lang: Lang) -> String {
    let Refused::Missing { step, what } = refused else { return refused.text(lang) };
    let unit = |id: &String| name(units, id, lang);
    let what = match what {
        Missing::Parts(ids) => Missing::Parts(ids.iter().map(unit).collect()),
        Missing::Unit(id) => Missing::Unit(unit(id)),
        Missing::UnitTwice(id) => Missing::UnitTwice(unit(id)),
        Missing::Category(id) => {
            let known = categories.find(id).map(|own| worded(&own.zh, &own.en, lang));
            Missing::Category(known.unwrap_or_else(|| id.clone()))
        }
        other => other.clone(),
    };
    Refused::Missing { step: *step, what }.text(lang)
}

/// A move before it has its place on the page: its kind, of those of the law, and whose it is.
struct Drawn {
    kind: Option<StepKind>,
    roles: &'static [Role],
    view: MoveView,
}

struct Sheet<'a> {
    desk: Desk<'a>,
    viewer: &'a Viewer,
    case: &'a Case,
    refusal: Option<&'a Refusal>,
}

impl Sheet<'_> {
    fn moves(&self) -> Vec<Drawn> {
        let (dossier, lang) = (self.desk.dossier, self.desk.lang);
        let session = &self.viewer.session;
        let actor = Actor::user(&session.user, &session.grants);
        let around = Around {
            policy: self.desk.policy,
            units: self.desk.units,
            now: self.desk.local.now,
            id: "trial",
        };
        let mut all = Vec::new();
        for offer in dossier.outlook(&actor, around) {
            let kind = offer.step;
            // The page of the call files it, with its ticket.
            if kind == StepKind::File && self.case.call_id.is_some() && self.viewer.may(Act::FileTicket) {
                continue;
            }
            let why_not = |refused: &Refused| in_words(refused, self.desk.units, self.desk.categories, lang);
            let waiting = || dossier.requests.iter().filter(|one| one.decision.is_none());
            let about: Vec<&Request> = match kind {
                StepKind::Decide => waiting().collect(),
                StepKind::Endorse => waiting().filter(|one| one.endorsed_by.is_none()).collect(),
                _ => vec![],
            };
            if about.is_empty() {
                all.push(self.drawn(kind, None, offer.refused.as_ref().map(why_not)));
            }
            for request in about {
                let trial = match kind {
                    StepKind::Endorse => Step::Endorse { request: request.id.clone(), note: String::new() },
                    _ => Step::Decide { request: request.id.clone(), grant: false, reason: "-".to_owned() },
                };
                let refused = dossier.refusal(&trial, &actor, around);
                all.push(self.drawn(kind, Some(request), refused.as_ref().map(why_not)));
            }
        }
        all
    }

    fn drawn(&self, kind: StepKind, request: Option<&Request>, why_not: Option<String>) -> Drawn {
        let lang = self.desk.lang;
        let id = form_id(kind.as_str(), request.map_or("", |request| request.id.as_str()));
        let draw = self.draw(&id);
        let word = lang.pick(kind.zh(), kind.en());
        let (name, about, key) = match request {
            Some(request) => {
                let what = lang.pick(request.ask.zh(), request.ask.en());
                let is_longer = kind == StepKind::Decide && request.ask == Ask::Extension;
                let name = format!("{word}{}{what}", lang.pick("：", ": "));
                (name, self.request_in_words(request), is_longer.then_some("e"))
            }
            None => (word.to_owned(), about(kind, lang).to_owned(), key(kind)),
        };
        let mut asked = Vec::new();
        if why_not.is_none() {
            asked = fields::of_step(&self.desk, &draw, kind);
            if let Some(request) = request {
                asked.insert(0, hidden("request", &id, &request.id));
            }
        }
        let confirm = match kind {
            StepKind::Void => Some(lang.move_confirm_void()),
            StepKind::Supervise => Some(lang.move_confirm_supervise()),
            StepKind::Waive => Some(lang.move_confirm_waive()),
            _ => None,
        };
        let view = MoveView {
            kind: kind.as_str(),
            name,
            key: key.filter(|_| why_not.is_none()),
            about,
            why_not,
            address: "moves",
            fields: asked,
            buttons: fields::buttons(kind, lang),
            confirm,
            is_open: false,
            refused: None,
            id,
        };
        Drawn { kind: Some(kind), roles: kind.roles(), view }
    }

    fn draw<'a>(&'a self, id: &'a str) -> Draw<'a> {
        let own = self.refusal.filter(|refusal| refusal.form == id);
        Draw {
            id,
            typed: own.map(|refusal| &refusal.fields),
            pictures: own.map_or(&[], |refusal| &refusal.pictures),
            lang: self.desk.lang,
        }
    }

    /// The source of the case's alarms: put aside, or taken back. Calls and reports have none.
    fn shelf(&self, link: &Links) -> Option<Drawn> {
        let (lang, case) = (self.desk.lang, self.case);
        if case.call_id.is_some() || case.kind == case::report::KIND {
            return None;
        }
        let is_emergency = case.severity == Severity::Emergency.as_str();
        let is_shelved = link.shelved_until_ms.is_some_and(|until| until > self.desk.local.now.0);
        let act = if is_emergency && !is_shelved { Act::ShelveEmergency } else { Act::Shelve };
        let session = &self.viewer.session;
        let may = session.may_at(act, &AreaPath::kept(case.area.clone()));
        let (kind, name) =
            if is_shelved { ("unshelve", lang.move_unshelve()) } else { ("shelve", lang.move_shelve()) };
        let id = form_id(kind, "");
        let draw = self.draw(&id);
        let fields = if is_shelved || !may { vec![] } else { fields::of_shelf(&draw, is_emergency) };
        let about = lang.pick(
            "这个告警源在一段时间内只计数、不报警；更严重的照常报警",
            "for a while its alarms are only counted; what is worse is told all the same",
        );
        let view = MoveView {
            kind,
            name: name.to_owned(),
            key: None,
            about: if is_shelved { String::new() } else { about.to_owned() },
            why_not: (!may).then(|| format!("{}{}", lang.only_roles(), act.roles_text(lang))),
            address: "shelf",
            fields,
            buttons: vec![ButtonView { sends: None, word: name.to_owned() }],
            confirm: None,
            is_open: false,
            refused: None,
            id,
        };
        Some(Drawn { kind: None, roles: act.roles(), view })
    }

    fn parts(&self) -> Vec<PartView> {
        let (dossier, lang, now) = (self.desk.dossier, self.desk.lang, self.desk.local.now);
        let tasks = dossier.state.work().into_iter().flat_map(|work| work.tasks());
        let part = |task: &workflow::Task| {
            let running =
                dossier.clocks.iter().filter(|clock| clock.task == task.task && clock.stopped_at.is_none());
            let due = running.filter_map(|clock| clock.due_at).min_by_key(|at| at.0);
            PartView {
                is_lead: task.part == workflow::Part::Lead,
                part: lang.pick(task.part.zh(), task.part.en()),
                unit: name(self.desk.units, &task.unit, lang),
                state: lang.pick(task.state.zh(), task.state.en()),
                desk: task.desk.clone().unwrap_or_default(),
                is_late: due.is_some_and(|at| at.0 < now.0),
                due: due.map(|at| self.desk.local.moment(at)),
            }
        };
        tasks.map(part).collect()
    }

    fn asked(&self) -> Vec<AskedView> {
        let lang = self.desk.lang;
        let person = |name: &str| name.strip_prefix("user:").unwrap_or(name).to_owned();
        let waiting = self.desk.dossier.requests.iter().filter(|one| one.decision.is_none());
        waiting
            .map(|request| AskedView {
                what: lang.pick(request.ask.zh(), request.ask.en()),
                detail: self.wish(request),
                by: person(&request.asked_by),
                at: self.desk.local.moment(request.asked_at),
                reason: request.reason.clone(),
                endorsed_by: request.endorsed_by.as_deref().map(person),
            })
            .collect()
    }

    /// How much longer, until when, or which category.
    fn wish(&self, request: &Request) -> String {
        let lang = self.desk.lang;
        let limit = request.by.map(|limit| lang.pick(&limit.zh(), &limit.to_string()).to_owned());
        let until = || request.until.map(|at| self.desk.local.moment(at).full);
        let category = || {
            let id = request.category.as_deref()?;
            let own = self.desk.categories.find(id);
            Some(own.map_or_else(|| id.to_owned(), |own| worded(&own.zh, &own.en, lang)))
        };
        limit.or_else(until).or_else(category).unwrap_or_default()
    }

    fn request_in_words(&self, request: &Request) -> String {
        let by = request.asked_by.strip_prefix("user:").unwrap_or(&request.asked_by);
        let wish = self.wish(request);
        let words = [wish.as_str(), by, request.reason.as_str()];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" · ")
    }

    /// Puts what came of the last try beside its form; where there is none any more, above all, with what was typed.
    fn hang_up(&self, view: &mut MovesView) {
        let Some(refusal) = self.refusal else { return };
        let lang = self.desk.lang;
        let from = refusal.changed.len().saturating_sub(MOST_TOLD);
        let changed = refusal.changed[from..].iter().map(|row| words::history(row, self.desk.local, lang));
        let mut told = RefusedView { why: refusal.why.clone(), changed: changed.collect(), kept: vec![] };
        let others = view.groups.iter_mut().flat_map(|group| &mut group.moves);
        let own =
            view.primary.iter_mut().chain(others).find(|one| one.id == refusal.form && one.why_not.is_none());
        if let Some(own) = own {
            own.refused = Some(told);
            own.is_open = true;
            return;
        }
        told.kept = kept(&refusal.fields, lang);
        if !refusal.changed.is_empty() {
            told.why = format!("{}{}", told.why, lang.move_gone());
        }
        view.refused = Some(told);
    }
}

fn hidden(name: &'static str, form: &str, value: &str) -> FieldView {
    FieldView {
        name,
        id: format!("{form}-{name}"),
        label: "",
        hint: String::new(),
        is_required: false,
        control: Control::Hidden(value.to_owned()),
    }
}

/// The next one; the others under those whose they are, one's own first.
fn arranged(mut all: Vec<Drawn>, lang: Lang) -> MovesView {
    let ready = |kind: StepKind| move |one: &Drawn| one.kind == Some(kind) && one.view.why_not.is_none();
    let next = NEXT.into_iter().find_map(|kind| all.iter().position(ready(kind)));
    let primary = next.map(|at| MoveView { is_open: true, ..all.remove(at).view });
    let mut groups: Vec<MoveGroup> = Vec::new();
    for one in all {
        let words: Vec<&str> = one.roles.iter().map(|role| role.word(lang)).collect();
        let who = words.join(lang.pick("、", ", "));
        match groups.iter_mut().find(|group| group.who == who) {
            Some(group) => group.moves.push(one.view),
            None => groups.push(MoveGroup { who, moves: vec![one.view] }),
        }
    }
    for group in &mut groups {
        group.moves.sort_by_key(|one| one.why_not.is_some());
    }
    groups.sort_by_key(|group| group.moves.iter().all(|one| one.why_not.is_some()));
    MovesView { primary, groups, ..MovesView::default() }
}

/// What somebody wrote, by the words of its fields; what is chosen is soon chosen again.
fn kept(fields: &Fields, lang: Lang) -> Vec<(String, String)> {
    let label = |name: &str| match name {
        "result" => Some(lang.move_result()),
        "reason" => Some(lang.move_reason()),
        "note" => Some(lang.move_note()),
        "text" => Some(lang.move_text()),
        "desk" => Some(lang.move_desk()),
        "into" => Some(lang.move_into()),
        _ => None,
    };
    let texts = fields.pairs().iter().filter(|(_, value)| !value.trim().is_empty());
    texts.filter_map(|(name, value)| Some((label(name)?.to_owned(), value.clone()))).collect()
}
