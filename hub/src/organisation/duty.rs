//! Duty rosters: who is on duty where and when, and who leads the shift.

use jiff::tz::TimeZone;
use protocol::{Chance, UtcMs};

use super::import::{OUTSIDE, noted};
use super::{Area, AreaPath, ImportError, Imported, store};
use crate::admin::By;
use crate::admin::audit::Deed;
use crate::db::{Db, Result, Tx};
use crate::sheet::{self, Cells, Column, Headings, Row, short};

/// Longest turn, in milliseconds: a week.
pub(super) const MOST_MS: i64 = 7 * 86_400_000;
/// No turn begins later: the year 2100.
pub const LAST_MS: i64 = 4_102_444_800_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Post {
    /// 值班员
    Duty,
    /// 班长
    Leader,
}

impl Post {
    pub const ALL: [Self; 2] = [Self::Duty, Self::Leader];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Duty => "duty",
            Self::Leader => "leader",
        }
    }
}

const COLUMNS: [Column; 5] = [
    ("user", "用户", true),
    ("post", "岗位", true),
    ("area", "区域", false),
    ("from", "开始", true),
    ("to", "结束", true),
];

/// One turn of a roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) user: String,
    pub(super) post: String,
    pub(super) area: String,
    pub(super) from: UtcMs,
    pub(super) to: UtcMs,
}

/// Takes a sheet of turns. It replaces what was planned for its posts and areas in the time that it spans: a shift that was
/// swapped is taken back by the sheet that has it right. Rows beyond the area of whoever does it are bad.
pub async fn import(
    db: &Db,
    tenant: &str,
    chance: &Chance,
    (bytes, zone): (&[u8], &TimeZone),
    dry_run: bool,
    by: &By,
) -> std::result::Result<Imported, ImportError> {
    let (headings, rows) = sheet::open(bytes, &COLUMNS).map_err(ImportError::File)?;
    let users = crate::user::names(db, tenant).await?;
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let areas = store::areas_in(&mut tx, tenant).await?;
    let mut outcome = Imported::default();
    let mut turns = Vec::new();
    for row in &rows {
        match turn(row, &headings, &areas, &users, zone) {
            Ok(turn) if !by.reaches(&AreaPath::kept(turn.area.clone())) => {
                outcome.bad.push(headings.bad(row, 2, OUTSIDE.to_owned()));
            }
            Ok(turn) => turns.push(turn),
            Err(bad) => outcome.bad.extend(bad),
        }
    }
    let mut planned = std::collections::BTreeSet::new();
    for turn in &turns {
        planned.insert((turn.area.as_str(), turn.post.as_str()));
    }
    for (area, post) in planned {
        let own = turns.iter().filter(|turn| (turn.area.as_str(), turn.post.as_str()) == (area, post));
        let (from, to) =
            own.fold((i64::MAX, 0), |(from, to), turn| (from.min(turn.from.0), to.max(turn.to.0)));
        store::clear_turns(&mut tx, tenant, (area, post), (from, to)).await?;
    }
    for turn in &turns {
        let id = chance.uuid_v7(by.at).to_string();
        let list = if store::insert_turn(&mut tx, tenant, &id, turn).await? {
            &mut outcome.new
        } else {
            &mut outcome.unchanged
        };
        list.push(turn.user.clone());
    }
    if !dry_run && outcome.bad.is_empty() {
        noted(&mut tx, tenant, by, Deed::Duty, &outcome).await?;
        tx.commit().await?;
        outcome.done = true;
    }
    Ok(outcome)
}

fn turn(
    row: &Row,
    headings: &Headings,
    areas: &[Area],
    users: &[String],
    zone: &TimeZone,
) -> std::result::Result<Turn, Vec<sheet::Bad>> {
    let mut cells = Cells::new(row, headings)?;
    let user = cells.cell(0).to_owned();
    if !users.contains(&user) {
        cells.complain(0, format!("there is no user {:?}; `hub user list` names them", short(&user)));
    }
    let post = match cells.cell(1) {
        "duty" | "值班" | "值班员" => Post::Duty,
        "leader" | "班长" | "带班" => Post::Leader,
        other => {
            let what = format!("{:?} is neither duty (值班) nor leader (班长)", short(other));
            cells.complain(1, what);
            Post::Duty
        }
    };
    let area = match cells.cell(2) {
        "" => "/".to_owned(),
        id => match areas.iter().find(|area| area.area == id) {
            Some(area) => area.path.clone(),
            None => {
                cells.complain(2, format!("there is no area {:?}; import areas first", short(id)));
                String::new()
            }
        },
    };
    let mut moment = |field: usize| {
        let text = cells.cell(field).replace('/', "-");
        let local = text.parse::<jiff::civil::DateTime>().ok();
        let at = local.and_then(|local| zone.to_timestamp(local).ok());
        if at.is_none() {
            cells.complain(field, format!("{:?} is no moment; write 2026-03-18 08:00", short(&text)));
        }
        at.map(|at| UtcMs(at.as_millisecond()))
    };
    let (from, to) = (moment(3), moment(4));
    if let (Some(from), Some(to)) = (from, to)
        && !(1..=MOST_MS).contains(&(to.0 - from.0))
    {
        cells.complain(4, "a turn ends after it begins, within a week".to_owned());
    }
    match (from, to) {
        (Some(from), Some(to)) if cells.bad.is_empty() => {
            Ok(Turn { user, post: post.as_str().to_owned(), area, from, to })
        }
        _ => Err(cells.bad),
    }
}

/// Who has this post over an area in which this one lies; the nearest alone: a community's own roster comes before the
/// county's.
pub async fn on_duty(
    tx: &mut Tx,
    tenant: &str,
    area: &AreaPath,
    post: Post,
    now: UtcMs,
) -> Result<Vec<String>> {
    let rows = store::on_duty(tx, tenant, area.as_str(), post.as_str(), now).await?;
    let nearest = rows.first().map(|(_, area)| area.clone()).unwrap_or_default();
    let mut names: Vec<String> =
        rows.into_iter().filter(|(_, area)| *area == nearest).map(|(name, _)| name).collect();
    names.dedup();
    Ok(names)
}

/// Turns that have not ended, as lines: who, post, area, from, to.
pub async fn lines(db: &Db, tenant: &str, zone: &TimeZone, now: UtcMs) -> Result<Vec<String>> {
    let local = |at: UtcMs| {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    };
    let line = |turn: Turn| {
        format!("{}\t{}\t{}\t{}\t{}", turn.user, turn.post, turn.area, local(turn.from), local(turn.to))
    };
    Ok(store::turns(db, tenant, now).await?.into_iter().map(line).collect())
}
