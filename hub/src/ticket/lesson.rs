//! What a box learns from a filed ticket: the tags in which it differs from what the box had offered; and what the hub
//! remembers of that for whoever files the next one.
//!
//! The box learns words ([`teach`]): the next call that says the like is offered the right tag. The hub counts, over all
//! boxes, what became of an offer ([`Past`]): it stands with the same offer of later calls, and what was put right often comes
//! as an offer of its own ([`with_past`]). Nothing is reordered by it, and people decide.

use protocol::hotline::{CallReading, MAX_OFFERS, Offer};
use protocol::{CommandBody, Incident, Origin, Subject, UtcMs};

use super::{Draft, store};
use crate::app::App;
use crate::case::Case;
use crate::case::store::list;
use crate::command::{self, NewCommand};
use crate::db::{self, Db, from_row};
use crate::web::text::Lang;

/// Incidents of the case that are looked at: the call is among the newest.
const NEWEST: i64 = 20;

/// Corrections are remembered for half a year, as long as a box keeps them.
const REMEMBERED_MS: i64 = 183 * 24 * 3_600_000;
/// Categories into which one offer was changed that are looked at.
pub(super) const MOST_PAST: i64 = 27;
/// So often, and in so great a share, an offer was put right before that is offered too.
const OFTEN: i64 = 2;
const OFTEN_PERCENT: i64 = 33;

/// How often calls of one first offer were tagged so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    pub category: String,
    pub times: i64,
}

from_row!(Past: category, times);

/// How earlier calls with the same first offer were tagged, the most frequent first, but for this case.
pub async fn past(
    db: &Db,
    tenant: &str,
    reading: Option<&CallReading>,
    but: &str,
    now: UtcMs,
) -> db::Result<Vec<Past>> {
    let Some(first) = reading.and_then(|reading| reading.categories.first()) else { return Ok(Vec::new()) };
    store::past(db, tenant, &first.id, but, now.0 - REMEMBERED_MS).await
}

/// What an offer was changed to most often: the category, how often, and of how many calls.
pub fn changed<'a>(offered: &str, past: &'a [Past]) -> Option<(&'a str, i64, i64)> {
    let all: i64 = past.iter().map(|one| one.times).sum();
    let other = past.iter().filter(|one| one.category != offered).max_by_key(|one| one.times)?;
    Some((&other.category, other.times, all))
}

/// The offers of a box, and what people often changed the first of them to, where there is room for it: with the share of
/// earlier calls as its per cent and no words.
pub fn with_past(offers: &[Offer], past: &[Past]) -> Vec<Offer> {
    let mut all = offers.to_vec();
    let Some((category, times, of)) = offers.first().and_then(|first| changed(&first.id, past)) else {
        return all;
    };
    let percent = times * 100 / of.max(1);
    let known = all.iter().any(|offer| offer.id == category);
    if times >= OFTEN && percent >= OFTEN_PERCENT && !known && all.len() < MAX_OFFERS {
        let percent = u8::try_from(percent.min(100)).unwrap_or(100);
        all.push(Offer { id: category.to_owned(), percent, words: Vec::new() });
    }
    all
}

/// Category and matter that were put right; both `None`: what an earlier ticket had put right is taken back.
type Lesson = (Option<String>, Option<String>);

/// `None`: there is nothing to learn. `before` is the ticket that this one replaces.
fn lesson(reading: &CallReading, ticket: &Draft, before: Option<&Draft>) -> Option<Lesson> {
    let differs = |offers: &[Offer], filed: &str| {
        offers.first().is_some_and(|offer| offer.id != filed).then(|| filed.to_owned())
    };
    let of = |draft: &Draft| {
        (differs(&reading.categories, &draft.category), differs(&reading.matters, &draft.matter))
    };
    let now = of(ticket);
    // As offered and never otherwise.
    let known = before.map_or((None, None), of);
    (now != known).then_some(now)
}

/// Tells the box of a call how its ticket was tagged, where it had offered something else. The ticket is filed either way,
/// so what goes wrong is logged.
pub async fn teach(app: &App, case: &Case, user: &str, ticket: &Draft, before: Option<&Draft>) {
    if let Err(error) = try_teach(app, case, user, ticket, before).await {
        tracing::error!(
            case = case.number,
            error = format!("{error:#}"),
            "a box cannot be told how its call was tagged"
        );
    }
}

async fn try_teach(
    app: &App,
    case: &Case,
    user: &str,
    ticket: &Draft,
    before: Option<&Draft>,
) -> anyhow::Result<()> {
    let incidents: db::Result<_> =
        list::incidents(&app.db, app.tenant().as_str(), &case.case_id, None, NEWEST).await;
    for row in incidents? {
        let Ok(Incident { subject: Subject::Call(call), .. }) = serde_json::from_str(&row.data) else {
            continue;
        };
        if let Some(first) = call.reading.as_ref().and_then(|reading| reading.categories.first()) {
            let both = (first.id.as_str(), ticket.category.as_str());
            store::put_lesson(&app.db, app.tenant().as_str(), &case.case_id, both, app.clock.now()).await?;
        }
        let learnt = call.reading.as_ref().and_then(|reading| lesson(reading, ticket, before));
        let Some((category, matter)) = learnt else { return Ok(()) };
        app.commands
            .create(NewCommand {
                origin: Origin {
                    tenant: app.tenant().clone(),
                    device: row.device_id.parse().map_err(anyhow::Error::msg)?,
                },
                body: CommandBody::Correct { call_id: call.call_id, category, matter },
                purpose: Lang::Zh.correct_purpose().to_owned(),
                issued_by: user.to_owned(),
                case_number: None,
                life_ms: command::DEFAULT_LIFE_MS,
            })
            .await?;
        return Ok(());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only what differs is told, once; a ticket that goes back to what was offered takes it back, and one that never left
    /// it tells nothing.
    #[test]
    fn tells_what_differs() {
        let offer = |id: &str| vec![Offer { id: id.into(), percent: 90, words: vec![] }];
        let reading =
            CallReading { categories: offer("noise"), matters: offer("complaint"), ..CallReading::default() };
        let filed = |category: &str| Draft {
            matter: "complaint".into(),
            category: category.into(),
            urgency: "normal".into(),
            place: String::new(),
            summary: String::new(),
        };
        let (as_offered, other) = (filed("noise"), filed("pollution"));
        assert_eq!(lesson(&reading, &as_offered, None), None);
        assert_eq!(lesson(&reading, &other, None), Some((Some("pollution".into()), None)));
        assert_eq!(lesson(&reading, &other, Some(&other)), None);
        assert_eq!(lesson(&reading, &as_offered, Some(&other)), Some((None, None)));
        assert_eq!(lesson(&reading, &as_offered, Some(&as_offered)), None);
        assert_eq!(lesson(&CallReading::default(), &other, None), None);
    }

    /// An offer that people changed says into what, how often and of how many; often enough, what they changed it to is
    /// offered too, behind the others, where there is room. What was kept, or changed once, adds none.
    #[test]
    fn what_was_changed_is_remembered() {
        let offer = |id: &str, percent| Offer { id: id.into(), percent, words: vec![] };
        let past = |category: &str, times| Past { category: category.into(), times };
        let own = [offer("noise", 90), offer("power", 5)];
        assert_eq!(changed("noise", &[past("noise", 9)]), None);
        assert_eq!(changed("noise", &[past("noise", 2), past("land", 1)]), Some(("land", 1, 3)));
        assert_eq!(with_past(&own, &[past("noise", 2), past("land", 1)]), own, "once is not often");
        assert_eq!(with_past(&own, &[past("noise", 9), past("land", 2)]), own, "2 of 11 are few");
        let often = [past("land", 3), past("noise", 2)];
        assert_eq!(with_past(&own, &often), [own.as_slice(), &[offer("land", 60)]].concat());
        assert_eq!(with_past(&own, &[past("power", 9)]), own, "it is offered already");
        let full = [offer("noise", 50), offer("power", 30), offer("legal", 20)];
        assert_eq!(with_past(&full, &often), full, "no room");
        assert_eq!(with_past(&[], &often), []);
    }
}
