//! A sheet of users: all of it in one transaction, or nothing.
//!
//! A row is a role somewhere; who has several has several rows. What a sheet says of a known user is added to what he may;
//! only where it is to be replaced is the rest taken away, at once. New users get passwords that were generated: whoever
//! imports keeps them in a file of his own before anything is in force, and nothing else ever has them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lettre::Address;
use protocol::Chance;

use super::people::{around, is_over_everything, words};
use super::store::people as rows;
use super::{Grant, Role, password, store};
use crate::admin::By;
use crate::admin::audit::{self, Change, Deed};
use crate::db::{self, Db, Tx};
use crate::organisation::{self, Area, AreaPath, Unit};
use crate::sheet::{self, Bad, Cells, Column, Headings, Row, nearest, short};
use crate::web::text::Lang;

/// Users of one sheet: each new one's password takes a while to be hashed.
const MOST_USERS: usize = 2_000;
/// Longest mail address, in bytes (RFC 5321).
const MOST_MAIL: usize = 254;

const COLUMNS: [Column; 6] = [
    ("name", "用户名", true),
    ("role", "角色", true),
    ("area", "区域", false),
    ("unit", "单位", false),
    ("phone", "电话", false),
    ("mail", "邮箱", false),
];

/// How a sheet is taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mode {
    /// Change nothing.
    pub dry_run: bool,
    /// Take away from its users what it does not give them.
    pub replace: bool,
}

/// What an import did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub new: Vec<String>,
    /// With what changed: `+dispatcher /`, `-operator /`, `reach`.
    pub changed: Vec<(String, Vec<String>)>,
    pub unchanged: Vec<String>,
    pub bad: Vec<Bad>,
    /// Whether it was done.
    pub done: bool,
}

/// A new user's password, before it is only a hash.
pub struct NewPassword {
    pub name: String,
    pub password: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{0}")]
    File(Bad),
    #[error("{0} users; {MOST_USERS} are the most of one sheet")]
    TooMany(usize),
    #[error(
        "nobody would be administrator everywhere any more; give somebody that role in the sheet, or leave out --replace"
    )]
    NoAdministrator,
    #[error("{0} was changed by somebody else meanwhile; nothing was imported, try again")]
    Meanwhile(String),
    #[error("keeping the new passwords: {0}")]
    Passwords(std::io::Error),
    #[error("hashing a password: {0}")]
    Hash(String),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// What a sheet says of one user.
#[derive(Clone, Debug, Default)]
struct Told {
    grants: Vec<Grant>,
    phone: String,
    mail: String,
}

/// Takes a sheet. `keep` is given the passwords of new users before the commit; where it fails, nothing is in force. The
/// audit has a row of each user who changes; rows beyond the area of whoever does it are bad, and whom a person gave a password
/// is to change it.
pub async fn import(
    db: &Db,
    tenant: &str,
    chance: &Chance,
    (bytes, mode): (&[u8], Mode),
    by: &By,
    keep: impl FnOnce(&[NewPassword]) -> std::io::Result<()>,
) -> Result<Imported, ImportError> {
    let (headings, rows) = sheet::open(bytes, &COLUMNS).map_err(ImportError::File)?;
    let areas = organisation::store::areas(db, tenant).await?;
    let units = organisation::store::units(db, tenant).await?;
    let (told, mut bad) = read(&rows, &headings, &areas, &units);
    let removed = rows::removed_names(db, tenant).await?;
    for row in rows.iter().filter(|row| removed.iter().any(|name| name == headings.cell(row, 0))) {
        let what = "is the name of somebody who was removed; histories hold it, take another one";
        bad.push(headings.bad(row, 0, what.to_owned()));
    }
    for row in &rows {
        let Some(told) = told.get(headings.cell(row, 0)) else { continue };
        let known = store::grants(db, tenant, headings.cell(row, 0)).await?;
        if !by.manages(&told.grants, &units) || !(known.is_empty() || by.manages(&known, &units)) {
            bad.push(headings.bad(row, 2, organisation::OUTSIDE.to_owned()));
        }
        let loses = known.iter().any(|grant| !told.grants.contains(grant));
        if mode.replace && by.is(headings.cell(row, 0)) && loses {
            let what =
                "is your own name, and the sheet takes a role from it; another administrator does that";
            bad.push(headings.bad(row, 0, what.to_owned()));
        }
    }
    if told.len() > MOST_USERS {
        return Err(ImportError::TooMany(told.len()));
    }
    let known: BTreeSet<String> = store::names(db, tenant).await?.into_iter().collect();
    let new: Vec<String> = told.keys().filter(|name| !known.contains(*name)).cloned().collect();
    let is_wanted = !mode.dry_run && bad.is_empty();
    // Outside the transaction: the tenant's lock is not held while a core hashes.
    let (passwords, hashes) =
        if is_wanted { hashed(&new, chance).await? } else { (Vec::new(), HashMap::new()) };

    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let mut before: BTreeMap<String, Vec<Grant>> = BTreeMap::new();
    for (name, grant) in store::all_grants(&mut tx, tenant).await? {
        before.entry(name).or_default().push(grant);
    }
    // Who was removed since the look above is given nothing.
    let gone = rows::removed_names_in(&mut tx, tenant).await?;
    if let Some(name) = told.keys().find(|name| is_wanted && gone.contains(name)) {
        return Err(ImportError::Meanwhile(name.clone()));
    }
    // Who is locked administers nothing.
    let had_administrator = !rows::chief_administrators(&mut tx, tenant).await?.is_empty();
    let mut outcome = Imported { bad, ..Imported::default() };
    for (name, told) in &told {
        if new.contains(name) {
            outcome.new.push(name.clone());
            before.insert(name.clone(), told.grants.clone());
            if !is_wanted {
                continue;
            }
            let hash = hashes.get(name).map_or("", String::as_str);
            let (first, rest) = told.grants.split_first().expect("a user is told by a role");
            if !store::insert_user_in(&mut tx, tenant, name, first, hash, by.at).await? {
                return Err(ImportError::Meanwhile(name.clone()));
            }
            for grant in rest {
                store::insert_grant(&mut tx, tenant, name, grant).await?;
            }
            if by.is_person() {
                rows::set_must_change(&mut tx, tenant, name).await?;
            }
            let roles: Vec<String> = told.grants.iter().map(words).collect();
            noted(&mut tx, tenant, by, (Deed::UserAdded, name), &told.grants, roles).await?;
        } else {
            let had = before.entry(name.clone()).or_default();
            // Looked at before the lock was held; he may have been given a role since.
            if is_wanted && !had.is_empty() && !by.manages(had, &units) {
                return Err(ImportError::Meanwhile(name.clone()));
            }
            let mut changes = Vec::new();
            for grant in told.grants.iter().filter(|grant| !had.contains(grant)) {
                store::insert_grant(&mut tx, tenant, name, grant).await?;
                changes.push(format!("+{}", words(grant)));
            }
            if mode.replace {
                for grant in had.iter().filter(|grant| !told.grants.contains(grant)) {
                    store::remove_grant_in(&mut tx, tenant, name, grant).await?;
                    changes.push(format!("-{}", words(grant)));
                }
                had.clone_from(&told.grants);
                store::set_shown_role(&mut tx, tenant, name, &told.grants).await?;
            } else {
                had.extend(told.grants.iter().cloned());
            }
            if store::put_reach(&mut tx, tenant, name, (&told.phone, &told.mail), by.at).await? {
                changes.push("reach".to_owned());
            }
            if changes.is_empty() {
                outcome.unchanged.push(name.clone());
            } else {
                noted(&mut tx, tenant, by, (Deed::Users, name), had, changes.clone()).await?;
                outcome.changed.push((name.clone(), changes));
            }
            continue;
        }
        store::put_reach(&mut tx, tenant, name, (&told.phone, &told.mail), by.at).await?;
    }
    // New ones are not written while it is only tried.
    let has_new = outcome.new.iter().any(|name| told[name].grants.iter().any(is_over_everything));
    let has_administrator = has_new || !rows::chief_administrators(&mut tx, tenant).await?.is_empty();
    if had_administrator && !has_administrator {
        return Err(ImportError::NoAdministrator);
    }
    if !is_wanted {
        // What was written to see what changes is rolled back.
        return Ok(outcome);
    }
    if !passwords.is_empty() {
        keep(&passwords).map_err(ImportError::Passwords)?;
    }
    tx.commit().await?;
    outcome.done = true;
    Ok(outcome)
}

async fn noted(
    tx: &mut Tx,
    tenant: &str,
    by: &By,
    (deed, name): (Deed, &str),
    grants: &[Grant],
    changes: Vec<String>,
) -> db::Result<()> {
    let (area, after) = (around(grants), changes.join("; "));
    let change = Change { deed, subject: name, area: &area, before: String::new(), after };
    audit::note(tx, tenant, by, &change).await
}

async fn hashed(
    new: &[String],
    chance: &Chance,
) -> Result<(Vec<NewPassword>, HashMap<String, String>), ImportError> {
    let (mut passwords, mut hashes) = (Vec::new(), HashMap::new());
    for name in new {
        let password = password::generate(chance);
        // One at a time, and never on the threads that answer requests for long.
        tokio::task::yield_now().await;
        let hash = password::hash(&password, chance).map_err(|error| ImportError::Hash(error.to_string()))?;
        hashes.insert(name.clone(), hash);
        passwords.push(NewPassword { name: name.clone(), password });
    }
    Ok((passwords, hashes))
}

fn read(
    rows: &[Row],
    headings: &Headings,
    areas: &[Area],
    units: &[Unit],
) -> (BTreeMap<String, Told>, Vec<Bad>) {
    let (mut all, mut bad) = (BTreeMap::<String, Told>::new(), Vec::new());
    for row in rows {
        match role_of(row, headings, areas, units) {
            Ok((name, grant, phone, mail)) => {
                let told = all.entry(name).or_default();
                if told.grants.contains(&grant) {
                    bad.push(headings.bad(row, 1, "the same user has this role in another row".to_owned()));
                    continue;
                }
                told.grants.push(grant);
                for (field, own, other) in [(4, &mut told.phone, phone), (5, &mut told.mail, mail)] {
                    if !own.is_empty() && !other.is_empty() && *own != other {
                        let what = "another row of the same user says otherwise; leave one of them empty";
                        bad.push(headings.bad(row, field, what.to_owned()));
                    } else if !other.is_empty() {
                        *own = other;
                    }
                }
            }
            Err(wrong) => bad.extend(wrong),
        }
    }
    (all, bad)
}

fn role_of(
    row: &Row,
    headings: &Headings,
    areas: &[Area],
    units: &[Unit],
) -> Result<(String, Grant, String, String), Vec<Bad>> {
    let mut cells = Cells::new(row, headings)?;
    let name = cells.cell(0).to_owned();
    if !super::is_name(&name) {
        let what =
            format!("{:?} is no user name; it has 1 to 64 characters, none of them blank", short(&name));
        cells.complain(0, what);
    }
    let word = cells.cell(1);
    let role = Role::ALL.into_iter().find(|role| role.as_str() == word || role.word(Lang::Zh) == word);
    if role.is_none() {
        let near = nearest(word, Role::ALL.iter().map(|role| role.as_str()));
        let all: Vec<String> =
            Role::ALL.iter().map(|role| format!("{role} {}", role.word(Lang::Zh))).collect();
        cells.complain(1, format!("{:?} is no role{near}; there are {}", short(word), all.join(", ")));
    }
    let area = area_of(&mut cells, role, areas);
    let unit = Some(cells.cell(3)).filter(|unit| !unit.is_empty());
    if let Some(id) = unit.filter(|id| !units.iter().any(|known| known.unit == **id)) {
        let near = nearest(id, units.iter().map(|known| known.unit.as_str()));
        cells.complain(3, format!("there is no unit {:?}{near}; `hub unit list` names them", short(id)));
    }
    let grant = Grant { role: role.unwrap_or(Role::Operator), area, unit: unit.map(str::to_owned) };
    if let (Some(_), Some(why)) = (role, grant.wrong()) {
        cells.complain(3, why.to_owned());
    }
    let (phone, mail) = (phone(&mut cells), mail(&mut cells));
    if cells.bad.is_empty() { Ok((name, grant, phone, mail)) } else { Err(cells.bad) }
}

/// Empty is everywhere, which is never meant for people of one place.
fn area_of(cells: &mut Cells<'_>, role: Option<Role>, areas: &[Area]) -> AreaPath {
    let id = cells.cell(2);
    if id.is_empty() {
        let is_local = role.is_some_and(|role| {
            use Role::{Attendant, CommunityOfficer, GridManager, Informant, TownOfficer};
            [TownOfficer, CommunityOfficer, GridManager, Informant, Attendant].contains(&role)
        });
        if is_local {
            cells.complain(2, "is empty, which is everywhere; name the area of this role".to_owned());
        }
        return AreaPath::everything();
    }
    match areas.iter().find(|area| area.area == id) {
        Some(area) => AreaPath::kept(area.path.clone()),
        None => {
            let near = nearest(id, areas.iter().map(|area| area.area.as_str()));
            cells.complain(2, format!("there is no area {:?}{near}; `hub area list` names them", short(id)));
            AreaPath::everything()
        }
    }
}

fn phone(cells: &mut Cells<'_>) -> String {
    let text: String = cells.cell(4).chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let digits = text.strip_prefix('+').unwrap_or(&text);
    let is_number = digits.chars().all(|c| c.is_ascii_digit()) && (3..=15).contains(&digits.len());
    if !text.is_empty() && !is_number {
        cells.complain(4, "is no telephone number: 3 to 15 digits, with + before them or without".to_owned());
    }
    text
}

fn mail(cells: &mut Cells<'_>) -> String {
    let text = cells.cell(5);
    if !text.is_empty() && (text.len() > MOST_MAIL || text.parse::<Address>().is_err()) {
        cells.complain(5, format!("{:?} is no mail address", short(text)));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests;
