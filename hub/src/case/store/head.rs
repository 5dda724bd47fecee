//! A case while a transaction works on it: read once, changed in memory, saved once. The tenant's lock makes that
//! safe; the history rows are written with the commit.

use protocol::{Incident, Origin, Severity, Subject, UtcMs};
use serde_json::{Value, json};

use super::{actor, next_number, set_waiting};
use crate::args;
use crate::case::{Source, history};
use crate::change::{self, ChangeTopic};
use crate::correlation::flapping::{self, Recent, Telling};
use crate::correlation::shelf::{self, OnShelf};
use crate::correlation::{self, Cause};
use crate::db::from_row;
use crate::db::{Arg, Insert, Result, Tx};
use crate::device;
use crate::grid::Grids;
use crate::organisation::{self, AreaPath, Level};
use crate::outbound::CaseEvent;
use crate::policy::Policies;
use crate::workflow::ledger::{self, Entry};
use crate::workflow::{self, Dossier, Facts};

const HISTORY: Insert = Insert {
    into: "insert into case_history (tenant, case_id, position, at_ms, actor, action, detail, prev_hash, hash)",
    tail: "",
};

/// What is read of a case to change it; the prefix names its table.
macro_rules! head_columns {
    ($of:literal) => {
        concat!(
            $of,
            "case_id, ",
            $of,
            "number, ",
            $of,
            "severity, ",
            $of,
            "incident_count, ",
            $of,
            "history_count, ",
            $of,
            "history_hash, ",
            $of,
            "joined_into, ",
            $of,
            "shelved, ",
            $of,
            "signal, ",
            $of,
            "signal_at_ms, ",
            $of,
            "recent_from_ms, ",
            $of,
            "recent_count, ",
            $of,
            "damped_since_ms, ",
            $of,
            "damped_count"
        )
    };
}
pub(crate) use head_columns;

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
    /// The case in which the work goes on, by its number, when it was joined to another one.
    pub joined_into: Option<String>,
    /// 1 while its source is put aside.
    shelved: i64,
    /// [`correlation::signal`], and when it was last told.
    signal: String,
    signal_at_ms: i64,
    recent_from_ms: i64,
    recent_count: i64,
    damped_since_ms: Option<i64>,
    damped_count: i64,
    /// Of a case that is new and not written yet: what does not change while it is worked on. It is written once, when it
    /// is saved: each index of cases costs as much at a change as at the beginning.
    unwritten: Option<Vec<Arg>>,
}

from_row!(Head: case_id, number, severity, incident_count, history_count, history_hash, joined_into, shelved, signal,
    signal_at_ms, recent_from_ms, recent_count, damped_since_ms, damped_count; empty unwritten);

/// Where an incident went.
#[derive(Clone, Debug)]
pub struct Placed {
    pub head: Head,
    /// Whether its case is new.
    pub opened: bool,
    /// Whether it is only counted: its source flaps, or was put aside.
    pub counted: bool,
}

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
) -> Result<Placed> {
    let tenant = origin.tenant.as_str();
    let known = of_cause(tx, tenant, cause).await?;
    if !cause.joins_closed && known.as_ref().is_none_or(|head| head.shelved != 0) {
        let key = &cause.key;
        if let OnShelf::Count(mut head) = shelf::incident(tx, tenant, key, incident.severity, new.now).await?
        {
            head.incident_count += 1;
            return Ok(Placed { head: *head, opened: false, counted: true });
        }
    }
    // A shelf that was broken or is over has written to the history.
    let known = match known {
        Some(head) if head.shelved != 0 => Some(Head::read(tx, tenant, &head.case_id).await?),
        known => known,
    };
    let opened = known.is_none();
    let (mut head, ledger) = match known {
        Some(head) => (head, None),
        None => open(tx, origin, incident, cause, new).await.map(|(head, ledger)| (head, Some(ledger)))?,
    };
    head.incident_count += 1;
    let mut about = json!({ "incident_id": incident.incident_id, "kind": incident.kind, "started_at": incident.started_at });
    if let Some(ledger) = ledger {
        about[ledger::KEY] = json!(ledger);
    }
    let actor = actor(origin, incident);
    let telling = if opened { head.begins(new.now) } else { head.tells(new.now) };
    if let Telling::Calmed(counted) = telling {
        head.note(tx, tenant, new.now, "hub", "calmed", &json!({ "counted": counted }));
    }
    if telling != Telling::Counted {
        head.note(tx, tenant, new.now, &actor, if opened { "opened" } else { "joined" }, &about);
    }
    if telling == Telling::Began {
        let detail = json!({ "times": flapping::TIMES, "minutes": flapping::WITHIN_MS / 60_000 });
        head.note(tx, tenant, new.now, "hub", "flapping", &detail);
    }
    let counted = telling == Telling::Counted;
    let emergency = incident.severity == Severity::Emergency && !incident.drill;
    if emergency && !opened && !counted && head.joined_into.is_none() {
        alarm_again(tx, tenant, &head.case_id, new.policies, new.now).await?;
    }
    head.raise(tx, origin, incident, new.now);
    Ok(Placed { head, opened, counted })
}

/// The open case of a cause; else the one of its call, or one that was joined to a case that is open.
async fn of_cause(tx: &mut Tx, tenant: &str, cause: &Cause) -> Result<Option<Head>> {
    let open = tx
        .fetch_optional(
            concat!(
                "select ",
                head_columns!(""),
                " from cases where tenant = $1 and correlation_key = $2 and closed_at_ms is null"
            ),
            args![tenant, &cause.key],
        )
        .await?;
    if open.is_some() {
        return Ok(open);
    }
    tx.fetch_optional(
        concat!(
            "select ",
            head_columns!(""),
            " from cases where tenant = $1 and correlation_key = $2
               and ($3 = 1 or (joined_into is not null and exists (
                   select 1 from cases t where t.tenant = cases.tenant and t.number = cases.joined_into
                     and t.closed_at_ms is null)))
             order by opened_at_ms desc limit 1"
        ),
        args![tenant, &cause.key, cause.joins_closed],
    )
    .await
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
    let area = device::store::area_in(tx, origin).await?;
    Ok((area.unwrap_or_else(|| "/".to_owned()), None))
}

/// A new emergency in a case that somebody has had in hand for a while is an emergency that nobody has in hand.
pub async fn alarm_again(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    policies: &Policies,
    now: UtcMs,
) -> Result<()> {
    let (in_hand,): (i64,) = tx
        .fetch_one(
            "select count(*) from cases
             where tenant = $1 and case_id = $2 and closed_at_ms is null and acknowledged_at_ms < $3",
            args![tenant, case_id, now.plus_ms(-IN_HAND_MS)],
        )
        .await?;
    if in_hand > 0 {
        let policy = policies.newest_in(tx, tenant, now).await?;
        let alarm_at = now.plus_ms(i64::from(policy.emergency.acknowledge_s) * 1_000);
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
) -> Result<(Head, Entry)> {
    let tenant = origin.tenant.as_str();
    let number = next_number(tx, tenant, day).await?;
    // A call centre is nowhere near what its callers tell of.
    let own = incident.place.as_ref().filter(|_| cause.call_id.is_none());
    let location = own.map(|place| json!(place).to_string());
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
    let unwritten = args![
        incident.kind.as_str(),
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
        source.as_str(),
        area,
        due.map(|clock| clock.kind.as_str()),
        due.and_then(|clock| clock.due_at),
        grid_version
    ];
    workflow::store::put_clocks(tx, tenant, &dossier, &[]);
    let mut head = Head {
        case_id: case_id.to_owned(),
        number,
        severity: incident.severity.as_str().to_owned(),
        incident_count: 0,
        history_count: 0,
        history_hash: history::START.to_owned(),
        joined_into: None,
        shelved: 0,
        signal: String::new(),
        signal_at_ms: 0,
        recent_from_ms: now.0,
        recent_count: 0,
        damped_since_ms: None,
        damped_count: 0,
        unwritten: Some(unwritten),
    };
    // What a call brings besides is kept with its case before that is saved.
    if cause.call_id.is_some() {
        head.write(tx, tenant, now).await?;
    }
    Ok((head, Entry::whole(&dossier)))
}

impl Head {
    pub async fn read(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Self> {
        tx.fetch_one(
            concat!("select ", head_columns!(""), " from cases where tenant = $1 and case_id = $2"),
            args![tenant, case_id],
        )
        .await
    }

    fn recent(&self) -> Recent {
        Recent {
            from_ms: self.recent_from_ms,
            count: self.recent_count,
            damped_since_ms: self.damped_since_ms,
            damped_count: self.damped_count,
        }
    }

    fn set_recent(&mut self, recent: Recent) {
        self.recent_from_ms = recent.from_ms;
        self.recent_count = recent.count;
        self.damped_since_ms = recent.damped_since_ms;
        self.damped_count = recent.damped_count;
    }

    fn begins(&mut self, now: UtcMs) -> Telling {
        self.set_recent(Recent { from_ms: now.0, count: 1, ..Recent::default() });
        Telling::Noted
    }

    /// Its source tells of it once more.
    fn tells(&mut self, now: UtcMs) -> Telling {
        let mut recent = self.recent();
        let telling = recent.tell(now);
        self.set_recent(recent);
        telling
    }

    /// Its source flaps: what it tells further is counted.
    pub fn is_damped(&self) -> bool {
        self.damped_since_ms.is_some()
    }

    /// A source that flapped has been quiet: says so with the count; returns whether it has.
    pub fn calms(&mut self, tx: &mut Tx, tenant: &str, now: UtcMs) -> bool {
        let mut recent = self.recent();
        if !recent.is_calm(now) {
            return false;
        }
        let counted = recent.end();
        self.set_recent(recent);
        self.note(tx, tenant, now, "hub", "calmed", &json!({ "counted": counted }));
        true
    }

    /// What the case is about, as this revision tells it.
    pub fn signals(&mut self, incident: &Incident, now: UtcMs) {
        self.signal = correlation::signal(incident);
        self.signal_at_ms = self.signal_at_ms.max(incident.updated_at.0.min(now.0));
    }

    /// The next row of the history, chained to the one before.
    pub fn note(&mut self, tx: &mut Tx, tenant: &str, now: UtcMs, actor: &str, action: &str, detail: &Value) {
        self.history_count += 1;
        let (case_id, position, detail) = (&self.case_id, self.history_count, detail.to_string());
        let hash = history::hash(case_id, position, now.0, actor, action, &detail, &self.history_hash);
        let prev = std::mem::replace(&mut self.history_hash, hash.clone());
        tx.told(CaseEvent {
            tenant: tenant.to_owned(),
            case_id: case_id.clone(),
            position,
            at: now,
            action: action.to_owned(),
        });
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

    pub async fn save(mut self, tx: &mut Tx, tenant: &str, now: UtcMs) -> Result<()> {
        if !self.write(tx, tenant, now).await? {
            self.change(tx, tenant, now).await?;
        }
        change::record(tx, tenant, now, ChangeTopic::Case, &self.number);
        Ok(())
    }

    /// Writes a case that is not there yet, as it is now; returns whether there was anything to write.
    async fn write(&mut self, tx: &mut Tx, tenant: &str, now: UtcMs) -> Result<bool> {
        let Some(fixed) = self.unwritten.take() else { return Ok(false) };
        let mut row = self.changing(tenant, now);
        row.push(Arg::from(&self.number));
        row.extend(fixed);
        tx.execute(
            "insert into cases (tenant, case_id, severity, incident_count, history_count, history_hash, updated_at_ms, signal,
                 signal_at_ms, recent_from_ms, recent_count, damped_since_ms, damped_count, number, kind,
                 correlation_key, device_id, camera_id, call_id, title_zh, title_en, place, location, drill, started_at_ms,
                 opened_at_ms, source, area, due_clock, due_at_ms, grid_version, state, level, ledger)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                 $23, $24, $25, $26, $27, $28, $29, $30, $31, 'received', 'county', 1)",
            row,
        )
        .await?;
        Ok(true)
    }

    async fn change(&self, tx: &mut Tx, tenant: &str, now: UtcMs) -> Result<()> {
        tx.execute(
            "update cases set severity = $3, incident_count = $4, history_count = $5, history_hash = $6,
                 updated_at_ms = $7, signal = $8, signal_at_ms = $9, recent_from_ms = $10, recent_count = $11,
                 damped_since_ms = $12, damped_count = $13
             where tenant = $1 and case_id = $2",
            self.changing(tenant, now),
        )
        .await?;
        Ok(())
    }

    fn changing(&self, tenant: &str, now: UtcMs) -> Vec<Arg> {
        args![
            tenant,
            &self.case_id,
            &self.severity,
            self.incident_count,
            self.history_count,
            &self.history_hash,
            now,
            &self.signal,
            self.signal_at_ms,
            self.recent_from_ms,
            self.recent_count,
            self.damped_since_ms,
            self.damped_count
        ]
    }
}
