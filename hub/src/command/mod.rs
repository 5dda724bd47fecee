//! What is asked of boxes, by whom and why, and what they answered.
//!
//! A command is a row first (with who and why), then a message. It is sent again until it is answered or ends;
//! boxes answer one command once however often they read it.

pub mod store;

use std::sync::Arc;

use protocol::{Chance, Clock, Command, CommandBody, CommandId, Origin};
use serde::Serialize;
use tokio::sync::Notify;

use crate::app::App;
use crate::case;
use crate::change::ChangeFeed;
use crate::db::Db;
use crate::db::from_row;

/// How long an unanswered command waits before it is sent again.
pub const RESEND_AFTER_MS: i64 = 30_000;

/// How long a command lives when its asker names nothing else.
pub const DEFAULT_LIFE_MS: i64 = 10 * 60_000;

/// Longest purpose, in characters: a sentence that people read in the register.
pub const MAX_PURPOSE: usize = 200;

/// A command as kept: the audit row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CommandRow {
    pub command_id: String,
    pub device_id: String,
    /// `still`, `clip`, `recording`, `replay` or `configuration`.
    pub name: String,
    /// JSON of [`protocol::CommandBody`].
    pub body: String,
    pub purpose: String,
    /// Case it was asked for, if any.
    pub case_id: Option<String>,
    pub case_number: Option<String>,
    pub issued_by: String,
    pub issued_at_ms: i64,
    pub expires_at_ms: i64,
    /// `waiting`, `sent`, `done`, `failed` or `expired`.
    pub state: String,
    pub sent_at_ms: Option<i64>,
    pub sends: i64,
    pub answered_at_ms: Option<i64>,
    /// Why it failed, in the box's words.
    pub reason: Option<String>,
    /// JSON of a [`protocol::Trial`] or a [`protocol::ShownConfiguration`], where the answer was one.
    pub result: Option<String>,
}

from_row!(CommandRow: command_id, device_id, name, body, purpose, case_id, case_number, issued_by,
    issued_at_ms, expires_at_ms, state, sent_at_ms, sends, answered_at_ms, reason, result);

impl CommandRow {
    /// What rules on trial came to.
    pub fn trial(&self) -> Option<protocol::Trial> {
        serde_json::from_str(self.result.as_deref()?).ok()
    }

    /// What its box has shown of its configuration.
    pub fn shown(&self) -> Option<protocol::ShownConfiguration> {
        serde_json::from_str(self.result.as_deref()?).ok()
    }

    /// What was asked.
    pub fn asked(&self) -> Option<CommandBody> {
        serde_json::from_str(&self.body).ok()
    }

    /// Whether its box may still answer.
    pub fn is_open(&self) -> bool {
        self.answered_at_ms.is_none() && matches!(self.state.as_str(), "waiting" | "sent")
    }
}

/// What a named user asks.
#[derive(Clone, Debug)]
pub struct NewCommand {
    pub origin: Origin,
    pub body: CommandBody,
    /// Why; kept in the audit row. 1 to [`MAX_PURPOSE`] characters.
    pub purpose: String,
    /// Name of the user.
    pub issued_by: String,
    /// Case number it is about; its answer's files show there.
    pub case_number: Option<String>,
    pub life_ms: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("a purpose of 1 to {MAX_PURPOSE} characters is needed: it is kept with the command")]
    Purpose,
    #[error("there is no enrolled device {0}")]
    Device(String),
    #[error("there is no case {0}")]
    Case(String),
    #[error("this command has {size_bytes} bytes, more than the {max} a message may have")]
    TooLarge { size_bytes: usize, max: usize },
    #[error("command database: {0}")]
    Db(#[from] sqlx::Error),
}

/// The asking side. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Commands {
    db: Db,
    clock: Arc<dyn Clock>,
    chance: Arc<Chance>,
    changes: ChangeFeed,
    due: Arc<Notify>,
}

impl Commands {
    pub fn new(db: Db, clock: Arc<dyn Clock>, chance: Arc<Chance>, changes: ChangeFeed) -> Self {
        Self { db, clock, chance, changes, due: Arc::new(Notify::new()) }
    }

    /// Keeps the command; it is sent at once when its box can be reached, and again until answered or ended.
    pub async fn create(&self, new: NewCommand) -> Result<CommandId, CommandError> {
        if new.purpose.trim().is_empty() || new.purpose.chars().count() > MAX_PURPOSE {
            return Err(CommandError::Purpose);
        }
        let now = self.clock.now();
        let command = Command {
            command_id: CommandId::new(&self.chance, now),
            issued_at: now,
            expires_at: now.plus_ms(new.life_ms),
            issued_by: new.issued_by.clone(),
            body: new.body.clone(),
        };
        let size_bytes = serde_json::to_vec(&command).map_or(usize::MAX, |bytes| bytes.len());
        if size_bytes > protocol::limits::MAX_MESSAGE_BYTES {
            return Err(CommandError::TooLarge { size_bytes, max: protocol::limits::MAX_MESSAGE_BYTES });
        }
        store::insert(&self.db, &new, &command).await?;
        self.changes.wake();
        self.due.notify_one();
        Ok(command.command_id)
    }

    /// Returns when a new command waits to be sent.
    pub async fn due(&self) {
        self.due.notified().await;
    }

    /// Tells the sender to look again: a box came online.
    pub fn nudge(&self) {
        self.due.notify_one();
    }
}

/// Whether the case that a request is about is one that its user may see; a request about no case is.
pub async fn is_of_visible_case(app: &App, new: &NewCommand) -> crate::db::Result<bool> {
    let (tenant, user) = (new.origin.tenant.as_str(), new.issued_by.as_str());
    if let CommandBody::Recording { call_id } = &new.body {
        let found = case::store::by_call(&app.db, tenant, user, &call_id.to_string()).await?;
        return Ok(found.is_some());
    }
    match &new.case_number {
        Some(number) => Ok(case::store::by_number(&app.db, tenant, user, number).await?.is_some()),
        None => Ok(true),
    }
}
