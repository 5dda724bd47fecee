//! The whole way: out of a hub, into another one.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use protocol::{Chance, ManualClock};

use super::super::restore;
use super::*;
use crate::app::App;
use crate::db::migrate;
use crate::db::testing::{bare, databases};

/// Tables that a hub at work fills; a backup that misses one of them is not of a hub.
const AT_WORK: [&str; 24] = [
    "access_register",
    "areas",
    "case_clocks",
    "case_history",
    "case_numbers",
    "case_pauses",
    "case_requests",
    "case_tasks",
    "cases",
    "changes",
    "commands",
    "device_boots",
    "devices",
    "evidence",
    "grants",
    "history_heads",
    "history_roots",
    "incidents",
    "messages",
    "policies",
    "quarantine",
    "sessions",
    "units",
    "uploads",
];

/// Tables in which no invented row may lie, and which this hub at work leaves empty.
const LEFT_EMPTY: &[&str] = &[
    "audit",
    // Nobody has said where a box stands.
    "box_places",
    "cap_alerts",
    "category_groups",
    // A hub that was started writes its own there; this one was put together.
    "contact_keys",
    "duties",
    // Let go at the end of each pass.
    "engine_claims",
    // A cache: see below.
    "evaluation_facts",
    // Nobody hands a task to himself.
    "field_hands",
    "handovers",
    "import_drafts",
    "open311_keys",
    "outbox",
    "self_tests",
    "shelves",
];

/// Out of each database into each: every table, every file, every key; the history can be verified there by the same key,
/// and what was kept opens.
#[tokio::test]
async fn everything_comes_back() {
    for site in hubs().await {
        let backup = back_up(&site, true, None).await;
        let there = contents(&site.app.db).await;
        assert_eq!(listed(&backup.manifest), there, "{}", site.name);
        for table in AT_WORK {
            assert!(there[table].rows > 0, "{table} is empty");
        }
        let empty = there.iter().filter(|(_, content)| content.rows == 0).map(|(name, _)| name.as_str());
        let empty: Vec<&str> = empty.filter(|name| !LEFT_EMPTY.contains(name)).collect();
        assert!(empty.is_empty(), "nothing is in {empty:?}: put something there in `work`, or name them");
        let mode = std::fs::metadata(&backup.file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        for target in bare().await {
            let data = backup.folder.path().join(target.name);
            let restored =
                restore(&config(&data), &backup.file, target.url.as_deref(), None, START, &mut |_| {})
                    .await
                    .unwrap_or_else(|error| panic!("{} into {}: {error:#}", site.name, target.name));
            assert_eq!(restored, backup.manifest);
            assert_eq!(files(&data), files(&site.app.data_dir()));
            assert_eq!(files(&data)[&evidence_place(&site, &picture(1))], picture(1));
            assert!(!data.join("uploads").exists(), "half a file is begun anew by its box");
            let db = Db::connect(target.url.as_deref(), &data.join("hub.db")).await.unwrap();
            assert_eq!(contents(&db).await, there, "{} into {}", site.name, target.name);
            works(&site, db, &data).await;
        }
    }
}

/// A hub on what was restored: same keys, a whole history, and it goes on.
async fn works(site: &Site, db: Db, data: &Path) {
    let clock = Arc::new(ManualClock::at(START.plus_ms(DAY_MS)));
    let (app, _ends) = App::with_db(config(data), db, clock, Arc::new(Chance::seeded(2))).unwrap();
    assert_eq!(app.sealer.name(), site.app.sealer.name());
    assert_eq!(app.contact_key.key(), site.app.contact_key.key());
    assert!(app.sealer.last().is_some());
    let tenant = app.tenant().as_str();
    let found = case::seal::check(&app.db, tenant, &[app.sealer.name()], app.sealer.last()).await.unwrap();
    assert_eq!((found.wrong, found.cases, found.roots), (vec![], 4, 1), "{}", site.name);
    case::seal::make(&app.db, tenant, &app.sealer, START.plus_ms(DAY_MS)).await.unwrap();
    let found = case::seal::check(&app.db, tenant, &[app.sealer.name()], app.sealer.last()).await.unwrap();
    assert_eq!((found.wrong, found.roots), (vec![], 2));
}

/// Without evidence the database still names its files; sealed, nothing of it shows and only its passphrase opens it.
#[tokio::test]
async fn smaller_and_sealed() {
    for site in hubs().await {
        let backup = back_up(&site, false, Some("correct horse battery")).await;
        assert!(backup.manifest.files.keys().all(|path| !path.starts_with("evidence/")));
        assert!(backup.manifest.files.keys().any(|path| path == "pki/history.key"));
        let bytes = std::fs::read(&backup.file).unwrap();
        assert!(!bytes.windows(10).any(|part| part == b"begin.json"));
        let data = backup.folder.path().join("data");
        let bring = async |words: Option<&str>| {
            restore(&config(&data), &backup.file, None, words, START, &mut |_| {})
                .await
                .map_err(|e| format!("{e:#}"))
        };
        assert!(bring(None).await.unwrap_err().contains("--passphrase-file"));
        assert!(bring(Some("correct horse batterie")).await.unwrap_err().contains("another passphrase"));
        assert!(!data.exists(), "a wrong passphrase changes nothing");
        bring(Some("correct horse battery")).await.unwrap();
        let db = Db::connect(None, &data.join("hub.db")).await.unwrap();
        assert_eq!(contents(&db).await, contents(&site.app.db).await);
        assert!(!data.join("evidence").exists());
    }
}

/// What the hub makes again by itself is not carried: its table is there, without a row, and nothing else is missed.
#[tokio::test]
async fn caches_are_left_out() {
    for site in hubs().await {
        let before = contents(&site.app.db).await;
        let kept = "insert into evaluation_facts (tenant, case_id, form, history_hash, last_at_ms, gists)
                    values ('main', 'c', 1, 'h', 1, '[]')";
        site.app.db.execute(kept, args![]).await.unwrap();
        let backup = back_up(&site, false, None).await;
        assert_eq!(listed(&backup.manifest), before, "{}", site.name);
        assert_eq!(backup.manifest.tables["evaluation_facts"].content.rows, 0);
        let data = backup.folder.path().join("data");
        restore(&config(&data), &backup.file, None, None, START, &mut |_| {}).await.unwrap();
        let db = Db::connect(None, &data.join("hub.db")).await.unwrap();
        assert_eq!(contents(&db).await, before, "{}", site.name);
    }
}

/// What the disk has lost or spoilt is told, and does not keep the rest from being saved; what later versions lay into the
/// folder is saved too.
#[tokio::test]
async fn lost_and_spoilt_files_are_told() {
    for site in hubs().await {
        let data_dir = site.app.data_dir();
        let (lost, spoilt) = (evidence_place(&site, &picture(1)), evidence_place(&site, &picture(2)));
        std::fs::remove_file(data_dir.join(&lost)).unwrap();
        std::fs::write(data_dir.join(&spoilt), b"rot").unwrap();
        std::fs::create_dir(data_dir.join("basemap")).unwrap();
        std::fs::write(data_dir.join("basemap/a.pmtiles"), b"map").unwrap();
        let backup = back_up(&site, true, None).await;
        assert_eq!(backup.manifest.missing, [lost]);
        assert_eq!(backup.manifest.damaged, [spoilt]);
        let data = backup.folder.path().join("data");
        restore(&config(&data), &backup.file, None, None, START, &mut |_| {}).await.unwrap();
        assert_eq!(files(&data), files(&data_dir));
    }
}

/// The backup of an older hub is brought forward; nothing of it is lost on the way.
#[tokio::test]
async fn an_older_backup_is_brought_forward() {
    for (old, target) in bare().await.into_iter().zip(bare().await) {
        let mut tx = old.db.begin().await.unwrap();
        migrate::apply_in(&mut tx, Some("0017_grid"), 1).await.unwrap();
        tx.execute("insert into tenants (tenant, change_position) values ('main', 7)", args![])
            .await
            .unwrap();
        let device = "insert into devices (tenant, device_id, title, state, created_at_ms) values ('main', 'box', '北口', 'pending', 5)";
        tx.execute(device, args![]).await.unwrap();
        tx.commit().await.unwrap();
        let data_dir = old.folder.join("data");
        let tenant = "main".parse().unwrap();
        let source = Source { db: &old.db, data_dir: &data_dir, tenant: &tenant, evidence: true };
        let file = old.folder.join("old.backup");
        let made = take(&source, &file, None, (&Chance::seeded(1), START), &mut |_| {}).await.unwrap();
        assert!(made.start.schema.len() < migrate::known().len());
        let data = target.folder.join("restored");
        let mut told = Vec::new();
        let told_of = &mut |line: &str| told.push(line.to_owned());
        restore(&config(&data), &file, target.url.as_deref(), None, START, told_of).await.unwrap();
        assert!(told.iter().any(|line| line.contains("bringing it forward")), "{told:?}");
        let db = Db::connect(target.url.as_deref(), &data.join("hub.db")).await.unwrap();
        let mut tx = db.begin_read().await.unwrap();
        assert_eq!(migrate::ran(&mut tx).await.unwrap(), migrate::known(), "{}", old.name);
        let rows: Vec<(String, i64)> = tx
            .fetch_all(
                "select d.title, t.change_position from devices d join tenants t on t.tenant = d.tenant",
                args![],
            )
            .await
            .unwrap();
        assert_eq!(rows, [("北口".to_owned(), 7)]);
        drop(tx);
        migrate::apply(&db, 2).await.unwrap();
    }
}

/// Every table that the schema has is in a backup, whoever made it: asked of the database's own catalogue, another way
/// than the backup asks.
#[tokio::test]
async fn no_table_is_left_out() {
    for test in databases().await {
        let sql = match test.name {
            "sqlite" => {
                "select name from sqlite_master where type = 'table' and substr(name, 1, 7) <> 'sqlite_'"
            }
            _ => {
                "select cast(tablename as text) from pg_catalog.pg_tables where schemaname = current_schema()"
            }
        };
        let there: Vec<(String,)> = test.db.fetch_all(sql, args![]).await.unwrap();
        let mut there: Vec<String> = there.into_iter().map(|(name,)| name).collect();
        there.retain(|name| name != "schema_migrations");
        there.sort();
        let data_dir = test.folder.join("data");
        let tenant = "main".parse().unwrap();
        let source = Source { db: &test.db, data_dir: &data_dir, tenant: &tenant, evidence: true };
        let file = test.folder.join("b");
        let made = take(&source, &file, None, (&Chance::seeded(1), START), &mut |_| {}).await.unwrap();
        assert_eq!(made.tables.keys().cloned().collect::<Vec<_>>(), there, "{}", test.name);
    }
}
