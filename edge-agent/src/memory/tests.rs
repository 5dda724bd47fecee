//! Observations of the last hour, kept and found again.

use protocol::{Chance, Label, NormBox};

use super::*;
use crate::frame::Detection;
use crate::observation::Seen;

fn camera(id: &str) -> CameraId {
    id.parse().unwrap()
}

fn at(ms: i64) -> Observation {
    let region = NormBox { x: 0.1, y: 0.2, w: 0.3, h: 0.4 };
    let detections = vec![Detection { label: Label::Person, score: 0.87, region }];
    Observation::of(UtcMs(ms), Seen::Objects { by: "test 1".into(), detections })
}

fn recall(memory: &Memory, id: &str, from: i64) -> Result<Vec<Observation>> {
    let mut seen = Vec::new();
    memory.recall(&camera(id), UtcMs(from), |observation| {
        seen.push(observation);
        ControlFlow::Continue(())
    })?;
    Ok(seen)
}

fn keep(memory: &Memory, id: &str, times: impl Iterator<Item = i64>) {
    for (n, time) in times.enumerate() {
        memory.keep(&camera(id), &at(time));
        // The queue is bounded; nothing here is meant to be left out.
        if n % 256 == 255 {
            recall(memory, id, i64::MAX).unwrap();
        }
    }
}

/// What was seen in the last hour comes back in order, of the camera asked for; older files are displaced, also
/// when the clock was set back meanwhile.
#[test]
fn an_hour_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::open(folder.path(), &[camera("gate")]).unwrap();
    keep(&memory, "gate", (0..7_200_000).step_by(5_000));
    keep(&memory, "yard", std::iter::once(5));
    let seen = recall(&memory, "gate", 0).unwrap();
    assert_eq!(seen.last().unwrap(), &at(7_195_000));
    assert!(seen.windows(2).all(|pair| pair[1].at.since_ms(pair[0].at) == 5_000));
    let reach = seen.last().unwrap().at.since_ms(seen[0].at);
    assert!((REACH_MS..REACH_MS + 2 * FILE_MS).contains(&reach), "{reach}");
    assert_eq!(recall(&memory, "gate", 7_190_000).unwrap().len(), 2);
    assert_eq!(recall(&memory, "yard", 0).unwrap().len(), 1);
    assert!(recall(&memory, "nowhere", 0).unwrap().is_empty());

    keep(&memory, "gate", (0..7_200_000).step_by(5_000));
    assert_eq!(files_of(&folder.path().join("observations/gate")).unwrap().len(), FILES);
    assert_eq!(memory.left_out(), 0);
}

/// A box that starts again goes on where it was, leaves out a line that was cut off, and forgets cameras that are
/// gone.
#[test]
fn a_restart_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::open(folder.path(), &[]).unwrap();
    keep(&memory, "gate", [1, 2].into_iter());
    keep(&memory, "gone", [1].into_iter());
    drop(memory);
    let page = folder.path().join("observations/gate/0000000000.jsonl.gz");
    let whole = fs::read(&page).unwrap();
    // The trailer, the marks of a flush, and the end of the last line.
    fs::write(&page, &whole[..whole.len() - 20]).unwrap();

    let memory = Memory::open(folder.path(), &[camera("gate")]).unwrap();
    keep(&memory, "gate", [3].into_iter());
    let times: Vec<i64> = recall(&memory, "gate", 0).unwrap().iter().map(|o| o.at.0).collect();
    assert_eq!(times, [1, 3]);

    // Of what a power cut left zeros in, what came before them is there.
    let zeros = [&whole[..whole.len() - 20], &[0; 4_096]].concat();
    fs::write(&page, zeros).unwrap();
    fs::write(page.with_file_name("0000000009.jsonl"), "{}\n").unwrap();
    let times: Vec<i64> = recall(&memory, "gate", 0).unwrap().iter().map(|o| o.at.0).collect();
    assert_eq!(times, [1, 3]);
    assert!(!folder.path().join("observations/gone").exists());
}

/// A crowd that fills a file before its minute is over begins the next one: the disk's share stays bounded.
#[test]
fn a_crowd_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::open(folder.path(), &[camera("square")]).unwrap();
    // Boxes as a detector gives them, all different: sizes on the disk are those of a real crowd.
    let chance = Chance::seeded(7);
    let share = || chance.below(1 << 24) as f32 / (1 << 24) as f32;
    let person = || {
        let region = NormBox { x: share(), y: share(), w: share(), h: share() };
        Detection { label: Label::Person, score: 0.5, region }
    };
    for n in 0..80 {
        let detections = (0..6_000).map(|_| person()).collect();
        let seen = Seen::Objects { by: "test 1".into(), detections };
        memory.keep(&camera("square"), &Observation::of(UtcMs(n * 200), seen));
    }
    assert_eq!(recall(&memory, "square", 0).unwrap().len(), 80);
    let files = files_of(&folder.path().join("observations/square")).unwrap();
    assert!(files.len() > 2);
    assert!(files.iter().all(|(_, path)| fs::metadata(path).unwrap().len() < FILE_BYTES * 2));
}

/// Where nothing can be written the analysis goes on, and what is missing is counted.
#[test]
fn a_disk_that_refuses_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::open(folder.path(), &[camera("gate")]).unwrap();
    fs::write(folder.path().join("observations/gate"), "a file where a folder belongs").unwrap();
    keep(&memory, "gate", (0..10).map(|n| n * 200));
    assert!(recall(&memory, "gate", 0).is_err());
    assert_eq!(memory.left_out(), 10);
}

/// A disk that takes lines again gets them, a minute after it refused.
#[test]
fn a_disk_that_recovers_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::open(folder.path(), &[camera("gate")]).unwrap();
    let place = folder.path().join("observations/gate");
    fs::write(&place, "a file where a folder belongs").unwrap();
    keep(&memory, "gate", std::iter::once(0));
    assert!(recall(&memory, "gate", 0).is_err());
    fs::remove_file(&place).unwrap();
    keep(&memory, "gate", (1_000..90_000).step_by(1_000));
    let seen = recall(&memory, "gate", 0).unwrap();
    assert_eq!((seen.len(), seen[0].at, memory.left_out()), (30, UtcMs(FILE_MS), 60));
}
