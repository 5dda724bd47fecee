//! A recording leaves the box without the telephone number that is said in it: spoken by espeak-ng, found by the
//! demonstration recogniser, and listened for once more by it afterwards.

use std::path::Path;
use std::process::Command;

use edge_agent::call::Release;
use edge_agent::call::audiosocket::Frame;
use protocol::{CallId, Transcript};
use serde_json::json;
use uuid::Uuid;

use crate::alarm::{hearing, say, spoken};
use crate::site::{Exchange, Site, call_of, until};

/// What the demonstration recogniser hears in a recording, without spaces.
fn heard(recording: &Path) -> String {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge-agent"));
    command.args(["transcribe", "--model", "mandarin-demo", "--models"]).arg(models).arg(recording);
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// The longest run of digits, as they are written.
fn longest_number(text: &str) -> usize {
    text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0)
}

/// The number is a tone in the copy, everything else is as it was, and the recording itself stays whole. A call without
/// numbers needs no copy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_do_not_leave_in_sound() {
    let dir = tempfile::tempdir().unwrap();
    let number = spoken(
        dir.path(),
        "number",
        "wo3 jia1 ting2 shui3 le5, wo3 de5 dian4 hua4 shi4 yao1 san1 ba1 yao1 er4 san1 si4 wu3 liu4 qi1 ba1",
    );
    let rest = spoken(dir.path(), "rest", "qing3 ni3 men5 kuai4 dian3 lai2");
    let asking = spoken(dir.path(), "card", "qing3 wen4 lao3 nian2 zheng4 dao4 na3 li3 ban4");
    let mut site = Site::start(dir.path(), hearing()).await;
    until("somebody listens", || site.tap.health().live_model.is_some()).await;
    let ids = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let mut reports = Vec::new();
    for (id, parts) in ids.iter().zip([vec![&number, &rest], vec![&asking]]) {
        assert_eq!(site.tell(*id, json!({ "leg": "caller" })).await, 200);
        let mut exchange = Exchange::connect(site.audio(), *id).await;
        for part in parts {
            say(&mut exchange, part).await;
        }
        exchange.send(&Frame::Hangup).await;
        reports.push(site.report().await);
    }
    let Transcript::Done { segments, .. } = &call_of(&reports[0]).transcript else { panic!("{reports:?}") };
    assert!(segments.iter().any(|s| s.text.contains("[电话号码]")), "{segments:?}");
    let released = site.tap.release(CallId(ids[0])).await.unwrap();
    let original = &reports[0].files[0];
    assert_eq!(released.stay, std::slice::from_ref(&original.evidence.sha256));
    let copy = &released.copies[0];
    assert!(copy.evidence.masked && copy.evidence.kind == protocol::EvidenceKind::Recording);
    assert_eq!(copy.evidence.duration_ms, original.evidence.duration_ms);
    let (before, after) = (heard(&original.path), heard(&copy.path));
    println!("{before}{after}");
    assert!(longest_number(&before) >= 7, "the recording holds the number: {before}");
    assert!(longest_number(&after) <= 3, "{after}");
    assert!(before.contains("停水") && after.contains("停水") && after.contains("快点来"), "{after}");
    assert_eq!(site.tap.release(CallId(ids[1])).await.unwrap(), Release::default());
    site.stop().await;
}
