//! When something was written, by the clock of the telephone it was written on. Pure.
//!
//! Two times of one clock tell how long it waited there, however wrong that clock is; the time at which it says that it sends
//! tells how wrong. Both are kept beside when the hub got it and change nothing: limits run by the hub's clock.

use protocol::UtcMs;
use serde_json::{Map, Value, json};

/// What the history calls a row that says when a move was written.
pub const ACTION: &str = "written";
/// What waited for less, on a clock that is off by less, came at once.
const AT_ONCE_MS: i64 = 5 * 60_000;
/// 2000-01-01 and 2100-01-01: what a clock says outside of them is no time.
const SANE_MS: std::ops::Range<i64> = 946_684_800_000..4_102_444_800_000;

/// Epoch milliseconds by the sender's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub occurred_at: Option<i64>,
    pub sent_at: Option<i64>,
}

impl Written {
    /// Which field holds no time.
    pub fn wrong(self) -> Option<&'static str> {
        let odd = |at: Option<i64>| at.is_some_and(|at| !SANE_MS.contains(&at));
        if odd(self.occurred_at) {
            return Some("occurred_at: write epoch milliseconds");
        }
        odd(self.sent_at).then_some("X-Sent-At: write epoch milliseconds")
    }

    /// By how much the sender's clock is ahead of the hub's, on the way included.
    pub fn skew_ms(self, now: UtcMs) -> Option<i64> {
        self.sent_at.map(|sent| sent - now.0)
    }

    /// How long it waited on the telephone.
    pub fn waited_ms(self) -> Option<i64> {
        let (occurred, sent) = self.occurred_at.zip(self.sent_at)?;
        Some((sent - occurred).max(0))
    }

    /// What the history says of it.
    pub fn detail(self, now: UtcMs) -> Map<String, Value> {
        let mut detail = Map::new();
        let Some(occurred) = self.occurred_at else { return detail };
        detail.insert("occurred_at".to_owned(), json!(occurred));
        if let Some(skew) = self.skew_ms(now) {
            detail.insert("skew_ms".to_owned(), json!(skew));
        }
        detail
    }

    /// Whether it did not come at once, or by an odd clock.
    pub fn is_worth_a_row(self, now: UtcMs) -> bool {
        let Some(occurred) = self.occurred_at else { return false };
        let waited = self.waited_ms().unwrap_or_else(|| now.0 - occurred);
        let skew = self.skew_ms(now).unwrap_or(0);
        waited >= AT_ONCE_MS || skew.abs() >= AT_ONCE_MS
    }
}

/// When it was written as the hub's clock has it, and by how much the sender's was off where that matters: from the detail of
/// a history's row.
pub fn told(detail: &Value) -> Option<(UtcMs, Option<i64>)> {
    let occurred = detail.get("occurred_at")?.as_i64().filter(|at| SANE_MS.contains(at))?;
    let skew = detail.get("skew_ms").and_then(Value::as_i64).unwrap_or(0);
    Some((UtcMs(occurred - skew), Some(skew).filter(|skew| skew.abs() >= AT_ONCE_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMs = UtcMs(1_773_815_480_000);
    const HOUR: i64 = 3_600_000;

    /// A clock that is two hours ahead says so; how long it waited is right all the same, and so is when it was written.
    #[test]
    fn a_wrong_clock_is_noted() {
        let ahead = Written { occurred_at: Some(NOW.0 - HOUR), sent_at: Some(NOW.0 + 2 * HOUR) };
        assert_eq!((ahead.skew_ms(NOW), ahead.waited_ms()), (Some(2 * HOUR), Some(3 * HOUR)));
        let detail = Value::Object(ahead.detail(NOW));
        assert_eq!(detail, json!({ "occurred_at": NOW.0 - HOUR, "skew_ms": 2 * HOUR }));
        assert_eq!(told(&detail), Some((UtcMs(NOW.0 - 3 * HOUR), Some(2 * HOUR))));
        assert!(ahead.is_worth_a_row(NOW));
    }

    /// What comes at once by a right clock has no row of its own, what waited has one; what says nothing says nothing.
    #[test]
    fn what_waited_has_a_row() {
        let at_once = Written { occurred_at: Some(NOW.0 - 20_000), sent_at: Some(NOW.0 - 100) };
        assert!(!at_once.is_worth_a_row(NOW));
        let waited = Written { occurred_at: Some(NOW.0 - 48 * HOUR), sent_at: Some(NOW.0) };
        assert!(waited.is_worth_a_row(NOW));
        assert_eq!(told(&Value::Object(waited.detail(NOW))), Some((UtcMs(NOW.0 - 48 * HOUR), None)));
        let nothing = Written::default();
        assert!(!nothing.is_worth_a_row(NOW) && nothing.detail(NOW).is_empty());
        assert_eq!((nothing.wrong(), told(&json!({}))), (None, None));
    }

    #[test]
    fn odd_times_are_named() {
        let odd = |occurred_at, sent_at| Written { occurred_at, sent_at }.wrong();
        assert!(odd(Some(12), None).is_some_and(|why| why.starts_with("occurred_at")));
        assert!(odd(None, Some(i64::MAX)).is_some_and(|why| why.starts_with("X-Sent-At")));
        assert_eq!(odd(Some(NOW.0), Some(NOW.0)), None);
    }
}
