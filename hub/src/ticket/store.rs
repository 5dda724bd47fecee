//! SQL of tickets.

use protocol::UtcMs;

use super::similar::{self, Told};
use super::{Draft, Ticket};
use crate::args;
use crate::db::{Db, Result, Tx};

pub(super) async fn get(db: &Db, tenant: &str, case_id: &str) -> Result<Option<Ticket>> {
    db.fetch_optional(
        "select matter, category, urgency, place, summary, filed_by, filed_at_ms from tickets
         where tenant = $1 and case_id = $2",
        args![tenant, case_id],
    )
    .await
}

/// What can be compared of the newest open cases, but one.
pub(super) async fn open_cases(db: &Db, tenant: &str, but: &str, now: UtcMs) -> Result<Vec<Told>> {
    db.fetch_all(
        "select c.number, c.kind, c.severity, c.title_zh, c.title_en, c.opened_at_ms,
                coalesce(c.place, '') || ' ' || coalesce(t.place, '') as place,
                c.title_zh || ' ' || coalesce(t.summary, '') as words
         from cases c left join tickets t on t.tenant = c.tenant and t.case_id = c.case_id
         where c.tenant = $1 and c.closed_at_ms is null and c.case_id <> $2 and c.opened_at_ms >= $3 and c.drill = 0
         order by c.opened_at_ms desc limit $4",
        args![tenant, but, now.plus_ms(-similar::WITHIN_MS), similar::MOST_COMPARED],
    )
    .await
}

/// Who filed the ticket that is there, and when.
pub(super) async fn filed(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Option<(String, i64)>> {
    tx.fetch_optional(
        "select filed_by, filed_at_ms from tickets where tenant = $1 and case_id = $2",
        args![tenant, case_id],
    )
    .await
}

pub(super) async fn put(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    draft: &Draft,
    user: &str,
    now: UtcMs,
) -> Result<()> {
    tx.execute(
        "insert into tickets (tenant, case_id, matter, category, urgency, place, summary, filed_by, filed_at_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (tenant, case_id) do update set matter = excluded.matter, category = excluded.category,
             urgency = excluded.urgency, place = excluded.place, summary = excluded.summary,
             filed_by = excluded.filed_by, filed_at_ms = excluded.filed_at_ms",
        args![
            tenant,
            case_id,
            &draft.matter,
            &draft.category,
            &draft.urgency,
            draft.place.trim(),
            draft.summary.trim(),
            user,
            now
        ],
    )
    .await?;
    Ok(())
}
