//! What an address asks of the evaluation, on pages and in the API alike.

use std::collections::{HashMap, HashSet};

use super::names::Names;
use super::store::{self, Behind};
use super::{By, Item, Measure, Narrow, Part, Period, Place, Question, Scope, items_of};
use crate::app::App;
use crate::db;
use crate::organisation;
use crate::user::Session;
use crate::web::guard::Fields;

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("{0}")]
    Input(String),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// A table, or figures of one period.
#[derive(Clone, Debug)]
pub struct Asked {
    pub question: Question,
    pub by: By,
    /// Id of the area to which it is narrowed; nothing for none.
    pub area: String,
}

impl Asked {
    /// `by`, `level`, `period` (this month without one), `area`.
    pub async fn read(app: &App, fields: &Fields, session: &Session) -> Result<Self, AskError> {
        let by = By::read(fields.get("by"), fields.get("level")).map_err(AskError::Input)?;
        Self::read_by(app, fields, session, by).await
    }

    /// The same where a page itself says what its rows are.
    pub async fn read_by(app: &App, fields: &Fields, session: &Session, by: By) -> Result<Self, AskError> {
        let period = match fields.get("period") {
            "" => this_month(app)?,
            text => text.parse().map_err(|error| AskError::Input(format!("period: {error}")))?,
        };
        Self::of(app, fields, session, by, period).await
    }

    /// `month` (this month without one), `area`.
    pub async fn month(app: &App, fields: &Fields, session: &Session) -> Result<Self, AskError> {
        let month: Period = match fields.get("month") {
            "" => this_month(app)?,
            text => text.parse().map_err(|error| AskError::Input(format!("month: {error}")))?,
        };
        if !month.is_month() {
            return Err(AskError::Input(format!("month: {month} is none; write 2026-10")));
        }
        Self::of(app, fields, session, By::Unit, month).await
    }

    async fn of(
        app: &App,
        fields: &Fields,
        session: &Session,
        by: By,
        period: Period,
    ) -> Result<Self, AskError> {
        let id = fields.get("area");
        let path = match id {
            "" => String::new(),
            id => {
                let found = organisation::store::area(&app.db, app.tenant().as_str(), id).await?;
                found.ok_or_else(|| AskError::Input(format!("area: there is no area {id:?}")))?.path
            }
        };
        let question = Question::new(app, period, Scope::of(&session.grants), &path);
        Ok(Self { question, by, area: id.to_owned() })
    }
}

fn this_month(app: &App) -> Result<Period, AskError> {
    let clock = || AskError::Input("the hub's clock is out of range".to_owned());
    Period::month_of(app.clock.now(), &app.zone).ok_or_else(clock)
}

impl Place {
    /// `measure`, `part`, `key` (of the row; all rows with `total=1`).
    pub fn read(fields: &Fields, by: By) -> Result<Self, AskError> {
        let measure: Measure =
            fields.get("measure").parse().map_err(|error| AskError::Input(format!("measure: {error}")))?;
        let part: Part =
            fields.get("part").parse().map_err(|error| AskError::Input(format!("part: {error}")))?;
        let has_key = fields.pairs().iter().any(|(name, _)| name == "key");
        let key = has_key.then(|| fields.get("key").to_owned());
        Ok(Self { by, key, measure, part })
    }
}

impl Narrow {
    /// `category`, `community`, `cause`, `weekday` (0 is Monday) and `hour`; what is left out narrows nothing.
    pub fn read(fields: &Fields) -> Result<Self, AskError> {
        let given = |name: &str| {
            let has = fields.pairs().iter().any(|(own, _)| own == name);
            has.then(|| fields.get(name).to_owned())
        };
        let number = |name: &str, most: i8| match given(name) {
            None => Ok(None),
            Some(text) => {
                let found = text.parse().ok().filter(|number| (0..=most).contains(number));
                found
                    .map(Some)
                    .ok_or_else(|| AskError::Input(format!("{name}: {text:?} is no number from 0 to {most}")))
            }
        };
        let cause = given("cause").map(|text| text.parse()).transpose();
        Ok(Self {
            category: given("category"),
            community: given("community"),
            cause: cause.map_err(|error| AskError::Input(format!("cause: {error}")))?,
            weekday: number("weekday", 6)?,
            hour: number("hour", 23)?,
        })
    }
}

/// A page of the cases behind a figure.
#[derive(Clone, Debug)]
pub struct Page {
    /// Of the figure.
    pub count: usize,
    /// Of this page, that the asker may not see now: they lie elsewhere meanwhile.
    pub hidden: usize,
    pub rows: Vec<(Item, Behind)>,
    /// Where the next page begins.
    pub next: Option<usize>,
}

/// `limit` cases from the `after`-th on, those that the asker may see.
pub async fn page(
    app: &App,
    asked: &Asked,
    (place, narrow): (&Place, &Narrow),
    user: &str,
    (after, limit): (usize, usize),
) -> Result<Page, AskError> {
    let all = items_of(app, &asked.question, place, narrow).await?;
    let count = all.len();
    let own: Vec<Item> = all.into_iter().skip(after).take(limit).collect();
    let next = Some(after + own.len()).filter(|next| *next < count);
    let (rows, hidden) = seen(app, own, user).await?;
    Ok(Page { count, hidden, rows, next })
}

/// What is shown of each, and how many this user may not see.
pub async fn seen(app: &App, items: Vec<Item>, user: &str) -> db::Result<(Vec<(Item, Behind)>, usize)> {
    let numbers: HashSet<&str> = items.iter().map(|item| item.number.as_str()).collect();
    let numbers: Vec<&str> = numbers.into_iter().collect();
    let found = store::behind(&app.db, app.tenant().as_str(), &numbers, user).await?;
    let found: HashMap<String, Behind> = found.into_iter().map(|one| (one.number.clone(), one)).collect();
    let all = items.len();
    let rows: Vec<(Item, Behind)> = items
        .into_iter()
        .filter_map(|item| found.get(&item.number).cloned().map(|behind| (item, behind)))
        .collect();
    let hidden = all - rows.len();
    Ok((rows, hidden))
}

/// Cases of a figure as a sheet.
pub fn sheet(page: &Page, place: &Place, names: &Names, app: &App) -> super::export::Sheet {
    let heads =
        ["案号 Number", "时间 At", "单位 Unit", "名称 Title", "状态 State", "区域 Area", "小类 Category"];
    let row = |(item, behind): &(Item, Behind)| {
        let unit = item.unit.as_deref().map(|unit| names.unit(unit).0).unwrap_or_default();
        let category = behind.category.as_deref().unwrap_or_default();
        let category = if category.is_empty() { String::new() } else { names.of(By::Category, category).0 };
        let state = behind
            .state
            .parse()
            .map_or(behind.state.clone(), |state: crate::case::CaseState| state.zh().to_owned());
        [
            item.number.clone(),
            app.local_time(item.at),
            unit,
            behind.title_zh.clone(),
            state,
            names.area(&behind.area).0,
            category,
        ]
        .map(super::export::Cell::from)
        .to_vec()
    };
    super::export::Sheet {
        name: place.measure.zh().to_owned(),
        heads: heads.map(str::to_owned).to_vec(),
        rows: page.rows.iter().map(row).collect(),
    }
}
