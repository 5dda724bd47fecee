//! Where a case lies, from what was told in words: looked up when the case opens or its words change, or said by a person.
//!
//! What a person has picked stands, whatever is told later. What an operator has written down stands over what the box tells
//! afterwards, and is looked up by the hub like the caller's own words ([`written`]). What the hub found is put back when the
//! words change and no longer find it. Each of these is a row of the history with the gazetteer's version and the entry.

use protocol::UtcMs;
use serde_json::{Value, json};

use super::store::{self, Kept, Lies};
use super::{Candidate, Found, Gazetteers, How};
use crate::app::App;
use crate::case::store::Head;
use crate::case::{self, Case, CaseState};
use crate::db::{self, Tx};
use crate::grid::{self, Grids};
use crate::organisation::{self, AreaPath};
use crate::policy::Policies;
use crate::user::Grant;
use crate::web::text::Lang;
use crate::workflow::ledger::{self, Entry, Ledger};
use crate::workflow::{self, Actor, Dossier, Refused};

/// Places that are kept for the operator.
const KEPT: usize = 8;

/// What stands in a ticket's place when nobody knows it, since the field may not be empty: it takes nothing away from what was
/// found.
const NOWHERE: [&str; 8] = ["不详", "未知", "不明", "不清楚", "不知道", "无", "没有", "unknown"];

/// What a look-up needs besides the transaction.
#[derive(Clone, Copy, Debug)]
pub struct Searching<'a> {
    pub gazetteers: &'a Gazetteers,
    pub grids: &'a Grids,
    pub policies: &'a Policies,
    pub now: UtcMs,
}

/// A place in words.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    pub text: &'a str,
    /// Name of the grid that came with it.
    pub grid: Option<&'a str>,
    /// Only what lies there is taken without a person: where whoever reports works.
    pub within: Option<AreaPath>,
}

/// Looks up what was told of a case, unless it is known already, in a transaction that holds the tenant's lock. The rows of
/// its history go into `case`, which the caller saves.
pub async fn told(
    tx: &mut Tx,
    tenant: &str,
    case: &mut Head,
    told: Told<'_>,
    with: Searching<'_>,
) -> db::Result<()> {
    look_up(tx, tenant, case, (&told, None), with).await
}

/// The same with the place that somebody wrote into a ticket: what the box tells later does not take it away, and only what
/// lies where he may place cases is taken.
pub async fn written(
    tx: &mut Tx,
    tenant: &str,
    case: &mut Head,
    (text, by): (&str, &Actor),
    with: Searching<'_>,
) -> db::Result<()> {
    if NOWHERE.contains(&text.trim().to_lowercase().as_str()) {
        return Ok(());
    }
    let told = Told { text, grid: None, within: None };
    look_up(tx, tenant, case, (&told, Some(by)), with).await
}

async fn look_up(
    tx: &mut Tx,
    tenant: &str,
    case: &mut Head,
    (told, by): (&Told<'_>, Option<&Actor>),
    with: Searching<'_>,
) -> db::Result<()> {
    let case_id = case.case_id.clone();
    let known = store::of_case_in(tx, tenant, &case_id).await?;
    if known.as_ref().is_some_and(|known| is_settled(known, told, by)) {
        return match (known, by) {
            // The same words as the box told: from now on they are his.
            (Some(kept), Some(by)) if kept.told_by.is_none() && is_found_by_hub(&kept) => {
                store::put(tx, tenant, &case_id, &Kept { told_by: Some(by.name.clone()), ..kept }).await
            }
            _ => Ok(()),
        };
    }
    let (number, state, lies) = store::standing(tx, tenant, &case_id).await?;
    if !is_triaged(&state) {
        return Ok(());
    }
    let index = with.gazetteers.newest_in(tx, tenant).await?;
    if index.is_empty() && known.is_none() {
        return Ok(());
    }
    let offered: Vec<Found<'_>> = index.find(told.text, KEPT);
    let author =
        known.as_ref().filter(|known| known.told == told.text).and_then(|known| known.told_by.clone());
    let mut before = known.and_then(|known| known.before);
    let from = before.clone().unwrap_or_else(|| lies.clone());
    let map = with.grids.newest_in(tx, tenant).await?;
    let sure = index.sure(told.text, told.grid).and_then(|found| {
        let to = place(found.entry, &from, map.as_deref());
        let area = AreaPath::kept(to.area.clone());
        let fits = told.within.as_ref().is_none_or(|within| within.covers(&area))
            && by.is_none_or(|by| Dossier::may_be_placed_in(by, &area));
        fits.then(|| (Candidate::from(&found), to))
    });
    let mut kept = Kept {
        told: told.text.to_owned(),
        told_by: by.map(|by| by.name.clone()).or(author),
        grid: told.grid.map(str::to_owned),
        version: index.version,
        candidates: offered.iter().map(Candidate::from).collect(),
        chosen_by: None,
        chosen: None,
        chosen_at_ms: None,
        before: None,
    };
    match sure {
        Some((chosen, to)) => {
            let mut detail = json!({
                "place": chosen.name, "told": told.text, "how": chosen.how, "entry": chosen.id,
                "gazetteer": index.version,
            });
            name_author(&mut detail, &kept);
            moved(tx, tenant, case, &number, (&lies, &to), ("hub", "located", detail), with).await?;
            kept.chosen_by = Some("hub".to_owned());
            kept.chosen = Some(chosen);
            kept.chosen_at_ms = Some(with.now.0);
            kept.before = Some(from);
        }
        None => {
            if let Some(back) = before.take().filter(|back| *back != lies) {
                let mut detail = json!({ "told": told.text, "gazetteer": index.version });
                name_author(&mut detail, &kept);
                moved(tx, tenant, case, &number, (&lies, &back), ("hub", "unlocated", detail), with).await?;
            }
        }
    }
    store::put(tx, tenant, &case_id, &kept).await
}

/// A row of the history says whose words were looked up, where they are not the caller's.
fn name_author(detail: &mut Value, kept: &Kept) {
    if let Some(author) = &kept.told_by {
        detail["told_by"] = json!(author);
    }
}

/// Whether the words are the same as before, or a person has said where it is: he has picked the place, or has written it
/// down while the words of now are the box's.
fn is_settled(known: &Kept, told: &Told<'_>, by: Option<&Actor>) -> bool {
    if !is_found_by_hub(known) {
        return true;
    }
    let same = known.told == told.text;
    match by {
        Some(_) => same,
        // The box may still say in which grid the same words are.
        None if known.told_by.is_some() && !same => true,
        None => same && known.grid.as_deref() == told.grid,
    }
}

/// Nobody has picked the place.
fn is_found_by_hub(known: &Kept) -> bool {
    known.chosen_by.as_deref().is_none_or(|by| by == "hub")
}

fn is_triaged(state: &str) -> bool {
    state == CaseState::Received.as_str() || state == CaseState::Filed.as_str()
}

/// Another system says at which point of the map a case lies, while it is triaged; what a person has said stands.
pub async fn pointed(
    tx: &mut Tx,
    tenant: &str,
    case: &mut Head,
    (name, at): (&str, (f64, f64)),
    actor: &str,
    with: Searching<'_>,
) -> db::Result<()> {
    let case_id = case.case_id.clone();
    let known = store::of_case_in(tx, tenant, &case_id).await?;
    if known.and_then(|known| known.chosen_by).is_some_and(|by| by != "hub") {
        return Ok(());
    }
    let (number, state, lies) = store::standing(tx, tenant, &case_id).await?;
    let map = with.grids.newest_in(tx, tenant).await?;
    let to = place(&Candidate::spot(name, Some(at), None).entry(), &lies, map.as_deref());
    if !is_triaged(&state) || (&to.area, &to.location) == (&lies.area, &lies.location) {
        return Ok(());
    }
    let detail = json!({ "place": name, "told": name });
    moved(tx, tenant, case, &number, (&lies, &to), (actor, "located", detail), with).await
}

/// Where a case lies that is at an entry: in the grid of its point where it says so closely, else in its area, else where it
/// lay.
fn place(entry: &super::Entry, before: &Lies, map: Option<&grid::Index>) -> Lies {
    let at = entry.place.at;
    let location = at.map(|(latitude, longitude)| point(&entry.place.name, latitude, longitude));
    let close = at.filter(|_| entry.place.kind.is_close()).zip(map);
    let found =
        close.and_then(|((latitude, longitude), map)| Some((map.at(longitude, latitude)?, map.version)));
    match (found, &entry.path) {
        (Some((path, version)), _) => {
            Lies { area: path.as_str().to_owned(), location, grid_version: Some(version) }
        }
        (None, Some(path)) => Lies { area: path.as_str().to_owned(), location, grid_version: None },
        (None, None) => Lies { area: before.area.clone(), location, grid_version: before.grid_version },
    }
}

fn point(name: &str, latitude: f64, longitude: f64) -> String {
    json!({ "name": name, "latitude": latitude, "longitude": longitude }).to_string()
}

/// Moves a case, with its clocks where a village has other limits, and a row of its history.
async fn moved(
    tx: &mut Tx,
    tenant: &str,
    case: &mut Head,
    number: &str,
    (from, to): (&Lies, &Lies),
    (actor, action, mut detail): (&str, &str, Value),
    with: Searching<'_>,
) -> db::Result<()> {
    // A case that this transaction opened has its clocks among what waits for the commit.
    tx.settle().await?;
    let before = workflow::store::load(tx, tenant, number).await?.ok_or(db::Error::RowNotFound)?;
    let policy = match before.state.filing() {
        Some(filing) => with.policies.version_in(tx, tenant, filing.policy).await?,
        None => with.policies.newest_in(tx, tenant, with.now).await?,
    };
    let rural = organisation::store::is_rural(tx, tenant, &to.area).await?;
    let mut after = before.clone();
    after.lie_in(AreaPath::kept(to.area.clone()), rural, &policy, with.now);
    workflow::store::save(tx, tenant, &before, &after).await?;
    store::place(tx, tenant, &case.case_id, to).await?;
    if let Value::Object(fields) = &mut detail {
        fields.insert("area".to_owned(), json!(to.area));
        fields.insert("from_area".to_owned(), json!(from.area));
        fields.insert("grid_version".to_owned(), json!(to.grid_version));
        let entry = Entry::since(&Ledger::of(&before), Ledger::of(&after));
        if !entry.is_empty() {
            fields.insert(ledger::KEY.to_owned(), json!(entry));
        }
    }
    case.note(tx, tenant, with.now, actor, action, &detail);
    Ok(())
}

/// Where somebody says that it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// An entry of the gazetteer, by its id.
    Entry(String),
    /// Latitude and longitude, WGS84, and what people call it.
    Point(f64, f64, String),
    /// An area, by its id.
    Area(String),
}

/// Why the place of a case was not set.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("there is no case {0}")]
    Unknown(String),
    #[error("{}", in_words(.0, Lang::En))]
    Refused(Refused),
    #[error("there is no place {0} in the gazetteer in force, and none of this id was offered with the case")]
    NoEntry(String),
    #[error("there is no area {0}")]
    NoArea(String),
    #[error("{0}, {1} is no place on earth; latitude comes first")]
    NoPoint(f64, f64),
    #[error("that lies outside of where you may place cases; pass it up, or let the centre place it")]
    NotYours,
    #[error("case database: {0}")]
    Db(#[from] db::Error),
}

impl PlaceError {
    /// For people.
    pub fn text(&self, lang: Lang) -> String {
        match (lang, self) {
            (Lang::Zh, Self::Unknown(number)) => format!("没有案件 {number}。"),
            (_, Self::Refused(refused)) => in_words(refused, lang),
            (Lang::Zh, Self::NoEntry(_)) => "所选地点已不在地名库中，请重新选择。".to_owned(),
            (Lang::Zh, Self::NoArea(area)) => format!("没有区域 {area}。"),
            (Lang::Zh, Self::NoPoint(..)) => "所选的点不在地球上，请重新选择。".to_owned(),
            (Lang::Zh, Self::NotYours) => "所选地点不在您可以定位的范围内，请上报，或由中心定位。".to_owned(),
            _ => self.to_string(),
        }
    }
}

/// The law's refusal for the place of a case.
fn in_words(refused: &Refused, lang: Lang) -> String {
    match refused {
        Refused::Who { roles, but, .. } => {
            let words: Vec<&str> = roles.iter().map(|role| role.word(lang)).collect();
            let words = words.join(lang.pick("、", ", "));
            match lang {
                Lang::Zh => format!("案件地点由{words}确定：{}。", but.text(lang)),
                Lang::En => format!("the place of a case is set by: {words}; {}", but.text(lang)),
            }
        }
        Refused::State { from, .. } => match lang {
            Lang::Zh => format!("案件现为“{}”，立案派遣之后不再改地点。", from.zh()),
            Lang::En => format!("the case is \"{}\"; its place is set before it is dispatched", from.en()),
        },
        Refused::Missing { .. } => refused.text(lang),
    }
}

/// Somebody who triages says where a case lies.
pub async fn choose(
    app: &App,
    number: &str,
    choice: &Choice,
    user: &str,
    grants: &[Grant],
) -> Result<Case, PlaceError> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let with = Searching { gazetteers: &app.gazetteers, grids: &app.grids, policies: &app.policies, now };
    let unknown = || PlaceError::Unknown(number.to_owned());
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let case = case::store::visible_in(&mut tx, tenant, user, number).await?.ok_or_else(unknown)?;
    choose_in(&mut tx, tenant, &case, (choice, None), &Actor::user(user, grants), with).await?;
    let case = case::store::visible_in(&mut tx, tenant, "", number).await?.ok_or_else(unknown)?;
    tx.commit().await?;
    app.changes.wake();
    Ok(case)
}

/// The same inside a transaction that changes more and holds the tenant's lock, of a case that its user sees. `words`: what
/// he wrote of the place; without it what was told before stands beside his choice.
pub async fn choose_in(
    tx: &mut Tx,
    tenant: &str,
    case: &Case,
    (choice, words): (&Choice, Option<&str>),
    by: &Actor,
    with: Searching<'_>,
) -> Result<(), PlaceError> {
    let (number, now) = (case.number.as_str(), with.now);
    let dossier = workflow::store::load(tx, tenant, number).await?;
    let dossier = dossier.ok_or_else(|| PlaceError::Unknown(number.to_owned()))?;
    dossier.may_be_placed(by).map_err(PlaceError::Refused)?;
    let known = store::of_case_in(tx, tenant, &case.case_id).await?;
    let (_, _, lies) = store::standing(tx, tenant, &case.case_id).await?;
    let (chosen, to, version) = resolve(tx, tenant, choice, (known.as_ref(), &lies), with).await?;
    if !Dossier::may_be_placed_in(by, &AreaPath::kept(to.area.clone())) {
        return Err(PlaceError::NotYours);
    }
    let mut head = Head::read(tx, tenant, &case.case_id).await?;
    let before =
        || known.as_ref().map_or_else(|| case.place.clone().unwrap_or_default(), |known| known.told.clone());
    let told = words.map_or_else(before, str::to_owned);
    let author = known.as_ref().and_then(|known| known.told_by.clone());
    let told_by = if words.is_some() { Some(by.name.clone()) } else { author };
    let mut detail = json!({ "place": chosen.name, "told": told });
    if version > 0 {
        detail = json!({ "place": chosen.name, "told": told, "entry": chosen.id, "gazetteer": version });
    }
    moved(tx, tenant, &mut head, number, (&lies, &to), (&by.name, "located", detail), with).await?;
    head.save(tx, tenant, now).await?;
    let user = by.name.strip_prefix("user:").unwrap_or(&by.name);
    case::store::take_in_hand(tx, tenant, &case.case_id, user, now).await?;
    let kept = Kept {
        told,
        told_by,
        grid: known.as_ref().and_then(|known| known.grid.clone()),
        version,
        candidates: known.map(|known| known.candidates).unwrap_or_default(),
        chosen_by: Some(by.name.clone()),
        chosen: Some(chosen),
        chosen_at_ms: Some(now.0),
        before: None,
    };
    store::put(tx, tenant, &case.case_id, &kept).await?;
    Ok(())
}

/// What a choice names, where that is, and the gazetteer that it is of (0: none).
async fn resolve(
    tx: &mut Tx,
    tenant: &str,
    choice: &Choice,
    (known, lies): (Option<&Kept>, &Lies),
    with: Searching<'_>,
) -> Result<(Candidate, Lies, i64), PlaceError> {
    let map = with.grids.newest_in(tx, tenant).await?;
    match choice {
        Choice::Entry(id) => {
            let index = with.gazetteers.newest_in(tx, tenant).await?;
            if let Some(entry) = index.entry(id) {
                let found = Found { entry, how: How::Exact, percent: 100, name: &entry.place.name };
                let to = place(entry, lies, map.as_deref());
                return Ok((Candidate::from(&found), to, index.version));
            }
            // Of a gazetteer that was in force when the case opened.
            let offered = known.and_then(|known| {
                known.candidates.iter().find(|one| one.id == *id).map(|one| (one.clone(), known.version))
            });
            let (candidate, version) = offered.ok_or_else(|| PlaceError::NoEntry(id.clone()))?;
            let entry = candidate.entry();
            let to = place(&entry, lies, map.as_deref());
            Ok((candidate, to, version))
        }
        Choice::Point(latitude, longitude, name) => {
            if !(-90.0..=90.0).contains(latitude) || !(-180.0..=180.0).contains(longitude) {
                return Err(PlaceError::NoPoint(*latitude, *longitude));
            }
            let candidate = Candidate::spot(name, Some((*latitude, *longitude)), None);
            let entry = candidate.entry();
            let to = place(&entry, lies, map.as_deref());
            let area = to.grid_version.map(|_| to.area.clone());
            Ok((Candidate { area, ..candidate }, to, 0))
        }
        Choice::Area(id) => {
            let areas = organisation::store::areas_in(tx, tenant).await?;
            let area = areas.into_iter().find(|area| area.area == *id);
            let area = area.ok_or_else(|| PlaceError::NoArea(id.clone()))?;
            let candidate = Candidate::spot(&area.name_zh, None, Some(area.path.clone()));
            let to = Lies { area: area.path, location: None, grid_version: None };
            Ok((candidate, to, 0))
        }
    }
}
