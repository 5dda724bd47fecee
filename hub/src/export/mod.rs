//! Cases as a sheet: for reports upwards, with the state codes of digital city management.
//!
//! A row a case, of those that the filter takes and its user may see, in the order of the list. CSV is streamed in pages
//! and has no end; a workbook is made in memory and does: [`MOST_XLSX`] rows, and it says so when it was cut. What somebody
//! wrote is never a formula ([`cell`]).

mod cell;
mod row;
mod store;
#[cfg(test)]
mod tests;
mod xlsx;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;
use crate::case::store::list;
use crate::case::{Case, CaseFilter, Cursor};
use crate::category;
use crate::db;
use crate::organisation;
use crate::user::{self, Access};
use cell::Cell;
use row::Names;

/// Rows of a workbook.
pub const MOST_XLSX: usize = 50_000;
/// Cases that are read at once.
const PAGE: i64 = 1_000;
/// What the access register calls it.
pub const KIND: &str = "cases";
/// Longest account of what was asked for.
const MOST_PURPOSE: usize = 200;

/// Exports that run at once, of each kind, in this process: tens of thousands of rows of a workbook lie in memory.
static STREAMS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(4)));
static BOOKS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(1)));
/// Exports that may wait for their turn; more are refused at once.
static WAITING: Semaphore = Semaphore::const_new(16);

async fn turn(of: &LazyLock<Arc<Semaphore>>) -> Result<OwnedSemaphorePermit, ExportError> {
    let _place = WAITING.try_acquire().map_err(|_| ExportError::Busy)?;
    Arc::clone(of).acquire_owned().await.map_err(|_| ExportError::Busy)
}

/// Why there is no sheet.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("others are being written; try again in a minute")]
    Busy,
    #[error("case database: {0}")]
    Db(#[from] db::Error),
    #[error("writing the workbook: {0}")]
    Book(String),
}

/// A download is a row of the access register, written before anything is told.
pub async fn register(app: &App, user: &str, what: &str) -> db::Result<()> {
    let now = app.clock.now();
    let access = Access {
        at_ms: now.0,
        user_name: user.to_owned(),
        sha256: String::new(),
        kind: KIND.to_owned(),
        act: "download".to_owned(),
        purpose: what.chars().take(MOST_PURPOSE).collect(),
        case_number: None,
        call_id: None,
    };
    let mut tx = app.db.begin().await?;
    user::register_each(&mut tx, app.tenant().as_str(), &app.chance, now, &access).await?;
    tx.commit().await
}

/// Pages of a list, one after the other.
struct Pages {
    app: App,
    filter: CaseFilter,
    names: Names,
    over: bool,
}

impl Pages {
    async fn open(app: &App, filter: CaseFilter) -> db::Result<Self> {
        let tenant = app.tenant().as_str();
        let areas = organisation::store::areas(&app.db, tenant).await?;
        let units = organisation::store::units(&app.db, tenant).await?;
        let names = Names {
            areas: areas.into_iter().map(|area| (area.path, area.name_zh)).collect(),
            units: units.into_iter().map(|unit| (unit.unit, unit.name_zh)).collect(),
            categories: category::all(&app.db, tenant).await?,
            zone: app.zone.clone(),
        };
        let filter = CaseFilter { limit: PAGE, ..filter };
        Ok(Self { app: app.clone(), filter, names, over: false })
    }

    /// The next rows; none when there are no more.
    async fn next(&mut self) -> db::Result<Vec<Vec<Cell>>> {
        if self.over {
            return Ok(Vec::new());
        }
        let tenant = self.app.tenant().as_str();
        let cases: Vec<Case> = list::list(&self.app.db, tenant, &self.filter).await?;
        self.over = (cases.len() as i64) < PAGE;
        self.filter.after = cases.last().map(Cursor::of);
        let more = store::more(&self.app.db, tenant, cases.iter().map(|case| case.case_id.as_str())).await?;
        let more: HashMap<&str, &store::More> =
            more.iter().map(|more| (more.case_id.as_str(), more)).collect();
        let row = |case: &Case| self.names.row(case, more.get(case.case_id.as_str()).copied());
        Ok(cases.iter().map(row).collect())
    }
}

/// All of it as CSV, in pieces. Begins with a mark by which spreadsheets know that it is UTF-8.
pub async fn csv(
    app: &App,
    filter: CaseFilter,
) -> Result<impl Stream<Item = db::Result<Bytes>> + Send + use<>, ExportError> {
    let permit = turn(&STREAMS).await?;
    let pages = Pages::open(app, filter).await?;
    let head = format!("\u{feff}{}", cell::csv_line(&row::headings()));
    let state: (Option<String>, Pages, OwnedSemaphorePermit) = (Some(head), pages, permit);
    Ok(stream::try_unfold(state, |(head, mut pages, permit)| async move {
        if let Some(head) = head {
            return Ok(Some((Bytes::from(head), (None, pages, permit))));
        }
        let rows = pages.next().await?;
        if rows.is_empty() {
            return Ok::<_, db::Error>(None);
        }
        let text: String = rows.iter().map(|row| cell::csv_line(row)).collect();
        Ok(Some((Bytes::from(text), (None, pages, permit))))
    }))
}

/// The first [`MOST_XLSX`] of it as a workbook.
pub async fn workbook(app: &App, filter: CaseFilter) -> Result<Vec<u8>, ExportError> {
    book_of(app, filter, MOST_XLSX).await
}

async fn book_of(app: &App, filter: CaseFilter, most: usize) -> Result<Vec<u8>, ExportError> {
    let _turn = turn(&BOOKS).await?;
    let mut pages = Pages::open(app, filter).await?;
    let mut rows = Vec::new();
    while rows.len() <= most {
        let page = pages.next().await?;
        if page.is_empty() {
            break;
        }
        rows.extend(page);
    }
    let cut = rows.len() > most;
    rows.truncate(most);
    let made_at = app.clock.now();
    let book = tokio::task::spawn_blocking(move || xlsx::write(&rows, cut, made_at)).await;
    book.map_err(|error| ExportError::Book(error.to_string()))?.map_err(ExportError::Book)
}
