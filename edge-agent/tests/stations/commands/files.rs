//! What a named user asks for: a still, a recording.

use std::time::Duration;

use protocol::{
    CallId, Command, CommandBody, Delivery, Event, Evidence, EvidenceKind, IncidentId, Outcome,
    ReceiptOutcome, Subject, UtcMs,
};
use sha2::{Digest as _, Sha256};

use super::bench::{Bench, camera, reason};
use crate::common::{WAIT, call, eventually, file, free_port, settle, waiting};

/// A self-test raises a drill with the masked picture of a camera that shows one, named after its command, once however
/// often it is asked; where no camera shows anything, it says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_self_test_is_a_drill() {
    let dir = tempfile::tempdir().unwrap();
    let dark = camera("dark", &format!("rtsp://127.0.0.1:{}/live", free_port()));
    let bench = Bench::start(dir.path(), &dark, WAIT).await;
    let why = reason(bench.ask(CommandBody::SelfTest {}).await);
    assert!(why.starts_with("no camera shows a picture: dark: "), "{why}");
    bench.end().await;

    let dir = tempfile::tempdir().unwrap();
    let masked = camera("gate", "test://smpte").trim_end().to_owned()
        + "\n\n[[camera.masks]]\npolygon = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]\n\n";
    let bench = Bench::start(dir.path(), &(dark + &masked), WAIT).await;
    eventually!("the camera", bench.runs("gate"));
    let mut outcome = bench.ask(CommandBody::SelfTest {}).await;
    for _ in 0..20 {
        if matches!(outcome, Outcome::Done { .. }) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        outcome = bench.ask(CommandBody::SelfTest {}).await;
    }
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    let drills: Vec<_> = waiting(&bench.outbox)
        .await
        .into_iter()
        .filter_map(|envelope| match envelope.event {
            Event::Incident(incident) if incident.drill => Some(incident),
            _ => None,
        })
        .collect();
    let [drill] = drills.as_slice() else { panic!("one drill: {drills:?}") };
    let Subject::Camera(subject) = &drill.subject else { panic!("of a camera: {drill:?}") };
    assert_eq!((subject.camera_id.as_str(), subject.rule_id.as_str()), ("gate", "self-test"));
    let [picture] = drill.evidence.as_slice() else { panic!("one picture: {drill:?}") };
    assert_eq!((picture.kind, picture.masked), (EvidenceKind::Snapshot, true));
    assert!(bench.outbox.evidence_dir().join(format!("{}.jpg", picture.sha256)).exists());
    bench.end().await;
}

/// A still is the camera's picture of now with its masks burnt in, already on disk when it is answered; a camera that
/// is not there, or shows nothing, is said so.
#[tokio::test(flavor = "multi_thread")]
async fn a_still_is_masked() {
    let dir = tempfile::tempdir().unwrap();
    let masked = camera("gate", "test://smpte").trim_end().to_owned()
        + "\n\n[[camera.masks]]\npolygon = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]\n\n";
    let dark = camera("dark", &format!("rtsp://127.0.0.1:{}/live", free_port()));
    let bench = Bench::start(dir.path(), &(masked + &dark), WAIT).await;
    eventually!("the camera", bench.runs("gate"));
    let still = |id: &str| CommandBody::Still { camera_id: id.parse().unwrap() };
    let mut outcome = bench.ask(still("gate")).await;
    // The very first units may not make a picture yet.
    for _ in 0..20 {
        if matches!(outcome, Outcome::Done { .. }) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        outcome = bench.ask(still("gate")).await;
    }
    let Outcome::Done { evidence } = outcome else { panic!("{outcome:?}") };
    let [evidence] = evidence.as_slice() else { panic!("one file: {evidence:?}") };
    assert_eq!(
        (evidence.kind, evidence.delivery, evidence.masked),
        (EvidenceKind::Still, Delivery::Automatic, true)
    );
    assert!(bench.clock.now().since_ms(evidence.starts_at).abs() < 60_000);
    let name = format!("{}.jpg", evidence.sha256);
    let bytes = std::fs::read(bench.outbox.evidence_dir().join(name)).unwrap();
    assert_eq!(hex::encode(Sha256::digest(&bytes)), evidence.sha256.as_str());
    let picture = image::load_from_memory(&bytes).unwrap().to_luma8();
    let (width, height) = picture.dimensions();
    let range = |from: u32, to: u32| {
        let luma = (from..to).flat_map(|x| (0..height).map(move |y| (x, y)));
        let luma: Vec<u8> = luma.map(|(x, y)| picture.get_pixel(x, y).0[0]).collect();
        (*luma.iter().min().unwrap(), *luma.iter().max().unwrap())
    };
    let (darkest, brightest) = range(0, width / 2 - 8);
    assert!(darkest > 30 && brightest < 150, "the left half is the mask's grey: {darkest} to {brightest}");
    let (darkest, brightest) = range(width / 2 + 8, width);
    assert!(darkest < 30 || brightest > 150, "the right half shows the bars: {darkest} to {brightest}");

    assert_eq!(reason(bench.ask(still("nowhere")).await), "this box has no camera nowhere");
    let why = reason(bench.ask(still("dark")).await);
    assert!(why.contains("has shown no picture"), "{why}");
    bench.end().await;
}

/// A finished call whose recording stays on the box.
async fn filed_call(bench: &Bench, call_id: CallId) -> Evidence {
    let voices = format!("the voices of {call_id}");
    let recording = file(bench.outbox.evidence_dir(), voices.as_bytes(), EvidenceKind::Recording);
    let evidence = recording.evidence.clone();
    let id = IncidentId::new(&bench.chance, bench.clock.now());
    let message_id = bench.outbox.append(&call(id, call_id, recording)).await.unwrap();
    settle(&bench.outbox, message_id, ReceiptOutcome::Stored).await;
    evidence
}

/// A recording stays on the box until somebody asks for it by its call; then it is named in the answer and waits for
/// the uploader. A call that is not here, and a command that came too late, are said so; a command that comes twice
/// is answered once.
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_goes_when_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let [audio, api] = [free_port(), free_port()];
    let calls =
        format!("[calls]\naudiosocket_listen = \"127.0.0.1:{audio}\"\napi_listen = \"127.0.0.1:{api}\"\n");
    let bench = Bench::start(dir.path(), &calls, WAIT).await;
    let call_id = CallId::new(&bench.chance, bench.clock.now());
    let recording = filed_call(&bench, call_id).await;
    assert!(bench.outbox.next_upload().await.unwrap().is_none(), "nobody asked");

    let stranger = CallId::new(&bench.chance, bench.clock.now());
    // Until it is known what the calls of earlier runs hold, nothing leaves.
    let why_not = async || reason(bench.ask(CommandBody::Recording { call_id: stranger }).await);
    eventually!("its calls to be known", !why_not().await.contains("ask again"));
    let why = reason(bench.ask(CommandBody::Recording { call_id: stranger }).await);
    assert_eq!(why, format!("this box holds no recording of call {stranger}; it may have expired"));
    assert!(bench.outbox.next_upload().await.unwrap().is_none());

    let late = Command { expires_at: UtcMs(1), ..bench.command(CommandBody::Recording { call_id }) };
    bench.commands.send(late.clone()).await.unwrap();
    assert_eq!(bench.answer(late.command_id).await, Outcome::Expired);

    let command = bench.command(CommandBody::Recording { call_id });
    for _ in 0..3 {
        bench.commands.send(command.clone()).await.unwrap();
    }
    assert_eq!(bench.answer(command.command_id).await, Outcome::Done { evidence: vec![recording.clone()] });
    assert_eq!(bench.outbox.next_upload().await.unwrap().unwrap().evidence, recording);
    // Commands are done in order: when this one is answered the repetitions are through.
    reason(bench.ask(CommandBody::Recording { call_id: stranger }).await);
    let same =
        bench.answers().await.into_iter().filter(|answer| answer.command_id == command.command_id).count();
    assert_eq!(same, 1);
    bench.end().await;
}
