//! One row of the queue: from a case and what is known around it to what the page shows.

use std::collections::HashMap;

use super::part::Part;
use super::store::{SOON_MS, Waiting};
use crate::case::{Case, CaseState};
use crate::category::{Categories, Heard, suggest_category, suggest_units};
use crate::organisation::{AreaPath, Unit};
use crate::user::Grant;
use crate::web::moment::LocalTime;
use crate::web::moves::{unit_name, worded};
use crate::web::text::Lang;
use crate::web::view::{QueueBand, QueueRow, SuggestedUnit};
use crate::web::wall::{AreaNames, due};
use crate::web::words;
use crate::workflow::{Card, StepKind};

/// Units that are suggested for one case: as many as there are keys.
const MOST_SUGGESTED: usize = 3;
const DAY_MS: i64 = 86_400_000;

/// What is known around the cases.
pub(super) struct Around<'a> {
    pub(super) grants: &'a [Grant],
    pub(super) names: &'a AreaNames,
    pub(super) units: &'a [Unit],
    pub(super) categories: &'a Categories,
    pub(super) local: &'a LocalTime,
    pub(super) lang: Lang,
    /// The case that is picked.
    pub(super) current: &'a str,
    /// As a form of many named them.
    pub(super) checked: &'a [String],
    /// By number, of reported cases: what keeps them from their end.
    pub(super) ends: &'a HashMap<String, &'static str>,
}

/// Rows under the stretch of time in which they end; overdue ones first.
pub(super) fn bands(
    rows: &[Waiting],
    around: &Around<'_>,
    pick_url: impl Fn(&str) -> String,
) -> Vec<QueueBand> {
    let mut bands: Vec<QueueBand> = Vec::new();
    for waiting in rows {
        let word = band(waiting.case.due_at_ms, around.local.now.0, around.lang);
        let row = row(waiting, around, pick_url(&waiting.case.number));
        match bands.last_mut().filter(|band| band.word == word) {
            Some(band) => band.rows.push(row),
            None => bands.push(QueueBand { word, rows: vec![row] }),
        }
    }
    bands
}

fn band(due_at_ms: Option<i64>, now_ms: i64, lang: Lang) -> &'static str {
    match due_at_ms.map(|at| at - now_ms) {
        Some(..=0) => lang.queue_band_late(),
        Some(1..=SOON_MS) => lang.queue_band_hour(),
        Some(..=DAY_MS) => lang.queue_band_day(),
        Some(_) => lang.queue_band_later(),
        None => lang.queue_band_none(),
    }
}

fn row(waiting: &Waiting, around: &Around<'_>, pick_url: String) -> QueueRow {
    let (case, lang) = (&waiting.case, around.lang);
    QueueRow {
        number: case.number.clone(),
        position: waiting.history_count,
        title: lang.pick(&case.title_zh, &case.title_en).to_owned(),
        sev: words::severity(&case.severity, lang),
        state: words::state(&case.state, lang),
        note: note(waiting, around),
        areas: around.names.chain(&case.area, lang),
        place: case.place.clone().unwrap_or_default(),
        source: words::source(&case.source, lang),
        drill: case.drill != 0,
        due: due(case, around.local, lang),
        units: suggested(case, around),
        category: category(case, around),
        next_url: next_url(case),
        pick_url,
        may_dispatch: may_dispatch(case, around.grants),
        is_current: case.number == around.current,
        is_checked: around.checked.contains(&case.number),
    }
}

/// Who has it, and the cards that lie on it.
fn note(waiting: &Waiting, around: &Around<'_>) -> String {
    let (case, lang) = (&waiting.case, around.lang);
    let unit = case.lead_unit.as_deref().map(|unit| unit_name(around.units, unit, lang));
    let by = case.acknowledged_by.clone().filter(|_| case.state == CaseState::Received.as_str());
    let cards = waiting.cards.split(' ').filter_map(Card::kept);
    let cards = cards.map(|card| lang.pick(card.zh(), card.en()).to_owned());
    let end = around.ends.get(&case.number).map(|word| (*word).to_owned());
    end.into_iter().chain(unit).chain(by).chain(cards).collect::<Vec<_>>().join(" · ")
}

/// Whether the law lets this user dispatch it; the law has the last word.
pub(super) fn may_dispatch(case: &Case, grants: &[Grant]) -> bool {
    let area = AreaPath::kept(case.area.clone());
    let may = |grant: &Grant| StepKind::Dispatch.roles().contains(&grant.role) && grant.area.covers(&area);
    case.state == CaseState::Filed.as_str() && grants.iter().any(may)
}

/// Of a case that is filed: units that answer for its category there, the nearest first, each with the rule.
fn suggested(case: &Case, around: &Around<'_>) -> Vec<SuggestedUnit> {
    ruled(case, around.units, around.categories, around.lang)
}

/// The same, of what is known of units and categories.
pub(super) fn ruled(case: &Case, units: &[Unit], categories: &Categories, lang: Lang) -> Vec<SuggestedUnit> {
    let filed = case.state == CaseState::Filed.as_str();
    let own = case.category.as_deref().filter(|_| filed).and_then(|id| categories.find(id));
    let Some(own) = own else { return Vec::new() };
    let area = AreaPath::kept(case.area.clone());
    let mut found: Vec<SuggestedUnit> = Vec::new();
    for one in suggest_units(own, &area, units) {
        if found.len() < MOST_SUGGESTED && found.iter().all(|known| known.id != one.unit.unit) {
            found.push(SuggestedUnit {
                key: found.len() + 1,
                id: one.unit.unit.clone(),
                name: worded(&one.unit.name_zh, &one.unit.name_en, lang),
                why: lang.pick(&one.why_zh, &one.why_en).to_owned(),
            });
        }
    }
    found
}

/// Of one that is received: the category that the kind of its alarm speaks for. What was said in a call is read on its page.
fn category(case: &Case, around: &Around<'_>) -> Option<(String, String)> {
    let lang = around.lang;
    let received = case.state == CaseState::Received.as_str() && case.call_id.is_none();
    let heard = Heard { kind: &case.kind, ..Heard::default() };
    let offered = suggest_category(around.categories, heard).filter(|_| received)?;
    let name = worded(&offered.category.zh, &offered.category.en, lang);
    Some((name, lang.pick(&offered.why_zh, &offered.why_en).to_owned()))
}

/// The form of what comes next, on the page of the case.
pub(super) fn next_url(case: &Case) -> String {
    let form = match case.state.parse::<CaseState>() {
        Ok(CaseState::Received) => "#move-file",
        Ok(CaseState::Filed) => "#move-dispatch",
        Ok(CaseState::Verifying) => "#move-close",
        _ => "",
    };
    format!("/cases/{}{form}", case.number)
}

/// Cases of several scopes, in one order: that of the store.
pub(super) fn in_order(rows: &mut [Waiting]) {
    rows.sort_by(|a, b| {
        let key = |one: &Waiting| {
            let case = &one.case;
            (case.due_at_ms.is_none(), case.due_at_ms, case.opened_at_ms, case.number.len())
        };
        key(a).cmp(&key(b)).then_with(|| a.case.number.cmp(&b.case.number))
    });
}

/// What keeps a reported case from its end, in words.
pub(super) fn before_the_end(part: Part, checked: Option<bool>, may_close: bool, lang: Lang) -> &'static str {
    match (part, checked) {
        (_, Some(false)) => lang.queue_disagrees(),
        (Part::Close, _) if may_close => lang.queue_may_close(),
        (_, Some(true)) => lang.queue_checked(),
        (_, None) => lang.queue_wait_check(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bands meet without a gap: what ends at this very moment is over, what ends in an hour is within it.
    #[test]
    fn bands_by_hand() {
        let zh = |ms: Option<i64>| band(ms, 1_000, Lang::Zh);
        assert_eq!((zh(Some(1_000)), zh(Some(1_001))), ("已超期", "一小时内"));
        assert_eq!((zh(Some(1_000 + SOON_MS)), zh(Some(1_001 + SOON_MS))), ("一小时内", "24 小时内"));
        assert_eq!((zh(Some(1_001 + DAY_MS)), zh(None)), ("更晚", "无时限"));
    }

    #[test]
    fn what_keeps_it_from_its_end() {
        let words = |checked, may| before_the_end(Part::Close, checked, may, Lang::Zh);
        assert_eq!(words(Some(false), false), "核查不符，待返工");
        assert_eq!((words(None, true), words(Some(true), true)), ("可以结案", "可以结案"));
        assert_eq!((words(None, false), words(Some(true), false)), ("待现场核查", "核查相符"));
        assert_eq!(before_the_end(Part::Check, None, true, Lang::Zh), "待现场核查");
    }
}
