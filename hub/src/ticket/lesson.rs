//! What a box learns from a filed ticket: the tags in which it differs from what the box had offered.

use protocol::hotline::{CallReading, Offer};
use protocol::{CommandBody, Incident, Origin, Subject};

use super::Draft;
use crate::app::App;
use crate::case::Case;
use crate::case::store::list;
use crate::command::{self, NewCommand};
use crate::db;
use crate::web::text::Lang;

/// Incidents of the case that are looked at: the call is among the newest.
const NEWEST: i64 = 20;

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
}
