//! What joined, flaps or was put aside, as people read it.

use protocol::UtcMs;

use super::severity;
use crate::case::JoinedCase;
use crate::case::joined::JoinedReport;
use crate::correlation::links::Links;
use crate::correlation::shelf::Shelved;
use crate::web::moment::LocalTime;
use crate::web::text::Lang;
use crate::web::view::{JoinedView, LinkView, ShelvedView};

pub fn joined(case: &JoinedCase, local: &LocalTime, lang: Lang) -> JoinedView {
    JoinedView {
        number: case.number.clone(),
        title: lang.pick(&case.title_zh, &case.title_en).to_owned(),
        incident_count: case.incident_count,
        at: local.moment(UtcMs(case.joined_at_ms)),
        why: case.why.clone(),
        may_open: true,
    }
}

/// What is told of a case that may not be opened.
pub fn joined_report(report: &JoinedReport, local: &LocalTime, lang: Lang) -> JoinedView {
    let severity = severity(&report.severity, lang).word;
    let place = report.place.as_deref().unwrap_or_default();
    JoinedView {
        number: report.number.clone(),
        title: lang.pick(&report.title_zh, &report.title_en).to_owned(),
        incident_count: 0,
        at: local.moment(UtcMs(report.opened_at_ms)),
        why: if place.is_empty() { severity.to_owned() } else { format!("{severity} · {place}") },
        may_open: false,
    }
}

pub fn link(links: &Links, local: &LocalTime, lang: Lang) -> LinkView {
    let times = links.damped_count;
    LinkView {
        joined_into: links.joined_into.clone(),
        joined_why: links.joined_why.clone().unwrap_or_default(),
        shelved_until: links.shelved_until_ms.map(|at| local.moment(UtcMs(at))),
        shelved_by: links.shelved_by.clone().unwrap_or_default(),
        damped: links.damped_since_ms.map(|at| {
            let since = local.moment(UtcMs(at)).text;
            match lang {
                Lang::Zh => format!("告警源自 {since} 起频繁告警，其后 {times} 次只计数。"),
                Lang::En => {
                    format!("Its source has flapped since {since}; {times} alarms were only counted.")
                }
            }
        }),
    }
}

pub fn shelved(one: &Shelved, local: &LocalTime, lang: Lang) -> ShelvedView {
    ShelvedView {
        number: one.number.clone(),
        title: lang.pick(&one.title_zh, &one.title_en).to_owned(),
        until: local.moment(UtcMs(one.until_ms)),
        by: one.shelved_by.clone(),
        reason: one.reason.clone(),
        counted: one.counted,
    }
}
