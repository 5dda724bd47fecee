//! From SQLite to PostgreSQL and back.

use super::super::transfer::copy;
use super::super::{To, restore, transfer};
use super::*;
use crate::db::migrate;
use crate::db::testing::{bare, databases};

async fn hub_in_a_folder() -> (Backup, PathBuf) {
    let backup = back_up(&hubs().await.remove(0), true, None).await;
    let data = backup.folder.path().join("data");
    restore(&config(&data), &backup.file, None, None, START, &mut |_| {}).await.unwrap();
    (backup, data)
}

/// There and back again: each table has the same hash at each end, and what was moved from is as it was.
#[tokio::test]
async fn there_and_back() {
    let (backup, data) = hub_in_a_folder().await;
    let here = Db::connect(None, &data.join("hub.db")).await.unwrap();
    for target in bare().await {
        let moved = copy(&here, &target.db, START, &mut |_| {}).await.unwrap();
        assert_eq!(
            moved.into_iter().collect::<BTreeMap<_, _>>(),
            listed(&backup.manifest),
            "{}",
            target.name
        );
        assert_eq!(contents(&target.db).await, listed(&backup.manifest));
        for back in bare().await {
            copy(&target.db, &back.db, START, &mut |_| {}).await.unwrap();
            assert_eq!(
                contents(&back.db).await,
                listed(&backup.manifest),
                "{} to {}",
                target.name,
                back.name
            );
            let mut tx = back.db.begin_read().await.unwrap();
            assert_eq!(migrate::ran(&mut tx).await.unwrap(), migrate::known());
        }
    }
    assert_eq!(contents(&here).await, listed(&backup.manifest));
}

/// As it is typed: to a new file, which appears whole, and to a PostgreSQL, which a hub that is connected keeps from it.
#[tokio::test]
async fn as_it_is_typed() {
    let (backup, data) = hub_in_a_folder().await;
    let file = backup.folder.path().join("moved.db");
    let to = To::Sqlite(file.clone());
    let hold = super::super::folder::Hold::running(&data).unwrap();
    let error = transfer(&config(&data), &to, START, &mut |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("stop it first"), "{error}");
    drop(hold);
    // Left by a move that was interrupted.
    std::fs::write(backup.folder.path().join("moved.db.moving"), "half").unwrap();
    transfer(&config(&data), &to, START, &mut |_| {}).await.unwrap();
    let moved = Db::connect(None, &file).await.unwrap();
    assert_eq!(contents(&moved).await, listed(&backup.manifest));
    moved.close().await;
    let error = transfer(&config(&data), &to, START, &mut |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("is there already"), "{error}");
    for target in bare().await {
        let Some(url) = target.url.clone() else { continue };
        // No other test of this program opens a database as a hub.
        let hub = Db::open(Some(&url), &file, 1).await.unwrap();
        let to = To::Postgres(url.clone());
        let error = transfer(&config(&data), &to, START, &mut |_| {}).await.unwrap_err().to_string();
        assert!(error.contains("a hub is connected"), "{error}");
        hub.close().await;
        let mut waited = 0;
        while target.db.hubs_connected().await.unwrap() > 0 {
            waited += 1;
            assert!(waited < 100_000, "its sessions do not end");
            tokio::task::yield_now().await;
        }
        let error = transfer(&config(&data), &to, START, &mut |_| {}).await.unwrap_err().to_string();
        assert!(error.contains("to move to is not empty"), "{error}");
        for fresh in bare().await {
            let Some(url) = fresh.url.clone() else { continue };
            transfer(&config(&data), &To::Postgres(url.clone()), START, &mut |_| {}).await.unwrap();
            let mut moved = config(&data);
            moved.database.url = url;
            let back = backup.folder.path().join("back.db");
            transfer(&moved, &To::Sqlite(back.clone()), START, &mut |_| {}).await.unwrap();
            let back = Db::connect(None, &back).await.unwrap();
            assert_eq!(contents(&back).await, listed(&backup.manifest));
        }
    }
}

/// What cannot go over stops the whole move, is told with its row, and leaves the other database empty.
#[tokio::test]
async fn all_or_nothing() {
    let (_backup, data) = hub_in_a_folder().await;
    let here = Db::connect(None, &data.join("hub.db")).await.unwrap();
    here.execute("update cases set title_en = 'a' || char(0) || 'b' where number like '%-003'", args![])
        .await
        .unwrap();
    for target in bare().await {
        let moved = copy(&here, &target.db, START, &mut |_| {}).await;
        let there = target.db.begin_read().await.unwrap().tables().await.unwrap();
        if target.name == "sqlite" {
            moved.unwrap();
            assert!(!there.is_empty());
        } else {
            let error = format!("{:#}", moved.unwrap_err());
            assert!(
                error.contains("table cases, row case_id") && error.contains("title_en has a NUL"),
                "{error}"
            );
            assert!(there.is_empty());
        }
    }
    let nowhere = To::Sqlite(data.join("no/such/folder/hub.db"));
    assert!(transfer(&config(&data), &nowhere, START, &mut |_| {}).await.is_err());
    assert!(transfer(&config(&data.join("nothing")), &nowhere, START, &mut |_| {}).await.is_err());
}

/// Two databases that one hub made are the same to the last column, so that rows can go over at all.
#[tokio::test]
async fn both_have_the_same_tables() {
    let mut all = Vec::new();
    for test in databases().await {
        all.push(test.db.begin_read().await.unwrap().tables().await.unwrap());
    }
    for tables in &all[1..] {
        assert_eq!(tables, &all[0]);
    }
}
