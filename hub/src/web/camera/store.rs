//! SQL that only the page of a camera needs.

use crate::args;
use crate::case::store::visible;
use crate::db::{Db, Result, from_row};

/// Cases of one camera and hour that are listed.
const MOST: i64 = 60;
/// Incidents of one camera and hour that are held against what rules tell of.
const MOST_STORED: i64 = 500;

/// A case that a camera's rule has raised.
#[derive(Clone, Debug)]
pub(super) struct Raised {
    pub(super) number: String,
    /// `camera/BOX/CAMERA/RULE`
    pub(super) source: String,
    pub(super) state: String,
    pub(super) opened_at_ms: i64,
}

from_row!(Raised: number, source, state, opened_at_ms);

/// What one camera's box has told of in a time and stands in an open case.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) number: String,
    pub(super) source: String,
    pub(super) area: String,
    pub(super) started_at_ms: i64,
}

from_row!(Stored: number, source, area, started_at_ms);

/// Incidents of open cases of one camera that began in a time, as far as this user may see them.
pub(super) async fn stored(
    db: &Db,
    tenant: &str,
    user: &str,
    (device, camera): (&str, &str),
    (from_ms, to_ms): (i64, i64),
) -> Result<Vec<Stored>> {
    let source = format!("camera/{device}/{camera}/");
    db.fetch_all(
        concat!(
            "select cases.number, cases.correlation_key as source, cases.area, i.started_at_ms
             from cases join incidents i on i.tenant = cases.tenant and i.case_id = cases.case_id
             where cases.tenant = $1 and cases.source = 'camera' and cases.drill = 0 and cases.closed_at_ms is null
               and i.started_at_ms >= $3 and i.started_at_ms <= $4
               and substr(cases.correlation_key, 1, length(cast($2 as text))) = cast($2 as text)",
            visible!("$5"),
            " order by i.started_at_ms desc, cases.number desc limit $6"
        ),
        args![tenant, source, from_ms, to_ms, user, MOST_STORED],
    )
    .await
}

/// What one camera has raised in a time, as far as this user may see it, the newest first.
pub(super) async fn raised(
    db: &Db,
    tenant: &str,
    user: &str,
    (device, camera): (&str, &str),
    (from_ms, to_ms): (i64, i64),
) -> Result<Vec<Raised>> {
    let source = format!("camera/{device}/{camera}/");
    db.fetch_all(
        concat!(
            "select number, correlation_key as source, state, opened_at_ms from cases
             where tenant = $1 and source = 'camera' and drill = 0 and opened_at_ms >= $3 and opened_at_ms <= $4
               and substr(correlation_key, 1, length(cast($2 as text))) = cast($2 as text)",
            visible!("$5"),
            " order by opened_at_ms desc, number desc limit $6"
        ),
        args![tenant, source, from_ms, to_ms, user, MOST],
    )
    .await
}
