//! Boxes that send so many incidents a second, and browsers that follow the live feed: how long from publishing an incident
//! until a browser has been told of its case.
//!
//! Each browser is one connection to the feed, as a real one has however many pages it shows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use hub::admin::By;
use hub::app::App;
use hub::user::{self, Grant, Role};
use protocol::{Chance, Clock as _, SystemClock};
use serde_json::{Value, json};

use super::mqtt::{Boxes, Pace};
use super::store;
use super::tally::{Tally, summary};
use super::{Hub, Span};

/// Messages that a box may have under way.
const WINDOW: u16 = 64;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    hub: Hub,
    #[command(flatten)]
    span: Span,
    /// HOST:PORT of the broker, under a name that is in its certificate.
    #[arg(long)]
    at: String,
    /// `http://127.0.0.1:PORT` of the hub.
    #[arg(long)]
    url: String,
    /// Incidents a second, of all boxes together.
    #[arg(long, default_value_t = 200)]
    per_second: u32,
    /// Browsers that follow the feed.
    #[arg(long, default_value_t = 500)]
    browsers: usize,
    /// People to whom they belong; each may see everything.
    #[arg(long, default_value_t = 50)]
    people: usize,
}

/// When one browser was told of a case for the first time.
type Told = HashMap<String, u64>;

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<Value> {
    ensure!(arguments.people > 0 && arguments.browsers >= arguments.people, "more people than browsers");
    let chance = Arc::new(Chance::from_os());
    let app = arguments.hub.open(&chance).await?;
    let devices = arguments.hub.enrol(&app).await?;
    let tokens = log_in(&app, &chance, arguments).await?;
    let mut feeds = Vec::new();
    for nth in 0..arguments.browsers {
        feeds.push(open(&arguments.url, &tokens[nth % tokens.len()]).await?);
    }
    let tally = Arc::new(Tally::begin(arguments.span));
    let followed: Arc<Mutex<Vec<Told>>> = Arc::new(Mutex::new(vec![Told::new(); arguments.browsers]));
    let follow = |(nth, feed)| tokio::spawn(follow(nth, feed, tally.clone(), followed.clone()));
    let browsers: Vec<_> = feeds.into_iter().enumerate().map(follow).collect();
    let pace = Pace::PerSecond(arguments.per_second);
    let at = (arguments.at.as_str(), WINDOW);
    let boxes = Boxes::begin(&app, &devices, at, &arguments.hub, &tally, &chance, pace)?;
    tally.over().await;
    // What is under way still arrives.
    tokio::time::sleep(Duration::from_secs(3)).await;
    for browser in &browsers {
        ensure!(!browser.is_finished(), "the feed of a browser ended");
        browser.abort();
    }
    let numbers = store::numbers(&app).await?;
    let mut latencies_us = Vec::new();
    let mut missed = 0_u64;
    let published = boxes.published();
    let followed = followed.lock().unwrap_or_else(PoisonError::into_inner);
    for (incident, published_us) in published.iter().filter(|(_, at_us)| tally.counts(*at_us)) {
        // An incident that the hub has not taken yet has no case.
        let number = numbers.get(incident);
        for told in followed.iter() {
            match number.and_then(|number| told.get(number)) {
                Some(told_us) => latencies_us.push(told_us - published_us),
                None => missed += 1,
            }
        }
    }
    let mut report = summary(&mut latencies_us);
    report["missed"] = json!(missed);
    report["browsers"] = json!(arguments.browsers);
    report["people"] = json!(arguments.people);
    report["receipts"] = tally.report();
    Ok(report)
}

/// Everybody's session; hashing a password takes its time.
async fn log_in(app: &App, chance: &Chance, arguments: &Arguments) -> anyhow::Result<Vec<String>> {
    let (clock, mut tokens) = (SystemClock::new(), Vec::new());
    for nth in 0..arguments.people {
        let name = format!("browser-{nth}");
        let commander = Grant::everywhere(Role::Commander);
        let password = user::people::add(app, &By::cli(clock.now()), &name, &commander).await?;
        let who = (name.as_str(), password.as_str());
        let session =
            user::log_in(&app.db, app.tenant().as_str(), chance, clock.now(), who, "127.0.0.1").await?;
        tokens.push(session.token);
    }
    Ok(tokens)
}

async fn open(url: &str, token: &str) -> anyhow::Result<reqwest::Response> {
    // A connection each.
    let client = reqwest::Client::builder().http1_only().build()?;
    let response = client.get(format!("{url}/api/v1/changes")).bearer_auth(token).send().await?;
    ensure!(response.status().is_success(), "the feed answers {}", response.status());
    Ok(response)
}

async fn follow(
    nth: usize,
    mut response: reqwest::Response,
    tally: Arc<Tally>,
    followed: Arc<Mutex<Vec<Told>>>,
) -> anyhow::Result<()> {
    let mut rest = String::new();
    while let Some(chunk) = response.chunk().await? {
        let now_us = tally.now_us();
        rest.push_str(&String::from_utf8_lossy(&chunk));
        let Some(end) = rest.rfind("\n\n") else { continue };
        let numbers: Vec<String> =
            rest[..end].split("\"subject\":\"").skip(1).filter_map(first_word).collect();
        ensure!(!rest[..end].contains("event: resync"), "the feed says to read everything anew");
        let mut all = followed.lock().unwrap_or_else(PoisonError::into_inner);
        for number in numbers {
            all[nth].entry(number).or_insert(now_us);
        }
        drop(all);
        rest.drain(..end);
    }
    Ok(())
}

fn first_word(text: &str) -> Option<String> {
    text.split('"').next().map(str::to_owned)
}
