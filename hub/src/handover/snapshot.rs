//! What stood open when a shift ended. Pure data: counts as they were counted then, and the numbers of cases behind them.

use serde::{Deserialize, Serialize};

/// What a shift leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Snapshot {
    /// Who was on the roster in that time.
    pub duty: Vec<OnDuty>,
    /// Cases that opened during the shift, whatever became of them.
    pub came_in: Listed,
    /// Open emergencies that nobody has in hand.
    pub unacknowledged: Listed,
    /// Open emergencies that somebody has in hand.
    pub emergencies: Listed,
    /// Open cases with a limit that has passed.
    pub overdue: Listed,
    /// Cases with a request that waits for its decision.
    pub requests: Listed,
    /// Alarm sources that are put aside.
    pub shelved: Vec<Aside>,
    /// Boxes that are offline.
    pub offline: Vec<Offline>,
}

/// How many cases, and which: as many numbers as are kept, in the order of their list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Listed {
    /// At most 10 000.
    pub count: i64,
    /// At most 200.
    pub numbers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OnDuty {
    pub user: String,
    /// `duty` or `leader`.
    pub post: String,
    pub from_ms: i64,
    pub to_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Aside {
    /// Case from which it was put aside.
    pub number: String,
    pub reason: String,
    pub by: String,
    pub until_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Offline {
    pub device_id: String,
    /// What people call it.
    pub title: String,
    pub since_ms: Option<i64>,
}
