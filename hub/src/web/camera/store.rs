//! SQL that only the page of a camera needs.

use crate::args;
use crate::case::store::visible;
use crate::db::{Db, Result, from_row};

/// Cases of one camera and hour that are listed.
const MOST: i64 = 60;

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
