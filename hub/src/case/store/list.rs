//! SQL of lists: cases by page, and what is shown with each of many cases at once. Every query here has a bound.

use protocol::IncidentKind;

use super::{case_columns, visible};
use crate::args;
use crate::case::{Case, CaseEvidence, CaseFilter, CaseIncident, CaseState, Cursor, Group, Preview, Source};
use crate::db::dialect::{Dialect, texts};
use crate::db::{Arg, Db, Result};
use crate::organisation::Level;

/// What every list of cases asks, before its own part and order.
macro_rules! wanted {
    () => {
        "where tenant = $1 and ($2 = '' or state = $2) and ($3 = '' or kind = $3)
           and ($4 = '' or source = $4)
           and ($5 = '' or number = $5)
           and ($6 = '' or lower(number) like $6 escape '!' or lower(title_zh) like $6 escape '!'
                or lower(title_en) like $6 escape '!' or lower(coalesce(place, '')) like $6 escape '!'
                or lower(device_id) like $6 escape '!')
           and ($7 = '' or (state = 'received' and level = $7)) and ($8 = '' or lead_unit = $8)
           and ($9 = '' or substr(area, 1, length(cast($9 as text))) = $9) "
    };
}

macro_rules! waiting {
    () => {
        " and closed_at_ms is null and state = 'received' and acknowledged_at_ms is null "
    };
}

macro_rules! in_hand {
    () => {
        " and closed_at_ms is null and not (state = 'received' and acknowledged_at_ms is null) "
    };
}

/// The number orders cases of one instant: `-999` comes before `-1000`.
macro_rules! newest_first {
    ($part:expr) => {
        concat!(
            case_columns!(""),
            wanted!(),
            visible!("$10"),
            $part,
            " and (opened_at_ms < $11 or (opened_at_ms = $11 and (length(number) < length($12)
                   or (length(number) = length($12) and number < $12))))
             order by opened_at_ms desc, length(number) desc, number desc limit $13"
        )
    };
}

/// Severity's place, as `protocol::Severity` orders it.
macro_rules! rank {
    () => {
        "case severity when 'emergency' then 0 when 'major' then 1 when 'normal' then 2 else 3 end"
    };
}

const ALL: &str = newest_first!("");
const IN_HAND: &str = newest_first!(in_hand!());
const WAITING: &str = concat!(
    case_columns!(""),
    wanted!(),
    visible!("$10"),
    waiting!(),
    "and (",
    rank!(),
    " > $14 or (",
    rank!(),
    " = $14 and (opened_at_ms > $11 or (opened_at_ms = $11 and (length(number) > length($12)
          or (length(number) = length($12) and number > $12))))))
     order by ",
    rank!(),
    ", opened_at_ms, length(number), number limit $13"
);

/// One page of cases, in the order of its group.
pub async fn list(db: &Db, tenant: &str, filter: &CaseFilter) -> Result<Vec<Case>> {
    let (sql, start) = match filter.group {
        Group::All => (ALL, Cursor { at_ms: i64::MAX, ..Cursor::default() }),
        Group::InHand => (IN_HAND, Cursor { at_ms: i64::MAX, ..Cursor::default() }),
        Group::Waiting => (WAITING, Cursor { rank: -1, ..Cursor::default() }),
    };
    let after = filter.after.as_ref().unwrap_or(&start);
    let mut args = asked(tenant, filter);
    args.extend(args![after.at_ms, &after.id, if filter.limit > 0 { filter.limit.min(1000) } else { 100 }]);
    if filter.group == Group::Waiting {
        args.extend(args![after.rank]);
    }
    db.fetch_all(sql, args).await
}

/// How many cases all pages of a list have together.
pub async fn count(db: &Db, tenant: &str, filter: &CaseFilter) -> Result<i64> {
    let sql = match filter.group {
        Group::All => concat!("select count(*) from cases ", wanted!(), visible!("$10")),
        Group::InHand => concat!("select count(*) from cases ", wanted!(), visible!("$10"), in_hand!()),
        Group::Waiting => concat!("select count(*) from cases ", wanted!(), visible!("$10"), waiting!()),
    };
    let (count,): (i64,) = db.fetch_one(sql, asked(tenant, filter)).await?;
    Ok(count)
}

/// Arguments of [`wanted!`].
fn asked(tenant: &str, filter: &CaseFilter) -> Vec<Arg> {
    args![
        tenant,
        filter.state.map_or("", CaseState::as_str),
        filter.kind.map_or("", IncidentKind::as_str),
        filter.source.map_or("", Source::as_str),
        &filter.number,
        pattern(&filter.words),
        filter.level.map_or("", Level::as_str),
        &filter.unit,
        &filter.area,
        &filter.user
    ]
}

/// `%words%` with the words' own wildcards quoted; nothing for no words.
fn pattern(words: &str) -> String {
    if words.is_empty() {
        return String::new();
    }
    let quoted: String = words
        .to_lowercase()
        .chars()
        .flat_map(|c| if matches!(c, '%' | '_' | '!') { vec!['!', c] } else { vec![c] })
        .collect();
    format!("%{quoted}%")
}

/// Texts as one argument for a `texts!` list.
fn listing<'a>(items: impl Iterator<Item = &'a str>) -> String {
    items.collect::<serde_json::Value>().to_string()
}

macro_rules! previews {
    ($dialect:ident) => {
        concat!(
            "select c.case_id,
                    (select i.data from incidents i where i.tenant = c.tenant and i.case_id = c.case_id
                     order by i.first_received_at_ms desc, i.incident_id desc limit 1) as incident,
                    (select l.sha256 from incidents i
                     join evidence_links l on l.tenant = i.tenant and l.owner = 'incident'
                          and l.owner_id = i.incident_id and l.kind = 'snapshot' and l.delivery = 'automatic'
                     join evidence e on e.tenant = l.tenant and e.device_id = l.device_id and e.sha256 = l.sha256
                     where i.tenant = c.tenant and i.case_id = c.case_id
                     order by i.first_received_at_ms desc, i.incident_id desc limit 1) as picture,
                    (select l.sha256 from incidents i
                     join evidence_links l on l.tenant = i.tenant and l.owner = 'incident'
                          and l.owner_id = i.incident_id and l.kind = 'snapshot'
                     where i.tenant = c.tenant and i.case_id = c.case_id
                     order by i.first_received_at_ms desc, i.incident_id desc limit 1) as named
             from cases c where c.tenant = $1 and c.case_id in ",
            texts!($dialect, 2)
        )
    };
}

/// What a row shows of each of these cases: its newest incident and snapshot. The index on incidents by time makes
/// this a few look-ups per case, however many incidents the case has.
pub async fn previews(db: &Db, tenant: &str, cases: &[Case]) -> Result<Vec<Preview>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => previews!(sqlite),
        Dialect::Postgres => previews!(postgres),
    };
    db.fetch_all(sql, args![tenant, listing(cases.iter().map(|case| case.case_id.as_str()))]).await
}

/// Incidents of a case before `before`, newest first.
pub async fn incidents(
    db: &Db,
    tenant: &str,
    case_id: &str,
    before: Option<&Cursor>,
    limit: i64,
) -> Result<Vec<CaseIncident>> {
    let (at_ms, id) = before.map_or((i64::MAX, ""), |cursor| (cursor.at_ms, cursor.id.as_str()));
    db.fetch_all(
        "select incident_id, device_id, revision, phase, kind, severity, started_at_ms, updated_at_ms,
                ended_at_ms, first_received_at_ms, received_at_ms, data
         from incidents where tenant = $1 and case_id = $2
           and (first_received_at_ms < $3 or (first_received_at_ms = $3 and incident_id < $4))
         order by first_received_at_ms desc, incident_id desc limit $5",
        args![tenant, case_id, at_ms, id, limit],
    )
    .await
}

macro_rules! newest_incidents {
    ($dialect:ident) => {
        concat!(
            "select incident_id from (
                 select incident_id, row_number() over (
                     partition by case_id order by first_received_at_ms desc, incident_id desc) as nth
                 from incidents where tenant = $1 and case_id in ",
            texts!($dialect, 2),
            ") ranked where nth <= $3"
        )
    };
}

macro_rules! evidence {
    ($dialect:ident) => {
        concat!(
            "select i.case_id, l.sha256, l.kind, l.media_type, l.size_bytes, l.delivery, l.starts_at_ms,
                    l.duration_ms, l.masked, l.footage, l.copy_of, l.blurred,
                    case when l.delivery = 'automatic' or exists (
                        select 1 from evidence_links r
                        join commands m on m.tenant = r.tenant and m.command_id = r.owner_id
                        where r.tenant = l.tenant and r.owner = 'command' and r.sha256 = l.sha256
                          and r.device_id = l.device_id and m.case_id = i.case_id) then e.stored_at_ms end as stored_at_ms
             from incidents i
             join evidence_links l on l.tenant = i.tenant and l.owner = 'incident' and l.owner_id = i.incident_id
             left join evidence e on e.tenant = l.tenant and e.device_id = l.device_id and e.sha256 = l.sha256
             where i.tenant = $1 and i.incident_id in ",
            texts!($dialect, 2),
            " union
             select m.case_id, l.sha256, l.kind, l.media_type, l.size_bytes, l.delivery, l.starts_at_ms,
                    l.duration_ms, l.masked, l.footage, l.copy_of, l.blurred, e.stored_at_ms
             from commands m
             join evidence_links l on l.tenant = m.tenant and l.owner = 'command' and l.owner_id = m.command_id
             left join evidence e on e.tenant = l.tenant and e.device_id = l.device_id and e.sha256 = l.sha256
             where m.tenant = $1 and m.case_id in ",
            texts!($dialect, 3),
            " order by 7, 2"
        )
    };
}

/// Files of these incidents, and those that commands about these cases brought, by start of the file. What stays on
/// site until asked for is here for the case that asked, not for another that names equal content.
pub async fn evidence_of(
    db: &Db,
    tenant: &str,
    incidents: impl Iterator<Item = &str>,
    cases: &[Case],
) -> Result<Vec<CaseEvidence>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => evidence!(sqlite),
        Dialect::Postgres => evidence!(postgres),
    };
    let cases = listing(cases.iter().map(|case| case.case_id.as_str()));
    let mut rows: Vec<CaseEvidence> = db.fetch_all(sql, args![tenant, listing(incidents), cases]).await?;
    // The same file named by an incident and by a command's answer counts once.
    let mut seen = std::collections::HashSet::new();
    rows.retain(|row| seen.insert((row.case_id.clone(), row.sha256.clone())));
    Ok(rows)
}

/// Files of the newest incidents of each of these cases, and those that commands about them brought.
pub async fn newest_evidence(
    db: &Db,
    tenant: &str,
    cases: &[Case],
    incidents_each: i64,
) -> Result<Vec<CaseEvidence>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => newest_incidents!(sqlite),
        Dialect::Postgres => newest_incidents!(postgres),
    };
    let ids = listing(cases.iter().map(|case| case.case_id.as_str()));
    let incidents: Vec<(String,)> = db.fetch_all(sql, args![tenant, ids, incidents_each]).await?;
    evidence_of(db, tenant, incidents.iter().map(|(id,)| id.as_str()), cases).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_words() {
        assert_eq!(pattern("东关"), "%东关%");
        assert_eq!(pattern("100%_!"), "%100!%!_!!%");
        assert_eq!(pattern(""), "");
    }
}
