//! The words of calls, when a model is there.

use std::path::Path;

use edge_agent::call::Cause;
use edge_agent::call::audiosocket::Frame;
use protocol::{Leg, Transcript};
use uuid::Uuid;

use crate::site::{Exchange, Site, call_of, config, until};

/// Speech without a model waits; when one arrives the words follow as the next revision of the same incident; a model
/// that cannot be loaded is said in health and harms nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_follow_when_a_model_arrives() {
    let dir = tempfile::tempdir().unwrap();
    let toy = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech/toy-sense-voice");
    let speech =
        hound::WavReader::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech/hello-8k.wav"))
            .unwrap()
            .samples()
            .collect::<Result<Vec<i16>, _>>()
            .unwrap();
    let mut site = Site::start(dir.path(), config()).await;
    let mut leg = Exchange::connect(site.audio(), Uuid::from_u128(1)).await;
    leg.play(&speech).await;
    leg.send(&Frame::Hangup).await;
    let first = site.report().await;
    assert_eq!(call_of(&first).transcript, Transcript::Waiting);
    assert!(call_of(&first).speech_ms > 1_000, "{:?}", call_of(&first));
    site.stop().await;

    // A model that looks right and cannot be loaded ends its own process only.
    let installed = dir.path().join("models/toy");
    std::fs::create_dir_all(&installed).unwrap();
    std::fs::copy(toy.join("tokens.txt"), installed.join("tokens.txt")).unwrap();
    let whole = std::fs::read(toy.join("model.onnx")).unwrap();
    let mut broken = whole.clone();
    for at in 0..broken.len() - 9 {
        if &broken[at..at + 9] == b"ReduceMax" {
            broken[at..at + 9].copy_from_slice(b"ReduceFoo");
        }
    }
    std::fs::write(installed.join("model.onnx"), &broken).unwrap();
    let mut site = Site::start(dir.path(), config()).await;
    until("the broken model is noticed", || site.tap.health().troubles.contains_key(&Cause::Speech)).await;
    println!("{}", site.tap.health().troubles[&Cause::Speech]);
    assert_eq!(site.tap.health().transcripts_waiting, 1);
    site.quiet().await;
    site.stop().await;

    std::fs::write(installed.join("model.onnx"), &whole).unwrap();
    let mut site = Site::start(dir.path(), config()).await;
    let second = site.report().await;
    assert_eq!(second.incident.incident_id, first.incident.incident_id);
    assert_eq!((second.incident.revision, second.files.len()), (2, 0));
    assert_eq!(second.incident.evidence, first.incident.evidence);
    let Transcript::Done { segments, model, .. } = &call_of(&second).transcript else { panic!("{second:?}") };
    assert_eq!(model, "toy");
    println!("{segments:?}");
    assert!(!segments.is_empty());
    assert!(segments.iter().all(|s| s.leg == Leg::Caller && s.text.chars().all(|c| "低高".contains(c))));
    until("health names the model", || site.tap.health().speech_model.as_deref() == Some("toy")).await;
    assert!(site.tap.health().troubles.is_empty(), "{:?}", site.tap.health().troubles);
    site.quiet().await;
    site.stop().await;
}
