//! Which case a new incident opens or joins, by its cause.

use protocol::{Incident, Origin, Severity, Subject, UtcMs};
use serde_json::json;

use super::desk::{Desk, Source};
use super::{Head, actor, set_waiting};
use crate::args;
use crate::case;
use crate::correlation::Cause;
use crate::correlation::flapping::{self, Telling};
use crate::correlation::shelf::{self, OnShelf};
use crate::db::{Result, Tx};
use crate::device;
use crate::grid::Grids;
use crate::organisation::{self, AreaPath, Level};
use crate::policy::Policies;
use crate::workflow::ledger::{self, Entry};
use crate::workflow::{self, Dossier, Facts};

/// For so long whoever acknowledged a case has seen what joins it as well.
const IN_HAND_MS: i64 = 10 * 60_000;

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
    desk: &mut Desk,
    origin: &Origin,
    incident: &Incident,
    cause: &Cause,
    new: NewCase<'_>,
) -> Result<Placed> {
    let tenant = origin.tenant.as_str();
    let key = &cause.key;
    let mut source = source(tx, desk, tenant, cause).await?;
    if source.shelved {
        // Both look into the tables, and what is over writes to the history.
        desk.clear(tx).await?;
        if let OnShelf::Count(mut head) = shelf::incident(tx, tenant, key, incident.severity, new.now).await?
        {
            head.counts();
            return Ok(Placed { head: *head, opened: false, counted: true });
        }
        source = desk.source(tx, tenant, key).await?;
    }
    let opened = source.case.is_none();
    let (mut head, ledger) = match source.case {
        Some(head) => (head, None),
        None => {
            let (head, ledger) = open(tx, desk, origin, incident, cause, new).await?;
            (head, Some(ledger))
        }
    };
    head.counts();
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

/// A call has one case for ever; of the rest what is open counts.
async fn source(tx: &mut Tx, desk: &mut Desk, tenant: &str, cause: &Cause) -> Result<Source> {
    if cause.joins_closed {
        let case = Head::of_call(tx, tenant, &cause.key).await?;
        return Ok(Source { case, shelved: false });
    }
    desk.source(tx, tenant, &cause.key).await
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
    desk: &mut Desk,
    origin: &Origin,
    incident: &Incident,
    cause: &Cause,
    NewCase { case_id, day, now, policies, grids }: NewCase<'_>,
) -> Result<(Head, Entry)> {
    let tenant = origin.tenant.as_str();
    let number = desk.next_number(tx, tenant, day).await?;
    // A call centre is nowhere near what its callers tell of.
    let own = incident.place.as_ref().filter(|_| cause.call_id.is_none());
    let location = own.map(|place| json!(place).to_string());
    let (area, grid_version) = place(tx, origin, incident, grids).await?;
    let source = match (&cause.call_id, &cause.camera_id) {
        (Some(_), _) => case::Source::Call,
        (None, Some(_)) => case::Source::Camera,
        (None, None) => case::Source::Device,
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
    let fixed = args![
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
    let mut head = Head::new(case_id, number, incident.severity, fixed, now);
    // What a call brings besides is kept with its case before that is saved.
    if cause.call_id.is_some() {
        head.write(tx, tenant).await?;
    }
    Ok((head, Entry::whole(&dossier)))
}
