//! What can be typed after `hub`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use hub::case::Source;
use hub::evaluation::Period;
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
    /// What a case can be filed under, and who usually answers for it.
    #[command(subcommand)]
    Category(CategoryCommand),
    /// Departments and other bodies that handle cases.
    #[command(subcommand)]
    Unit(SheetCommand),
    /// Maps of grids: whose ground a point is.
    #[command(subcommand)]
    Grid(GridCommand),
    /// Applications of others that report matters and read what became of them; docs/INTERFACES.md.
    #[command(subcommand)]
    Open311(Open311Command),
    /// Places by their names: where it is what callers tell of.
    #[command(subcommand)]
    Gazetteer(GazetteerCommand),
    /// What lies under the cases on a map.
    #[command(subcommand)]
    Basemap(BasemapCommand),
    /// Who is on duty, and who leads the shift.
    #[command(subcommand)]
    Duty(SheetCommand),
    /// Hold the whole history of all cases against its hashes and signed roots, and name what does not fit.
    VerifyHistory {
        /// Also trust signatures of this key, in hexadecimal: another hub's on the same database.
        #[arg(long)]
        key: Vec<String>,
    },
    /// The platform above, which sends tickets and asks for progress; docs/PLATFORM.md.
    #[command(subcommand)]
    Platform(PlatformCommand),
    /// What may take how long, working days, and who is reminded when.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Messages to groups, mailboxes, telephones and other systems.
    #[command(subcommand)]
    Outbound(OutboundCommand),
    /// What the cases come to: figures by unit, area, category and source.
    #[command(subcommand)]
    Evaluate(EvaluateCommand),
    /// Put everything the hub keeps into one file, while it runs; docs/OPERATIONS.md says more.
    Backup {
        /// A file that is not there yet.
        file: PathBuf,
        /// Leave the files of evidence out: they are copied another way.
        #[arg(long)]
        without_evidence: bool,
        /// Seal it with the passphrase in the first line of this file.
        #[arg(long)]
        passphrase_file: Option<PathBuf>,
    },
    /// Bring a backup back, into an empty data folder and an empty database.
    Restore {
        file: PathBuf,
        /// postgres://USER@HOST/DATABASE, or sqlite; without it the configured database.
        #[arg(long)]
        into: Option<String>,
        /// The passphrase with which it was sealed, in the first line of this file.
        #[arg(long)]
        passphrase_file: Option<PathBuf>,
    },
    /// Copy the database of a hub that is stopped to another one, and hold every table there against this one.
    Move {
        /// postgres://USER@HOST/DATABASE of an empty database, or sqlite:PATH of a new file.
        #[arg(long)]
        to: hub::backup::To,
    },
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
pub(crate) enum Open311Command {
    /// Keys with which others report.
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key and print it: it is not told again.
    Add {
        name: String,
        /// Id of the area in which it may report; everywhere when left out.
        #[arg(long)]
        area: Option<String>,
        /// It is the platform above that reports, not a citizen.
        #[arg(long)]
        platform: bool,
    },
    /// List keys: name, area, source, made, revoked, requests so far.
    List,
    /// Shut a key out at once.
    Revoke { name: String },
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
pub(crate) enum CategoryCommand {
    /// Take categories from a CSV file in UTF-8; docs/IMPORTS.md names its columns.
    Import {
        file: PathBuf,
        /// Say what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
        /// Take away those that are not in the file: what nothing names goes, the rest becomes inactive.
        #[arg(long)]
        replace: bool,
    },
    /// A category a line, in the form of a sheet.
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlatformCommand {
    /// Keys by which platforms show who they are.
    #[command(subcommand)]
    Key(PlatformKeyCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlatformKeyCommand {
    /// Give a platform a key, in place of the one that it had; prints it, the only time.
    Add { name: String },
    /// A platform a line.
    List,
    /// Shut a platform out at once; its tickets stay.
    Revoke { name: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BasemapCommand {
    /// Check a file of vector tiles (PMTiles) and keep it; prints its hash. docs/IMPORTS.md says how such files are made.
    Import {
        file: PathBuf,
        /// Say what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// A base map a line, the newest, which maps show, first.
    List,
    /// Take one away, by its hash or the beginning of it.
    Remove { hash: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum GazetteerCommand {
    /// Put a sheet of places in force; docs/IMPORTS.md names its columns.
    Import {
        file: PathBuf,
        /// Its coordinates are on GCJ-02, as map services have them, not on WGS84.
        #[arg(long)]
        gcj02: bool,
        /// Keep places that are not in the file.
        #[arg(long)]
        add: bool,
        /// What changed, and why.
        #[arg(long, default_value = "")]
        note: String,
        /// Say what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// List versions, the newest first.
    List,
    /// Say what the hub finds for these words.
    Find { text: String },
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

#[derive(Debug, Subcommand)]
pub(crate) enum EvaluateCommand {
    /// Print a table; that of a closed month as it was published.
    Show {
        /// unit, area, category or source.
        #[arg(long, default_value = "unit")]
        by: String,
        /// Of areas: county, town, community or grid. Of categories: group or category.
        #[arg(long, default_value = "")]
        level: String,
        /// 2026-10, 2026-10-05, 2026-W41, 2026-Q4, 2026-H2, 2026 or 2026-10-01..2026-10-15; this month when left out.
        #[arg(long)]
        period: Option<Period>,
        /// Id of an area: only cases that lie in it.
        #[arg(long, default_value = "")]
        area: String,
    },
    /// Make the tables of a closed month again from the history, and say whether they are those that were published.
    Rebuild { period: Period },
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
    /// Take users and their roles from a CSV file in UTF-8; docs/IMPORTS.md names its columns. Passwords of new users go
    /// into a file that only you can read.
    Import {
        file: PathBuf,
        /// Say what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
        /// Take away from the users of the file what it does not give them.
        #[arg(long)]
        replace: bool,
        /// Where the passwords go; FILE with the ending .passwords when left out. It must not be there yet.
        #[arg(long)]
        passwords: Option<PathBuf>,
    },
    /// List users, a role a line: name, role, area, unit.
    List,
    /// Shut a user out, and end the user's sessions.
    Lock { name: String },
    /// Let a locked user in again.
    Unlock { name: String },
    /// Take everything from a user but the name, which histories hold and nobody is given again.
    Remove { name: String },
    /// Give a user a new generated password, print it, and end the user's sessions.
    Password { name: String },
    /// Say how a user is reached outside the hub; prints name, mail address and telephone number.
    Reach {
        name: String,
        /// Mail address; an empty one removes it.
        #[arg(long)]
        mail: Option<String>,
        /// Telephone number for text messages; an empty one removes it.
        #[arg(long)]
        phone: Option<String>,
        /// Remove both first.
        #[arg(long)]
        clear: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OutboundCommand {
    /// A channel a line: what waits, was sent and given up, last success, last error.
    List,
    /// Send a marked test message on a channel of the configuration, now, and print the answer.
    Test {
        name: String,
        /// User who gets it, on a channel that writes to people.
        #[arg(long)]
        to: Option<String>,
    },
    /// What was given up, with its reason, the newest first.
    Failed,
    /// Have one message that was given up, or all of them, tried again.
    Retry {
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        #[arg(long)]
        all: bool,
    },
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
