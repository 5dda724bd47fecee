//! Requests: reported by those who have a key, read by everybody.

use axum::http::StatusCode;
use protocol::{Severity, UtcMs};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::asked::NewRequest;
use super::key::{self, Key};
use super::node::{Node, Wrong};
use super::store::Public;
use super::{Answered, Asked, MOST_ROWS, service, store};
use crate::app::App;
use crate::ask;
use crate::case::report::{self, By, NewReport, ReportError};
use crate::case::{CaseState, Source};
use crate::db::{self, Tx};
use crate::organisation::{self, Area, AreaPath, Level};
use crate::public;
use crate::web::text::Lang;
use crate::workflow::VoidReason;

/// For so long the same form under the same `Idempotency-Key` gets the same answer.
pub(super) const REPEAT_MS: i64 = 10 * 60_000;
const MOST_REPEAT_KEY: usize = 200;
const MOST_NUMBER: usize = 24;
/// Requests of one key within an hour.
const MOST_AN_HOUR: i64 = 600;
const HOUR_MS: i64 = 3_600_000;
/// Coordinates that everybody reads lie on a net of about a hundred metres: nobody's door is shown.
const PUBLIC_DECIMALS: i32 = 3;

/// The key of a request that needs one.
pub(super) async fn key_of(asked: &Asked<'_>) -> Result<Key, Wrong> {
    key::find(asked.app, asked.fields.get("api_key").trim()).await?.ok_or_else(Wrong::key)
}

pub(super) async fn post(asked: &Asked<'_>) -> Result<Answered, Wrong> {
    let key = key_of(asked).await?;
    let new = NewRequest::read(&asked.fields, &asked.categories)?;
    let app = asked.app;
    let report = NewReport {
        title: new.title.clone(),
        text: new.text.clone(),
        place: new.place.clone(),
        area: None,
        at: new.at,
        severity: Severity::Normal,
        confidential: false,
    };
    let (area, grid_version) = match report::on_the_map(app, &report).await? {
        Some((area, version)) => (area, Some(version)),
        None => (key.area.clone(), None),
    };
    if !key.area.covers(&area) {
        return Err(Wrong::input("lat and long: this place does not lie where the key may report"));
    }
    let repeated = Repeat::read(asked, "request")?;
    let mut tx = begin(app).await?;
    if let Some(number) = repeated.known(&mut tx, app, &key).await? {
        return Ok(created(&number, None));
    }
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    if store::count(&mut tx, tenant, &key.name, now.plus_ms(-HOUR_MS)).await? >= MOST_AN_HOUR {
        let why = format!("this key has made {MOST_AN_HOUR} requests within an hour; try again later");
        return Err(Wrong::new(StatusCode::TOO_MANY_REQUESTS, why));
    }
    let mut detail = Map::new();
    detail.insert("service_code".to_owned(), json!(new.service.id));
    if let Some(url) = &new.media_url {
        detail.insert("media_url".to_owned(), json!(url));
    }
    let actor = format!("open311:{}", key.name);
    let by = By {
        actor,
        source: key.source,
        level: Level::County,
        area,
        matter: String::new(),
        grid_version,
        detail,
    };
    let (case, code) = ask::receive(app, &mut tx, &report, by, &new.reporter).await.map_err(refused)?;
    store::insert_request(&mut tx, tenant, &case.case_id, (&key.name, &new.service.id), now).await?;
    repeated.remember(&mut tx, app, &key, &case.number).await?;
    tx.commit().await?;
    app.changes.wake();
    Ok(created(&case.number, Some(&code)))
}

async fn begin(app: &App) -> db::Result<Tx> {
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(app.tenant().as_str()).await?;
    Ok(tx)
}

fn refused(error: ReportError) -> Wrong {
    match error {
        ReportError::Db(error) => error.into(),
        other => Wrong::input(other.to_string()),
    }
}

/// `code`: not told a second time.
fn created(number: &str, code: Option<&str>) -> Answered {
    let notice = code.map(|code| {
        let code = public::code::shown(code);
        format!(
            "凭案号 {number} 和查询码 {code} 可在 /status 查询办理进度。 \
             With the number {number} and the code {code} its progress is told at /status."
        )
    });
    let request = Node::Fields(vec![
        ("service_request_id", Node::text(number)),
        ("service_notice", Node::maybe(notice)),
        ("account_id", Node::Nothing),
    ]);
    (StatusCode::CREATED, "service_requests", Node::List("request", vec![request]))
}

/// A form that may be sent again.
pub(super) struct Repeat {
    key: Option<String>,
    body_sha256: String,
}

impl Repeat {
    /// `of`: what the form is for; the same key for another thing is another key.
    pub(super) fn read(asked: &Asked<'_>, of: &str) -> Result<Self, Wrong> {
        let key = asked.repeat_key.as_deref().map(str::trim).filter(|key| !key.is_empty());
        if key.is_some_and(|key| key.len() > MOST_REPEAT_KEY || !key.bytes().all(|b| b.is_ascii_graphic())) {
            let why = format!("Idempotency-Key: write 1 to {MOST_REPEAT_KEY} letters, digits and signs");
            return Err(Wrong::input(why));
        }
        Ok(Self {
            key: key.map(|key| format!("{of}/{key}")),
            body_sha256: hex::encode(Sha256::digest(&asked.body)),
        })
    }

    /// What was answered to the same form a short while ago.
    pub(super) async fn known(&self, tx: &mut Tx, app: &App, key: &Key) -> Result<Option<String>, Wrong> {
        let Some(own) = &self.key else { return Ok(None) };
        let since = app.clock.now().plus_ms(-REPEAT_MS);
        let known = store::repeat(tx, app.tenant().as_str(), (&key.name, own), since).await?;
        match known {
            Some((body, answer)) if body == self.body_sha256 => Ok(Some(answer)),
            Some(_) => Err(Wrong::input("this Idempotency-Key was used for another form a short while ago")),
            None => Ok(None),
        }
    }

    pub(super) async fn remember(&self, tx: &mut Tx, app: &App, key: &Key, answer: &str) -> db::Result<()> {
        let Some(own) = &self.key else { return Ok(()) };
        let (tenant, now) = (app.tenant().as_str(), app.clock.now());
        store::remember(tx, tenant, (&key.name, own), (&self.body_sha256, answer), now).await
    }
}

/// Removes answers that are not given again.
pub(super) async fn forget(app: &App, now: UtcMs) -> db::Result<u64> {
    store::forget_repeats(&app.db, now.plus_ms(-REPEAT_MS)).await
}

pub(super) async fn list(asked: &Asked<'_>) -> Result<Answered, Wrong> {
    let tenant = asked.app.tenant().as_str();
    let numbers = asked.list("service_request_id");
    // Numbers override everything else, as the standard has it.
    let rows = if numbers.is_empty() {
        let wanted = asked.list("service_code");
        let codes =
            service::codes(&asked.categories).filter(|code| wanted.is_empty() || wanted.contains(code));
        let page = asked.page()?;
        let status = status(asked)?;
        store::requests(&asked.app.db, tenant, codes, asked.span()?, status, page).await?
    } else {
        if numbers.len() as i64 > MOST_ROWS {
            return Err(Wrong::input(format!("service_request_id: at most {MOST_ROWS} of them")));
        }
        let numbers = numbers.into_iter().filter(|id| is_number(id));
        store::by_number(&asked.app.db, tenant, service::codes(&asked.categories), numbers, MOST_ROWS).await?
    };
    Ok((StatusCode::OK, "service_requests", Node::List("request", shown(asked, &rows).await?)))
}

/// `open`, `closed`, or nothing for both.
fn status<'a>(asked: &'a Asked<'_>) -> Result<&'a str, Wrong> {
    match asked.list("status").as_slice() {
        [] => Ok(""),
        [one @ ("open" | "closed")] => Ok(*one),
        both if both.iter().all(|one| ["open", "closed"].contains(one)) => {
            let first = both[0];
            Ok(if both.iter().all(|one| *one == first) { first } else { "" })
        }
        _ => Err(Wrong::input("status: write open, closed, or both with a comma between")),
    }
}

pub(super) async fn get(asked: &Asked<'_>, id: &str) -> Result<Answered, Wrong> {
    let row = find(asked, id).await?;
    let row = row.ok_or_else(|| Wrong::missing("service_request_id was not found, or is not public"))?;
    let request = shown(asked, std::slice::from_ref(&row)).await?;
    Ok((StatusCode::OK, "service_requests", Node::List("request", request)))
}

/// A public case by its number.
pub(super) async fn find(asked: &Asked<'_>, id: &str) -> db::Result<Option<Public>> {
    if !is_number(id) {
        return Ok(None);
    }
    let (tenant, codes) = (asked.app.tenant().as_str(), service::codes(&asked.categories));
    Ok(store::by_number(&asked.app.db, tenant, codes, std::iter::once(id), 1).await?.into_iter().next())
}

/// Whether this can be a number at all: nothing else is looked for.
fn is_number(id: &str) -> bool {
    id.len() <= MOST_NUMBER && id.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// Every request has its number at once, so no tokens are given out. A number answers for itself, and an
/// `Idempotency-Key`, with the key that sent it, for whoever lost the answer.
pub(super) async fn of_token(asked: &Asked<'_>, token: &str) -> Result<Answered, Wrong> {
    let tenant = asked.app.tenant().as_str();
    let mut number = None;
    if let Some(key) = key_if_given(asked).await?
        && token.bytes().all(|b| b.is_ascii_graphic())
    {
        let (own, since) = (format!("request/{token}"), asked.app.clock.now().plus_ms(-REPEAT_MS));
        number = store::repeated(&asked.app.db, tenant, (&key.name, &own), since).await?;
    }
    if number.is_none() {
        number = find(asked, token).await?.map(|row| row.number);
    }
    let number = number.ok_or_else(|| Wrong::missing("token was not found"))?;
    let request =
        Node::Fields(vec![("service_request_id", Node::text(number)), ("token", Node::text(token))]);
    Ok((StatusCode::OK, "service_requests", Node::List("request", vec![request])))
}

async fn key_if_given(asked: &Asked<'_>) -> Result<Option<Key>, Wrong> {
    if asked.fields.get("api_key").trim().is_empty() { Ok(None) } else { key_of(asked).await.map(Some) }
}

/// As they are read: by everybody, or with more of it by the key that reported them.
async fn shown(asked: &Asked<'_>, rows: &[Public]) -> Result<Vec<Node>, Wrong> {
    let (app, tenant, lang) = (asked.app, asked.app.tenant().as_str(), service::lang(asked));
    let key = key_if_given(asked).await?;
    let is_own =
        |row: &Public| key.as_ref().is_some_and(|key| row.key_name.as_deref() == Some(key.name.as_str()));
    let own = rows.iter().filter(|row| is_own(row)).map(|row| row.case_id.as_str());
    let told = if key.is_some() { store::told(&app.db, tenant, own).await? } else { Vec::new() };
    let areas =
        if rows.is_empty() { Vec::new() } else { organisation::store::areas(&app.db, tenant).await? };
    let words = |row: &Public| -> Option<String> {
        let (_, detail) = told.iter().find(|(case_id, _)| *case_id == row.case_id)?;
        let detail: Value = serde_json::from_str(detail).ok()?;
        detail.get("summary")?.as_str().map(str::to_owned)
    };
    Ok(rows.iter().map(|row| one(asked, row, (is_own(row), words(row)), &areas, lang)).collect())
}

fn one(
    asked: &Asked<'_>,
    row: &Public,
    (own, words): (bool, Option<String>),
    areas: &[Area],
    lang: Lang,
) -> Node {
    let category = asked.categories.find(&row.service_code);
    let name = category.map_or("", |category| service::name(category, lang));
    let (status, notes) = notes(row, lang);
    let place = place(&row.area, areas).map(|place| place.word(lang).to_owned());
    let unit = row.unit_zh.as_deref().zip(row.unit_en.as_deref()).map(|(zh, en)| lang.pick(zh, en));
    let at = coordinates(row, own);
    let number = |value: Option<f64>| value.map_or(Node::Nothing, Node::Number);
    let time = |ms: i64| Node::text(asked.app.zoned_time(UtcMs(ms)));
    Node::Fields(vec![
        ("service_request_id", Node::text(&row.number)),
        ("status", Node::text(status)),
        ("status_notes", Node::text(notes)),
        ("service_name", Node::text(name)),
        ("service_code", Node::text(&row.service_code)),
        ("description", Node::text(words.unwrap_or_else(|| name.to_owned()))),
        ("agency_responsible", Node::maybe(unit)),
        ("service_notice", Node::Nothing),
        ("requested_datetime", time(row.opened_at_ms)),
        ("updated_datetime", time(row.updated_at_ms)),
        ("expected_datetime", Node::Nothing),
        ("address", Node::maybe(place)),
        ("address_id", Node::Nothing),
        ("zipcode", Node::Nothing),
        ("lat", number(at.map(|at| at.0))),
        ("long", number(at.map(|at| at.1))),
        ("media_url", Node::Nothing),
    ])
}

/// `open` or `closed`, and where the case is.
fn notes(row: &Public, lang: Lang) -> (&'static str, String) {
    let state = row.state.parse().unwrap_or(CaseState::Received);
    let word = lang.pick(state.zh(), state.en());
    let status = if row.closed_at_ms.is_some() { "closed" } else { "open" };
    let reason = row.void_reason.as_deref().and_then(VoidReason::kept);
    let notes = match reason {
        // Where it went may be confidential.
        Some(VoidReason::Joined) => lang.pick("并入另一案件", "Joined to another request").to_owned(),
        Some(reason) => {
            format!("{}{}", lang.pick("不予受理：", "Not accepted: "), lang.pick(reason.zh(), reason.en()))
        }
        None => word.to_owned(),
    };
    (status, notes)
}

/// Community and grid.
fn place(path: &str, areas: &[Area]) -> Option<public::Named> {
    let path = AreaPath::kept(path.to_owned());
    let own = areas.iter().filter(|area| AreaPath::kept(area.path.clone()).covers(&path));
    let own: Vec<_> =
        own.map(|area| (area.level.clone(), area.name_zh.clone(), area.name_en.clone())).collect();
    public::place(&own)
}

/// Of what somebody reported by hand: where it is, for everybody not to the metre. Where a camera hangs and from where
/// somebody called is nobody's affair.
fn coordinates(row: &Public, own: bool) -> Option<(f64, f64)> {
    let by_hand = [Source::Worker, Source::Citizen, Source::Platform].map(Source::as_str);
    if !by_hand.contains(&row.source.as_str()) {
        return None;
    }
    let place: Value = serde_json::from_str(row.location.as_deref()?).ok()?;
    let read = |name: &str| place.get(name).and_then(Value::as_f64);
    let net = 10_f64.powi(PUBLIC_DECIMALS);
    let shown = |value: f64| if own { value } else { (value * net).round() / net };
    Some((shown(read("latitude")?), shown(read("longitude")?)))
}
