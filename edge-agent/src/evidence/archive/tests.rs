use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::camera::{Codec, Format};

fn camera() -> CameraId {
    "gate".parse().unwrap()
}

/// Five pictures a second with a keyframe each second, from second `from` to `to`.
fn units(from: i64, to: i64) -> Vec<Unit> {
    crate::camera::init().unwrap();
    let mut caps = Codec::H264.ring_caps();
    let fields = caps.make_mut();
    fields.set("width", 160);
    fields.set("height", 90);
    fields.set("codec_data", gstreamer::Buffer::from_slice([1_u8, 2]));
    let format = Arc::new(Format::from_caps(&caps).unwrap());
    let unit = |at: i64| Unit {
        captured_us: at * 1_000,
        keyframe: at % 1_000 == 0,
        after_gap: false,
        data: Bytes::from(vec![at as u8; 50]),
        format: format.clone(),
    };
    (from * 1_000..to * 1_000).step_by(200).map(unit).collect()
}

fn writer(folder: &Path, name: &str) -> Writer {
    Writer::new(folder, name.parse().unwrap(), Covering::default())
}

fn times(gathered: &Gathered) -> (i64, i64, usize) {
    let at = |unit: Option<&Unit>| unit.unwrap().captured_at().0;
    (at(gathered.units.first()), at(gathered.units.last()), gathered.units.len())
}

/// Ten minutes become ten segments; any stretch is found again whole from its keyframe on, also after a restart
/// and over the edge of segments, and what was never there is not found.
#[test]
fn a_stretch_is_found_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = writer(folder.path(), "gate");
    for second in 0..600 {
        writer.note(&[Sight { at: UtcMs(second * 1_000 + 100), people: vec![] }]);
        writer.take(units(second, second + 1)).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(segments(folder.path()).len(), 10);
    let read = |from: i64, to: i64| read(folder.path(), &camera(), UtcMs(from), UtcMs(to)).gathered;
    let found = read(58_300, 61_500);
    assert_eq!(times(&found), (58_000, 61_400, 18));
    assert!(found.sights.windows(2).all(|pair| pair[0].at < pair[1].at) && !found.sights.is_empty());
    assert_eq!(times(&read(-5_000, 900)), (0, 800, 5));
    assert_eq!(times(&read(599_500, 900_000)), (599_000, 599_800, 5));
    assert!(read(700_000, 800_000).units.is_empty());
    assert!(read(-9_000, -8_000).units.is_empty());
    let other = super::read(folder.path(), &"roof".parse().unwrap(), UtcMs(0), UtcMs(9_000));
    assert!(other.gathered.units.is_empty());
}

/// Where people were is known a second after the picture, and is found with it wherever a segment ends or begins,
/// from the very first picture on, also after a pause for want of room.
#[test]
fn sights_are_found_with_their_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = writer(folder.path(), "gate");
    let sights = |from: i64, to: i64| -> Vec<Sight> {
        let sight = |at| Sight { at: UtcMs(at), people: vec![] };
        (from * 1_000..to * 1_000).step_by(200).map(sight).collect()
    };
    for second in 0..150 {
        writer.note(&sights(second - 1, second));
        if second == 80 {
            writer.give_up();
        } else {
            writer.take(units(second, second + 1)).unwrap();
        }
    }
    writer.finish().unwrap();
    assert_eq!(segments(folder.path()).len(), 4);
    for from in (0..140).filter(|second| !(74..82).contains(second)) {
        let (first, last) = (from * 1_000, from * 1_000 + 5_000);
        let found = read(folder.path(), &camera(), UtcMs(first), UtcMs(last)).gathered;
        for unit in &found.units {
            let at = unit.captured_at();
            assert!(found.sights.iter().any(|sight| sight.at == at), "{at:?} of the stretch from {from} s");
        }
        let twice = found.sights.windows(2).any(|pair| pair[0].at == pair[1].at);
        assert!(found.units.len() >= 25 && !twice, "{from}");
    }
}

/// After a pause for want of room it goes on with a keyframe, which tells that something is missing before it.
#[test]
fn a_pause_ends_with_a_keyframe() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = writer(folder.path(), "gate");
    let all = units(0, 10);
    writer.take(all[..13].to_vec()).unwrap();
    writer.give_up();
    writer.take(all[18..].to_vec()).unwrap();
    writer.finish().unwrap();
    let found = read(folder.path(), &camera(), UtcMs(0), UtcMs(10_000)).gathered.units;
    let told = |unit: &Unit| (unit.captured_at().0, unit.keyframe, unit.after_gap);
    assert_eq!(told(&found[9]), (1_800, false, false));
    assert_eq!(told(&found[10]), (4_000, true, true));
    assert_eq!(found.iter().filter(|unit| unit.after_gap).count(), 1);
}

/// What was to be hidden when a stretch was filmed is known whatever is configured later, for each segment that
/// holds of it; a segment of an earlier version says nothing.
#[test]
fn segments_remember_what_was_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let mask = |x: f32| -> Polygon { vec![[x, 0.0], [x + 0.1, 0.0], [x, 0.5]] };
    let then = [
        Covering { masks: vec![mask(0.1)], blur_people: false },
        Covering { masks: vec![mask(0.1), mask(0.6)], blur_people: true },
        Covering::default(),
    ];
    for (number, covering) in then.iter().enumerate() {
        let mut writer = Writer::new(folder.path(), camera(), covering.clone());
        let from = number as i64 * 100;
        writer.take(units(from, from + 30)).unwrap();
        writer.finish().unwrap();
    }
    let hidden = |from: i64, to: i64| {
        let (from, to) = (UtcMs(from * 1_000), UtcMs(to * 1_000));
        let told = covering(folder.path(), &camera(), from, to);
        assert_eq!(read(folder.path(), &camera(), from, to).covering, told);
        told
    };
    assert_eq!(hidden(5, 20), then[0]);
    assert_eq!(hidden(105, 120), then[1]);
    assert_eq!(hidden(25, 105), then[1]);
    assert!(hidden(210, 220).is_nothing());
    let old = segments(folder.path())[0].path.clone();
    let mut bytes = fs::read(&old).unwrap();
    let head = bytes.iter().position(|b| *b == b'\n').unwrap();
    drop(bytes.splice(..head, *b"{\"camera\":\"gate\"}"));
    fs::write(&old, bytes).unwrap();
    assert!(hidden(5, 20).is_nothing());
    assert_eq!(read(folder.path(), &camera(), UtcMs(0), UtcMs(20_000)).gathered.units.len(), 101);
}

/// What was recorded first goes first, of whichever camera, and no more than needed: also where the clock was far ahead
/// or behind then. What an earlier version left is older than all.
#[test]
fn the_oldest_are_spared_first() {
    let folder = tempfile::tempdir().unwrap();
    for (name, from) in
        [("gate", 2_000_000_000), ("roof", 1_800_000_000), ("gate", -50), ("roof", 1_800_000_060)]
    {
        let mut writer = writer(folder.path(), name);
        writer.take(units(from, from + 10)).unwrap();
        writer.finish().unwrap();
    }
    let all = segments(folder.path());
    let starts: Vec<i64> = all.iter().map(|segment| segment.start.0 / 1_000).collect();
    assert_eq!(starts, [2_000_000_000, 1_800_000_000, -50, 1_800_000_060]);
    let old = all[3].path.with_file_name("1800000090000.units");
    fs::copy(&all[3].path, &old).unwrap();
    assert_eq!((&segments(folder.path())[0].path, segments(folder.path())[0].number), (&old, 0));
    fs::remove_file(old).unwrap();
    let freed = spare(folder.path(), all[0].bytes + 1);
    assert_eq!(freed, all[0].bytes + all[1].bytes);
    assert_eq!(segments(folder.path()), all[2..]);
}

/// Wherever a power cut ends a segment, what was whole before is found.
#[test]
fn a_power_cut_costs_the_end_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = writer(folder.path(), "gate");
    writer.take(units(0, 20)).unwrap();
    writer.finish().unwrap();
    let path = segments(folder.path())[0].path.clone();
    let whole = fs::read(&path).unwrap();
    for length in [0, 5, 40, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let found = read(folder.path(), &camera(), UtcMs(0), UtcMs(30_000)).gathered;
        let expected = units(0, 20);
        let same = found
            .units
            .iter()
            .zip(&expected)
            .all(|(a, b)| (a.captured_us, &a.data) == (b.captured_us, &b.data));
        assert!(same && found.units.len() < 100, "{length}: {}", found.units.len());
        assert!(length < whole.len() / 2 || found.units.len() >= 45, "{length}: {}", found.units.len());
    }
}
