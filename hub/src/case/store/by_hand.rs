//! A case that no incident began.

use protocol::UtcMs;

use crate::args;
use crate::case::{history, number};
use crate::db::{Result, Tx};
use crate::organisation::Level;
use crate::workflow::{self, Dossier};

/// What people say of it.
#[derive(Clone, Debug)]
pub struct NewByHand<'a> {
    pub title: &'a str,
    pub place: &'a str,
    /// JSON of [`protocol::Place`].
    pub location: Option<String>,
    /// The map by which its area was found.
    pub grid_version: Option<i64>,
    pub level: Level,
    /// 保密
    pub confidential: bool,
}

/// The next number of a local day.
pub async fn next_number(tx: &mut Tx, tenant: &str, day: &str) -> Result<String> {
    let (count,): (i64,) = tx
        .fetch_one(
            "insert into case_numbers (tenant, day, last) values ($1, $2, 1)
             on conflict (tenant, day) do update set last = case_numbers.last + 1 returning last",
            args![tenant, day],
        )
        .await?;
    Ok(number::number(day, count))
}

/// Notes which unit a report is about.
pub async fn set_complained_of(tx: &mut Tx, tenant: &str, case_id: &str, unit: &str) -> Result<()> {
    tx.execute(
        "update cases set complained_of = $3 where tenant = $1 and case_id = $2",
        args![tenant, case_id, unit],
    )
    .await?;
    Ok(())
}

pub async fn insert_by_hand(
    tx: &mut Tx,
    tenant: &str,
    dossier: &Dossier,
    by_hand: &NewByHand<'_>,
    now: UtcMs,
) -> Result<()> {
    let facts = &dossier.facts;
    let due = dossier.next_due();
    tx.execute(
        "insert into cases (tenant, case_id, number, kind, severity, state, correlation_key, device_id, title_zh,
             title_en, place, location, incident_count, drill, started_at_ms, opened_at_ms, updated_at_ms, history_count,
             history_hash, source, area, level, due_clock, due_at_ms, confidential, grid_version, matter)
         values ($1, $2, $3, $4, $5, 'received', 'report/' || cast($2 as text), '', $6, $6, $7, $8, 0, 0, $9, $9, $9, 0,
             $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        args![
            tenant,
            &facts.case_id,
            &facts.number,
            &facts.kind,
            facts.severity.as_str(),
            by_hand.title,
            by_hand.place,
            by_hand.location.clone(),
            now,
            history::START,
            facts.source.as_str(),
            facts.area.as_str(),
            by_hand.level.as_str(),
            due.map(|clock| clock.kind.as_str()),
            due.and_then(|clock| clock.due_at),
            by_hand.confidential,
            by_hand.grid_version,
            &facts.matter
        ],
    )
    .await?;
    workflow::store::put_clocks(tx, tenant, dossier, &[]);
    Ok(())
}
