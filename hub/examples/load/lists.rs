//! Somebody who opens lists, cases and the live feed, one after the other, and waits for each answer whole.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use protocol::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::tally::summary;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// `http://127.0.0.1:PORT` of the hub.
    #[arg(long)]
    url: String,
    #[arg(long)]
    user: String,
    /// The password, in the first line of a file.
    #[arg(long)]
    password_file: PathBuf,
    /// How often each address is opened.
    #[arg(long, default_value_t = 300)]
    rounds: usize,
    /// `name=path`, several times. `{number}` stands for another case of the list each time; of the live feed the first
    /// change is waited for.
    #[arg(long = "open", required = true)]
    open: Vec<String>,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<Value> {
    let client = reqwest::Client::builder().http1_only().timeout(Duration::from_secs(120)).build()?;
    let password = std::fs::read_to_string(&arguments.password_file).context("reading the password")?;
    let login = json!({ "name": arguments.user, "password": password.lines().next().unwrap_or_default() });
    let session: Value =
        json_of(client.post(format!("{}/api/v1/session", arguments.url)), Some(&login)).await?;
    let token = session["token"].as_str().context("no token came for the name and password")?.to_owned();
    let site = Site { client, url: arguments.url.clone(), token };
    let list: Value = serde_json::from_str(&site.get("/api/v1/cases?limit=200").await?)?;
    let numbers: Vec<String> = list["cases"]
        .as_array()
        .context("the list of cases has another form")?
        .iter()
        .filter_map(|case| case["number"].as_str().map(str::to_owned))
        .collect();
    ensure!(!numbers.is_empty(), "there are no cases");
    let clock = SystemClock::new();
    let mut report = json!({});
    for one in &arguments.open {
        let (name, path) = one.split_once('=').with_context(|| format!("{one:?} is not name=path"))?;
        let mut latencies_us = Vec::new();
        for round in 0..arguments.rounds + arguments.rounds / 10 {
            let path = path.replace("{number}", &numbers[round % numbers.len()]);
            let asked_us = clock.uptime_us();
            if path.contains("/api/v1/changes") {
                site.first_change(&path).await?;
            } else {
                site.get(&path).await?;
            }
            // The first tenth warms up.
            if round >= arguments.rounds / 10 {
                latencies_us.push(clock.uptime_us() - asked_us);
            }
        }
        report[name] = summary(&mut latencies_us);
    }
    Ok(report)
}

struct Site {
    client: reqwest::Client,
    url: String,
    token: String,
}

async fn json_of(request: reqwest::RequestBuilder, body: Option<&Value>) -> anyhow::Result<Value> {
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let response = request.send().await?;
    let (status, text) = (response.status(), response.text().await?);
    ensure!(status.is_success(), "{status}: {text}");
    Ok(serde_json::from_str(&text)?)
}

impl Site {
    fn request(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> anyhow::Result<String> {
        let response = self.request(path).send().await?;
        let (status, text) = (response.status(), response.text().await?);
        ensure!(status.is_success(), "{path}: {status}: {}", text.chars().take(500).collect::<String>());
        Ok(text)
    }

    /// Opens the feed and waits for the first change that it tells.
    async fn first_change(&self, path: &str) -> anyhow::Result<()> {
        let mut response = self.request(path).send().await?;
        ensure!(response.status().is_success(), "{path}: {}", response.status());
        let mut text = String::new();
        while let Some(chunk) = response.chunk().await? {
            text.push_str(&String::from_utf8_lossy(&chunk));
            if text.contains("event: change") || text.contains("event:change") {
                return Ok(());
            }
            ensure!(!text.contains("resync"), "{path}: the feed says to read everything anew");
        }
        anyhow::bail!("{path}: the feed ended")
    }
}
