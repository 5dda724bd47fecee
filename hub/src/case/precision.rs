//! How often each rule was right: 误报 verdicts of people, rule by rule. Drills count nowhere.

use serde::Serialize;

use super::store;
use crate::db::{Db, Result, from_row};

/// What became of the cases that one rule of one camera raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdicts {
    /// `camera/BOX/CAMERA/RULE`
    pub source: String,
    pub kind: String,
    pub cases: i64,
    pub false_alarms: i64,
    /// Filed, handled or closed: somebody found it to be so.
    pub confirmed: i64,
}

from_row!(Verdicts: source, kind, cases, false_alarms, confirmed);

/// A rule with how often it was right.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct RulePrecision {
    pub device_id: String,
    pub camera_id: String,
    pub rule_id: String,
    /// Of its newest incidents.
    pub kind: String,
    pub cases: i64,
    pub false_alarms: i64,
    pub confirmed: i64,
    /// Nobody has said yet, or it ended for another reason.
    pub undecided: i64,
    /// Confirmed among those that somebody has judged; nothing before anybody has.
    pub precision: Option<f64>,
    /// 95 % (Wilson): few verdicts say little.
    pub precision_low: Option<f64>,
    pub precision_high: Option<f64>,
}

impl From<Verdicts> for RulePrecision {
    fn from(row: Verdicts) -> Self {
        let mut parts = row.source.splitn(4, '/').skip(1).map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        let (device_id, camera_id, rule_id) = (next(), next(), next());
        let judged = row.confirmed + row.false_alarms;
        let interval = wilson(row.confirmed, judged);
        Self {
            device_id,
            camera_id,
            rule_id,
            kind: row.kind,
            cases: row.cases,
            false_alarms: row.false_alarms,
            confirmed: row.confirmed,
            undecided: row.cases - judged,
            precision: (judged > 0).then(|| row.confirmed as f64 / judged as f64),
            precision_low: interval.map(|both| both.0),
            precision_high: interval.map(|both| both.1),
        }
    }
}

/// Rules whose cases were opened in a time (from, before) and that this user may see; those with most false alarms first.
pub async fn of_rules(
    db: &Db,
    tenant: &str,
    user: &str,
    (from_ms, before_ms): (i64, i64),
) -> Result<Vec<RulePrecision>> {
    let rows = store::list::verdicts(db, tenant, user, from_ms, before_ms).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Score interval of a share, 95 %; nothing without any. Wilson, JASA 22 (1927) 209.
pub fn wilson(hits: i64, all: i64) -> Option<(f64, f64)> {
    const Z: f64 = 1.959_964;
    if all <= 0 {
        return None;
    }
    let (n, p) = (all as f64, hits as f64 / all as f64);
    let middle = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + Z * Z / n;
    Some((((middle - half) / whole).max(0.0), ((middle + half) / whole).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures worked out by hand; nothing is said of nothing.
    #[test]
    fn intervals_are_wilsons() {
        assert_eq!(wilson(0, 0), None);
        let (low, high) = wilson(8, 10).unwrap();
        assert!((low - 0.490_16).abs() < 1e-4 && (high - 0.943_3).abs() < 1e-4, "{low} {high}");
        let (low, high) = wilson(10, 10).unwrap();
        assert!((low - 0.722_5).abs() < 1e-3 && (high - 1.0).abs() < 1e-9, "{low} {high}");
    }

    /// A rule nobody has judged has no precision; one that was judged has it of the judged alone.
    #[test]
    fn only_verdicts_count() {
        let row = |false_alarms, confirmed| Verdicts {
            source: "camera/box-1/c1/night/extra".into(),
            kind: "intrusion".into(),
            cases: 12,
            false_alarms,
            confirmed,
        };
        let none = RulePrecision::from(row(0, 0));
        assert_eq!((none.precision, none.precision_low, none.undecided), (None, None, 12));
        let some = RulePrecision::from(row(2, 6));
        assert_eq!((some.precision, some.undecided), (Some(0.75), 4));
        assert_eq!((some.device_id.as_str(), some.camera_id.as_str()), ("box-1", "c1"));
        assert_eq!(some.rule_id, "night/extra");
    }
}
