//! SQL of the measurements.

use std::collections::HashMap;

use anyhow::Context as _;
use hub::app::App;
use hub::args;
use protocol::IncidentId;

/// The number of the case of each incident.
pub(crate) async fn numbers(app: &App) -> anyhow::Result<HashMap<IncidentId, String>> {
    let rows: Vec<(String, String)> = app
        .db
        .fetch_all(
            "select i.incident_id, c.number from incidents i
             join cases c on c.tenant = i.tenant and c.case_id = i.case_id where i.tenant = $1",
            args![app.tenant().as_str()],
        )
        .await?;
    let read =
        |(incident, number): (String, String)| Ok((incident.parse().context("an incident id")?, number));
    rows.into_iter().map(read).collect()
}
