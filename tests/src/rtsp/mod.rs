//! Simulated cameras: a real RTSP server that plays clips live, in real time, round and round.
//!
//! Each mount can be stopped (a camera switched off), killed (its clients' connections cut without a word),
//! frozen (connected, but no more pictures) and started again. Mounts whose clips are of one length show the same
//! moment at the same time, as the streams of one camera do.

mod clip;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app::AppSrc;
use gstreamer_rtsp_server as gst_rtsp_server;
use gstreamer_rtsp_server::prelude::*;
use gstreamer_rtsp_server::{RTSPClient, RTSPMediaFactory, RTSPMountPoints, RTSPServer, RTSPThreadPool};

pub use clip::{Clip, Codec};

/// A running server. Stops when dropped.
pub struct Cameras {
    port: u16,
    mounts: RTSPMountPoints,
    channels: Mutex<HashMap<String, Channel>>,
    clients: Known,
    main_loop: glib::MainLoop,
    thread: Option<JoinHandle<()>>,
    /// When every clip began.
    epoch: gst::ClockTime,
}

#[derive(Clone)]
struct Channel {
    clip: Arc<Clip>,
    epoch: gst::ClockTime,
    control: Arc<Control>,
}

/// What the play-out thread of a mount looks at between units.
#[derive(Default)]
struct Control {
    frozen: AtomicBool,
    units_sent: AtomicU64,
    /// Sent from the next unit on, in the same session.
    next: Mutex<Option<Arc<Clip>>>,
}

impl Cameras {
    /// Listens on `address`; port 0 takes a free one.
    pub fn listen(address: &str, port: u16) -> Result<Self> {
        gst::init().context("starting GStreamer")?;
        let (told, tell) = mpsc::channel();
        let clients = Arc::new(Mutex::new(Vec::new()));
        let known = Arc::clone(&clients);
        let address = address.to_owned();
        // A GLib main context of its own, so that several servers and the caller do not share one.
        let thread = std::thread::Builder::new()
            .name("rtsp-server".into())
            .spawn(move || {
                let context = glib::MainContext::new();
                let main_loop = glib::MainLoop::new(Some(&context), false);
                let started = attach(&context, &address, port, known);
                let running = started.is_ok();
                let keep = started.as_ref().ok().map(|(server, ..)| server.clone());
                let report = started.map(|(_, mounts, port)| (mounts, port, main_loop.clone()));
                if told.send(report).is_ok() && running {
                    main_loop.run();
                }
                drop(keep);
            })
            .context("starting the RTSP thread")?;
        let (mounts, port, main_loop) = tell.recv().context("the RTSP thread ended early")??;
        let epoch = gst::SystemClock::obtain().time();
        Ok(Self { port, mounts, channels: Mutex::default(), clients, main_loop, thread: Some(thread), epoch })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where a camera on this machine is found.
    pub fn url(&self, mount: &str) -> String {
        format!("rtsp://127.0.0.1:{}/{mount}", self.port)
    }

    /// Puts a clip on air at `/{mount}`, to be seen from when the first client comes.
    pub fn add(&self, mount: &str, clip: Arc<Clip>) {
        let channel = Channel { clip, epoch: self.epoch, control: Arc::default() };
        self.lock().insert(mount.to_owned(), channel.clone());
        self.mounts.add_factory(&format!("/{mount}"), factory(&channel));
    }

    /// Switches a camera off: new clients are refused, present ones cut.
    pub fn stop(&self, mount: &str) {
        self.mounts.remove_factory(&format!("/{mount}"));
        self.kill(mount);
    }

    /// Switches it on again.
    pub fn start(&self, mount: &str) -> Result<()> {
        let channel =
            self.lock().get(mount).cloned().with_context(|| format!("no camera was ever named {mount:?}"))?;
        channel.control.frozen.store(false, Ordering::Relaxed);
        self.mounts.add_factory(&format!("/{mount}"), factory(&channel));
        Ok(())
    }

    /// Cuts the connections of a camera's clients; they may come back at once.
    pub fn kill(&self, mount: &str) {
        let suffix = format!("/{mount}");
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|(path, client)| {
            let Some(client) = client.upgrade() else { return false };
            if path.trim_end_matches('/').ends_with(&suffix) {
                client.close();
                return false;
            }
            true
        });
    }

    /// Changes what a camera sends. In the same codec the running session goes on with other pictures, as when its
    /// resolution is set; another codec needs a new session: clients are cut and come back to it.
    pub fn retune(&self, mount: &str, clip: Arc<Clip>) {
        let mut channels = self.lock();
        let Some(channel) = channels.get_mut(mount) else { return };
        let same_codec = channel.clip.codec == clip.codec;
        channel.clip = Arc::clone(&clip);
        if same_codec {
            *channel.control.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(clip);
        }
        let factory = factory(channel);
        drop(channels);
        self.mounts.add_factory(&format!("/{mount}"), factory);
        if !same_codec {
            self.kill(mount);
        }
    }

    /// A camera that hangs: stays connected and sends nothing more, until [`Cameras::start`].
    pub fn freeze(&self, mount: &str) {
        if let Some(channel) = self.lock().get(mount) {
            channel.control.frozen.store(true, Ordering::Relaxed);
        }
    }

    /// Encoded pictures sent on this mount so far.
    pub fn units_sent(&self, mount: &str) -> u64 {
        self.lock().get(mount).map_or(0, |c| c.control.units_sent.load(Ordering::Relaxed))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Channel>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cameras {
    fn drop(&mut self) {
        let mounts: Vec<String> = self.lock().keys().cloned().collect();
        for mount in mounts {
            self.stop(&mount);
        }
        self.main_loop.quit();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

type Known = Arc<Mutex<Vec<(String, glib::WeakRef<RTSPClient>)>>>;

fn attach(
    context: &glib::MainContext,
    address: &str,
    port: u16,
    known: Known,
) -> Result<(RTSPServer, RTSPMountPoints, u16)> {
    let server = RTSPServer::new();
    server.set_address(address);
    server.set_service(&port.to_string());
    // A client waits for the next keyframe of its clip; the others need not wait with it.
    let threads = RTSPThreadPool::new();
    threads.set_max_threads(-1);
    server.set_thread_pool(Some(&threads));
    server.connect_client_connected(move |_, client| {
        let known = Arc::clone(&known);
        client.connect_describe_request(move |client, request| {
            if let Some(uri) = request.uri() {
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                known.retain(|(_, c)| c.upgrade().is_some());
                known.push((uri.request_uri().to_string(), client.downgrade()));
            }
        });
    });
    server
        .attach(Some(context))
        .map_err(|e| anyhow!("listening on {address}:{port}: {e} (is the port taken?)"))?;
    let mounts = server.mount_points().context("a server has mount points")?;
    let bound = u16::try_from(server.bound_port()).context("the server has no port")?;
    Ok((server, mounts, bound))
}

/// Clients of a mount share one play-out, which starts with the first and ends with the last of them.
fn factory(channel: &Channel) -> RTSPMediaFactory {
    let codec = channel.clip.codec;
    let factory = RTSPMediaFactory::new();
    factory.set_shared(true);
    factory.set_protocols(gst_rtsp_server::gst_rtsp::RTSPLowerTrans::TCP);
    factory.set_launch(&format!(
        "( appsrc name=units is-live=true format=time max-bytes=8000000 ! {codec}parse \
         ! rtp{codec}pay name=pay0 pt=96 config-interval=-1 )"
    ));
    let channel = channel.clone();
    factory.connect_media_configure(move |_, media| {
        let element = media.element();
        let source = element
            .downcast_ref::<gst::Bin>()
            .and_then(|bin| bin.by_name("units"))
            .and_then(|e| e.downcast::<AppSrc>().ok());
        let Some(source) = source else { return };
        source.set_caps(Some(&channel.clip.caps));
        let channel = channel.clone();
        let weak = source.downgrade();
        let thread = std::thread::Builder::new().name("play-out".into());
        if let Err(e) = thread.spawn(move || play_out(&channel, &weak)) {
            tracing::error!("no thread for a camera: {e}");
        }
    });
    factory
}

/// Pushes the clip's units at their time, over and over, until the media is gone.
fn play_out(channel: &Channel, source: &glib::WeakRef<AppSrc>) {
    let clock = gst::SystemClock::obtain();
    let mut clip = Arc::clone(&channel.clip);
    // It has been playing all the time; who comes sees it from the next keyframe on.
    let began = clock.time();
    let played = (began - channel.epoch).nseconds() / clip.length.nseconds().max(1);
    let mut origin = channel.epoch + clip.length * played;
    let started = began - origin;
    let mut base = gst::ClockTime::ZERO;
    let mut waits = true;
    loop {
        let mut sent = gst::ClockTime::ZERO;
        let mut retuned = None;
        for unit in &clip.units {
            if waits {
                let keyframe = !unit.data.flags().contains(gst::BufferFlags::DELTA_UNIT);
                if base + unit.send_at < started || !keyframe {
                    continue;
                }
                waits = false;
            }
            let due = origin + base + unit.send_at;
            let _ = clock.new_single_shot_id(due).wait();
            while channel.control.frozen.load(Ordering::Relaxed) {
                if source.upgrade().is_none_or(|s| s.current_state() == gst::State::Null) {
                    return;
                }
                let nap = gst::ClockTime::from_mseconds(50);
                let _ = clock.new_single_shot_id(clock.time() + nap).wait();
                origin += nap;
            }
            retuned = channel.control.next.lock().unwrap_or_else(PoisonError::into_inner).take();
            if retuned.is_some() {
                break;
            }
            let Some(source) = source.upgrade() else { return };
            let mut buffer = unit.data.copy();
            if let Some(buffer) = buffer.get_mut() {
                buffer.set_pts((base + unit.pts).saturating_sub(started));
                buffer.set_dts((base + unit.send_at).saturating_sub(started));
            }
            if source.push_buffer(buffer).is_err() {
                return;
            }
            sent = unit.send_at;
            channel.control.units_sent.fetch_add(1, Ordering::Relaxed);
        }
        match retuned {
            None => base += clip.length,
            Some(next) => {
                base += sent + gst::ClockTime::from_mseconds(200);
                clip = next;
                if let Some(source) = source.upgrade() {
                    source.set_caps(Some(&clip.caps));
                }
            }
        }
    }
}
