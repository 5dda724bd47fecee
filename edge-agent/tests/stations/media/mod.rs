//! Streams that the tests make themselves: a moving test picture, encoded as asked.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::time::Duration;

use edge_agent::camera;
use gstreamer as gst;
use gstreamer::prelude::*;

/// A program of which a failed test leaves nothing.
pub(crate) struct Running(pub(crate) std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for a condition, and fails with its name after 30 seconds.
pub(crate) fn wait_for(what: &str, condition: impl FnMut() -> bool) {
    wait_for_within(what, 30, condition);
}

pub(crate) fn wait_for_within(what: &str, seconds: u32, mut condition: impl FnMut() -> bool) {
    for _ in 0..seconds * 50 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited {seconds} s for {what}");
}

/// A stream of 25 pictures per second with a keyframe every second.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(crate) encoder: &'static str,
    pub(crate) parser: &'static str,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) seconds: usize,
}

impl Stream {
    pub(crate) fn h264(seconds: usize) -> Self {
        Self {
            encoder: "x264enc speed-preset=ultrafast tune=zerolatency key-int-max=25",
            parser: "h264parse",
            width: 320,
            height: 180,
            seconds,
        }
    }

    /// With pictures that are encoded after later ones.
    pub(crate) fn h264_b_frames(seconds: usize) -> Self {
        let encoder = "x264enc speed-preset=veryfast bframes=3 b-adapt=false b-pyramid=true key-int-max=25";
        Self { encoder, ..Self::h264(seconds) }
    }

    pub(crate) fn h265(seconds: usize) -> Self {
        Self {
            encoder: "x265enc speed-preset=ultrafast key-int-max=25 option-string=bframes=3:b-adapt=0",
            parser: "h265parse",
            ..Self::h264(seconds)
        }
    }

    /// A picture at a time, as old cameras send it.
    pub(crate) fn mjpeg() -> Self {
        Self { encoder: "jpegenc", parser: "jpegparse", ..Self::h264(0) }
    }

    fn pictures(&self) -> String {
        format!(
            "video/x-raw,format=I420,width={},height={},framerate=25/1 ! {} ! {}",
            self.width, self.height, self.encoder, self.parser
        )
    }

    /// As a description for an RTSP server, endless and at real time.
    pub(crate) fn live(&self) -> String {
        let pay = match self.parser {
            "h264parse" => "rtph264pay",
            "h265parse" => "rtph265pay",
            _ => "rtpjpegpay",
        };
        let pt = if pay == "rtpjpegpay" { 26 } else { 96 };
        format!("( videotestsrc is-live=true pattern=ball ! {} ! {pay} name=pay0 pt={pt} )", self.pictures())
    }

    /// As an MP4 file.
    pub(crate) fn write(&self) -> tempfile::NamedTempFile {
        self.written(&format!("videotestsrc pattern=ball num-buffers={}", self.seconds * 25))
    }

    /// The same, after so many seconds of a black picture.
    pub(crate) fn write_after_black(&self, seconds: usize) -> tempfile::NamedTempFile {
        self.written(&format!(
            "videotestsrc pattern=black num-buffers={} ! film. videotestsrc pattern=ball num-buffers={} ! film. concat name=film",
            seconds * 25,
            self.seconds * 25
        ))
    }

    fn written(&self, source: &str) -> tempfile::NamedTempFile {
        camera::init().unwrap();
        let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
        let description =
            format!("{source} ! {} ! mp4mux ! filesink location={}", self.pictures(), file.path().display());
        let pipeline = gst::parse::launch(&description).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let ends = [gst::MessageType::Eos, gst::MessageType::Error];
        let message = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &ends);
        pipeline.set_state(gst::State::Null).unwrap();
        assert_eq!(message.map(|m| m.type_()), Some(gst::MessageType::Eos), "{description}");
        file
    }
}

impl Stream {
    /// As a file whose pictures all build on one that is not in it.
    pub(crate) fn without_keyframes(&self) -> tempfile::NamedTempFile {
        let whole = self.write();
        let description = format!(
            "filesrc location={} ! qtdemux ! h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au \
             ! appsink name=out sync=false",
            whole.path().display()
        );
        let film = tempfile::Builder::new().suffix(".h264").tempfile().unwrap();
        let units = pull(&description, |sample| sample.buffer().unwrap().map_readable().unwrap().to_vec());
        // Everything but slices of an IDR picture (type 5): the parameter sets stay.
        let nals = units.iter().flat_map(|unit| split(unit)).filter(|nal| nal[0] & 0x1f != 5);
        let bytes: Vec<u8> = nals.flat_map(|nal| [&[0, 0, 0, 1], nal].concat()).collect();
        std::fs::write(film.path(), bytes).unwrap();
        film
    }
}

/// The parts of a byte stream between its start codes.
fn split(unit: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> =
        (0..unit.len().saturating_sub(3)).filter(|at| unit[*at..].starts_with(&[0, 0, 1])).collect();
    let ends = starts.iter().skip(1).copied().chain([unit.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let nal = &unit[start + 3..end];
            // The zero before a start code of four bytes belongs to neither.
            nal.strip_suffix(&[0]).unwrap_or(nal)
        })
        .collect()
}

/// A camera on the network: a real RTSP server on a port of its own.
pub(crate) struct RtspCamera {
    server: gstreamer_rtsp_server::RTSPServer,
    source: Option<gst::glib::Source>,
    main_loop: gst::glib::MainLoop,
    thread: Option<std::thread::JoinHandle<()>>,
    scheme: &'static str,
    pub(crate) port: u16,
}

/// To whom a camera shows its stream.
enum Guard {
    Open,
    /// `admin` with the password `secret`, sent as it is.
    Basic,
    /// The same, by digest and over TLS only.
    /// Certificate and key as PEM.
    DigestOverTls(String),
}

/// Signs certificates of cameras.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        Self { pem: params.self_signed(&key).unwrap().pem(), issuer: rcgen::Issuer::new(params, key) }
    }
}

fn named(name: &str) -> rcgen::CertificateParams {
    let mut params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params
}

impl RtspCamera {
    pub(crate) fn serve(stream: &Stream) -> Self {
        Self::serve_at(stream, 0)
    }

    /// Shows its stream to `admin` with the password `secret` only.
    pub(crate) fn serve_guarded(stream: &Stream) -> Self {
        Self::start(stream, 0, &Guard::Basic)
    }

    /// As [`serve_guarded`](Self::serve_guarded), by digest and over TLS, with a certificate of `authority` for `name`. Also
    /// gives that certificate's SHA-256.
    pub(crate) fn serve_secured(stream: &Stream, name: &str, authority: &Authority) -> (Self, String) {
        use sha2::{Digest as _, Sha256};
        let key = rcgen::KeyPair::generate().unwrap();
        let own = named(name).signed_by(&key, &authority.issuer).unwrap();
        let fingerprint = hex::encode(Sha256::digest(own.der()));
        (Self::start(stream, 0, &Guard::DigestOverTls(own.pem() + &key.serialize_pem())), fingerprint)
    }

    /// `port` 0: any free one.
    pub(crate) fn serve_at(stream: &Stream, port: u16) -> Self {
        Self::start(stream, port, &Guard::Open)
    }

    fn start(stream: &Stream, port: u16, guard: &Guard) -> Self {
        use gstreamer_rtsp_server::prelude::*;
        camera::init().unwrap();
        let context = gst::glib::MainContext::new();
        let server = gstreamer_rtsp_server::RTSPServer::new();
        server.set_address("127.0.0.1");
        server.set_service(&port.to_string());
        let factory = gstreamer_rtsp_server::RTSPMediaFactory::new();
        factory.set_launch(&stream.live());
        factory.set_shared(true);
        Self::guard(&server, &factory, guard);
        server.mount_points().unwrap().add_factory("/live", factory);
        let source = server.create_source(gio::Cancellable::NONE).unwrap();
        source.attach(Some(&context));
        let port = u16::try_from(server.bound_port()).unwrap();
        let main_loop = gst::glib::MainLoop::new(Some(&context), false);
        let thread = {
            let main_loop = main_loop.clone();
            std::thread::spawn(move || context.with_thread_default(|| main_loop.run()).unwrap())
        };
        let scheme = if matches!(guard, Guard::DigestOverTls(_)) { "rtsps" } else { "rtsp" };
        Self { server, source: Some(source), main_loop, thread: Some(thread), scheme, port }
    }

    fn guard(
        server: &gstreamer_rtsp_server::RTSPServer,
        factory: &gstreamer_rtsp_server::RTSPMediaFactory,
        guard: &Guard,
    ) {
        use gstreamer_rtsp_server as rtsp;
        use gstreamer_rtsp_server::prelude::*;
        let auth = rtsp::RTSPAuth::new();
        let token = rtsp::RTSPToken::builder().field(rtsp::RTSP_TOKEN_MEDIA_FACTORY_ROLE, "admin").build();
        match guard {
            Guard::Open => return,
            Guard::Basic => auth.add_basic(&rtsp::RTSPAuth::make_basic("admin", "secret"), &token),
            Guard::DigestOverTls(pem) => {
                auth.set_tls_certificate(Some(&gio::TlsCertificate::from_pem(pem).unwrap()));
                auth.set_supported_methods(rtsp::gst_rtsp::RTSPAuthMethod::Digest);
                auth.add_digest("admin", "secret", &token);
            }
        }
        let role = gst::Structure::builder("admin")
            .field(rtsp::RTSP_PERM_MEDIA_FACTORY_ACCESS, true)
            .field(rtsp::RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, true)
            .build();
        factory.add_role_from_structure(&role);
        server.set_auth(Some(&auth));
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://127.0.0.1:{}/live", self.scheme, self.port)
    }
}

/// Pulls the plug: every connection breaks, the port is free.
impl Drop for RtspCamera {
    fn drop(&mut self) {
        use gstreamer_rtsp_server::prelude::*;
        self.source.take().unwrap().destroy();
        // Removing closes; closing it here as well makes its watch spin on a stream that is gone.
        self.server.client_filter(Some(&mut |_, _| gstreamer_rtsp_server::RTSPFilterResult::Remove));
        self.main_loop.quit();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// The encoded units of an MP4 file as they lie in it: bytes, presentation and decoding time.
pub(crate) fn demux(path: &std::path::Path) -> Vec<(Vec<u8>, u64, u64)> {
    let description = format!("filesrc location={} ! qtdemux ! appsink name=out sync=false", path.display());
    pull(&description, |sample| {
        let buffer = sample.buffer().unwrap();
        let time = |t: Option<gst::ClockTime>| t.unwrap().useconds();
        (buffer.map_readable().unwrap().to_vec(), time(buffer.pts()), time(buffer.dts()))
    })
}

/// The pictures of an MP4 file: width and I420 bytes.
pub(crate) fn decode(path: &std::path::Path) -> Vec<(usize, Vec<u8>)> {
    let description = format!(
        "filesrc location={} ! decodebin ! videoconvert ! video/x-raw,format=I420 ! appsink name=out sync=false",
        path.display()
    );
    pull(&description, |sample| {
        let width: i32 = sample.caps().unwrap().structure(0).unwrap().get("width").unwrap();
        (width as usize, sample.buffer().unwrap().map_readable().unwrap().to_vec())
    })
}

fn pull<T>(description: &str, mut read: impl FnMut(&gst::Sample) -> T) -> Vec<T> {
    camera::init().unwrap();
    let pipeline = gst::parse::launch(description).unwrap().downcast::<gst::Pipeline>().unwrap();
    let sink = pipeline.by_name("out").unwrap().downcast::<gstreamer_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut all = Vec::new();
    while let Ok(sample) = sink.pull_sample() {
        all.push(read(&sample));
    }
    let failed = pipeline.bus().unwrap().pop_filtered(&[gst::MessageType::Error]);
    pipeline.set_state(gst::State::Null).unwrap();
    assert!(failed.is_none(), "{description}: {failed:?}");
    all
}
