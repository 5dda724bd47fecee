//! How many forms without a login are read: from one address (of IPv6: from one network), and from everybody. Counted in rows,
//! like the wrong codes of `/status`, so that a restart or another hub changes nothing.
//!
//! Behind a proxy, and in networks that share one address, everybody there counts as one; so the bound is one that a family,
//! an office or a village does not reach.

use crate::app::App;
use crate::db;
use crate::public::{self, store};

/// Within this time; `public::forget` keeps tries for as long.
pub const WINDOW_MS: i64 = 60 * 60_000;
pub const MOST_OF_ADDRESS: i64 = 20;
pub const MOST_OF_ALL: i64 = 200;

/// Counts a form that is about to be read; `false`: there were too many, and this one does not count.
pub async fn allow(app: &App, address: &str) -> db::Result<bool> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let since = now.plus_ms(-WINDOW_MS);
    let limits =
        [(format!("ask/{}", public::network(address)), MOST_OF_ADDRESS), ("ask/all".to_owned(), MOST_OF_ALL)];
    for (subject, most) in &limits {
        if store::tries(&app.db, tenant, subject, since).await? >= *most {
            return Ok(false);
        }
    }
    // Noted first, counted then: of many who come at once none is overlooked.
    let try_id = app.new_id();
    let subjects: Vec<String> = limits.iter().map(|(subject, _)| subject.clone()).collect();
    store::note_try(&app.db, tenant, &try_id, &subjects, now).await?;
    for (subject, most) in &limits {
        if store::tries(&app.db, tenant, subject, since).await? > *most {
            store::forget_try(&app.db, tenant, &try_id).await?;
            return Ok(false);
        }
    }
    Ok(true)
}
