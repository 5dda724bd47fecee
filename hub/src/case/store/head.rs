//! A case while a transaction works on it: read once, changed in memory, saved once. The tenant's lock makes that
//! safe; the history rows are written with the commit.

use protocol::{Incident, Origin, Severity, Subject, UtcMs};
use serde_json::{Value, json};

use super::{actor, next_number, set_waiting};
use crate::args;
use crate::case::{Source, history};
use crate::change::{self, ChangeTopic};
use crate::correlation::Cause;
use crate::db::from_row;
use crate::db::{Insert, Result, Tx};
use crate::grid::Grids;
use crate::organisation::{self, AreaPath, Level};
use crate::policy::Policies;
use crate::workflow::{self, Dossier, Facts};

const HISTORY: Insert = Insert {
    into: "insert into case_history (tenant, case_id, position, at_ms, actor, action, detail, prev_hash, hash)",
    tail: "",
};

/// For so long whoever acknowledged a case has seen what joins it as well.
const IN_HAND_MS: i64 = 10 * 60_000;

/// What of a case changes with its incidents.
#[derive(Clone, Debug)]
pub struct Head {
    pub case_id: String,
    number: String,
    severity: String,
    incident_count: i64,
    history_count: i64,
    history_hash: String,
}

from_row!(Head: case_id, number, severity, incident_count, history_count, history_hash);

/// What a new case gets from outside.
#[derive(Clone, Copy, Debug)]
pub struct NewCase<'a> {
    pub case_id: &'a str,
    /// Local day of the number.
    pub day: &'a str,
    pub now: UtcMs,
    pub policies: &'a Policies,
    pub grids: &'a Grids,
}

/// Puts a new incident into the open case of its cause, or opens one; to be saved by the caller.
pub async fn open_or_join(
    tx: &mut Tx,
    origin: &Origin,
    incident: &Incident,
    cause: &Cause,
    new: NewCase<'_>,
) -> Result<Head> {
    let tenant = origin.tenant.as_str();
    let known: Option<Head> = tx
        .fetch_optional(
            "select case_id, number, severity, incident_count, history_count, history_hash from cases
             where tenant = $1 and correlation_key = $2 and (closed_at_ms is null or $3 = 1)
             order by opened_at_ms desc limit 1",
            args![tenant, &cause.key, cause.joins_closed],
        )
        .await?;
    let (mut head, action) = match known {
        Some(head) => (head, "joined"),
        None => (open(tx, origin, incident, cause, new).await?, "opened"),
    };
    if action == "joined" && incident.severity == Severity::Emergency && !incident.drill {
        alarm_again(tx, tenant, &head.case_id, new).await?;
    }
    head.incident_count += 1;
    let about = json!({ "incident_id": incident.incident_id, "kind": incident.kind, "started_at": incident.started_at });
    head.note(tx, tenant, new.now, &actor(origin, incident), action, &about);
    head.raise(tx, origin, incident, new.now);
    Ok(head)
}

/// Where an incident is: the grid of its place, by the map in force and with its version; else where its box stands.
async fn place(
    tx: &mut Tx,
    origin: &Origin,
    incident: &Incident,
    grids: &Grids,
) -> Result<(String, Option<i64>)> {
    let tenant = origin.tenant.as_str();
    // A call centre is nowhere near what its callers tell of.
    let own = incident.place.as_ref().filter(|_| !matches!(incident.subject, Subject::Call(_)));
    if let Some((latitude, longitude)) = own.and_then(|place| place.latitude.zip(place.longitude))
        && let Some(index) = grids.newest_in(tx, tenant).await?
        && let Some(path) = index.at(longitude, latitude)
    {
        return Ok((path.as_str().to_owned(), Some(index.version)));
    }
    let row: Option<(String,)> = tx
        .fetch_optional(
            "select area from devices where tenant = $1 and device_id = $2",
            args![tenant, &origin.device],
        )
        .await?;
    Ok((row.map_or_else(|| "/".to_owned(), |(area,)| area), None))
}

/// A new emergency in a case that somebody has had in hand for a while is an emergency that nobody has in hand.
async fn alarm_again(tx: &mut Tx, tenant: &str, case_id: &str, new: NewCase<'_>) -> Result<()> {
    let (in_hand,): (i64,) = tx
        .fetch_one(
            "select count(*) from cases
             where tenant = $1 and case_id = $2 and closed_at_ms is null and acknowledged_at_ms < $3",
            args![tenant, case_id, new.now.plus_ms(-IN_HAND_MS)],
        )
        .await?;
    if in_hand > 0 {
        let policy = new.policies.newest_in(tx, tenant, new.now).await?;
        let alarm_at = new.now.plus_ms(i64::from(policy.emergency.acknowledge_s) * 1_000);
        set_waiting(tx, tenant, case_id, Some(alarm_at)).await?;
    }
    Ok(())
}

async fn open(
    tx: &mut Tx,
    origin: &Origin,
    incident: &Incident,
    cause: &Cause,
    NewCase { case_id, day, now, policies, grids }: NewCase<'_>,
) -> Result<Head> {
    let tenant = origin.tenant.as_str();
    let number = next_number(tx, tenant, day).await?;
    let location = incident.place.as_ref().map(|place| json!(place).to_string());
    let (area, grid_version) = place(tx, origin, incident, grids).await?;
    let source = match (&cause.call_id, &cause.camera_id) {
        (Some(_), _) => Source::Call,
        (None, Some(_)) => Source::Camera,
        (None, None) => Source::Device,
    };
    let policy = policies.newest_in(tx, tenant, now).await?;
    let facts = Facts {
        case_id: case_id.to_owned(),
        number: number.clone(),
        kind: incident.kind.as_str().to_owned(),
        severity: incident.severity,
        source,
        matter: String::new(),
        rural: organisation::store::is_rural(tx, tenant, &area).await?,
        area: AreaPath::kept(area.clone()),
        drill: incident.drill,
        opened_at: now,
    };
    // What a box raises is the county centre's to see first.
    let dossier = Dossier::received(facts, Level::County, &policy);
    let due = dossier.next_due();
    tx.execute(
        "insert into cases (tenant, case_id, number, kind, severity, state, correlation_key, device_id, camera_id,
             call_id, title_zh, title_en, place, location, incident_count, drill, started_at_ms, opened_at_ms,
             updated_at_ms, history_count, history_hash, source, area, level, due_clock, due_at_ms, grid_version)
         values ($1, $2, $3, $4, $5, 'received', $6, $7, $8, $9, $10, $11, $12, $13, 0, $14, $15, $16, $16, 0, $17, $18,
             
             $19, 'county', $20, $21, $22)",
        args![
            tenant,
            case_id,
            &number,
            incident.kind.as_str(),
            incident.severity.as_str(),
            &cause.key,
            &origin.device,
            cause.camera_id.as_ref().map(|id| id.as_str()),
            cause.call_id.map(|id| id.to_string()),
            &cause.title_zh,
            &cause.title_en,
            cause.place.clone(),
            location,
            incident.drill,
            incident.started_at,
            now,
            history::START,
            source.as_str(),
            area,
            due.map(|clock| clock.kind.as_str()),
            due.and_then(|clock| clock.due_at),
            grid_version
        ],
    )
    .await?;
    workflow::store::put_clocks(tx, tenant, &dossier, &[]);
    Ok(Head {
        case_id: case_id.to_owned(),
        number,
        severity: incident.severity.as_str().to_owned(),
        incident_count: 0,
        history_count: 0,
        history_hash: history::START.to_owned(),
    })
}

impl Head {
    pub(super) async fn read(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Self> {
        tx.fetch_one(
            "select case_id, number, severity, incident_count, history_count, history_hash from cases
             where tenant = $1 and case_id = $2",
            args![tenant, case_id],
        )
        .await
    }

    /// The next row of the history, chained to the one before.
    pub fn note(&mut self, tx: &mut Tx, tenant: &str, now: UtcMs, actor: &str, action: &str, detail: &Value) {
        self.history_count += 1;
        let (case_id, position, detail) = (&self.case_id, self.history_count, detail.to_string());
        let hash = history::hash(case_id, position, now.0, actor, action, &detail, &self.history_hash);
        let prev = std::mem::replace(&mut self.history_hash, hash.clone());
        tx.later(HISTORY, args![tenant, case_id, position, now, actor, action, detail, prev, hash]);
    }

    /// A more severe incident or revision lifts its case; nothing lowers it. Returns whether it did.
    pub fn raise(&mut self, tx: &mut Tx, origin: &Origin, incident: &Incident, now: UtcMs) -> bool {
        self.lift(tx, origin.tenant.as_str(), incident.severity, &actor(origin, incident), now)
    }

    /// The same, whoever says so.
    pub(super) fn lift(
        &mut self,
        tx: &mut Tx,
        tenant: &str,
        severity: Severity,
        actor: &str,
        now: UtcMs,
    ) -> bool {
        // The list of severities starts with the worst.
        if self.severity.parse::<Severity>().is_ok_and(|known| known <= severity) {
            return false;
        }
        let to = severity.as_str();
        let detail = json!({ "from": self.severity, "to": to });
        self.note(tx, tenant, now, actor, "raised", &detail);
        to.clone_into(&mut self.severity);
        true
    }

    pub async fn save(self, tx: &mut Tx, tenant: &str, now: UtcMs) -> Result<()> {
        tx.execute(
            "update cases set severity = $3, incident_count = $4, history_count = $5, history_hash = $6,
                 updated_at_ms = $7
             where tenant = $1 and case_id = $2",
            args![
                tenant,
                &self.case_id,
                self.severity,
                self.incident_count,
                self.history_count,
                self.history_hash,
                now
            ],
        )
        .await?;
        change::record(tx, tenant, now, ChangeTopic::Case, &self.number);
        Ok(())
    }
}
