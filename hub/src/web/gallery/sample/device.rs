//! Boxes, and what is asked of them.

use protocol::IncidentKind;

use super::at;
use crate::web::text::Lang;
use crate::web::view::*;

pub(in crate::web::gallery) fn device_row(lang: Lang) -> DeviceRow {
    DeviceRow {
        id: "dongguan-01".into(),
        title: "东关社区 一号盒".into(),
        state: "online",
        state_word: lang.online(),
        last_seen: Some(at(2)),
        cameras_running: 3,
        cameras: 4,
        motion_only: true,
        models: vec![
            ModelView {
                wanted: "yolox-nano".into(),
                task: lang.model_detector(),
                at_work: Some("stand-in 1".into()),
                stand_in: true,
                rate: "9.8".into(),
                reason: Some("stands in for yolox-nano, which is not installed".into()),
            },
            ModelView {
                wanted: "movenet-lightning".into(),
                task: lang.model_pose(),
                at_work: None,
                stand_in: false,
                rate: "0.0".into(),
                reason: Some("SHA-256 should be 0c…, is 1f…".into()),
            },
        ],
        outbox: 2,
        rejected: 1,
        skew: Some("+12.4 s".into()),
        skew_bad: true,
        unsynced: true,
        speech: false,
        troubles: 1,
        version: "0.1.0".into(),
    }
}

pub(in crate::web::gallery) fn call_tap() -> CallTapView {
    CallTapView {
        voice_detector: "silero".into(),
        transcripts_waiting: 4,
        filed: 31,
        refused: 1,
        announcements_dropped: 0,
        troubles: vec!["AudioSocket 0.0.0.0:9092: address already in use; trying again".into()],
    }
}

pub(in crate::web::gallery) fn request(lang: Lang, state: &'static str) -> CommandView {
    CommandView {
        id: "0195a1c2".into(),
        device_id: "dongguan-01".into(),
        what: lang.command_still(),
        subject: "东关巷北口 02".into(),
        subject_url: None,
        purpose: "核实现场是否还有明火".into(),
        by: "值班长".into(),
        at: at(30),
        state,
        state_word: if state == "done" { lang.answer_done() } else { lang.answer_waiting() },
        answer: String::new(),
        answered: None,
        pictures: vec![],
        trial: None,
    }
}

pub(in crate::web::gallery) fn tried(lang: Lang) -> CommandView {
    let incident = |seconds, kind: IncidentKind, ended| TriedView {
        rule: "fire-lane".into(),
        kind: lang.pick(kind.zh(), kind.en()),
        started: at(seconds),
        ended,
        score: "87 %".into(),
    };
    let trial = TrialView {
        from: at(3_600),
        to: at(0),
        frames: 17_982,
        incidents: vec![
            incident(2_000, IncidentKind::BlockedLane, Some(at(1_400))),
            incident(90, IncidentKind::Intrusion, None),
        ],
        left_out: 3,
    };
    CommandView { what: lang.command_replay(), trial: Some(trial), ..request(lang, "done") }
}
