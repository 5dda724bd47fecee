//! What a transaction of intake works on: the cases and incidents of its messages, read together, changed in memory, written
//! together. A trip to the database for each would be what intake on PostgreSQL spends its time on.
//!
//! What lies here is newer than the tables. Who reads or writes cases by SQL in the same transaction clears it first; what is
//! asked for next is read anew.

use std::collections::{BTreeMap, HashMap};

use super::Head;
use super::head_columns;
use crate::args;
use crate::db::dialect::{Dialect, one_of};
use crate::db::{Arg, Insert, Result, Tx, from_row};
use protocol::{Incident, Origin, Subject};

const INCIDENTS: Insert = Insert {
    into: "insert into incidents (tenant, incident_id, device_id, revision, phase, kind, severity, camera_id, call_id,
               case_id, started_at_ms, updated_at_ms, ended_at_ms, first_received_at_ms, received_at_ms, drill, data)",
    tail: "on conflict (tenant, incident_id) do update set revision = excluded.revision, phase = excluded.phase,
               kind = excluded.kind, severity = excluded.severity, started_at_ms = excluded.started_at_ms,
               updated_at_ms = excluded.updated_at_ms, ended_at_ms = excluded.ended_at_ms,
               received_at_ms = excluded.received_at_ms, data = excluded.data
           where incidents.revision < excluded.revision",
};

/// Tenant, and what it is called there.
type Key = (String, String);

fn key(tenant: &str, name: &str) -> Key {
    (tenant.to_owned(), name.to_owned())
}

#[derive(Debug, Default)]
pub struct Desk {
    sources: HashMap<Key, Lying>,
    cases: BTreeMap<Key, Kept>,
    incidents: HashMap<Key, Option<OnFile>>,
    /// Incidents that are new or newer than their rows.
    unwritten: BTreeMap<Key, Vec<Arg>>,
    /// The last number of a day, as the table will have it.
    numbers: HashMap<Key, i64>,
}

/// What is known of a source.
#[derive(Debug)]
pub(super) struct Source {
    /// Its open case, or the one that was joined to a case that is open.
    pub case: Option<Head>,
    /// A person has put it aside.
    pub shelved: bool,
}

/// The same, with its case among [`Desk::cases`].
#[derive(Debug, Default)]
struct Lying {
    case_id: Option<String>,
    shelved: bool,
}

#[derive(Debug)]
struct Kept {
    head: Head,
    changed: bool,
}

/// What is known of an incident that is not new.
#[derive(Clone, Debug)]
pub struct OnFile {
    pub device_id: String,
    pub revision: i64,
    pub phase: String,
    pub case_id: String,
}

struct IncidentRow {
    incident_id: String,
    device_id: String,
    revision: i64,
    phase: String,
    case: Head,
}

from_row!(IncidentRow: incident_id, device_id, revision, phase; flat case);

struct SourceRow {
    correlation_key: String,
    closed: i64,
    opened_at_ms: i64,
    case: Head,
}

from_row!(SourceRow: correlation_key, closed, opened_at_ms; flat case);

impl Desk {
    /// Reads what is not here of these incidents and sources.
    pub async fn read(
        &mut self,
        tx: &mut Tx,
        tenant: &str,
        mut incidents: Vec<String>,
        mut sources: Vec<String>,
    ) -> Result<()> {
        incidents.retain(|id| !self.incidents.contains_key(&key(tenant, id)));
        sources.retain(|source| !self.sources.contains_key(&key(tenant, source)));
        self.read_incidents(tx, tenant, incidents).await?;
        self.read_sources(tx, tenant, sources).await
    }

    async fn read_incidents(&mut self, tx: &mut Tx, tenant: &str, ids: Vec<String>) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        for id in &ids {
            self.incidents.insert(key(tenant, id), None);
        }
        for row in incidents(tx, tenant, ids).await? {
            let IncidentRow { incident_id, device_id, revision, phase, case } = row;
            let known = OnFile { device_id, revision, phase, case_id: case.case_id.clone() };
            self.incidents.insert(key(tenant, &incident_id), Some(known));
            self.lay(tenant, case);
        }
        Ok(())
    }

    async fn read_sources(&mut self, tx: &mut Tx, tenant: &str, sources: Vec<String>) -> Result<()> {
        if sources.is_empty() {
            return Ok(());
        }
        for source in &sources {
            self.sources.insert(key(tenant, source), Lying::default());
        }
        let mut rows = cases_of(tx, tenant, sources.clone()).await?;
        // What is open goes before what was joined, the newest of that before the rest.
        rows.sort_by_key(|row| (row.closed == 0, row.opened_at_ms));
        for SourceRow { correlation_key, case, .. } in rows {
            let lying = self.sources.entry(key(tenant, &correlation_key)).or_default();
            lying.case_id = Some(case.case_id.clone());
            self.lay(tenant, case);
        }
        for source in shelved(tx, tenant, sources).await? {
            self.sources.entry(key(tenant, &source)).or_default().shelved = true;
        }
        Ok(())
    }

    /// A case as its row has it; what was changed here is newer.
    fn lay(&mut self, tenant: &str, head: Head) {
        self.cases.entry(key(tenant, &head.case_id)).or_insert(Kept { head, changed: false });
    }

    pub async fn incident(&mut self, tx: &mut Tx, tenant: &str, id: &str) -> Result<Option<OnFile>> {
        let name = key(tenant, id);
        if !self.incidents.contains_key(&name) {
            self.read_incidents(tx, tenant, vec![id.to_owned()]).await?;
        }
        Ok(self.incidents.get(&name).cloned().flatten())
    }

    pub(super) async fn source(&mut self, tx: &mut Tx, tenant: &str, source: &str) -> Result<Source> {
        let name = key(tenant, source);
        if !self.sources.contains_key(&name) {
            self.read_sources(tx, tenant, vec![source.to_owned()]).await?;
        }
        let lying = self.sources.get(&name);
        let case_id = lying.and_then(|lying| lying.case_id.as_ref());
        let case = case_id.and_then(|id| self.cases.get(&key(tenant, id))).map(|kept| kept.head.clone());
        Ok(Source { case, shelved: lying.is_some_and(|lying| lying.shelved) })
    }

    pub async fn case(&mut self, tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Head> {
        if let Some(kept) = self.cases.get(&key(tenant, case_id)) {
            return Ok(kept.head.clone());
        }
        let head = Head::read(tx, tenant, case_id).await?;
        self.lay(tenant, head.clone());
        Ok(head)
    }

    /// The next number of a local day. The tenant's lock keeps everybody else from it.
    pub(super) async fn next_number(&mut self, tx: &mut Tx, tenant: &str, day: &str) -> Result<String> {
        let name = key(tenant, day);
        let last = match self.numbers.get(&name) {
            Some(last) => *last,
            None => last_number(tx, tenant, day).await?,
        };
        self.numbers.insert(name, last + 1);
        Ok(crate::case::number::number(day, last + 1))
    }

    /// A case that was changed, with the source that goes on telling of it.
    pub fn put(
        &mut self,
        tx: &mut Tx,
        tenant: &str,
        source: Option<&str>,
        mut head: Head,
        now: protocol::UtcMs,
    ) {
        head.changes(tx, tenant, now);
        if let Some(lying) = source.and_then(|source| self.sources.get_mut(&key(tenant, source))) {
            lying.case_id = Some(head.case_id.clone());
        }
        self.cases.insert(key(tenant, &head.case_id), Kept { head, changed: true });
    }

    /// An incident as its newest revision tells it, in its case.
    pub fn put_incident(
        &mut self,
        origin: &Origin,
        incident: &Incident,
        case_id: &str,
        now: protocol::UtcMs,
    ) -> Result<()> {
        let (camera, call) = match &incident.subject {
            Subject::Camera(camera) => (Some(camera.camera_id.to_string()), None),
            Subject::Call(call) => (None, Some(call.call_id.to_string())),
            Subject::Device => (None, None),
        };
        let data = serde_json::to_string(incident).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let row = args![
            &origin.tenant,
            &incident.incident_id,
            &origin.device,
            i64::from(incident.revision),
            incident.phase.as_str(),
            incident.kind.as_str(),
            incident.severity.as_str(),
            camera,
            call,
            case_id,
            incident.started_at,
            incident.updated_at,
            incident.ended_at,
            now,
            now,
            incident.drill,
            data
        ];
        let name = key(origin.tenant.as_str(), &incident.incident_id.to_string());
        let known = OnFile {
            device_id: origin.device.to_string(),
            revision: i64::from(incident.revision),
            phase: incident.phase.as_str().to_owned(),
            case_id: case_id.to_owned(),
        };
        self.incidents.insert(name.clone(), Some(known));
        self.unwritten.insert(name, row);
        Ok(())
    }

    /// Writes what was changed and forgets everything.
    pub async fn clear(&mut self, tx: &mut Tx) -> Result<()> {
        let mut all = std::mem::take(self);
        let changed = all.cases.iter_mut().filter(|(_, kept)| kept.changed);
        Head::write_all(tx, changed.map(|((tenant, _), kept)| (tenant.as_str(), &mut kept.head))).await?;
        tx.insert(INCIDENTS, all.unwritten.into_values().collect()).await?;
        for ((tenant, day), last) in all.numbers {
            set_last_number(tx, &tenant, &day, last).await?;
        }
        Ok(())
    }
}

/// Those of these incidents that are known, with their cases.
async fn incidents(tx: &mut Tx, tenant: &str, ids: Vec<String>) -> Result<Vec<IncidentRow>> {
    macro_rules! asked {
        ($dialect:ident) => {
            concat!(
                "select i.incident_id, i.device_id, i.revision, i.phase, ",
                head_columns!("c."),
                " from incidents i join cases c on c.tenant = i.tenant and c.case_id = i.case_id
                 where i.tenant = $1 and ",
                one_of!($dialect, "i.incident_id", 2)
            )
        };
    }
    let sql = match tx.dialect() {
        Dialect::Sqlite => asked!(sqlite),
        Dialect::Postgres => asked!(postgres),
    };
    tx.fetch_all(sql, vec![Arg::from(tenant), Arg::texts(ids)]).await
}

/// Cases of these sources that are open, or were joined to one that is.
async fn cases_of(tx: &mut Tx, tenant: &str, sources: Vec<String>) -> Result<Vec<SourceRow>> {
    macro_rules! asked {
        ($dialect:ident) => {
            concat!(
                "select correlation_key, cast(0 as bigint) as closed, opened_at_ms, ",
                head_columns!(""),
                " from cases where tenant = $1 and closed_at_ms is null and ",
                one_of!($dialect, "correlation_key", 2),
                " union all select correlation_key, cast(1 as bigint) as closed, opened_at_ms, ",
                head_columns!(""),
                " from cases where tenant = $1 and closed_at_ms is not null and joined_into is not null and ",
                one_of!($dialect, "correlation_key", 2),
                " and exists (select 1 from cases t where t.tenant = cases.tenant and t.number = cases.joined_into
                              and t.closed_at_ms is null)"
            )
        };
    }
    let sql = match tx.dialect() {
        Dialect::Sqlite => asked!(sqlite),
        Dialect::Postgres => asked!(postgres),
    };
    tx.fetch_all(sql, vec![Arg::from(tenant), Arg::texts(sources)]).await
}

/// Those of these sources that are put aside.
async fn shelved(tx: &mut Tx, tenant: &str, sources: Vec<String>) -> Result<Vec<String>> {
    macro_rules! asked {
        ($dialect:ident) => {
            concat!(
                "select correlation_key from shelves where tenant = $1 and ended_ms is null and ",
                one_of!($dialect, "correlation_key", 2)
            )
        };
    }
    let sql = match tx.dialect() {
        Dialect::Sqlite => asked!(sqlite),
        Dialect::Postgres => asked!(postgres),
    };
    let rows: Vec<(String,)> = tx.fetch_all(sql, vec![Arg::from(tenant), Arg::texts(sources)]).await?;
    Ok(rows.into_iter().map(|(source,)| source).collect())
}

async fn last_number(tx: &mut Tx, tenant: &str, day: &str) -> Result<i64> {
    let row: Option<(i64,)> = tx
        .fetch_optional("select last from case_numbers where tenant = $1 and day = $2", args![tenant, day])
        .await?;
    Ok(row.map_or(0, |(last,)| last))
}

async fn set_last_number(tx: &mut Tx, tenant: &str, day: &str, last: i64) -> Result<()> {
    tx.execute(
        "insert into case_numbers (tenant, day, last) values ($1, $2, $3)
         on conflict (tenant, day) do update set last = excluded.last",
        args![tenant, day, last],
    )
    .await?;
    Ok(())
}
