//! mySociety's updates: what happened to requests, and what whoever reported one adds to it.

use axum::http::StatusCode;
use protocol::UtcMs;
use serde_json::{Map, Value, json};

use super::node::{Node, Wrong};
use super::request::{self, Repeat};
use super::store::Update;
use super::{Answered, Asked, asked, service, store};
use crate::case;
use crate::organisation::AreaPath;
use crate::web::text::Lang;

const OPEN: &str = "OPEN";
const CLOSED: &str = "CLOSED";

/// What a row of the history says to everybody: the status after it, and words of our own.
fn words(action: &str, lang: Lang) -> (&'static str, &'static str) {
    let (status, zh, en) = match action {
        "told" | "opened" => (OPEN, "已收到", "Received"),
        "filed" => (OPEN, "已立案", "Filed"),
        "dispatched" => (OPEN, "已派遣承办单位", "Sent to the unit in charge"),
        "accepted" => (OPEN, "承办单位已签收", "Accepted by a unit"),
        "reported" => (OPEN, "已反馈结果，待核查", "Result reported, to be verified"),
        "rework" => (OPEN, "核查未通过，返工", "Sent back after verification"),
        "closed" => (CLOSED, "已结案", "Closed"),
        "handled_here" => (CLOSED, "已就地处置并结案", "Handled on the spot and closed"),
        "voided" => (CLOSED, "不予受理", "Not accepted"),
        "joined_into" => (CLOSED, "已并入另一案件", "Joined to another request"),
        "reopened" => (OPEN, "已重开", "Reopened"),
        _ => (OPEN, "有补充说明", "A remark was added"),
    };
    (status, lang.pick(zh, en))
}

pub(super) async fn list(asked: &Asked<'_>) -> Result<Answered, Wrong> {
    let (app, lang) = (asked.app, service::lang(asked));
    let (span, page) = (asked.span()?, asked.page()?);
    let rows =
        store::updates(&app.db, app.tenant().as_str(), service::codes(&asked.categories), span, page).await?;
    let update = |row: &Update| {
        let (status, words) = words(&row.action, lang);
        Node::Fields(vec![
            ("update_id", Node::text(id(&row.number, row.position))),
            ("service_request_id", Node::text(&row.number)),
            ("status", Node::text(status)),
            ("updated_datetime", Node::text(app.zoned_time(UtcMs(row.at_ms)))),
            ("description", Node::text(words)),
            ("media_url", Node::Nothing),
        ])
    };
    Ok((
        StatusCode::OK,
        "service_request_updates",
        Node::List("request_update", rows.iter().map(update).collect()),
    ))
}

fn id(number: &str, position: i64) -> String {
    format!("{number}-{position}")
}

/// A remark of whoever reported it, for those who handle the case; everybody else learns only that there is one.
pub(super) async fn post(asked: &Asked<'_>) -> Result<Answered, Wrong> {
    let key = request::key_of(asked).await?;
    let (app, tenant) = (asked.app, asked.app.tenant().as_str());
    let number = asked.fields.get("service_request_id").trim();
    if number.is_empty() {
        return Err(Wrong::input("service_request_id was not provided"));
    }
    let text = asked::text(&asked.fields, "description", asked::MOST_TEXT)?;
    let text = text.ok_or_else(|| Wrong::input("description was not provided"))?;
    let media_url = asked::media_url(&asked.fields)?;
    let repeated = Repeat::read(asked, "update")?;
    let unknown = || Wrong::missing("service_request_id was not found, or is not public");
    let case = request::find(asked, number).await?.ok_or_else(unknown)?;
    if !key.area.covers(&AreaPath::kept(case.area.clone())) {
        return Err(Wrong::new(StatusCode::FORBIDDEN, "this request does not lie where the key may report"));
    }
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    if let Some(answer) = repeated.known(&mut tx, app, &key).await? {
        return Ok(created(&answer));
    }
    let mut detail = Map::from_iter([("text".to_owned(), json!(text))]);
    if let Some(url) = media_url {
        detail.insert("media_url".to_owned(), json!(url));
    }
    let (actor, now) = (format!("open311:{}", key.name), app.clock.now());
    case::store::append(&mut tx, tenant, &case.case_id, now, &actor, "remark", &Value::Object(detail))
        .await?;
    let position = store::history_count(&mut tx, tenant, &case.case_id).await?;
    let answer = id(number, position);
    repeated.remember(&mut tx, app, &key, &answer).await?;
    tx.commit().await?;
    app.changes.wake();
    Ok(created(&answer))
}

fn created(id: &str) -> Answered {
    let update = Node::Fields(vec![("update_id", Node::text(id))]);
    (StatusCode::CREATED, "service_request_updates", Node::List("request_update", vec![update]))
}
