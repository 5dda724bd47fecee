//! Clients on HTTP, each with one connection that it keeps and one request at a time: boxes at a hub, and whoever raises
//! alerts at Alerta.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use protocol::{Chance, Clock as _, SystemClock, UtcMs};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use super::message::Messages;
use super::tally::Tally;
use super::{Hub, Span};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    hub: Hub,
    #[command(flatten)]
    span: Span,
    /// `http://127.0.0.1:PORT` of the hub.
    #[arg(long)]
    url: String,
    #[arg(long, default_value_t = 64)]
    clients: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Alerta {
    #[command(flatten)]
    span: Span,
    /// `http://127.0.0.1:PORT/api` or where else its API is.
    #[arg(long)]
    url: String,
    #[arg(long, default_value_t = 16)]
    clients: usize,
}

/// A client's next request: its body, and who it is.
struct Requests {
    url: String,
    authorization: String,
    body: Box<dyn FnMut(UtcMs) -> Vec<u8> + Send>,
    /// What a good answer says.
    good: &'static str,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<Value> {
    let chance = Arc::new(Chance::from_os());
    let app = arguments.hub.open(&chance).await?;
    let devices = arguments.hub.enrol(&app).await?;
    let mut all = Vec::new();
    for n in 0..arguments.clients {
        // Several connections of one box begin with cameras of their own.
        let device = &devices[n % devices.len()];
        let mut messages =
            Messages::new(&device.enrolled.origin, &chance, arguments.hub.kind, arguments.hub.joined)?;
        messages.begin_at((n / devices.len()) as u64 * 1_000_000);
        let chance = chance.clone();
        all.push(Requests {
            url: format!("{}/api/v1/incidents", arguments.url),
            authorization: format!("Bearer {}", device.enrolled.token),
            body: Box::new(move |now| messages.next(&chance, now).2),
            good: "\"stored\"",
        });
    }
    measure(all, arguments.span).await
}

pub(crate) async fn alerta(arguments: &Alerta) -> anyhow::Result<Value> {
    let all = (0..arguments.clients).map(|client| {
        let mut count = 0_u64;
        let run = SystemClock::new().now().0;
        let body = move |_: UtcMs| {
            count += 1;
            alert(&format!("{run}-{client}-{count}")).to_string().into_bytes()
        };
        Requests {
            url: format!("{}/alert", arguments.url),
            authorization: String::new(),
            body: Box::new(body),
            good: "\"status\":\"ok\"",
        }
    });
    measure(all.collect(), arguments.span).await
}

/// An alert that nothing is like, with as much in it as an incident has.
fn alert(unique: &str) -> Value {
    json!({
        "environment": "Production",
        "resource": format!("camera-{unique}"),
        "event": "Intrusion",
        "severity": "major",
        "service": ["青梧县青梧镇东关社区"],
        "group": "Camera",
        "value": "2",
        "text": "夜间禁入区（东关巷物资仓库北侧围墙内） Closed at night: the yard inside the northern wall of the depot",
        "tags": ["camera", "intrusion", "night"],
        "attributes": {
            "camera": "东关巷北口 02",
            "rule": "night-yard",
            "region": "0.412 0.318 0.094 0.337",
            "place": "青梧县青梧镇东关社区东关巷 18 号物资仓库北侧 34.5112 106.9342",
            "method": "yolox-nano fp32 416; byte tracker; zone intrusion, 3 s; stand-in none",
        },
        "origin": "load",
        "rawData": "x".repeat(400),
    })
}

async fn measure(all: Vec<Requests>, span: Span) -> anyhow::Result<Value> {
    let client = reqwest::Client::builder()
        .http1_only()
        .pool_max_idle_per_host(all.len())
        .timeout(Duration::from_secs(30))
        .build()?;
    let tally = Arc::new(Tally::begin(span));
    let tasks: Vec<_> =
        all.into_iter().map(|requests| tokio::spawn(ask(client.clone(), requests, tally.clone()))).collect();
    for task in tasks {
        task.await?;
    }
    let report = tally.report();
    ensure!(report["n"] != json!(0), "no good answer came: {}", report["other"]);
    Ok(report)
}

async fn ask(client: reqwest::Client, mut requests: Requests, tally: Arc<Tally>) {
    let clock = SystemClock::new();
    while !tally.is_over() {
        let body = (requests.body)(clock.now());
        let asked_us = tally.now_us();
        let request = client
            .post(&requests.url)
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, &requests.authorization)
            .body(body);
        let answer = match request.send().await {
            Ok(response) => response.text().await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(text) if text.replace(": ", ":").contains(requests.good) => tally.answered(asked_us),
            Ok(text) => {
                tally.other(&text);
                // Not taken now: a box waits before it tries again.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => {
                tally.other(&format!("{error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
