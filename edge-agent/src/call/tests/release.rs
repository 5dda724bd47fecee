//! What leaves of a call's recordings, and what stays.

use protocol::{Segment, Sha256Hex};

use super::*;
use record::Spoken;

impl Box {
    /// What `calls/` holds is known, and that there is no speech model.
    fn begun(&self) {
        self.tap.ledger.load();
        self.tap.looked_for_models.store(true, Ordering::Release);
    }

    /// Its words become known.
    fn words(&self, record: &Record, text: &str, private: Vec<Spoken>) {
        let line = Segment { leg: Leg::Caller, start_ms: 100, end_ms: 600, text: text.into() };
        let done = Transcript::Done { segments: vec![line], model: "m".into(), left_out: 0 };
        self.tap.ledger.transcribed(record.incident.incident_id, done, private, None, NOW).unwrap();
    }
}

fn recording(record: &Record) -> Sha256Hex {
    record.incident.evidence[0].sha256.clone()
}

/// Until it is known what the box holds nothing leaves; of two recordings of one call the one with a number stays, and a
/// copy without it leaves; one whose words may still come holds all back.
#[tokio::test]
async fn numbers_stay_of_every_recording() {
    let mut site = Box::new();
    let call_id = CallId(Uuid::from_u128(5));
    let first = site.filed(5).await;
    site.clock.advance_ms(60_000);
    let second = site.filed_with(5, 9_000).await;
    assert_ne!(recording(&first), recording(&second));
    let early = site.tap.release(call_id).await.unwrap_err();
    assert!(early.to_string().contains("ask again"), "{early}");
    site.begun();

    site.words(&second, "没有号码", vec![]);
    lock(&site.tap.status).speech_model = Some("m".into());
    let waits = site.tap.release(call_id).await.unwrap_err();
    assert!(waits.to_string().contains("not transcribed"), "{waits}");
    lock(&site.tap.status).speech_model = None;
    site.tap.trouble(Cause::Speech, Some("a broken model".into()));
    assert!(site.tap.release(call_id).await.is_err(), "a broken model may be mended");
    site.tap.trouble(Cause::Speech, None);

    let number = Spoken { leg: Leg::Caller, start_ms: 200, end_ms: 400 };
    site.words(&first, "[电话号码]", vec![number]);
    let release = site.tap.release(call_id).await.unwrap();
    assert_eq!(release.stay, [recording(&first)]);
    let [copy] = &release.copies[..] else { panic!("{release:?}") };
    assert!(copy.evidence.masked && copy.path.exists() && copy.evidence.sha256 != recording(&first));
}

/// A record of an earlier version says only in its lines that there is a number: the whole line becomes a tone.
#[tokio::test]
async fn lines_of_earlier_versions_are_bleeped_whole() {
    let mut site = Box::new();
    let record = site.filed(5).await;
    site.begun();
    site.words(&record, "打[电话号码]找我", vec![]);
    let release = site.tap.release(CallId(Uuid::from_u128(5))).await.unwrap();
    let mut wav = hound::WavReader::open(&release.copies[0].path).unwrap();
    let left: Vec<i16> = wav.samples().step_by(2).map(Result::unwrap).collect();
    // A tone of 1 kHz is nothing in two samples of eight.
    let loud = left[..8_000].iter().filter(|s| s.abs() > 100).count();
    assert!(loud > 5_900, "{loud}: the line, and half a second more");
}
