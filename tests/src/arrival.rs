//! How long a camera's incident takes until it stands on an open page, measured in a real browser.
//!
//! The page's own script follows the feed and replaces a case's row; an observer in the page notes when each row was
//! put in and how many incidents it names. All clocks are this machine's: the box, the hub and the browser run on it.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::browser::Browser;
use crate::operator::Operator;

const READY: Duration = Duration::from_secs(30);
/// Between two questions of the hub.
const LOOK: Duration = Duration::from_secs(1);
/// What is committed but not yet on the page when the count is full gets this long.
const LAST: Duration = Duration::from_secs(5);

/// One incident's way. Epoch milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Capture of the frame that began it.
    pub cause: i64,
    /// The hub had it.
    pub received: i64,
    /// Its case's row, counting it, was on the page.
    pub shown: Option<i64>,
}

/// A row as the page got it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    at: i64,
    number: String,
    incidents: usize,
}

/// Watches until `wanted` new incidents of cameras have come, or `bound` is over.
pub async fn watch(
    browser: &Browser,
    person: &Operator,
    hub: &str,
    wanted: usize,
    bound: Duration,
) -> Result<Vec<Arrival>> {
    browser.go(&format!("{hub}/cases")).await?;
    let connected = "const live = document.getElementById('live');
        return document.getElementById('live-word').textContent === live.dataset.on";
    browser.wait("the page's live feed", connected, READY).await?;
    let known: BTreeSet<String> = incidents(person).await?.into_iter().map(|i| i.id).collect();
    browser.run(OBSERVE).await?;
    let started = Instant::now();
    while started.elapsed() < bound {
        tokio::time::sleep(LOOK).await;
        if incidents(person).await?.iter().filter(|i| !known.contains(&i.id)).count() >= wanted {
            break;
        }
    }
    tokio::time::sleep(LAST).await;
    let rows = browser.run("return window.rowsSeen").await?;
    let rows: Vec<Row> = rows.as_array().into_iter().flatten().filter_map(row).collect();
    let new = incidents(person).await?.into_iter().filter(|i| !known.contains(&i.id));
    Ok(new.map(|incident| arrival(&incident, &rows)).collect())
}

/// Notes every row that is put into the page, with what it says.
const OBSERVE: &str = "window.rowsSeen = [];
    new MutationObserver((changes) => {
        for (const row of changes.flatMap((c) => [...c.addedNodes])) {
            if (!row.matches?.('li.crow')) continue;
            const count = row.querySelector('.chip .num');
            window.rowsSeen.push([Date.now(), row.dataset.number, count ? Number(count.textContent) : 1]);
        }
    }).observe(document.body, { childList: true, subtree: true });";

fn row(value: &Value) -> Option<Row> {
    let at = value[0].as_i64()?;
    let incidents = usize::try_from(value[2].as_u64()?).ok()?;
    Some(Row { at, number: value[1].as_str()?.to_owned(), incidents })
}

struct Incident {
    id: String,
    case: String,
    /// 1 = the first of its case.
    place: usize,
    started: i64,
    received: i64,
}

/// Every camera incident that the hub knows.
async fn incidents(person: &Operator) -> Result<Vec<Incident>> {
    let mut found = Vec::new();
    for case in person.cases().await?.iter().filter(|c| !c["camera_id"].is_null()) {
        let number = case["number"].as_str().context("a case has a number")?;
        let whole = person.api(&format!("/api/v1/cases/{number}")).await?;
        // The history is in the order of commits; what an incident says of itself is its newest revision.
        let begun = whole["history"].as_array().into_iter().flatten();
        let begun = begun.filter(|entry| entry["action"] == "opened" || entry["action"] == "joined");
        found.extend(begun.enumerate().filter_map(|(before, entry)| {
            Some(Incident {
                id: entry["detail"]["incident_id"].as_str()?.to_owned(),
                case: number.to_owned(),
                place: before + 1,
                started: entry["detail"]["started_at"].as_i64()?,
                received: entry["at"].as_i64()?,
            })
        }));
    }
    Ok(found)
}

/// Shown is an incident by the first row that counts it.
fn arrival(incident: &Incident, rows: &[Row]) -> Arrival {
    let counts_it = |row: &&Row| row.number == incident.case && row.incidents >= incident.place;
    let shown = rows.iter().filter(counts_it).map(|row| row.at).min();
    Arrival { cause: incident.started, received: incident.received, shown }
}

/// Milliseconds from cause to page, and of these from the hub to the page, as JSON.
pub fn summary(arrivals: &[Arrival]) -> Result<Value> {
    let shown: Vec<(i64, &Arrival)> = arrivals.iter().filter_map(|a| Some((a.shown?, a))).collect();
    ensure!(!shown.is_empty(), "of {} incidents of cameras none reached the page", arrivals.len());
    let figures = |since: fn(&Arrival) -> i64| {
        let mut all: Vec<i64> = shown.iter().map(|(at, arrival)| at - since(arrival)).collect();
        all.sort_unstable();
        // The smallest value that at least this share does not exceed.
        let at = |percent: usize| all[(all.len() * percent).div_ceil(100).max(1) - 1];
        json!({"p50": at(50), "p95": at(95), "longest": at(100)})
    };
    Ok(json!({
        "incidents": shown.len(),
        "not_shown": arrivals.len() - shown.len(),
        "cause_to_page_ms": figures(|a| a.cause),
        "hub_to_page_ms": figures(|a| a.received),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An incident is shown by the first row of its own case that counts it, not by an earlier or another one.
    #[test]
    fn an_incident_is_shown_by_the_row_that_counts_it() {
        let row = |at, number: &str, incidents| Row { at, number: number.to_owned(), incidents };
        let rows = [row(100, "1", 1), row(150, "2", 3), row(200, "1", 2), row(300, "1", 2)];
        let second = Incident { id: "b".into(), case: "1".into(), place: 2, started: 90, received: 180 };
        assert_eq!(arrival(&second, &rows), Arrival { cause: 90, received: 180, shown: Some(200) });
        let third = Incident { place: 3, ..second };
        assert_eq!(arrival(&third, &rows).shown, None);
    }

    /// Percentiles by nearest rank.
    #[test]
    fn percentiles() {
        let mut arrivals: Vec<Arrival> =
            (1..=40).map(|n| Arrival { cause: 0, received: n * 10 - 1, shown: Some(n * 10) }).collect();
        arrivals.push(Arrival { cause: 0, received: 1, shown: None });
        let told = summary(&arrivals).unwrap();
        assert_eq!((&told["incidents"], &told["not_shown"]), (&json!(40), &json!(1)));
        assert_eq!(told["cause_to_page_ms"], json!({"p50": 200, "p95": 380, "longest": 400}));
        assert_eq!(told["hub_to_page_ms"]["p95"], 1);
        assert!(summary(&[]).is_err());
    }
}
