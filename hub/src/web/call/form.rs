//! The ticket's form: what it offers, with which key, and what is wrong with it.

use protocol::CallSubject;

use crate::ticket::lesson::Past;
use crate::ticket::{Draft, Field, taxonomy};
use crate::user::Act;
use crate::web::guard::{Fields, Viewer};
use crate::web::text::Lang;
use crate::web::view::{Choice, PlaceOffers, TicketForm};
use crate::web::{heard, words};

/// Digits before it choose tags.
const FIRST_MATTER_KEY: usize = 4;

/// What a form is made from, beside what stands in it.
pub(super) struct From<'a> {
    pub(super) subject: &'a CallSubject,
    /// How earlier calls with the same first offer were tagged.
    pub(super) past: &'a [Past],
    /// When the ticket that is corrected was filed; 0: there is none.
    pub(super) known: i64,
}

pub(super) fn view(
    draft: &Draft,
    from: &From<'_>,
    (places, point): (PlaceOffers, String),
    wrong: bool,
    viewer: &Viewer,
) -> TicketForm {
    let lang = viewer.preferences.lang;
    let matters = taxonomy::MATTERS.iter().enumerate().map(|(index, (id, zh, en))| Choice {
        id: (*id).to_owned(),
        word: lang.pick(zh, en).to_owned(),
        key: Some((FIRST_MATTER_KEY + index).to_string()),
        on: draft.matter == *id,
        sev: None,
    });
    let urgencies = taxonomy::URGENCIES.iter().map(|(id, zh, en, severity)| Choice {
        id: (*id).to_owned(),
        word: lang.pick(zh, en).to_owned(),
        key: None,
        on: draft.urgency == *id,
        sev: Some(words::sev(*severity, lang).class),
    });
    let categories = taxonomy::categories().iter().map(|category| Choice {
        id: category.id.clone(),
        word: format!("{} · {}", taxonomy::word(category, lang), taxonomy::unit(category, lang)),
        key: None,
        on: draft.category == category.id,
        sev: None,
    });
    TicketForm {
        offers: heard::offers(from.subject, from.past, draft, lang),
        matters: matters.collect(),
        categories: categories.collect(),
        urgencies: urgencies.collect(),
        place: draft.place.clone(),
        places,
        point,
        summary: draft.summary.clone(),
        known: from.known,
        wrong: if wrong { draft.wrong().iter().map(|field| why(*field, lang)).collect() } else { vec![] },
        may: viewer.may(Act::FileTicket),
        roles: Act::FileTicket.roles_text(lang),
    }
}

fn why(field: Field, lang: Lang) -> &'static str {
    match field {
        Field::Matter => lang.wrong_matter(),
        Field::Category => lang.wrong_category(),
        Field::Urgency => lang.wrong_urgency(),
        Field::Place => lang.wrong_place(),
        Field::Summary => lang.wrong_summary(),
    }
}

/// What was typed.
pub(super) fn draft(fields: &Fields) -> Draft {
    let text = |name: &str| fields.get(name).to_owned();
    Draft {
        matter: text("matter"),
        category: text("category"),
        urgency: text("urgency"),
        place: text("place"),
        summary: text("summary"),
    }
}
