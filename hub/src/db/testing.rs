//! A database per test, on each engine that can be had: SQLite in a temporary file always; PostgreSQL as a fresh
//! schema of `SHAODIAN_TEST_POSTGRES` when that is set. Every store test loops over [`databases`].

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{AssertSqlSafe, Connection};

use super::Db;

/// One engine under test. Dropping it removes the SQLite folder; PostgreSQL schemas go with their cluster.
#[derive(Debug)]
pub struct TestDb {
    pub name: &'static str,
    pub db: Db,
    /// Where it is, on PostgreSQL.
    pub url: Option<String>,
    /// A folder of its own for the test's files.
    pub folder: PathBuf,
    _owned: Folder,
}

#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // Where it is a disk of its own; elsewhere this does nothing.
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

static SERIAL: AtomicU64 = AtomicU64::new(0);

/// A fresh, migrated database on every engine there is.
pub async fn databases() -> Vec<TestDb> {
    let all = bare().await;
    for test in &all {
        super::migrate::apply(&test.db, 1).await.expect("a test database takes its tables");
    }
    all
}

/// The same without any table.
pub async fn bare() -> Vec<TestDb> {
    let mut all = vec![open("sqlite", None).await];
    match std::env::var("SHAODIAN_TEST_POSTGRES") {
        Ok(url) => all.push(open("postgres", Some(fresh_schema(&url).await)).await),
        Err(_) => eprintln!("skipped: PostgreSQL, SHAODIAN_TEST_POSTGRES is not set"),
    }
    all
}

/// SQLite on a disk of its own of this size; `None`, with the reason printed, where mounting is not allowed.
pub async fn small_disk(size_mib: u32) -> Option<TestDb> {
    let folder = fresh_folder();
    let size = format!("size={size_mib}m");
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", &size, "shaodian-test"]).arg(&folder.0).output();
    if !mounted.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no small file system can be mounted here ({mounted:?})");
        return None;
    }
    let test = open_in(folder, "sqlite", None).await;
    super::migrate::apply(&test.db, 1).await.expect("a test database takes its tables");
    Some(test)
}

async fn open(name: &'static str, url: Option<String>) -> TestDb {
    open_in(fresh_folder(), name, url).await
}

fn fresh_folder() -> Folder {
    let serial = SERIAL.fetch_add(1, Ordering::SeqCst);
    let folder = std::env::temp_dir().join(format!("shaodian-test-{}-{serial}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
    Folder(folder)
}

async fn open_in(owned: Folder, name: &'static str, url: Option<String>) -> TestDb {
    let folder = owned.0.clone();
    let db = Db::connect(url.as_deref(), &folder.join("hub.db")).await.expect("a test database opens");
    TestDb { name, db, url, folder, _owned: owned }
}

async fn fresh_schema(url: &str) -> String {
    let schema = format!("t{}_{}", std::process::id(), SERIAL.fetch_add(1, Ordering::SeqCst));
    let mut connection = sqlx::PgConnection::connect(url).await.expect("SHAODIAN_TEST_POSTGRES answers");
    sqlx::raw_sql(AssertSqlSafe(format!("drop schema if exists {schema} cascade; create schema {schema}")))
        .execute(&mut connection)
        .await
        .expect("the test user may create schemas");
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}options=-c%20search_path%3D{schema}")
}
