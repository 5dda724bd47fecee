use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

use gst::subclass::prelude::*;
use gstreamer::glib;

use super::super::ring::Ring;
use super::super::samples::encoded;
use super::*;

/// Analysis hangs on a picture: feeding never waits, what waits is bounded, the ring gets every unit, and
/// when analysis wakes up it goes on from a keyframe.
#[test]
fn a_stuck_analysis_stops_nobody() {
    let units = encoded(400, 160);
    let ring = Ring::new(60, usize::MAX);
    let (wake, asleep) = sync_channel::<()>(0);
    let (pictures, seen) = channel();
    let asleep = Mutex::new(asleep);
    let on_picture = move |_: Picture, at_us: i64| {
        let _ = pictures.send(at_us);
        let _ = asleep.lock().unwrap().recv();
    };
    let counts = Arc::new(Counts::default());
    let mut decoder = LiveDecoder::new(25.0, 160, counts.clone(), Pace::default(), Arc::new(on_picture));
    for unit in &units {
        ring.push(unit.clone());
        decoder.feed(unit, 0).unwrap();
    }
    assert_eq!((ring.stats().units, ring.stats().undecodable), (400, 0));
    let skipped = counts.undecoded.load(Ordering::Relaxed);
    assert!(skipped > 200, "only {skipped} skipped");
    assert_eq!(seen.recv_timeout(Duration::from_secs(10)), Ok(units[0].captured_us));
    drop(wake);
    while seen.recv_timeout(Duration::from_secs(1)).is_ok() {}
    let later = units[0].captured_us + 60_000_000;
    for unit in &units[units.iter().rposition(|u| u.keyframe).unwrap()..] {
        decoder.feed(&Unit { captured_us: unit.captured_us + 60_000_000, ..unit.clone() }, 0).unwrap();
    }
    let woken = seen.recv_timeout(Duration::from_secs(10)).expect("pictures flow again");
    assert!(woken >= later);
}

/// Only this width is decoded by the decoder that hangs: other tests use others at the same time.
const HANGING_WIDTH: i32 = 162;

/// Says that a start has begun; it ends when the sender of the other is dropped.
static BEGINS: Mutex<Option<Sender<()>>> = Mutex::new(None);
static ENDS: Mutex<Option<Receiver<()>>> = Mutex::new(None);

/// A driver that does not come back from opening its device.
#[derive(Default)]
struct Hanging;

#[glib::object_subclass]
impl ObjectSubclass for Hanging {
    const NAME: &'static str = "HangingDecoder";
    type Type = HangingDecoder;
    type ParentType = gst::Element;
}

impl ObjectImpl for Hanging {}
impl GstObjectImpl for Hanging {}

impl ElementImpl for Hanging {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: std::sync::LazyLock<gst::subclass::ElementMetadata> =
            std::sync::LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "Hanging",
                    "Codec/Decoder/Video/Hardware",
                    "Hangs",
                    "Tests",
                )
            });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: std::sync::LazyLock<Vec<gst::PadTemplate>> = std::sync::LazyLock::new(|| {
            let template = |name: &str, direction, caps: &gst::Caps| {
                gst::PadTemplate::new(name, direction, gst::PadPresence::Always, caps).unwrap()
            };
            let h264 = gst::Caps::builder("video/x-h264").field("width", HANGING_WIDTH).build();
            let raw = gst::Caps::builder("video/x-raw").build();
            vec![
                template("sink", gst::PadDirection::Sink, &h264),
                template("src", gst::PadDirection::Src, &raw),
            ]
        });
        TEMPLATES.as_ref()
    }

    fn change_state(
        &self,
        change: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if change == gst::StateChange::NullToReady {
            if let Some(begins) = &*BEGINS.lock().unwrap() {
                let _ = begins.send(());
            }
            if let Some(ends) = ENDS.lock().unwrap().take() {
                let _ = ends.recv();
            }
        }
        self.parent_change_state(change)
    }
}

glib::wrapper! {
    struct HangingDecoder(ObjectSubclass<Hanging>) @extends gst::Element, gst::Object;
}

/// A decoder hangs while it starts: feeding does not wait for it, the next one by rank gets all that came meanwhile in
/// its order, health says so, and no other camera tries the first again.
#[test]
fn a_decoder_that_hangs_in_its_start_is_left_behind() {
    let units = encoded(40, HANGING_WIDTH);
    gst::Element::register(None, "hangingdec", gst::Rank::PRIMARY + 200, HangingDecoder::static_type())
        .unwrap();
    let (begun, begins) = channel();
    let (end, ends) = channel::<()>();
    (*BEGINS.lock().unwrap(), *ENDS.lock().unwrap()) = (Some(begun), Some(ends));

    let (pictures, seen) = channel();
    let on_picture = move |_: Picture, at_us: i64| {
        let _ = pictures.send(at_us);
    };
    let counts = Arc::new(Counts::default());
    let mut decoder = LiveDecoder::new(50.0, 160, counts.clone(), Pace::default(), Arc::new(on_picture));
    let (first, rest) = units.split_at(30);
    decoder.feed(&first[0], 1_000).unwrap();
    begins.recv_timeout(Duration::from_secs(10)).expect("it is tried first");
    for unit in &first[1..] {
        decoder.feed(unit, 2_000).unwrap();
    }
    assert_eq!((decoder.notice(), counts.decoder()), (None, None));
    for (n, unit) in rest.iter().enumerate() {
        decoder.feed(unit, 13_000 + n as u64).unwrap();
    }
    let notice = decoder.notice().expect("health says so");
    assert!(notice.contains("hangingdec was passed over: it does not start"), "{notice}");
    for unit in &units {
        assert_eq!(seen.recv_timeout(Duration::from_secs(10)), Ok(unit.captured_us));
    }
    assert!(counts.decoder().is_some_and(|d| d.name != "hangingdec"));

    let caps = units[0].format.caps.clone();
    let others = Decoders::default().candidates(&caps).unwrap();
    assert!(others.len() > 1 && others.last().unwrap().info.name == "hangingdec", "tried last");
    drop(end);
    gst::ElementFactory::find("hangingdec").unwrap().set_rank(gst::Rank::NONE);
}
