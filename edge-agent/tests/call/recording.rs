//! From the legs of a call to its recording.

use std::time::Duration;

use edge_agent::call::audiosocket::Frame;
use protocol::{IncidentKind, Leg, Phase};
use serde_json::json;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::site::{Exchange, Site, call_of, client, config, noise, offset_of, sides};

/// Two connections of one call, announced before and after their audio, become one stereo recording: every sample of
/// both sides exactly as sent, in step within 60 ms; and the caller's number is nowhere on the disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_legs_are_one_recording() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), config()).await;
    let (call, caller_id, operator_id) = (Uuid::from_u128(77), Uuid::from_u128(1), Uuid::from_u128(2));
    let (caller, operator) = (noise(1, 8_000 * 3), noise(2, 8_000 * 2));
    let told = json!({ "call_id": call, "leg": "caller", "caller": "13812341234", "direction": "inbound" });
    assert_eq!(site.tell(caller_id, told).await, 200);

    let at = site.audio();
    let caller_leg = async {
        let mut leg = Exchange::connect(at, caller_id).await;
        let began = Instant::now();
        leg.play(&caller).await;
        leg.send(&Frame::Hangup).await;
        began
    };
    let operator_leg = async {
        sleep(Duration::from_millis(600)).await;
        let mut leg = Exchange::connect(at, operator_id).await;
        let began = Instant::now();
        leg.play(&operator[..4_000]).await;
        let told = json!({ "call_id": call, "leg": "operator", "seat": "8001" });
        assert_eq!(site.tell(operator_id, told).await, 200);
        let list: serde_json::Value = client()
            .get(format!("http://{}/v1/calls", site.tap.health().api_listening.unwrap()))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(list["calls"].as_array().unwrap().len(), 1, "{list}");
        assert_eq!(list["calls"][0]["caller_masked"], "138****1234");
        leg.play(&operator[4_000..]).await;
        began
    };
    let (caller_began, operator_began) = tokio::join!(caller_leg, operator_leg);
    let sent_apart_ms = operator_began.duration_since(caller_began).as_millis() as i64;

    let report = site.report().await;
    let (incident, subject) = (&report.incident, call_of(&report));
    assert_eq!((incident.kind, incident.phase, incident.revision), (IncidentKind::Hotline, Phase::Ended, 1));
    assert_eq!(subject.call_id.0, call);
    assert_eq!(subject.caller_masked.as_deref(), Some("138****1234"));
    assert_eq!(subject.seat.as_deref(), Some("8001"));
    assert_eq!(subject.legs, [Leg::Caller, Leg::Operator]);
    let (rate, left, right) = sides(&report);
    assert_eq!(rate, 8_000);
    let apart_ms = (offset_of(&right, &operator) as i64 - offset_of(&left, &caller) as i64) / 8;
    println!("operator {sent_apart_ms} ms after caller as sent, {apart_ms} ms in the recording");
    assert!((apart_ms - sent_apart_ms).abs() <= 60, "{apart_ms} ms apart");

    site.quiet().await;
    site.stop().await;
    let mut folders = vec![dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
                assert!(!text.contains("13812341234"), "{} tells the number", entry.path().display());
            }
        }
    }
}

/// One UUID for both legs: the first connection is the caller, the second the operator; a form body works as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_uuid_for_both_legs() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), config()).await;
    let uuid = Uuid::from_u128(5);
    let url = format!("http://{}/v1/calls/{uuid}", site.tap.health().api_listening.unwrap());
    let form = client()
        .post(&url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("caller=%2B8613900005678&seat=8002&direction=outbound")
        .send()
        .await
        .unwrap();
    assert_eq!(form.status(), 200);
    let wrong = client().put(&url).json(&json!({ "callerid": "1" })).send().await.unwrap();
    assert_eq!(wrong.status(), 400);
    assert!(wrong.text().await.unwrap().contains("callerid"));

    let (one, two) = (noise(3, 8_000), noise(4, 8_000));
    let mut first = Exchange::connect(site.audio(), uuid).await;
    first.play(&one[..1_600]).await;
    let mut second = Exchange::connect(site.audio(), uuid).await;
    tokio::join!(first.play(&one[1_600..]), second.play(&two));
    drop((first, second));
    let report = site.report().await;
    let (_, left, right) = sides(&report);
    offset_of(&left, &one);
    offset_of(&right, &two);
    assert_eq!(call_of(&report).caller_masked.as_deref(), Some("139****5678"));
    assert_eq!(call_of(&report).direction, protocol::Direction::Outbound);
    site.stop().await;
}
