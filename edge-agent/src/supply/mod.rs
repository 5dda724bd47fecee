//! `edge-agent models`: which models there are and whether they are right; fetching, importing, bundling, removing them.
//!
//! What is done to files stands in the `models` crate; here are the configuration's words and the terminal's.

mod list;
mod progress;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args as ClapArgs, Subcommand};
use models::supply::{self, Outcome, Report, Shelf, State, SupplyError, Way};
use models::{ModelStore, manifest};
use protocol::{Clock as _, SystemClock};

use crate::config::{Config, Reading, in_force};
use crate::{detector, say, stations};
use progress::Progress;

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Folder of models [default: `[agent] models` of the configuration, else `models` of its data folder]
    #[arg(long, global = true, value_name = "DIR")]
    models: Option<PathBuf>,
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Every model that is known of: what is there, and who vouches for it
    List {
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Fetches models and installs them; without a name those that the configuration names
    Fetch {
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// A server of your own that has NAME/VERSION/FILE, by http or https
        #[arg(long, value_name = "URL")]
        mirror: Option<String>,
        /// Every model of the manifest
        #[arg(long, conflicts_with = "names")]
        all: bool,
    },
    /// Installs the models of a bundle, of another box's folder, or whose files lie anywhere on a stick
    Import {
        #[arg(value_name = "DIR")]
        from: PathBuf,
    },
    /// Holds installed models against their hashes
    Verify {
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Takes a model away, or one version of it
    Remove {
        #[arg(value_name = "NAME[@VERSION]")]
        model: String,
        /// Also one that the configuration names
        #[arg(long)]
        force: bool,
    },
    /// Writes a folder for a site without a network; without a name with every model that is installed
    Bundle {
        #[arg(value_name = "DIR")]
        to: PathBuf,
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
}

/// Where models are looked for and put, and which of them the configuration names.
struct Site {
    store: ModelStore,
    /// With those that come with the product: they are shown and used, not moved about.
    shown: ModelStore,
    folder: PathBuf,
    /// The box itself does not look into `folder`.
    unsearched: bool,
    used: BTreeSet<String>,
    /// Date of what is installed now.
    at: String,
}

impl Site {
    fn new(option: Option<&Path>, config: Option<&Path>) -> Result<Self> {
        let reading = Reading { lenient: true, models: option.map(Path::to_owned), ..Reading::default() };
        let installed = Config::load_as(config, &reading)?;
        let config = in_force(&installed.agent.data_dir.clone(), installed);
        let named = option.map(Path::to_owned).or_else(|| config.agent.models.clone());
        let unsearched = named.is_none();
        let folder = named.unwrap_or_else(|| config.agent.data_dir.join("models"));
        let searched = detector::store(option.map(Path::to_owned), config.agent.models.clone());
        let (mut folders, mut shown) = (stations::without_own(&searched), searched.folders().to_vec());
        if unsearched {
            folders.insert(0, folder.clone());
            shown.insert(0, folder.clone());
        }
        let (store, shown) = (ModelStore::new(folders), ModelStore::new(shown));
        let used = used_by(&config, &shown);
        Ok(Self { store, shown, folder, unsearched, used, at: SystemClock::new().now().to_string() })
    }

    fn shelf(&self, act: &str) -> Result<Shelf> {
        let shelf = Shelf::open(&self.folder, act).map_err(told)?;
        if self.unsearched {
            say::complain(format_args!(
                "models lie in {0}; the box looks there once its configuration says [agent] models = {0:?}",
                self.folder.display().to_string()
            ));
        }
        Ok(shelf)
    }

    /// `names`, or all that are installed.
    fn installed_or(&self, names: &[String]) -> Vec<String> {
        if !names.is_empty() {
            return names.to_vec();
        }
        let there = |name: &String| match self.store.look(name) {
            Ok(entry) => entry.state != State::Absent,
            // It is there, and its description is wrong.
            Err(_) => true,
        };
        self.store.names().into_iter().filter(there).collect()
    }
}

/// Models that the configuration names, by its folders' names or paths, and the one that listens for speech.
fn used_by(config: &Config, store: &ModelStore) -> BTreeSet<String> {
    let mut words: Vec<&str> = Vec::new();
    if config.detector.enabled {
        words.extend(config.detector.models.iter().map(String::as_str));
        words.push(&config.detector.pose);
    }
    if let Some(calls) = &config.calls {
        words.extend([&calls.speech_model, &calls.live_model].into_iter().flatten().map(String::as_str));
        words.push("silero-vad");
    }
    let names = store.names().into_iter();
    let names_it = |word: &str, name: &str| {
        let version = store.model(name).map(|m| m.version).unwrap_or_default();
        word == name
            || Path::new(word).ends_with(name)
            || Path::new(word).ends_with(Path::new(name).join(version))
    };
    names.filter(|name| words.iter().any(|word| names_it(word, name))).collect()
}

/// The error with its causes, each once, and what to do.
fn told(error: SupplyError) -> anyhow::Error {
    anyhow::Error::msg(words(&error))
}

fn words(error: &SupplyError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

pub fn run(args: &Args, config: Option<&Path>) -> Result<ExitCode> {
    let site = Site::new(args.models.as_deref(), config)?;
    let good = match &args.act {
        Act::List { json } => {
            list::run(&site, *json)?;
            true
        }
        Act::Fetch { names, mirror, all } => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .context("starting the runtime")?;
            runtime.block_on(fetch(&site, names, mirror.as_deref(), *all))?
        }
        Act::Import { from } => {
            let shelf = site.shelf(&format!("importing from {}", from.display()))?;
            let told_of = |name: &str| say::complain(format_args!("{name} …"));
            let reports = supply::import(&shelf, &site.store, from, &site.at, told_of).map_err(told)?;
            show(&reports, "imported to")
        }
        Act::Verify { names } => list::verify(&site, &site.installed_or(names)),
        Act::Remove { model, force } => {
            remove(&site, model, *force)?;
            true
        }
        Act::Bundle { to, names } => {
            let names = site.installed_or(names);
            ensure!(
                !names.is_empty(),
                "nothing is installed in {}: `edge-agent models fetch`, or name what to bundle",
                site.folder.display()
            );
            let shelf = Shelf::open(to, "bundling").map_err(told)?;
            let told_of = |name: &str| say::complain(format_args!("{name} …"));
            let reports = supply::bundle(&shelf, &site.store, &names, &site.at, told_of).map_err(told)?;
            show(&reports, "bundled in")
        }
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A line for each; whether all went well.
fn show(reports: &[Report], put: &str) -> bool {
    for Report { name, version, outcome } in reports {
        match outcome {
            Ok(Outcome::Put(place)) => say!("{name} {version}: {put} {}", place.display()),
            Ok(Outcome::There(place)) => say!("{name} {version}: is there already, {}", place.display()),
            Err(error) => say!("{name} {version}: FAILED: {}", words(error)),
        }
    }
    let failed = reports.iter().filter(|r| r.outcome.is_err()).count();
    if failed > 0 {
        say!("{failed} of {} failed", reports.len());
    }
    failed == 0
}

async fn fetch(site: &Site, names: &[String], mirror: Option<&str>, all: bool) -> Result<bool> {
    let way = Way::new(mirror).map_err(told)?;
    let by_configuration = names.is_empty() && !all;
    let wanted: Vec<String> = match () {
        () if all => manifest().models.iter().filter(|m| !m.bundled).map(|m| m.name.clone()).collect(),
        () if by_configuration => site.used.iter().cloned().collect(),
        () => names.to_vec(),
    };
    if wanted.is_empty() {
        bail!("the configuration names no model; name one of `edge-agent models list`");
    }
    let shelf = site.shelf(&format!("fetching {}", wanted.join(", ")))?;
    let (mut reports, mut progress) = (Vec::new(), Progress::new());
    for name in wanted {
        let pause = async |time| tokio::time::sleep(time).await;
        let mut on = |file: &str, event| progress.show(&name, file, &event);
        let outcome = supply::fetch(&shelf, &site.store, &name, &way, &site.at, &pause, &mut on).await;
        progress.end();
        match outcome {
            // Nobody asked for it by name, and the box does without.
            Err(error @ SupplyError::NoAddress { .. }) if by_configuration || all => {
                say!("{name}: left out: {}", words(&error));
            }
            outcome => {
                let version = site.store.model(&name).map(|m| m.version).unwrap_or_default();
                reports.push(Report { name, version, outcome });
            }
        }
    }
    Ok(show(&reports, "installed in"))
}

fn remove(site: &Site, model: &str, force: bool) -> Result<()> {
    let (name, version) = match model.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (model, None),
    };
    // Another version than the one in use is nobody's loss.
    let in_use = site.store.model(name).is_ok_and(|m| version.is_none_or(|v| v == m.version));
    ensure!(
        force || !in_use || !site.used.contains(name),
        "{name} is named by the configuration: take it out there first, or say --force"
    );
    let shelf = site.shelf(&format!("removing {model}"))?;
    for gone in supply::remove(&shelf, &site.store, name, version).map_err(told)? {
        say!("removed {}", gone.display());
    }
    Ok(())
}
