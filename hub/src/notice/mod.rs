//! What people are told: of their cases, by the engine. Made in the transaction that has the cause, once for each cause.
//!
//! A notice has an audience: somebody, a unit, or a role wherever its area has the case. Who reads it is a row of his own.

mod store;

use protocol::{Severity, UtcMs};
use serde::{Deserialize, Serialize};

use crate::change::{self, ChangeTopic};
use crate::db::{self, Db, Tx, from_row};
use crate::outbound;
use crate::user::Role;

/// Why somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    DueSoon,
    /// 催办
    Overdue,
    /// 督办
    Card,
    /// An emergency that nobody has in hand.
    Emergency,
    /// A box did not pass its daily self-test.
    SelfTest,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DueSoon => "due_soon",
            Self::Overdue => "overdue",
            Self::Card => "card",
            Self::Emergency => "emergency",
            Self::SelfTest => "self_test",
        }
    }
}

/// Whom a notice is for; of several what fits first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience {
    user: String,
    unit: String,
    role: String,
    area: String,
}

impl Audience {
    pub fn user(name: &str) -> Self {
        Self { user: name.to_owned(), unit: String::new(), role: String::new(), area: String::new() }
    }

    pub fn unit(unit: &str) -> Self {
        Self { user: String::new(), unit: unit.to_owned(), role: String::new(), area: String::new() }
    }

    /// Whoever has this role over an area in which this path lies.
    pub fn role(role: Role, area: &str) -> Self {
        Self {
            user: String::new(),
            unit: String::new(),
            role: role.as_str().to_owned(),
            area: area.to_owned(),
        }
    }

    /// User, unit, role and its area; nothing for what is not meant.
    pub(crate) fn parts(&self) -> [&str; 4] {
        [&self.user, &self.unit, &self.role, &self.area]
    }

    /// `user:li`, `unit:police`, `role:dispatcher`
    pub fn in_words(&self) -> String {
        match (self.user.as_str(), self.unit.as_str()) {
            ("", "") => format!("role:{}", self.role),
            ("", unit) => format!("unit:{unit}"),
            (user, _) => format!("user:{user}"),
        }
    }
}

/// A notice to be made.
#[derive(Clone, Debug)]
pub struct Notice {
    /// What it is about; a second one of the same cause is not made.
    pub cause: String,
    pub kind: Kind,
    pub severity: Severity,
    pub case_number: String,
    pub text_zh: String,
    pub text_en: String,
    pub audience: Vec<Audience>,
}

/// A notice as its reader has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Received {
    pub notice_id: String,
    /// `due_soon`, `overdue`, `card`, `emergency` or `self_test`.
    pub kind: String,
    pub severity: String,
    /// Nothing when it is about no case.
    pub case_number: String,
    pub text_zh: String,
    pub text_en: String,
    pub made_at_ms: i64,
    pub read_at_ms: Option<i64>,
}

from_row!(Received: notice_id, kind, severity, case_number, text_zh, text_en, made_at_ms, read_at_ms);

/// Makes a notice in the transaction of its cause; returns whether it is the first of it.
pub async fn tell(tx: &mut Tx, tenant: &str, id: &str, notice: &Notice, now: UtcMs) -> db::Result<bool> {
    if !store::insert(tx, tenant, id, notice, now).await? {
        return Ok(false);
    }
    change::record(tx, tenant, now, ChangeTopic::Notice, id);
    outbound::told(tx, tenant, id, notice, now).await?;
    Ok(true)
}

/// What a user was told, the newest first.
pub async fn of_user(
    db: &Db,
    tenant: &str,
    user: &str,
    unread_only: bool,
    limit: i64,
) -> db::Result<Vec<Received>> {
    store::of_user(db, tenant, user, unread_only, limit).await
}

/// Notes that a user has read what he was told; returns whether there is such a notice for him.
pub async fn read(db: &Db, tenant: &str, user: &str, id: &str, now: UtcMs) -> db::Result<bool> {
    store::read(db, tenant, user, id, now).await
}

/// Forgets old notices.
pub async fn prune(db: &Db, before_ms: i64) -> db::Result<u64> {
    store::prune(db, before_ms).await
}
