use std::os::unix::fs::symlink;

use bytes::Bytes;
use protocol::{Chance, NormBox};

use super::super::people::Spot;
use super::super::spool;
use super::*;
use crate::camera::{Codec, Format, Ring};

fn unit(at_ms: i64) -> Unit {
    let mut caps = Codec::H264.ring_caps();
    let fields = caps.make_mut();
    fields.set("width", 160);
    fields.set("height", 90);
    fields.set("codec_data", gstreamer::Buffer::from_slice([1_u8, 2]));
    let format = Arc::new(Format::from_caps(&caps).unwrap());
    let data = Bytes::from(vec![1; 100]);
    Unit { captured_us: at_ms * 1_000, keyframe: at_ms % 1_000 == 0, after_gap: false, data, format }
}

/// A disk that says it is full as long as what is written goes to `/dev/full`.
fn full_while_refused(folder: &Path) -> Option<u64> {
    let refused = fs::read_dir(folder).ok()?.flatten().any(|e| e.file_type().is_ok_and(|t| t.is_symlink()));
    Some(if refused { 0 } else { u64::MAX })
}

fn plan() -> Plan {
    Plan {
        started_at: UtcMs(1_000),
        from: UtcMs(1_000),
        until: UtcMs(9_000),
        frame_at: UtcMs(1_000),
        drawn: None,
        masks: vec![],
        blur_people: true,
    }
}

/// While the disk is full, clips wait in memory only up to their bound; one beyond it ends at once, with a reason,
/// and those that wait are written when there is room.
#[tokio::test]
async fn only_so_many_wait_for_a_full_disk() {
    crate::camera::init().unwrap();
    let (folder, chance) = (tempfile::tempdir().unwrap(), Chance::seeded(1));
    let spools = Spools::open(folder.path()).unwrap().on(full_while_refused);
    let spools = Arc::new(Spools { waiting: Arc::new(Semaphore::new(3)), ..spools });
    let wall = folder.path().join(SPOOL_FOLDER).join("full");
    symlink("/dev/full", &wall).unwrap();
    let mut waiting = Vec::new();
    for number in 0..5 {
        let incident = IncidentId::new(&chance, UtcMs(number));
        symlink("/dev/full", spools.path(incident)).unwrap();
        let ring = Ring::new(60, usize::MAX);
        let hold = ring.hold(UtcMs(0)).unwrap();
        (1_000..3_000).step_by(200).for_each(|at| ring.push(unit(at)));
        let spooling = Spooling::begin(spools.clone(), incident, plan(), None).await;
        fs::remove_file(spools.path(incident)).unwrap();
        waiting.push(tokio::spawn(spooling.complete(hold, Duration::from_millis(20))));
    }
    // Each holds one KiB of its place.
    let mut lost = 0;
    while lost < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        lost = waiting.iter().filter(|clip| clip.is_finished()).count();
    }
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(waiting.iter().filter(|clip| clip.is_finished()).count(), 2, "three wait");
    assert_eq!(
        fs::read_dir(folder.path().join(SPOOL_FOLDER)).unwrap().count(),
        1,
        "nothing is written meanwhile"
    );
    fs::remove_file(wall).unwrap();
    let mut told = Vec::new();
    for clip in waiting {
        told.push(clip.await.unwrap().map_err(|error| error.to_string()));
    }
    assert_eq!(told.iter().filter(|clip| clip.is_ok()).count(), 3, "{told:?}");
    assert!(
        told.iter().filter_map(|clip| clip.as_ref().err()).all(|why| why.contains("wait for it")),
        "{told:?}"
    );
}

/// A disk that refuses what a clip gathers, from the start or in the middle, once or for long, gets all of it when it
/// takes it again: with where people were, though nobody else knows that any more. One that refuses for other reasons
/// than want of room is given up.
#[tokio::test]
async fn what_was_refused_is_written_anew() {
    crate::camera::init().unwrap();
    let again = Duration::from_millis(80);
    for (refusals, full) in [(1, true), (8, true), (1, false), (8, false)] {
        let (folder, chance) = (tempfile::tempdir().unwrap(), Chance::seeded(1));
        let incident = IncidentId::new(&chance, UtcMs(0));
        let spools =
            Spools::open(folder.path()).unwrap().on(if full { full_while_refused } else { |_| None });
        let (spools, people, ring) =
            (Arc::new(spools), Arc::new(People::default()), Ring::new(60, usize::MAX));
        let path = spools.path(incident);
        symlink("/dev/full", &path).unwrap();
        let hold = ring.hold(UtcMs(0)).unwrap();
        let mut spooling = Spooling::begin(spools, incident, plan(), Some(people.clone())).await;
        let region = NormBox { x: 0.1, y: 0.1, w: 0.1, h: 0.1 };
        for at in (1_000..3_000).step_by(200) {
            ring.push(unit(at));
            people.saw(Sight { at: UtcMs(at), people: vec![Spot { track: 1, region }] });
            spooling.catch_up(&hold).await;
        }
        let repaired = tokio::spawn(async move {
            tokio::time::sleep(again / 2 + again * (refusals - 1)).await;
            let _ = fs::remove_file(path);
            // The analysis went on long ago.
            people.saw(Sight { at: UtcMs(900_000), people: vec![] });
        });
        let done = spooling.complete(hold, again).await;
        assert_eq!(done.is_ok(), full || refusals < 3, "{refusals} refusals, {full}: {done:?}");
        repaired.await.unwrap();
        if done.is_ok() {
            let path = folder.path().join(SPOOL_FOLDER).join(format!("{incident}.spool"));
            let (_, gathered) = spool::read::<Plan>(&path).unwrap();
            assert_eq!((gathered.units.len(), gathered.sights.len()), (10, 10), "{refusals}, {full}");
        }
    }
}

/// Attempts are counted over restarts, apart for each incident and kind, and go with their spool.
#[test]
fn attempts_are_counted_on_disk() {
    let (folder, chance) = (tempfile::tempdir().unwrap(), Chance::seeded(1));
    let [one, other] = [(); 2].map(|()| IncidentId::new(&chance, UtcMs(0)));
    let count = |incident, wanted: &Wanted| {
        let spools = Spools::open(folder.path()).unwrap();
        spools.count_attempt(incident, wanted).unwrap()
    };
    assert_eq!([(); 3].map(|()| count(one, &Wanted::Clip)), [1, 2, 3]);
    assert_eq!((count(one, &Wanted::Snapshot), count(other, &Wanted::Clip)), (1, 1));
    let spools = Spools::open(folder.path()).unwrap();
    spools.forget(one);
    assert_eq!((count(one, &Wanted::Clip), count(other, &Wanted::Clip)), (1, 2));
    spools.forget_all_but(&[other]);
    assert_eq!((count(one, &Wanted::Clip), count(other, &Wanted::Clip)), (1, 3));
}
