//! `simulate`: the world around the product, one piece per subcommand.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use protocol::{Chance, IncidentKind, SystemClock};
use tokio::signal::unix::{SignalKind, signal};
use world::arrival;
use world::browser::Browser;
use world::call::Call;
use world::operator::{Operator, Ticket};
use world::process::end_with_parent;
use world::rtsp::{Cameras, Clip, Codec};
use world::rush;
use world::scene::{Scene, draw_stills, shoot, suite};
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
    /// Draw the suite of scenes for `edge-agent eval`: NAME.mp4, NAME.toml, NAME.truth.json each
    Scenes(ScenesArgs),
    /// Draw one clip in which nothing is to be told of, as `--test quiet` shows them to the analysis
    Quiet(QuietArgs),
    /// Draw single pictures of people, vehicles and what else stands about, with their boxes (truth.jsonl): to train a
    /// detector with and to measure it on
    Stills(StillsArgs),
    /// Synthesise a two-sided hotline call: caller.wav, operator.wav, script.json
    Speech(SpeechArgs),
    /// Serve clips as live RTSP cameras; commands on standard input: stop, start, kill, freeze NAME. Ends when that
    /// ends, unless it is /dev/null
    Rtsp(RtspArgs),
    /// Place a two-sided call into a box
    Call(CallArgs),
    /// Log in like a person, file a call's ticket, ask for its recording
    Operator(OperatorArgs),
    /// Take pictures of the hub's pages with headless Chromium
    Shot(ShotArgs),
    /// Hold the list of cases open in headless Chromium and tell how long camera incidents take until they stand on it
    Watch(WatchArgs),
    /// Place many two-leg calls at once into a box of their own, in real time, and tell how long words take, what is
    /// lost and what it costs
    Rush(RushArgs),
}

/// Where the hub is and who logs in.
#[derive(Args)]
struct Login {
    /// https://host:port, or http://127.0.0.1:port
    #[arg(long)]
    hub: String,
    /// Certificate authority of the hub (PEM)
    #[arg(long)]
    ca: Option<PathBuf>,
    #[arg(long, default_value = "admin")]
    name: String,
    #[arg(long, env = "SHAODIAN_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// File with the password in its first line
    #[arg(long, conflicts_with = "password")]
    password_file: Option<PathBuf>,
}

impl Login {
    fn password(&self) -> Result<String> {
        match (&self.password, &self.password_file) {
            (Some(password), _) => Ok(password.clone()),
            (None, Some(path)) => {
                let text =
                    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
                Ok(text.lines().next().unwrap_or_default().trim().to_owned())
            }
            (None, None) => anyhow::bail!("give --password-file, --password or SHAODIAN_PASSWORD"),
        }
    }
}

#[derive(Args)]
struct OperatorArgs {
    #[command(flatten)]
    login: Login,
    /// Call to work on
    #[arg(long)]
    call: String,
    /// What goes into the form; what the hub offers, else the first choice, when left out
    #[arg(long, default_value = "")]
    matter: String,
    #[arg(long, default_value = "")]
    category: String,
    #[arg(long, default_value = "")]
    urgency: String,
    #[arg(long, default_value = "")]
    place: String,
    #[arg(long, default_value = "")]
    summary: String,
    /// Ask for the recording with this purpose
    #[arg(long)]
    purpose: Option<String>,
    /// Where to put the recording
    #[arg(long, requires = "purpose")]
    recording: Option<PathBuf>,
}

#[derive(Args)]
struct ShotArgs {
    #[command(flatten)]
    login: Login,
    /// PATH=PNG, several times: /cases=cases.png
    #[arg(long = "page", required = true, value_parser = mount)]
    pages: Vec<(String, PathBuf)>,
    #[arg(long, default_value_t = 1366)]
    width: u32,
    #[arg(long, default_value_t = 768)]
    height: u32,
    #[arg(long)]
    dark: bool,
}

#[derive(Args)]
struct WatchArgs {
    #[command(flatten)]
    login: Login,
    /// End after this many incidents
    #[arg(long, default_value_t = 30)]
    incidents: usize,
    /// End after this time with what there is
    #[arg(long, default_value_t = 300)]
    seconds: u64,
}

#[derive(Args)]
struct RushArgs {
    /// Calls at once
    #[arg(long, default_value_t = 16)]
    calls: usize,
    /// Length of each
    #[arg(long, default_value_t = 45)]
    seconds: u64,
    /// Folder for what was said, for the bare engine to read
    #[arg(long)]
    out: PathBuf,
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

#[derive(Args)]
struct ScenesArgs {
    /// Folder to write into
    #[arg(long)]
    out: PathBuf,
    /// Methods are tuned on one set of seeds and reported on the other
    #[arg(long, value_enum, default_value_t = Seeds::Tuning)]
    set: Seeds,
    /// Rounds of the set: each draws every scene with another seed
    #[arg(long, default_value_t = 1)]
    rounds: u64,
    /// One seed instead of a set
    #[arg(long, conflicts_with_all = ["set", "rounds"])]
    seed: Option<u64>,
    /// Only scenes of this kind of incident
    #[arg(long)]
    kind: Option<IncidentKind>,
    /// Only scenes whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// Lists the scenes and what is due in them, draws nothing
    #[arg(long)]
    list: bool,
}

#[derive(Args)]
struct QuietArgs {
    /// Folder to write into
    #[arg(long)]
    out: PathBuf,
    /// Which clip: counts through places and skies
    #[arg(long)]
    number: u64,
    #[arg(long, default_value_t = 1_000)]
    seed: u64,
    #[arg(long, default_value_t = 1_800)]
    seconds: u16,
}

#[derive(Args)]
struct StillsArgs {
    /// Folder to write into
    #[arg(long)]
    out: PathBuf,
    /// Methods are tuned on one set of seeds and reported on the other
    #[arg(long, value_enum, default_value_t = Seeds::Tuning)]
    set: Seeds,
    /// Scenes; each gives three pictures
    #[arg(long, default_value_t = 100)]
    scenes: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Seeds {
    Tuning,
    Reporting,
}

impl From<Seeds> for suite::Set {
    fn from(seeds: Seeds) -> Self {
        match seeds {
            Seeds::Tuning => Self::Tuning,
            Seeds::Reporting => Self::Reporting,
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let command = Cli::parse().command;
    end_with_parent()?;
    let signal = tokio::select! {
        done = act(command) => return done,
        signal = ended() => signal?,
    };
    // What ran was dropped, a browser and its driver with it; blocking work would be waited for.
    eprintln!("simulate: ended by {signal}");
    std::process::exit(130)
}

/// The signal that ends this program.
async fn ended() -> Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

async fn act(command: Command) -> Result<()> {
    match command {
        Command::Scene(args) => tokio::task::spawn_blocking(move || scene(&args)).await?,
        Command::Scenes(args) => tokio::task::spawn_blocking(move || scenes(&args)).await?,
        Command::Quiet(args) => tokio::task::spawn_blocking(move || quiet(&args)).await?,
        Command::Stills(args) => tokio::task::spawn_blocking(move || stills(&args)).await?,
        Command::Speech(args) => tokio::task::spawn_blocking(move || speech(&args)).await?,
        Command::Rtsp(args) => tokio::task::spawn_blocking(move || rtsp(&args)).await?,
        Command::Call(args) => call(args).await,
        Command::Operator(args) => operator(args).await,
        Command::Shot(args) => shot(args).await,
        Command::Watch(args) => watch(args).await,
        Command::Rush(args) => {
            println!("{}", rush::measure(args.calls, args.seconds, &args.out).await?);
            Ok(())
        }
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

fn scenes(args: &ScenesArgs) -> Result<()> {
    let set = suite::Set::from(args.set);
    let seeds: Vec<u64> =
        args.seed.map_or_else(|| (0..args.rounds).map(|round| set.seed(round)).collect(), |seed| vec![seed]);
    let kinds: Vec<IncidentKind> = args.kind.map_or_else(|| suite::KINDS.to_vec(), |kind| vec![kind]);
    let all = seeds.iter().flat_map(|seed| kinds.iter().flat_map(|kind| suite::scenes(*kind, *seed)));
    let wanted = |name: &str| args.only.as_ref().is_none_or(|part| name.contains(part));
    let scripts: Vec<_> = all.filter(|script| wanted(&script.name)).collect();
    std::fs::create_dir_all(&args.out).with_context(|| format!("creating {}", args.out.display()))?;
    let (mut events, mut media_s) = (0, 0.0);
    for script in &scripts {
        let due = script.incidents();
        (events, media_s) = (events + due.len(), media_s + script.seconds);
        println!("{:<42} {:>4} s, {} due. {}", script.name, script.seconds, due.len(), script.note);
        if !args.list {
            shoot(script, &args.out)?;
        }
    }
    println!("{} scenes, {media_s:.0} s, {events} events", scripts.len());
    Ok(())
}

fn quiet(args: &QuietArgs) -> Result<()> {
    let script = suite::quiet::script(args.number, args.seed, f32::from(args.seconds));
    std::fs::create_dir_all(&args.out).with_context(|| format!("creating {}", args.out.display()))?;
    shoot(&script, &args.out)?;
    println!("{} ({} s). {}", script.name, script.seconds, script.note);
    Ok(())
}

fn stills(args: &StillsArgs) -> Result<()> {
    let set = suite::Set::from(args.set);
    let count = draw_stills((0..args.scenes).map(|n| suite::mixed::script(set.seed(n))), &args.out)?;
    println!("{count} pictures of {} scenes in {}", args.scenes, args.out.display());
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
    let nobody_commands = is_null(&std::io::stdin())?;
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
    // In the background there is nobody to give commands: the signal or the parent's end is the end.
    if nobody_commands {
        loop {
            std::thread::park();
        }
    }
    Ok(())
}

/// A device that is no terminal, `/dev/null` that is: it ends at once, which says nothing.
fn is_null(input: &std::io::Stdin) -> Result<bool> {
    let kind = rustix::fs::fstat(input).context("looking at standard input")?.st_mode;
    let device = rustix::fs::FileType::from_raw_mode(kind) == rustix::fs::FileType::CharacterDevice;
    Ok(device && !input.is_terminal())
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

async fn operator(args: OperatorArgs) -> Result<()> {
    let password = args.login.password()?;
    let person =
        Operator::login(&args.login.hub, args.login.ca.as_deref(), &args.login.name, &password).await?;
    let ticket = Ticket {
        matter: args.matter,
        category: args.category,
        urgency: args.urgency,
        place: args.place,
        summary: args.summary,
    };
    println!("filed {}", person.file(&args.call, &ticket).await?);
    if let Some(purpose) = &args.purpose {
        let sound = person.recording(&args.call, purpose, Duration::from_secs(60)).await?;
        println!("recording {} bytes", sound.len());
        if let Some(path) = &args.recording {
            std::fs::write(path, sound).with_context(|| format!("writing {}", path.display()))?;
        }
    }
    Ok(())
}

async fn shot(args: ShotArgs) -> Result<()> {
    let logs = tempfile::tempdir().context("a folder for the browser's log")?;
    let browser = Browser::open(args.width, args.height, logs.path()).await?;
    browser.scheme(args.dark).await?;
    let hub = args.login.hub.trim_end_matches('/');
    browser.login(hub, &args.login.name, &args.login.password()?).await?;
    for (page, png) in &args.pages {
        browser.go(&format!("{hub}{page}")).await?;
        // Pictures and the live feed belong to a page; a stuck one is photographed as it is.
        let whole = "const live = document.getElementById('live');
             return document.readyState === 'complete' && [...document.images].every(i => i.complete)
                 && (!live || document.getElementById('live-word').textContent === live.dataset.on)";
        if let Err(e) =
            browser.wait("the page's pictures and live feed", whole, Duration::from_secs(20)).await
        {
            eprintln!("{page}: {e:#}");
        }
        browser.screenshot(png).await?;
        println!("shot {page} {}", png.display());
    }
    Ok(())
}

async fn watch(args: WatchArgs) -> Result<()> {
    let logs = tempfile::tempdir().context("a folder for the browser's log")?;
    let password = args.login.password()?;
    let hub = args.login.hub.trim_end_matches('/');
    let person = Operator::login(hub, args.login.ca.as_deref(), &args.login.name, &password).await?;
    let browser = Browser::open(1366, 768, logs.path()).await?;
    browser.login(hub, &args.login.name, &password).await?;
    let bound = Duration::from_secs(args.seconds);
    let arrivals = arrival::watch(&browser, &person, hub, args.incidents, bound).await?;
    println!("{}", arrival::summary(&arrivals)?);
    Ok(())
}
