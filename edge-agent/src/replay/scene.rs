//! A scene file played through the analysis: incidents with the seconds at which they began and ended.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use protocol::{CameraId, IncidentKind, Label, Phase, RuleId, UtcMs};
use serde::{Deserialize, Serialize};

use crate::analyser::Analyser;
use crate::camera::{self, Source};
use crate::config::SceneFile;
use crate::detector::{Answer, Detect, DetectorConfig, Looked};
use crate::frame::Frame;
use crate::mask::Masks;
use crate::observation::{Observation, Seen};
use crate::rules::{Lost, RuleConfig, RuleEvent};

/// One camera and what it saw: a video, or recorded detections.
#[derive(Clone, Debug)]
pub struct Scene {
    pub file: SceneFile,
    /// Video or recording.
    media: PathBuf,
}

/// One line of the output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SceneIncident {
    pub rule: RuleId,
    pub kind: IncidentKind,
    pub camera: CameraId,
    /// Zone or line of the rule; `null`: the whole picture.
    pub zone: Option<String>,
    /// Seconds of media time at which the condition of the alarm was met.
    pub started_s: f64,
    /// `null` when it is open at the end.
    pub ended_s: Option<f64>,
    /// Of the best picture; 0 for motion.
    pub score: f32,
}

/// What came of a scene.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Played {
    /// In the order in which they began.
    pub incidents: Vec<SceneIncident>,
    pub frames: u64,
    pub media_ms: i64,
    /// Frames the detector looked at, frames judged by motion alone, frames in which nothing moved.
    pub detected: u64,
    pub motion_only: u64,
    pub still: u64,
}

impl Scene {
    /// For the detector that a box has when nothing is configured.
    pub fn load(path: &Path) -> Result<Self> {
        Self::load_for(path, &DetectorConfig::default().named())
    }

    /// `named`: what the detector that will look at it can name. Recorded detections may be of any.
    pub fn load_for(path: &Path, named: &[Label]) -> Result<Self> {
        let file = SceneFile::load(path, named)?;
        let url = &file.watched.camera.url;
        let Ok(Source::File(media)) = url.source() else { bail!("{}: {url} is no file", path.display()) };
        let media = path.parent().unwrap_or(Path::new("")).join(media);
        Ok(Self { file, media })
    }

    /// Whether it holds recorded detections, not a video.
    pub fn is_recorded(&self) -> bool {
        crate::config::is_recording(&self.media.to_string_lossy())
    }

    /// Video or recording, as it is opened.
    pub fn media(&self) -> &Path {
        &self.media
    }

    /// The incidents. Without a detector a video is judged by motion alone.
    pub fn play(&self, detector: Option<&mut (dyn Detect + 'static)>) -> Result<Vec<SceneIncident>> {
        Ok(self.play_with(detector, |_| Ok(()))?.incidents)
    }

    /// Shows every observation to `each` as well, with its time as media time.
    pub fn play_with(
        &self,
        mut detector: Option<&mut (dyn Detect + 'static)>,
        mut each: impl FnMut(&Observation) -> Result<()>,
    ) -> Result<Played> {
        if self.is_recorded() {
            let recorded = recording(&self.media)?;
            return self.play_observations(recorded.map(|observation| {
                let observation = observation?;
                each(&observation)?;
                Ok(observation)
            }));
        }
        let mut player = Player::new(self);
        let camera = &self.file.watched.camera;
        let (fps, width) = (camera.analysis_fps, camera.analysis_width);
        let mut masks = Masks::new(&camera.masks);
        for frame in camera::decode_file(&self.media, camera.id.clone(), fps, width)? {
            let mut frame = frame.with_context(|| format!("decoding {}", self.media.display()))?;
            masks.burn(Arc::make_mut(&mut frame.picture));
            let observation = player.look(&frame, detector.as_deref_mut())?;
            each(&observation)?;
            player.observation(observation);
        }
        player.finish()
    }

    /// What was seen elsewhere, by these rules.
    pub fn play_observations(&self, all: impl IntoIterator<Item = Result<Observation>>) -> Result<Played> {
        let mut player = Player::new(self);
        for observation in all {
            player.observation(observation?);
        }
        player.finish()
    }
}

/// The lines of a recording.
fn recording(path: &Path) -> Result<impl Iterator<Item = Result<Observation>>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut last_at = None;
    Ok(BufReader::new(file).lines().enumerate().map(move |(number, line)| {
        let place = || format!("line {} of the recording", number + 1);
        let observation: Observation =
            serde_json::from_str(&line.with_context(place)?).with_context(place)?;
        if last_at.is_some_and(|last| observation.at < last) {
            bail!("{}: its time lies before that of the line above", place());
        }
        last_at = Some(observation.at);
        Ok(observation)
    }))
}

struct Player<'s> {
    scene: &'s Scene,
    analyser: Analyser,
    played: Played,
    first_at: Option<UtcMs>,
    last_at: Option<UtcMs>,
    lost: Lost,
    /// Where the incident of an open occurrence stands.
    open: BTreeMap<(RuleId, u64), usize>,
}

impl<'s> Player<'s> {
    fn new(scene: &'s Scene) -> Self {
        Self {
            scene,
            analyser: Analyser::new(&scene.file.watched.rules),
            played: Played::default(),
            first_at: None,
            last_at: None,
            lost: Lost::default(),
            open: BTreeMap::new(),
        }
    }

    /// A detector that fails in the middle would make the output depend on the machine, so that is an error here.
    fn look(&mut self, frame: &Frame, detector: Option<&mut (dyn Detect + 'static)>) -> Result<Observation> {
        let failed = Cell::new(None);
        // It is asked for the frame first and for a person in it then, never at once.
        let detector = RefCell::new(detector);
        let ask = |frame: &Frame| {
            let mut detector = detector.borrow_mut();
            let Some(detector) = &mut *detector else { return Answer::Missing };
            match detector.detect(&frame.picture) {
                Ok(detections) => Answer::Found(Looked::with(&**detector, detections)),
                Err(error) => {
                    failed.set(Some(error));
                    Answer::Missing
                }
            }
        };
        let pose = |person| {
            let mut detector = detector.borrow_mut();
            detector.as_mut()?.stance(&person).unwrap_or_else(|error| {
                failed.set(Some(error));
                None
            })
        };
        let observation = self.analyser.observe_with(frame, ask, pose);
        match failed.into_inner() {
            Some(error) => Err(error).with_context(|| format!("frame {}", frame.sequence)),
            None => Ok(observation),
        }
    }

    fn observation(&mut self, mut observation: Observation) {
        let media_at = observation.at;
        let played = &mut self.played;
        played.frames += 1;
        played.media_ms = media_at.since_ms(*self.first_at.get_or_insert(media_at));
        match observation.seen {
            Seen::Objects { .. } => played.detected += 1,
            Seen::Motion { .. } => played.motion_only += 1,
            Seen::Still => played.still += 1,
            Seen::Unknown => {}
        }
        observation.at = media_at.plus_ms(self.scene.file.starts_at.0);
        self.note_gap(observation.at);
        for event in self.analyser.conclude(&observation) {
            self.note(&event);
        }
    }

    fn note(&mut self, event: &RuleEvent) {
        let key = (event.rule_id.clone(), event.serial);
        match event.phase {
            Phase::Opened => {
                let rules = &self.scene.file.watched.rules;
                let Some(rule) = rules.iter().find(|rule| rule.id == event.rule_id) else { return };
                let incident = self.incident(rule, event.started_at, None, event.score);
                self.open.insert(key, self.played.incidents.len());
                self.played.incidents.push(incident);
            }
            Phase::Updated | Phase::Ended => {
                let Some(index) = self.open.get(&key) else { return };
                let ended_s = (event.phase == Phase::Ended).then(|| self.seconds(event.at));
                let incident = &mut self.played.incidents[*index];
                (incident.score, incident.ended_s) = (event.score, ended_s);
            }
        }
    }

    /// A stretch without frames is a lost camera, where a rule asks for that.
    fn note_gap(&mut self, at: UtcMs) {
        let Some(last) = self.last_at.replace(at) else { return };
        let scene = self.scene;
        for (rule, started_at) in self.lost.between(&scene.file.watched.rules, last, at) {
            let incident = self.incident(rule, started_at, Some(at), 0.0);
            self.played.incidents.push(incident);
        }
    }

    fn incident(
        &self,
        rule: &RuleConfig,
        started_at: UtcMs,
        ended_at: Option<UtcMs>,
        score: f32,
    ) -> SceneIncident {
        SceneIncident {
            rule: rule.id.clone(),
            kind: rule.incident_kind(),
            camera: self.scene.file.watched.camera.id.clone(),
            zone: rule.place.clone(),
            started_s: self.seconds(started_at),
            ended_s: ended_at.map(|at| self.seconds(at)),
            score,
        }
    }

    /// Media time.
    fn seconds(&self, at: UtcMs) -> f64 {
        at.since_ms(self.scene.file.starts_at) as f64 / 1_000.0
    }

    fn finish(mut self) -> Result<Played> {
        if self.played.frames == 0 {
            bail!("{} holds no picture", self.scene.media.display());
        }
        self.played.incidents.sort_by(|a, b| a.started_s.total_cmp(&b.started_s));
        Ok(self.played)
    }
}
