//! SQL of maps. Every query has a bound, reads open cases alone, and tells only what whoever looks may see.

use crate::args;
use crate::case::store::visible;
use crate::db::{Db, Result, from_row};
use crate::device::store::seen_box;

/// Areas of a county with all its grids.
const MOST_AREAS: i64 = 25_000;
const MOST_BOXES: i64 = 5_000;

/// An open case as a map shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseRow {
    pub number: String,
    pub severity: String,
    pub state: String,
    pub title_zh: String,
    pub title_en: String,
    pub place: Option<String>,
    /// JSON of [`protocol::Place`].
    pub location: Option<String>,
    /// Path of where it lies.
    pub area: String,
    pub drill: i64,
    pub opened_at_ms: i64,
    pub acknowledged_at_ms: Option<i64>,
}

from_row!(CaseRow: number, severity, state, title_zh, title_en, place, location, area, drill, opened_at_ms,
    acknowledged_at_ms);

/// Read in the order of the index of open cases: those that have ended do not matter, however many they are. A place that has
/// a point says so by the name of its field.
const PLACED: &str = concat!(
    "select number, severity, state, title_zh, title_en, place, location, area, drill, opened_at_ms,
            acknowledged_at_ms
     from cases
     where tenant = $1 and closed_at_ms is null and ($2 = '' or severity = $2)
       and location like '%\"latitude\"%'",
    visible!("$3"),
    " order by opened_at_ms desc, length(number) desc, number desc limit $4"
);

/// The newest open cases whose place has a point.
pub(super) async fn placed(
    db: &Db,
    tenant: &str,
    user: &str,
    severity: &str,
    limit: i64,
) -> Result<Vec<CaseRow>> {
    db.fetch_all(PLACED, args![tenant, severity, user, limit]).await
}

/// Open cases of one area, without those of areas below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AreaCount {
    /// Path.
    pub area: String,
    pub opened: i64,
}

from_row!(AreaCount: area, opened);

const COUNTED: &str = concat!(
    "select area, count(*) as opened from cases
     where tenant = $1 and closed_at_ms is null and ($2 = '' or severity = $2)",
    visible!("$3"),
    " group by area order by area limit $4"
);

/// How many open cases lie where.
pub async fn open_by_area(db: &Db, tenant: &str, user: &str, severity: &str) -> Result<Vec<AreaCount>> {
    db.fetch_all(COUNTED, args![tenant, severity, user, MOST_AREAS]).await
}

/// Where a box stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoxRow {
    pub device_id: String,
    pub title: String,
    /// Path of its area.
    pub area: String,
    /// `online` or `offline`; nothing before its first word.
    pub link: Option<String>,
    /// Where somebody says that it stands, in millionths of a degree.
    pub latitude_e6: Option<i64>,
    pub longitude_e6: Option<i64>,
}

from_row!(BoxRow: device_id, title, area, link, latitude_e6, longitude_e6);

impl BoxRow {
    /// Longitude and latitude, where somebody has said so.
    pub fn own_place(&self) -> Option<[f64; 2]> {
        let degrees = |millionths: i64| millionths as f64 / 1e6;
        Some([degrees(self.longitude_e6?), degrees(self.latitude_e6?)])
    }
}

/// Boxes in use that this user may see.
pub async fn boxes(db: &Db, tenant: &str, user: &str) -> Result<Vec<BoxRow>> {
    db.fetch_all(
        concat!(
            "select d.device_id, d.title, d.area, s.state as link, p.latitude_e6, p.longitude_e6
             from devices d left join device_status s on s.tenant = d.tenant and s.device_id = d.device_id
             left join box_places p on p.tenant = d.tenant and p.device_id = d.device_id
             where d.tenant = $1 and d.state <> 'disabled'",
            seen_box!("$2"),
            " order by d.device_id limit $3"
        ),
        args![tenant, user, MOST_BOXES],
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Arg;

    /// Both readings go over the index of open cases, and the list of them is not sorted.
    #[tokio::test]
    async fn only_open_cases_are_read() {
        let test = crate::db::testing::databases().await.remove(0);
        let plan = async |sql: &str, args: Vec<Arg>| -> Vec<String> {
            let mut tx = test.db.begin_read().await.unwrap();
            let explained = sqlx::AssertSqlSafe(format!("explain query plan {sql}"));
            let plan: Vec<(i64, i64, i64, String)> = tx.fetch_all(explained, args).await.unwrap();
            plan.into_iter().map(|(.., line)| line).collect()
        };
        let placed = plan(PLACED, args!["main", "", "chief", 101_i64]).await;
        assert!(placed.iter().any(|line| line.contains("cases USING INDEX cases_open ")), "{placed:#?}");
        assert!(!placed.iter().any(|line| line.contains("TEMP B-TREE FOR ORDER BY")), "{placed:#?}");
        let counted = plan(COUNTED, args!["main", "", "chief", 101_i64]).await;
        // Whichever index it is, it has open cases alone.
        let of_open = ["cases_open ", "cases_one_open_per_cause "];
        let is_of_open = |line: &String| of_open.iter().any(|name| line.contains(&format!("INDEX {name}")));
        assert!(counted.iter().any(is_of_open), "{counted:#?}");
    }
}
