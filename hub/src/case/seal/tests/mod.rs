//! What somebody with the database in his hands may try, on both databases: each is found and named.

use super::*;
use crate::args;
use crate::case::store;
use crate::db::testing::{TestDb, databases};
use crate::organisation::{AreaPath, Level};
use crate::workflow::{Dossier, Facts};
use jiff::tz::{Offset, TimeZone};
use protocol::Severity;
use serde_json::json;

const NOW: UtcMs = UtcMs(1_773_799_200_000);

struct Book {
    test: TestDb,
    sealer: Sealer,
    _keys: tempfile::TempDir,
}

/// Three cases with three rows each, sealed after the second row of each.
async fn books() -> Vec<Book> {
    let mut all = Vec::new();
    for test in databases().await {
        let keys = tempfile::tempdir().unwrap();
        let sealer = Sealer::open(keys.path(), &Chance::seeded(1)).unwrap();
        for case in ["c1", "c2", "c3"] {
            open(&test.db, case).await;
            write_row(&test.db, case, "filed").await;
        }
        assert_eq!(make(&test.db, "t", &sealer, NOW).await.unwrap(), 3);
        assert_eq!(make(&test.db, "t", &sealer, NOW).await.unwrap(), 0, "nothing new is not rooted again");
        for case in ["c1", "c2", "c3"] {
            write_row(&test.db, case, "dispatched").await;
        }
        all.push(Book { test, sealer, _keys: keys });
    }
    all
}

async fn open(db: &Db, case: &str) {
    let policy = crate::policy::Policies::new(TimeZone::fixed(Offset::constant(8)));
    let mut tx = db.begin().await.unwrap();
    tx.lock_tenant("t").await.unwrap();
    let policy = policy.newest_in(&mut tx, "t", NOW).await.unwrap();
    let facts = Facts {
        case_id: case.to_owned(),
        number: format!("20260318-{case}"),
        kind: "report".to_owned(),
        severity: Severity::Normal,
        source: crate::case::Source::Worker,
        matter: String::new(),
        area: AreaPath::everything(),
        rural: false,
        drill: false,
        opened_at: NOW,
    };
    let dossier = Dossier::received(facts, Level::County, &policy);
    let told = store::NewByHand {
        title: "x",
        place: "x",
        location: None,
        grid_version: None,
        level: Level::County,
        confidential: false,
    };
    store::insert_by_hand(&mut tx, "t", &dossier, &told, NOW).await.unwrap();
    store::append(&mut tx, "t", case, NOW, "user:li", "told", &json!({})).await.unwrap();
    tx.commit().await.unwrap();
}

async fn write_row(db: &Db, case: &str, action: &str) {
    let mut tx = db.begin().await.unwrap();
    tx.lock_tenant("t").await.unwrap();
    store::append(&mut tx, "t", case, NOW, "user:li", action, &json!({})).await.unwrap();
    tx.commit().await.unwrap();
}

impl Book {
    async fn does(&self, sql: &'static str) {
        assert!(self.test.db.execute(sql, args![]).await.unwrap() > 0, "{sql}");
    }

    async fn wrong(&self) -> Vec<String> {
        check(&self.test.db, "t", &[self.sealer.name()], self.sealer.last()).await.unwrap().wrong
    }

    /// Writes the chain of a case anew, as somebody does who knows how hashes are made.
    async fn rewrite(&self, case: &str) {
        let rows = seal::rows(&self.test.db, "t", case).await.unwrap();
        let (mut prev, count) = (history::START.to_owned(), rows.len() as i64);
        for row in rows {
            let hash =
                history::hash(case, row.position, row.at_ms, &row.actor, &row.action, &row.detail, &prev);
            let args = args![case, row.position, &prev, &hash];
            self.test
                .db
                .execute(
                    "update case_history set prev_hash = $3, hash = $4 where case_id = $1 and position = $2",
                    args,
                )
                .await
                .unwrap();
            prev = hash;
        }
        let end = args![case, count, prev];
        self.test
            .db
            .execute("update cases set history_count = $2, history_hash = $3 where case_id = $1", end)
            .await
            .unwrap();
    }
}

/// A whole history is found whole, and how far it is sealed is told.
#[tokio::test]
async fn a_whole_history_is_whole() {
    for book in books().await {
        let found = check(&book.test.db, "t", &[book.sealer.name()], book.sealer.last()).await.unwrap();
        assert_eq!(found.wrong, Vec::<String>::new());
        assert_eq!((found.cases, found.rows, found.roots), (3, 9, 1));
        assert_eq!((found.sealed_at, found.signers.len()), (Some(NOW), 1));
    }
}

/// Edited, removed, reordered and cut rows are named, each in its case.
#[tokio::test]
async fn tampering_is_named() {
    for (sql, told) in [
        (
            "update case_history set detail = '{\"x\":1}' where case_id = 'c2' and position = 2",
            "case 20260318-c2: row 2 (filed by user:li",
        ),
        (
            "delete from case_history where case_id = 'c2' and position = 2",
            "case 20260318-c2: row 2 was removed",
        ),
        (
            "delete from case_history where case_id = 'c2' and position = 3",
            "case 20260318-c2: rows from 3 on were cut off",
        ),
        (
            "update case_history set position = position + 10 where case_id = 'c2' and position < 3",
            "case 20260318-c2: row ",
        ),
        ("delete from cases where case_id = 'c2'", "case c2: the case was removed"),
        (
            "update cases set history_count = 7 where case_id = 'c2'",
            "case 20260318-c2: it counts 7 rows and has 3",
        ),
    ] {
        for book in books().await {
            book.does(sql).await;
            let wrong = book.wrong().await;
            assert!(wrong.iter().any(|line| line.starts_with(told)), "{sql}: {wrong:#?}");
            assert!(wrong.iter().all(|line| line.contains("c2")), "only the one: {wrong:#?}");
        }
    }
}

/// Whoever makes the chain fit again is found by what was sealed: a row edited, the end cut off, the case taken out whole.
#[tokio::test]
async fn what_was_sealed_stays() {
    for book in books().await {
        book.does("update case_history set actor = 'user:wang' where case_id = 'c1' and position = 2").await;
        book.rewrite("c1").await;
        book.does("delete from case_history where case_id = 'c2' and position > 1").await;
        book.rewrite("c2").await;
        book.does("delete from case_history where case_id = 'c3'").await;
        book.does("delete from cases where case_id = 'c3'").await;
        let wanted = [
            "case 20260318-c1: row 2 is not the one that was sealed (root 1)",
            "case 20260318-c2: its history was cut off before row 2, which was sealed (root 1)",
            "case c3: the case and its history were removed (root 1)",
        ];
        assert_eq!(book.wrong().await, wanted, "{}", book.test.name);
    }
}

/// Roots are chained and signed: one that is changed, taken out or signed by a stranger is told.
#[tokio::test]
async fn roots_are_the_hubs_own() {
    for book in books().await {
        make(&book.test.db, "t", &book.sealer, NOW.plus_ms(1)).await.unwrap();
        assert!(book.wrong().await.is_empty());
        let stranger = check(&book.test.db, "t", &["00".repeat(32)], None).await.unwrap().wrong;
        assert!(stranger[0].contains("not signed by a key that is trusted"), "{stranger:?}");
        book.does("update history_heads set position = 1 where root = 2 and case_id = 'c1'").await;
        assert!(book.wrong().await.iter().any(|line| line.starts_with("root 2: it was changed")));
        book.does("delete from history_roots where root = 1").await;
        let wrong = book.wrong().await;
        assert!(wrong.iter().any(|line| line.contains("one before it is missing")), "{wrong:?}");
    }
}

/// Roots that are cut off the end are missed by what the hub wrote down beside its key.
#[tokio::test]
async fn roots_cut_off_are_missed() {
    for book in books().await {
        book.does("delete from history_heads where root = 1").await;
        book.does("delete from history_roots where root = 1").await;
        let wanted = ["root 1: it was made here and is missing, or is another one now"];
        assert_eq!(book.wrong().await, wanted, "{}", book.test.name);
    }
}
