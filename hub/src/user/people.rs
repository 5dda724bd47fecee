//! Accounts as administrators change them: each change, and its row of the audit, in one transaction.
//!
//! Nobody takes anything from himself, and somebody stays who administers everything: a county that locked itself out would
//! need the machine. Who is removed keeps his name, since histories hold it, and nothing else; the name is not given again.
//! A password that an administrator sees is changed by its owner before he does anything.

use protocol::UtcMs;

use super::store::people as rows;
use super::{Grant, IDLE_MS, LIFE_MS, Role, is_name, password, store};
use crate::admin::By;
use crate::admin::audit::{self, Change, Deed};
use crate::app::App;
use crate::db::{self, Db, Tx};
use crate::organisation::{self, AreaPath, Unit};

/// Somebody as he is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    /// The one that is shown beside the name, as it is kept.
    pub role: String,
    pub grants: Vec<Grant>,
    pub created_at_ms: i64,
    pub changed_at_ms: i64,
    pub locked_at_ms: Option<i64>,
    pub removed_at_ms: Option<i64>,
    pub must_change: bool,
    pub mail: String,
    pub phone: String,
    /// Sessions that last.
    pub sessions: i64,
    pub seen_at_ms: Option<i64>,
}

impl Person {
    fn of(row: rows::PersonRow, grants: Vec<Grant>) -> Self {
        Self {
            name: row.name,
            role: row.role,
            grants,
            created_at_ms: row.created_at_ms,
            changed_at_ms: row.changed_at_ms,
            locked_at_ms: row.locked_at_ms,
            removed_at_ms: row.removed_at_ms,
            must_change: row.must_change != 0,
            mail: row.mail,
            phone: row.phone,
            sessions: row.sessions,
            seen_at_ms: row.seen_at_ms,
        }
    }
}

/// Why somebody stays as he is.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    #[error("there is no user {0}; `hub user list` names them")]
    Unknown(String),
    #[error("this is outside of the area that you administer")]
    Outside,
    #[error("nobody takes anything from himself; another administrator does")]
    Oneself,
    #[error("{0} is the last who administers everything; give somebody else that role first")]
    LastAdministrator(String),
    #[error("{0} has no other role; give another one first, or remove the user")]
    LastRole(String),
    #[error("{0} has no such role; `hub user list` names them")]
    NoRole(String),
    #[error("{0}")]
    Grant(&'static str),
    #[error("a user name has 1 to 64 characters, none of them blank or a control character")]
    Name,
    #[error("there is already a user {0}")]
    Taken(String),
    #[error("{0} was the name of somebody who was removed; histories hold it, take another one")]
    Gone(String),
    #[error("user database: {0}")]
    Db(#[from] db::Error),
    #[error(transparent)]
    Hash(#[from] anyhow::Error),
}

/// Sessions that were used after the first moment, and begun after the second, last.
fn lasting(now: UtcMs) -> (UtcMs, UtcMs) {
    (now.plus_ms(-IDLE_MS), now.plus_ms(-LIFE_MS))
}

/// Everybody whom somebody manages, by name.
pub async fn list(db: &Db, tenant: &str, by: &By) -> db::Result<Vec<Person>> {
    let units = organisation::store::units(db, tenant).await?;
    let mut tx = db.begin_read().await?;
    let mut grants: std::collections::BTreeMap<String, Vec<Grant>> = std::collections::BTreeMap::new();
    for (name, grant) in store::all_grants(&mut tx, tenant).await? {
        grants.entry(name).or_default().push(grant);
    }
    drop(tx);
    let rows = rows::people(db, tenant, lasting(by.at)).await?;
    let people = rows.into_iter().map(|row| {
        let own = grants.remove(&row.name).unwrap_or_default();
        Person::of(row, own)
    });
    Ok(people.filter(|person| by.manages(&person.grants, &units)).collect())
}

/// One of them; nothing where he is not theirs.
pub async fn one(db: &Db, tenant: &str, by: &By, name: &str) -> db::Result<Option<Person>> {
    let Some(row) = rows::person(db, tenant, name, lasting(by.at)).await? else { return Ok(None) };
    let person = Person::of(row, store::grants(db, tenant, name).await?);
    let units = organisation::store::units(db, tenant).await?;
    Ok(Some(person).filter(|person| by.manages(&person.grants, &units)))
}

/// Makes somebody; returns the password, which nothing keeps.
pub async fn add(app: &App, by: &By, name: &str, grant: &Grant) -> Result<String, PeopleError> {
    if !is_name(name) {
        return Err(PeopleError::Name);
    }
    let made = password::generate(&app.chance);
    let hash = password::hash(&made, &app.chance)?;
    let mut desk = Desk::open(app, by).await?;
    desk.may_give(grant)?;
    match rows::standing(&mut desk.tx, desk.tenant, name).await? {
        Some(row) if row.removed_at_ms.is_some() => return Err(PeopleError::Gone(name.to_owned())),
        Some(_) => return Err(PeopleError::Taken(name.to_owned())),
        None => {}
    }
    if !store::insert_user_in(&mut desk.tx, desk.tenant, name, grant, &hash, by.at).await? {
        return Err(PeopleError::Taken(name.to_owned()));
    }
    if by.is_person() {
        rows::set_must_change(&mut desk.tx, desk.tenant, name).await?;
    }
    desk.note((Deed::UserAdded, name), &grant.area, (String::new(), words(grant))).await?;
    desk.tx.commit().await?;
    Ok(made)
}

/// Gives one more role; one that he has changes nothing and is no row.
pub async fn grant(app: &App, by: &By, name: &str, grant: &Grant) -> Result<(), PeopleError> {
    let mut desk = Desk::open(app, by).await?;
    desk.may_give(grant)?;
    let had = desk.target(name).await?;
    if had.contains(grant) {
        return Ok(());
    }
    store::insert_grant(&mut desk.tx, desk.tenant, name, grant).await?;
    desk.note((Deed::UserGranted, name), &grant.area, (String::new(), words(grant))).await?;
    Ok(desk.tx.commit().await?)
}

/// Takes a role; it holds from the next request on. The last one stays.
pub async fn revoke(app: &App, by: &By, name: &str, grant: &Grant) -> Result<(), PeopleError> {
    let mut desk = Desk::open(app, by).await?;
    let had = desk.target(name).await?;
    desk.not_oneself(name)?;
    if !had.contains(grant) {
        return Err(PeopleError::NoRole(name.to_owned()));
    }
    if had.len() == 1 {
        return Err(PeopleError::LastRole(name.to_owned()));
    }
    if is_over_everything(grant) {
        desk.somebody_stays(name).await?;
    }
    store::remove_grant_in(&mut desk.tx, desk.tenant, name, grant).await?;
    let left: Vec<Grant> = had.into_iter().filter(|own| own != grant).collect();
    store::set_shown_role(&mut desk.tx, desk.tenant, name, &left).await?;
    desk.note((Deed::UserRevoked, name), &grant.area, (words(grant), String::new())).await?;
    Ok(desk.tx.commit().await?)
}

/// Another password, returned once; his sessions end, his browsers are told no more.
pub async fn new_password(app: &App, by: &By, name: &str) -> Result<String, PeopleError> {
    let made = password::generate(&app.chance);
    let hash = password::hash(&made, &app.chance)?;
    let mut desk = Desk::open(app, by).await?;
    let had = desk.target(name).await?;
    // One's own is changed on one's own page, by the old one.
    desk.not_oneself(name)?;
    rows::put_password(&mut desk.tx, desk.tenant, name, (&hash, by.is_person()), by.at).await?;
    desk.note((Deed::UserPassword, name), &around(&had), (String::new(), String::new())).await?;
    desk.tx.commit().await?;
    Ok(made)
}

/// Shuts somebody out, or lets him in again. Sessions end with it, his browsers are told no more.
pub async fn lock(app: &App, by: &By, name: &str, locked: bool) -> Result<(), PeopleError> {
    let mut desk = Desk::open(app, by).await?;
    let had = desk.target(name).await?;
    let was = desk.locked(name).await?;
    if was == locked {
        return Ok(());
    }
    let deed = if locked {
        desk.not_oneself(name)?;
        if had.iter().any(is_over_everything) {
            desk.somebody_stays(name).await?;
        }
        rows::end_sessions(&mut desk.tx, desk.tenant, name).await?;
        crate::push::store::forget_user(&mut desk.tx, desk.tenant, name).await?;
        Deed::UserLocked
    } else {
        Deed::UserUnlocked
    };
    rows::set_locked(&mut desk.tx, desk.tenant, name, locked.then_some(by.at)).await?;
    desk.note((deed, name), &around(&had), (String::new(), String::new())).await?;
    Ok(desk.tx.commit().await?)
}

/// Ends all sessions of somebody; returns how many there were.
pub async fn end_sessions(app: &App, by: &By, name: &str) -> Result<u64, PeopleError> {
    let mut desk = Desk::open(app, by).await?;
    let had = desk.target(name).await?;
    let ended = rows::end_sessions(&mut desk.tx, desk.tenant, name).await?;
    if ended > 0 {
        desk.note((Deed::UserSessions, name), &around(&had), (ended.to_string(), "0".to_owned())).await?;
        desk.tx.commit().await?;
    }
    Ok(ended)
}

/// Takes everything from somebody but the name.
pub async fn remove(app: &App, by: &By, name: &str) -> Result<(), PeopleError> {
    let mut desk = Desk::open(app, by).await?;
    let had = desk.target(name).await?;
    desk.not_oneself(name)?;
    if had.iter().any(is_over_everything) {
        desk.somebody_stays(name).await?;
    }
    rows::remove(&mut desk.tx, desk.tenant, name, by.at).await?;
    let roles: Vec<String> = had.iter().map(words).collect();
    desk.note((Deed::UserRemoved, name), &around(&had), (roles.join("; "), String::new())).await?;
    Ok(desk.tx.commit().await?)
}

/// `handler / police`
pub fn words(grant: &Grant) -> String {
    let unit = grant.unit.as_deref().unwrap_or_default();
    format!("{} {} {unit}", grant.role, grant.area).trim_end().to_owned()
}

pub(super) fn is_over_everything(grant: &Grant) -> bool {
    grant.role == Role::Administrator && grant.area == AreaPath::everything()
}

/// The smallest area that has all of somebody's roles in it.
pub(crate) fn around(grants: &[Grant]) -> AreaPath {
    let Some((first, rest)) = grants.split_first() else { return AreaPath::everything() };
    let mut path = first.area.as_str().to_owned();
    for grant in rest {
        while !grant.area.as_str().starts_with(&path) {
            let above = path.trim_end_matches('/').rfind('/').map_or(0, |at| at + 1);
            path.truncate(above.max(1));
        }
    }
    AreaPath::kept(path)
}

/// A change that is being made, under the tenant's lock.
struct Desk<'a> {
    tx: Tx,
    tenant: &'a str,
    by: &'a By,
    units: Vec<Unit>,
}

impl<'a> Desk<'a> {
    async fn open(app: &'a App, by: &'a By) -> Result<Self, PeopleError> {
        let tenant = app.tenant().as_str();
        let mut tx = app.db.begin().await?;
        tx.lock_tenant(tenant).await?;
        let units = organisation::store::units_in(&mut tx, tenant).await?;
        Ok(Self { tx, tenant, by, units })
    }

    fn may_give(&self, grant: &Grant) -> Result<(), PeopleError> {
        if let Some(why) = grant.wrong() {
            return Err(PeopleError::Grant(why));
        }
        if self.by.reaches_grant(grant, &self.units) { Ok(()) } else { Err(PeopleError::Outside) }
    }

    /// What somebody may; who is not theirs to change is not there.
    async fn target(&mut self, name: &str) -> Result<Vec<Grant>, PeopleError> {
        let unknown = || PeopleError::Unknown(name.to_owned());
        let row = rows::standing(&mut self.tx, self.tenant, name).await?.ok_or_else(unknown)?;
        let grants = rows::grants_in(&mut self.tx, self.tenant, name).await?;
        if row.removed_at_ms.is_some() || !self.by.manages(&grants, &self.units) {
            return Err(unknown());
        }
        Ok(grants)
    }

    async fn locked(&mut self, name: &str) -> Result<bool, PeopleError> {
        let row = rows::standing(&mut self.tx, self.tenant, name).await?;
        Ok(row.is_some_and(|row| row.locked_at_ms.is_some()))
    }

    fn not_oneself(&self, name: &str) -> Result<(), PeopleError> {
        if self.by.is(name) { Err(PeopleError::Oneself) } else { Ok(()) }
    }

    /// Somebody else administers everything.
    async fn somebody_stays(&mut self, name: &str) -> Result<(), PeopleError> {
        let chiefs = rows::chief_administrators(&mut self.tx, self.tenant).await?;
        if chiefs.iter().any(|chief| chief == name) && chiefs.iter().all(|chief| chief == name) {
            return Err(PeopleError::LastAdministrator(name.to_owned()));
        }
        Ok(())
    }

    async fn note(
        &mut self,
        (deed, subject): (Deed, &str),
        area: &AreaPath,
        (before, after): (String, String),
    ) -> Result<(), PeopleError> {
        let change = Change { deed, subject, area, before, after };
        Ok(audit::note(&mut self.tx, self.tenant, self.by, &change).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The area of an account has all of its roles in it, and no more than it must.
    #[test]
    fn an_account_lies_where_its_roles_do() {
        let at = |areas: &[&str]| {
            let all: Vec<Grant> = areas
                .iter()
                .map(|area| Grant {
                    role: Role::Operator,
                    area: AreaPath::kept((*area).to_owned()),
                    unit: None,
                })
                .collect();
            around(&all).as_str().to_owned()
        };
        assert_eq!(at(&[]), "/");
        assert_eq!(at(&["/c/north/"]), "/c/north/");
        assert_eq!(at(&["/c/north/g1/", "/c/north/g2/"]), "/c/north/");
        assert_eq!(at(&["/c/north/", "/c/northern/"]), "/c/");
        assert_eq!(at(&["/c/north/", "/d/"]), "/");
        assert_eq!(at(&["/c/north/", "/c/"]), "/c/");
    }
}
