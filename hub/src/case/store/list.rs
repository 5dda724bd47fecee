//! SQL of lists: cases by page, and what is shown with each of many cases at once. Every query here has a bound.

use protocol::IncidentKind;

use super::{case_columns, visible};
use crate::args;
use crate::case::precision::Verdicts;
use crate::case::{
    Case, CaseEvidence, CaseFilter, CaseIncident, CaseState, Cursor, Group, JoinedCase, Preview, Source,
};
use crate::db::dialect::{Dialect, texts};
use crate::db::{Arg, Db, Result};
use crate::organisation::Level;

/// Cases that joined one, as far as they are shown with it.
const MOST_JOINED: i64 = 200;

const MOST_RULES: i64 = 1_000;

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

/// Counted at most: a page says of more that there are more.
pub const MOST_COUNTED: i64 = 1_000;

/// The number orders cases of one instant: `-999` comes before `-1000`. Compared as a row, as the index has it: with
/// `or` between the columns PostgreSQL sorts all cases for one page.
macro_rules! newest_first {
    ($part:expr) => {
        concat!(
            case_columns!(""),
            wanted!(),
            visible!("$10"),
            $part,
            " and (opened_at_ms, length(number), number) < ($11, length($12), $12)
             order by opened_at_ms desc, length(number) desc, number desc limit $13"
        )
    };
}

/// Severity's place, as `protocol::Severity` orders it. The index of waiting cases has the same words.
macro_rules! rank {
    () => {
        "case severity when 'emergency' then 0 when 'major' then 1 when 'normal' then 2 else 3 end"
    };
}

/// In the order of an index, so that no more is read than is counted.
macro_rules! counted {
    ($part:expr, $order:expr) => {
        concat!(
            "select count(*) from (select 1 from cases ",
            wanted!(),
            visible!("$10"),
            $part,
            " order by ",
            $order,
            " limit $11) counted"
        )
    };
}

const ALL: &str = newest_first!("");
/// The same of a state that no closed case has, without passing those over.
const OPEN: &str = newest_first!(" and closed_at_ms is null ");
const IN_HAND: &str = newest_first!(in_hand!());
const WAITING: &str = concat!(
    case_columns!(""),
    wanted!(),
    visible!("$10"),
    waiting!(),
    // The first part is for SQLite, which begins in the index by no row that has an expression in front.
    "and ",
    rank!(),
    " >= $14 and (",
    rank!(),
    ", opened_at_ms, length(number), number) > ($14, $11, length($12), $12)
     order by ",
    rank!(),
    ", opened_at_ms, length(number), number limit $13"
);

/// One page of cases, in the order of its group.
pub async fn list(db: &Db, tenant: &str, filter: &CaseFilter) -> Result<Vec<Case>> {
    let (sql, start) = match filter.group {
        Group::All if filter.state.is_some_and(CaseState::is_open) => {
            (OPEN, Cursor { at_ms: i64::MAX, ..Cursor::default() })
        }
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

/// How many cases all pages of a list have together, up to [`MOST_COUNTED`].
pub async fn count(db: &Db, tenant: &str, filter: &CaseFilter) -> Result<i64> {
    let sql = match filter.group {
        Group::All => counted!("", "opened_at_ms desc"),
        Group::InHand => counted!(in_hand!(), "opened_at_ms desc"),
        Group::Waiting => counted!(waiting!(), concat!(rank!(), ", opened_at_ms")),
    };
    counted(db, sql, tenant, filter).await
}

/// How many of them have ended.
pub async fn count_ended(db: &Db, tenant: &str, filter: &CaseFilter) -> Result<i64> {
    let sql = counted!(" and closed_at_ms is not null ", "opened_at_ms desc");
    counted(db, sql, tenant, filter).await
}

async fn counted(db: &Db, sql: &'static str, tenant: &str, filter: &CaseFilter) -> Result<i64> {
    let mut args = asked(tenant, filter);
    args.extend(args![MOST_COUNTED]);
    let (count,): (i64,) = db.fetch_one(sql, args).await?;
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

macro_rules! incidents {
    ($dialect:ident) => {
        concat!(
            "select incident_id, device_id, revision, phase, kind, severity, started_at_ms, updated_at_ms,
                    ended_at_ms, first_received_at_ms, received_at_ms, data
             from incidents where tenant = $1 and case_id in ",
            texts!($dialect, 2),
            " and (first_received_at_ms < $3 or (first_received_at_ms = $3 and incident_id < $4))
             order by first_received_at_ms desc, incident_id desc limit $5"
        )
    };
}

/// Incidents of these cases (one, and those that joined it) before `before`, newest first.
pub async fn incidents_of(
    db: &Db,
    tenant: &str,
    cases: impl Iterator<Item = &str>,
    before: Option<&Cursor>,
    limit: i64,
) -> Result<Vec<CaseIncident>> {
    let (at_ms, id) = before.map_or((i64::MAX, ""), |cursor| (cursor.at_ms, cursor.id.as_str()));
    let sql = match db.dialect() {
        Dialect::Sqlite => incidents!(sqlite),
        Dialect::Postgres => incidents!(postgres),
    };
    db.fetch_all(sql, args![tenant, listing(cases), at_ms, id, limit]).await
}

/// Incidents of a case before `before`, newest first.
pub async fn incidents(
    db: &Db,
    tenant: &str,
    case_id: &str,
    before: Option<&Cursor>,
    limit: i64,
) -> Result<Vec<CaseIncident>> {
    incidents_of(db, tenant, std::iter::once(case_id), before, limit).await
}

/// Cases that were joined to one and that this user may see, the first of them first: whoever works on the one that goes on
/// does not read the words of every caller about it by that.
pub async fn joined(db: &Db, tenant: &str, user: &str, number: &str) -> Result<Vec<JoinedCase>> {
    db.fetch_all(
        concat!(
            "select case_id, number, kind, title_zh, title_en, incident_count, coalesce(closed_at_ms, 0) as joined_at_ms,
                coalesce(joined_why, '') as why
         from cases where tenant = $1 and joined_into = $2",
            visible!("$4"),
            " order by closed_at_ms, number limit $3"
        ),
        args![tenant, number, MOST_JOINED, user],
    )
    .await
}

/// What became of the cases that each rule raised in a time, as far as this user may see them. A case that was joined is
/// what the one is that it was joined to.
pub async fn verdicts(
    db: &Db,
    tenant: &str,
    user: &str,
    from_ms: i64,
    before_ms: i64,
) -> Result<Vec<Verdicts>> {
    db.fetch_all(
        concat!(
            "select cases.correlation_key as source, max(cases.kind) as kind, count(*) as cases,
                    cast(sum(case when coalesce(t.void_reason, cases.void_reason, '') = 'false_alarm' then 1 else 0 end)
                         as bigint) as false_alarms,
                    cast(sum(case when coalesce(t.state, cases.state) in ('received', 'void') then 0 else 1 end)
                         as bigint) as confirmed
             from cases left join cases t on t.tenant = cases.tenant and t.number = cases.joined_into
             where cases.tenant = $1 and cases.source = 'camera' and cases.drill = 0
               and cases.opened_at_ms >= $2 and cases.opened_at_ms < $3",
            visible!("$4"),
            " group by cases.correlation_key order by 4 desc, 3 desc, 1 limit $5"
        ),
        args![tenant, from_ms, before_ms, user, MOST_RULES],
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
            " union
             select a.case_id, a.sha256, 'attachment' as kind, a.media_type, a.size_bytes, 'automatic' as delivery,
                    a.made_at_ms as starts_at_ms, cast(null as bigint) as duration_ms, cast(0 as bigint) as masked,
                    cast(null as text) as footage, cast(null as text) as copy_of, cast(0 as bigint) as blurred,
                    a.made_at_ms as stored_at_ms
             from attachments a where a.tenant = $1 and a.case_id in ",
            texts!($dialect, 3),
            " order by 7, 2"
        )
    };
}

/// Files of these incidents, and those that commands about these cases, or people, brought, by start of the file. What stays on
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

    /// The first page of each list, and the numbers beside it, are read off an index in the order of the list: how many
    /// cases there are does not matter. Of the two databases this one plans without having looked at what is there.
    #[tokio::test]
    async fn lists_are_read_in_the_order_of_an_index() {
        let test = crate::db::testing::databases().await.remove(0);
        let counts = |group| CaseFilter { group, user: "chief".to_owned(), ..CaseFilter::default() };
        for (sql, index, args) in [
            (WAITING, "cases_waiting_in_order", args![0_i64, "", 101_i64, -1_i64]),
            (IN_HAND, "cases_open", args![0_i64, "", 101_i64]),
            (OPEN, "cases_open", args![0_i64, "", 101_i64]),
            (ALL, "cases_by_opened", args![0_i64, "", 101_i64]),
            (
                counted!(waiting!(), concat!(rank!(), ", opened_at_ms")),
                "cases_waiting_in_order",
                args![100_i64],
            ),
            (counted!(in_hand!(), "opened_at_ms desc"), "cases_open", args![100_i64]),
        ] {
            let mut all = asked("main", &counts(Group::All));
            all.extend(args);
            let mut tx = test.db.begin_read().await.unwrap();
            let explained = sqlx::AssertSqlSafe(format!("explain query plan {sql}"));
            let plan: Vec<(i64, i64, i64, String)> = tx.fetch_all(explained, all).await.unwrap();
            let plan: Vec<String> = plan.into_iter().map(|(.., line)| line).collect();
            assert!(
                plan.iter().any(|line| line.contains(&format!("cases USING INDEX {index} "))),
                "{plan:#?}"
            );
            let sorted = plan.iter().any(|line| line.contains("TEMP B-TREE FOR ORDER BY"));
            assert!(!sorted, "{plan:#?}");
        }
    }

    #[test]
    fn wildcards_are_words() {
        assert_eq!(pattern("东关"), "%东关%");
        assert_eq!(pattern("100%_!"), "%100!%!_!!%");
        assert_eq!(pattern(""), "");
    }
}
