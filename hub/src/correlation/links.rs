//! What ties a case to others and to its source, as pages and answers show it.

use serde::Serialize;

use super::store;
use crate::db::{Db, Result, Tx, from_row};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Links {
    /// The case in which the work goes on.
    pub joined_into: Option<String>,
    /// Why they were taken for one matter.
    pub joined_why: Option<String>,
    /// Until when its source is put aside, epoch ms, and by whom.
    pub shelved_until_ms: Option<i64>,
    pub shelved_by: Option<String>,
    /// Since when its source flaps, and how many of its alarms were only counted since.
    pub damped_since_ms: Option<i64>,
    pub damped_count: i64,
}

from_row!(Links: joined_into, joined_why, shelved_until_ms, shelved_by, damped_since_ms, damped_count);

/// The same inside a transaction.
pub async fn in_tx(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Links> {
    Ok(store::links_in(tx, tenant, case_id).await?.unwrap_or_default())
}

pub async fn of_case(db: &Db, tenant: &str, case_id: &str) -> Result<Links> {
    Ok(store::links(db, tenant, case_id).await?.unwrap_or_default())
}
