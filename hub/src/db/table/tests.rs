//! Tables on both databases.

use sqlx::AssertSqlSafe;

use super::catalogue::MIGRATIONS;
use super::*;
use crate::args;
use crate::db::testing;

fn sample() -> Table {
    let column = |name: &str, kind| Column { name: name.to_owned(), kind };
    Table {
        name: "order".to_owned(),
        columns: vec![
            column("blob", Kind::Bytes),
            column("from", Kind::Text),
            column("n", Kind::Int),
            column("x", Kind::Real),
        ],
        key: vec!["from".to_owned()],
    }
}

/// What is written as a line is read back as it was: no byte, no digit, no sign is lost.
#[test]
fn lines_come_back() {
    let table = sample();
    for row in [
        vec![
            Value::Bytes(Some(vec![0, 255, 10])),
            Value::Text(Some("\u{0}案\"\n".into())),
            Value::Int(Some(i64::MIN)),
            Value::Real(Some(0.1 + 0.2)),
        ],
        vec![Value::Bytes(None), Value::Text(Some(String::new())), Value::Int(None), Value::Real(None)],
        vec![Value::Bytes(Some(vec![])), Value::Text(None), Value::Int(Some(0)), Value::Real(Some(-0.0))],
    ] {
        let line = line(&row);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert_eq!(table.read(&line).unwrap(), row, "{line}");
    }
    for (wrong, told) in [
        ("{}", "not a JSON array"),
        ("[null,\"a\",1]", "3 cells where there are 4 columns"),
        ("[null,\"a\",\"1\",null]", "n: Int expected"),
        ("[null,1,1,null]", "from: Text expected"),
        ("[\"?\",\"a\",1,null]", "blob: Bytes expected"),
        ("[null,\"a\",1,\"x\"]", "x: Real expected"),
        ("[null,\"a\",9223372036854775808,null]", "n: Int expected"),
    ] {
        let error = format!("{:#}", table.read(wrong).unwrap_err());
        assert!(error.contains(told), "{wrong}: {error}");
    }
}

/// Names that are words of SQL, every kind of cell, and text that collations order otherwise: rows come back whole, by
/// the bytes of their key, the same on both databases.
#[tokio::test]
async fn rows_go_in_and_come_out() {
    for test in testing::bare().await {
        let create =
            "create table \"order\" (\"from\" text not null, n bigint, \"blob\" {bytes}, x double precision,
                          primary key (\"from\"))";
        let sql = test.db.dialect().expand(create);
        let mut tx = test.db.begin().await.unwrap();
        tx.execute(AssertSqlSafe(sql), args![]).await.unwrap();
        let table = tx.tables().await.unwrap().remove(0);
        assert_eq!(table, sample(), "{}", test.name);
        let texts = ["b", "B", "a", "案", "é", "", "\u{10ffff}", "_"];
        let row = |text: &str, n: usize| {
            let bytes = n.is_multiple_of(2).then(|| vec![n as u8; n]);
            vec![
                Value::Bytes(bytes),
                Value::Text(Some(text.to_owned())),
                Value::Int((n != 3).then_some(-5)),
                Value::Real(Some(n as f64 / 7.0)),
            ]
        };
        let rows: Vec<Cells> = texts.iter().zip(0..).map(|(text, n)| row(text, n)).collect();
        tx.add_rows(&table, rows.clone()).await.unwrap();
        let mut found = Vec::new();
        tx.each_rows(&table, async |rows| {
            found.extend(rows);
            Ok(())
        })
        .await
        .unwrap();
        let mut wanted = rows;
        wanted.sort_by_key(|row| match &row[1] {
            Value::Text(Some(text)) => text.clone(),
            other => panic!("{other:?}"),
        });
        assert_eq!(found, wanted, "{}", test.name);
        tx.empty(&table).await.unwrap();
        let (left,): (i64,) = tx.fetch_one("select count(*) from \"order\"", args![]).await.unwrap();
        assert_eq!(left, 0);
    }
}

/// More rows than are handed over at once, in a table without a key: none is lost or doubled, twins stay two.
#[tokio::test]
async fn many_rows() {
    for test in testing::bare().await {
        let mut tx = test.db.begin().await.unwrap();
        tx.execute("create table t (a text not null, n bigint)", args![]).await.unwrap();
        let table = tx.tables().await.unwrap().remove(0);
        assert!(table.key.is_empty());
        for at in 0..5 {
            let row =
                |n: i64| vec![Value::Text(Some("x".repeat(20_000))), Value::Int((n > 0).then_some(n / 2))];
            tx.add_rows(&table, (at * 60..at * 60 + 60).map(row).collect()).await.unwrap();
        }
        let (mut found, mut batches) = (Vec::new(), 0);
        tx.each_rows(&table, async |rows| {
            assert!(rows.len() <= BATCH_ROWS && rows.len() * 20_000 <= BATCH_BYTES + 20_000);
            batches += 1;
            found.extend(rows.into_iter().map(|row| row[1].clone()));
            Ok(())
        })
        .await
        .unwrap();
        let wanted = (0..300).map(|n| Value::Int((n > 0).then_some(n / 2))).collect::<Vec<_>>();
        assert_eq!(found, wanted, "{}", test.name);
        assert!(batches > 3);
    }
}

/// What PostgreSQL cannot keep is told with its row and column, before anything is asked of it.
#[tokio::test]
async fn nul_is_told_with_its_place() {
    for test in testing::bare().await {
        let mut tx = test.db.begin().await.unwrap();
        tx.execute("create table t (id text primary key, title text)", args![]).await.unwrap();
        let table = tx.tables().await.unwrap().remove(0);
        let row = vec![Value::Text(Some("c7".into())), Value::Text(Some("a\0b".into()))];
        let added = tx.add_rows(&table, vec![row]).await;
        if test.name == "sqlite" {
            added.unwrap();
        } else {
            let error = added.unwrap_err().to_string();
            assert!(error.contains("table t, row id [\"c7\"]: title has a NUL"), "{error}");
        }
    }
}

/// A kind of column that nobody thought of is not left out in silence.
#[tokio::test]
async fn other_kinds_are_refused() {
    for test in testing::bare().await {
        let mut tx = test.db.begin().await.unwrap();
        tx.execute("create table t (id text primary key, on_it boolean)", args![]).await.unwrap();
        let error = tx.tables().await.unwrap_err().to_string();
        assert!(error.contains("column on_it of table t is \"boolean\""), "{}: {error}", test.name);
    }
}

/// The schema has nothing that this cannot copy: no other kinds, no references between tables, which would ask for an
/// order of tables.
#[tokio::test]
async fn the_schema_can_be_copied() {
    for test in testing::databases().await {
        let mut tx = test.db.begin_read().await.unwrap();
        let tables = tx.tables().await.unwrap();
        assert!(tables.len() > 30 && tables.iter().all(|table| table.name != MIGRATIONS), "{}", tables.len());
        let references = match test.name {
            "sqlite" => {
                "select count(*) from sqlite_master m join pragma_foreign_key_list(m.name) f where m.type = 'table'"
            }
            _ => {
                "select count(*) from information_schema.table_constraints
                 where constraint_type = 'FOREIGN KEY' and table_schema = current_schema()"
            }
        };
        let (count,): (i64,) = tx.fetch_one(references, args![]).await.unwrap();
        assert_eq!(count, 0, "{}", test.name);
    }
}
