//! What leaves, on both databases, to receivers that are really there: small HTTP and SMTP servers on loopback.

mod config;
mod delivery;
mod forms;
mod mails;
mod push;
mod receiver;
mod rules;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::{Clock as _, Severity};

use super::*;
use crate::app::App;
use crate::notice::{self, Audience, Kind, Notice};
use crate::organisation::AreaPath;
use crate::user::{self, Grant, Role};
use crate::web::tests::site::Site;
use receiver::Receiver;

impl Site {
    /// Channels as somebody would write them; from now on there are rows for them.
    async fn channels(&mut self, toml: &str) -> Sender {
        let mut config = crate::config::Config::clone(&self.app.config);
        config.outbound = toml::from_str(toml).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(config.outbound.wrong(toml, "hub.toml"), Vec::<String>::new());
        config.http.public_url = Some("https://hub.test".into());
        self.app.config = Arc::new(config);
        crate::organisation::store::seed_units(&self.app.db, self.app.tenant().as_str()).await.unwrap();
        Sender::open(&self.app).await.unwrap()
    }

    /// Somebody with a role over an area, or in a unit, and an address.
    async fn person(&self, name: &str, (role, area, unit): (Role, &str, Option<&str>)) {
        let area = AreaPath::kept(area.to_owned());
        let (app, grant) = (&self.app, Grant { role, area, unit: unit.map(str::to_owned) });
        let one = (name, "correct horse battery", &grant);
        user::testing::add_with(&app.db, app.tenant().as_str(), &app.chance, self.clock.now(), one)
            .await
            .unwrap();
        let phone = format!("1380000{:04}", name.bytes().map(u32::from).sum::<u32>());
        let change =
            cli::Change { mail: Some(format!("{name}@fengxiang.test")), phone: Some(phone), clear: false };
        cli::reach(app, name, &change).await.unwrap();
    }

    /// A notice by the way that the engine takes; returns its id.
    async fn tells(&self, number: &str, audience: Vec<Audience>) -> String {
        tell(&self.app, number, audience).await
    }

    async fn rows(&self) -> Vec<Row> {
        rows(&self.app).await
    }
}

/// A row of the outbox, as far as tests look.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    channel: String,
    receiver: String,
    kind: String,
    state: String,
    tries: i64,
    reason: String,
}

crate::db::from_row!(Row: channel, receiver, kind, state, tries, reason);

async fn rows(app: &App) -> Vec<Row> {
    app.db
        .fetch_all(
            "select channel, receiver, kind, state, tries, coalesce(reason, '') as reason from outbox
             order by channel, made_at_ms, lane, seq, receiver, outbox_id",
            crate::args![],
        )
        .await
        .unwrap()
}

fn states(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.state.as_str()).collect()
}

fn notice(cause: &str, number: &str, audience: Vec<Audience>) -> Notice {
    Notice {
        cause: cause.to_owned(),
        kind: Kind::Overdue,
        severity: Severity::Major,
        case_number: number.to_owned(),
        text_zh: "催办：自由文字".to_owned(),
        text_en: "Reminder: free words".to_owned(),
        audience,
    }
}

async fn tell(app: &App, number: &str, audience: Vec<Audience>) -> String {
    let (id, tenant, now) = (app.new_id(), app.tenant().as_str(), app.clock.now());
    let mut tx = app.db.begin().await.unwrap();
    tx.lock_tenant(tenant).await.unwrap();
    assert!(notice::tell(&mut tx, tenant, &id, &notice(&id, number, audience), now).await.unwrap());
    tx.commit().await.unwrap();
    app.changes.wake();
    id
}

fn everybody() -> Vec<Audience> {
    vec![Audience::role(Role::Commander, "/")]
}

async fn wait(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let until = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), until).await.unwrap_or_else(|_| panic!("{what}"));
}

/// An authority of its own, by the clock that TLS goes by: its certificate, and one of this machine with its key.
fn authority(folder: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let (chance, now) = (protocol::Chance::seeded(5), protocol::SystemClock::new().now());
    let authority = crate::pki::Authority::open(folder, "test", &chance, now).unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let (certificate, key) = authority.server(&names, &chance, now).unwrap();
    (authority.ca_path(), certificate, key)
}

/// HMAC-SHA256 by its definition (RFC 2104), from the hash alone: it shares nothing with what signs.
fn hmac_base64(key: &[u8], message: &[u8]) -> String {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};
    assert!(key.len() <= 64);
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
    base64::engine::general_purpose::STANDARD.encode(outer)
}
