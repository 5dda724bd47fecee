//! What a case is likely to be filed under, and to whom it is likely to go, from all that is known of it. People decide.

use protocol::{Incident, Subject};

use super::{Heard, all, suggest_category, suggest_unit};
use crate::app::App;
use crate::case::Case;
use crate::case::store::list;
use crate::workflow::{Dossier, State};
use crate::{db, organisation, platform, ticket};

/// Offered, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likely {
    pub id: String,
    pub zh: String,
    pub en: String,
    pub why_zh: String,
    pub why_en: String,
}

/// The likeliest category while a case is received, the likeliest unit while it is filed; where anything speaks for one.
pub async fn of_case(
    app: &App,
    case: &Case,
    dossier: &Dossier,
) -> db::Result<(Option<Likely>, Option<Likely>)> {
    let (db, tenant) = (&app.db, app.tenant().as_str());
    match &dossier.state {
        State::Received { .. } => {
            let categories = all(db, tenant).await?;
            let read = heard(app, case).await?;
            let ticket = ticket::get(db, tenant, &case.case_id).await?.map(|ticket| (ticket.category, None));
            let platform = platform::category_of(db, tenant, &case.case_id).await?;
            let hotline = ticket.or(read);
            let heard = Heard {
                kind: &case.kind,
                hotline: hotline.as_ref().map(|(id, percent)| (id.as_str(), *percent)),
                platform: platform.as_deref(),
            };
            let offered = suggest_category(&categories, heard).map(|offered| Likely {
                id: offered.category.id.clone(),
                zh: offered.category.zh.clone(),
                en: offered.category.en.clone(),
                why_zh: offered.why_zh,
                why_en: offered.why_en,
            });
            Ok((offered, None))
        }
        State::Filed(filing) => {
            let categories = all(db, tenant).await?;
            let units = organisation::store::units(db, tenant).await?;
            let own = categories.find(&filing.category);
            let offered = own.and_then(|own| suggest_unit(own, &dossier.facts.area, &units));
            let offered = offered.map(|offered| Likely {
                id: offered.unit.unit.clone(),
                zh: offered.unit.name_zh.clone(),
                en: offered.unit.name_en.clone(),
                why_zh: offered.why_zh,
                why_en: offered.why_en,
            });
            Ok((None, offered))
        }
        _ => Ok((None, None)),
    }
}

/// What the box read from the call, as far as it did.
async fn heard(app: &App, case: &Case) -> db::Result<Option<(String, Option<u8>)>> {
    if case.call_id.is_none() {
        return Ok(None);
    }
    let newest = list::incidents(&app.db, app.tenant().as_str(), &case.case_id, None, 1).await?;
    let incident = newest.first().and_then(|row| serde_json::from_str::<Incident>(&row.data).ok());
    let Some(Subject::Call(call)) = incident.map(|incident| incident.subject) else { return Ok(None) };
    let first = call.reading.and_then(|reading| reading.categories.into_iter().next());
    Ok(first.map(|offer| (offer.id, Some(offer.percent))))
}
