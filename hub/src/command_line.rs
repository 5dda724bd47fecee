//! What can be typed after `hub`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use hub::case::Source;
use hub::user::Role;
use protocol::{DeviceId, Severity};

/// The hub: takes incidents from boxes, makes cases of them, shows them to people.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    /// TOML file; every setting has a default.
    #[arg(long, global = true, env = "SHAODIAN_HUB_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of everything the hub keeps.
    #[arg(long, global = true)]
    pub(crate) data: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run until stopped.
    Run {
        /// Where to write the first administrator's password too, readable by this user only.
        #[arg(long)]
        first_password_file: Option<PathBuf>,
    },
    /// Read the configuration and say what is wrong with it.
    Check,
    /// MQTT brokers.
    #[command(subcommand)]
    Broker(BrokerCommand),
    /// Boxes.
    #[command(subcommand)]
    Device(DeviceCommand),
    /// People who log in.
    #[command(subcommand)]
    User(UserCommand),
    /// What operators may tell callers.
    #[command(subcommand)]
    Knowledge(KnowledgeCommand),
    /// Counties, towns, communities and grids.
    #[command(subcommand)]
    Area(SheetCommand),
    /// Departments and other bodies that handle cases.
    #[command(subcommand)]
    Unit(SheetCommand),
    /// Maps of grids: whose ground a point is.
    #[command(subcommand)]
    Grid(GridCommand),
    /// Who is on duty, and who leads the shift.
    #[command(subcommand)]
    Duty(SheetCommand),
    /// Hold the whole history of all cases against its hashes and signed roots, and name what does not fit.
    VerifyHistory {
        /// Also trust signatures of this key, in hexadecimal: another hub's on the same database.
        #[arg(long)]
        key: Vec<String>,
    },
    /// What may take how long, working days, and who is reminded when.
    #[command(subcommand)]
    Policy(PolicyCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum SheetCommand {
    /// Take rows from a CSV file in UTF-8; docs/WORKFLOW.md names its columns.
    Import {
        file: PathBuf,
        /// Say what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// A row a line.
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GridCommand {
    /// Check a map (GeoJSON) and put it in force; one with gaps, overlaps or grids that hang in the air is refused.
    Import {
        file: PathBuf,
        /// It was drawn on GCJ-02, as map services have it, not on WGS84.
        #[arg(long)]
        gcj02: bool,
        /// What changed, and why.
        #[arg(long, default_value = "")]
        note: String,
        /// Only say what is wrong with it.
        #[arg(long)]
        dry_run: bool,
    },
    /// List versions, the newest first.
    List,
    /// Say whose ground a point is.
    At {
        latitude: f64,
        longitude: f64,
        /// The point is in GCJ-02.
        #[arg(long)]
        gcj02: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Print the text of a version; the one in force when none is named.
    Show { version: Option<i64> },
    /// List versions, the newest first.
    List,
    /// Put a policy in force for what is filed from now on; one that is wrong is refused with everything that is.
    Import {
        file: PathBuf,
        /// What changed, and why.
        #[arg(long, default_value = "")]
        note: String,
        /// Only say what is wrong with it.
        #[arg(long)]
        dry_run: bool,
    },
    /// Say which limits a case would get, and when they would end.
    Due {
        /// camera, call, device, worker, citizen or platform.
        #[arg(long, value_parser = read_source)]
        source: Option<Source>,
        /// emergency, major, normal or notice.
        #[arg(long)]
        severity: Option<Severity>,
        #[arg(long, default_value = "")]
        category: String,
        /// enquiry, complaint, request, suggestion, report or praise.
        #[arg(long, default_value = "")]
        matter: String,
        /// It lies in a village.
        #[arg(long)]
        rural: bool,
        /// When it begins, local: 2026-02-13T10:00:00; now when left out.
        #[arg(long)]
        from: Option<String>,
    },
}

pub(crate) fn read_source(text: &str) -> Result<Source, String> {
    let all = || Source::ALL.map(Source::as_str).join(", ");
    Source::parse(text).ok_or_else(|| format!("{text:?} is not one of {}", all()))
}

#[derive(Debug, Subcommand)]
pub(crate) enum KnowledgeCommand {
    /// Take entries from a CSV file in UTF-8, as a spreadsheet exports it; docs/HOTLINE.md names its columns.
    Import {
        file: PathBuf,
        /// Say what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
        /// Remove entries that are not in the file.
        #[arg(long)]
        replace: bool,
        /// Leave bad rows out instead of importing nothing.
        #[arg(long)]
        skip_bad: bool,
    },
    /// List entries: id, validity, categories, unit, title.
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user; prints the generated password.
    Add {
        name: String,
        #[command(flatten)]
        grant: GrantArgs,
    },
    /// Give a user one more role somewhere.
    Grant {
        name: String,
        #[command(flatten)]
        grant: GrantArgs,
    },
    /// Take a role away; it holds from the next click on.
    Revoke {
        name: String,
        #[command(flatten)]
        grant: GrantArgs,
    },
    /// List users, a role a line: name, role, area, unit.
    List,
    /// Give a user a new generated password, print it, and end the user's sessions.
    Password { name: String },
}

#[derive(Debug, Args)]
pub(crate) struct GrantArgs {
    /// administrator, operator, commander, shift_leader, dispatcher, department_head, handler, town_officer,
    /// community_officer, grid_manager, informant, attendant, evaluator, installer or auditor.
    #[arg(long, default_value = "operator")]
    pub(crate) role: Role,
    /// Id of the area in which it holds; everywhere when left out.
    #[arg(long)]
    pub(crate) area: Option<String>,
    /// Id of the unit, of who works in one.
    #[arg(long)]
    pub(crate) unit: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BrokerCommand {
    /// Write a ready configuration for Mosquitto, with certificates of the hub's authority and the ACL.
    MosquittoConfig {
        folder: PathBuf,
        /// Port it listens on; without it the one at `[broker] port`.
        #[arg(long)]
        port: Option<u16>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// Add a box, or give a known one a new code; prints the one-time code for `edge-agent enrol`.
    Add {
        name: DeviceId,
        /// What people call it.
        #[arg(long)]
        title: Option<String>,
        /// Id of the area in which it stands.
        #[arg(long)]
        area: Option<String>,
    },
    /// Say in which area a box stands: what it raises from now on lies there.
    Place { name: DeviceId, area: String },
    /// List boxes.
    List,
    /// Shut a box out at once.
    Disable { name: DeviceId },
    /// Let a disabled box in again.
    Enable { name: DeviceId },
}
