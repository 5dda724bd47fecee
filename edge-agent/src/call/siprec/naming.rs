//! Whose leg a stream is, after the metadata. Pure.

use protocol::{CallId, Leg};

use super::super::caller::{self, Sealer};
use super::super::registry::Announcement;
use super::super::words::MAX_FIELD;
use super::offer::Metadata;

/// What is told of each stream, whose labels are `labels`. The first is the caller's, unless one of the senders is a
/// seat of ours: then that one is the operator's.
pub(super) fn told(
    call_id: CallId,
    labels: &[Option<String>],
    metadata: &Metadata,
    is_seat: impl Fn(&str) -> bool,
    sealer: &Sealer,
) -> Vec<Announcement> {
    let number = |label: &Option<String>| label.as_ref().and_then(|label| metadata.senders.get(label));
    let numbers: Vec<Option<&String>> = labels.iter().map(number).collect();
    let operator = numbers.iter().position(|n| n.is_some_and(|n| is_seat(n))).unwrap_or(1);
    let caller = numbers.iter().enumerate().find(|(index, _)| *index != operator).and_then(|(_, n)| *n);
    let seat = numbers.get(operator).copied().flatten();
    let leg = |index| if index == operator { Leg::Operator } else { Leg::Caller };
    (0..labels.len())
        .map(|index| Announcement {
            call_id: Some(call_id),
            leg: Some(leg(index)),
            caller_masked: caller.and_then(|number| caller::mask(number)),
            callback: caller.and_then(|number| sealer.seal(number)),
            seat: seat.filter(|seat| seat.chars().count() <= MAX_FIELD).cloned(),
            direction: None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    /// A seat that we know is the operator, wherever it stands; otherwise the second stream; without metadata the order
    /// alone counts.
    #[test]
    fn who_is_who() {
        let call = CallId(Uuid::from_u128(1));
        let labels = [Some("1".to_owned()), Some("2".to_owned())];
        let mut metadata = Metadata::default();
        let sides = |metadata: &Metadata| {
            told(call, &labels, metadata, |n| n == "8001", &Sealer::idle())
                .into_iter()
                .map(|t| t.leg.unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(sides(&metadata), [Leg::Caller, Leg::Operator]);
        metadata.senders.insert("1".into(), "8001".into());
        metadata.senders.insert("2".into(), "+8613812341234".into());
        assert_eq!(sides(&metadata), [Leg::Operator, Leg::Caller]);
        let first = told(call, &labels, &metadata, |n| n == "8001", &Sealer::idle()).remove(0);
        assert_eq!(
            (first.caller_masked.as_deref(), first.seat.as_deref()),
            (Some("138****1234"), Some("8001"))
        );
        let alone = told(call, &labels[..1], &metadata, |n| n == "8001", &Sealer::idle());
        assert_eq!(alone[0].leg, Some(Leg::Operator));
    }
}
