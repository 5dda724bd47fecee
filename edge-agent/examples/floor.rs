//! The least that any agent must spend on a frame: GStreamer decodes and scales, ONNX Runtime looks, nothing else.
//! `deploy/bench.sh` holds the whole agent against it, on the same clip, weights and machine.
//!
//! `floor CLIP WEIGHTS FPS SECONDS` prints one JSON line: what each frame costs, and how much of it is looking. With
//! `-` for WEIGHTS nobody looks.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use ort::session::Session;
use ort::value::TensorRef;

const SIDE: usize = 416;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    ensure!(arguments.len() == 4, "floor CLIP WEIGHTS FPS SECONDS");
    let clip =
        PathBuf::from(&arguments[0]).canonicalize().with_context(|| format!("no clip {}", arguments[0]))?;
    let fps: u32 = arguments[2].parse().context("FPS is not a number")?;
    let seconds: u64 = arguments[3].parse().context("SECONDS is not a number")?;

    let mut session = match arguments[1].as_str() {
        "-" => None,
        weights => Some(session(weights)?),
    };

    gst::init()?;
    let pipeline = gst::parse::launch(&format!(
        "filesrc name=file ! decodebin ! videorate drop-only=true ! video/x-raw,framerate={fps}/1 ! videoscale add-borders=true \
         ! videoconvert ! video/x-raw,format=BGR,width={SIDE},height={SIDE},pixel-aspect-ratio=1/1 \
         ! appsink name=sink sync=true max-buffers=1 enable-last-sample=false"
    ))?;
    let pipeline = pipeline.downcast::<gst::Pipeline>().ok().context("not a pipeline")?;
    pipeline.by_name("file").context("no source")?.set_property("location", clip.to_string_lossy().as_ref());
    let sink = pipeline.by_name("sink").context("no sink")?;
    let sink = sink.downcast::<AppSink>().ok().context("not an appsink")?;

    // Loading is not part of a frame's cost.
    let before_ms = cpu_ms()?;
    pipeline.set_state(gst::State::Playing)?;
    let mut input = vec![0.0_f32; 3 * SIDE * SIDE];
    let (mut frames, mut looking) = (0_u64, Duration::ZERO);
    let wanted = seconds * u64::from(fps);
    while frames < wanted {
        let Ok(sample) = sink.pull_sample() else {
            ensure!(sink.is_eos(), "the clip cannot be decoded");
            pipeline.seek_simple(gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT, gst::ClockTime::ZERO)?;
            continue;
        };
        frames += 1;
        let Some(session) = &mut session else { continue };
        // One thread does it all, so its own time is what looking costs.
        let begun = thread_time();
        let map = sample.buffer().context("a sample without a picture")?.map_readable()?;
        for (at, pixel) in map.chunks_exact(3).enumerate() {
            for (plane, value) in pixel.iter().enumerate() {
                input[plane * SIDE * SIDE + at] = f32::from(*value);
            }
        }
        session.run(ort::inputs![TensorRef::from_array_view(([1_usize, 3, SIDE, SIDE], &*input))?])?;
        looking += thread_time().saturating_sub(begun);
    }
    let spent_ms = cpu_ms()? - before_ms;
    pipeline.set_state(gst::State::Null)?;
    let per_frame = |ms: f64| ms / frames as f64;
    println!(
        "{{\"frames\":{frames},\"cpu_ms\":{spent_ms},\"cpu_ms_per_frame\":{:.2},\"looking_ms_per_frame\":{:.2}}}",
        per_frame(spent_ms as f64),
        per_frame(looking.as_secs_f64() * 1000.0)
    );
    Ok(())
}

fn session(weights: &str) -> Result<Session> {
    let environment = edge_agent::native::environment(None)?;
    // The builder's errors carry the builder itself, which is no `std::error::Error`.
    let builder = Session::builder(&environment)?.with_intra_threads(1).map_err(ort::Error::<()>::from)?;
    let mut builder = builder.with_intra_op_spinning(false).map_err(ort::Error::<()>::from)?;
    Ok(builder.commit_from_file(weights)?)
}

/// CPU time of the calling thread.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// User and system time of this process. The kernel counts in hundredths of a second.
fn cpu_ms() -> Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The second field, the program's name, may hold blanks; it ends with the last bracket.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| {
        fields.get(at).and_then(|f| f.parse::<u64>().ok()).context("unknown form of /proc/self/stat")
    };
    Ok((ticks(11)? + ticks(12)?) * 10)
}
