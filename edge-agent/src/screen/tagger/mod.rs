//! Tags of an utterance: what it is about, what the caller wants, how urgent it is, what alarm it raises.
//!
//! Two linear models over letters, sounds and classes of words ([`features`]) and a third over their answers
//! ([`decision`]), fitted by `edge-agent train-tagger` to the corpus in `models/tagger`, and part of the program: they
//! answer in well under a millisecond and need no file.

pub mod cli;
pub mod corpus;
pub mod correction;
pub mod decision;
pub mod features;
pub mod label;
mod measure;
pub mod model;
pub mod noise;
mod scope;
pub mod thesaurus;
pub mod train;

use std::ops::Range;

use correction::Overlay;
use decision::Decision;
use features::{View, features};
use model::{Head, Model};

use super::reading::Reading;

/// Both models, and what decides on their answers.
#[derive(Clone, Debug)]
pub struct Tagger {
    pub topic: Model,
    pub alarm: Model,
    pub decision: Decision,
    /// What operators have put right.
    pub overlay: Overlay,
}

/// Probabilities, in the order of the lists in [`label`]. Those of alarms do not add up to one; that of the first urgency
/// says whether there is any.
#[derive(Clone, Debug)]
pub struct Tags {
    pub category: Vec<f32>,
    pub matter: Vec<f32>,
    pub urgency: Vec<f32>,
    pub alarms: Vec<f32>,
}

impl Tagger {
    /// The one that is part of the program.
    pub fn built_in() -> Self {
        let model =
            |view, bytes: &'static [u8]| Model::of(view, bytes).expect("both files are tested to read");
        Self {
            topic: model(View::Topic, include_bytes!("../../../../models/tagger/topic.bin")),
            alarm: model(View::Alarm, include_bytes!("../../../../models/tagger/alarm.bin")),
            decision: Decision::of(include_str!("../../../../models/tagger/decision.txt"))
                .expect("the file is tested to read"),
            overlay: Overlay::default(),
        }
    }

    pub fn tags(&self, reading: &Reading) -> Tags {
        let mut tags = self.answers(reading);
        let emergency = self.decision.emergency(&tags);
        let rest = (1.0 - tags.urgency[0]).max(f32::MIN_POSITIVE);
        for other in &mut tags.urgency[1..] {
            *other *= (1.0 - emergency) / rest;
        }
        tags.urgency[0] = emergency;
        // Last: what operators put right changes what is offered, never which alarm is raised.
        if !self.overlay.is_empty() {
            let learnt = self.overlay.scores(&self.topic, &features(reading, View::Topic));
            tags.category = self.topic.probabilities(&learnt, Head::Category);
            tags.matter = self.topic.probabilities(&learnt, Head::Matter);
        }
        tags
    }

    /// What each model of the program says by itself.
    fn answers(&self, reading: &Reading) -> Tags {
        let topic = self.topic.scores(&features(reading, View::Topic));
        let alarm = self.alarm.scores(&features(reading, View::Alarm));
        Tags {
            category: self.topic.probabilities(&topic, Head::Category),
            matter: self.topic.probabilities(&topic, Head::Matter),
            urgency: self.alarm.probabilities(&alarm, Head::Urgency),
            alarms: self.alarm.probabilities(&alarm, Head::Alarm),
        }
    }

    /// The stretches of letters that speak most for an answer, strongest first.
    pub fn reasons(&self, reading: &Reading, head: Head, answer: usize) -> Vec<Range<usize>> {
        let model = match head.view() {
            View::Topic => &self.topic,
            View::Alarm => &self.alarm,
        };
        model.reasons(reading, head.columns().start + answer)
    }
}
