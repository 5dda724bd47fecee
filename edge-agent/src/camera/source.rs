//! The camera's own pipeline, up to encoded units: `rtspsrc`/`filesrc`/`v4l2src`/`videotestsrc` to an
//! appsink. What is H.264 or H.265 already passes untouched; anything else is encoded once, here, so that
//! the ring, clips and analysis know two codecs only.

use anyhow::{Context, Result, anyhow, bail};
use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::address::Source;
use super::decoders::decoder_for;
use super::stream::Stream;
use super::tls::{self, Refusal};
use super::unit::Codec;

/// Begins the words about a wrong password.
pub(super) const REFUSES_PASSWORD: &str = "the camera refuses this username and password";

/// Builds the pipeline that ends in `sink`; not started yet.
pub(crate) fn pipeline(stream: &Stream, sink: &gst_app::AppSink, refusal: &Refusal) -> Result<gst::Pipeline> {
    let pipeline = gst::Pipeline::new();
    pipeline.add(sink).context("adding the sink")?;
    match stream.url.source().map_err(|problem| anyhow!("url {problem}"))? {
        Source::Rtsp(url) => rtsp(&pipeline, stream, &url, sink, refusal)?,
        Source::File(path) => {
            let path = path.canonicalize().with_context(|| format!("opening {}", path.display()))?;
            let path = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
            let source = element("filesrc")?;
            source.set_property("location", path);
            autoplug(&pipeline, &source, "parsebin", sink, stream.realtime)?;
        }
        Source::V4l2(device) => {
            let source = element("v4l2src")?;
            source.set_property("device", &device);
            autoplug(&pipeline, &source, "decodebin", sink, false)?;
        }
        Source::Test(pattern) => test(&pipeline, &pattern, sink)?,
    }
    Ok(pipeline)
}

fn rtsp(
    pipeline: &gst::Pipeline,
    stream: &Stream,
    url: &str,
    sink: &gst_app::AppSink,
    refusal: &Refusal,
) -> Result<()> {
    let source = element("rtspsrc")?;
    source.set_property("location", url);
    if tls::is_tls(url) {
        tls::guard(&source, url, &stream.trust, refusal)?;
    }
    source.set_property_from_str("protocols", "tcp");
    source.set_property("latency", stream.latency_ms);
    source.set_property("tcp-timeout", 5_000_000_u64);
    // A camera that still holds the old session refuses the next one: TEARDOWN gets its time.
    source.set_property("teardown-timeout", 500_000_000_u64);
    if let Some(user) = &stream.username {
        source.set_property("user-id", user);
    }
    if let Some(password) = &stream.password {
        source.set_property("user-pw", &password.0);
    }
    // Sound and metadata are never asked for.
    source.connect("select-stream", false, |arguments| {
        let caps = arguments.get(2).and_then(|v| v.get::<gst::Caps>().ok());
        let media = caps.and_then(|c| c.structure(0)?.get::<String>("media").ok());
        Some((media.as_deref() == Some("video")).to_value())
    });
    pipeline.add(&source).context("adding rtspsrc")?;
    on_pad(pipeline, &source, sink, |pipeline, pad, sink| {
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let encoding = caps.structure(0).and_then(|s| s.get::<String>("encoding-name").ok());
        match encoding.as_deref() {
            Some("H264") => chain(pipeline, pad, &[element("rtph264depay")?], Codec::H264, sink),
            Some("H265") => chain(pipeline, pad, &[element("rtph265depay")?], Codec::H265, sink),
            Some("JPEG") => {
                let mut elements = vec![element("rtpjpegdepay")?, element("jpegdec")?];
                elements.extend(encoding_chain()?);
                chain(pipeline, pad, &elements, Codec::H264, sink)
            }
            other => bail!(
                "the camera sends {}; set it to H.264 or H.265",
                other.unwrap_or("a video format that it does not name")
            ),
        }
    });
    Ok(())
}

/// `source ! bin`, then whatever the bin finds: encoded pads of a known codec pass, raw ones are encoded.
fn autoplug(
    pipeline: &gst::Pipeline,
    source: &gst::Element,
    bin: &str,
    sink: &gst_app::AppSink,
    realtime: bool,
) -> Result<()> {
    let bin = element(bin)?;
    pipeline.add_many([source, &bin]).context("adding elements")?;
    source.link(&bin).context("linking the source")?;
    on_pad(pipeline, &bin, sink, move |pipeline, pad, sink| {
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let name = caps.structure(0).map(|s| s.name().to_string()).unwrap_or_default();
        if !name.starts_with("video/") && !name.starts_with("image/") {
            return Ok(());
        }
        let mut elements = Vec::new();
        if realtime {
            elements.push(element("clocksync")?);
        }
        if let Some(codec) = Codec::from_media_type(&name) {
            return chain(pipeline, pad, &elements, codec, sink);
        }
        if name != "video/x-raw" {
            elements.push(decoder_for(&caps)?);
        }
        elements.extend(encoding_chain()?);
        chain(pipeline, pad, &elements, Codec::H264, sink)
    });
    Ok(())
}

fn test(pipeline: &gst::Pipeline, pattern: &str, sink: &gst_app::AppSink) -> Result<()> {
    let source = element("videotestsrc")?;
    let known = source.find_property("pattern").and_then(|p| glib::EnumClass::with_type(p.value_type()));
    if known.is_none_or(|k| k.value_by_nick(pattern).is_none()) {
        bail!("test://{pattern}: no such pattern; try test://ball or test://smpte");
    }
    source.set_property_from_str("pattern", pattern);
    source.set_property("is-live", true);
    let caps = gst::Caps::builder("video/x-raw")
        .field("width", 640)
        .field("height", 360)
        .field("framerate", gst::Fraction::new(15, 1))
        .build();
    let filter = capsfilter(&caps)?;
    let mut elements = vec![filter];
    elements.extend(encoding_chain()?);
    pipeline.add(&source).context("adding videotestsrc")?;
    let pad = source.static_pad("src").context("videotestsrc has no source pad")?;
    chain(pipeline, &pad, &elements, Codec::H264, sink)
}

/// `pad ! elements… ! parser ! ring caps ! sink`, brought to the pipeline's state.
fn chain(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    elements: &[gst::Element],
    codec: Codec,
    sink: &gst_app::AppSink,
) -> Result<()> {
    if sink.static_pad("sink").is_some_and(|p| p.is_linked()) {
        tracing::debug!("a second video stream is left alone");
        return Ok(());
    }
    let parser = element(codec.parser())?;
    let filter = capsfilter(&codec.ring_caps())?;
    let mut all = elements.to_vec();
    all.extend([parser, filter]);
    pipeline.add_many(&all).context("adding elements")?;
    let mut whole: Vec<&gst::Element> = all.iter().collect();
    whole.push(sink.upcast_ref());
    gst::Element::link_many(whole).context("linking")?;
    for element in all.iter().rev() {
        element.sync_state_with_parent().context("starting an element")?;
    }
    let first = all.first().and_then(|e| e.static_pad("sink")).context("no sink pad")?;
    pad.link(&first).context("linking the stream")?;
    Ok(())
}

/// Raw video to H.264 without B-frames.
pub(crate) fn encoding_chain() -> Result<Vec<gst::Element>> {
    let i420 = gst::Caps::builder("video/x-raw").field("format", "I420").build();
    Ok(vec![element("videoconvert")?, capsfilter(&i420)?, encoder(4_000_000, 30)?])
}

/// A software H.264 encoder: OpenH264 (BSD) before x264 (GPL).
pub(crate) fn encoder(bits_per_second: u32, keyframe_every: u32) -> Result<gst::Element> {
    if let Ok(encoder) = element("openh264enc") {
        encoder.set_property("bitrate", bits_per_second);
        encoder.set_property("gop-size", keyframe_every);
        encoder.set_property("multi-thread", 1_u32);
        encoder.set_property_from_str("rate-control", "bitrate");
        encoder.set_property_from_str("complexity", "low");
        return Ok(encoder);
    }
    let encoder = element("x264enc").context("neither openh264enc nor x264enc is there")?;
    encoder.set_property("bitrate", bits_per_second / 1_000);
    encoder.set_property("key-int-max", keyframe_every);
    encoder.set_property_from_str("tune", "zerolatency");
    encoder.set_property_from_str("speed-preset", "superfast");
    Ok(encoder)
}

/// Calls `link` for every pad that `element` grows; an error goes to the bus as the pipeline's own.
/// Only weak references go into the closure: a strong one would keep the whole camera alive.
fn on_pad(
    pipeline: &gst::Pipeline,
    element: &gst::Element,
    sink: &gst_app::AppSink,
    link: impl Fn(&gst::Pipeline, &gst::Pad, &gst_app::AppSink) -> Result<()> + Send + Sync + 'static,
) {
    let (pipeline, sink) = (pipeline.downgrade(), sink.downgrade());
    element.connect_pad_added(move |element, pad| {
        let (Some(pipeline), Some(sink)) = (pipeline.upgrade(), sink.upgrade()) else { return };
        if let Err(error) = link(&pipeline, pad, &sink) {
            gst::element_error!(element, gst::StreamError::Format, ("{error:#}"));
        }
    });
}

/// Converts and scales to exactly the size asked: with borders, as is its default, shares of the picture (masks,
/// zones, boxes) would no longer be where they are.
pub(crate) fn scaler() -> Result<gst::Element> {
    let scaler = element("videoconvertscale")?;
    scaler.set_property("add-borders", false);
    Ok(scaler)
}

pub(crate) fn element(name: &str) -> Result<gst::Element> {
    gst::ElementFactory::make(name)
        .build()
        .with_context(|| format!("GStreamer element {name} is missing: run deploy/setup.sh"))
}

pub(crate) fn capsfilter(caps: &gst::Caps) -> Result<gst::Element> {
    let filter = element("capsfilter")?;
    filter.set_property("caps", caps);
    Ok(filter)
}

/// What an error message says, in one line; what a camera's installer can mend, in his words first.
pub(crate) fn error_text(message: &gst::MessageRef) -> Option<String> {
    let gst::MessageView::Error(error) = message.view() else { return None };
    let detail = error.debug().and_then(|d| d.lines().last().map(str::to_owned));
    let text = match detail {
        Some(detail) if !detail.is_empty() => format!("{} ({detail})", error.error()),
        _ => error.error().to_string(),
    };
    let is_rtsp = message.src().and_then(|s| s.downcast_ref::<gst::Element>()).and_then(|e| e.factory());
    if is_rtsp.is_none_or(|factory| factory.name() != "rtspsrc") {
        return Some(text);
    }
    let words = match error.error().kind::<gst::ResourceError>() {
        Some(gst::ResourceError::NotAuthorized) => REFUSES_PASSWORD,
        Some(gst::ResourceError::NotFound) => "the camera has no stream at this path",
        Some(gst::ResourceError::OpenRead | gst::ResourceError::OpenReadWrite) => {
            "cannot connect to the camera"
        }
        _ => return Some(text),
    };
    Some(format!("{words}: {text}"))
}

/// Waits until the pipeline has come to its end; [`Hangs`](super::decode::Hangs) when it does not.
pub(crate) fn wait_for_end(pipeline: &gst::Pipeline, limit: gst::ClockTime) -> Result<()> {
    let bus = pipeline.bus().context("a pipeline has a bus")?;
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = bus.timed_pop_filtered(limit, &ends).ok_or(super::decode::Hangs(limit.into()))?;
    match error_text(&message) {
        Some(problem) => Err(anyhow!(problem)),
        None => Ok(()),
    }
}
