//! SQL of alerts: each message as it was sent, append-only.

use protocol::UtcMs;

use crate::args;
use crate::case::store::visible;
use crate::db::{Db, Result, Tx, from_row};

/// A message of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) case_id: String,
    pub(crate) revision: i64,
    pub(crate) msg_type: String,
    pub(crate) status: String,
    pub(crate) sent_at_ms: i64,
    pub(crate) sender: String,
    pub(crate) content: String,
}

from_row!(Kept: case_id, revision, msg_type, status, sent_at_ms, sender, content);

pub(super) async fn insert(tx: &mut Tx, tenant: &str, kept: &Kept, by: &str) -> Result<()> {
    tx.execute(
        "insert into cap_alerts (tenant, case_id, revision, msg_type, status, sent_at_ms, sender, released_by, content)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            tenant,
            &kept.case_id,
            kept.revision,
            &kept.msg_type,
            &kept.status,
            kept.sent_at_ms,
            &kept.sender,
            by,
            &kept.content
        ],
    )
    .await?;
    Ok(())
}

/// All messages of a case, in order.
pub(super) async fn all_in(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Vec<Kept>> {
    tx.fetch_all(
        "select case_id, revision, msg_type, status, sent_at_ms, sender, content from cap_alerts
         where tenant = $1 and case_id = $2 order by revision",
        args![tenant, case_id],
    )
    .await
}

/// One message, the newest without a revision.
pub(super) async fn one(db: &Db, tenant: &str, case_id: &str, revision: Option<i64>) -> Result<Option<Kept>> {
    db.fetch_optional(
        "select case_id, revision, msg_type, status, sent_at_ms, sender, content from cap_alerts
         where tenant = $1 and case_id = $2 and (revision = $3 or $3 = 0) order by revision desc limit 1",
        args![tenant, case_id, revision.unwrap_or(0)],
    )
    .await
}

/// Whether the case is of a box that tests itself: the drill bears the name of its command.
pub(super) async fn is_self_test(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<bool> {
    let (count,): (i64,) = tx
        .fetch_one(
            "select count(*) from incidents i
             join self_tests t on t.tenant = i.tenant and t.command_id = i.incident_id
             where i.tenant = $1 and i.case_id = $2",
            args![tenant, case_id],
        )
        .await?;
    Ok(count > 0)
}

/// Cases that have ended, or became confidential, while their alert holds.
pub(super) async fn to_take_back(db: &Db, tenant: &str, limit: i64) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = db
        .fetch_all(
            "select c.number from cap_alerts a join cases c on c.tenant = a.tenant and c.case_id = a.case_id
             where a.tenant = $1 and a.msg_type <> 'Cancel' and (c.closed_at_ms is not null or c.confidential = 1)
               and not exists (select 1 from cap_alerts later where later.tenant = a.tenant
                               and later.case_id = a.case_id and later.revision > a.revision)
             order by a.sent_at_ms limit $2",
            args![tenant, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(number,)| number).collect())
}

/// A line of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: String,
    pub(super) revision: i64,
    pub(super) msg_type: String,
    pub(super) sent_at_ms: i64,
    pub(super) severity: String,
    pub(super) kind: String,
    pub(super) category: Option<String>,
    pub(super) confidential: i64,
}

from_row!(Line: number, revision, msg_type, sent_at_ms, severity, kind, category, confidential);

/// The newest message of each case that a user may see: what holds, and what was taken back since. No drills.
pub(super) async fn lines(db: &Db, tenant: &str, user: &str, since: UtcMs, limit: i64) -> Result<Vec<Line>> {
    db.fetch_all(
        concat!(
            "select number, revision, msg_type, sent_at_ms, severity, kind, category, confidential
             from cases join cap_alerts a on a.tenant = cases.tenant and a.case_id = cases.case_id
             where cases.tenant = $1 and a.status = 'Actual'
               and (cases.confidential = 0 or a.msg_type = 'Cancel')
               and (a.msg_type <> 'Cancel' or a.sent_at_ms > $3)
               and not exists (select 1 from cap_alerts later where later.tenant = a.tenant
                               and later.case_id = a.case_id and later.revision > a.revision)",
            visible!("$2"),
            " order by a.sent_at_ms desc, number desc limit $4"
        ),
        args![tenant, user, since, limit],
    )
    .await
}
