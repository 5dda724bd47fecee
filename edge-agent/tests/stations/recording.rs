//! The continuous recording: what a camera sent is found again by time, after a restart too, and leaves the box covered
//! and as a clip only.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use crate::media::{RtspCamera, Stream, decode, demux, wait_for};
use edge_agent::camera::{self, CameraConfig, CameraHandle, Polygon};
use edge_agent::evidence::{Recorder, archive};
use protocol::{Clock, GapReason, SystemClock, UtcMs};

fn recorder(folder: &Path, clock: &Arc<dyn Clock>) -> Recorder {
    let recorder = Recorder::new(folder.join("evidence"), clock.clone()).unwrap();
    recorder.recording_in(archive::prepare(folder).unwrap(), 0)
}

fn camera(url: &str, clock: &Arc<dyn Clock>, masks: Vec<Polygon>) -> CameraHandle {
    let mut config = CameraConfig::new("gate".parse().unwrap(), url);
    (config.pre_roll_s, config.masks, config.record) = (5, masks, true);
    camera::spawn(config, clock.clone()).unwrap()
}

fn newest(camera: &CameraHandle) -> i64 {
    camera.ring().newest_us().map_or(0, |us| us / 1_000)
}

/// A stretch that lies on disk and in memory is one clip of the camera's own units, without a hole at the seam; the
/// same stretch is there after a restart, from the disk alone; with a mask in the configuration it is masked. What was
/// never recorded is an error that says so, and one that begins before the recording says what is missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_found_by_time() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let folder = tempfile::tempdir().unwrap();
    let server = RtspCamera::serve(&Stream::h264_b_frames(0));
    let gate = camera(&server.url(), &clock, vec![]);
    let first = recorder(folder.path(), &clock);
    first.record(&gate.view());
    wait_for("the first picture", || newest(&gate) > 0);
    let began = newest(&gate);
    wait_for("eight seconds", || newest(&gate) > began + 8_000);
    let sent = gate.ring().hold(UtcMs(0)).unwrap();
    wait_for("two seconds more", || newest(&gate) > began + 10_000);

    let (from, to) = (UtcMs(began + 2_000), UtcMs(began + 9_500));
    let clip = first.clip(&gate.view(), from, to).await.unwrap();
    let footage = clip.evidence.footage.clone().unwrap();
    assert_eq!((&footage.gaps[..], footage.cut), (&[][..], None));
    assert!((0..=1_100).contains(&from.since_ms(clip.evidence.starts_at)));
    assert!(to.since_ms(footage.ends_at).abs() < 100, "{footage:?}");
    let units = demux(&clip.path);
    assert!(units.windows(2).all(|w| w[1].2 - w[0].2 < 80_000), "a hole at the seam");
    let sent: HashSet<_> = sent.units().into_iter().map(|u| u.data.to_vec()).collect();
    let known = units.iter().filter(|unit| sent.contains(&unit.0)).count();
    assert!(known > 100, "{known} of {} are what the camera sent", units.len());

    let none = first.clip(&gate.view(), UtcMs(began - 90_000), UtcMs(began - 60_000)).await.unwrap_err();
    assert!(none.to_string().contains("has no video from"), "{none:#}");
    let long = first.clip(&gate.view(), from, from.plus_ms(301_000)).await.unwrap_err();
    assert!(long.to_string().contains("up to 300 s"), "{long:#}");
    let early = first.clip(&gate.view(), UtcMs(began - 60_000), UtcMs(began + 3_000)).await.unwrap();
    assert_eq!(early.evidence.footage.unwrap().gaps[0].reason, GapReason::NotKept);
    gate.stop();
    drop(server);

    // Another run, another configuration; the same folder.
    let next = recorder(folder.path(), &clock);
    let left_half = vec![[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]];
    let dark = camera("/nowhere/x.mp4", &clock, vec![left_half]);
    let again = next.clip(&dark.view(), from, UtcMs(began + 7_000)).await.unwrap();
    assert!(again.evidence.masked);
    assert_eq!(again.evidence.starts_at, clip.evidence.starts_at);
    let pictures = decode(&again.path);
    assert!(pictures.len() > 100);
    for (width, picture) in pictures {
        let masked = (0..180).flat_map(|y| (0..width / 2 - 8).map(move |x| (x, y)));
        assert!(masked.clone().all(|(x, y)| (25..=165).contains(&picture[y * width + x])));
    }
    let mode = |path: &Path| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    let segments = archive::segments(&folder.path().join(archive::FOLDER));
    assert_eq!((segments.len(), mode(&segments[0].path)), (1, 0o600));
}
