//! SQL of tickets.

use protocol::UtcMs;

use super::lesson::{MOST_PAST, Past};
use super::similar::{self, Told};
use super::{Draft, Ticket};
use crate::args;
use crate::case::store::visible;
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
pub(super) async fn open_cases(
    db: &Db,
    tenant: &str,
    user: &str,
    but: &str,
    now: UtcMs,
) -> Result<Vec<Told>> {
    db.fetch_all(
        concat!(
            "select number, kind, severity, title_zh, title_en, opened_at_ms,
                    coalesce(cases.place, '') || ' ' || coalesce(t.place, '') as place,
                    title_zh || ' ' || coalesce(t.summary, '') as words
             from cases left join tickets t on t.tenant = cases.tenant and t.case_id = cases.case_id
             where cases.tenant = $1 and closed_at_ms is null and cases.case_id <> $2 and opened_at_ms >= $3
               and drill = 0",
            visible!("$5"),
            " order by opened_at_ms desc limit $4"
        ),
        args![tenant, but, now.plus_ms(-similar::WITHIN_MS), similar::MOST_COMPARED, user],
    )
    .await
}

/// The ticket that is there, inside a transaction.
pub(super) async fn get_in(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Option<Ticket>> {
    tx.fetch_optional(
        "select matter, category, urgency, place, summary, filed_by, filed_at_ms from tickets
         where tenant = $1 and case_id = $2",
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

/// Keeps what a box had offered first for a call and what its ticket says; the newest ticket counts.
pub(super) async fn put_lesson(
    db: &Db,
    tenant: &str,
    case_id: &str,
    (offered, category): (&str, &str),
    now: UtcMs,
) -> Result<()> {
    db.execute(
        "insert into ticket_lessons (tenant, case_id, offered, category, filed_at_ms) values ($1, $2, $3, $4, $5)
         on conflict (tenant, case_id) do update set offered = excluded.offered, category = excluded.category,
             filed_at_ms = excluded.filed_at_ms",
        args![tenant, case_id, offered, category, now],
    )
    .await?;
    Ok(())
}

/// How calls for which this was offered first were tagged since a moment, but one; the most frequent first.
pub(super) async fn past(
    db: &Db,
    tenant: &str,
    offered: &str,
    but: &str,
    since_ms: i64,
) -> Result<Vec<Past>> {
    db.fetch_all(
        "select category, count(*) as times from ticket_lessons
         where tenant = $1 and offered = $2 and case_id <> $3 and filed_at_ms >= $4
         group by category order by 2 desc, 1 limit $5",
        args![tenant, offered, but, since_ms, MOST_PAST],
    )
    .await
}
