//! Which decoder a machine uses for a stream: the one of highest rank that starts, so hardware where it works.
//!
//! A decoder that does not start, or fails before its first picture, is passed over with the reason in log and health.
//! When all were, the next attempt begins with the first again: what failed may have been the stream. Nobody waits for
//! one that hangs while it starts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use gstreamer as gst;
use gstreamer::prelude::*;

use super::decode::within;
use super::hung;

/// A decoder as logs, health and metrics show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecoderInfo {
    /// GStreamer's name: `avdec_h264`, `vah264dec`.
    pub name: String,
    pub hardware: bool,
}

impl DecoderInfo {
    fn of(factory: &gst::ElementFactory) -> Self {
        Self { name: factory.name().to_string(), hardware: is_hardware(factory) }
    }

    /// `hardware` or `software`.
    pub fn kind(&self) -> &'static str {
        if self.hardware { "hardware" } else { "software" }
    }
}

/// Whether a decoder or encoder says that it is hardware.
pub(crate) fn is_hardware(factory: &gst::ElementFactory) -> bool {
    let kind = factory.metadata(gst::ELEMENT_METADATA_KLASS).unwrap_or_default();
    kind.split('/').any(|word| word == "Hardware")
}

/// So long a decoder may take to start while another could do its work. Opening a device takes a few seconds at the
/// most, on a machine that is busy.
pub(crate) const START: Duration = Duration::from_secs(10);

/// The decoders that one camera passed over, and why; shared with the thread that starts them.
#[derive(Clone, Debug, Default)]
pub(super) struct Decoders {
    passed_over: Arc<Mutex<Vec<(String, String)>>>,
}

impl Decoders {
    fn lock(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.passed_over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that were not passed over, the best first; at least one.
    pub(super) fn candidates(&self, caps: &gst::CapsRef) -> Result<Vec<Candidate>> {
        let mut fitting = candidates(caps);
        if fitting.is_empty() {
            bail!("no decoder for {}: install gstreamer1.0-libav", media_of(caps));
        }
        let mut passed_over = self.lock();
        let is_left = |candidate: &Candidate, passed_over: &[(String, String)]| {
            passed_over.iter().all(|(name, _)| *name != candidate.info.name)
        };
        if !fitting.iter().any(|candidate| is_left(candidate, &passed_over)) {
            passed_over.clear();
        }
        fitting.retain(|candidate| is_left(candidate, &passed_over));
        Ok(fitting)
    }

    /// Another is used from now on.
    pub(super) fn pass_over(&self, name: &str, reason: &str) {
        tracing::warn!(decoder = name, reason, "decoder passed over");
        let mut passed_over = self.lock();
        passed_over.retain(|(other, _)| other != name);
        passed_over.push((name.to_owned(), reason.to_owned()));
    }

    /// For health: which are not used, and why.
    pub(super) fn notice(&self) -> Option<String> {
        let passed_over = self.lock();
        let words =
            passed_over.iter().map(|(name, why)| format!("the decoder {name} was passed over: {why}"));
        (!passed_over.is_empty()).then(|| words.collect::<Vec<_>>().join("; "))
    }
}

/// What caps are of, for people.
pub(super) fn media_of(caps: &gst::CapsRef) -> &str {
    caps.structure(0).map_or("this stream", |s| s.name().as_str())
}

/// The best decoder this machine has that starts.
pub(crate) fn decoder_for(caps: &gst::CapsRef) -> Result<gst::Element> {
    let fitting = Decoders::default().candidates(caps)?;
    for candidate in &fitting {
        match candidate.start_within(START) {
            Ok(decoder) => return Ok(decoder),
            Err(error) => tracing::warn!(decoder = candidate.info.name, "decoder passed over: {error:#}"),
        }
    }
    bail!("no decoder for {} starts; the log says why", media_of(caps))
}

/// A decoder that may be tried.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) info: DecoderInfo,
    /// Starts one more of its kind; takes as long as its driver does.
    pub(crate) start: Arc<dyn Fn() -> Result<gst::Element> + Send + Sync>,
}

impl Candidate {
    /// Starts one, or remembers that it hung.
    pub(crate) fn start_within(&self, limit: Duration) -> Result<gst::Element> {
        let start = self.start.clone();
        let late = |made: Result<gst::Element>| {
            if let Ok(decoder) = made {
                let _ = decoder.set_state(gst::State::Null);
            }
        };
        let started = within(limit, move || start(), late).and_then(|made| made);
        started.inspect_err(|error| hung::note_if_hung(&self.info.name, error))
    }
}

/// All that this machine has for a stream, the best first and what hung last: for whoever must have its pictures,
/// whichever decoder fails.
pub(crate) fn candidates(caps: &gst::CapsRef) -> Vec<Candidate> {
    let candidate = |factory: gst::ElementFactory| Candidate {
        info: DecoderInfo::of(&factory),
        start: Arc::new(move || started(&factory)),
    };
    let mut all: Vec<Candidate> = fitting(caps).into_iter().map(candidate).collect();
    hung_last(&mut all);
    all
}

/// Otherwise in the order they have.
pub(crate) fn hung_last(candidates: &mut [Candidate]) {
    candidates.sort_by_key(|candidate| hung::holds(&candidate.info.name));
}

/// By rank: hardware ranks above software.
fn fitting(caps: &gst::CapsRef) -> Vec<gst::ElementFactory> {
    use gst::ElementFactoryType as Kind;
    let all =
        gst::ElementFactory::factories_with_type(Kind::DECODER | Kind::MEDIA_VIDEO, gst::Rank::MARGINAL);
    let mut fitting: Vec<_> = all.into_iter().filter(|f| f.can_sink_any_caps(caps)).collect();
    fitting.sort_by_key(|f| std::cmp::Reverse(f.rank()));
    fitting
}

/// With its device open: that is where a driver says no.
fn started(factory: &gst::ElementFactory) -> Result<gst::Element> {
    let decoder = factory.create().build()?;
    // Frame threads hold back one picture each and help nobody at analysis rates.
    if factory.name().starts_with("avdec_") {
        decoder.set_property("max-threads", 1_i32);
    }
    let bus = gst::Bus::new();
    decoder.set_bus(Some(&bus));
    let ready = decoder.set_state(gst::State::Ready);
    decoder.set_bus(None);
    if ready.is_ok() {
        return Ok(decoder);
    }
    let words = bus.pop_filtered(&[gst::MessageType::Error]).and_then(|m| super::source::error_text(&m));
    let _ = decoder.set_state(gst::State::Null);
    Err(anyhow!(words.unwrap_or_else(|| "it does not start and does not say why".into())))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use gst::subclass::prelude::*;
    use gstreamer::glib;

    use super::super::unit::Codec;
    use super::*;

    static STARTS: AtomicU32 = AtomicU32::new(0);

    /// A driver whose device is not there.
    #[derive(Default)]
    struct Broken;

    #[glib::object_subclass]
    impl ObjectSubclass for Broken {
        const NAME: &'static str = "BrokenDecoder";
        type Type = BrokenDecoder;
        type ParentType = gst::Element;
    }

    impl ObjectImpl for Broken {}
    impl GstObjectImpl for Broken {}

    impl ElementImpl for Broken {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: std::sync::LazyLock<gst::subclass::ElementMetadata> =
                std::sync::LazyLock::new(|| {
                    gst::subclass::ElementMetadata::new(
                        "Broken",
                        "Codec/Decoder/Video/Hardware",
                        "Fails",
                        "Tests",
                    )
                });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: std::sync::LazyLock<Vec<gst::PadTemplate>> = std::sync::LazyLock::new(|| {
                // Only this width: other tests start decoders at the same time.
                let template = |name: &str, direction, media: &str| {
                    let caps = gst::Caps::builder(media).field("width", 164).build();
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).unwrap()
                };
                vec![
                    template("sink", gst::PadDirection::Sink, "video/x-h264"),
                    template("src", gst::PadDirection::Src, "video/x-raw"),
                ]
            });
            TEMPLATES.as_ref()
        }

        fn change_state(
            &self,
            change: gst::StateChange,
        ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
            if change == gst::StateChange::NullToReady {
                STARTS.fetch_add(1, Ordering::SeqCst);
                gst::element_imp_error!(self, gst::ResourceError::NotFound, ["no device"]);
                return Err(gst::StateChangeError);
            }
            self.parent_change_state(change)
        }
    }

    glib::wrapper! {
        struct BrokenDecoder(ObjectSubclass<Broken>) @extends gst::Element, gst::Object;
    }

    /// Hardware of the highest rank that does not start is tried once, and what comes next is used; when that shows
    /// nothing either, it begins with the first again.
    #[test]
    fn a_broken_decoder_is_passed_over() {
        crate::camera::init().unwrap();
        gst::Element::register(None, "brokendec", gst::Rank::PRIMARY + 100, BrokenDecoder::static_type())
            .unwrap();
        let mut caps = Codec::H264.ring_caps();
        caps.make_mut().set("width", 164);
        let decoders = Decoders::default();
        let start = || {
            for candidate in decoders.candidates(&caps).unwrap() {
                match candidate.start_within(START) {
                    Ok(decoder) => {
                        let _ = decoder.set_state(gst::State::Null);
                        return candidate.info;
                    }
                    Err(error) => decoders.pass_over(&candidate.info.name, &format!("{error:#}")),
                }
            }
            panic!("none starts");
        };
        let used = [start(), start()];
        assert!(!used[0].hardware && used[0].name != "brokendec");
        assert_eq!(used[0], used[1]);
        assert_eq!(STARTS.load(Ordering::SeqCst), 1, "tried once");
        assert!(decoders.notice().unwrap().contains("brokendec was passed over: "));
        for factory in fitting(&caps) {
            decoders.pass_over(&factory.name(), "shows nothing");
        }
        assert_eq!((start(), STARTS.load(Ordering::SeqCst)), (used[0].clone(), 2));
        let broken = gst::ElementFactory::find("brokendec").unwrap();
        assert_eq!(DecoderInfo::of(&broken).kind(), "hardware");
        broken.set_rank(gst::Rank::NONE);
    }
}
