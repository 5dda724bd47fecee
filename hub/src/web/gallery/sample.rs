//! Sample data of every page: what stands around each, and a case of the list.

mod call;
mod case;
mod device;

use jiff::tz::TimeZone;
use protocol::UtcMs;

use crate::user::role::Role;
use crate::web::moment::{LocalTime, Moment, age_text};
use crate::web::text::Lang;
use crate::web::view::*;

pub(super) use call::{call_page, call_row, said, ticket_form};
pub(super) use case::case_page;
pub(super) use device::{call_tap, device_row, request, tried};

/// 2026-03-18 14:32:08 +08:00
const NOW: i64 = 1_773_815_528_000;

pub(super) fn at(ago_s: i64) -> Moment {
    LocalTime { zone: TimeZone::fixed(jiff::tz::offset(8)), now: UtcMs(NOW) }
        .moment(UtcMs(NOW - ago_s * 1_000))
}

pub(super) fn shell(lang: Lang, theme: Theme, nav: Nav) -> Shell {
    Shell {
        lang,
        theme,
        nav,
        who: (nav != Nav::None).then(|| Who {
            name: "值班长".into(),
            role: Role::Commander,
            sees_devices: true,
            sees_quarantine: true,
            sees_evaluation: true,
            sees_admin: true,
            sees_queue: true,
            sees_tasks: true,
            sees_handover: true,
            sees_field: true,
            sees_seat: true,
            sees_map: true,
            wall: Some("/wall"),
        }),
        csrf: "c5f0".into(),
        now: at(0),
        here: "/cases?".into(),
        find: String::new(),
        position: Some(17),
    }
}

pub(super) fn row(
    lang: Lang,
    number: &str,
    title: &str,
    sev: (&'static str, &'static str),
    waits: bool,
) -> CaseRow {
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
        age: age_text(48_000, lang.is_zh()),
        incident_count: 3,
        motion_only: false,
        drill: false,
        thumb: Thumb::Waiting,
        acknowledged_by: (!waits).then(|| "坐席03".into()),
        acknowledged_at: (!waits).then(|| at(20)),
        waits,
        unclaimed: waits,
        open: true,
        may_acknowledge: true,
        pulses: waits && sev.0 == "p1",
    }
}
