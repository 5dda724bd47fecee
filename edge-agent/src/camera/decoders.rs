//! Which decoder a machine uses for a stream: the one of highest rank that starts, so hardware where it works.
//!
//! A decoder that does not start, or fails before its first picture, is passed over with the reason in the log. When
//! all were, the next attempt begins with the first again: what failed may have been the stream.

use anyhow::{Result, anyhow};
use gstreamer as gst;
use gstreamer::prelude::*;

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

/// The decoders that one camera may use.
#[derive(Debug, Default)]
pub(super) struct Decoders {
    passed_over: Vec<String>,
}

impl Decoders {
    /// The best that starts and was not passed over.
    pub(super) fn start(&mut self, caps: &gst::CapsRef) -> Result<(gst::Element, DecoderInfo)> {
        let fitting = fitting(caps);
        if fitting.iter().all(|factory| self.is_passed_over(&factory.name())) {
            self.passed_over.clear();
        }
        for factory in &fitting {
            let info = DecoderInfo::of(factory);
            if self.is_passed_over(&info.name) {
                continue;
            }
            match started(factory) {
                Ok(decoder) => return Ok((decoder, info)),
                Err(error) => self.pass_over(&info.name, &format!("{error:#}")),
            }
        }
        let name = caps.structure(0).map_or("this stream", |s| s.name().as_str());
        Err(if fitting.is_empty() {
            anyhow!("no decoder for {name}: install gstreamer1.0-libav")
        } else {
            anyhow!("no decoder for {name} starts; the log says why")
        })
    }

    /// Another is used from now on.
    pub(super) fn pass_over(&mut self, name: &str, reason: &str) {
        tracing::warn!(decoder = name, reason, "decoder passed over");
        self.passed_over.push(name.to_owned());
    }

    fn is_passed_over(&self, name: &str) -> bool {
        self.passed_over.iter().any(|other| other == name)
    }
}

/// The best decoder this machine has that starts.
pub(crate) fn decoder_for(caps: &gst::CapsRef) -> Result<gst::Element> {
    Decoders::default().start(caps).map(|(decoder, _)| decoder)
}

/// A decoder that may be tried.
pub(crate) struct Candidate {
    pub(crate) info: DecoderInfo,
    /// Starts one more of its kind.
    pub(crate) start: Box<dyn Fn() -> Result<gst::Element>>,
}

/// All that this machine has for a stream, the best first: for whoever must have its pictures, whichever decoder fails.
pub(crate) fn candidates(caps: &gst::CapsRef) -> Vec<Candidate> {
    let candidate = |factory: gst::ElementFactory| Candidate {
        info: DecoderInfo::of(&factory),
        start: Box::new(move || started(&factory)),
    };
    fitting(caps).into_iter().map(candidate).collect()
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
                let template = |name: &str, direction, media: &str| {
                    let caps = gst::Caps::builder(media).build();
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
        let caps = Codec::H264.ring_caps();
        let mut decoders = Decoders::default();
        let mut used = Vec::new();
        for _ in 0..2 {
            let (decoder, info) = decoders.start(&caps).unwrap();
            assert!(!info.hardware && info.name != "brokendec");
            let _ = decoder.set_state(gst::State::Null);
            used.push(info.name);
        }
        assert_eq!(used[0], used[1]);
        assert_eq!(STARTS.load(Ordering::SeqCst), 1, "tried once");
        for factory in fitting(&caps) {
            decoders.pass_over(&factory.name(), "shows nothing");
        }
        let (decoder, info) = decoders.start(&caps).unwrap();
        assert_eq!((info.name, STARTS.load(Ordering::SeqCst)), (used[0].clone(), 2));
        let _ = decoder.set_state(gst::State::Null);
        let broken = gst::ElementFactory::find("brokendec").unwrap();
        assert_eq!(DecoderInfo::of(&broken).kind(), "hardware");
        broken.set_rank(gst::Rank::NONE);
    }
}
