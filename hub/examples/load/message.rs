//! Incidents that differ in their ids: one envelope, written once, with the ids set in place.

use anyhow::{Context as _, ensure};
use protocol::envelope::Stamp;
use protocol::{
    BootId, CameraSubject, Chance, Clock as _, Envelope, Event, Incident, IncidentId, IncidentKind, Label,
    MessageId, NormBox, Origin, Phase, Place, Severity, Subject, SystemClock, UtcMs,
};
use uuid::Uuid;

/// Causes of incidents that join: cameras of one box.
const CAUSES: u64 = 20;
/// Numbers of messages begin here, so that all have as many digits.
const FIRST: u64 = 1_000_000_000;
const MESSAGE: Uuid = Uuid::from_u128(0x1111_1111_1111_7111_8111_1111_1111_1111);
const INCIDENT: Uuid = Uuid::from_u128(0x2222_2222_2222_7222_8222_2222_2222_2222);
const CAMERA: &str = "c99999999";

/// One box's messages.
#[derive(Debug)]
pub(crate) struct Messages {
    text: Vec<u8>,
    places: [Vec<usize>; 4],
    next: u64,
    joined: bool,
}

impl Messages {
    /// Of a kind that a rule of the policy takes for one matter with others, cases of one box find each other: its cameras
    /// stand at one place.
    pub(crate) fn new(
        origin: &Origin,
        chance: &Chance,
        kind: IncidentKind,
        joined: bool,
    ) -> anyhow::Result<Self> {
        let now = SystemClock::new().now();
        let stamp = Stamp {
            id: MessageId(MESSAGE),
            at: now,
            boot: BootId::new(chance, now),
            sequence: FIRST,
            uptime_ms: 86_400_000,
            clock_synced: true,
        };
        let envelope = Envelope::new(origin, stamp, Event::Incident(incident(now, kind)?));
        let text = envelope.encode().context("a whole envelope")?;
        ensure!((1_000..2_000).contains(&text.len()), "an envelope has {} bytes", text.len());
        let all = |word: &str| places(&text, word.as_bytes());
        let places =
            [all(&MESSAGE.to_string()), all(&INCIDENT.to_string()), all(CAMERA), all(&FIRST.to_string())];
        ensure!(places.iter().all(|found| !found.is_empty()), "an id is not in the envelope");
        Ok(Self { text, places, next: 0, joined })
    }

    /// Counts on from here: another connection of the same box has the numbers before.
    pub(crate) fn begin_at(&mut self, number: u64) {
        self.next = number;
    }

    pub(crate) fn next(&mut self, chance: &Chance, now: UtcMs) -> (MessageId, IncidentId, Vec<u8>) {
        let (id, incident) = (MessageId::new(chance, now), IncidentId::new(chance, now));
        let camera = if self.joined { self.next % CAUSES } else { self.next };
        let words =
            [id.to_string(), incident.to_string(), format!("c{camera:08}"), (FIRST + self.next).to_string()];
        let mut text = self.text.clone();
        for (word, places) in words.iter().zip(&self.places) {
            for at in places {
                text[*at..*at + word.len()].copy_from_slice(word.as_bytes());
            }
        }
        self.next += 1;
        (id, incident, text)
    }
}

fn places(text: &[u8], word: &[u8]) -> Vec<usize> {
    (0..text.len()).filter(|at| text[*at..].starts_with(word)).collect()
}

fn incident(now: UtcMs, kind: IncidentKind) -> anyhow::Result<Incident> {
    let subject = CameraSubject {
        camera_id: CAMERA.parse()?,
        camera_name: "东关巷北口 02".to_owned(),
        rule_id: "night-yard".parse()?,
        rule_name: "夜间禁入区（东关巷物资仓库北侧围墙内）".to_owned(),
        rule_name_en: Some("Closed at night: the yard inside the northern wall of the depot".to_owned()),
        label: Label::Person,
        score: 0.87,
        region: NormBox { x: 0.412, y: 0.321, w: 0.094, h: 0.337 },
        object_count: 2,
        motion_only: false,
        method: "yolox-nano fp32 416; byte tracker; zone intrusion, 3 s; stand-in none".to_owned(),
    };
    let place = Place {
        name: "青梧县青梧镇东关社区东关巷 18 号物资仓库北侧".to_owned(),
        latitude: Some(34.5112),
        longitude: Some(106.9342),
    };
    Ok(Incident {
        incident_id: IncidentId(INCIDENT),
        revision: 1,
        phase: Phase::Opened,
        kind,
        severity: Severity::Normal,
        subject: Subject::Camera(subject),
        place: Some(place),
        started_at: now,
        updated_at: now,
        ended_at: None,
        evidence: vec![],
        drill: false,
    })
}
