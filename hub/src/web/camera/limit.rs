//! Whether rules may be saved as they are: by how much they would ask of the people on duty.

use protocol::{Trial, UtcMs};

use crate::app::App;
use crate::camera::{At, Draft, TRIAL_HOLDS_MS, diff, text};
use crate::command::CommandRow;
use crate::db;
use crate::device;
use crate::web::wall::{self, Measure};

/// What the last hour says of changed rules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Limit {
    /// No rules, nothing that they raise.
    Quiet,
    Tried(Measure),
    /// Not tried, not answered, or too long ago.
    Untried,
}

impl Limit {
    /// They are saved with a written reason only.
    pub(super) fn needs_reason(self) -> bool {
        match self {
            Self::Quiet => false,
            Self::Tried(measure) => measure.over,
            Self::Untried => true,
        }
    }
}

/// The answer to a trial, while it says something.
pub(super) fn answer(row: Option<&CommandRow>, now: UtcMs) -> Option<Trial> {
    let row = row?;
    let answered = row.answered_at_ms?;
    (now.0 - answered <= TRIAL_HOLDS_MS).then(|| row.trial()).flatten()
}

/// All that rules would have raised. What has one cause becomes one case, so it is at most that many alerts.
pub(super) fn raised(trial: &Trial) -> i64 {
    i64::try_from(trial.incidents.len() as u64 + trial.left_out).unwrap_or(i64::MAX)
}

/// Judges rules by the newest answer to the question of exactly these.
pub(super) async fn judge(
    app: &App,
    at: &At,
    draft: &Draft,
    newest: Option<&CommandRow>,
) -> db::Result<Limit> {
    if draft.rules.is_empty() {
        return Ok(Limit::Quiet);
    }
    let Some(trial) = answer(newest, app.clock.now()) else { return Ok(Limit::Untried) };
    let area = device::store::area(&app.db, app.tenant().as_str(), at.origin.device.as_str()).await?;
    let area = area.unwrap_or_else(|| "/".to_owned());
    let measure = wall::measure(app, &area, raised(&trial), (trial.from, trial.to)).await?;
    Ok(Limit::Tried(measure))
}

/// Whether a draft has other rules than what is in force, and they are too loud or were not tried. A draft in which something is
/// wrong is told so first.
pub(crate) async fn needs_reason(
    app: &App,
    user: &str,
    at: &At,
    drawn: &str,
    draft: &Draft,
) -> db::Result<bool> {
    let camera = at.camera.as_str();
    let Ok(before) = text::read(drawn, camera) else { return Ok(false) };
    if !diff::is_for_rules(&diff::changes(&before, draft)) {
        return Ok(false);
    }
    let Ok(rules) = at.prepared(drawn, draft).and_then(|written| Ok(text::trial(&written, camera)?)) else {
        return Ok(false);
    };
    let asked = at.asked(app, user, &at.trial(rules), 1).await?;
    Ok(judge(app, at, draft, asked.first()).await?.needs_reason())
}
