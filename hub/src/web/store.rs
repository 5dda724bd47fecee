//! SQL that only pages need: many incidents or files at once.

use crate::args;
use crate::case::{Case, CaseEvidence};
use crate::db::{Db, Result};

/// Case and newest text of each incident of these cases.
pub(super) async fn incident_data(db: &Db, tenant: &str, cases: &[Case]) -> Result<Vec<(String, String)>> {
    let opened = cases.iter().map(|case| case.opened_at_ms);
    let (Some(first), Some(last)) = (opened.clone().min(), opened.max()) else { return Ok(Vec::new()) };
    db.fetch_all(
        "select i.case_id, i.data from cases c
         join incidents i on i.tenant = c.tenant and i.case_id = c.case_id
         where c.tenant = $1 and c.opened_at_ms between $2 and $3 and c.camera_id is not null",
        args![tenant, first, last],
    )
    .await
}

/// Open cases: all that wait for somebody first, then the newest.
pub(super) async fn open_cases(db: &Db, tenant: &str, limit: i64) -> Result<Vec<(String,)>> {
    db.fetch_all(
        "select number from cases where tenant = $1 and closed_at_ms is null
         order by case when state = 'received' and acknowledged_at_ms is null then 0 else 1 end,
                  opened_at_ms desc limit $2",
        args![tenant, limit],
    )
    .await
}

/// Numbers of cases whose number, title, place or device holds the words; newest first.
pub(super) async fn find(db: &Db, tenant: &str, pattern: &str, limit: i64) -> Result<Vec<(String,)>> {
    db.fetch_all(
        "select number from cases where tenant = $1 and (lower(number) like $2 escape '!'
             or lower(title_zh) like $2 escape '!' or lower(title_en) like $2 escape '!'
             or lower(coalesce(place, '')) like $2 escape '!' or lower(device_id) like $2 escape '!')
         order by opened_at_ms desc limit $3",
        args![tenant, pattern, limit],
    )
    .await
}

/// `%words%` with the words' own wildcards quoted.
pub(super) fn pattern(words: &str) -> String {
    let quoted: String = words
        .to_lowercase()
        .chars()
        .flat_map(|c| if matches!(c, '%' | '_' | '!') { vec!['!', c] } else { vec![c] })
        .collect();
    format!("%{quoted}%")
}

/// Files that came as the answers of a device's commands; `case_id` holds the command's id.
pub(super) async fn answers_of(db: &Db, tenant: &str, device_id: &str) -> Result<Vec<CaseEvidence>> {
    db.fetch_all(
        "select l.owner_id as case_id, l.sha256, l.kind, l.media_type, l.size_bytes, l.delivery, l.starts_at_ms,
                l.duration_ms, l.masked, e.stored_at_ms
         from evidence_links l left join evidence e on e.tenant = l.tenant and e.sha256 = l.sha256
         where l.tenant = $1 and l.owner = 'command' and ($2 = '' or l.device_id = $2) and l.kind = 'still'
         order by l.starts_at_ms desc limit 200",
        args![tenant, device_id],
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_words() {
        assert_eq!(pattern("东关"), "%东关%");
        assert_eq!(pattern("100%_!"), "%100!%!_!!%");
    }
}
