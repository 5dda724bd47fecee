//! What every part of the hub is handed: the database, time and chance, and the stations' front doors.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use jiff::tz::TimeZone;
use protocol::{Chance, Clock, TenantId, UtcMs};
use tokio::sync::mpsc;

use crate::backup;
use crate::case::number;
use crate::case::seal::Sealer;
use crate::change::ChangeFeed;
use crate::command::Commands;
use crate::config::Config;
use crate::contact::{self, ContactKeys};
use crate::db::Db;
use crate::evidence::EvidenceStore;
use crate::gazetteer::Gazetteers;
use crate::grid::Grids;
use crate::intake::{Allowance, Intake, Item, Worker};
use crate::metrics::Metrics;
use crate::pki::Authority;
use crate::policy::Policies;
use crate::push::Vapid;
use crate::running::Running;
use crate::ticket::knowledge::Shelf;
use crate::workflow;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<Chance>,
    pub config: Arc<Config>,
    pub zone: TimeZone,
    pub changes: ChangeFeed,
    pub evidence: EvidenceStore,
    pub commands: Commands,
    pub intake: Intake,
    pub authority: Arc<Authority>,
    /// Opens callback numbers.
    pub contact_key: Arc<ContactKeys>,
    /// By what push services of browsers know this hub.
    pub vapid: Arc<Vapid>,
    pub metrics: Arc<Metrics>,
    /// What boxes say of running calls.
    pub running: Running,
    /// What operators may tell callers.
    pub knowledge: Shelf,
    /// What may take how long.
    pub policies: Policies,
    /// Whose ground a point is.
    pub grids: Grids,
    /// Where it is what somebody tells in words.
    pub gazetteers: Gazetteers,
    /// Signs the history.
    pub sealer: Arc<Sealer>,
}

/// The receiving ends, which [`crate::run`] drives.
#[derive(Debug)]
pub struct Ends {
    pub items: mpsc::Receiver<Item>,
}

impl App {
    /// Opens everything under the data folder; nothing runs yet.
    pub async fn open(
        config: Config,
        clock: Arc<dyn Clock>,
        chance: Arc<Chance>,
    ) -> anyhow::Result<(Self, Ends)> {
        let data_dir = config.hub.data_dir.clone();
        backup::folder::refuse_unfinished(&data_dir)?;
        std::fs::create_dir_all(&data_dir).with_context(|| {
            format!("making the data folder {}; name another with --data", data_dir.display())
        })?;
        let db = Db::open(config.database_url(), &data_dir.join("hub.db"), clock.now().0).await?;
        let pki = data_dir.join("pki");
        let authority = Authority::open(&pki, &config.hub.name, &chance, clock.now())?;
        contact::bring_key(&db, &pki, &authority).await?;
        let (app, ends) = Self::with_db(config, db, clock, chance)?;
        app.share_contact_key().await.context("sharing the key for callback numbers")?;
        Ok((app, ends))
    }

    /// Each hub on this database opens what the others sealed.
    pub(crate) async fn share_contact_key(&self) -> anyhow::Result<()> {
        let own = contact::key_bytes(&self.data_dir().join("pki"), &self.chance)?;
        self.contact_key.share(&self.db, &own, &self.authority, &self.chance, self.clock.now()).await
    }

    /// The same around a database that is already open (tests bring their own).
    pub fn with_db(
        config: Config,
        db: Db,
        clock: Arc<dyn Clock>,
        chance: Arc<Chance>,
    ) -> anyhow::Result<(Self, Ends)> {
        let data_dir = config.hub.data_dir.clone();
        let zone = number::zone(&config.hub.timezone).map_err(anyhow::Error::msg)?;
        let authority = Authority::open(&data_dir.join("pki"), &config.hub.name, &chance, clock.now())?;
        let contact_key = contact::open_key(&data_dir.join("pki"), &chance)?;
        let sealer = Sealer::open(&data_dir.join("pki"), &chance)?;
        let vapid = Vapid::open(&data_dir.join("pki"), &chance)?;
        let changes = ChangeFeed::new(db.clone());
        let metrics = Arc::new(Metrics::default());
        let evidence = EvidenceStore::open(
            db.clone(),
            clock.clone(),
            chance.clone(),
            changes.clone(),
            metrics.clone(),
            &config,
        )
        .with_context(|| format!("making folders for evidence in {}", data_dir.display()))?;
        let commands = Commands::new(db.clone(), clock.clone(), chance.clone(), changes.clone());
        let (intake, items) = Intake::new(metrics.clone());
        let running = Running::new(clock.clone(), metrics.clone());
        let app = Self {
            db,
            clock,
            chance,
            config: Arc::new(config),
            policies: Policies::new(zone.clone()),
            grids: Grids::default(),
            gazetteers: Gazetteers::default(),
            sealer: Arc::new(sealer),
            zone,
            changes,
            evidence,
            commands,
            intake,
            authority: Arc::new(authority),
            contact_key: Arc::new(ContactKeys::of(contact_key)),
            vapid: Arc::new(vapid),
            metrics,
            running,
            knowledge: Shelf::default(),
        };
        Ok((app, Ends { items }))
    }

    /// The tenant whose cases the pages show.
    pub fn tenant(&self) -> &TenantId {
        &self.config.hub.tenant
    }

    pub fn data_dir(&self) -> PathBuf {
        self.config.hub.data_dir.clone()
    }

    /// A new id, for what somebody makes.
    pub fn new_id(&self) -> String {
        self.chance.uuid_v7(self.clock.now()).to_string()
    }

    /// What a step of the workflow needs.
    pub fn step_with<'a>(&'a self, id: &'a str) -> workflow::store::With<'a> {
        workflow::store::With { policies: &self.policies, now: self.clock.now(), id }
    }

    /// `2026-03-18 10:00`, where the people are.
    pub fn local_time(&self, at: UtcMs) -> String {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        at.to_zoned_datetime(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// `2026-03-18T10:00:00+08:00`, for other systems.
    pub fn zoned_time(&self, at: UtcMs) -> String {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        at.to_zoned_datetime(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// The worker of the intake queue; `run` drives exactly one per process.
    pub fn intake_worker(&self) -> Worker {
        Worker {
            db: self.db.clone(),
            clock: self.clock.clone(),
            chance: self.chance.clone(),
            zone: self.zone.clone(),
            changes: self.changes.clone(),
            commands: self.commands.clone(),
            metrics: self.metrics.clone(),
            allowance: Allowance::new(&self.config.intake),
            quarantine_most: self.config.intake.quarantine_per_device,
            contact_life_ms: self.config.contact.life_ms(),
            policies: self.policies.clone(),
            grids: self.grids.clone(),
            gazetteers: self.gazetteers.clone(),
        }
    }
}
