//! One task, and one line of what somebody reported: from a case to what the page shows.

use std::collections::HashMap;

use protocol::{Place, UtcMs};

use crate::case::HistoryEntry;
use crate::field::store::{Brought, Found, Hand, Talk};
use crate::field::task::{Work, may};
use crate::organisation::{Area, AreaPath, Level};
use crate::user::Session;
use crate::web::moment::{LocalTime, age_text};
use crate::web::text::Lang;
use crate::web::view::{
    DueView, FieldHand, FieldMine, FieldMove, FieldPicture, FieldProblem, FieldTask, TalkLine,
};
use crate::web::words;
use crate::workflow::{ClockKind, StepKind};

/// A limit this near is nearly over.
const SOON_MS: i64 = 3_600_000;
/// Names of areas in a line, the lowest.
const MOST_NAMES: usize = 2;

/// What a task waits for, and where: those who could do it are the same for all of one.
pub(super) type Colleagues = HashMap<(String, String, String), Vec<String>>;

pub(super) fn place(case: &Found) -> (String, String, String) {
    (case.state.clone(), case.level.clone(), case.area.clone())
}

/// What people do beside the moves.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) hands: Vec<Hand>,
    pub(super) talk: Vec<Talk>,
    pub(super) colleagues: Colleagues,
}

/// What is known around the cases.
pub(super) struct Around<'a> {
    pub(super) session: &'a Session,
    pub(super) areas: &'a [Area],
    pub(super) brought: &'a [Brought],
    pub(super) beside: &'a Beside,
    pub(super) problem: Option<&'a (String, FieldProblem)>,
    pub(super) local: &'a LocalTime,
    pub(super) lang: Lang,
}

/// Nothing for a case that waits for somebody else.
pub(super) fn task(case: &Found, around: &Around<'_>) -> Option<FieldTask> {
    let (lang, local) = (around.lang, around.local);
    let work = Work::of(&case.state)?;
    let (area, level) = (AreaPath::kept(case.area.clone()), case.level.parse().unwrap_or(Level::County));
    let of_case = around.brought.iter().filter(|picture| picture.case_id == case.case_id);
    let pictures = of_case.map(|picture| FieldPicture {
        url: words::evidence_url(&picture.sha256, Some(&case.number)),
        word: if picture.action == "told" { lang.field_told() } else { lang.field_done_picture() },
    });
    let problem = around.problem.filter(|(number, _)| *number == case.number);
    Some(FieldTask {
        title: lang.pick(&case.title_zh, &case.title_en).to_owned(),
        word: match work {
            Work::Check => lang.field_work_check(),
            Work::Handle => lang.field_work_handle(),
        },
        is_check: work == Work::Check,
        sev: words::severity(&case.severity, lang),
        place: case.place.clone().unwrap_or_default(),
        area: chain(around.areas, &case.area, lang),
        at: position(case),
        due: due(case, local, lang),
        opened: local.moment(UtcMs(case.opened_at_ms)),
        result: case.report.clone().filter(|_| work == Work::Check).unwrap_or_default(),
        pictures: pictures.collect(),
        position: case.history_count,
        hand: hand(case, around),
        colleagues: around.beside.colleagues.get(&place(case)).cloned().unwrap_or_default(),
        talk: around
            .beside
            .talk
            .iter()
            .filter(|one| one.case_id == case.case_id)
            .map(|one| line(&one.entry, local, lang))
            .collect(),
        form_id: String::new(),
        moves: work.moves().iter().map(|kind| offered(*kind, around, &area, level)).collect(),
        problem: problem.map(|(_, problem)| problem.clone()),
        number: case.number.clone(),
    })
}

fn hand(case: &Found, around: &Around<'_>) -> Option<FieldHand> {
    let hand = around.beside.hands.iter().find(|hand| hand.case_id == case.case_id)?;
    Some(FieldHand {
        by: hand.given_by.clone(),
        to: hand.to_user.clone(),
        at: around.local.moment(UtcMs(hand.taken_at_ms.unwrap_or(hand.given_at_ms))),
        is_taken: hand.taken_at_ms.is_some(),
        is_own: hand.to_user == around.session.user,
    })
}

/// A row of the history as a line of what people say.
pub(in crate::web) fn line(entry: &HistoryEntry, local: &LocalTime, lang: Lang) -> TalkLine {
    let view = words::history(entry, local, lang);
    TalkLine { at: view.at, by: view.by, action: view.action, text: view.detail }
}

fn offered(kind: StepKind, around: &Around<'_>, area: &AreaPath, level: Level) -> FieldMove {
    let lang = around.lang;
    let roles = || {
        let words: Vec<_> = kind.roles().iter().map(|role| role.word(lang)).collect();
        format!("{}{}", lang.only_roles(), words.join(lang.pick("、", ", ")))
    };
    FieldMove {
        kind: kind.as_str(),
        name: match kind {
            StepKind::HandleHere => lang.field_go_handle(),
            StepKind::PassUp => lang.field_go_pass_up(),
            _ => lang.field_go_check(),
        },
        why_not: (!may(kind, &around.session.grants, area, level)).then(roles),
    }
}

pub(super) fn mine(case: &Found, local: &LocalTime, lang: Lang) -> FieldMine {
    FieldMine {
        number: case.number.clone(),
        title: lang.pick(&case.title_zh, &case.title_en).to_owned(),
        state: words::state(&case.state, lang),
        place: case.place.clone().unwrap_or_default(),
        opened: local.moment(UtcMs(case.opened_at_ms)),
        updated: local.moment(UtcMs(case.updated_at_ms)),
        due: due(case, local, lang),
    }
}

/// Latitude and longitude, for the telephone to reckon how far it is.
fn position(case: &Found) -> Option<(String, String)> {
    let place: Place = serde_json::from_str(case.location.as_deref()?).ok()?;
    Some((place.latitude?.to_string(), place.longitude?.to_string()))
}

fn due(case: &Found, local: &LocalTime, lang: Lang) -> Option<DueView> {
    let (clock, at) = case.due_clock.as_deref().and_then(ClockKind::kept).zip(case.due_at_ms)?;
    let left_ms = at - local.now.0;
    let (side, class) = match left_ms {
        ..=0 => (lang.wall_over(), "over"),
        1..SOON_MS => (lang.wall_left(), "soon"),
        _ => (lang.wall_left(), ""),
    };
    Some(DueView {
        word: lang.pick(clock.zh(), clock.en()),
        at: local.moment(UtcMs(at)),
        side,
        left: age_text(left_ms.abs(), lang.is_zh()),
        class,
    })
}

/// Community and grid: the lowest named areas of a path, the wider first.
pub(super) fn chain(areas: &[Area], path: &str, lang: Lang) -> String {
    let mut on_way: Vec<&Area> = areas.iter().filter(|area| path.starts_with(&area.path)).collect();
    on_way.sort_by_key(|area| area.path.len());
    let skip = on_way.len().saturating_sub(MOST_NAMES);
    let name = |area: &&Area| {
        lang.pick(&area.name_zh, if area.name_en.is_empty() { &area.name_zh } else { &area.name_en })
            .to_owned()
    };
    on_way.iter().skip(skip).map(name).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(path: &str, zh: &str, en: &str) -> Area {
        Area {
            area: path.trim_matches('/').rsplit('/').next().unwrap().to_owned(),
            parent: None,
            level: "grid".to_owned(),
            name_zh: zh.to_owned(),
            name_en: en.to_owned(),
            rural: 0,
            path: path.to_owned(),
        }
    }

    /// Community and grid are named; what has no English name keeps its own, and what is unknown has none.
    #[test]
    fn places_are_named() {
        let areas = [
            area("/c/", "县", "County"),
            area("/c/t/", "镇", "Town"),
            area("/c/t/d/", "东关社区", "Dongguan"),
            area("/c/t/d/g1/", "一网格", ""),
            area("/c/t/d/g10/", "十网格", ""),
        ];
        assert_eq!(chain(&areas, "/c/t/d/g1/", Lang::Zh), "东关社区 一网格");
        assert_eq!(chain(&areas, "/c/t/d/g1/", Lang::En), "Dongguan 一网格");
        assert_eq!(
            (chain(&areas, "/c/", Lang::Zh), chain(&areas, "/", Lang::Zh)),
            ("县".into(), String::new())
        );
    }
}
