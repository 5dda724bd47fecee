//! Detector and tracker on files in MOTChallenge's text form, for `deploy/bench/track.sh` and anybody else who wants to
//! hold them against public code.
//!
//! - `mot see CLIP`: every frame of a clip looked at; people as `frame,-1,x,y,w,h,score` in pixels on standard output,
//!   and `{"width":…,"height":…,"fps":…,"frames":…}` on standard error.
//! - `mot follow DETECTIONS FPS WIDTH HEIGHT`: the tracker on such a file; `frame,identity,x,y,w,h,1,-1,-1,-1` on
//!   standard output, and `{"frames":…,"ms_per_frame":…}` on standard error.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use edge_agent::camera;
use edge_agent::detector::{self, DetectorConfig};
use edge_agent::frame::Detection;
use edge_agent::tracker::Tracker;
use models::{ModelStore, search_folders};
use protocol::{Label, NormBox, UtcMs};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["see", clip] => see(Path::new(clip)),
        ["follow", file, fps, width, height] => {
            let number = |text: &str| text.parse::<f32>().with_context(|| format!("{text} is not a number"));
            follow(Path::new(file), number(fps)?, number(width)?, number(height)?)
        }
        _ => bail!("mot see CLIP, or mot follow DETECTIONS FPS WIDTH HEIGHT"),
    }
}

fn see(clip: &Path) -> Result<()> {
    let data = std::env::var_os("SHAODIAN_DATA").filter(|v| !v.is_empty()).map(PathBuf::from);
    let store = ModelStore::new(search_folders(None, None, data));
    let mut detector = detector::open(&DetectorConfig::default(), &store)?;
    let (mut lines, mut frames, mut last_ms, mut size) = (String::new(), 0_u32, 0, (0, 0));
    for frame in camera::decode_file(clip, "mot".parse()?, 1_000.0, 4_096)? {
        let frame = frame.with_context(|| format!("decoding {}", clip.display()))?;
        frames += 1;
        last_ms = frame.captured_at.0;
        size = (frame.picture.width, frame.picture.height);
        let (width, height) = (size.0 as f32, size.1 as f32);
        for Detection { score, region: r, .. } in
            detector.detect(&frame.picture)?.into_iter().filter(|d| d.label == Label::Person)
        {
            let (x, y, w, h) = (r.x * width, r.y * height, r.w * width, r.h * height);
            writeln!(lines, "{frames},-1,{x:.2},{y:.2},{w:.2},{h:.2},{score:.2}")?;
        }
    }
    ensure!(frames > 1, "{} holds no film", clip.display());
    let fps = f64::from(frames - 1) * 1_000.0 / last_ms as f64;
    let mut out = std::io::stdout().lock();
    out.write_all(lines.as_bytes())?;
    let about = serde_json::json!({ "width": size.0, "height": size.1, "fps": fps, "frames": frames });
    writeln!(std::io::stderr(), "{about}")?;
    Ok(())
}

fn follow(file: &Path, fps: f32, width: f32, height: f32) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let mut frames: BTreeMap<u32, Vec<Detection>> = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let place = || format!("{}, line {}", file.display(), number + 1);
        let values = line
            .split(',')
            .map(|v| v.trim().parse::<f32>())
            .collect::<Result<Vec<_>, _>>()
            .with_context(place)?;
        let &[frame, _, x, y, w, h, score, ..] = &values[..] else {
            bail!("{}: seven values wanted", place())
        };
        let region = NormBox { x: x / width, y: y / height, w: w / width, h: h / height };
        frames.entry(frame as u32).or_default().push(Detection { label: Label::Person, score, region });
    }
    let last = frames.keys().last().copied().unwrap_or(0);
    let (mut tracker, mut lines, mut spent) = (Tracker::new(), String::new(), std::time::Duration::ZERO);
    for frame in 1..=last {
        let seen = frames.remove(&frame).unwrap_or_default();
        let at = UtcMs((f64::from(frame) * 1_000.0 / f64::from(fps)).round() as i64);
        let begun = thread_time();
        tracker.step(at, &seen);
        spent += thread_time().saturating_sub(begun);
        for track in tracker.tracks().iter().filter(|t| t.visible && t.confirmed) {
            let r = track.region;
            let (x, y, w, h) = (r.x * width, r.y * height, r.w * width, r.h * height);
            writeln!(lines, "{frame},{},{x:.2},{y:.2},{w:.2},{h:.2},1,-1,-1,-1", track.id)?;
        }
    }
    std::io::stdout().lock().write_all(lines.as_bytes())?;
    let ms_per_frame = spent.as_secs_f64() * 1_000.0 / f64::from(last.max(1));
    writeln!(std::io::stderr(), "{}", serde_json::json!({ "frames": last, "ms_per_frame": ms_per_frame }))?;
    Ok(())
}

/// CPU time of the calling thread.
fn thread_time() -> std::time::Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    std::time::Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
