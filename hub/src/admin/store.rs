//! SQL of the audit, of the access register as it is read, of what waits to be confirmed, and of who holds which office.

use protocol::UtcMs;

use super::audit::{self, Change, Deed};
use super::looks::{self, Look};
use super::{By, Cursor};
use crate::args;
use crate::db::{Arg, Db, Result, Tx, from_row};

pub(super) async fn add_audit(
    tx: &mut Tx,
    tenant: &str,
    by: &By,
    change: &Change<'_>,
    (before, after): (&str, &str),
) -> Result<()> {
    tx.execute(
        "insert into audit (tenant, audit_id, made_at_ms, made_by, act, subject, area, old_value, new_value)
         select cast($1 as text), coalesce(max(audit_id), 0) + 1, cast($2 as bigint), cast($3 as text),
                cast($4 as text), cast($5 as text), cast($6 as text), cast($7 as text), cast($8 as text)
         from audit where tenant = $1",
        args![
            tenant,
            by.at,
            &by.who,
            change.deed.as_str(),
            change.subject,
            change.area.as_str(),
            before,
            after
        ],
    )
    .await?;
    Ok(())
}

const POSITION: &str = "select coalesce(max(audit_id), 0) from audit where tenant = $1";

/// The newest row of the audit; 0 before the first.
pub(super) async fn position(db: &Db, tenant: &str) -> Result<i64> {
    let (newest,): (i64,) = db.fetch_one(POSITION, args![tenant]).await?;
    Ok(newest)
}

pub(super) async fn position_in(tx: &mut Tx, tenant: &str) -> Result<i64> {
    let (newest,): (i64,) = tx.fetch_one(POSITION, args![tenant]).await?;
    Ok(newest)
}

/// `$2` is who looks: he sees what he did himself, and what concerns the areas that he administers or audits.
macro_rules! audit {
    ($by_index:literal) => {
        concat!(
            "select audit_id, made_at_ms, made_by, act, subject, area, old_value, new_value from audit
             where tenant = $1 and made_at_ms >= $3 and made_at_ms < $4 and (made_at_ms, audit_id) < ($5, $6) ",
            $by_index,
            " and (cast($7 as text) = '' or act = $7) and (cast($8 as text) = '' or made_by = $8)
              and (cast($9 as text) = '' or subject = $9)
              and (made_by = 'user:' || cast($2 as text) or exists (
                  select 1 from grants g
                  where g.tenant = audit.tenant and g.user_name = $2 and g.role in ('administrator', 'auditor')
                    and substr(audit.area, 1, length(g.area)) = g.area))
              order by made_at_ms desc, audit_id desc limit $10"
        )
    };
}

pub(super) async fn audit(
    db: &Db,
    tenant: &str,
    asked: &audit::Asked,
    limit: i64,
) -> Result<Vec<audit::Row>> {
    let act = asked.act.map_or("", Deed::as_str);
    // Each has an index of its own.
    let sql = if !asked.subject.is_empty() {
        audit!("and subject = $9")
    } else if !asked.by.is_empty() {
        audit!("and made_by = $8")
    } else if !act.is_empty() {
        audit!("and act = $7")
    } else {
        audit!("")
    };
    let (from, to) = span(asked.from, asked.to);
    let after = asked.after.as_ref();
    let (at, id) = after.map_or((i64::MAX, i64::MAX), |after| (after.at_ms, after.id.parse().unwrap_or(0)));
    let args = args![tenant, &asked.viewer, from, to, at, id, act, &asked.by, &asked.subject, limit];
    db.fetch_all(sql, args).await
}

fn span(from: Option<UtcMs>, to: Option<UtcMs>) -> (i64, i64) {
    (from.map_or(i64::MIN, |at| at.0), to.map_or(i64::MAX, |at| at.0))
}

pub(super) async fn newest(db: &Db, tenant: &str, deed: Deed) -> Result<Option<(i64, String)>> {
    db.fetch_optional(
        "select made_at_ms, made_by from audit where tenant = $1 and act = $2
         order by made_at_ms desc, audit_id desc limit 1",
        args![tenant, deed.as_str()],
    )
    .await
}

macro_rules! looked {
    ($by_index:literal) => {
        concat!(
            "select r.at_ms, r.access_id as id, r.user_name, r.kind, r.act, r.purpose, r.case_number, r.sha256, r.call_id
             from access_register r
             where r.tenant = $1 and r.at_ms >= $3 and r.at_ms < $4 and (r.at_ms, r.access_id) < ($5, $6) ",
            $by_index,
            " and (cast($7 as text) = '' or r.user_name = $7) and (cast($8 as text) = '' or r.case_number = $8)
              and exists (
                  select 1 from grants g
                  where g.tenant = r.tenant and g.user_name = $2 and g.role in ('administrator', 'auditor')
                    and (g.area = '/' or exists (
                        select 1 from cases c
                        where c.tenant = r.tenant and c.number = r.case_number
                          and substr(c.area, 1, length(g.area)) = g.area)))
              order by r.at_ms desc, r.access_id desc limit $9"
        )
    };
}

macro_rules! requested {
    ($by_index:literal) => {
        concat!(
            "select m.issued_at_ms as at_ms, m.command_id as id, m.issued_by as user_name, m.name as kind,
                    cast('ask' as text) as act, m.purpose, c.number as case_number, cast('' as text) as sha256,
                    cast(null as text) as call_id
             from commands m left join cases c on c.tenant = m.tenant and c.case_id = m.case_id
             where m.tenant = $1 and m.issued_at_ms >= $3 and m.issued_at_ms < $4
               and (m.issued_at_ms, m.command_id) < ($5, $6) and m.name in ('recording', 'still', 'clip') ",
            $by_index,
            " and (cast($7 as text) = '' or m.issued_by = $7) and (cast($8 as text) = '' or c.number = $8)
              and exists (
                  select 1 from grants g
                  where g.tenant = m.tenant and g.user_name = $2 and g.role in ('administrator', 'auditor')
                    and (g.area = '/'
                         or (c.case_id is not null and substr(c.area, 1, length(g.area)) = g.area)))
              order by m.issued_at_ms desc, m.command_id desc limit $9"
        )
    };
}

fn looks_args(tenant: &str, asked: &looks::Asked, limit: i64) -> Vec<Arg> {
    let (from, to) = span(asked.from, asked.to);
    let first = Cursor { at_ms: i64::MAX, id: String::new() };
    let after = asked.after.as_ref().unwrap_or(&first);
    args![tenant, &asked.viewer, from, to, after.at_ms, &after.id, &asked.person, &asked.case_number, limit]
}

pub(super) async fn looked(db: &Db, tenant: &str, asked: &looks::Asked, limit: i64) -> Result<Vec<Look>> {
    let sql = if !asked.case_number.is_empty() {
        looked!("and r.case_number = $8")
    } else if !asked.person.is_empty() {
        looked!("and r.user_name = $7")
    } else {
        looked!("")
    };
    db.fetch_all(sql, looks_args(tenant, asked, limit)).await
}

pub(super) async fn requested(db: &Db, tenant: &str, asked: &looks::Asked, limit: i64) -> Result<Vec<Look>> {
    let sql = if !asked.case_number.is_empty() {
        requested!("and m.case_id = (select n.case_id from cases n where n.tenant = $1 and n.number = $8)")
    } else if !asked.person.is_empty() {
        requested!("and m.issued_by = $7")
    } else {
        requested!("")
    };
    db.fetch_all(sql, looks_args(tenant, asked, limit)).await
}

/// What was tried on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftRow {
    pub(super) sha256: String,
    pub(super) options: String,
    pub(super) content: Vec<u8>,
}

from_row!(DraftRow: sha256, options, content);

pub(super) async fn put_draft(
    db: &Db,
    tenant: &str,
    (user, kind): (&str, &str),
    draft: &DraftRow,
    now: UtcMs,
) -> Result<()> {
    db.execute(
        "insert into import_drafts (tenant, user_name, kind, sha256, options, content, made_at_ms)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant, user_name, kind) do update set sha256 = excluded.sha256, options = excluded.options,
             content = excluded.content, made_at_ms = excluded.made_at_ms",
        args![tenant, user, kind, &draft.sha256, &draft.options, draft.content.clone(), now],
    )
    .await?;
    Ok(())
}

pub(super) async fn draft(db: &Db, tenant: &str, user: &str, kind: &str) -> Result<Option<DraftRow>> {
    db.fetch_optional(
        "select sha256, options, content from import_drafts
         where tenant = $1 and user_name = $2 and kind = $3",
        args![tenant, user, kind],
    )
    .await
}

/// Takes one away; of several who ask at once one gets it.
pub(super) async fn take_draft(
    db: &Db,
    tenant: &str,
    (user, kind): (&str, &str),
    sha256: &str,
) -> Result<bool> {
    let taken = db
        .execute(
            "delete from import_drafts where tenant = $1 and user_name = $2 and kind = $3 and sha256 = $4",
            args![tenant, user, kind, sha256],
        )
        .await?;
    Ok(taken > 0)
}

/// Those that nobody confirmed.
pub(super) async fn forget_drafts(db: &Db, before_ms: i64) -> Result<u64> {
    db.execute("delete from import_drafts where made_at_ms < $1", args![before_ms]).await
}

/// Where, and in which unit, somebody who can log in has a role.
pub(super) async fn held(db: &Db, tenant: &str, role: &str) -> Result<Vec<(String, String)>> {
    db.fetch_all(
        "select distinct g.area, g.unit from grants g
         join users u on u.tenant = g.tenant and u.name = g.user_name
         where g.tenant = $1 and g.role = $2 and u.locked_at_ms is null and u.removed_at_ms is null",
        args![tenant, role],
    )
    .await
}
