//! The hash chain of a case's history. Pure.

use sha2::{Digest, Sha256};

use super::HistoryEntry;

/// Before the first row.
pub const START: &str = "";

/// SHA-256 over a JSON array of the row's words and the hash before it: JSON strings cannot run into each other.
pub fn hash(
    case_id: &str,
    position: i64,
    at_ms: i64,
    actor: &str,
    action: &str,
    detail: &str,
    prev: &str,
) -> String {
    let canonical = serde_json::json!([case_id, position, at_ms, actor, action, detail, prev]).to_string();
    hex::encode(Sha256::digest(canonical))
}

/// The position of the first row that does not fit, if any. `last` is the hash of the row that should be the last:
/// it shows rows taken off the end. Rows may begin later than the first: then the first of them says what was
/// before, and its own hash vouches for that.
pub fn first_break(case_id: &str, rows: &[HistoryEntry], last: &str) -> Option<i64> {
    let first = rows.first().map_or(1, |row| row.position.max(1));
    let mut prev = if first == 1 { START.to_owned() } else { rows[0].prev_hash.clone() };
    for (index, row) in rows.iter().enumerate() {
        let position = first + index as i64;
        let expected = hash(case_id, position, row.at_ms, &row.actor, &row.action, &row.detail, &prev);
        if row.position != position || row.prev_hash != prev || row.hash != expected {
            return Some(position);
        }
        prev = expected;
    }
    (prev != last).then_some(first + rows.len() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Vec<HistoryEntry> {
        let mut prev = START.to_owned();
        (1..=3)
            .map(|position| {
                let (actor, action, detail) = ("hub", "joined", "{}");
                let hash = hash("c", position, position, actor, action, detail, &prev);
                let prev_hash = std::mem::replace(&mut prev, hash.clone());
                HistoryEntry {
                    position,
                    at_ms: position,
                    actor: actor.into(),
                    action: action.into(),
                    detail: detail.into(),
                    prev_hash,
                    hash,
                }
            })
            .collect()
    }

    /// A whole chain holds; a changed word, a missing row and a cut end each show, and where.
    #[test]
    fn tampering_shows() {
        let whole = chain();
        let last = whole[2].hash.clone();
        assert_eq!(first_break("c", &whole, &last), None);
        let mut changed = chain();
        changed[1].detail = "{\"x\":1}".into();
        assert_eq!(first_break("c", &changed, &last), Some(2));
        let mut missing = chain();
        missing.remove(1);
        assert_eq!(first_break("c", &missing, &last), Some(2));
        let mut tail = chain();
        tail.remove(0);
        assert_eq!(first_break("c", &tail, &last), None, "the end of a chain holds by itself");
        tail[0].prev_hash = "other".into();
        assert_eq!(first_break("c", &tail, &last), Some(2), "and knows what was before it");
        assert_eq!(first_break("c", &whole[..2], &last), Some(3));
        assert_eq!(first_break("other", &whole, &last), Some(1));
    }
}
