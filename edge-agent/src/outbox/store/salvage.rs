//! Reading what can be read of a damaged database, into a fresh one: row by row, since a statement that meets the
//! damage takes back what it copied before.

use sqlx::query;
use sqlx::query_scalar;
use sqlx::sqlite::SqliteConnection;

use super::Result;

/// A table as it is copied.
pub(in crate::outbox) struct Table {
    pub(in crate::outbox) name: &'static str,
    next: &'static str,
    copy: &'static str,
}

/// Messages first. Incidents told as open are among them: the hub would wait for their end for ever.
pub(in crate::outbox) const TABLES: [Table; 7] = [
    Table {
        name: MESSAGES,
        next: "select position from damaged.message where position > $1 order by position limit 1",
        copy:
            "insert or ignore into message (message_id, source, boot, sequence, incident_id, revision, phase,
                   priority, envelope, created_at_ms)
               select message_id, source, boot, sequence, incident_id, revision, phase, priority, envelope,
                   created_at_ms
               from damaged.message where position = $1",
    },
    Table {
        name: "evidence",
        next: "select rowid from damaged.evidence where rowid > $1 order by rowid limit 1",
        copy: "insert or ignore into evidence
               select sha256, message_id, incident_id, path, evidence, priority, kind_priority, size_bytes,
                   state, upload_url, attempts, due_at_ms, created_at_ms, expires_at_ms
               from damaged.evidence where rowid = $1",
    },
    Table {
        name: "call_recording",
        next: "select rowid from damaged.call_recording where rowid > $1 order by rowid limit 1",
        copy: "insert or ignore into call_recording
               select call_id, sha256 from damaged.call_recording where rowid = $1",
    },
    Table {
        name: "open_incident",
        next: "select rowid from damaged.open_incident where rowid > $1 order by rowid limit 1",
        copy: "insert or ignore into open_incident
               select incident_id, incident from damaged.open_incident where rowid = $1",
    },
    Table {
        name: "answered",
        next: "select rowid from damaged.answered where rowid > $1 order by rowid limit 1",
        copy: "insert or ignore into answered
               select command_id, at_ms from damaged.answered where rowid = $1",
    },
    Table {
        name: "rejected",
        next: "select rowid from damaged.rejected where rowid > $1 order by rowid limit 1",
        copy: "insert or ignore into rejected (message_id, outcome, reason, envelope, at_ms, told_at_ms)
               select message_id, outcome, reason, envelope, at_ms, told_at_ms
               from damaged.rejected where rowid = $1",
    },
    Table {
        name: "reckoning",
        next: "select one from damaged.reckoning where one > $1",
        copy: "insert or ignore into reckoning
               select one, at_ms, trusted_at_ms, trusted_wall_ms from damaged.reckoning where one = $1",
    },
];
pub(in crate::outbox) const MESSAGES: &str = "message";

pub(in crate::outbox) async fn attach_damaged(db: &mut SqliteConnection, path: &str) -> Result<()> {
    query("attach database $1 as damaged").bind(path).execute(db).await.map(drop)
}

pub(in crate::outbox) async fn detach_damaged(db: &mut SqliteConnection) -> Result<()> {
    query("detach database damaged").execute(db).await.map(drop)
}

/// The row after `after`, as far as rows can be found.
pub(in crate::outbox) async fn next_row(
    db: &mut SqliteConnection,
    table: &Table,
    after: i64,
) -> Result<Option<i64>> {
    query_scalar(table.next).bind(after).fetch_optional(db).await
}

pub(in crate::outbox) async fn copy_row(db: &mut SqliteConnection, table: &Table, row: i64) -> Result<u64> {
    query(table.copy).bind(row).execute(db).await.map(|done| done.rows_affected())
}
