//! A box with cameras is killed (SIGKILL) at points drawn from a printed seed, on a small disk that is full now and then.
//! Afterwards every incident that it ever committed has ended, and has its snapshot and its clip whole on the disk, or a
//! row for the hub that says why not. Nothing else is left: no spool, no incident open.
//!
//! It takes real programs and real clips, so each kill costs seconds. `SHAODIAN_POWER_ROUNDS` (kills),
//! `SHAODIAN_POWER_INCIDENTS` (and as many more kills as so many incidents need) and `SHAODIAN_POWER_SEED` make long runs
//! (`deploy/soak.sh`) and repeat a failed one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::common;
use edge_agent::outbox::{Outbox, OutboxConfig};
use protocol::{Chance, Clock, Envelope, Event, Incident, Phase, SystemClock};
use sha2::{Digest as _, Sha256};

use crate::small_disk::SmallDisk;

const DISK_MIB: u32 = 160;
const CAMERAS: usize = 3;
/// Of each camera: each gives an incident of its own.
const RULES: usize = 6;
/// What was left unfinished is finished so long after the last start.
const SETTLE: Duration = Duration::from_secs(240);

struct Agent(Child);

impl Agent {
    fn start(config: &Path, log: &Path) -> Self {
        let log = fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_edge-agent"));
        command.arg("--config").arg(config).arg("run").env_remove("SHAODIAN_DATA").stdin(Stdio::null());
        let agent = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Self(agent)
    }
}

/// SIGKILL, also of what a failed test leaves.
impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// Cameras whose picture moves all the time, one of them masked, with clips that are soon over.
fn config(disk: &Path, cameras: usize) -> String {
    let data = disk.join("data");
    let mut text = format!(
        "[agent]\ndata_dir = {data:?}\n[detector]\nenabled = false\n[health]\nlisten = \"127.0.0.1:{}\"\n\
         [outbox]\ndisk_reserve_bytes = 4194304\n",
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    );
    for n in 0..cameras {
        let masks =
            if n == 0 { "[[camera.masks]]\npolygon = [[0.0, 0.0], [0.1, 0.0], [0.1, 0.1]]" } else { "" };
        text += &format!(
            "[[camera]]\nid = \"c{n}\"\nurl = \"test://ball\"\npre_roll_s = 5\npost_roll_s = 1\nclip_max_s = 1\n{masks}\n"
        );
        for rule in 0..RULES {
            text += &format!(
                "[[camera.rules]]\nid = \"r{rule}\"\nkind = \"intrusion\"\ncooldown_s = 1\nlabels = [\"person\"]\n"
            );
        }
    }
    text
}

/// Everything the box has committed: newest revision and losses of each incident.
async fn committed(data: &Path) -> (BTreeMap<String, (Incident, Vec<String>)>, usize) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let voice = common::voice(clock, Arc::new(Chance::seeded(1)));
    let (outbox, _) = Outbox::open(data, OutboxConfig::default(), voice).await.unwrap();
    let mut told: BTreeMap<String, (Incident, Vec<String>)> = BTreeMap::new();
    let mut losses: Vec<(String, String)> = Vec::new();
    let mut place = None;
    loop {
        let head = outbox.head(place, 500).await.unwrap();
        let Some((last, _)) = head.last() else { break };
        place = Some(*last);
        for (_, id) in head {
            let bytes = outbox.envelope(id).await.unwrap().unwrap();
            match Envelope::decode(&bytes, &common::origin()).unwrap().event {
                Event::Incident(incident) => {
                    let id = incident.incident_id.to_string();
                    let known = told.entry(id).or_insert_with(|| (incident.clone(), Vec::new()));
                    if known.0.revision < incident.revision {
                        known.0 = incident;
                    }
                }
                Event::Tombstone(loss) => {
                    losses.extend(loss.incident_id.map(|id| (id.to_string(), loss.reason)));
                }
                Event::Answer(_) => {}
            }
        }
    }
    for (id, reason) in losses {
        told.get_mut(&id).unwrap_or_else(|| panic!("a loss of no incident: {reason}")).1.push(reason);
    }
    let left = outbox.end_left_open().await.unwrap().len();
    outbox.close().await;
    (told, left)
}

fn whole(folder: &Path, evidence: &protocol::Evidence) -> bool {
    let extension = if evidence.media_type == "video/mp4" { "mp4" } else { "jpg" };
    let path: PathBuf = folder.join(format!("{}.{extension}", evidence.sha256));
    fs::read(path).is_ok_and(|bytes| hex::encode(Sha256::digest(bytes)) == evidence.sha256.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_incident_has_its_evidence_or_the_reason() {
    let Some(disk) = SmallDisk::mount(DISK_MIB) else { return };
    let rounds = setting("SHAODIAN_POWER_ROUNDS", 4);
    let wanted = setting("SHAODIAN_POWER_INCIDENTS", 1) as usize;
    let seed = setting("SHAODIAN_POWER_SEED", 20_261_128);
    println!("{rounds} kills or more of a box with {CAMERAS} cameras, SHAODIAN_POWER_SEED={seed}");
    let chance = Chance::seeded(seed);
    let place = tempfile::tempdir().unwrap();
    let (file, log) = (place.path().join("edge.toml"), place.path().join("log"));
    let data = disk.path().join("data");
    let mut filled = 0;
    let (mut incidents, mut explained) = (0, 0);
    let mut round = 0;
    while round < rounds || incidents < wanted {
        round += 1;
        fs::write(&file, config(disk.path(), CAMERAS)).unwrap();
        disk.empty();
        let agent = Agent::start(&file, &log);
        let life = Duration::from_millis(1_500 + chance.below(6_500));
        let full_at = (chance.below(2) == 0).then(|| life.mul_f64(chance.below(100) as f64 / 100.0));
        if let Some(full_at) = full_at {
            filled += 1;
            std::thread::sleep(full_at);
            disk.fill_but(chance.below(3) << 20);
            std::thread::sleep(life.saturating_sub(full_at));
        } else {
            std::thread::sleep(life);
        }
        drop(agent);
        // A long run looks now and then, so that neither messages nor files fill the disk for good.
        if round == rounds || round % 8 == 0 {
            disk.empty();
            let (all, lost) = settle(&file, &log, disk.path()).await.unwrap_or_else(|why| {
                let log = fs::read_to_string(&log).unwrap_or_default();
                let tail: Vec<_> = log.lines().rev().take(60).collect();
                panic!(
                    "seed {seed}, round {round}: {why}\n{}",
                    tail.into_iter().rev().collect::<Vec<_>>().join("\n")
                )
            });
            assert!(all > 0, "seed {seed}, round {round}: a box that lived for seconds has told of nothing");
            (incidents, explained) = (incidents + all, explained + lost);
            fs::remove_dir_all(&data).unwrap();
        }
    }
    println!(
        "kills {round}, {filled} times the disk was filled; {incidents} incidents: all ended, {} with snapshot and clip, \
         {explained} with what is missing explained",
        incidents - explained
    );
    assert!(explained < incidents, "{explained} of {incidents} explained");
}

/// Starts the box without cameras until nothing is left to be finished; then looks. Gives the number of incidents, and
/// of those that lack a file and say why.
async fn settle(file: &Path, log: &Path, disk: &Path) -> Result<(usize, usize), String> {
    let data = disk.join("data");
    fs::write(file, config(disk, 0)).unwrap();
    let spools = || fs::read_dir(data.join("evidence/spool")).map_or(0, Iterator::count);
    let agent = Agent::start(file, log);
    let clock = SystemClock::new();
    let begin_ms = clock.uptime_ms();
    std::thread::sleep(Duration::from_millis(700));
    while spools() > 0 {
        if u128::from(clock.uptime_ms() - begin_ms) > SETTLE.as_millis() {
            return Err(format!("{} spools are left after {SETTLE:?}", spools()));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_millis(300));
    drop(agent);
    let (told, left) = committed(&data).await;
    if left > 0 {
        return Err(format!("{left} incidents are still open"));
    }
    let mut explained = 0;
    for (id, (incident, losses)) in &told {
        if incident.phase != Phase::Ended {
            return Err(format!("{id} has not ended"));
        }
        let has = |kind: &str| {
            let mut files = incident.evidence.iter().filter(|e| e.kind.as_str() == kind);
            files.any(|e| whole(&data.join("evidence"), e))
        };
        let lacks: Vec<_> = ["snapshot", "clip"].into_iter().filter(|kind| !has(kind)).collect();
        if let Some(kind) = lacks.iter().find(|kind| !losses.iter().any(|why| why.contains(**kind))) {
            return Err(format!("{id} has no {kind}, without a word: {incident:?} {losses:?}"));
        }
        explained += usize::from(!lacks.is_empty());
    }
    Ok((told.len(), explained))
}
