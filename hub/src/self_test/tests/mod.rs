//! The daily self-test, from asking to passing and failing, on both databases, with the box's part played by hand.

use protocol::{
    CameraSubject, Clock as _, Delivery, Event, Evidence, EvidenceKind, Incident, IncidentId, IncidentKind,
    Label, NormBox, Phase, Subject,
};

use super::*;
use crate::args;
use crate::web::tests::site::{Site, sites};

const DAY_MS: i64 = 86_400_000;

impl Site {
    async fn online(&self) {
        let sql = "insert into device_status (tenant, device_id, state, received_at_ms, last_seen_at_ms, clock_synced)
                   select tenant, device_id, 'online', 1, 1, 1 from devices where true
                   on conflict (tenant, device_id) do update set state = 'online'";
        self.app.db.execute(sql, args![]).await.unwrap();
    }

    async fn tests(&self) -> Vec<SelfTest> {
        newest(&self.app.db, self.app.tenant().as_str()).await.unwrap()
    }

    async fn test_pass(&self) -> u64 {
        pass(&self.app, self.clock.now()).await.unwrap()
    }

    /// The command of the newest self-test.
    async fn asked(&self) -> String {
        let sql =
            "select command_id from commands where name = 'self_test' order by issued_at_ms desc limit 1";
        let (id,): (String,) = self.app.db.fetch_one(sql, args![]).await.unwrap();
        id
    }
}

/// What the box answers with.
fn drill(site: &Site, command: &str, evidence: Vec<Evidence>) -> Incident {
    let subject = Subject::Camera(CameraSubject {
        camera_id: "north".parse().unwrap(),
        camera_name: "北口".into(),
        rule_id: "self-test".parse().unwrap(),
        rule_name: "每日自检".into(),
        rule_name_en: None,
        label: Label::Picture,
        score: 1.0,
        region: NormBox { x: 0.0, y: 0.0, w: 1.0, h: 1.0 },
        object_count: 0,
        motion_only: false,
        method: "self-test".into(),
    });
    let mut incident = site.incident(subject, IncidentKind::Intrusion, "北口");
    incident.incident_id = IncidentId(command.parse().unwrap());
    (incident.phase, incident.ended_at, incident.drill) = (Phase::Ended, Some(site.clock.now()), true);
    incident.evidence = evidence;
    incident
}

fn picture(content: &[u8]) -> Evidence {
    Evidence {
        sha256: hex::encode(<sha2::Sha256 as sha2::Digest>::digest(content)).parse().unwrap(),
        kind: EvidenceKind::Snapshot,
        media_type: "image/jpeg".into(),
        size_bytes: content.len() as u64,
        delivery: Delivery::Automatic,
        starts_at: UtcMs(1),
        duration_ms: None,
        masked: true,
        blurred: false,
        footage: None,
    }
}

/// A box is asked once a day, from the day after it was enrolled, when it is there; the drill has to come, and its picture,
/// and to be listed. Then it has passed, its case is closed, and no statistic and no notice knows of it.
#[tokio::test]
async fn a_box_passes() {
    for mut site in sites().await {
        site.online().await;
        assert_eq!(site.test_pass().await, 0);
        assert_eq!(site.tests().await, [], "enrolled today, {}", site.name);
        site.clock.advance_ms(DAY_MS);
        site.test_pass().await;
        site.test_pass().await;
        let commands = "select count(*) from commands where name = 'self_test'";
        let (asked,): (i64,) = site.app.db.fetch_one(commands, args![]).await.unwrap();
        assert_eq!(asked, 1, "asked once, {}", site.name);
        let (command, content) = (site.asked().await, b"JPEG of a self-test".as_slice());
        let file = picture(content);
        site.clock.advance_ms(900);
        let incident = drill(&site, &command, vec![file.clone()]);
        site.hand_in(Event::Incident(incident)).await;
        assert_eq!(site.test_pass().await, 0, "its picture is not here");
        site.clock.advance_ms(1_100);
        site.upload(&file, content).await;
        assert_eq!(site.test_pass().await, 1);
        assert_eq!(site.test_pass().await, 0, "once");
        let test = site.tests().await.remove(0);
        assert_eq!(test.state, "passed", "{test:?}, {}", site.name);
        assert_eq!(test.received_at_ms, Some(test.asked_at_ms + 900));
        assert_eq!(test.pictured_at_ms, Some(test.asked_at_ms + 2_000));
        let filter = case::CaseFilter::default();
        let all = case::store::list::list(&site.app.db, site.app.tenant().as_str(), &filter);
        let cases = all.await.unwrap();
        assert_eq!((cases.len(), cases[0].state.as_str(), cases[0].drill), (1, "closed", 1));
        let (told,): (i64,) = site.app.db.fetch_one("select count(*) from notices", args![]).await.unwrap();
        assert_eq!(told, 0);
    }
}

/// What never comes, and what the box says it cannot do, fails with the reason and is told once to those who look after it;
/// the next day is a new one.
#[tokio::test]
async fn a_box_fails() {
    for site in sites().await {
        site.online().await;
        site.clock.advance_ms(DAY_MS);
        site.test_pass().await;
        site.clock.advance_ms(LONGEST_MS + 1);
        assert_eq!(site.test_pass().await, 1);
        assert_eq!(site.test_pass().await, 0);
        let test = site.tests().await.remove(0);
        assert_eq!(test.state, "failed");
        assert!(test.reason.as_deref().unwrap().starts_with("告警未到"), "{test:?}");

        site.clock.advance_ms(DAY_MS);
        site.test_pass().await;
        let command = site.asked().await;
        site.app
            .db
            .execute(
                "update commands set state = 'failed', answered_at_ms = 1, reason = 'no camera shows a picture'
                 where command_id = $1",
                args![&command],
            )
            .await
            .unwrap();
        assert_eq!(site.test_pass().await, 1, "it need not be waited for, {}", site.name);
        assert_eq!(site.tests().await[0].reason.as_deref(), Some("no camera shows a picture"));
        let (told,): (i64,) = site
            .app
            .db
            .fetch_one("select count(*) from notices where kind = 'self_test'", args![])
            .await
            .unwrap();
        assert_eq!(told, 2, "once for each");
    }
}

/// The hour is the zone's; nothing names no hour.
#[test]
fn the_hour_is_local() {
    let zone = TimeZone::fixed(jiff::tz::offset(8));
    // 2026-03-18 08:59:59 and 09:00:00 in Shanghai.
    let nine = 1_773_795_600_000;
    assert_eq!(due_day("09:00", &zone, UtcMs(nine - 1_000)), None);
    assert_eq!(due_day("09:00", &zone, UtcMs(nine)).as_deref(), Some("20260318"));
    assert_eq!(due_day("", &zone, UtcMs(nine)), None);
    assert_eq!(midnight(&zone, UtcMs(nine)), UtcMs(nine - 9 * 3_600_000));
}
