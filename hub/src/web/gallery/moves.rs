//! The page of a case in each state, as those see it whose turn it is; and what a form that changed nothing comes back with.

use askama::Template as _;

use super::HOSTILE;
use super::sample::{case_page, shell};
use crate::web::moves::sample::{Stage, at, refused, stale};
use crate::web::text::Lang;
use crate::web::view::*;

pub(super) fn pages(lang: Lang, theme: Theme) -> Vec<(&'static str, askama::Result<String>)> {
    let shell = shell(lang, theme, Nav::Cases);
    let page = |class, zh: &'static str, en: &'static str, moves: MovesView| {
        let mut page = case_page(&shell);
        page.row.state = StateWord { class, word: lang.pick(zh, en) };
        // Somebody has it in hand.
        page.row.unclaimed = false;
        page.row.waits = false;
        page.at = moves.refused.as_ref().map(|_| "/cases/20260318-029".into());
        page.moves = moves;
        page.render()
    };
    let received = ("received", "待受理", "Received");
    let progress = ("progress", "处理中", "In progress");
    let of = |(class, zh, en): (&'static str, &'static str, &'static str), moves| page(class, zh, en, moves);
    vec![
        ("case-received", of(received, at(Stage::Received, lang))),
        ("case-received-grid", of(received, at(Stage::InTheGrid, lang))),
        ("case-filed", of(("filed", "已立案待派遣", "Filed"), at(Stage::Filed, lang))),
        ("case-dispatched", of(("progress", "已派遣待签收", "Dispatched"), at(Stage::Dispatched, lang))),
        ("case-in-progress", of(progress, at(Stage::InProgress, lang))),
        ("case-asked", of(progress, at(Stage::Asked, lang))),
        ("case-suspended", of(("suspended", "挂账", "Suspended"), at(Stage::Suspended, lang))),
        ("case-verifying", of(("verify", "核查", "Verifying"), at(Stage::Verifying, lang))),
        ("case-checked", of(("verify", "核查", "Verifying"), at(Stage::Checked, lang))),
        ("case-closed", of(("closed", "结案", "Closed"), at(Stage::Closed, lang))),
        ("case-joined", of(("void", "作废", "Void"), at(Stage::Joined, lang))),
        ("case-refused", of(received, refused(lang, HOSTILE))),
        ("case-stale", of(received, stale(lang, HOSTILE))),
    ]
}
