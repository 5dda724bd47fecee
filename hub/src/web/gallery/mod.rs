//! Every page rendered with sample data, in both languages and themes. `SHAODIAN_GALLERY=DIR` also writes the
//! files there, to be looked at in a browser.

mod admin;
mod camera;
mod evaluation;
mod field;
mod map;
mod me;
mod moves;
mod pages;
mod queue;
mod sample;
mod seat;
mod trend;
mod wall;

use askama::Template;

use super::text::Lang;
use super::view::*;
use pages::pages;
use sample::{call_page, case_page, shell};

/// What a hostile installer or caller may write; it must never reach a page unescaped.
const HOSTILE: &str = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>";

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
    page.moves = crate::web::moves::sample::refused(Lang::Zh, HOSTILE);
    page.moves.refused = Some(RefusedView {
        why: HOSTILE.into(),
        changed: vec![],
        kept: vec![(HOSTILE.into(), format!("</textarea>{HOSTILE}"))],
    });
    let case = page.render().unwrap();
    let said = TranscriptView::Done {
        said: vec![SaidView {
            who: "市民",
            caller: true,
            at: "00:01".into(),
            start_ms: 1_000,
            end_ms: 2_000,
            parts: vec![MarkView { text: HOSTILE.into(), mark: Mark::Alarm("火情") }],
        }],
        model: HOSTILE.into(),
        left_out: 0,
    };
    let mut page =
        call_page(&shell, RecordingView::OnSite { last_failure: Some(HOSTILE.into()) }, said, false);
    page.caller = HOSTILE.into();
    if let KnowledgeView::Found(answers) = &mut page.knowledge {
        answers[0].title = HOSTILE.into();
        answers[0].why = HOSTILE.into();
        answers[0].unit = HOSTILE.into();
        answers[0].paragraphs = vec![HOSTILE.into()];
    }
    if let Some(form) = &mut page.form {
        form.place = HOSTILE.into();
        form.places.all[0].name = HOSTILE.into();
        form.places.all[0].why = HOSTILE.into();
        form.offers[0].why = HOSTILE.into();
        form.summary = format!("</textarea>{HOSTILE}");
    }
    if let Some(calls) = &mut page.calls {
        calls.seat = HOSTILE.into();
        calls.waiting[0].caller = HOSTILE.into();
        calls.waiting[0].what = HOSTILE.into();
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
