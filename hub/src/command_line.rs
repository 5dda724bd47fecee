//! What can be typed after `hub`.

mod county;
mod others;
mod people;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use hub::evaluation::Period;

pub(crate) use county::{
    BasemapCommand, CategoryCommand, GazetteerCommand, GridCommand, KnowledgeCommand, PolicyCommand,
    SheetCommand,
};
pub(crate) use others::{
    BrokerCommand, DeviceCommand, KeyCommand, Open311Command, OutboundCommand, PlatformCommand,
    PlatformKeyCommand,
};
pub(crate) use people::{GrantArgs, UserCommand};

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
