//! What a box has read from a call, as the page shows it: dangers, offered tags, similar cases, and what the ticket leaves
//! out.

use protocol::hotline::ALARMS;
use protocol::{CallSubject, UtcMs};

use super::moment::{LocalTime, length_text};
use super::text::Lang;
use super::view::{AlarmView, OfferView, SimilarView};
use super::words;
use crate::ticket::audit::{self, Finding};
use crate::ticket::similar::Similar;
use crate::ticket::{Draft, Ticket, taxonomy};

pub(super) fn alarms(subject: &CallSubject, lang: Lang) -> Vec<AlarmView> {
    let raised = subject.reading.iter().flat_map(|reading| &reading.alarms);
    raised
        .filter_map(|alarm| {
            let (_, zh, en) = ALARMS.iter().find(|known| known.0 == alarm.id)?;
            Some(AlarmView {
                word: lang.pick(zh, en),
                why: quoted(&alarm.words, lang),
                at: length_text(alarm.at_ms),
                taken_back: !alarm.holds,
            })
        })
        .collect()
}

/// Names of the alarms by id, as JSON: lines of a running call come with ids.
pub(super) fn alarm_words(lang: Lang) -> String {
    let words = ALARMS.iter().map(|(id, zh, en)| ((*id).to_owned(), lang.pick(zh, en).into()));
    serde_json::Value::Object(words.collect()).to_string()
}

pub(super) fn findings(ticket: &Ticket, subject: &CallSubject, lang: Lang) -> Vec<String> {
    let Some(reading) = &subject.reading else { return Vec::new() };
    audit::findings(&ticket.draft(), reading).iter().map(|finding| in_words(finding, lang)).collect()
}

pub(super) fn offers(subject: &CallSubject, draft: &Draft, lang: Lang) -> Vec<OfferView> {
    let offered = subject.reading.iter().flat_map(|reading| &reading.categories);
    offered
        .enumerate()
        .filter_map(|(index, offer)| {
            let category = taxonomy::category(&offer.id)?;
            Some(OfferView {
                id: offer.id.clone(),
                word: taxonomy::word(category, lang).to_owned(),
                percent: offer.percent,
                why: quoted(&offer.words, lang),
                key: format!("F{}", index + 2),
                on: draft.category == offer.id,
            })
        })
        .collect()
}

/// Words that were said, in quotation marks.
fn quoted(words: &[String], lang: Lang) -> String {
    let (open, close, between) = if lang.is_zh() { ("“", "”", "") } else { ("“", "”", " ") };
    words.iter().map(|word| format!("{open}{word}{close}")).collect::<Vec<_>>().join(between)
}

pub(super) fn similar(one: &Similar, local: &LocalTime, lang: Lang) -> SimilarView {
    let told = &one.told;
    SimilarView {
        number: told.number.clone(),
        title: lang.pick(&told.title_zh, &told.title_en).to_owned(),
        sev: words::severity(&told.severity, lang),
        opened: local.moment(UtcMs(told.opened_at_ms)),
        percent: one.percent,
    }
}

/// In which way a ticket says less than its call.
fn in_words(finding: &Finding, lang: Lang) -> String {
    let category = |id: &str| {
        taxonomy::category(id).map_or_else(|| id.to_owned(), |c| taxonomy::word(c, lang).to_owned())
    };
    match finding {
        Finding::PlayedDown { alarms } => {
            let known = alarms.iter().filter_map(|id| ALARMS.iter().find(|known| known.0 == *id));
            let said: Vec<&str> = known.map(|known| lang.pick(known.1, known.2)).collect();
            format!("{}{}", lang.audit_played_down(), said.join(lang.pick("、", ", ")))
        }
        Finding::LessUrgent { told } => {
            let word = taxonomy::urgency(told, lang).map_or(told.as_str(), |urgency| urgency.0);
            format!("{}{word}", lang.audit_less_urgent())
        }
        Finding::OtherCategory { told, words } => {
            format!("{}{} {}", lang.audit_other_category(), category(told), quoted(words, lang))
        }
        Finding::PlaceLeftOut { told } => format!("{}{told}", lang.audit_place()),
    }
}
