//! Clips: as the camera sent them, of their own time, with what is missing told.

use edge_agent::camera::{self, Polygon};
use edge_agent::frame::Frame;
use edge_agent::report::{EvidenceFile, Wanted, needs_copy};
use protocol::{EvidenceKind, GapReason, UtcMs, VideoCodec};

use super::bench::{Box, assert_fragmented, assert_holds, assert_in_order, frame_after, left_half};
use crate::media::{RtspCamera, Stream, decode, demux};

/// Over RTSP, in every codec: the clip starts with the pre-roll at a keyframe at most one group early, ends
/// with the post-roll, and its units are, byte for byte and none missing between, units that the camera sent; each decodes.
#[tokio::test(flavor = "multi_thread")]
async fn clips_are_what_the_camera_sent() {
    for (name, stream) in
        [("H.264", Stream::h264(0)), ("B-frames", Stream::h264_b_frames(0)), ("H.265", Stream::h265(0))]
    {
        let server = RtspCamera::serve(&stream);
        let machine = Box::new();
        let camera = machine.camera(&server.url(), vec![]);
        let frame = frame_after(&camera, 7);
        let sent = camera.ring().hold(UtcMs(0)).unwrap();
        let opening =
            machine.recorder.open(machine.incident(), &camera.view(), &frame, frame.captured_at, None);
        opening.end.at(frame.captured_at.plus_ms(1_000));
        let clip = opening.clip.finished().await.unwrap();
        assert_holds(&clip, EvidenceKind::Clip, false);
        assert_in_order(&clip);
        let pre_roll_ms = frame.captured_at.since_ms(clip.evidence.starts_at);
        assert!(pre_roll_ms >= 5_000, "{name}: {pre_roll_ms} ms before");
        let length_ms = clip.evidence.duration_ms.unwrap() as i64;
        let after_ms = length_ms - pre_roll_ms;
        assert!((1_800..=2_200).contains(&after_ms), "{name}: {after_ms} ms after");
        let (sent, kept) = (sent.units(), demux(&clip.path).into_iter().map(|u| u.0).collect::<Vec<_>>());
        let is_run = |at: &usize| sent[*at..].iter().zip(&kept).all(|(unit, own)| unit.data[..] == own[..]);
        let at = (0..=sent.len() - kept.len()).find(is_run);
        let at = at.unwrap_or_else(|| panic!("{name}: not units as sent, none missing between"));
        // A camera that is slow to send has long groups of pictures: no earlier than the last keyframe that is early enough.
        let wanted = frame.captured_at.plus_ms(-5_000);
        assert!(sent[at].keyframe && sent[at].captured_at() <= wanted, "{name}: begins at a keyframe");
        let next = sent[at + 1..].iter().find(|unit| unit.keyframe).unwrap();
        assert!(
            next.captured_at() > wanted,
            "{name}: {pre_roll_ms} ms before, and a later keyframe would do"
        );
        assert_eq!(decode(&clip.path).len(), kept.len(), "{name}: every picture decodes");
        assert_fragmented(&clip.path);
        let footage = clip.evidence.footage.clone().unwrap();
        assert_eq!((&footage.gaps[..], footage.more_gaps, footage.cut), (&[][..], 0, None), "{name}");
        let is_h265 = name == "H.265";
        assert_eq!(footage.codec == VideoCodec::H265, is_h265, "{name}");
        assert_eq!(needs_copy(&clip.evidence), is_h265);
        if is_h265 {
            assert_copied(&machine, &clip).await;
        }
    }
}

/// A viewing copy shows the same in H.264, names its original, and leaves that as it was; after a crash it is made of
/// the file alone.
async fn assert_copied(machine: &Box, clip: &EvidenceFile) {
    let before = std::fs::read(&clip.path).unwrap();
    let copy = machine.recorder.viewing_copy(clip).finished().await.unwrap();
    assert_holds(&copy, EvidenceKind::Clip, false);
    assert_fragmented(&copy.path);
    assert_eq!(copy.evidence.copy_of(), Some(&clip.evidence.sha256));
    assert!(!needs_copy(&copy.evidence));
    let (of, is) = (clip.evidence.footage.clone().unwrap(), copy.evidence.footage.clone().unwrap());
    assert_eq!((is.ends_at, &is.gaps, is.codec), (of.ends_at, &of.gaps, VideoCodec::H264));
    let shown = |file: &EvidenceFile| decode(&file.path).len();
    assert!(shown(&copy).abs_diff(shown(clip)) <= 3, "{} of {}", shown(&copy), shown(clip));
    assert_in_order(&copy);
    assert!(std::fs::read(&clip.path).unwrap() == before, "the original stays");
    let wanted = Wanted::ViewingCopy(std::boxed::Box::new(clip.evidence.clone()));
    let again = machine.recorder.recover(machine.incident(), &wanted).await.unwrap();
    assert_eq!(again.evidence.copy_of(), Some(&clip.evidence.sha256));
    assert!(shown(&again).abs_diff(shown(clip)) <= 3);
}

/// The camera is unplugged in the middle of an incident: the clip is finished with what there is, and says when the
/// stream broke off. Plugged in again meanwhile, it goes on, and the clip says what is missing between.
#[tokio::test(flavor = "multi_thread")]
async fn an_unplugged_camera_keeps_its_clip() {
    let server = RtspCamera::serve(&Stream::h264(0));
    let machine = Box::new();
    let camera = machine.camera(&server.url(), vec![]);
    let frame = frame_after(&camera, 5);
    let opening = machine.recorder.open(machine.incident(), &camera.view(), &frame, frame.captured_at, None);
    let port = server.port;
    drop(server);
    opening.end.at(frame.captured_at.plus_ms(2_000));
    let clip = opening.clip.finished().await.unwrap();
    assert_holds(&clip, EvidenceKind::Clip, false);
    assert!(clip.evidence.duration_ms.unwrap() >= 5_000);
    assert!(decode(&clip.path).len() >= 125);
    let footage = clip.evidence.footage.unwrap();
    let gap = footage.gaps[0];
    assert_eq!((footage.gaps.len(), gap.reason), (1, GapReason::StreamLost));
    assert_eq!((gap.from, gap.to), (footage.ends_at, frame.captured_at.plus_ms(3_000)));

    let server = RtspCamera::serve_at(&Stream::h264(0), port);
    let frame = frame_after(&camera, 2);
    let opening = machine.recorder.open(machine.incident(), &camera.view(), &frame, frame.captured_at, None);
    drop(server);
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let _server = RtspCamera::serve_at(&Stream::h264(0), port);
    let back = frame_after(&camera, 1);
    opening.end.at(back.captured_at);
    let clip = opening.clip.finished().await.unwrap();
    let footage = clip.evidence.footage.unwrap();
    let lost = footage.gaps.iter().rfind(|gap| gap.reason == GapReason::StreamLost).expect("a gap");
    assert!(lost.from > frame.captured_at && lost.to < back.captured_at, "{footage:?}");
    assert!(lost.to.since_ms(lost.from) > 1_000, "{footage:?}");
    let shown: Vec<_> = demux(&clip.path).iter().map(|u| u.1 / 1_000).collect();
    let hole = shown.windows(2).map(|w| w[1].abs_diff(w[0])).max().unwrap() as i64;
    let longest = footage.gaps.iter().map(|gap| gap.to.since_ms(gap.from)).max().unwrap();
    assert!(hole.abs_diff(longest) < 100, "its times are true: {hole} {footage:?}");
}

/// Two incidents of one camera at once, the second begun and ended inside the first: a clip each, of its own time. More
/// at once than can be gathered are told, not silently left out.
#[tokio::test(flavor = "multi_thread")]
async fn incidents_at_once_have_a_clip_each() {
    let machine = Box::new();
    let camera = machine.camera("test://ball", vec![]);
    let frame = frame_after(&camera, 6);
    let open = |frame: &Frame| {
        machine.recorder.open(machine.incident(), &camera.view(), frame, frame.captured_at, None)
    };
    let outer = open(&frame);
    let later = frame_after(&camera, 2);
    let inner = open(&later);
    inner.end.at(later.captured_at.plus_ms(500));
    let last = frame_after(&camera, 2);
    outer.end.at(last.captured_at);
    let span = |file: &EvidenceFile| {
        let from = file.evidence.starts_at;
        (from, from.plus_ms(file.evidence.duration_ms.unwrap() as i64))
    };
    let (outer, inner) = (outer.clip.finished().await.unwrap(), inner.clip.finished().await.unwrap());
    for (file, from, to) in [
        (&outer, frame.captured_at, last.captured_at),
        (&inner, later.captured_at, later.captured_at.plus_ms(500)),
    ] {
        assert_holds(file, EvidenceKind::Clip, false);
        assert_in_order(file);
        let (starts, ends) = span(file);
        assert!((5_000..=7_100).contains(&from.since_ms(starts)), "{} ms before", from.since_ms(starts));
        assert!((800..=1_300).contains(&ends.since_ms(to)), "{} ms after", ends.since_ms(to));
    }
    let many: Vec<_> = (0..=camera::MAX_HOLDS).map(|_| open(&last)).collect();
    let mut failed = Vec::new();
    for opening in many {
        opening.end.at(last.captured_at);
        failed.extend(opening.clip.finished().await.err());
    }
    assert_eq!(failed.len(), 1);
    assert!(format!("{:#}", failed[0]).contains("too many clips of gate at once"), "{:#}", failed[0]);
}

/// A disk that refuses a clip twice gets it the third time, from what was spooled, whether the clip is masked or not. One
/// that refuses it always makes an error of it, in words, and stops no other clip.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_disk_refuses_is_tried_again() {
    let attempt = async |masks: Vec<Polygon>, refusals: usize| {
        let mut machine = Box::new();
        let again = std::time::Duration::from_millis(200);
        machine.recorder = machine.recorder.trying_again_after(again);
        let camera = machine.camera("test://snow", masks);
        let frame = frame_after(&camera, 3);
        let film = |frame: &Frame| {
            machine.recorder.open(machine.incident(), &camera.view(), frame, frame.captured_at, None)
        };
        let opening = film(&frame);
        opening.snapshot.finished().await.unwrap();
        // Where the clip is written: a device that is always full.
        for n in 1..=refusals {
            let path = machine.folder.path().join(format!("evidence/{n}.part"));
            std::os::unix::fs::symlink("/dev/full", path).unwrap();
        }
        opening.end.at(frame.captured_at);
        let first = opening.clip.finished().await;
        let frame = frame_after(&camera, 0);
        let next = film(&frame);
        next.end.at(frame.captured_at);
        (first, next.clip.finished().await, machine)
    };
    let bounded =
        |masks, refusals| tokio::time::timeout(std::time::Duration::from_secs(60), attempt(masks, refusals));
    let (bare, masked, refused) =
        tokio::join!(bounded(vec![], 2), bounded(vec![left_half()], 2), bounded(vec![left_half()], 3));
    for (made, is_masked) in [(bare, false), (masked, true)] {
        let (first, next, _machine) = made.expect("in time");
        for clip in [first, next] {
            assert_holds(&clip.unwrap(), EvidenceKind::Clip, is_masked);
        }
    }
    let (first, next, _machine) = refused.expect("a failed clip comes to an end");
    let error = first.unwrap_err();
    assert!(format!("{error:#}").contains("writing"), "{error:#}");
    assert_holds(&next.expect("its turn comes"), EvidenceKind::Clip, true);
}
