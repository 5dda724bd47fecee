//! SQL of who was there when.

use crate::args;
use crate::db::{Db, Insert, Result, Tx};
use crate::evaluation::roster::Entry;

const ROSTER: Insert = Insert {
    into: "insert into evaluation_roster (tenant, position, at_ms, kind, key, area, active)",
    tail: "",
};

macro_rules! roster {
    () => {
        "select position, at_ms, kind, key, area, active from evaluation_roster
         where tenant = $1 and position <= $2 order by position"
    };
}

/// Entries up to a number.
pub(in crate::evaluation) async fn roster(db: &Db, tenant: &str, last: i64) -> Result<Vec<Entry>> {
    db.fetch_all(roster!(), args![tenant, last]).await
}

/// All of them, under the tenant's lock.
pub(in crate::evaluation) async fn roster_in(tx: &mut Tx, tenant: &str) -> Result<Vec<Entry>> {
    tx.fetch_all(roster!(), args![tenant, i64::MAX]).await
}

/// Adds entries; the caller holds the tenant's lock and read all that are there.
pub(in crate::evaluation) fn add_to_roster(tx: &mut Tx, tenant: &str, entries: Vec<Entry>) {
    for entry in entries {
        let Entry { position, at_ms, kind, key, area, active } = entry;
        tx.later(ROSTER, args![tenant, position, at_ms, kind, key, area, active]);
    }
}
