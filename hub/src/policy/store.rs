//! SQL of policies: texts, append-only; and of the closed cases on which another one is tried.

use std::collections::BTreeMap;

use protocol::UtcMs;

use super::effect::Past;
use crate::args;
use crate::calendar::{Limit, Pause};
use crate::case::Source;
use crate::db::versions::{Versions, versions};
use crate::db::{Db, Result, Tx, from_row};
use crate::workflow::ClockKind;

/// A version as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Version {
    pub version: i64,
    pub made_by: String,
    pub made_at_ms: i64,
    pub note: String,
}

from_row!(Version: version, made_by, made_at_ms, note);

pub async fn list(db: &Db, tenant: &str) -> Result<Vec<Version>> {
    db.fetch_all(
        "select version, made_by, made_at_ms, note from policies where tenant = $1 order by version desc",
        args![tenant],
    )
    .await
}

/// As TOML.
pub const VERSIONS: Versions = versions!("policies");

/// Adds the next version; the caller holds the tenant's lock.
pub(super) async fn add(
    tx: &mut Tx,
    tenant: &str,
    text: &str,
    by: &str,
    note: &str,
    now: UtcMs,
) -> Result<i64> {
    let (version,): (i64,) = tx
        .fetch_one(
            "insert into policies (tenant, version, content, made_by, made_at_ms, note)
             select cast($1 as text), coalesce(max(version), 0) + 1, cast($2 as text), cast($3 as text),
                    cast($4 as bigint), cast($5 as text)
             from policies where tenant = $1
             returning version",
            args![tenant, text, by, now, note],
        )
        .await?;
    VERSIONS.is_newest(tx, tenant, version);
    Ok(version)
}

/// The last closed cases of each category: `$2` of one, among the last `$3`.
macro_rules! last_closed {
    () => {
        "(select e.case_id from (
             select l.case_id, row_number() over (
                 partition by l.category order by l.opened_at_ms desc, l.case_id desc) as nth
             from (select case_id, category, opened_at_ms from cases
                   where tenant = $1 and category is not null and state = 'closed' and drill = 0
                   order by opened_at_ms desc, case_id desc limit $3) l) e
         where e.nth <= $2)"
    };
}

/// A clock that stopped and counts, and what rules look at in its case.
pub(super) struct ClockRow {
    case_id: String,
    category: String,
    source: String,
    severity: String,
    kind: String,
    matter: String,
    area: String,
    clock: String,
    limit_text: String,
    extensions: String,
    started_at_ms: i64,
    due_at_ms: Option<i64>,
    stopped_at_ms: i64,
}

from_row!(ClockRow: case_id, category, source, severity, kind, matter, area, clock, limit_text, extensions, started_at_ms,
    due_at_ms, stopped_at_ms);

impl ClockRow {
    /// Nothing for a clock of a newer hub.
    pub(super) fn read(self, villages: &[&str], pauses: &BTreeMap<String, Vec<Pause>>) -> Option<Past> {
        let extensions: Vec<Limit> = serde_json::from_str(&self.extensions).ok()?;
        Some(Past {
            source: Source::parse(&self.source),
            severity: self.severity.parse().ok(),
            rural: villages.iter().any(|village| self.area.starts_with(village)),
            clock: ClockKind::ALL.iter().copied().find(|clock| clock.as_str() == self.clock)?,
            limit: self.limit_text.parse().ok()?,
            extensions,
            started_at: UtcMs(self.started_at_ms),
            due_at: self.due_at_ms.map(UtcMs),
            stopped_at: UtcMs(self.stopped_at_ms),
            pauses: pauses.get(&self.case_id).cloned().unwrap_or_default(),
            case_id: self.case_id,
            category: self.category,
            kind: self.kind,
            matter: self.matter,
        })
    }
}

pub(super) async fn past_clocks(
    db: &Db,
    tenant: &str,
    per_category: i64,
    most: i64,
) -> Result<Vec<ClockRow>> {
    db.fetch_all(
        concat!(
            "select c.case_id, coalesce(c.category, '') as category, c.source, c.severity, c.kind,
                    coalesce(t.matter, c.matter) as matter, c.area, k.clock, k.limit_text, k.extensions, k.started_at_ms,
                    k.due_at_ms, k.stopped_at_ms
             from cases c
             join case_clocks k on k.tenant = c.tenant and k.case_id = c.case_id
                 and k.counts = 1 and k.stopped_at_ms is not null
             left join tickets t on t.tenant = c.tenant and t.case_id = c.case_id
             where c.tenant = $1 and c.case_id in ",
            last_closed!(),
            " order by c.case_id, k.clock, k.task, k.nth"
        ),
        args![tenant, per_category, most],
    )
    .await
}

/// When the handling of these cases stood still, in order.
pub(super) async fn past_pauses(
    db: &Db,
    tenant: &str,
    per_category: i64,
    most: i64,
) -> Result<Vec<(String, i64, Option<i64>)>> {
    db.fetch_all(
        concat!(
            "select case_id, from_ms, to_ms from case_pauses where tenant = $1 and case_id in ",
            last_closed!(),
            " order by case_id, from_ms"
        ),
        args![tenant, per_category, most],
    )
    .await
}
