//! What is carried arrives whole or not at all, on both databases and between them.

mod live;
mod moving;
mod whole;
mod wrong;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{Request, header};
use protocol::{EvidenceKind, Sha256Hex};
use sha2::{Digest as _, Sha256};
use sqlx::AssertSqlSafe;

use super::folder::EVIDENCE;
use super::take::CACHES;
use super::{Content, Manifest, Source, content, take};
use crate::config::Config;
use crate::db::table::Table;
use crate::db::{Db, Tx};
use crate::evidence::Announced;
use crate::organisation::AreaPath;
use crate::user::{Grant, Role};
use crate::web::tests::site::{DEVICE_TOKEN, START, Site, sites};
use crate::workflow::{self, Actor, Step, VoidReason};
use crate::{args, case, command, engine, organisation};

const DAY_MS: i64 = 86_400_000;

/// Hubs that have worked: cases on their way, files, people, boxes; something in every table.
async fn hubs() -> Vec<Site> {
    let mut all = Vec::new();
    for mut site in sites().await {
        work(&mut site).await;
        fill_the_rest(&site.app.db).await;
        all.push(site);
    }
    all
}

async fn work(site: &mut Site) {
    let (app, tenant) = (site.app.clone(), site.app.tenant().as_str().to_owned());
    let areas = "id,name,level,parent\nc,青梧县,county,\nt,青梧镇,town,c\neast,东关社区,community,t\n";
    organisation::testing::import_areas(&app.db, &tenant, areas.as_bytes(), false).await.unwrap();
    organisation::store::seed_units(&app.db, &tenant).await.unwrap();
    for (camera, name) in [("north", "北口"), ("south", "南口 \"B\"\\ 'x'\n\u{1F6A8}"), ("east", "é — Ω")]
    {
        site.raise_camera(camera, name).await;
    }
    site.raise_call("东关巷北口着火了").await;
    let browser = site.log_in("seat03").await;
    let list = site.get("/api/v1/cases", Some(&browser)).await.json();
    let numbers: Vec<String> = list["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["number"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(numbers.len(), 4);
    site.give_to(&numbers[1], "city_management").await;
    for step in [
        Step::Accept {},
        Step::AskSuspension { until: START.plus_ms(30 * DAY_MS), reason: "等配件".into() },
        Step::Decide { request: String::new(), grant: true, reason: "同意".into() },
    ] {
        walk(site, &numbers[1], step).await;
    }
    case::seal::make(&app.db, &tenant, &app.sealer, START).await.unwrap();
    walk(site, &numbers[1], Step::Resume { reason: "到货".into() }).await;
    walk(site, &numbers[2], Step::Void { reason: VoidReason::Unclear, note: "看不清".into() }).await;
    quarantine(site).await;
    for (content, part) in [(picture(1), 40_000), (picture(2), 40_000), (picture(3), 9_000)] {
        upload(site, &content, part).await;
    }
    let new = command::NewCommand {
        origin: site.origin(),
        body: protocol::CommandBody::Still { camera_id: "north".parse().unwrap() },
        purpose: "看看".into(),
        issued_by: "seat03".into(),
        case_number: None,
        life_ms: 60_000,
    };
    app.commands.create(new).await.unwrap();
    site.clock.advance_ms(300_000);
    engine::pass(&app, START.plus_ms(300_000)).await.unwrap();
}

async fn walk(site: &Site, number: &str, mut step: Step) {
    let (app, tenant) = (&site.app, site.app.tenant().as_str());
    let mut by = Actor::hub();
    if let Step::Decide { request, .. } = &mut step {
        let mut tx = app.db.begin_read().await.unwrap();
        let dossier = workflow::store::load(&mut tx, tenant, number).await.unwrap().unwrap();
        *request = dossier.requests.iter().find(|one| one.decision.is_none()).unwrap().id.clone();
        // Nobody decides on his own request.
        by = Actor::user(
            "chief",
            &[Grant { role: Role::Commander, area: AreaPath::everything(), unit: None }],
        );
    }
    let id = app.new_id();
    let taken = workflow::store::take(&app.db, tenant, number, &step, &by, app.step_with(&id)).await;
    taken.unwrap_or_else(|error| panic!("{step:?}: {error}"));
}

/// A message that nobody can read.
async fn quarantine(site: &Site) {
    let request = Request::post("/api/v1/incidents")
        .header(header::AUTHORIZATION, format!("Bearer {DEVICE_TOKEN}"))
        .body(Body::from("{\"id\":\"0195a1c2-0000-7000-8000-0000000000aa\"}"))
        .unwrap();
    assert_eq!(site.send(request).await.json()["outcome"], "quarantined");
}

/// Bytes that do not pack.
fn picture(n: u8) -> Vec<u8> {
    let mut hash = Sha256::digest([n]);
    let mut all = Vec::new();
    while all.len() < 40_000 {
        hash = Sha256::digest(hash);
        all.extend_from_slice(&hash);
    }
    all.truncate(40_000);
    all
}

fn named(content: &[u8]) -> Sha256Hex {
    hex::encode(Sha256::digest(content)).parse().unwrap()
}

/// Sends a file, or so much of one.
async fn upload(site: &Site, content: &[u8], part: usize) {
    let announced = Announced {
        sha256: named(content),
        kind: EvidenceKind::Snapshot,
        media_type: "image/jpeg".into(),
        size_bytes: content.len() as u64,
    };
    let (store, origin) = (&site.app.evidence, site.origin());
    let begun = store.begin(&origin, &announced).await.unwrap();
    let body = Body::from(content[..part].to_vec()).into_data_stream();
    let standing = store.fill(&origin, &begun.upload_id, 0, body).await.unwrap();
    assert_eq!(standing.offset_bytes, part as i64);
}

/// Puts a row into each table that nothing has filled, as far as its own constraints let anybody.
async fn fill_the_rest(db: &Db) {
    let tables = db.begin_read().await.unwrap().tables().await.unwrap();
    // What is in a cache is not carried.
    for table in tables.iter().filter(|table| !CACHES.contains(&table.name.as_str())) {
        let count = format!("select count(*) from \"{}\"", table.name);
        let (rows,): (i64,) =
            db.begin_read().await.unwrap().fetch_all(AssertSqlSafe(count), args![]).await.unwrap().remove(0);
        if rows > 0 {
            continue;
        }
        let mut tx = db.begin().await.unwrap();
        match invent(&mut tx, table).await {
            Ok(()) => tx.commit().await.unwrap(),
            Err(error) => println!("{} stays empty: {error:#}", table.name),
        }
    }
}

async fn invent(tx: &mut Tx, table: &Table) -> anyhow::Result<()> {
    use crate::db::table::{Kind, Value};
    let optional = optional_columns(tx, table).await;
    let cell = |column: &crate::db::table::Column| {
        let none = optional.contains(&column.name);
        match column.kind {
            Kind::Int => Value::Int((!none).then_some(1)),
            Kind::Real => Value::Real((!none).then_some(0.1)),
            Kind::Text => Value::Text((!none).then(|| "x\u{85}'\"\\".to_owned())),
            Kind::Bytes => Value::Bytes((!none).then(|| vec![0, 255])),
        }
    };
    let row = table.columns.iter().map(cell).collect();
    tx.add_rows(table, vec![row]).await
}

async fn optional_columns(tx: &mut Tx, table: &Table) -> Vec<String> {
    let sql = match tx.dialect() {
        crate::db::Dialect::Sqlite => {
            "select name from pragma_table_info($1) where \"notnull\" = 0 and pk = 0"
        }
        crate::db::Dialect::Postgres => {
            "select cast(column_name as text) from information_schema.columns
             where table_schema = current_schema() and table_name = $1 and is_nullable = 'YES'"
        }
    };
    let rows: Vec<(String,)> = tx.fetch_all(sql, args![&table.name]).await.unwrap();
    rows.into_iter().map(|(name,)| name).collect()
}

/// What every table of a database holds.
async fn contents(db: &Db) -> BTreeMap<String, Content> {
    let mut tx = db.begin_read().await.unwrap();
    let mut all = BTreeMap::new();
    for table in tx.tables().await.unwrap() {
        all.insert(table.name.clone(), content::of(&mut tx, &table).await.unwrap());
    }
    all
}

fn listed(manifest: &Manifest) -> BTreeMap<String, Content> {
    manifest.tables.iter().map(|(name, table)| (name.clone(), table.content.clone())).collect()
}

/// A backup of a hub in a folder of its own.
struct Backup {
    folder: tempfile::TempDir,
    file: PathBuf,
    manifest: Manifest,
}

async fn back_up(site: &Site, evidence: bool, passphrase: Option<&str>) -> Backup {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hub.backup");
    let data_dir = site.app.data_dir();
    let source = Source { db: &site.app.db, data_dir: &data_dir, tenant: site.app.tenant(), evidence };
    let manifest = take(&source, &file, passphrase, (&site.app.chance, START), &mut |_| {}).await.unwrap();
    Backup { folder, file, manifest }
}

fn config(data_dir: &Path) -> Config {
    let mut config = Config::default();
    config.hub.data_dir = data_dir.to_owned();
    config
}

/// Every file of a folder by its place, but for what a running hub has of its own.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut all, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                let own = name.starts_with("hub.db") || name == "hub.lock" || name == "pki/lock";
                if !own && !name.starts_with("uploads/") {
                    all.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
    }
    all
}

fn evidence_place(site: &Site, content: &[u8]) -> String {
    let hash = named(content);
    let (head, tail) = hash.as_str().split_at(2);
    format!("{EVIDENCE}/{}/{head}/{tail}", site.app.tenant())
}
