//! Alarms of running calls, from the moment they are raised to what the call turns out to be.

use protocol::hotline::Alarm;
use protocol::{Phase, Segment, Severity};

use super::*;

fn alarm(id: &str, at_ms: u64) -> Alarm {
    Alarm { id: id.into(), words: vec!["着火".into()], at_ms, holds: true }
}

fn alarms(report: &Report) -> Vec<Alarm> {
    call_of(report).reading.clone().unwrap().alarms
}

impl Box {
    /// A leg that runs, begun on disk.
    fn running(&self, socket: u128) -> (TapId, LegRecorder) {
        let state = self.leg(socket, self.tap.run, NOW);
        let id = lock(&self.tap.registry).open(Uuid::from_u128(socket), 8, 0).unwrap();
        lock(&self.tap.live_legs).insert(id, state.name.clone());
        (id, self.record(state, 8_000))
    }

    async fn write_alarms(&self) {
        let over = CancellationToken::new();
        over.cancel();
        raising::run(Arc::clone(&self.tap), over).await;
    }
}

/// An alarm of a running call is an incident at once. What the call turns out to be is its next revision, with the
/// recording and the alarm; also when the box died in between, and when its words came only afterwards and took it back.
#[tokio::test]
async fn an_alarm_comes_before_its_call() {
    let mut site = Box::new();
    let call_id = CallId(Uuid::from_u128(1));
    let state = site.leg(1, site.tap.run, NOW);
    let (id, name) = (state.incident_id, state.name.clone());
    let finished = site.record(state, 8_000).finish(None).unwrap();
    let leg = lock(&site.tap.registry).open(Uuid::from_u128(1), 8, 0).unwrap();
    lock(&site.tap.live_legs).insert(leg, name);
    site.tap.raise(call_id, vec![alarm("fire", 500)]);
    site.tap.raise(call_id, vec![alarm("trapped", 900)]);
    site.write_alarms().await;
    let reports = site.commit_all().await;
    let early = reports.last().unwrap();
    assert_eq!(
        (early.incident.incident_id, early.incident.revision, early.incident.phase),
        (id, 2, Phase::Updated)
    );
    assert_eq!((early.incident.severity, early.files.len()), (Severity::Emergency, 0));
    assert_eq!(site.tap.ledger.wordless(), [], "no recording waits for words yet");

    // The box dies here; another run finds the leg on its disk.
    let (tap, reports) = tap_on(site.dir.path(), &site.clock);
    (site.tap, site.reports) = (tap, reports);
    site.tap.ledger.load();
    let spans = Some(vec![Span { start_ms: 100, end_ms: 900 }]);
    site.tap.file(call_id, vec![FinishedLeg { spans, ..finished }], live::Said::default()).await;
    let reports = site.commit_all().await;
    let filed = &reports[0];
    assert_eq!(
        (filed.incident.incident_id, filed.incident.revision, filed.incident.phase),
        (id, 3, Phase::Ended)
    );
    assert_eq!((filed.incident.severity, filed.files.len()), (Severity::Emergency, 1));
    assert_eq!(alarms(filed), [alarm("fire", 500), alarm("trapped", 900)]);

    let line = |text: &str| Segment { leg: Leg::Caller, start_ms: 300, end_ms: 900, text: text.into() };
    let segments = vec![line("仓库着火了快来人")];
    let reading = crate::screen::call::read(&site.tap.screener, &segments);
    let done = Transcript::Done { segments, model: "m".into(), left_out: 0 };
    site.tap.ledger.transcribed(id, done, Vec::new(), reading, NOW).unwrap();
    let reports = site.commit_all().await;
    let fire = &alarms(&reports[0])[..];
    assert_eq!((reports[0].files.len(), reports[0].incident.severity), (0, Severity::Emergency));
    let told: Vec<_> = fire.iter().map(|a| (a.id.as_str(), a.at_ms, a.holds)).collect();
    assert!(told.contains(&("fire", 300, true)) && told.contains(&("trapped", 900, false)), "{told:?}");
}

/// Both sides of a call raise alarms before anybody says that they are one call: it is filed with the alarms of both under
/// the older incident, and the other one ends. Filing again, after a crash, changes nothing.
#[tokio::test]
async fn alarms_of_two_sides_become_one() {
    let mut site = Box::new();
    let first = site.running(1);
    site.clock.advance_ms(1);
    let sides = [first, site.running(2)];
    for (socket, id) in [(1, "fire"), (2, "trapped")] {
        site.tap.raise(CallId(Uuid::from_u128(socket)), vec![alarm(id, 500)]);
    }
    site.write_alarms().await;
    let early: Vec<IncidentId> = site.commit_all().await.iter().map(|r| r.incident.incident_id).collect();
    assert_eq!(early.len(), 2);
    let legs: Vec<FinishedLeg> = sides.into_iter().map(|(_, r)| r.finish(None).unwrap()).collect();
    let again = || {
        legs.iter().map(|l| FinishedLeg {
            state: l.state.clone(),
            pcm: l.pcm.clone(),
            spans: l.spans.clone(),
        })
    };
    let call_id = CallId(Uuid::from_u128(1));
    site.tap.file(call_id, again().collect(), live::Said::default()).await;
    let reports = site.commit_all().await;
    let [filed, other] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!((filed.incident.incident_id, filed.incident.phase), (early[0], Phase::Ended));
    assert_eq!(alarms(filed), [alarm("fire", 500), alarm("trapped", 500)]);
    assert_eq!((other.incident.incident_id, other.incident.phase), (early[1], Phase::Ended));
    site.tap.file(call_id, again().collect(), live::Said::default()).await;
    assert_eq!(site.commit_all().await.len(), 0);
}

/// What was told of a running call is kept however old it is, until its sound is gone for good: then the incident ends and
/// says so.
#[tokio::test]
async fn a_call_that_lost_its_sound_ends() {
    let mut site = Box::new();
    let (leg, recorder) = site.running(1);
    site.tap.raise(CallId(Uuid::from_u128(1)), vec![alarm("fire", 500)]);
    site.write_alarms().await;
    let id = site.commit_all().await[0].incident.incident_id;
    site.clock.set(NOW.plus_ms(48 * 3_600_000));
    site.tap.expire().await;
    site.tap.recover().await;
    assert!(site.tap.ledger.archive.holds(id));
    assert_eq!(site.commit_all().await.len(), 0);

    drop(recorder);
    lock(&site.tap.live_legs).remove(&leg);
    std::fs::remove_dir_all(site.tap.ledger.archive.legs()).unwrap();
    site.tap.recover().await;
    let reports = site.commit_all().await;
    assert_eq!((reports.len(), reports[0].incident.phase), (1, Phase::Ended));
    assert!(
        matches!(&call_of(&reports[0]).transcript, Transcript::Failed { reason } if reason.contains("sound"))
    );
    assert_eq!(alarms(&reports[0]), [alarm("fire", 500)]);
}

/// A correction learns the words of its call, and can be taken back when they are gone.
#[tokio::test]
async fn corrections_outlive_their_calls() {
    let mut site = Box::new();
    site.tap.ledger.load();
    let record = site.filed(7).await;
    let call_id = CallId(Uuid::from_u128(7));
    let correct = |category: Option<&str>| site.tap.correct(call_id, category.map(Into::into), None);
    assert!(correct(Some("telecom")).await.unwrap_err().to_string().contains("no words"));
    let line =
        Segment { leg: Leg::Caller, start_ms: 1, end_ms: 2, text: "那个量子驿站嗡嗡响".into() };
    let done = Transcript::Done { segments: vec![line], model: "m".into(), left_out: 0 };
    let id = record.incident.incident_id;
    site.tap.ledger.transcribed(id, done, Vec::new(), None, NOW).unwrap();
    correct(Some("telecom")).await.unwrap();
    assert_eq!(site.tap.health().corrections, 1);
    site.commit_all().await;
    std::fs::remove_dir_all(site.tap.ledger.archive.recordings()).unwrap();
    site.tap.expire().await;
    assert!(!site.tap.ledger.archive.holds(id));
    site.tap.correct(call_id, None, None).await.unwrap();
    assert_eq!(site.tap.health().corrections, 0);
}
