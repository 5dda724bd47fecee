//! One camera as somebody sets it up: what it watches for, tried on what it saw, and saved on its box.
//!
//! The truth is the box's: what is in force there is asked for ([`protocol::CommandBody::ShowConfiguration`]) or known from
//! what it has taken ([`base`]). What somebody changes is a [`Draft`] of his own, kept until it is saved or thrown away; it
//! names the version from which it was made, and one that is in force no longer is refused, here and by the box. The page
//! is [`crate::web`]'s. Deliberately absent: anything that knows a face, a plate or a person.

pub mod base;
pub mod check;
pub mod diff;
pub mod draft;
pub mod kind;
pub mod outline;
mod store;
#[cfg(test)]
mod tests;
pub mod text;

use protocol::{CameraId, CommandBody, CommandId, Origin, UtcMs};

pub use base::Known;
pub use check::Wrong;
pub use diff::Change;
pub use draft::{Draft, Rule, Shape};
pub use store::Lying;
pub use text::TextError;

use crate::app::App;
use crate::command::{self, CommandError, CommandRow, NewCommand};
use crate::db;

/// Configurations that are looked through for the one in force.
const RECENT: i64 = 12;
/// A trial says something of rules for so long; after that the hour that it tried is too far away.
pub const TRIAL_HOLDS_MS: i64 = 3_600_000;
/// Minutes of a walk test.
pub const WALK_MINUTES: std::ops::RangeInclusive<i64> = 1..=10;
/// While somebody walks, the box is asked no more often than this.
pub const LOOK_EVERY_MS: i64 = 10_000;
/// What rules are shown of the time before a walk, so that they know what stands there.
const BEFORE_WALK_MS: i64 = 300_000;

/// A camera of a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    pub origin: Origin,
    pub camera: CameraId,
}

/// A draft as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub draft: Draft,
    /// Version of the configuration on which it stands.
    pub based_on: u64,
    pub saved_at: UtcMs,
}

/// Somebody walks through the picture, to see which rule would tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// TOML of the rules that are tried.
    pub rules: String,
    pub from: UtcMs,
    pub until: UtcMs,
}

/// What the hub knows of what is in force on a box.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Commands that show or send a configuration, the newest first.
    pub rows: Vec<CommandRow>,
    pub in_force: Option<u64>,
    pub known: Vec<Known>,
}

/// Why a draft was not sent.
#[derive(Debug, thiserror::Error)]
pub enum Unsaved {
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("{} fields are wrong", .0.len())]
    Wrong(Vec<Wrong>),
    /// The hub does not know the text from which it was made.
    #[error("the configuration in force is not known here")]
    Unknown,
    /// Another version is in force; what differs from the one that it was made from, where that is known.
    #[error("version {now} is in force now")]
    Changed { now: u64, changes: Vec<Change> },
    /// Somebody has sent a configuration that its box has not answered yet.
    #[error("a configuration of {by} is on its way")]
    OnItsWay { by: String, at: UtcMs },
    #[error("nothing was changed")]
    Same,
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("database: {0}")]
    Db(#[from] db::Error),
}

/// Somebody's drafts of cameras of boxes that he sees, the newest first.
pub async fn drafts(app: &App, user: &str) -> db::Result<Vec<Lying>> {
    store::drafts(&app.db, app.tenant().as_str(), user).await
}

impl Standing {
    pub async fn read(app: &App, user: &str, device: &crate::device::Device) -> db::Result<Self> {
        let (tenant, id) = (app.tenant().as_str(), device.device_id.as_str());
        let mut rows = Vec::new();
        for name in ["configuration", "show_configuration"] {
            rows.extend(command::store::beginning(&app.db, tenant, user, id, (name, ""), RECENT).await?);
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.issued_at_ms));
        let in_force = base::in_force(device.status().as_ref(), &rows);
        Ok(Self { known: base::known(&rows), in_force, rows })
    }

    /// The text of a version.
    pub fn text(&self, version: u64) -> Option<&Known> {
        self.known.iter().find(|known| known.version == version)
    }

    /// The text in force.
    pub fn base(&self) -> Option<&Known> {
        self.text(self.in_force?)
    }

    /// A configuration that its box has not answered yet.
    pub fn on_its_way(&self) -> Option<&CommandRow> {
        self.rows.iter().find(|row| row.name == "configuration" && row.is_open())
    }

    /// The newest that asks the box to show.
    pub fn asked(&self) -> Option<&CommandRow> {
        self.rows.iter().find(|row| row.name == "show_configuration")
    }

    /// The newest that this user has sent.
    pub fn sent_by(&self, user: &str) -> Option<&CommandRow> {
        self.rows.iter().find(|row| row.name == "configuration" && row.issued_by == user)
    }
}

impl Walk {
    /// One question for the whole walk, however long: its answers are found by it.
    pub fn question(&self, camera: &CameraId) -> CommandBody {
        let last_s = u32::try_from((WALK_MINUTES.end() * 60_000 + BEFORE_WALK_MS) / 1_000).ok();
        CommandBody::Replay { camera_id: camera.clone(), toml: self.rules.clone(), last_s }
    }
}

impl At {
    pub async fn ask(
        &self,
        app: &App,
        user: &str,
        body: CommandBody,
        purpose: &str,
    ) -> Result<CommandId, CommandError> {
        let new = NewCommand {
            origin: self.origin.clone(),
            body,
            purpose: purpose.to_owned(),
            issued_by: user.to_owned(),
            case_number: None,
            life_ms: command::DEFAULT_LIFE_MS,
        };
        app.commands.create(new).await
    }

    /// The newest that ask this very question.
    pub async fn asked(
        &self,
        app: &App,
        user: &str,
        body: &CommandBody,
        limit: i64,
    ) -> db::Result<Vec<CommandRow>> {
        let json = serde_json::to_string(body).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let (tenant, device) = (app.tenant().as_str(), self.origin.device.as_str());
        let rows =
            command::store::beginning(&app.db, tenant, user, device, (body.name(), &json), limit).await?;
        Ok(rows.into_iter().filter(|row| row.body == json).collect())
    }

    /// The question what these rules would have told of in the last hour.
    pub fn trial(&self, rules: String) -> CommandBody {
        CommandBody::Replay { camera_id: self.camera.clone(), toml: rules, last_s: None }
    }

    pub async fn draft(&self, app: &App, user: &str) -> db::Result<Option<Kept>> {
        store::draft(&app.db, self, user).await
    }

    pub async fn keep_draft(&self, app: &App, user: &str, draft: &Draft, based_on: u64) -> db::Result<()> {
        let kept = Kept { draft: draft.clone(), based_on, saved_at: app.clock.now() };
        store::put_draft(&app.db, self, user, &kept).await
    }

    pub async fn drop_draft(&self, app: &App, user: &str) -> db::Result<()> {
        store::remove_draft(&app.db, self, user).await
    }

    pub async fn walk(&self, app: &App, user: &str) -> db::Result<Option<Walk>> {
        store::walk(&app.db, self, user).await
    }

    /// Begins to look at what rules say of the minutes that come.
    pub async fn begin_walk(&self, app: &App, user: &str, rules: String, minutes: i64) -> db::Result<Walk> {
        let minutes = minutes.clamp(*WALK_MINUTES.start(), *WALK_MINUTES.end());
        let from = app.clock.now();
        let walk = Walk { rules, from, until: from.plus_ms(minutes * 60_000) };
        store::put_walk(&app.db, self, user, &walk).await?;
        Ok(walk)
    }

    pub async fn end_walk(&self, app: &App, user: &str) -> db::Result<()> {
        store::end_walk(&app.db, self, user, app.clock.now()).await
    }

    /// Asks the box once more what the rules say, unless it was asked a moment ago or has not answered yet.
    pub async fn look(&self, app: &App, user: &str, walk: &Walk, purpose: &str) -> Result<(), CommandError> {
        let question = walk.question(&self.camera);
        let newest = self.asked(app, user, &question, 1).await?.into_iter().next();
        let now = app.clock.now();
        let is_soon = |row: &CommandRow| row.is_open() || now.0 - row.issued_at_ms < LOOK_EVERY_MS;
        if newest.as_ref().is_some_and(is_soon) {
            return Ok(());
        }
        self.ask(app, user, question, purpose).await?;
        Ok(())
    }

    /// The text with the draft, where nothing is wrong in it.
    pub fn prepared(&self, drawn: &str, draft: &Draft) -> Result<String, Unsaved> {
        let before = text::read(drawn, self.camera.as_str())?;
        let wrong = check::wrong(draft, &before);
        if !wrong.is_empty() {
            return Err(Unsaved::Wrong(wrong));
        }
        Ok(text::write(drawn, self.camera.as_str(), draft)?)
    }

    /// Asks what the draft would have told of, and what is in force, on the same hour. What is asked already is not asked again.
    pub async fn try_draft(
        &self,
        app: &App,
        user: &str,
        standing: &Standing,
        (draft, based_on): (&Draft, u64),
        purpose: &str,
    ) -> Result<Vec<String>, Unsaved> {
        let drawn = standing.text(based_on).ok_or(Unsaved::Unknown)?;
        let written = self.prepared(&drawn.toml, draft)?;
        let camera = self.camera.as_str();
        let mut questions = Vec::new();
        if !draft.rules.is_empty() {
            questions.extend(text::trial(&written, camera).ok());
        }
        let in_force = standing.base().unwrap_or(drawn);
        if text::read(&in_force.toml, camera).is_ok_and(|force| !force.rules.is_empty()) {
            questions.extend(text::trial(&in_force.toml, camera).ok());
        }
        questions.dedup();
        let mut commands = Vec::new();
        for rules in questions {
            let body = self.trial(rules);
            let open = self.asked(app, user, &body, 1).await?.into_iter().find(CommandRow::is_open);
            commands.push(match open {
                Some(row) => row.command_id,
                None => self.ask(app, user, body, purpose).await?.to_string(),
            });
        }
        Ok(commands)
    }

    /// Sends what the draft says to the box, which tries it and answers. Sent twice it is done once.
    pub async fn save(
        &self,
        app: &App,
        user: &str,
        standing: &Standing,
        (draft, based_on): (&Draft, u64),
        purpose: &str,
    ) -> Result<(), Unsaved> {
        let drawn = standing.text(based_on);
        let in_force = standing.in_force.ok_or(Unsaved::Unknown)?;
        if self.is_in_force(standing, (draft, based_on)) {
            return Ok(());
        }
        if in_force != based_on {
            return Err(Unsaved::Changed { now: in_force, changes: self.changes(drawn, standing.base()) });
        }
        let drawn = drawn.ok_or(Unsaved::Unknown)?;
        let toml = self.prepared(&drawn.toml, draft)?;
        let before = text::read(&drawn.toml, self.camera.as_str())?;
        if let Some(open) = standing.on_its_way() {
            return match open.asked() {
                Some(CommandBody::Configuration { toml: sent, .. })
                    if sent == toml && open.issued_by == user =>
                {
                    Ok(())
                }
                _ => Err(Unsaved::OnItsWay { by: open.issued_by.clone(), at: UtcMs(open.issued_at_ms) }),
            };
        }
        if diff::changes(&before, draft).is_empty() {
            return Err(Unsaved::Same);
        }
        let now = u64::try_from(app.clock.now().0).unwrap_or(1);
        let version = now.max(in_force.saturating_add(1));
        let body = CommandBody::Configuration { version, toml, based_on: Some(based_on) };
        self.ask(app, user, body, purpose).await?;
        Ok(())
    }

    /// Whether the box has taken this very draft, and has nothing else since.
    pub fn is_in_force(&self, standing: &Standing, (draft, based_on): (&Draft, u64)) -> bool {
        let (Some(now), Some(drawn)) = (standing.in_force, standing.text(based_on)) else { return false };
        let Ok(written) = text::write(&drawn.toml, self.camera.as_str(), draft) else { return false };
        let body = CommandBody::Configuration { version: now, toml: written, based_on: Some(based_on) };
        standing.rows.iter().any(|row| row.state == "done" && row.asked().as_ref() == Some(&body))
    }

    /// What of this camera differs between two texts, as far as both are known.
    pub fn changes(&self, from: Option<&Known>, to: Option<&Known>) -> Vec<Change> {
        let read = |known: Option<&Known>| text::read(&known?.toml, self.camera.as_str()).ok();
        match (read(from), read(to)) {
            (Some(from), Some(to)) => diff::changes(&from, &to),
            _ => Vec::new(),
        }
    }
}
