//! The page of a camera: with a draft and a trial, before anything is known, and for whoever may only look.

use askama::Template as _;

use super::HOSTILE;
use super::sample::{at, shell};
use crate::web::text::Lang;
use crate::web::view::*;

fn shape(kind: &'static str, nth: &str, id: &str, points: &str, lang: Lang) -> ShapeView {
    ShapeView {
        kind,
        at: nth.into(),
        was: if points.is_empty() { String::new() } else { nth.into() },
        id: id.into(),
        points: points.into(),
        drawn: "320.0,450.0 1280.0,450.0 1440.0,900.0".into(),
        share: if kind == "line" { String::new() } else { "11 %".into() },
        word: match kind {
            "zone" => lang.cam_zone(),
            "line" => lang.cam_line(),
            _ => lang.cam_mask(),
        },
        wrong: vec![],
    }
}

fn choice(value: &str, word: &str, chosen: bool) -> ChoiceView {
    ChoiceView { value: value.into(), word: word.into(), chosen }
}

fn rule(nth: &str, id: &str, sev: Sev, lang: Lang) -> RuleView {
    RuleView {
        at: nth.into(),
        was: nth.into(),
        is_new: false,
        id: id.into(),
        title: lang.pick("消防通道占用", "Fire lane").into(),
        kinds: vec![KindView {
            value: "blocked_lane",
            word: lang.pick("占用消防通道", "Blocked fire lane"),
            chosen: true,
            looks: "zone",
            dwell: "60".into(),
            severity: sev.word,
            labels: "car, bus, truck".into(),
            counts: false,
        }],
        sev: Some(sev),
        says: lang.pick("占用消防通道 · 区域 lane · 60 s", "Blocked fire lane · Zone lane · 60 s").into(),
        precision: format!(
            "{} 12 {} 3 · {} 75 % (41–93 %)",
            lang.cam_precision_days(),
            lang.cam_precision_cases(),
            lang.cam_precision_right()
        ),
        precision_why: lang.cam_precision_why(),
        enabled: true,
        zone: "lane".into(),
        directions: vec![choice("", lang.cam_usual(), true)],
        severities: vec![choice("", lang.cam_usual(), true)],
        holidays: vec![choice("", lang.cam_usual(), true)],
        usual_dwell: "60".into(),
        usual_labels: "car, bus, truck".into(),
        ..RuleView::default()
    }
}

fn line(rule: &str, class: &'static str, x: i64, lang: Lang) -> TriedLine {
    TriedLine {
        rule: rule.into(),
        word: lang.pick("占用消防通道", "Blocked fire lane").into(),
        started: at(3_600 - x),
        long: lang.pick("2 分 16 秒", "2 m 16 s").into(),
        score: "91 %".into(),
        x,
        width: 136,
        class,
        stored: (x < 2_000).then(|| StoredView { number: "20260318-014".into(), may: true }),
    }
}

fn done(lines: Vec<TriedLine>) -> HourView {
    let count = lines.len() as u64;
    HourView::Done { from: at(3_600), to: at(0), width: 3_600, lines, left_out: 0, count }
}

fn page<'a>(shell: &'a Shell, lang: Lang, name: &str) -> CameraPage<'a> {
    let major = || Sev { class: "p2", word: lang.pick("重要", "Major") };
    CameraPage {
        shell,
        device_id: "west-b2".into(),
        device_title: lang.pick("西街 B2", "West B2").into(),
        id: "gate-01".into(),
        name: name.into(),
        health: Some(CameraView {
            id: "gate-01".into(),
            name: name.into(),
            word: lang.running(),
            class: "ok",
            since: at(90_000),
            fps: "5.0".into(),
            dropped: 3,
            reason: String::new(),
        }),
        latitude: "34.511200".into(),
        longitude: "107.387100".into(),
        may_still: true,
        still_roles: String::new(),
        may_configure: true,
        configure_roles: lang.role_administrator().into(),
        still: StillView {
            here: Some(("/api/v1/evidence/00".into(), at(240), true)),
            waits: true,
            failed: None,
        },
        base: Some(BaseView {
            version: "v12".into(),
            is_installer: false,
            at: at(86_400),
            by: "installer1".into(),
            shown: true,
        }),
        version: "v12".into(),
        read: ReadView::None,
        based_on: 12,
        refused: None,
        changes: 3,
        saved_draft: Some(at(20)),
        shapes: vec![
            shape("zone", "0", "lane", "0.2,0.5 0.8,0.5 0.9,1", lang),
            shape("line", "0", "enter", "0.15,0.83 0.33,0.46", lang),
            shape("mask", "0", "", "0,0.1 0.3,0 0.3,0.4", lang),
        ],
        blank_shapes: vec![
            shape("zone", "1", "", "", lang),
            shape("line", "1", "", "", lang),
            shape("mask", "1", "", "", lang),
        ],
        rules: vec![rule("0", "fire-lane", major(), lang), rule("1", "night", major(), lang)],
        blank_rule: RuleView { is_new: true, ..rule("2", "", major(), lang) },
        zone_ids: vec!["lane".into()],
        line_ids: vec!["enter".into()],
        known_labels: "person, car".into(),
        sees_cases: true,
        trial: TrialPanel {
            now: done((0..7).map(|n| line("fire-lane", "p2", n * 500, lang)).collect()),
            then: Some(done(vec![line("fire-lane", "p2", 2_100, lang)])),
            load: Some(LoadOfRules {
                per_operator: "0.2".into(),
                people: "1.0".into(),
                word: lang.cam_load_good(),
                class: "good",
            }),
            raised: Some(vec![RaisedView {
                number: "20260318-029".into(),
                rule: "fire-lane".into(),
                at: at(1_500),
                state: lang.pick("待受理", "Received").into(),
            }]),
        },
        saved: SavedView::Waits(at(3)),
        walk: Some(WalkView {
            until: at(-60),
            goes_on: true,
            to: Some(at(5)),
            failed: None,
            seen: vec![WalkSeen {
                after: lang.pick("12 秒", "12 s").into(),
                line: line("night", "p2", 12, lang),
            }],
        }),
        walks_draft: true,
        purpose: String::new(),
        reason: String::new(),
    }
}

pub(super) fn pages(lang: Lang, theme: Theme) -> Vec<(&'static str, askama::Result<String>)> {
    let shell = shell(lang, theme, Nav::Devices);
    let name = lang.pick("西街小区南门 01", "West gate 01");
    let mut refused = page(&shell, lang, name);
    refused.refused = Some(RefusedCamera {
        why: lang.cam_conflict().into(),
        lines: vec![format!("{} lane: {}", lang.cam_zone(), lang.cam_changed())],
        may_rebase: true,
    });
    refused.shapes[0].wrong = vec![lang.cam_check_cross().into()];
    refused.trial.then = Some(HourView::Failed("no rule in force looks for flames".into()));
    refused.trial.load = Some(LoadOfRules {
        per_operator: "3.4".into(),
        people: String::new(),
        word: lang.cam_load_over(),
        class: "over",
    });
    refused.saved = SavedView::Failed(at(8), "undone, version 12 is in force again".into());
    let mut unknown = page(&shell, lang, name);
    (unknown.base, unknown.health, unknown.saved_draft, unknown.walk) = (None, None, None, None);
    (unknown.shapes, unknown.rules, unknown.changes) = (vec![], vec![], 0);
    unknown.still = StillView { here: None, waits: false, failed: Some("camera gate-01: no picture".into()) };
    unknown.read = ReadView::Silent;
    unknown.trial = TrialPanel { now: HourView::None, then: None, load: None, raised: None };
    unknown.saved = SavedView::None;
    let mut looking = page(&shell, lang, name);
    (looking.may_configure, looking.may_still, looking.sees_cases) = (false, false, false);
    looking.still_roles = lang.role_operator().into();
    looking.read = ReadView::Failed("the configuration in force is too large".into());
    looking.trial = TrialPanel { now: HourView::Old, then: Some(HourView::Waits), load: None, raised: None };
    vec![
        ("camera", page(&shell, lang, name).render()),
        ("camera-refused", refused.render()),
        ("camera-unknown", unknown.render()),
        ("camera-looking", looking.render()),
    ]
}

/// What an installer writes as a name, an id or a point stays text, in fields and in the drawing.
#[test]
fn hostile_cameras_are_escaped() {
    let shell = shell(Lang::Zh, Theme::Light, Nav::Devices);
    let mut page = page(&shell, Lang::Zh, HOSTILE);
    page.shapes[0].id = HOSTILE.into();
    page.shapes[0].points = HOSTILE.into();
    page.rules[0].title = HOSTILE.into();
    page.rules[0].zone = HOSTILE.into();
    page.zone_ids = vec![HOSTILE.into()];
    page.saved = SavedView::Failed(at(1), HOSTILE.into());
    page.purpose = HOSTILE.into();
    let html = page.render().unwrap();
    assert!(!html.contains("<script>alert") && !html.contains("<img src=x"), "unescaped");
    assert!(html.contains("&#60;script&#62;alert"), "the words are shown");
}
