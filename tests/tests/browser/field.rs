//! A grid worker's telephone in a cellar: what was written without a network is kept, goes out once when there is one, and
//! stays once when the hub dies in the middle of it.
//!
//! The hub stands on a machine of its own, behind a cable that is pulled, and speaks TLS: a service worker runs nowhere else.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use world::browser::Browser;
use world::lan::Lan;
use world::wait::until;
use world::{DatabaseKind, World};

use crate::county::County;

const PAGE: Duration = Duration::from_secs(30);
/// A connection that is gone without a word is given up, and tried again.
const AWAY: Duration = Duration::from_secs(120);

struct Phone {
    county: County,
    browser: Browser,
    picture: PathBuf,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_offline_is_sent_once() {
    let _alone = crate::NETWORK.write().await;
    let lan = match Lan::lay() {
        Ok(lan) => lan,
        Err(e) => {
            println!("skipped: {}", format!("{e:#}").replace('\n', " "));
            return;
        }
    };
    let world = World::builder().database(DatabaseKind::Sqlite).lan(lan).start().await.unwrap();
    let mut phone = Phone::take(County::settle_in(world).await).await;

    // Without a network: the page is there, and keeps what is written.
    phone.county.world.lan().unwrap().cut().unwrap();
    phone.open().await;
    phone.wait(AWAY, "the page to know", "return !document.getElementById('offline').hidden").await;
    phone.report("The lamp in the cellar is dark").await;
    phone.report("Water on the stairs").await;
    phone.unsent(2).await;
    // Somebody closes it and looks again.
    phone.open().await;
    phone.unsent(2).await;

    phone.county.world.lan().unwrap().mend().unwrap();
    phone.open().await;
    for title in ["The lamp in the cellar is dark", "Water on the stairs"] {
        let case = phone.arrived(title).await;
        assert_eq!(pictures(&case), 1, "{case}");
    }
    phone.unsent(0).await;

    // What is done beside the moves is kept and sent alike: somebody arrives, and says something.
    let title = "Water on the stairs";
    phone.open().await;
    phone.county.world.lan().unwrap().cut().unwrap();
    phone.open().await;
    phone.arrives_and_says(title, "A bucket stands under it").await;
    phone.unsent(2).await;
    phone.county.world.lan().unwrap().mend().unwrap();
    phone.open().await;
    phone.unsent(0).await;
    let case = phone.arrived(title).await;
    for action in ["arrived", "said"] {
        let rows = case["history"].as_array().unwrap().iter();
        assert_eq!(rows.filter(|row| row["action"] == action).count(), 1, "{action}: {case}");
    }

    // The hub dies as soon as the first trace of a report is there, or the report itself; whether its answer has come to
    // the telephone is not known to anybody.
    for (title, trace) in [
        ("A hole in the wall", "select count(*) from attachments"),
        ("A door without a lock", "select count(*) from cases"),
    ] {
        phone.county.world.lan().unwrap().cut().unwrap();
        phone.open().await;
        phone.report(title).await;
        phone.unsent(1).await;
        let before = phone.count(trace).await;
        phone.county.world.lan().unwrap().mend().unwrap();
        phone.open().await;
        until(AWAY, "a trace of the report", async || Ok((phone.count(trace).await > before).then_some(())))
            .await
            .unwrap_or_else(|e| panic!("{e:#}\n{}", phone.county.world.tails()));
        phone.county.world.kill_hub();
        phone.county.world.start_hub().await.unwrap();
        phone.open().await;
        phone.arrived(title).await;
        phone.unsent(0).await;
    }
    // Nothing comes late either.
    phone.open().await;
    phone.unsent(0).await;
    let mut titles = phone.titles().await;
    titles.sort();
    assert_eq!(
        titles,
        [
            "A door without a lock",
            "A hole in the wall",
            "The lamp in the cellar is dark",
            "Water on the stairs"
        ]
    );
}

fn pictures(case: &Value) -> usize {
    let files = case["evidence"].as_array().map(Vec::as_slice).unwrap_or_default();
    files.iter().filter(|file| file["kind"] == "attachment").count()
}

impl Phone {
    /// Logged in, with the page ready for a day without a network.
    async fn take(county: County) -> Self {
        let picture = county.world.path("cellar.png");
        let drawn = image::RgbImage::from_fn(640, 480, |x, y| image::Rgb([(x / 3) as u8, (y / 2) as u8, 90]));
        drawn.save(&picture).unwrap();
        // A browser takes the hub's word for who it is and yet runs no service worker for it, unless it knows its key.
        let key = key_of(&std::fs::read_to_string(county.world.path("hub/pki/server.pem")).unwrap());
        let trusted =
            format!("--ignore-certificate-errors-spki-list={}", STANDARD.encode(Sha256::digest(key)));
        let logs = county.world.logs();
        let browser = Browser::open_with(412, 915, &logs, &[trusted]).await.unwrap();
        browser.size(390, 844).await.unwrap();
        let (name, password) = county.person("grid_manager");
        browser.login(&county.world.https(), &name, password).await.unwrap();
        let phone = Self { county, browser, picture };
        phone.open().await;
        let ready = "return navigator.serviceWorker.ready.then((at) => at.active?.state === 'activated')";
        phone.wait(PAGE, "the service worker", ready).await;
        // Once more, so that all of the page has gone through it.
        phone.open().await;
        let through = "return navigator.serviceWorker.controller !== null";
        phone.wait(PAGE, "the page in the service worker's hands", through).await;
        phone
    }

    async fn open(&self) {
        self.browser.go(&format!("{}/field", self.county.world.https())).await.unwrap();
    }

    async fn wait(&self, bound: Duration, what: &str, script: &str) {
        if let Err(e) = self.browser.wait(what, script, bound).await {
            let shown = self.browser.run("return `${location.href}\n${document.body.innerText}`").await;
            panic!("{e:#}\nthe page: {shown:?}\n{}", self.county.world.tails());
        }
    }

    /// Writes a report with a picture and sends it off, whatever that comes to.
    async fn report(&self, title: &str) {
        self.browser.run("location.hash = '#report'").await.unwrap();
        let picture = self.picture.to_str().unwrap();
        for (field, text) in
            [("#title", title), ("#text", "Seen this morning"), ("#place", "House 3"), ("#picture", picture)]
        {
            self.browser.keys(&format!("#report-form {field}"), text).await.unwrap();
        }
        // As a thumb brings it up from behind the bar at the edge.
        let up = "document.getElementById('report-send').scrollIntoView({ block: 'center' })";
        self.browser.run(up).await.unwrap();
        self.browser.click("#report-send").await.unwrap();
        self.wait(
            PAGE,
            "an empty form",
            "return document.querySelector('#report-form #title')?.value === ''",
        )
        .await;
    }

    /// By the forms of a task that lies on the telephone.
    async fn arrives_and_says(&self, title: &str, text: &str) {
        let task = format!(
            "const task = [...document.querySelectorAll('.field__task')].find((one) => one.textContent.includes('{title}'))"
        );
        self.wait(AWAY, "the task as it was kept", &format!("{task}; return !!task")).await;
        let says = format!(
            "{task}; const form = task.querySelector('form[data-draft=say]'); form.closest('details').open = true; \
             form.elements.text.value = '{text}'; form.requestSubmit(); return null"
        );
        self.browser.run(&says).await.unwrap();
        self.unsent(1).await;
        let arrives =
            format!("{task}; task.querySelector('form[data-draft=arrive]').requestSubmit(); return null");
        self.browser.run(&arrives).await.unwrap();
    }

    /// So many drafts wait, and the page says so.
    async fn unsent(&self, count: usize) {
        let script = format!(
            "const list = document.querySelectorAll('#draft-list > li').length; \
             return list === {count} && document.getElementById('drafts').hidden === {}",
            count == 0
        );
        self.wait(AWAY, &format!("{count} drafts"), &script).await;
    }

    /// Titles of the cases that were reported by hand.
    async fn titles(&self) -> Vec<String> {
        let list = self.county.ask("administrator", "/api/v1/cases?limit=200", None).await;
        let cases = list["cases"].as_array().unwrap();
        let own = cases.iter().filter(|case| case["kind"] == "report");
        own.map(|case| case["title"].as_str().unwrap().to_owned()).collect()
    }

    async fn arrived(&self, title: &str) -> Value {
        let case = until(AWAY, title, async || {
            let list = self.county.ask("administrator", "/api/v1/cases?limit=200", None).await;
            let own = list["cases"].as_array().and_then(|all| all.iter().find(|case| case["title"] == title));
            Ok(own.cloned())
        })
        .await
        .unwrap_or_else(|e| panic!("{e:#}\n{}", self.county.world.tails()));
        self.county.case(case["number"].as_str().unwrap()).await
    }

    /// Looks into the hub's database, beside the hub.
    async fn count(&self, query: &'static str) -> i64 {
        use sqlx::Connection as _;
        let mut hub = sqlx::SqliteConnection::connect(&self.county.world.hub_database()).await.unwrap();
        sqlx::query_scalar(query).fetch_one(&mut hub).await.unwrap()
    }
}

/// The subject's public key of a certificate, as it stands in it (RFC 5280, 4.1): what browsers know a server by.
fn key_of(pem: &str) -> Vec<u8> {
    let body: String = pem
        .lines()
        .skip_while(|line| !line.starts_with("-----BEGIN CERTIFICATE"))
        .skip(1)
        .take_while(|line| !line.starts_with("-----END"))
        .collect();
    let der = STANDARD.decode(body).unwrap();
    let (_, certificate, _) = element(&der);
    let (_, mut rest, _) = element(certificate);
    // Version, serial number, algorithm, issuer, validity and subject stand before it.
    for _ in 0..6 {
        (_, _, rest) = element(rest);
    }
    element(rest).0.to_vec()
}

/// The first element of DER: all of it, what is in it, and what follows.
fn element(der: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let first = usize::from(der[1]);
    let (head, length) = if first < 0x80 {
        (2, first)
    } else {
        let bytes = &der[2..2 + (first & 0x7f)];
        (2 + bytes.len(), bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)))
    };
    (&der[..head + length], &der[head..head + length], &der[head + length..])
}
