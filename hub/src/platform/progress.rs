//! What the platform above is told of its tickets: rows of the cases' histories, in positions of their own.
//!
//! Which rows are told, and in which words, is [`event`], which is pure. Positions are given under the tenant's lock, the
//! rows of one case in their order; a row is told once to each platform.

use protocol::UtcMs;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::store::{self, Behind};
use crate::app::App;
use crate::db::{self, Tx};

/// Rows of one answer.
pub const MOST: i64 = 500;

/// Cases that are looked through at once; the rest at the next call.
const MOST_CASES: i64 = 200;
/// Clocks of several hubs may differ by less than this.
const LEEWAY_MS: i64 = 10 * 60_000;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Progress {
    /// Counts from 1, without holes.
    pub position: i64,
    /// Epoch ms.
    pub at: i64,
    /// The platform's id.
    pub ticket: String,
    /// Number of the case; after a join, of the one in which the work goes on.
    pub case: String,
    /// `received`, `filed`, `dispatched`, …: docs/PLATFORM.md lists them.
    pub event: String,
    /// What belongs to the event.
    pub data: Value,
}

#[derive(Debug, thiserror::Error)]
pub enum ProgressError {
    #[error("position: {0} is not between 0 and {1}, the newest")]
    Position(i64, i64),
    #[error("platform database: {0}")]
    Db(#[from] db::Error),
}

/// Progress after a position, or after what was confirmed; also the newest position and how far it was confirmed.
pub async fn after(
    app: &App,
    platform: &str,
    position: Option<i64>,
    limit: i64,
) -> Result<(Vec<Progress>, i64, i64), ProgressError> {
    let tenant = app.tenant().as_str();
    collect(app, platform).await?;
    let (newest, acked) = store::positions(&app.db, tenant, platform).await?;
    let from = position.unwrap_or(acked);
    if !(0..=newest).contains(&from) {
        return Err(ProgressError::Position(from, newest));
    }
    let rows = store::progress(&app.db, tenant, platform, from, limit).await?;
    let read = |(position, at, ticket, content): (i64, i64, String, String)| -> db::Result<Progress> {
        let told: Value = serde_json::from_str(&content).map_err(|error| db::Error::Decode(error.into()))?;
        let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
        let (case, event) = (text("case"), text("event"));
        Ok(Progress { position, at, ticket, case, event, data: told["data"].clone() })
    };
    let rows = rows.into_iter().map(read).collect::<db::Result<Vec<Progress>>>()?;
    Ok((rows, newest, acked))
}

/// The platform has everything up to a position on its own.
pub async fn acknowledge(app: &App, platform: &str, position: i64) -> Result<i64, ProgressError> {
    let tenant = app.tenant().as_str();
    let (newest, _) = store::positions(&app.db, tenant, platform).await?;
    if !(0..=newest).contains(&position) {
        return Err(ProgressError::Position(position, newest));
    }
    store::acknowledge(&app.db, tenant, platform, position).await?;
    Ok(store::positions(&app.db, tenant, platform).await?.1)
}

/// Looks through what the cases' histories have that is not told yet. Safe to run twice, and on several hubs.
async fn collect(app: &App, platform: &str) -> db::Result<()> {
    let tenant = app.tenant().as_str();
    loop {
        if !store::is_behind(&app.db, tenant, platform, LEEWAY_MS).await? {
            return Ok(());
        }
        let mut tx = app.db.begin().await?;
        tx.lock_tenant(tenant).await?;
        let behind = store::behind(&mut tx, tenant, platform, LEEWAY_MS, MOST_CASES).await?;
        let (mut position, _) = store::positions_in(&mut tx, tenant, platform).await?;
        for case in &behind {
            tell(&mut tx, tenant, platform, case, &mut position).await?;
        }
        let looked_at = behind.iter().map(|case| case.updated_at_ms).max();
        store::advance(&mut tx, tenant, platform, position, looked_at).await?;
        tx.commit().await?;
        if (behind.len() as i64) < MOST_CASES {
            return Ok(());
        }
    }
}

/// Tells the rows of one case that were not looked at.
async fn tell(
    tx: &mut Tx,
    tenant: &str,
    platform: &str,
    case: &Behind,
    position: &mut i64,
) -> db::Result<()> {
    let rows = store::history(tx, tenant, &case.case_id, case.told_rows).await?;
    // While it is part of another case, what happens is told from there.
    let (mut follows, mut last) = (case.follows.clone(), case.told_rows);
    for row in rows {
        last = row.position;
        let detail: Value = serde_json::from_str(&row.detail).unwrap_or_default();
        if case.is_own {
            match row.action.as_str() {
                "joined_into" => follows = detail["into"].as_str().map(str::to_owned),
                "split_off" => follows = None,
                _ => {}
            }
        }
        let Some((event, data)) = event(&row.action, &detail) else { continue };
        // Of the case that it joined, the beginning is another's.
        if !case.is_own && event == "received" {
            continue;
        }
        *position += 1;
        let content = json!({ "case": case.number, "event": event, "data": data }).to_string();
        let told = (*position, UtcMs(row.at_ms), case.ticket.as_str(), content.as_str());
        store::insert_progress(tx, tenant, platform, told);
    }
    if !case.is_own {
        return store::set_followed(tx, tenant, (platform, &case.ticket), last).await;
    }
    store::set_told(tx, tenant, (platform, &case.ticket), last).await?;
    if follows != case.follows {
        store::set_follows(tx, tenant, (platform, &case.ticket), follows.as_deref()).await?;
    }
    Ok(())
}

/// What a row of a history is to the platform: event and data; nothing for what is the hub's own affair. Names of people,
/// contacts and requests that nobody granted stay here.
fn event(action: &str, detail: &Value) -> Option<(&'static str, Value)> {
    let fields: (&'static str, &[(&str, &str)]) = match action {
        "told" => ("received", &[("ticket", "ticket"), ("note", "note")]),
        "amended" => ("amended", &[("revision", "revision"), ("note", "note")]),
        "filed" => ("filed", &[("category", "category"), ("note", "text")]),
        "dispatched" => ("dispatched", &[("lead", "unit"), ("co", "with")]),
        "accepted" => ("accepted", &[("unit", "unit")]),
        "withdrawn" => ("dispatch_withdrawn", &[("reason", "text")]),
        "progress" => ("progress", &[("unit", "unit"), ("text", "text")]),
        "part_done" => ("part_done", &[("unit", "unit"), ("result", "text")]),
        "reported" => ("reported", &[("unit", "unit"), ("result", "text")]),
        "checked" => ("checked", &[("agrees", "agrees")]),
        "rework" => ("rework", &[("reason", "text")]),
        "closed" => ("closed", &[("note", "text")]),
        "handled_here" => ("closed", &[("result", "text")]),
        "voided" => ("returned", &[("void", "reason"), ("reason", "text")]),
        "joined_into" => ("joined", &[("into", "case")]),
        "split_off" => ("split_off", &[]),
        "reopened" => ("reopened", &[("reason", "text")]),
        "resumed" => ("resumed", &[("reason", "text")]),
        "called_back" => ("called_back", &[("reached", "reached"), ("satisfaction", "satisfaction")]),
        "granted" => match detail["ask"].as_str()? {
            "return" => ("dispatch_returned", &[("reason", "text")]),
            "extension" => ("extended", &[("reason", "text")]),
            "suspension" => ("suspended", &[("reason", "text")]),
            "resumption" => ("resumed", &[("reason", "text")]),
            "category" => ("recategorised", &[("category", "category")]),
            _ => return None,
        },
        _ => return None,
    };
    let mut data = Map::new();
    for (from, to) in fields.1 {
        let value = &detail[*from];
        let is_nothing =
            value.is_null() || value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty);
        if !is_nothing {
            data.insert((*to).to_owned(), value.clone());
        }
    }
    if let Some(due) = due(detail) {
        data.insert("due_at".to_owned(), json!(due));
    }
    Some((fields.0, Value::Object(data)))
}

/// When the handling ends by the clocks that a row began or moved.
fn due(detail: &Value) -> Option<i64> {
    let clocks = detail["ledger"]["clocks"].as_array()?.iter();
    let runs = clocks.filter(|clock| clock["clock"] == "handle" && clock["stopped_at"].is_null());
    runs.filter_map(|clock| clock["due_at"].as_i64()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told, and in which words; requests, reminders and who did it stay here.
    #[test]
    fn rows_become_events() {
        let due = json!({"clocks": [
            {"clock": "accept", "due_at": 1}, {"clock": "handle", "due_at": 9}, {"clock": "handle", "due_at": 5, "stopped_at": 2},
            {"clock": "handle", "due_at": 7}]});
        for (action, detail, event_name, data) in [
            ("told", json!({"ticket": "T1", "summary": "x"}), "received", json!({"ticket": "T1"})),
            (
                "dispatched",
                json!({"lead": "housing", "co": ["police"], "note": "", "ledger": due}),
                "dispatched",
                json!({"unit": "housing", "with": ["police"], "due_at": 7}),
            ),
            (
                "reported",
                json!({"unit": "housing", "result": "已换"}),
                "reported",
                json!({"unit": "housing", "text": "已换"}),
            ),
            (
                "voided",
                json!({"void": "not_ours", "reason": "不归本县"}),
                "returned",
                json!({"reason": "not_ours", "text": "不归本县"}),
            ),
            (
                "granted",
                json!({"ask": "return", "reason": "派错"}),
                "dispatch_returned",
                json!({"text": "派错"}),
            ),
            ("checked", json!({"agrees": false, "note": "x"}), "checked", json!({"agrees": false})),
            ("closed", json!({"note": ""}), "closed", json!({})),
        ] {
            assert_eq!(event(action, &detail), Some((event_name, data)), "{action}");
        }
        for own in [
            "asked",
            "endorsed",
            "reminded",
            "card_shown",
            "contact_seen",
            "located",
            "attached",
            "acknowledged",
            "recorded",
        ] {
            assert_eq!(event(own, &json!({"reason": "x"})), None, "{own}");
        }
    }
}
