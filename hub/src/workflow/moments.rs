//! What comes when for a clock that runs. Pure.

use protocol::UtcMs;

use super::{Card, ClockKind};
use crate::calendar::{Limit, Pause};
use crate::policy::Policy;

/// What the engine does at a moment of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Its end is near.
    Warn,
    /// 催办
    Remind,
    /// 督办
    Show(Card),
}

/// Moments of a clock in their order: warned when most of it has run, and at its end and after it reminded; a unit that is
/// late with its work is shown cards as well. `limit` and `start` as it was given, `due` its end with all extensions.
pub fn moments(
    policy: &Policy,
    kind: ClockKind,
    limit: Limit,
    start: UtcMs,
    due: UtcMs,
    pauses: &[Pause],
) -> Vec<(UtcMs, Deed)> {
    let (calendar, own) = (&policy.calendar, &policy.reminders);
    let pauses = if kind == ClockKind::Handle { pauses } else { &[] };
    let mut all = Vec::new();
    all.extend(calendar.share(start, due, own.before_percent, limit.unit, pauses).map(|at| (at, Deed::Warn)));
    let after = |limit| calendar.due(due, limit, pauses);
    if kind == ClockKind::Handle {
        all.push((due, Deed::Show(Card::Yellow)));
        all.extend(after(own.remind).map(|at| (at, Deed::Remind)));
        all.extend(after(own.red).map(|at| (at, Deed::Show(Card::Red))));
        all.extend(after(own.black).map(|at| (at, Deed::Show(Card::Black))));
    } else {
        all.push((due, Deed::Remind));
        all.extend(after(own.remind).map(|at| (at, Deed::Remind)));
    }
    all.sort_by_key(|(at, _)| at.0);
    all
}

#[cfg(test)]
mod tests {
    use jiff::tz::{Offset, TimeZone};

    use super::*;
    use crate::policy::DEFAULT;

    /// Three working days from Wednesday 10:00: warned on Monday, a yellow card at the end, 催办 a working day later, red and
    /// black after five and ten.
    #[test]
    fn a_late_unit_is_told_and_shown() {
        let zone = TimeZone::fixed(Offset::constant(8));
        let policy = Policy::read(DEFAULT, 1, &zone).unwrap();
        let start = UtcMs(1_773_799_200_000);
        let limit: Limit = "3 working days".parse().unwrap();
        let due = policy.calendar.due(start, limit, &[]).unwrap();
        let found: Vec<String> = moments(&policy, ClockKind::Handle, limit, start, due, &[])
            .into_iter()
            .map(|(at, deed)| {
                let local = zone.to_datetime(jiff::Timestamp::from_millisecond(at.0).unwrap());
                format!("{} {deed:?}", local.strftime("%m-%d %H:%M"))
            })
            .collect();
        let wanted = [
            "03-23 08:52 Warn",
            "03-23 18:00 Show(Yellow)",
            "03-24 18:00 Remind",
            "03-30 18:00 Show(Red)",
            "04-07 18:00 Show(Black)",
        ];
        assert_eq!(found, wanted);
        let hour: Limit = "1 hour".parse().unwrap();
        let triage = moments(&policy, ClockKind::Triage, hour, start, start.plus_ms(3_600_000), &[]);
        assert_eq!(
            triage.iter().map(|(_, deed)| *deed).collect::<Vec<_>>(),
            [Deed::Warn, Deed::Remind, Deed::Remind]
        );
        assert_eq!(triage[0].0, start.plus_ms(45 * 60_000));
    }
}
