//! The page of one's own account, in the states that look different.

use askama::Template as _;

use super::sample::{at, shell};
use crate::web::text::Lang;
use crate::web::view::*;

pub(super) fn pages(lang: Lang, theme: Theme) -> Vec<(&'static str, askama::Result<String>)> {
    let mut shell = shell(lang, theme, Nav::Cases);
    shell.nav = Nav::None;
    let page = |browsers: Vec<BrowserView>, push_set_up: bool, outcome: MeOutcome| MePage {
        shell: &shell,
        name: "chen".into(),
        grants: vec![
            GrantView { role: lang.role_commander(), area: lang.me_everywhere().into(), unit: String::new() },
            GrantView {
                role: lang.role_department_head(),
                area: lang.pick("青梧县", "Qingwu county").into(),
                unit: lang.pick("公安", "Police").into(),
            },
        ],
        sessions: vec![
            SessionView {
                id: "0123456789abcdef".into(),
                since: at(7_200),
                seen: at(0),
                address: "192.0.2.7".into(),
                is_this: true,
            },
            SessionView {
                id: "fedcba9876543210".into(),
                since: at(90_000),
                seen: at(3_600),
                address: String::new(),
                is_this: false,
            },
        ],
        browsers,
        push_key: "BCVxsr7N".into(),
        push_set_up,
        least_chars: 10,
        outcome,
    };
    let browsers = vec![
        BrowserView {
            id: "0123456789abcdef01234567".into(),
            label: "Chrome · Android".into(),
            service: "fcm.googleapis.com".into(),
            since: at(86_400),
            last: Some(at(600)),
            failures: 0,
        },
        BrowserView {
            id: "76543210fedcba9876543210".into(),
            label: "Firefox · Windows".into(),
            service: "updates.push.services.mozilla.com".into(),
            since: at(172_800),
            last: None,
            failures: 3,
        },
    ];
    vec![
        ("me", page(browsers, true, MeOutcome::None).render()),
        ("me-done", page(vec![], true, MeOutcome::Done(lang.me_password_done())).render()),
        (
            "me-failed",
            page(vec![], false, MeOutcome::Failed(lang.me_push_failed(), "503 busy".into())).render(),
        ),
    ]
}
