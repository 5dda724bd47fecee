//! One area, unit or turn, changed by somebody: the change and its row of the audit in one transaction.
//!
//! An area's place and a unit's id stay what they are: cases and people are bound to them.

use protocol::UtcMs;

use super::duty::{LAST_MS, MOST_MS, Post, Turn};
use super::import::MOST_NAME;
use super::{Area, AreaPath, Unit, store};
use crate::admin::By;
use crate::admin::audit::{self, Change, Deed};
use crate::app::App;
use crate::db;
use crate::user;

/// Why it stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("it is not there, or outside of the area that you administer")]
    Unknown,
    #[error("a name has 1 to {MOST_NAME} characters, in one line")]
    Name,
    #[error("this is outside of the area that you administer")]
    Outside,
    #[error("there is no area {0}")]
    Area(String),
    #[error("there is no user {0}")]
    User(String),
    #[error("a turn ends after it begins, within a week, and begins before the year 2100")]
    Turn,
    #[error("this turn stands there already")]
    Twice,
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// What an area is called.
#[derive(Clone, Copy, Debug)]
pub struct AreaNames<'a> {
    pub zh: &'a str,
    pub en: &'a str,
    pub rural: bool,
}

pub async fn area(app: &App, by: &By, id: &str, names: AreaNames<'_>) -> Result<(), EditError> {
    let (zh, en) = both(names.zh, names.en)?;
    let tenant = app.tenant().as_str();
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let all = store::areas_in(&mut tx, tenant).await?;
    let old = all.into_iter().find(|area| area.area == id).ok_or(EditError::Unknown)?;
    let path = AreaPath::kept(old.path.clone());
    if !by.reaches(&path) {
        return Err(EditError::Unknown);
    }
    let new = Area { name_zh: zh, name_en: en, rural: i64::from(names.rural), ..old.clone() };
    if new == old {
        return Ok(());
    }
    store::put_area(&mut tx, tenant, &new).await?;
    let words = |area: &Area| format!("{} / {} / rural {}", area.name_zh, area.name_en, area.rural);
    let (before, after) = (words(&old), words(&new));
    let change = Change { deed: Deed::AreaChanged, subject: id, area: &path, before, after };
    audit::note(&mut tx, tenant, by, &change).await?;
    Ok(tx.commit().await?)
}

/// A unit as somebody writes it; `area` by its id, nothing is everywhere.
#[derive(Clone, Copy, Debug)]
pub struct UnitWords<'a> {
    pub zh: &'a str,
    pub en: &'a str,
    pub area: &'a str,
    pub active: bool,
}

pub async fn unit(app: &App, by: &By, id: &str, words: UnitWords<'_>) -> Result<(), EditError> {
    let (zh, en) = both(words.zh, words.en)?;
    let tenant = app.tenant().as_str();
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let old = store::units_in(&mut tx, tenant).await?.into_iter().find(|unit| unit.unit == id);
    let old = old.filter(|unit| by.reaches(&AreaPath::kept(unit.area.clone()))).ok_or(EditError::Unknown)?;
    let path = match words.area {
        "" => AreaPath::everything(),
        id => {
            let all = store::areas_in(&mut tx, tenant).await?;
            let found = all.into_iter().find(|area| area.area == id);
            AreaPath::kept(found.ok_or_else(|| EditError::Area(id.to_owned()))?.path)
        }
    };
    if !by.reaches(&path) {
        return Err(EditError::Outside);
    }
    let new = Unit {
        unit: old.unit.clone(),
        name_zh: zh,
        name_en: en,
        area: path.as_str().to_owned(),
        active: i64::from(words.active),
    };
    if new == old {
        return Ok(());
    }
    store::put_unit(&mut tx, tenant, &new).await?;
    let told =
        |unit: &Unit| format!("{} / {} / {} / active {}", unit.name_zh, unit.name_en, unit.area, unit.active);
    let (before, after) = (told(&old), told(&new));
    // Who administers the place that it leaves reads of it too.
    let left = AreaPath::kept(old.area.clone());
    for area in [Some(&path), (left != path).then_some(&left)].into_iter().flatten() {
        let (before, after) = (before.clone(), after.clone());
        let change = Change { deed: Deed::UnitChanged, subject: id, area, before, after };
        audit::note(&mut tx, tenant, by, &change).await?;
    }
    Ok(tx.commit().await?)
}

/// A turn of the roster with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub duty_id: String,
    pub user_name: String,
    pub post: String,
    pub area: String,
    pub from_ms: i64,
    pub to_ms: i64,
}

db::from_row!(Planned: duty_id, user_name, post, area, from_ms, to_ms);

/// Turns that lie in this time, even in part, by their beginning.
pub async fn planned(app: &App, (from, to): (UtcMs, UtcMs)) -> db::Result<Vec<Planned>> {
    store::planned(&app.db, app.tenant().as_str(), from, to).await
}

/// Who, as what, where, from when to when.
#[derive(Clone, Copy, Debug)]
pub struct NewTurn<'a> {
    pub user: &'a str,
    pub post: Post,
    pub area: &'a AreaPath,
    pub from: UtcMs,
    pub to: UtcMs,
}

pub async fn add_turn(app: &App, by: &By, new: NewTurn<'_>) -> Result<(), EditError> {
    let length = new.to.0.checked_sub(new.from.0);
    if !length.is_some_and(|ms| (1..=MOST_MS).contains(&ms)) || !(0..LAST_MS).contains(&new.from.0) {
        return Err(EditError::Turn);
    }
    if !by.reaches(new.area) {
        return Err(EditError::Outside);
    }
    let tenant = app.tenant().as_str();
    let turn = Turn {
        user: new.user.to_owned(),
        post: new.post.as_str().to_owned(),
        area: new.area.as_str().to_owned(),
        from: new.from,
        to: new.to,
    };
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    if !user::is_there(&mut tx, tenant, new.user).await? {
        return Err(EditError::User(new.user.to_owned()));
    }
    if !store::insert_turn(&mut tx, tenant, &app.new_id(), &turn).await? {
        return Err(EditError::Twice);
    }
    let after = told(app, &turn.post, (new.from, new.to));
    let change =
        Change { deed: Deed::TurnAdded, subject: new.user, area: new.area, before: String::new(), after };
    audit::note(&mut tx, tenant, by, &change).await?;
    Ok(tx.commit().await?)
}

pub async fn remove_turn(app: &App, by: &By, duty_id: &str) -> Result<(), EditError> {
    let tenant = app.tenant().as_str();
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let old = store::turn_in(&mut tx, tenant, duty_id).await?.ok_or(EditError::Unknown)?;
    let area = AreaPath::kept(old.area.clone());
    if !by.reaches(&area) {
        return Err(EditError::Unknown);
    }
    store::remove_turn(&mut tx, tenant, duty_id).await?;
    let before = told(app, &old.post, (UtcMs(old.from_ms), UtcMs(old.to_ms)));
    let change = Change {
        deed: Deed::TurnRemoved,
        subject: &old.user_name,
        area: &area,
        before,
        after: String::new(),
    };
    audit::note(&mut tx, tenant, by, &change).await?;
    Ok(tx.commit().await?)
}

fn told(app: &App, post: &str, (from, to): (UtcMs, UtcMs)) -> String {
    format!("{post} {} – {}", app.local_time(from), app.local_time(to))
}

/// The English name is the Chinese one where there is none.
fn both(zh: &str, en: &str) -> Result<(String, String), EditError> {
    let (zh, en) = (zh.trim(), en.trim());
    let fits = |name: &str| name.chars().count() <= MOST_NAME && !name.contains(char::is_control);
    if zh.is_empty() || !fits(zh) || !fits(en) {
        return Err(EditError::Name);
    }
    Ok((zh.to_owned(), if en.is_empty() { zh } else { en }.to_owned()))
}

/// Stretches of a time in which nobody is on duty, of turns in any order. Pure.
pub fn gaps(turns: &[(i64, i64)], (from, to): (i64, i64)) -> Vec<(i64, i64)> {
    let mut sorted: Vec<(i64, i64)> =
        turns.iter().copied().filter(|turn| turn.1 > from && turn.0 < to).collect();
    sorted.sort_unstable();
    let (mut covered, mut gaps) = (from, Vec::new());
    for (begins, ends) in sorted {
        if begins > covered {
            gaps.push((covered, begins));
        }
        covered = covered.max(ends);
    }
    if covered < to {
        gaps.push((covered, to));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: turns that overlap, touch, hang over either end, or leave something open.
    #[test]
    fn gaps_are_what_turns_leave() {
        assert_eq!(gaps(&[], (10, 20)), [(10, 20)]);
        assert_eq!(gaps(&[(0, 30)], (10, 20)), []);
        assert_eq!(gaps(&[(15, 25), (5, 15)], (10, 20)), []);
        assert_eq!(gaps(&[(5, 12), (11, 14), (16, 18)], (10, 20)), [(14, 16), (18, 20)]);
        assert_eq!(gaps(&[(0, 10), (20, 30)], (10, 20)), [(10, 20)]);
    }

    #[test]
    fn names_are_lines() {
        assert_eq!(both(" 东关 ", "").unwrap(), ("东关".to_owned(), "东关".to_owned()));
        for (zh, en) in [("", "x"), ("a\nb", ""), (&*"长".repeat(61), "")] {
            assert!(matches!(both(zh, en), Err(EditError::Name)), "{zh}");
        }
    }
}
