//! Every page rendered with sample data, in both languages and themes. `SHAODIAN_GALLERY=DIR` also writes the
//! files there, to be looked at in a browser.

use askama::Template;
use jiff::tz::TimeZone;
use protocol::UtcMs;

use super::moment::{LocalTime, Moment};
use super::text::Lang;
use super::view::*;
use crate::user::role::Role;

/// What a hostile installer or caller may write; it must never reach a page unescaped.
const HOSTILE: &str = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>";
/// 2026-03-18 14:32:08 +08:00
const NOW: i64 = 1_773_815_528_000;

fn at(ago_s: i64) -> Moment {
    LocalTime { zone: TimeZone::fixed(jiff::tz::offset(8)), now: UtcMs(NOW) }
        .moment(UtcMs(NOW - ago_s * 1_000))
}

fn shell(lang: Lang, theme: Theme, nav: Nav) -> Shell {
    Shell {
        lang,
        theme,
        nav,
        who: (nav != Nav::None).then(|| Who { name: "值班长".into(), role: Role::Commander }),
        csrf: "c5f0".into(),
        now: at(0),
        here: "/cases?".into(),
        find: String::new(),
        position: 17,
    }
}

fn row(lang: Lang, number: &str, title: &str, sev: (&'static str, &'static str), waits: bool) -> CaseRow {
    CaseRow {
        number: number.into(),
        title: title.into(),
        kind: lang.pick("区域入侵", "Intrusion"),
        sev: Sev { class: sev.0, word: sev.1 },
        state: StateWord { class: "received", word: lang.pick("待受理", "Received") },
        place: "东关社区 东关巷北口".into(),
        camera: Some("东关巷北口 02".into()),
        is_call: false,
        call_id: None,
        opened: at(48),
        age: super::moment::age_text(48_000, lang.is_zh()),
        incident_count: 3,
        motion_only: false,
        drill: false,
        thumb: Thumb::Waiting,
        acknowledged_by: (!waits).then(|| "坐席03".into()),
        acknowledged_at: (!waits).then(|| at(20)),
        waits,
        open: true,
        may_acknowledge: true,
        pulses: waits && sev.0 == "p1",
    }
}

fn call_row(lang: Lang) -> CaseRow {
    CaseRow {
        camera: None,
        is_call: true,
        call_id: Some("0195a1c2-0000-7000-8000-000000000001".into()),
        thumb: Thumb::Call,
        kind: lang.pick("热线来电", "Hotline call"),
        incident_count: 1,
        place: String::new(),
        ..row(
            lang,
            "20260318-028",
            lang.pick("热线来电 · 138****6027", "Hotline call · 138****6027"),
            ("p3", lang.pick("一般", "Normal")),
            true,
        )
    }
}

fn evidence(lang: Lang, kind: &'static str, state: EvidenceState) -> EvidenceView {
    EvidenceView {
        kind,
        word: if kind == "clip" { lang.clip() } else { lang.snapshot() },
        url: "/api/v1/evidence/7be1".into(),
        sha256: "7be1".repeat(16),
        sha_short: "7be1…7be1".into(),
        media_type: "video/mp4".into(),
        size: "3.7 MB".into(),
        length: (kind == "clip").then(|| "00:30".into()),
        starts: at(54),
        masked: true,
        state,
    }
}

fn steps(lang: Lang) -> Vec<StepView> {
    let names = [
        lang.step_1(),
        lang.step_2(),
        lang.step_3(),
        lang.step_4(),
        lang.step_5(),
        lang.step_6(),
        lang.step_7(),
        lang.step_8(),
    ];
    let step = |(i, name): (usize, &'static str)| StepView {
        number: i + 1,
        name,
        class: ["done", "now", "todo"][i.min(2)],
        lines: if i == 0 { vec!["14:31:20".into(), lang.camera().into()] } else { vec![] },
    };
    names.into_iter().enumerate().map(step).collect()
}

fn request(lang: Lang, state: &'static str) -> CommandView {
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
    }
}

fn ticket_form(lang: Lang, wrong: Vec<&'static str>) -> TicketForm {
    let choice = |id: &str, zh: &'static str, en: &'static str, key: usize, on| Choice {
        id: id.into(),
        word: lang.pick(zh, en).into(),
        key: Some(key.to_string()),
        on,
        sev: None,
    };
    TicketForm {
        matters: vec![
            choice("enquiry", "咨询", "Enquiry", 1, false),
            choice("complaint", "投诉", "Complaint", 2, false),
            choice("request", "求助", "Request", 3, true),
            choice("suggestion", "建议", "Suggestion", 4, false),
            choice("report", "举报", "Report", 5, false),
            choice("praise", "表扬", "Praise", 6, false),
        ],
        categories: vec![Choice {
            id: "noise".into(),
            word: "噪声扰民 · 环保".into(),
            key: None,
            on: true,
            sev: None,
        }],
        urgencies: vec![
            Choice { sev: Some("p1"), ..choice("emergency", "紧急", "Emergency", 7, false) },
            Choice { sev: Some("p2"), ..choice("urgent", "加急", "Urgent", 8, false) },
            Choice { sev: Some("p3"), ..choice("normal", "一般", "Normal", 9, true) },
        ],
        place: "东关巷北口".into(),
        summary: "市民反映夜间施工噪声大，影响休息，要求尽快处置。".into(),
        wrong,
        may: true,
        roles: String::new(),
    }
}

fn ticket(lang: Lang) -> TicketView {
    TicketView {
        matter: lang.pick("求助", "Request").into(),
        category: "噪声扰民".into(),
        unit: "环保".into(),
        urgency: Sev { class: "p3", word: lang.pick("一般", "Normal") },
        place: "东关巷北口".into(),
        summary: "市民反映夜间施工噪声大，影响休息，要求尽快处置。".into(),
        filed_by: "坐席03".into(),
        filed_at: at(5),
    }
}

fn device_row(lang: Lang) -> DeviceRow {
    DeviceRow {
        id: "dongguan-01".into(),
        state: "online",
        state_word: lang.online(),
        last_seen: Some(at(2)),
        cameras_running: 3,
        cameras: 4,
        motion_only: true,
        outbox: 2,
        rejected: 1,
        skew: Some("+12.4 s".into()),
        skew_bad: true,
        speech: false,
        version: "0.1.0".into(),
    }
}

fn call_page(
    shell: &Shell,
    recording: RecordingView,
    transcript: TranscriptView,
    filed: bool,
) -> CallPage<'_> {
    let lang = shell.lang;
    CallPage {
        shell,
        row: call_row(lang),
        call_id: "0195a1c2-0000-7000-8000-000000000001".into(),
        caller: "138****6027".into(),
        seat: "03".into(),
        direction: lang.inbound(),
        legs: lang.both_legs(),
        length: "02:14".into(),
        speech: "01:31".into(),
        started: at(140),
        device_id: "hotline-01".into(),
        transcript,
        recording,
        may_listen: true,
        listen_roles: String::new(),
        ticket: filed.then(|| ticket(lang)),
        form: (!filed).then(|| ticket_form(lang, vec![])),
        error: None,
    }
}

fn case_page(shell: &Shell) -> CasePage<'_> {
    let lang = shell.lang;
    CasePage {
        shell,
        row: row(
            lang,
            "20260318-029",
            lang.pick("区域入侵 · 东关巷北口", "Intrusion · 东关巷北口"),
            ("p1", lang.pick("紧急", "Emergency")),
            true,
        ),
        steps: steps(lang),
        clips: vec![evidence(lang, "clip", EvidenceState::Waiting)],
        pictures: vec![evidence(lang, "snapshot", EvidenceState::Here)],
        recordings: 0,
        history: vec![
            HistoryView {
                at: at(20),
                action: lang.pick("并入", "Joined").into(),
                by: "dongguan-01".into(),
                detail: lang.pick("区域入侵", "Intrusion").into(),
                hash_short: "9f3c".into(),
            },
            HistoryView {
                at: at(48),
                action: lang.pick("受理", "Opened").into(),
                by: "dongguan-01".into(),
                detail: String::new(),
                hash_short: "41d8".into(),
            },
        ],
        history_whole: true,
        incidents: vec![IncidentView {
            id: "0195".into(),
            kind: lang.pick("区域入侵", "Intrusion"),
            started: at(50),
            ended: None,
            revision: 2,
            facts: vec![
                (lang.rule(), "夜间禁入".into()),
                (lang.object(), format!("{} × 2", lang.pick("人", "Person"))),
                (lang.score(), "0.86".into()),
                (lang.method(), "yolox-nano 416".into()),
            ],
            motion_only: false,
        }],
        still: Some(StillTarget {
            device_id: "dongguan-01".into(),
            camera_id: "north-02".into(),
            camera_name: "东关巷北口 02".into(),
            may: true,
            roles: String::new(),
        }),
        requests: vec![request(lang, "done")],
        device_id: "dongguan-01".into(),
        ticket: None,
        may_file: true,
        file_roles: String::new(),
        acknowledge_roles: String::new(),
        error: None,
    }
}

fn said(lang: Lang) -> TranscriptView {
    let line = |caller: bool, at: &str, text: &str| SaidView {
        who: if caller { lang.caller() } else { lang.seat() },
        caller,
        at: at.into(),
        text: text.into(),
    };
    TranscriptView::Done {
        said: vec![
            line(false, "00:02", "您好，这里是示例县热线，请讲。"),
            line(true, "00:05", "你好，我在东关巷北头，夜里工地一直在响，孩子睡不着。"),
            line(false, "00:14", "大概从几点开始的？"),
            line(true, "00:18", "十点多，已经连着三天了。"),
        ],
        model: "sherpa-onnx-paraformer-zh-int8-2025-10-07".into(),
        left_out: 12,
    }
}

fn pages(lang: Lang, theme: Theme) -> Vec<(&'static str, String)> {
    let s = |nav| shell(lang, theme, nav);
    let (cases, hotline, devices) = (s(Nav::Cases), s(Nav::Hotline), s(Nav::Devices));
    let (commands, quarantine, none) = (s(Nav::Commands), s(Nav::Quarantine), s(Nav::None));
    let filter = |word, on| FilterChoice { word, url: "/cases".into(), on };
    let list = |waiting, inhand, latest| CasesPage {
        shell: &cases,
        waiting,
        inhand,
        ended: vec![],
        states: vec![filter(lang.open_only(), true), filter(lang.all(), false)],
        kinds: vec![filter(lang.all(), true), filter(lang.camera(), false), filter(lang.call(), false)],
        filtered: false,
        latest,
        older: None,
    };
    let waiting = vec![
        row(
            lang,
            "20260318-029",
            lang.pick("明火 · 东关巷北口", "Fire · 东关巷北口"),
            ("p1", lang.pick("紧急", "Emergency")),
            true,
        ),
        CaseRow {
            motion_only: true,
            thumb: Thumb::None,
            ..row(
                lang,
                "20260318-027",
                lang.pick("区域入侵 · 水厂西墙", "Intrusion · 水厂西墙"),
                ("p2", lang.pick("重要", "Major")),
                true,
            )
        },
        call_row(lang),
    ];
    let inhand = vec![row(
        lang,
        "20260318-021",
        lang.pick("徘徊 · 学校东门", "Loitering · 学校东门"),
        ("p3", lang.pick("一般", "Normal")),
        false,
    )];
    let quarantined = QuarantineView {
        id: "0195a1c2".into(),
        device_id: "dongguan-01".into(),
        topic: "v1/demo/dongguan-01/event/0195".into(),
        reason: "not a Shaodian event: missing field `data` at line 1 column 20".into(),
        received: at(400),
        size: "312 B".into(),
    };
    let call = |recording, transcript, filed| {
        call_page(&hotline, recording, transcript, filed).render().expect("call page")
    };
    vec![
        ("login", LoginPage { shell: &none, name: String::new(), next: String::new(), error: None }.render()),
        (
            "login-wrong",
            LoginPage {
                shell: &none,
                name: "admin".into(),
                next: String::new(),
                error: Some(lang.login_wrong()),
            }
            .render(),
        ),
        ("cases", list(waiting, inhand, None).render()),
        ("cases-empty", list(vec![], vec![], Some(at(1_400))).render()),
        ("cases-none", list(vec![], vec![], None).render()),
        ("case", case_page(&cases).render()),
        ("call", Ok(call(RecordingView::OnSite { last_failure: None }, said(lang), false))),
        (
            "call-asked",
            Ok(call(
                RecordingView::Asked { by: "坐席03".into(), purpose: "核对地址".into(), at: at(9) },
                TranscriptView::Waiting,
                false,
            )),
        ),
        (
            "call-filed",
            Ok(call(
                RecordingView::Plays {
                    url: "/x.wav".into(),
                    purpose: "核对地址".into(),
                    media_type: "audio/wav".into(),
                },
                TranscriptView::Silent,
                true,
            )),
        ),
        ("call-purpose", Ok(call(RecordingView::NeedsPurpose, TranscriptView::Failed("oom".into()), false))),
        ("call-none", Ok(call(RecordingView::None, TranscriptView::Waiting, false))),
        (
            "devices",
            DevicesPage {
                shell: &devices,
                devices: vec![device_row(lang)],
                added: Some(AddedDevice {
                    name: "dongguan-02".into(),
                    code: "k3f9-q2vn.0a1b2c3d4e5f60718293".into(),
                    command_line:
                        "edge-agent enrol --hub https://192.0.2.7:8443 --code k3f9q2vn.0a1b2c3d4e5f".into(),
                    qr_svg: "<svg viewBox=\"0 0 21 21\"><path d=\"M0 0h7v7H0z\"/></svg>".into(),
                }),
                may_add: true,
                add_roles: String::new(),
                error: None,
                name: String::new(),
            }
            .render(),
        ),
        (
            "device",
            DevicePage {
                shell: &devices,
                row: device_row(lang),
                detector: lang.detector_motion().into(),
                detector_reason: "yolox_nano.onnx not found".into(),
                speech_model: lang.speech_none().into(),
                outbox_oldest: "12 s".into(),
                uploads: 3,
                disk: "38.2 GB".into(),
                uptime: "3 d 4 h".into(),
                active_calls: 1,
                clock_synced: false,
                configuration_version: lang.installer_file().into(),
                has_status: true,
                cameras: vec![
                    CameraView {
                        id: "north-02".into(),
                        name: "东关巷北口 02".into(),
                        word: lang.running(),
                        class: "ok",
                        since: at(9_000),
                        fps: "5.0".into(),
                        dropped: 12,
                        reason: String::new(),
                    },
                    CameraView {
                        id: "west-01".into(),
                        name: "水厂西墙 01".into(),
                        word: lang.lost(),
                        class: "bad",
                        since: at(300),
                        fps: "0.0".into(),
                        dropped: 0,
                        reason: "connection refused".into(),
                    },
                ],
                requests: vec![request(lang, "waiting")],
                may_still: true,
                still_roles: String::new(),
                may_configure: false,
                configure_roles: lang.role_administrator().into(),
                error: None,
                draft: String::new(),
            }
            .render(),
        ),
        (
            "commands",
            CommandsPage {
                shell: &commands,
                requests: vec![request(lang, "done"), request(lang, "waiting")],
            }
            .render(),
        ),
        ("quarantine", QuarantinePage { shell: &quarantine, rows: vec![quarantined.clone()] }.render()),
        (
            "quarantine-item",
            QuarantineItemPage {
                shell: &quarantine,
                row: quarantined,
                text: "{\"specversion\":\"1.0\"}".into(),
                hex: vec!["00000000  7b 22 73 70 65 63                                 {\"spec".into()],
                cut: false,
            }
            .render(),
        ),
        (
            "error",
            ErrorPage {
                shell: &cases,
                status: 404,
                title: lang.error_404(),
                why: lang.error_404_why(),
                detail: String::new(),
            }
            .render(),
        ),
    ]
    .into_iter()
    .map(|(name, html)| (name, html.unwrap_or_else(|error| panic!("{name}: {error}"))))
    .collect()
}

/// Each page renders whole in each language and theme, without inline script or style, which the
/// content-security policy would refuse.
#[test]
fn every_page_renders() {
    let out = std::env::var_os("SHAODIAN_GALLERY").map(std::path::PathBuf::from);
    for (lang, theme) in [(Lang::Zh, Theme::Light), (Lang::En, Theme::Dark)] {
        for (name, html) in pages(lang, theme) {
            assert!(html.contains(&format!("lang=\"{}\"", lang.tag())), "{name}");
            assert!(html.trim_end().ends_with("</html>"), "{name}");
            assert!(!html.contains("style=\""), "{name} has an inline style");
            assert!(!html.contains("<script>") && !html.contains("onclick"), "{name} has inline script");
            if let Some(folder) = &out {
                let html = html.replace("/assets/", "");
                std::fs::write(folder.join(format!("{name}-{}.html", lang.code())), html).unwrap();
            }
        }
    }
}

/// Chinese pages hold no English sentence of the catalogue, and the other way round.
#[test]
fn languages_do_not_mix() {
    for (name, html) in pages(Lang::En, Theme::Light) {
        assert!(!html.contains("未确认") && !html.contains("登录"), "{name} mixes in Chinese");
    }
    for (name, html) in pages(Lang::Zh, Theme::Light) {
        assert!(!html.contains("Unacknowledged") && !html.contains("Log out"), "{name} mixes in English");
    }
}

/// Hostile names of places, cameras, callers and files come out as text.
#[test]
fn hostile_words_are_escaped() {
    let shell =
        Shell { find: HOSTILE.into(), csrf: HOSTILE.into(), ..shell(Lang::Zh, Theme::Light, Nav::Cases) };
    let mut page = case_page(&shell);
    page.row.title = HOSTILE.into();
    page.row.place = HOSTILE.into();
    page.row.camera = Some(HOSTILE.into());
    page.history[0].detail = HOSTILE.into();
    page.incidents[0].facts[0].1 = HOSTILE.into();
    page.pictures[0].url = HOSTILE.into();
    page.error = Some(HOSTILE.into());
    let case = page.render().unwrap();
    let said = TranscriptView::Done {
        said: vec![SaidView { who: "市民", caller: true, at: "00:01".into(), text: HOSTILE.into() }],
        model: HOSTILE.into(),
        left_out: 0,
    };
    let mut page =
        call_page(&shell, RecordingView::OnSite { last_failure: Some(HOSTILE.into()) }, said, false);
    page.caller = HOSTILE.into();
    if let Some(form) = &mut page.form {
        form.place = HOSTILE.into();
        form.summary = format!("</textarea>{HOSTILE}");
    }
    let call = page.render().unwrap();
    for html in [case, call] {
        assert!(!html.contains("<script>alert") && !html.contains("<img src=x"), "unescaped");
        assert!(
            !html.contains("</textarea>&#60;script") || html.contains("&#60;/textarea"),
            "textarea broken out of"
        );
        assert!(html.contains("&#60;script&#62;alert"), "the words are shown");
    }
}
