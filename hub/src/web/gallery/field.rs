//! The page on telephones and the one for citizens, in the states that look different. Drafts and being offline are drawn by
//! `field.js`; what it fills stands in the page already, and is shown here as it looks then.

use askama::Template as _;

use super::HOSTILE;
use super::sample::{at, shell};
use crate::web::text::Lang;
use crate::web::view::*;

fn due(lang: Lang, left: &str, class: &'static str) -> DueView {
    DueView {
        word: lang.pick("核查", "Verify"),
        at: at(-4_800),
        side: if class == "over" { lang.wall_over() } else { lang.wall_left() },
        left: left.into(),
        class,
    }
}

fn moves(lang: Lang, is_check: bool, may: bool) -> Vec<FieldMove> {
    let one = |kind, name, why_not| FieldMove { kind, name, why_not };
    if is_check {
        return vec![one("check", lang.field_go_check(), None)];
    }
    let why = (!may).then(|| format!("{}{}", lang.only_roles(), lang.role_grid_manager()));
    vec![
        one("handle_here", lang.field_go_handle(), why.clone()),
        one("pass_up", lang.field_go_pass_up(), why),
    ]
}

fn task(lang: Lang, number: &str, is_check: bool, sev: &'static str, may: bool) -> FieldTask {
    let word = match sev {
        "p1" => lang.pick("紧急", "Emergency"),
        "p2" => lang.pick("重要", "Major"),
        _ => lang.pick("一般", "Normal"),
    };
    FieldTask {
        number: number.into(),
        title: lang.pick("路灯不亮", "Street lamp dark").into(),
        word: if is_check { lang.field_work_check() } else { lang.field_work_handle() },
        is_check,
        sev: Sev { class: sev, word },
        place: "东关巷北口".into(),
        area: "东关社区 第03网格".into(),
        at: Some(("34.5105".into(), "107.4012".into())),
        due: Some(due(lang, lang.pick("35 分 00 秒", "35 m 00 s"), "soon")),
        opened: at(7_200),
        result: if is_check {
            lang.pick("已换灯泡，两盏均亮。", "Both lamps replaced.").into()
        } else {
            String::new()
        },
        pictures: if is_check {
            vec![FieldPicture {
                url: "/api/v1/cases/20260318-029/evidence/ab".into(),
                word: lang.field_done_picture(),
            }]
        } else {
            vec![]
        },
        position: 7,
        moves: moves(lang, is_check, may),
        hand: Some(FieldHand {
            by: "wang".into(),
            to: "zhang".into(),
            at: at(1_200),
            is_taken: !is_check,
            is_own: is_check,
        }),
        colleagues: if may { vec!["li".into(), "wang".into()] } else { vec![] },
        talk: vec![TalkLine {
            at: at(600),
            by: "dispatch".into(),
            action: lang.pick("交流", "Message").into(),
            text: HOSTILE.into(),
        }],
        form_id: "0195a1c2-0000-7000-8000-0000000000c2".into(),
        problem: None,
    }
}

fn report(lang: Lang) -> FieldReport {
    FieldReport {
        form_id: "0195a1c2-0000-7000-8000-0000000000c1".into(),
        areas: vec![("g3".into(), "东关社区 第03网格".into(), false)],
        severities: vec![
            ("normal", lang.pick("一般", "Normal"), true),
            ("major", lang.pick("重要", "Major"), false),
        ],
        ..FieldReport::default()
    }
}

fn page(shell: &Shell) -> FieldPage<'_> {
    let lang = shell.lang;
    FieldPage {
        shell,
        name: "zhang".into(),
        role: lang.role_grid_manager(),
        map: None,
        area: "东关社区 第03网格".into(),
        handles: vec![
            task(lang, "20260318-031", false, "p3", true),
            task(lang, "20260318-032", false, "p3", false),
        ],
        checks: vec![task(lang, "20260318-029", true, "p1", true)],
        more: true,
        mine: vec![FieldMine {
            number: "20260317-011".into(),
            title: lang.pick("井盖松动", "Loose manhole cover").into(),
            state: StateWord { class: "progress", word: lang.pick("处理中", "In progress") },
            place: "东关巷南段".into(),
            opened: at(90_000),
            updated: at(3_600),
            due: Some(due(lang, lang.pick("1 天", "1 d"), "")),
        }],
        report: report(lang),
        done: None,
    }
}

/// Shows parts that a script shows.
fn shown(html: &str, ids: &[&str]) -> String {
    ids.iter().fold(html.to_owned(), |html, id| {
        let at = html.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("there is no {id}"));
        let (before, after) = html.split_at(at);
        format!("{before}{}", after.replacen(" hidden", "", 1))
    })
}

fn draft(lang: Lang, class: &str, tag: &str, why: &str) -> String {
    let title = lang.pick("井盖松动", "Loose manhole cover");
    format!(
        "<li class=\"field__card field__draft{class}\"><h3>{title} <span class=\"tag\">{tag}</span></h3>\
         <p class=\"field__sub\"><span class=\"num\">15:58</span><span>2 {}</span><span>{}</span></p>{why}\
         <p class=\"acts\"><button class=\"btn\" type=\"button\">{}</button><button class=\"btn btn--quiet\" type=\"button\">{}</button></p></li>",
        lang.field_pictures(),
        lang.field_located(),
        lang.field_edit(),
        lang.field_delete()
    )
}

fn with_drafts(html: &str, drafts: &str) -> String {
    shown(html, &["drafts"]).replace("id=\"draft-list\"></ul>", &format!("id=\"draft-list\">{drafts}</ul>"))
}

pub(super) fn pages(lang: Lang, theme: Theme) -> Vec<(&'static str, askama::Result<String>)> {
    let (own, none) = (shell(lang, theme, Nav::Field), shell(lang, theme, Nav::None));
    let whole = page(&own).render();
    let empty =
        FieldPage { handles: vec![], checks: vec![], mine: vec![], more: false, ..page(&own) }.render();
    let mut conflict = page(&own);
    conflict.checks[0].problem = Some(FieldProblem {
        kind: "check".into(),
        why: format!("{}{}", lang.field_not(), lang.field_gone_on()),
        changed: vec![lang.pick("14:20:11 · wang · 返工 · 灯又灭了", "14:20:11 · wang · Sent back").into()],
        text: lang.pick("两盏灯都亮", "Both lamps are lit").into(),
        agrees: "1".into(),
        pictures: vec!["0195a1c2".into()],
    });
    let refused = FieldReport {
        title: lang.pick("井盖松动", "Loose cover").into(),
        latitude: "34.5".into(),
        longitude: "107.4".into(),
        problem: Some(format!("{}{}{}", lang.field_not(), lang.move_fill_in(), lang.field_where())),
        no_handling: Some(format!("{}{}", lang.only_roles(), lang.role_grid_manager())),
        pictures: vec!["0195a1c2".into()],
        ..report(lang)
    };
    let drafts = |html: &str| {
        let why = format!(
            "<p class=\"why\">{}</p><p class=\"strong\">{}</p><ul><li>14:20:11 · wang</li></ul>",
            lang.field_gone_on(),
            lang.field_changed()
        );
        let all = [
            draft(lang, "", lang.field_waiting(), ""),
            draft(lang, " is-refused", lang.field_refused(), &why),
        ];
        with_drafts(html, &all.concat())
    };
    let offline = |html: &str| {
        shown(&drafts(html), &["offline"]).replace(
            "id=\"unsent-offline\">",
            &format!("id=\"unsent-offline\">2 {}", lang.field_draft_count()),
        )
    };
    let ask = |problems: Vec<String>, typed: AskTyped| AskPage {
        shell: &none,
        token: "c5f0",
        form_id: "0195a1c2-0000-7000-8000-0000000000c1".into(),
        matters: crate::ticket::taxonomy::MATTERS
            .iter()
            .map(|(id, zh, en)| (*id, lang.pick(zh, en), *id == "request"))
            .collect(),
        pictures: if problems.is_empty() { vec![] } else { vec!["0195a1c2".into()] },
        typed,
        problems,
    };
    let typed = AskTyped {
        text: lang.pick("路灯不亮", "A lamp is dark").into(),
        call_back: true,
        ..AskTyped::default()
    };
    vec![
        ("field-drafts", whole.as_deref().map(drafts).map_err(|_| askama::Error::Fmt)),
        ("field-offline", whole.as_deref().map(offline).map_err(|_| askama::Error::Fmt)),
        (
            "field-login",
            whole
                .as_deref()
                .map(|html| shown(&drafts(html), &["login-needed"]))
                .map_err(|_| askama::Error::Fmt),
        ),
        ("field", whole),
        ("field-empty", empty),
        ("field-conflict", conflict.render()),
        ("field-report-refused", FieldPage { report: refused, ..page(&own) }.render()),
        (
            "field-done",
            FieldPage { done: Some(format!("{} 20260318-033", lang.field_sent())), ..page(&own) }.render(),
        ),
        ("ask", ask(vec![], AskTyped::default()).render()),
        (
            "ask-refused",
            ask(vec![lang.ask_wrong_place().into(), lang.ask_wrong_call_back().into()], typed).render(),
        ),
        (
            "ask-receipt",
            ReceiptPage { shell: &none, number: "20260318-034".into(), code: "0110-7YZK".into(), at: at(0) }
                .render(),
        ),
    ]
}

/// What people type and what names places comes out as text, on both pages.
#[test]
fn hostile_words_are_escaped() {
    let (own, none) = (shell(Lang::Zh, Theme::Light, Nav::Field), shell(Lang::Zh, Theme::Light, Nav::None));
    let mut hostile = page(&own);
    hostile.area = HOSTILE.into();
    hostile.done = Some(HOSTILE.into());
    hostile.checks[0].title = HOSTILE.into();
    hostile.checks[0].place = HOSTILE.into();
    hostile.checks[0].result = HOSTILE.into();
    hostile.report.text = format!("</textarea>{HOSTILE}");
    hostile.report.problem = Some(HOSTILE.into());
    let typed =
        AskTyped { text: format!("</textarea>{HOSTILE}"), name: HOSTILE.into(), ..AskTyped::default() };
    let ask = AskPage {
        shell: &none,
        token: HOSTILE,
        form_id: HOSTILE.into(),
        matters: vec![],
        typed,
        pictures: vec![HOSTILE.into()],
        problems: vec![HOSTILE.into()],
    };
    for html in [hostile.render().unwrap(), ask.render().unwrap()] {
        assert!(!html.contains("<script>alert") && !html.contains("<img src=x"), "unescaped");
        assert!(html.contains("&#60;script&#62;alert"), "the words are shown");
    }
}
