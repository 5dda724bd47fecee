//! `simulate`: the world around the product, one piece per subcommand.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use protocol::{Chance, SystemClock};
use world::call::Call;
use world::rtsp::{Cameras, Clip, Codec};
use world::scene::Scene;
use world::speech::{self, Dialogue};

#[derive(Parser)]
#[command(name = "simulate", version, about = "Simulated cameras, callers, operators and browsers")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Draw a clip of people walking through a street, with its truth
    Scene(SceneArgs),
    /// Synthesise a two-sided hotline call: caller.wav, operator.wav, script.json
    Speech(SpeechArgs),
    /// Serve clips as live RTSP cameras; commands on standard input: stop, start, kill, freeze NAME
    Rtsp(RtspArgs),
    /// Place a two-sided call into a box
    Call(CallArgs),
}

#[derive(Args)]
struct SpeechArgs {
    /// Folder to write into
    #[arg(long)]
    out: PathBuf,
    #[arg(long, value_enum, default_value_t = Script::BlockedLane)]
    script: Script,
}

#[derive(Clone, Copy, ValueEnum)]
enum Script {
    BlockedLane,
    Fire,
}

#[derive(Args)]
struct RtspArgs {
    /// NAME=CLIP, several times; served at rtsp://ADDRESS/NAME
    #[arg(long = "mount", required = true, value_parser = mount)]
    mounts: Vec<(String, PathBuf)>,
    #[arg(long, default_value = "h264")]
    codec: Codec,
    /// ADDRESS:PORT; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: std::net::SocketAddr,
}

fn mount(text: &str) -> Result<(String, PathBuf), String> {
    let (name, clip) = text.split_once('=').ok_or("expected NAME=CLIP")?;
    Ok((name.to_owned(), clip.into()))
}

#[derive(Args)]
struct CallArgs {
    /// The box's AudioSocket, host:port
    #[arg(long)]
    audio: String,
    /// The box's call interface, http://host:port
    #[arg(long)]
    api: Option<String>,
    /// Folder with caller.wav and operator.wav
    #[arg(long)]
    speech: PathBuf,
    #[arg(long)]
    call_id: Option<uuid::Uuid>,
    #[arg(long, default_value = "13800001234")]
    number: String,
    #[arg(long, default_value = "01")]
    seat: String,
    /// 1 is real time
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
}

#[derive(Args)]
struct SceneArgs {
    /// MP4 to write
    #[arg(long)]
    out: PathBuf,
    /// JSON with every person's place in every frame
    #[arg(long)]
    truth: Option<PathBuf>,
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 12)]
    fps: u32,
    #[arg(long, default_value_t = 1280)]
    width: u32,
    #[arg(long, default_value_t = 720)]
    height: u32,
    /// B-frames between reference frames
    #[arg(long, default_value_t = 0)]
    bframes: u32,
    /// Nobody in the street
    #[arg(long)]
    empty: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Scene(args) => tokio::task::spawn_blocking(move || scene(&args)).await?,
        Command::Speech(args) => tokio::task::spawn_blocking(move || speech(&args)).await?,
        Command::Rtsp(args) => tokio::task::spawn_blocking(move || rtsp(&args)).await?,
        Command::Call(args) => call(args).await,
    }
}

fn scene(args: &SceneArgs) -> Result<()> {
    let mut scene = if args.empty {
        Scene::empty(args.seconds, args.seed)
    } else {
        Scene::standard(args.seconds, args.seed)
    };
    (scene.width, scene.height, scene.fps, scene.bframes) = (args.width, args.height, args.fps, args.bframes);
    let truth = scene.generate(&args.out).with_context(|| format!("drawing {}", args.out.display()))?;
    if let Some(path) = &args.truth {
        truth.write(path)?;
    }
    println!(
        "scene {} ({} s, seed {}, {} events)",
        args.out.display(),
        args.seconds,
        args.seed,
        truth.events.len()
    );
    Ok(())
}

fn speech(args: &SpeechArgs) -> Result<()> {
    let script = match args.script {
        Script::BlockedLane => speech::BLOCKED_LANE,
        Script::Fire => speech::FIRE,
    };
    let dialogue = Dialogue::synthesise(script)?;
    dialogue.write(&args.out)?;
    println!(
        "speech {} ({} ms, {} turns)",
        args.out.display(),
        dialogue.duration_ms(),
        dialogue.spoken.len()
    );
    Ok(())
}

fn rtsp(args: &RtspArgs) -> Result<()> {
    let cameras = Cameras::listen(&args.listen.ip().to_string(), args.listen.port())?;
    for (name, path) in &args.mounts {
        cameras.add(name, Arc::new(Clip::load(path, args.codec)?));
        println!("rtsp rtsp://{}:{}/{name}", args.listen.ip(), cameras.port());
    }
    println!("rtsp ready");
    for line in std::io::stdin().lines() {
        let line = line.context("reading commands")?;
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [] => {}
            ["stop", name] => cameras.stop(name),
            ["kill", name] => cameras.kill(name),
            ["freeze", name] => cameras.freeze(name),
            ["start", name] => {
                if let Err(e) = cameras.start(name) {
                    eprintln!("{e:#}");
                }
            }
            _ => eprintln!("{line:?} is none of: stop NAME, start NAME, kill NAME, freeze NAME"),
        }
    }
    // Standard input ended (started in the background): serve until killed.
    loop {
        std::thread::park();
    }
}

async fn call(args: CallArgs) -> Result<()> {
    let dialogue = Dialogue::read(&args.speech)?;
    let (chance, clock) = (Chance::from_os(), SystemClock::new());
    let mut call = Call::new(args.audio, args.api, &chance, &clock);
    call.call_id = args.call_id.unwrap_or(call.call_id);
    (call.number, call.seat, call.speed) = (args.number, args.seat, args.speed);
    println!("call {} begins ({} ms)", call.call_id, dialogue.duration_ms());
    call.place(&dialogue.caller, &dialogue.operator, &chance, &clock).await?;
    println!("call {} ended", call.call_id);
    Ok(())
}
