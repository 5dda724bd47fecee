//! Moves of sample cases, drawn by the law itself: what the gallery shows.

use jiff::tz::{Offset, TimeZone};
use protocol::{Severity, UtcMs};

use super::Refusal;
use super::fields::Desk;
use super::panel::view;
use crate::case::{Case, HistoryEntry, Source};
use crate::category::Categories;
use crate::category::likely::Likely;
use crate::correlation::links::Links;
use crate::organisation::unit::SEED;
use crate::organisation::{AreaPath, Level, Unit};
use crate::policy::{DEFAULT, Policy};
use crate::user::{Grant, Role, Session};
use crate::web::guard::{Fields, Preferences, Viewer};
use crate::web::moment::LocalTime;
use crate::web::queue::suggest::Picks;
use crate::web::text::Lang;
use crate::web::view::{MovesView, PickCard};
use crate::workflow::{Actor, Around, Dossier, Facts, Step};

/// 2026-03-18 14:32:08 +08:00
const NOW: UtcMs = UtcMs(1_773_815_528_000);
const GRID: &str = "/county/town/dongguan/g3/";
const NUMBER: &str = "20260318-029";

/// How far a case has come, and who looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Stage {
    Received,
    InTheGrid,
    Filed,
    Dispatched,
    InProgress,
    Asked,
    Suspended,
    Verifying,
    Checked,
    Closed,
    Joined,
}

/// Looked at by somebody whose turn it is.
pub(in crate::web) fn at(stage: Stage, lang: Lang) -> MovesView {
    draw(stage, lang, None)
}

/// A form that the law has refused, with what was typed.
pub(in crate::web) fn refused(lang: Lang, typed: &str) -> MovesView {
    let why = lang.pick("没有“odd”这个分类", "there is no category \"odd\"").to_owned();
    draw(Stage::Received, lang, Some(&refusal("move-file", typed, why, vec![])))
}

/// A form that was older than its case, and is not there any more.
pub(in crate::web) fn stale(lang: Lang, typed: &str) -> MovesView {
    let row = HistoryEntry {
        position: 3,
        at_ms: NOW.0 - 20_000,
        actor: "user:li".into(),
        action: "filed".into(),
        detail: serde_json::json!({ "category": "noise", "note": typed }).to_string(),
        prev_hash: String::new(),
        hash: String::new(),
    };
    let why = lang.move_stale().to_owned();
    draw(Stage::Filed, lang, Some(&refusal("move-file", typed, why, vec![row])))
}

fn refusal(form: &str, typed: &str, why: String, changed: Vec<HistoryEntry>) -> Refusal {
    let fields = Fields::of(vec![("category".into(), "noise".into()), ("note".into(), typed.into())]);
    Refusal { form: form.to_owned(), fields, pictures: vec!["0195a1c2".into()], why, changed }
}

fn draw(stage: Stage, lang: Lang, refusal: Option<&Refusal>) -> MovesView {
    let policy = Policy::read(DEFAULT, 1, &TimeZone::fixed(Offset::constant(8))).unwrap();
    let unit = |(id, zh, en): &(&str, &str, &str)| Unit {
        unit: (*id).to_owned(),
        name_zh: (*zh).to_owned(),
        name_en: (*en).to_owned(),
        area: "/".to_owned(),
        active: 1,
    };
    let units: Vec<Unit> = SEED.iter().map(unit).collect();
    let categories = Categories::built_in();
    let level = if stage == Stage::InTheGrid { Level::Grid } else { Level::County };
    let mut dossier = Dossier::received(facts(), level, &policy);
    for (nth, step) in way(stage).into_iter().enumerate() {
        let id = format!("r{nth}");
        let around = Around { policy: &policy, units: &units, now: NOW, id: &id };
        dossier.take(&step, &Actor::hub(), around).unwrap();
    }
    let category = Likely {
        id: "intrusion".into(),
        zh: "区域入侵".into(),
        en: "Intrusion".into(),
        why_zh: "告警类型".into(),
        why_en: "the kind of its alarm".into(),
    };
    let desk = Desk {
        dossier: &dossier,
        policy: &policy,
        units: &units,
        categories: &categories,
        likely: Some(&category),
        picks: &picks(lang),
        local: &LocalTime { zone: TimeZone::fixed(Offset::constant(8)), now: NOW },
        lang,
    };
    view(desk, (&viewer(stage, lang), &case(), &Links::default()), 7, refusal)
}

/// Units with what they have to do, and why each is suggested.
fn picks(lang: Lang) -> Picks {
    let card = |key: usize, id: &str, name: &str, why: &str| PickCard {
        key,
        id: id.into(),
        name: name.into(),
        why: why.into(),
        opened: 3,
        opened_url: format!("/queue?unit={id}"),
        late: 1,
        late_url: format!("/queue?unit={id}&late=1"),
        is_on: key == 1,
    };
    let why = (
        lang.pick("“区域入侵”由其承办", "answers for \"Intrusion\""),
        lang.pick("近 90 天在东关社区办过同类 12 件", "12 of this kind in Dongguan within 90 days"),
    );
    let cards = vec![
        card(1, "police", lang.pick("公安", "Police"), &format!("{} · {}", why.0, why.1)),
        card(2, "city_management", lang.pick("城管", "City management"), why.1),
    ];
    Picks { cards, loads: [("police".to_owned(), (3, 1)), ("housing".to_owned(), (2, 0))].into() }
}

fn way(stage: Stage) -> Vec<Step> {
    let x = || "现场已处理".to_owned();
    let filed = Step::File { category: "intrusion".into(), note: String::new() };
    let dispatched =
        Step::Dispatch { lead: "police".into(), co: vec!["city_management".into()], note: String::new() };
    let longer = Step::AskExtension { by: "3 working days".parse().unwrap(), reason: x() };
    let asked = Step::AskSuspension { until: NOW.plus_ms(86_400_000), reason: x() };
    let granted = Step::Decide { request: "r3".into(), grant: true, reason: x() };
    let waived = Step::Waive { unit: "city_management".into(), reason: x() };
    let reported = Step::Report { result: x() };
    let checked = Step::Check { agrees: true, note: x() };
    let closed = Step::Close { note: String::new() };
    match stage {
        Stage::Received | Stage::InTheGrid => vec![],
        Stage::Filed => vec![filed],
        Stage::Dispatched => vec![filed, dispatched],
        Stage::InProgress => vec![filed, dispatched, Step::Accept {}],
        Stage::Asked => vec![filed, dispatched, Step::Accept {}, longer],
        Stage::Suspended => vec![filed, dispatched, Step::Accept {}, asked, granted],
        Stage::Verifying => vec![filed, dispatched, Step::Accept {}, waived, reported],
        Stage::Checked => vec![filed, dispatched, Step::Accept {}, waived, reported, checked],
        Stage::Closed => vec![filed, dispatched, Step::Accept {}, waived, reported, checked, closed],
        Stage::Joined => vec![Step::Join { into: "20260318-021".into(), note: x() }],
    }
}

fn viewer(stage: Stage, lang: Lang) -> Viewer {
    let (role, area, unit) = match stage {
        Stage::Received | Stage::Closed | Stage::Joined => (Role::Operator, "/", None),
        Stage::InTheGrid | Stage::Verifying => (Role::GridManager, GRID, None),
        Stage::Filed | Stage::Checked => (Role::Dispatcher, "/", None),
        Stage::Dispatched | Stage::InProgress => (Role::Handler, "/", Some("police".to_owned())),
        Stage::Asked | Stage::Suspended => (Role::ShiftLeader, "/", None),
    };
    let session = Session {
        user: "li".into(),
        role,
        grants: vec![Grant { role, area: AreaPath::kept(area.to_owned()), unit }],
        csrf: "c5f0".into(),
        token_sha256: String::new(),
        must_change: false,
    };
    Viewer { session, preferences: Preferences { lang, ..Preferences::default() } }
}

fn facts() -> Facts {
    Facts {
        case_id: "c1".into(),
        number: NUMBER.into(),
        kind: "intrusion".into(),
        severity: Severity::Emergency,
        source: Source::Camera,
        matter: String::new(),
        area: AreaPath::kept(GRID.to_owned()),
        rural: false,
        drill: false,
        opened_at: NOW,
    }
}

fn case() -> Case {
    Case {
        case_id: "c1".into(),
        number: NUMBER.into(),
        kind: "intrusion".into(),
        severity: "emergency".into(),
        state: "received".into(),
        device_id: "dongguan-01".into(),
        camera_id: Some("north-02".into()),
        call_id: None,
        title_zh: "区域入侵".into(),
        title_en: "Intrusion".into(),
        place: None,
        location: None,
        incident_count: 1,
        drill: 0,
        started_at_ms: NOW.0,
        opened_at_ms: NOW.0,
        updated_at_ms: NOW.0,
        acknowledged_at_ms: None,
        acknowledged_by: None,
        closed_at_ms: None,
        source: "camera".into(),
        area: GRID.into(),
        level: "county".into(),
        category: None,
        lead_unit: None,
        due_clock: None,
        due_at_ms: None,
        confidential: 0,
    }
}
