//! How a county is set up: areas, units and rosters, what cases are filed under, maps, places, limits and answers.

use std::path::PathBuf;

use clap::Subcommand;
use hub::case::Source;
use protocol::Severity;

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
