//! Box, broker and hub are killed (SIGKILL) at points drawn from a printed seed while incidents of a camera and of
//! calls flow. Afterwards everything the box's outbox ever committed is in the hub, exactly once: no number of
//! (boot, sequence) is missing, none is there twice, every call is one incident and one case. Incidents that
//! were unfinished when the box died have ended; their snapshot and clip are in the hub or their loss is in the history.
//!
//! `SHAODIAN_KILL_ROUNDS` and `SHAODIAN_KILL_SEED` make long runs (`deploy/soak.sh`) and repeat a failed one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use protocol::{Chance, Clock, SystemClock};
use sqlx::{Connection, Row};
use world::call::Call;
use world::scene::{Scene, Spot, Stretch, Walker};
use world::wait::until;
use world::{BrokerKind, CameraPlan, DatabaseKind, World, drawn_clip};

/// Everything must have reached the hub this long after the last restart.
const SETTLE: Duration = Duration::from_secs(150);
/// A call rings until somebody answers: a box that is down is tried again.
const PLACE: Duration = Duration::from_secs(60);
/// Longest time between two kills.
const GAP_MS: u64 = 2_500;
/// Somebody walks through the zone every eight seconds; a camera that was cut off needs a few to come back.
const INTRUSION: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_on_embedded_broker_and_sqlite() {
    killing(BrokerKind::Embedded, DatabaseKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_on_mosquitto_and_postgresql() {
    killing(BrokerKind::Mosquitto, DatabaseKind::Postgres).await;
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

async fn killing(broker: BrokerKind, database: DatabaseKind) {
    let rounds = setting("SHAODIAN_KILL_ROUNDS", 6);
    let seed = setting("SHAODIAN_KILL_SEED", 20_260_318);
    println!("{broker:?} and {database:?}: {rounds} kills, SHAODIAN_KILL_SEED={seed}");
    let builder = World::builder().broker(broker).database(database).seed(seed).camera(passage());
    let mut world = builder.start().await.unwrap();
    let chance = Chance::seeded(seed);
    // The embedded broker dies with the hub.
    let candidates: &[&str] = match broker {
        BrokerKind::Embedded => &["edge", "hub"],
        BrokerKind::Mosquitto => &["edge", "hub", "broker"],
    };
    let mut before = Before::default();
    let mut completed = BTreeSet::new();
    let mut victims: BTreeMap<&str, u64> = BTreeMap::new();
    for round in 0..rounds {
        let victim = candidates[chance.below(candidates.len() as u64) as usize];
        *victims.entry(victim).or_default() += 1;
        let (after, down) = (chance.below(GAP_MS), chance.below(GAP_MS));
        // Calls run while the kill falls; those whose box died under them may end in either way.
        let calls = ring([world.call(), world.call()], seed ^ round);
        let (placed, struck) = tokio::join!(calls, strike(&mut world, victim, after, down, &mut before));
        struck.unwrap_or_else(|e| {
            panic!("round {round}, after killing the {victim}: {e:#}\n{}", world.tails())
        });
        let placed = placed.unwrap_or_else(|e| panic!("round {round}: {e:#}\n{}", world.tails()));
        if victim != "edge" {
            completed.extend(placed);
        }
    }
    // Nobody is seen any more: what is open ends by itself.
    world.cameras.stop("passage");
    let told = settled(&world, &before, &completed)
        .await
        .unwrap_or_else(|e| panic!("seed {seed}: {e:#}\n{}", world.tails()));
    for call in &completed {
        assert_eq!(told.calls.get(call), Some(&1), "seed {seed}: incidents of call {call}");
    }
    assert!(told.calls.values().all(|n| *n == 1), "seed {seed}: doubled incidents: {:?}", told.calls);
    assert_eq!(told.hotline_cases, told.calls.len() as u64, "seed {seed}: one case per call");
    println!(
        "kills {victims:?}; {} messages of {} boots, {} calls, {} intrusions: none lost, none doubled; {} were \
         unfinished when the box died: all ended, {} of them with snapshot and clip, {} with their loss explained",
        told.messages,
        told.boots,
        told.calls.len(),
        told.intrusions,
        before.open.len(),
        before.open.len() - told.explained,
        told.explained
    );
    assert!(told.intrusions > 0 && (!victims.contains_key("edge") || !before.open.is_empty()));
    // A kill in the very moment of the opening may cost the evidence; three in a row are no coincidence.
    let open = before.open.len();
    assert!(open < 3 || told.explained < open, "nothing was ever recovered");
    assert!(told.messages >= rounds, "only {} messages flowed", told.messages);
}

/// A narrow scene: one person after the other through the zone, from the left and from the right.
fn passage() -> CameraPlan {
    let walker = |name: &str, starts_s: f32, from: f32, to: f32| Walker {
        name: name.into(),
        starts_s,
        from: Spot { x: from, y: 500.0 },
        way: vec![Stretch { to: Spot { x: to, y: 500.0 }, pause_s: 0.0 }],
        stature: 1.0,
        pace: 1.2,
    };
    let cast = vec![walker("east", 1.0, 300.0, 980.0), walker("west", 9.0, 980.0, 300.0)];
    let scene = Scene { width: 640, height: 360, cast, ..Scene::empty(16, 11) };
    let folder = tempfile::tempdir().unwrap();
    let (clip, truth) = drawn_clip(&scene, folder.path()).unwrap();
    assert_eq!(truth.events.len(), 2, "both walk through the zone");
    CameraPlan { id: "passage".into(), place: "东巷".into(), clip, zone: truth.zone, masks: Vec::new() }
}

/// What dead boots of the box had committed; the next one forgets it once the hub holds it all.
#[derive(Default)]
struct Before {
    promises: Promises,
    /// Incidents of the camera that were open, or whose files were still being made, when the box was killed.
    open: BTreeSet<String>,
}

/// Kills after a while, leaves dead for a while, starts again. The box is killed while an incident is open.
async fn strike(
    world: &mut World,
    victim: &str,
    after_ms: u64,
    down_ms: u64,
    before: &mut Before,
) -> Result<()> {
    if victim == "edge" {
        let open = "an incident of the camera to be open";
        until(INTRUSION, open, async || Ok((!left(world, Left::Open).await?.is_empty()).then_some(())))
            .await?;
    }
    tokio::time::sleep(Duration::from_millis(after_ms)).await;
    match victim {
        "edge" => {
            world.kill_edge();
            before.promises.extend(promised(world).await?);
            before.open.extend(left(world, Left::Unfinished).await?);
        }
        "broker" => world.kill_broker(),
        _ => world.kill_hub(),
    }
    tokio::time::sleep(Duration::from_millis(down_ms)).await;
    match victim {
        "edge" => world.start_edge().await,
        "broker" => world.start_broker().await,
        _ => world.start_hub().await,
    }
}

/// Short calls, one after the other. A box that is down is called again, which is another call. Gives the ids of
/// those that went through to their end.
async fn ring(calls: [Call; 2], seed: u64) -> Result<Vec<String>> {
    let (chance, clock) = (Chance::seeded(seed), SystemClock::new());
    let tone: Vec<i16> = (0..6_400).map(|n| ((f64::from(n) * 0.31).sin() * 9_000.0) as i16).collect();
    let mut placed = Vec::new();
    for mut call in calls {
        call.speed = 2.0;
        until(PLACE, "the box to take a call", async || {
            call.call_id = chance.uuid_v7(clock.now());
            call.place(&tone, &tone, &chance, &clock).await.map(Some)
        })
        .await?;
        placed.push(call.call_id.to_string());
    }
    Ok(placed)
}

/// What the hub holds once the box has nothing left to send.
struct Told {
    messages: u64,
    boots: usize,
    calls: BTreeMap<String, u64>,
    hotline_cases: u64,
    intrusions: usize,
    /// Of the incidents that were open when the box died: those with a file lost, and said so.
    explained: usize,
}

/// Waits until the hub holds, for every boot of the box, every number the box ever gave, and the calls that went through to
/// their end (the box files them a moment later); then looks for doubles.
async fn settled(world: &World, before: &Before, completed: &BTreeSet<String>) -> Result<Told> {
    until(SETTLE, "every committed message in the hub", async || {
        let mut promised = promised(world).await?;
        promised.extend(before.promises.iter().map(|(boot, last)| (boot.clone(), *last)));
        let held = held(world).await?;
        for (boot, last) in &promised {
            let numbers = held.get(boot).cloned().unwrap_or_default();
            let missing: Vec<i64> = (1..=*last).filter(|n| !numbers.contains_key(n)).collect();
            anyhow::ensure!(missing.is_empty(), "boot {boot}: {missing:?} of 1..={last} are not in the hub");
        }
        let doubled: Vec<_> = held.values().flatten().filter(|(_, count)| **count != 1).collect();
        anyhow::ensure!(doubled.is_empty(), "stored more than once: {doubled:?}");
        let calls = query(
            world,
            "select call_id, count(*) from incidents where call_id is not null group by call_id",
        );
        let calls: BTreeMap<String, u64> =
            calls.await?.into_iter().map(|(call, n)| (call, n as u64)).collect();
        let unfiled: Vec<_> = completed.iter().filter(|call| !calls.contains_key(*call)).collect();
        anyhow::ensure!(unfiled.is_empty(), "calls over, and not in the hub: {unfiled:?}");
        let cases =
            query(world, "select kind, count(*) from cases where kind = 'hotline' group by kind").await?;
        let phases = query(
            world,
            "select incident_id || ' ' || phase, revision from incidents where kind = 'intrusion'",
        );
        let phases: BTreeMap<String, String> = phases
            .await?
            .iter()
            .filter_map(|(row, _)| row.split_once(' '))
            .map(|(id, phase)| (id.to_owned(), phase.to_owned()))
            .collect();
        let still: Vec<_> = phases.iter().filter(|(_, phase)| *phase != "ended").collect();
        anyhow::ensure!(still.is_empty(), "still open in the hub: {still:?}");
        let unknown: Vec<_> = before.open.iter().filter(|id| !phases.contains_key(*id)).collect();
        anyhow::ensure!(unknown.is_empty(), "open when the box died, unknown to the hub: {unknown:?}");
        let explained = explained(world, before).await?;
        Ok(Some(Told {
            intrusions: phases.len(),
            explained,
            messages: held.values().map(|numbers| numbers.len() as u64).sum(),
            boots: promised.len(),
            calls,
            hotline_cases: cases.first().map_or(0, |(_, n)| *n as u64),
        }))
    })
    .await
}

/// Of the incidents that were open when the box died, how many lack a file that the hub was told is lost. It is an
/// error when one lacks a file without a word, or the file has not come.
async fn explained(world: &World, before: &Before) -> Result<usize> {
    let here = "select l.owner_id || ' ' || l.kind, count(*) from evidence_links l join evidence e
                on e.tenant = l.tenant and e.sha256 = l.sha256 where l.owner = 'incident' group by l.owner_id, l.kind";
    let here: BTreeSet<String> = query(world, here).await?.into_iter().map(|(row, _)| row).collect();
    let losses = query(world, "select detail, position from case_history where action = 'lost'").await?;
    let mut explained = 0;
    for id in &before.open {
        let lacks: Vec<_> =
            ["snapshot", "clip"].into_iter().filter(|kind| !here.contains(&format!("{id} {kind}"))).collect();
        let told =
            |kind: &&str| losses.iter().any(|(detail, _)| detail.contains(id) && detail.contains(*kind));
        anyhow::ensure!(lacks.iter().all(told), "incident {id} lacks {lacks:?} without a word");
        explained += usize::from(!lacks.is_empty());
    }
    Ok(explained)
}

enum Left {
    /// Told as open and not yet as ended.
    Open,
    /// Open, or ended while files are still being made.
    Unfinished,
}

/// The camera's incidents in the box's own database.
async fn left(world: &World, what: Left) -> Result<BTreeSet<String>> {
    let sql = match what {
        Left::Open => {
            "select incident_id from open_incident where json_extract(incident, '$.kind') = 'intrusion'
             and json_extract(incident, '$.phase') <> 'ended'"
        }
        Left::Unfinished => {
            "select incident_id from open_incident where json_extract(incident, '$.kind') = 'intrusion'"
        }
    };
    let url = format!("sqlite://{}", world.edge_database().display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.context("the box's database")?;
    Ok(sqlx::query_scalar(sql).fetch_all(&mut connection).await?.into_iter().collect())
}

/// The last number each boot of the box gave to a message.
type Promises = BTreeMap<String, i64>;

/// From the box's own database.
async fn promised(world: &World) -> Result<Promises> {
    let url = format!("sqlite://{}", world.edge_database().display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.context("the box's database")?;
    let rows = sqlx::query("select boot, last_sequence from boot").fetch_all(&mut connection).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// How often each number of each boot is in the hub.
async fn held(world: &World) -> Result<BTreeMap<String, BTreeMap<i64, i64>>> {
    let mut out: BTreeMap<String, BTreeMap<i64, i64>> = BTreeMap::new();
    let sql = "select boot || ' ' || sequence, count(*) from messages group by boot, sequence";
    for (key, count) in query(world, sql).await? {
        let (boot, sequence) = key.split_once(' ').context("boot and sequence")?;
        out.entry(boot.to_owned()).or_default().insert(sequence.parse()?, count);
    }
    Ok(out)
}

/// Rows of a name and a number from the hub's database, whichever it is.
async fn query(world: &World, sql: &'static str) -> Result<Vec<(String, i64)>> {
    let url = world.hub_database();
    if url.starts_with("postgres") {
        let mut connection = sqlx::PgConnection::connect(&url).await.context("the hub's database")?;
        Ok(sqlx::query_as(sql).fetch_all(&mut connection).await?)
    } else {
        let mut connection = sqlx::SqliteConnection::connect(&url).await.context("the hub's database")?;
        Ok(sqlx::query_as(sql).fetch_all(&mut connection).await?)
    }
}
