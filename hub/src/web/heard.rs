//! What a box has read from a call, as the page shows it: dangers, offered tags, similar cases, and what the ticket leaves
//! out.

use protocol::hotline::ALARMS;
use protocol::{CallSubject, UtcMs};

use super::moment::{LocalTime, length_text};
use super::text::Lang;
use super::view::{AlarmView, OfferView, SimilarView};
use super::words;
use crate::ticket::audit::{self, Finding};
use crate::ticket::lesson::{self, Past};
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

/// What the box offers, and what people often made of it before; the first says how often it was changed.
pub(super) fn offers(subject: &CallSubject, past: &[Past], draft: &Draft, lang: Lang) -> Vec<OfferView> {
    let told = subject.reading.as_ref().map_or(&[][..], |reading| reading.categories.as_slice());
    let changed = told.first().and_then(|first| lesson::changed(&first.id, past));
    let name =
        |id: &str| taxonomy::category(id).map_or(id.to_owned(), |c| taxonomy::word(c, lang).to_owned());
    lesson::with_past(told, past)
        .iter()
        .enumerate()
        .filter_map(|(index, offer)| {
            let category = taxonomy::category(&offer.id)?;
            let mut why = Vec::new();
            if !offer.words.is_empty() {
                why.push(format!("{}{}", lang.because_of(), quoted(&offer.words, lang)));
            }
            match changed.filter(|_| index == 0) {
                Some((to, times, of)) => why.push(in_earlier_calls(&name(to), times, of, lang)),
                None if index >= told.len() => why.push(lang.call_tag_other().to_owned()),
                None => {}
            }
            Some(OfferView {
                id: offer.id.clone(),
                word: taxonomy::word(category, lang).to_owned(),
                percent: offer.percent,
                why: why.join(" · "),
                key: (index + 1).to_string(),
                on: draft.category == offer.id,
            })
        })
        .collect()
}

/// `曾改为 环境污染 3 次，共 12 通同类来电`
fn in_earlier_calls(to: &str, times: i64, of: i64, lang: Lang) -> String {
    let (changed, count, calls) = (lang.call_tag_changed(), lang.call_tag_of(), lang.call_tag_calls());
    format!("{changed} {to} {times} {count} {of} {calls}")
}

/// Words that were said, in quotation marks.
pub(super) fn quoted(words: &[String], lang: Lang) -> String {
    let (open, close, between) = if lang.is_zh() { ("“", "”", "") } else { ("“", "”", " ") };
    words.iter().map(|word| format!("{open}{word}{close}")).collect::<Vec<_>>().join(between)
}

pub(super) fn similar(one: &Similar, may_join: bool, local: &LocalTime, lang: Lang) -> SimilarView {
    let told = &one.told;
    SimilarView {
        number: told.number.clone(),
        title: lang.pick(&told.title_zh, &told.title_en).to_owned(),
        sev: words::severity(&told.severity, lang),
        opened: local.moment(UtcMs(told.opened_at_ms)),
        percent: one.percent,
        may_join,
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
