//! The caller's number: whatever brings it, it lies on the box sealed for the hub and never in clear.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use edge_agent::call::CallConfig;
use edge_agent::contact::HubKey;
use edge_agent::outbox::{Outbox, OutboxConfig, Voice};
use protocol::{BootId, Chance, Clock as _, ContactSecret, Origin, SystemClock};
use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use crate::site::{Exchange, Site, call_of, client, config, noise, until};

const NUMBER: &str = "13812341234";

fn hub() -> ContactSecret {
    ContactSecret::from_bytes(Chance::seeded(1).bytes())
}

/// Files below `folder` that hold this text.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(text.len()).any(|part| part == text.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

async fn start(dir: &Path, config: CallConfig) -> Site {
    Site::start_whole(dir, config, 0, HubKey::fixed(hub().key())).await
}

/// Not a test of its own: the box that [`the_number_is_on_the_box_sealed_only`] kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn box_to_kill() {
    let Some(dir) = std::env::var_os("CONTACT_TEST_KILLED_DIR").map(PathBuf::from) else { return };
    let site = start(&dir, config()).await;
    let ports = format!("{} {}", site.audio(), site.tap.health().api_listening.unwrap());
    std::fs::write(dir.join("ports.tmp"), ports).unwrap();
    std::fs::rename(dir.join("ports.tmp"), dir.join("ports")).unwrap();
    sleep(Duration::from_secs(60)).await;
}

/// A call told of by the call API, its sound by AudioSocket, the box killed in the middle of it: from the announcement to the
/// record and the outbox no file of the box holds the number, nor its digits as the exchange wrote them. What the incident
/// brings opens on the hub.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_number_is_on_the_box_sealed_only() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = |when: &str| {
        for form in [NUMBER, "138-1234-1234", "1234-1234", "12341234"] {
            assert_eq!(files_with(dir.path(), form), Vec::<String>::new(), "{form} {when}");
        }
    };
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "contact::box_to_kill"])
        .env("CONTACT_TEST_KILLED_DIR", dir.path())
        .spawn()
        .unwrap();
    until("the box is up", || dir.path().join("ports").exists()).await;
    let ports = std::fs::read_to_string(dir.path().join("ports")).unwrap();
    let (audio, api) = ports.split_once(' ').unwrap();
    let uuid = Uuid::from_u128(61);
    let told = json!({ "caller": "+86 138-1234-1234", "seat": "8001" });
    let url = format!("http://{api}/v1/calls/{uuid}");
    assert_eq!(client().put(&url).json(&told).send().await.unwrap().status(), 200);
    let mut leg = Exchange::connect(audio.parse().unwrap(), uuid).await;
    leg.play(&noise(5, 12_000)).await;
    until("the leg is on disk with what was told of it", || {
        !files_with(dir.path(), "138****1234").is_empty()
    })
    .await;
    nowhere("while the call runs");
    let list = client().get(format!("http://{api}/v1/calls")).send().await.unwrap().text().await.unwrap();
    assert!(list.contains("138****1234") && !list.contains("callback"), "{list}");
    child.kill().unwrap();
    child.wait().unwrap();
    nowhere("after the kill");

    let mut site = start(dir.path(), config()).await;
    assert_eq!(site.tap.health().no_callback, None);
    let handover = site.handover().await;
    let report = handover.report.clone();
    let subject = call_of(&report);
    assert_eq!(subject.caller_masked.as_deref(), Some("138****1234"));
    let sealed = subject.callback.clone().expect("it survived");
    assert_eq!(hub().open(&sealed), Ok(format!("+86{NUMBER}")));
    until("the record alone has it", || files_with(dir.path(), sealed.as_str()).len() == 1).await;
    nowhere("when the call is filed");
    handover.committed();
    until("the record lets go of it", || files_with(dir.path(), sealed.as_str()).is_empty()).await;
    assert!(!files_with(dir.path(), "138****1234").is_empty(), "the record is there");
    site.stop().await;

    let (clock, chance) = (Arc::new(SystemClock::new()), Arc::new(Chance::from_os()));
    let origin = Origin { tenant: "demo".parse().unwrap(), device: "box-1".parse().unwrap() };
    let boot = BootId::new(&chance, clock.now());
    let voice = Voice { origin, boot, clock, chance, clock_synced: || true };
    let (outbox, _) = Outbox::open(dir.path(), OutboxConfig::default(), voice).await.unwrap();
    outbox.append(&report).await.unwrap();
    outbox.close().await;
    assert_eq!(files_with(dir.path(), sealed.as_str()).len(), 1, "the outbox has it");
    nowhere("in the outbox");
}

/// What is told after the call was filed brings the number too, once; a word without a number, or with what is none, does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_number_is_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = start(dir.path(), config()).await;
    let uuid = Uuid::from_u128(62);
    assert_eq!(site.tell(uuid, json!({ "caller": "anonymous" })).await, 200);
    let mut leg = Exchange::connect(site.audio(), uuid).await;
    leg.play(&noise(5, 1_600)).await;
    drop(leg);
    let report = site.report().await;
    assert_eq!((&call_of(&report).caller_masked, &call_of(&report).callback), (&None, &None));
    assert_eq!(site.tell(uuid, json!({ "caller": NUMBER })).await, 200);
    let report = site.report().await;
    let sealed = call_of(&report).callback.clone().unwrap();
    assert_eq!((report.incident.revision, hub().open(&sealed)), (2, Ok(NUMBER.to_owned())));
    assert_eq!(site.tell(uuid, json!({ "caller": NUMBER })).await, 200);
    site.quiet().await;
    assert_eq!(files_with(dir.path(), NUMBER), Vec::<String>::new());
    site.stop().await;
}

/// Without the hub's key, and where nobody wants numbers, all is as before: masked and nothing else; health says why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_it_is_masked_only() {
    for (is_wanted, why) in [(true, "not enrolled"), (false, "contact = false")] {
        let dir = tempfile::tempdir().unwrap();
        let key = if is_wanted { HubKey::without_hub() } else { HubKey::fixed(hub().key()) };
        let config = CallConfig { contact: is_wanted, ..config() };
        let mut site = Site::start_whole(dir.path(), config, 0, key).await;
        let health = site.tap.health();
        assert!(health.no_callback.unwrap().contains(why));
        assert!(health.troubles.is_empty());
        let uuid = Uuid::from_u128(63);
        assert_eq!(site.tell(uuid, json!({ "caller": NUMBER })).await, 200);
        let mut leg = Exchange::connect(site.audio(), uuid).await;
        leg.play(&noise(5, 1_600)).await;
        drop(leg);
        let report = site.report().await;
        assert_eq!(call_of(&report).caller_masked.as_deref(), Some("138****1234"));
        assert_eq!(call_of(&report).callback, None);
        assert_eq!(files_with(dir.path(), NUMBER), Vec::<String>::new());
        site.stop().await;
    }
}
