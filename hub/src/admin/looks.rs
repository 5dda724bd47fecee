//! The access register: who looked at which file or number, when and what for, and who asked a box for a recording or a
//! picture.
//!
//! Two tables, one list: what was looked at (`access_register`), and what was asked for and may not have come (`commands`).
//! Whoever administers or audits an area sees the looks at its cases; those at no case only who has everything.

use protocol::UtcMs;

use super::{Cursor, store};
use crate::db::{Db, Result};

/// Rows of one page.
pub const PAGE: usize = 100;
/// Rows of a download.
pub const MOST_CSV: usize = 20_000;

/// One look, or one request.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Look {
    pub at_ms: i64,
    pub id: String,
    pub user_name: String,
    /// Of the file, or what was asked of a box: `recording`, `still`, `clip`.
    pub kind: String,
    /// `view`, `download`, `listen`, `see`, `print`, or `ask`.
    pub act: String,
    pub purpose: String,
    /// Nothing: of no case.
    pub case_number: Option<String>,
    /// Of the file; nothing of a number, of a request, or of a list.
    pub sha256: String,
    pub call_id: Option<String>,
}

crate::db::from_row!(Look: at_ms, id, user_name, kind, act, purpose, case_number, sha256, call_id);

/// Which rows are asked for; nothing in a field is all.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub viewer: String,
    pub person: String,
    pub case_number: String,
    pub from: Option<UtcMs>,
    pub to: Option<UtcMs>,
    pub after: Option<Cursor>,
}

/// Rows of one page, the newest first, and where the next one begins.
pub async fn page(db: &Db, tenant: &str, asked: &Asked, most: usize) -> Result<(Vec<Look>, Option<Cursor>)> {
    let limit = most as i64 + 1;
    let looked = store::looked(db, tenant, asked, limit).await?;
    let requested = store::requested(db, tenant, asked, limit).await?;
    Ok(merge(looked, requested, most))
}

/// Of two lists the first rows of both together.
fn merge(looked: Vec<Look>, requested: Vec<Look>, most: usize) -> (Vec<Look>, Option<Cursor>) {
    let mut all = looked;
    all.extend(requested);
    all.sort_by(|a, b| (b.at_ms, &b.id).cmp(&(a.at_ms, &a.id)));
    let more = all.len() > most;
    all.truncate(most);
    let last = all.last().filter(|_| more);
    let next = last.map(|look| Cursor { at_ms: look.at_ms, id: look.id.clone() });
    (all, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(at_ms: i64, id: &str) -> Look {
        Look {
            at_ms,
            id: id.into(),
            user_name: "seat03".into(),
            kind: "recording".into(),
            act: "listen".into(),
            purpose: String::new(),
            case_number: None,
            sha256: String::new(),
            call_id: None,
        }
    }

    /// The newest of both come first; a page that is full says where the next one begins, the last one does not.
    #[test]
    fn two_lists_are_one() {
        let (page, next) = merge(vec![look(9, "a"), look(5, "b")], vec![look(7, "c"), look(5, "d")], 3);
        let ids: Vec<&str> = page.iter().map(|look| look.id.as_str()).collect();
        assert_eq!(ids, ["a", "c", "d"]);
        let next = next.unwrap();
        assert_eq!(Cursor::read(&next.to_string()), Some(Cursor { at_ms: 5, id: "d".into() }));
        assert_eq!(merge(vec![look(1, "a")], vec![look(2, "b")], 2).1, None);
    }
}
