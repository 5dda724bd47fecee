//! What a killed box had gathered becomes evidence at its next start.

use std::collections::HashSet;

use edge_agent::evidence::{Drawn, Unrecovered};
use edge_agent::report::{EvidenceFile, Wanted};
use protocol::{EvidenceKind, NormBox, Severity, UtcMs};

use super::bench::{Box, assert_holds, assert_in_order, assert_masked, frame_after, left_half};
use crate::media::{RtspCamera, Stream, decode, demux, wait_for};

/// The box is killed in the middle of an incident: the next start makes its clip, as the camera sent it and with
/// all but the last second, and its snapshot; nothing of the spool stays behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_box_finishes_its_clip() {
    let server = RtspCamera::serve(&Stream::h264_b_frames(0));
    let machine = Box::new();
    let camera = machine.camera(&server.url(), vec![]);
    let frame = frame_after(&camera, 6);
    let sent = camera.ring().hold(UtcMs(0)).unwrap();
    let incident = machine.incident();
    let drawn = Drawn { region: NormBox { x: 0.6, y: 0.1, w: 0.3, h: 0.3 }, severity: Severity::Emergency };
    let view = camera.view();
    let opening = machine.recorder.open(incident, &view, &frame, frame.captured_at, Some(drawn));
    wait_for("three seconds more", || {
        camera.ring().newest_us().is_some_and(|us| us / 1_000 > frame.captured_at.0 + 3_000)
    });
    let next = machine.killed();
    let clip = next.recorder.recover(incident, &Wanted::Clip).await.unwrap();
    assert_holds(&clip, EvidenceKind::Clip, false);
    assert_in_order(&clip);
    let pre_roll_ms = frame.captured_at.since_ms(clip.evidence.starts_at);
    assert!((5_000..=6_100).contains(&pre_roll_ms), "{pre_roll_ms} ms before");
    let after_ms = clip.evidence.duration_ms.unwrap() as i64 - pre_roll_ms;
    assert!(after_ms > 1_500, "{after_ms} ms after");
    let sent: HashSet<_> = sent.units().into_iter().map(|u| u.data.to_vec()).collect();
    assert!(demux(&clip.path).iter().all(|u| sent.contains(&u.0)), "re-encoded");

    let again = next.recorder.recover(incident, &Wanted::Snapshot).await.unwrap();
    assert_holds(&again, EvidenceKind::Snapshot, false);
    let first = opening.snapshot.finished().await.unwrap();
    let pixels = |file: &EvidenceFile| image::open(&file.path).unwrap().to_rgb8();
    assert!(pixels(&again) == pixels(&first), "the same picture with the same box");

    next.recorder.forget(incident);
    assert_eq!(next.spools().len(), 0);
    let error = next.recorder.recover(incident, &Wanted::Clip).await.unwrap_err();
    assert!(error.to_string().contains("went down before"), "{error}");
    opening.end.at(frame.captured_at);
    opening.clip.finished().await.unwrap();
    machine.recorder.forget_all_but(&[incident]);
    assert_eq!(machine.spools().len(), 1);
    machine.recorder.forget_all_but(&[]);
    assert_eq!(machine.spools().len(), 0);
}

/// A spool from which nothing can be made is tried a few times, also over restarts, and then given up for ever: were
/// it to bring the program down each time, the box would come to rest all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recovered_is_given_up() {
    let mut machine = Box::new();
    let incident = machine.incident();
    let spool = machine.folder.path().join(format!("evidence/spool/{incident}.spool"));
    std::fs::write(&spool, "no head\n").unwrap();
    for attempt in 1..=5 {
        let error = machine.recorder.recover(incident, &Wanted::Clip).await.unwrap_err();
        assert_eq!(matches!(error, Unrecovered::Never(_)), attempt == 5, "attempt {attempt}: {error}");
        assert!(error.to_string().contains("its head"), "{error}");
        machine = Box::on(machine.folder);
    }
    let error = machine.recorder.recover(incident, &Wanted::Clip).await.unwrap_err();
    assert!(error.to_string().contains("given up after 5 attempts"), "{error}");
    let other = machine.recorder.recover(incident, &Wanted::Snapshot).await.unwrap_err();
    assert!(matches!(other, Unrecovered::Later(_)), "{other}");
}

/// What is recovered of a camera with masks is masked, whatever the camera's masks are by then.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_recovered_is_masked() {
    let machine = Box::new();
    let camera = machine.camera("test://snow", vec![left_half()]);
    let frame = frame_after(&camera, 2);
    let incident = machine.incident();
    let opening = machine.recorder.open(incident, &camera.view(), &frame, frame.captured_at, None);
    wait_for("two seconds more", || {
        camera.ring().newest_us().is_some_and(|us| us / 1_000 > frame.captured_at.0 + 2_000)
    });
    let next = machine.killed();
    let clip = next.recorder.recover(incident, &Wanted::Clip).await.unwrap();
    assert_holds(&clip, EvidenceKind::Clip, true);
    for (width, picture) in &decode(&clip.path) {
        assert_masked(*width, 360, |x, y| i32::from(picture[y * width + x]));
    }
    let snapshot = next.recorder.recover(incident, &Wanted::Snapshot).await.unwrap();
    let picture = image::open(&snapshot.path).unwrap().to_luma8();
    assert_masked(640, 360, |x, y| i32::from(picture.get_pixel(x as u32, y as u32).0[0]));
    drop(opening);
}
