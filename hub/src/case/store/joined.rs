//! SQL of what joined a case, for units that work on it.

use super::visible;
use crate::args;
use crate::case::joined::JoinedReport;
use crate::db::{Db, Result};

/// As many as [`super::list::joined`] shows.
const MOST_REPORTS: i64 = 200;

/// Cases that joined one and that this user may not open, when a unit of his has a part in the one that goes on: none that was
/// taken back from it or that it gave back. The first of them first.
pub async fn reports(db: &Db, tenant: &str, user: &str, number: &str) -> Result<Vec<JoinedReport>> {
    let rows: Vec<JoinedReport> = db
        .fetch_all(
            concat!(
                "select number, kind, severity, title_zh, title_en, place, location, opened_at_ms,
                        coalesce(closed_at_ms, 0) as joined_at_ms
                 from cases where tenant = $1 and joined_into = $2 and confidential = 0
                   and exists (
                       select 1 from cases m
                       join case_tasks w on w.tenant = m.tenant and w.case_id = m.case_id
                       join grants g on g.tenant = w.tenant and g.unit = w.unit
                       where m.tenant = cases.tenant and m.number = cases.joined_into and w.unit <> ''
                         and w.state in ('dispatched', 'accepted', 'done')
                         and g.user_name = $3 and g.role <> 'installer')
                   and not (1 = 1",
                visible!("$3"),
                ") order by closed_at_ms, number limit $4"
            ),
            args![tenant, number, user, MOST_REPORTS],
        )
        .await?;
    Ok(rows.into_iter().map(JoinedReport::without_numbers).collect())
}
