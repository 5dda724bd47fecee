//! What really happens in a scene: `NAME.truth.json` beside `NAME.toml`.
//!
//! For clips that somebody has looked through by eye there is `CLIP.events.json`: frames in which somebody is there, in
//! which vehicles pass, in which a thing stands unattended. [`Truth::of`] makes events of the scene's rules from it.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use protocol::IncidentKind;
use serde::{Deserialize, Serialize};

/// Two stays that are not farther apart are one to a rule.
const APART_S: f64 = 3.0;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// Length of the clip.
    pub media_s: f64,
    /// In what it differs from others, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    pub events: Vec<TrueEvent>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrueEvent {
    pub kind: IncidentKind,
    /// The rule that must find it; any rule of the kind where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// When the alarm is due: for a stay that must last, at the end of that time.
    pub started_s: f64,
    /// Absent: lasts to the end of the clip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_s: Option<f64>,
}

/// What the truth must know of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    pub rule: String,
    pub kind: IncidentKind,
    pub dwell_s: f64,
}

impl Truth {
    /// The truth beside a scene file, in either form. `clip`: where its pictures are.
    pub fn of(scene: &Path, clip: &Path, watched: &[Watched]) -> Result<Self> {
        let own = scene.with_extension("truth.json");
        let by_eye = [scene.with_extension("events.json"), clip.with_extension("events.json")];
        let truth = if own.exists() {
            read::<Self>(&own)?
        } else if let Some(path) = by_eye.iter().find(|p| p.exists()) {
            read::<ByEye>(path)?.events(watched)
        } else {
            anyhow::bail!("{}: there is no {} beside it", scene.display(), own.display());
        };
        truth.check().with_context(|| format!("in the truth of {}", scene.display()))?;
        Ok(truth)
    }

    fn check(&self) -> Result<()> {
        ensure!(self.media_s > 0.0, "media_s {} is no length of a clip", self.media_s);
        for event in &self.events {
            let ended_s = event.ended_s.unwrap_or(self.media_s);
            ensure!(
                (0.0..=self.media_s).contains(&event.started_s) && ended_s >= event.started_s,
                "an event from {} s to {ended_s} s does not lie in a clip of {} s",
                event.started_s,
                self.media_s
            );
        }
        Ok(())
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("in {}", path.display()))
}

/// Frames counted from 0, first and last of each stay.
#[derive(Debug, Deserialize)]
struct ByEye {
    fps: f64,
    frames: f64,
    #[serde(default)]
    person_present: Vec<[f64; 2]>,
    #[serde(default)]
    passes: Vec<Stay>,
    #[serde(default)]
    events: Vec<Noted>,
}

#[derive(Debug, Deserialize)]
struct Stay {
    first: f64,
    last: f64,
}

#[derive(Debug, Deserialize)]
struct Noted {
    #[serde(rename = "type")]
    what: String,
    first: Option<f64>,
    last: Option<f64>,
}

impl ByEye {
    fn events(&self, watched: &[Watched]) -> Truth {
        let media_s = self.frames / self.fps;
        let events = watched.iter().flat_map(|rule| {
            let stays =
                joined(self.stays(rule.kind).iter().map(|f| f.map(|frame| frame / self.fps)).collect());
            let due = stays.into_iter().map(|[from, to]| (from + rule.dwell_s, to));
            due.filter(|(due, to)| due <= to).map(|(due, to)| TrueEvent {
                kind: rule.kind,
                rule: Some(rule.rule.clone()),
                zone: None,
                started_s: due,
                ended_s: Some(to),
            })
        });
        Truth { media_s, note: "read off the frames by eye".to_owned(), events: events.collect() }
    }

    /// Frames during which what a rule of this kind waits for is there. Of other kinds nothing is known, so nothing
    /// is due.
    fn stays(&self, kind: IncidentKind) -> Vec<[f64; 2]> {
        let noted = |what: &str| {
            let of_it = self.events.iter().filter(|e| e.what == what);
            of_it.filter_map(|e| Some([e.first?, e.last?])).collect::<Vec<_>>()
        };
        match kind {
            IncidentKind::Intrusion | IncidentKind::Loitering => {
                self.person_present.iter().copied().chain(noted("person_present")).collect()
            }
            IncidentKind::VehicleForbidden => self.passes.iter().map(|p| [p.first, p.last]).collect(),
            IncidentKind::AbandonedObject => noted("object_unattended"),
            _ => Vec::new(),
        }
    }
}

fn joined(mut stays: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    stays.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let mut out: Vec<[f64; 2]> = Vec::new();
    for stay in stays {
        match out.last_mut() {
            Some(last) if stay[0] - last[1] < APART_S => last[1] = last[1].max(stay[1]),
            _ => out.push(stay),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(kind: IncidentKind, dwell_s: f64) -> Watched {
        Watched { rule: "r".into(), kind, dwell_s }
    }

    /// Passes that overlap are one stay; a thing left alone is due after its time; of fire nothing is known.
    #[test]
    fn frames_by_eye_become_events() {
        let text = r#"{"fps": 10, "frames": 600, "vehicles": 3,
            "passes": [{"colour": "red", "first": 190, "last": 237}, {"first": 183, "last": 230},
                       {"first": 300, "last": 310}],
            "events": [{"type": "object_unattended", "first": 100, "last": 400, "comment": "a bag"},
                       {"type": "owner_left_view", "frame": 100}]}"#;
        let by_eye: ByEye = serde_json::from_str(text).unwrap();
        let times = |kind, dwell_s| {
            let events = by_eye.events(&[watched(kind, dwell_s)]).events;
            events.iter().map(|e| (e.started_s, e.ended_s.unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(times(IncidentKind::VehicleForbidden, 0.0), [(18.3, 23.7), (30.0, 31.0)]);
        assert_eq!(times(IncidentKind::AbandonedObject, 15.0), [(25.0, 40.0)]);
        assert!(times(IncidentKind::AbandonedObject, 31.0).is_empty(), "did not stand long enough");
        assert!(times(IncidentKind::Fire, 0.0).is_empty());
    }

    /// What cannot be true is refused: no length, an event outside the clip or running backwards.
    #[test]
    fn truths_that_cannot_be() {
        let event = |started_s, ended_s| TrueEvent {
            kind: IncidentKind::Fire,
            rule: None,
            zone: None,
            started_s,
            ended_s,
        };
        let truth = |media_s, e| Truth { media_s, note: String::new(), events: vec![e] };
        assert!(truth(10.0, event(2.0, None)).check().is_ok());
        assert!(truth(0.0, event(0.0, None)).check().is_err());
        assert!(truth(10.0, event(11.0, None)).check().is_err());
        assert!(truth(10.0, event(5.0, Some(4.0))).check().is_err());
    }
}
