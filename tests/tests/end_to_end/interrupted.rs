//! The box is killed (SIGKILL) while it hears two-leg calls, one of which has raised an alarm. Afterwards the sound up
//! to the last second before is on its disk, each call is closed as interrupted and transcribed, the alarm stands where
//! it stood, and the hub has each incident once. Who comes back with the same call is a further incident of its case.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use sqlx::Connection as _;
use tokio::task::JoinHandle;
use uuid::Uuid;
use world::line::Line;
use world::operator::Operator;
use world::rush::{kept, missing, talk};
use world::speech::{Dialogue, FIRE, RATE};
use world::wait::until;
use world::{BrokerKind, World};

/// Models are loaded, a call is transcribed, on a machine with two busy cores.
const WORDS: Duration = Duration::from_secs(120);
const CASE: Duration = Duration::from_secs(60);
/// What may be lost of a leg, in samples: one second.
const LAST_SECOND: usize = RATE as usize;

/// Both legs of a call; no sample is zero.
struct Sound([Vec<i16>; 2]);

impl Sound {
    /// A fire is told, then the two talk on.
    fn fire() -> Self {
        let told = Dialogue::synthesise(FIRE).unwrap();
        let Self([caller, operator]) = Self::calm(7);
        let with = |told: Vec<i16>, then: Vec<i16>| -> Vec<i16> {
            told.into_iter().map(|sample| sample | 1).chain(then).collect()
        };
        Self([with(told.caller, caller), with(told.operator, operator)])
    }

    fn calm(seed: u64) -> Self {
        let talk = talk::calls(1, 40, &protocol::Chance::seeded(seed)).unwrap().remove(0);
        Self([talk.caller, talk.operator])
    }
}

/// A call that is being sent, until the box is gone.
struct Ringing {
    id: Uuid,
    sound: Arc<Sound>,
    sent: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

async fn ring(world: &World, id: Uuid, sound: Sound) -> Ringing {
    let at = world.websocket().unwrap();
    // The box opens its ports a moment after it says that it is ready.
    let mut line =
        until(CASE, "the box to take a call", async || Line::open(&at, id).await.map(Some)).await.unwrap();
    let (sent, sound) = (line.sent(), Arc::new(sound));
    let played = Arc::clone(&sound);
    let task = tokio::spawn(async move {
        let [caller, operator] = &played.0;
        // The box is killed meanwhile, or hears it to the end.
        if line.play(caller, operator).await.is_ok() {
            line.hang_up().await.unwrap();
        }
    });
    Ringing { id, sound, sent, task }
}

/// Words are given from now on: the box says so in its log.
async fn listens(world: &World) {
    let log = world.logs().join("edge-agent.log");
    until(WORDS, "the box to give words while calls run", async || {
        Ok(std::fs::read_to_string(&log)?.contains("words are given while calls run").then_some(()))
    })
    .await
    .unwrap_or_else(|e| panic!("{e:#}\n{}", world.tails()));
}

/// The incidents of a call's one case, as the box sent them, by their age.
async fn incidents(person: &Operator, call: Uuid) -> anyhow::Result<Vec<Value>> {
    let id = call.to_string();
    let cases = person.cases().await?;
    let of_call: Vec<&Value> = cases.iter().filter(|case| case["call_id"] == id.as_str()).collect();
    let [case] = of_call[..] else { anyhow::bail!("{} cases of call {call}", of_call.len()) };
    let number = case["number"].as_str().unwrap_or_default();
    let case = person.api(&format!("/api/v1/cases/{number}")).await?;
    let mut all: Vec<Value> =
        case["incidents"].as_array().into_iter().flatten().map(|i| i["data"].clone()).collect();
    all.sort_by_key(|incident| incident["incident_id"].as_str().unwrap_or_default().to_owned());
    Ok(all)
}

fn has_fire(incident: &Value) -> bool {
    let alarms = incident["subject"]["reading"]["alarms"].as_array();
    alarms.into_iter().flatten().any(|alarm| alarm["id"] == "fire")
}

/// The incident that a fire has opened while its call runs.
async fn alarm(world: &World, person: &Operator, call: Uuid) -> Value {
    let early = until(CASE, "the alarm of a running call", async || {
        Ok(incidents(person, call).await?.into_iter().find(has_fire))
    })
    .await
    .unwrap_or_else(|e| panic!("{e:#}\n{}", world.tails()));
    assert!(early["phase"] != "ended" && early["severity"] == "emergency", "{early}");
    assert_ne!(early["subject"]["interrupted"], true, "the box lives");
    early
}

/// Waits until a call has as many incidents, all over and transcribed.
async fn over(world: &World, person: &Operator, call: Uuid, count: usize) -> Vec<Value> {
    until(WORDS, "a call to be closed and transcribed", async || {
        let all = incidents(person, call).await?;
        let done = |i: &Value| i["phase"] == "ended" && i["subject"]["transcript"]["state"] == "done";
        anyhow::ensure!(all.len() == count && all.iter().all(done), "not yet: {all:?}");
        Ok(Some(all))
    })
    .await
    .unwrap_or_else(|e| panic!("{e:#}\n{}", world.tails()))
}

/// Of both legs at most a second is missing of what had been sent.
fn assert_kept(sound: &Sound, sent: usize, sides: &[Vec<i16>; 2], what: &str) {
    for (leg, kept) in sound.0.iter().zip(sides) {
        let (lost, silence) = missing(&leg[..sent], kept);
        println!("{what}: {} of {sent} samples, {silence} of silence between", sent - lost);
        assert!(lost <= LAST_SECOND, "{what}: {lost} of {sent} samples are lost");
    }
}

/// The legs of a call as they lie on the disk of a dead box: the caller's, the operator's.
fn on_disk(data: &Path, call: Uuid) -> [Vec<i16>; 2] {
    let mut sides = [Vec::new(), Vec::new()];
    for entry in std::fs::read_dir(data.join("calls/open")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let state: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        if state["socket"] == call.to_string().as_str() {
            let bytes = std::fs::read(path.with_extension("pcm")).unwrap();
            let samples = bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]]));
            sides[usize::from(state["role"] == "operator")] = samples.collect();
        }
    }
    sides
}

/// Kills the box in the middle of these calls; how much of each had been sent by then.
fn cut<const N: usize>(world: &mut World, calls: [Ringing; N]) -> [(Ringing, usize); N] {
    let cut = calls.map(|call| {
        let sent = call.sent.load(Ordering::Acquire);
        assert!(!call.task.is_finished() && sent > 0, "the call runs");
        (call, sent)
    });
    world.kill_edge();
    for (call, sent) in &cut {
        assert_kept(&call.sound, *sent, &on_disk(&world.path("edge"), call.id), "on disk");
    }
    cut
}

async fn count(world: &World, sql: &'static str) -> i64 {
    let mut connection = sqlx::SqliteConnection::connect(&world.hub_database()).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

/// Nobody comes back: what was heard is filed as interrupted, with its words; the alarm's incident is the one it was.
/// Another start of the box tells nothing twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_box_did_not_survive_is_closed_as_interrupted() {
    let mut world = World::builder().broker(BrokerKind::Mosquitto).hears().start().await.unwrap();
    let person = world.operator().await.unwrap();
    listens(&world).await;
    let [fire, calm] =
        [(1_u128, Sound::fire()), (2, Sound::calm(3))].map(|(id, sound)| (Uuid::from_u128(id), sound));
    let (fire, calm) = tokio::join!(ring(&world, fire.0, fire.1), ring(&world, calm.0, calm.1));
    let early = alarm(&world, &person, fire.id).await;

    let cut = cut(&mut world, [fire, calm]);
    world.start_edge().await.unwrap();
    let mut closed = Vec::new();
    for (call, sent) in cut {
        let incident = over(&world, &person, call.id, 1).await.remove(0);
        let subject = &incident["subject"];
        assert_eq!(subject["interrupted"], true, "{incident}");
        assert!(!subject["transcript"]["segments"].as_array().unwrap().is_empty(), "{incident}");
        let (length_ms, sent_ms) =
            (subject["duration_ms"].as_u64().unwrap(), sent as u64 * 1_000 / u64::from(RATE));
        assert!(length_ms + 1_000 >= sent_ms, "{length_ms} of {sent_ms} ms");
        let kept = kept(&world.path("edge"), call.id).unwrap();
        let [(_, sides)] = &kept[..] else { panic!("one recording, not {}", kept.len()) };
        assert_kept(&call.sound, sent, sides, "recorded");
        if call.id == Uuid::from_u128(1) {
            assert_eq!(incident["incident_id"], early["incident_id"]);
            assert!(incident["revision"].as_u64() > early["revision"].as_u64(), "{incident}");
            assert!(has_fire(&incident) && incident["severity"] == "emergency", "{incident}");
        }
        call.task.await.unwrap();
        closed.push(incident);
    }

    world.kill_edge();
    world.start_edge().await.unwrap();
    // What this start had to tell of the others came before what comes last.
    let last = ring(&world, Uuid::from_u128(9), Sound([vec![900; 4_000], vec![900; 4_000]])).await;
    last.task.await.unwrap();
    until(CASE, "the last call's case", async || Ok(incidents(&person, last.id).await?.pop())).await.unwrap();
    for told in &closed {
        let call = told["subject"]["call_id"].as_str().unwrap().parse().unwrap();
        assert_eq!(incidents(&person, call).await.unwrap()[..], *std::slice::from_ref(told), "told once");
    }
    let calls = "select count(*) from incidents where call_id is not null";
    let cases = "select count(*) from cases where kind = 'hotline'";
    assert_eq!((count(&world, calls).await, count(&world, cases).await), (3, 3), "each call once");
}

/// The exchange dials again with the same call: what was heard before stays closed as interrupted with its alarm, what
/// follows is whole and an incident of its own, and both are one case.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_back_is_one_case() {
    let mut world = World::builder().broker(BrokerKind::Mosquitto).hears().start().await.unwrap();
    let person = world.operator().await.unwrap();
    listens(&world).await;
    let id = Uuid::from_u128(5);
    let fire = ring(&world, id, Sound::fire()).await;
    let early = alarm(&world, &person, id).await;
    let [(fire, sent)] = cut(&mut world, [fire]);
    world.start_edge().await.unwrap();

    let again = ring(&world, id, Sound::calm(5)).await;
    again.task.await.unwrap();
    let both = over(&world, &person, id, 2).await;
    let of = |interrupted: bool| -> &Value {
        let found: Vec<_> =
            both.iter().filter(|i| (i["subject"]["interrupted"] == true) == interrupted).collect();
        let [one] = found[..] else { panic!("interrupted {interrupted}: {}", found.len()) };
        one
    };
    assert_eq!(of(true)["incident_id"], early["incident_id"]);
    assert!(has_fire(of(true)) && of(true)["severity"] == "emergency", "{}", of(true));
    assert!(!has_fire(of(false)), "{}", of(false));

    let kept = kept(&world.path("edge"), id).unwrap();
    let [(_, before), (_, after)] = &kept[..] else { panic!("two recordings, not {}", kept.len()) };
    assert_kept(&fire.sound, sent, before, "before");
    for (leg, kept) in again.sound.0.iter().zip(after) {
        assert_eq!(missing(leg, kept).0, 0, "what came afterwards is whole");
    }
    let cases = "select count(*) from cases where kind = 'hotline'";
    assert_eq!(count(&world, cases).await, 1);
}
