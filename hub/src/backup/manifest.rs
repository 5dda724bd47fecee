//! What a backup says of itself: at its beginning what it is, at its end everything that is in it.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use protocol::{TenantId, UtcMs};
use serde::{Deserialize, Serialize};

use super::Content;
use crate::db::table::Table;

/// What it calls itself.
const FORMAT: &str = "shaodian-backup";
/// Grows when an older hub could not read it.
const VERSION: u32 = 1;
/// For whoever opens one with `tar`.
const WHAT: &str = "A backup of a Shaodian hub, read by `hub restore`. It holds every key and secret of that hub: \
                    whoever has it can speak for the hub and read what it kept. Keep it as safe as the hub's own disk.";

/// The first entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    pub format: String,
    pub version: u32,
    pub what: String,
    /// Version of the hub that made it.
    pub hub: String,
    pub tenant: TenantId,
    pub at_ms: UtcMs,
    /// Names and checksums of the migrations that had run.
    pub schema: Vec<(String, String)>,
    /// Whether the files of evidence are in it.
    pub evidence: bool,
}

/// The last entry but its own hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub start: Start,
    pub tables: BTreeMap<String, TableContent>,
    /// By their place in the data folder.
    pub files: BTreeMap<String, FileContent>,
    /// Files of evidence that the database names and that were not on the disk.
    pub missing: Vec<String>,
    /// Files of evidence whose content is not what their name says. They are in the backup as they were.
    pub damaged: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableContent {
    pub columns: Vec<String>,
    #[serde(flatten)]
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileContent {
    pub sha256: String,
    pub size_bytes: u64,
    /// Who may read it, as `chmod` says it.
    pub mode: u32,
}

impl Start {
    pub(super) fn new(tenant: &TenantId, at: UtcMs, schema: Vec<(String, String)>, evidence: bool) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            what: WHAT.to_owned(),
            hub: env!("CARGO_PKG_VERSION").to_owned(),
            tenant: tenant.clone(),
            at_ms: at,
            schema,
            evidence,
        }
    }

    /// Reads the first entry; another format or a newer version is told as such, whatever else is in it.
    pub(super) fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let head: Head = serde_json::from_slice(bytes).context("it does not say what it is")?;
        ensure!(head.format == FORMAT, "it is {:?}, not {FORMAT:?}", head.format);
        ensure!(
            head.version == VERSION,
            "its form is version {}; this hub reads version {VERSION}: use the hub that made it, or a newer one",
            head.version
        );
        serde_json::from_slice(bytes).context("what it says of itself cannot be read")
    }

    /// The last migration that had run, when this hub knows all of them.
    pub(super) fn schema_known(&self, known: &[(String, String)]) -> anyhow::Result<&str> {
        let newest = known.last().map_or("none", |(name, _)| name);
        for (at, (name, checksum)) in self.schema.iter().enumerate() {
            match known.get(at) {
                Some(own) if own == &(name.clone(), checksum.clone()) => {}
                Some((own, _)) if own == name => bail!(
                    "its tables were made by another text of migration {name} than this hub has: use the hub that made it ({})",
                    self.hub
                ),
                _ => bail!(
                    "its tables are those of migration {name}, which this hub does not know (its newest is {newest}): use the \
                     hub that made it ({}), or a newer one",
                    self.hub
                ),
            }
        }
        self.schema
            .last()
            .map(|(name, _)| name.as_str())
            .context("it names no migration: its tables are not known")
    }
}

impl Manifest {
    /// Whether these tables are the ones it lists.
    pub(super) fn fits(&self, tables: &[Table]) -> anyhow::Result<()> {
        let listed: Vec<&String> = self.tables.keys().collect();
        let found: Vec<&String> = tables.iter().map(|table| &table.name).collect();
        ensure!(listed == found, "it lists the tables {listed:?}; its migrations make {found:?}");
        for table in tables {
            let found: Vec<&String> = table.columns.iter().map(|column| &column.name).collect();
            let listed: Vec<&String> = self.tables[&table.name].columns.iter().collect();
            let name = &table.name;
            ensure!(
                listed == found,
                "it lists the columns {listed:?} of table {name}; its migrations make {found:?}"
            );
        }
        Ok(())
    }

    pub fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.content.rows).sum()
    }

    pub fn file_bytes(&self) -> u64 {
        self.files.values().map(|file| file.size_bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(schema: &[(&str, &str)]) -> Start {
        let schema = schema.iter().map(|(name, sum)| ((*name).to_owned(), (*sum).to_owned())).collect();
        Start::new(&"main".parse().unwrap(), UtcMs(1), schema, true)
    }

    /// An older schema is known by its last migration; a newer one, another text and none are told apart.
    #[test]
    fn schemas_are_compared() {
        let known = start(&[("0001_a", "x"), ("0002_b", "y")]).schema;
        assert_eq!(start(&[("0001_a", "x")]).schema_known(&known).unwrap(), "0001_a");
        assert_eq!(start(&[("0001_a", "x"), ("0002_b", "y")]).schema_known(&known).unwrap(), "0002_b");
        for (schema, told) in [
            (
                &[("0001_a", "x"), ("0002_b", "y"), ("0003_c", "z")][..],
                "migration 0003_c, which this hub does not know (its newest is 0002_b)",
            ),
            (&[("0001_a", "z")][..], "another text of migration 0001_a"),
            (&[("0002_b", "y")][..], "migration 0002_b, which this hub does not know"),
            (&[][..], "names no migration"),
        ] {
            let error = start(schema).schema_known(&known).unwrap_err().to_string();
            assert!(error.contains(told), "{told}: {error}");
        }
    }

    /// Another format and another version are told before the rest is looked at.
    #[test]
    fn foreign_beginnings_are_told() {
        for (text, told) in [
            ("{}", "does not say what it is"),
            ("{\"format\":\"tar\",\"version\":1}", "it is \"tar\", not \"shaodian-backup\""),
            (
                "{\"format\":\"shaodian-backup\",\"version\":2,\"new\":1}",
                "version 2; this hub reads version 1",
            ),
            ("{\"format\":\"shaodian-backup\",\"version\":1}", "cannot be read"),
        ] {
            let error = format!("{:#}", Start::read(text.as_bytes()).unwrap_err());
            assert!(error.contains(told), "{text}: {error}");
        }
        let own = start(&[("0001_a", "x")]);
        assert_eq!(Start::read(&serde_json::to_vec(&own).unwrap()).unwrap(), own);
    }
}
