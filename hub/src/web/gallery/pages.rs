//! Every page with its sample data, in the states that look different.

use askama::Template;

use super::HOSTILE;
use super::sample::*;
use crate::web::text::Lang;
use crate::web::view::*;

pub(super) fn pages(lang: Lang, theme: Theme) -> Vec<(&'static str, String)> {
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
        shelved: vec![],
        filtered: false,
        latest,
        part: "",
        counts: Counts { waiting: 5, inhand: 1, ended: 0 },
        older_waiting: Some("/cases?state=waiting&before=1~2~3".into()),
        older_inhand: None,
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
    let live = |away| TranscriptView::Live {
        note: lang.transcript_ongoing(),
        away,
        alarms: crate::web::heard::alarm_words(lang),
        heard: r#"{"fire":["着火了"]}"#.into(),
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
                    bleeped: true,
                    length_ms: Some(134_000),
                },
                TranscriptView::Silent,
                true,
            )),
        ),
        ("call-purpose", Ok(call(RecordingView::NeedsPurpose, TranscriptView::Failed("oom".into()), false))),
        ("call-none", Ok(call(RecordingView::None, TranscriptView::Waiting, false))),
        ("call-live", Ok(call(RecordingView::None, live(false), false))),
        ("call-live-away", Ok(call(RecordingView::None, live(true), false))),
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
                calls: Some(call_tap()),
                missing: 2,
                quarantined: 3,
                clock_synced: false,
                self_test: SelfTestView {
                    class: "bad",
                    text: lang.pick("未通过：告警未到", "failed: the alarm never came").into(),
                    at: Some(at(7_200)),
                },
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
                rules_draft: String::new(),
            }
            .render(),
        ),
        (
            "commands",
            CommandsPage {
                shell: &commands,
                requests: vec![tried(lang), request(lang, "done"), request(lang, "waiting")],
                cut: true,
            }
            .render(),
        ),
        (
            "quarantine",
            QuarantinePage {
                shell: &quarantine,
                rows: vec![quarantined.clone()],
                device: "dongguan-01".into(),
                cut: false,
            }
            .render(),
        ),
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
            "contact",
            ContactPage {
                shell: &hotline,
                call_id: "0195a1c2-0000-7000-8000-000000000001".into(),
                case_number: "20260318-028".into(),
                purpose: lang.pick("回访投诉进展", "Calling back about the complaint"),
                told: ContactTold::Number { number: "13812346027".into(), until: at(0) },
            }
            .render(),
        ),
        (
            "contact-closed",
            ContactPage {
                shell: &hotline,
                call_id: "0195a1c2-0000-7000-8000-000000000001".into(),
                case_number: "20260318-028".into(),
                purpose: lang.pick("回访投诉进展", "Calling back about the complaint"),
                told: ContactTold::Nothing(lang.contact_foreign()),
            }
            .render(),
        ),
        (
            "status",
            StatusPage {
                shell: &none,
                number: String::new(),
                error: Some(lang.status_unknown()),
                told: None,
            }
            .render(),
        ),
        (
            "status-told",
            StatusPage { shell: &none, number: String::new(), error: None, told: Some(told(lang)) }.render(),
        ),
        ("order", order(lang).render()),
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
    .chain(super::camera::pages(lang, theme))
    .chain(super::admin::pages(lang, theme))
    .chain(super::evaluation::pages(lang, theme))
    .chain(super::map::pages(lang, theme))
    .chain(super::field::pages(lang, theme))
    .chain(super::me::pages(lang, theme))
    .chain(super::moves::pages(lang, theme))
    .chain(super::queue::pages(lang, theme))
    .chain(super::seat::pages(lang, theme))
    .chain(super::wall::pages(lang, theme))
    .map(|(name, html)| (name, html.unwrap_or_else(|error| panic!("{name}: {error}"))))
    .collect()
}

fn told(lang: Lang) -> StatusView {
    StatusView {
        number: "20260318-028".into(),
        goes_on_in: Some("20260318-021".into()),
        state: StateWord { class: "progress", word: lang.pick("处理中", "In progress") },
        steps: case_page(&shell(lang, Theme::Light, Nav::None)).steps,
        confidential: true,
        facts: vec![(lang.status_what(), lang.pick("噪声扰民", "Noise").into())],
    }
}

fn order(lang: Lang) -> OrderPage {
    OrderPage {
        lang,
        other: if lang.is_zh() { Lang::En } else { Lang::Zh },
        here: "/cases/20260318-029/order?".into(),
        number: "20260318-029".into(),
        title: HOSTILE.into(),
        confidential: true,
        drill: false,
        severity: lang.pick("重要", "Major"),
        category: lang.pick("市容市政 · 街面设施", "Streets and facilities · Street facilities").into(),
        text: "东关巷口井盖破损，行人绕行。".into(),
        place: "东关巷北口".into(),
        area: "东关社区 东关一网格".into(),
        source: lang.worker(),
        reported_at: at(7_200).full,
        filed_at: at(7_000).full,
        parts: vec![OrderPart {
            unit: lang.pick("住建", "Housing and construction").into(),
            part: lang.pick("主办", "Lead"),
            accept_by: at(-3_600).full,
            accept_limit: lang.pick("1小时", "1 hour").into(),
            accepted_at: Some(at(60).full),
            handle_by: at(-259_200).full,
            handle_limit: lang.pick("3个工作日", "3 working days").into(),
        }],
        basis: format!("{} 1 · {}", lang.order_policy(), lang.order_general()),
        note: String::new(),
        public_code: Some("7K3F-Q2VN".into()),
        qr_svg: "<svg viewBox=\"0 0 21 21\"><path d=\"M0 0h7v7H0z\"/></svg>".into(),
        address: "https://192.0.2.7:8443/cases/20260318-029".into(),
        printed_at: at(0).full,
        printed_by: "chen".into(),
        is_sheet: false,
    }
}
