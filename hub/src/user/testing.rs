//! People of tests, with a password that the test knows: the product makes passwords by itself ([`super::people`]).

use protocol::{Chance, UtcMs};

use super::{Grant, Role, password, store};
use crate::db::Db;

/// Somebody with a role everywhere.
pub(crate) async fn add(
    db: &Db,
    tenant: &str,
    chance: &Chance,
    now: UtcMs,
    (name, password, role): (&str, &str, Role),
) -> anyhow::Result<()> {
    add_with(db, tenant, chance, now, (name, password, &Grant::everywhere(role))).await
}

/// Somebody with a role somewhere.
pub(crate) async fn add_with(
    db: &Db,
    tenant: &str,
    chance: &Chance,
    now: UtcMs,
    (name, password, grant): (&str, &str, &Grant),
) -> anyhow::Result<()> {
    assert_eq!(grant.wrong(), None, "{name}");
    let hash = password::hash(password, chance)?;
    assert!(store::insert_user(db, tenant, name, grant, &hash, now).await?, "{name} is there already");
    Ok(())
}
