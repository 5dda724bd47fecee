//! What of the knowledge base answers a call, as it stands beside the ticket.

use protocol::hotline::ALARMS;
use protocol::{CallSubject, Leg, Transcript};

use super::heard::quoted;
use super::text::Lang;
use super::view::{AnswerView, KnowledgeView};
use crate::app::App;
use crate::db;
use crate::ticket::knowledge::{Answer, Heard, OFFERED, today};
use crate::ticket::taxonomy;

/// What the box has told of a call: the caller's words, or what it read from them while it had not sent them.
fn heard(subject: &CallSubject) -> Heard {
    let mut heard = Heard::default();
    if let Transcript::Done { segments, .. } = &subject.transcript {
        let said = segments.iter().filter(|segment| segment.leg == Leg::Caller);
        heard.lines.extend(said.map(|segment| segment.text.clone()));
    }
    let Some(reading) = &subject.reading else { return heard };
    if heard.lines.is_empty() {
        let raised = reading.alarms.iter().flat_map(|alarm| &alarm.words);
        heard.lines.extend([&reading.title, &reading.summary].into_iter().chain(raised).cloned());
        heard.lines.retain(|line| !line.is_empty());
    }
    heard.categories = reading.categories.iter().map(|offer| (offer.id.clone(), offer.percent)).collect();
    let holds = reading.alarms.iter().filter(|alarm| alarm.holds);
    let names = holds.filter_map(|alarm| ALARMS.iter().find(|known| known.0 == alarm.id));
    heard.alarms = names.map(|known| known.1).collect();
    heard
}

pub(super) async fn beside(app: &App, subject: &CallSubject, lang: Lang) -> db::Result<KnowledgeView> {
    let heard = heard(subject);
    if heard.lines.is_empty() && heard.alarms.is_empty() {
        return Ok(KnowledgeView::Waiting);
    }
    let index = app.knowledge.index(&app.db, app.tenant().as_str()).await?;
    if index.entries().is_empty() {
        return Ok(KnowledgeView::Empty);
    }
    let found = index.find(&heard, &today(app.clock.now(), &app.zone), OFFERED);
    Ok(if found.is_empty() {
        KnowledgeView::Nothing
    } else {
        KnowledgeView::Found(found.iter().map(|answer| view(answer, lang)).collect())
    })
}

fn view(answer: &Answer<'_>, lang: Lang) -> AnswerView {
    let entry = answer.entry;
    let mut why = Vec::new();
    if !answer.words.is_empty() {
        why.push(format!("{}{}", lang.because_of(), quoted(&answer.words, lang)));
    }
    if let Some(known) = answer.alarm.and_then(|name| ALARMS.iter().find(|known| known.1 == name)) {
        why.push(format!("{}{}", lang.alarm_heard(), lang.pick(known.1, known.2)));
    }
    if let Some((id, percent)) = &answer.category
        && let Some(category) = taxonomy::category(id)
    {
        why.push(format!("{} {} {percent}%", lang.category(), taxonomy::word(category, lang)));
    }
    AnswerView {
        id: entry.id.clone(),
        title: entry.title.clone(),
        percent: answer.percent,
        why: why.join(" · "),
        unit: entry.unit.clone(),
        paragraphs: paragraphs(&entry.text),
        valid_until: entry.valid_until.clone(),
    }
}

/// What empty lines separate.
fn paragraphs(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for line in text.lines().map(str::trim_end) {
        let last = all.last_mut().expect("it begins with one");
        match (line.is_empty(), last.is_empty()) {
            (true, true) => {}
            (true, false) => all.push(String::new()),
            (false, true) => line.clone_into(last),
            (false, false) => *last += &format!("\n{line}"),
        }
    }
    all.retain(|one| !one.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines stay lines, empty ones separate, however many.
    #[test]
    fn paragraphs_are_what_empty_lines_separate() {
        assert_eq!(paragraphs("a\nb\n\n \nc\n"), ["a\nb", "c"]);
        assert_eq!(paragraphs("\n\n"), Vec::<String>::new());
    }
}
