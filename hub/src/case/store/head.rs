//! A case while a transaction works on it: read once, changed in memory, saved once. The tenant's lock makes that
//! safe; the history rows are written with the commit.

use protocol::{Incident, Origin, Severity, UtcMs};
use serde_json::{Value, json};

use super::actor;
use crate::args;
use crate::case::history;
use crate::change::{self, ChangeTopic};
use crate::correlation;
use crate::correlation::flapping::{Recent, Telling};
use crate::db::from_row;
use crate::db::{Arg, Insert, Result, Tx, Update};
use crate::outbound::CaseEvent;

const NEW: Insert = Insert {
    into: "insert into cases (tenant, case_id, severity, incident_count, history_count, history_hash, updated_at_ms, signal,
               signal_at_ms, recent_from_ms, recent_count, damped_since_ms, damped_count, number, kind, correlation_key,
               device_id, camera_id, call_id, title_zh, title_en, place, location, drill, started_at_ms, opened_at_ms,
               source, area, due_clock, due_at_ms, grid_version, state, level, ledger)",
    tail: "",
};

const CHANGED: Update = Update {
    set: "update cases set severity = v.column3, incident_count = v.column4, history_count = v.column5,
              history_hash = v.column6, updated_at_ms = v.column7, signal = v.column8, signal_at_ms = v.column9,
              recent_from_ms = v.column10, recent_count = v.column11, damped_since_ms = v.column12,
              damped_count = v.column13",
    of: "where cases.tenant = v.column1 and cases.case_id = v.column2",
};

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
            "updated_at_ms, ",
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
pub(super) use head_columns;

/// What a source that flaps tells, and when a signal was last told, is kept to within this: a row that changes in no column
/// of an index is replaced in place.
const STEP_MS: i64 = 10_000;

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
    updated_at_ms: i64,
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

from_row!(Head: case_id, number, severity, incident_count, history_count, history_hash, joined_into, updated_at_ms, signal,
    signal_at_ms, recent_from_ms, recent_count, damped_since_ms, damped_count; empty unwritten);

impl Head {
    /// Of a case that is not written yet; `fixed` is what [`NEW`] has after its number and before its state.
    pub(super) fn new(
        case_id: &str,
        number: String,
        severity: Severity,
        fixed: Vec<Arg>,
        now: UtcMs,
    ) -> Self {
        Self {
            case_id: case_id.to_owned(),
            number,
            severity: severity.as_str().to_owned(),
            incident_count: 0,
            history_count: 0,
            history_hash: history::START.to_owned(),
            joined_into: None,
            updated_at_ms: now.0,
            signal: String::new(),
            signal_at_ms: 0,
            recent_from_ms: now.0,
            recent_count: 0,
            damped_since_ms: None,
            damped_count: 0,
            unwritten: Some(fixed),
        }
    }

    pub async fn read(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Self> {
        tx.fetch_one(
            concat!("select ", head_columns!(""), " from cases where tenant = $1 and case_id = $2"),
            args![tenant, case_id],
        )
        .await
    }

    /// The case of a call, closed or not.
    pub(super) async fn of_call(tx: &mut Tx, tenant: &str, cause: &str) -> Result<Option<Self>> {
        tx.fetch_optional(
            concat!(
                "select ",
                head_columns!(""),
                " from cases where tenant = $1 and correlation_key = $2 and call_id is not null
                  order by case when closed_at_ms is null then 0 else 1 end, opened_at_ms desc limit 1"
            ),
            args![tenant, cause],
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

    /// One incident more.
    pub(super) fn counts(&mut self) {
        self.incident_count += 1;
    }

    pub(super) fn begins(&mut self, now: UtcMs) -> Telling {
        self.set_recent(Recent { from_ms: now.0, count: 1, ..Recent::default() });
        Telling::Noted
    }

    /// Its source tells of it once more.
    pub(super) fn tells(&mut self, now: UtcMs) -> Telling {
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
        let signal = correlation::signal(incident);
        let told_at_ms = incident.updated_at.0.min(now.0);
        if signal != self.signal || told_at_ms >= self.signal_at_ms + STEP_MS {
            self.signal_at_ms = self.signal_at_ms.max(told_at_ms);
        }
        self.signal = signal;
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
        self.changes(tx, tenant, now);
        let (new, changed) = self.row(tenant);
        tx.insert(NEW, new.into_iter().collect()).await?;
        tx.update(CHANGED, changed.into_iter().collect()).await
    }

    /// Writes a case that is not there yet, as it is now.
    pub(super) async fn write(&mut self, tx: &mut Tx, tenant: &str) -> Result<()> {
        if self.unwritten.is_none() {
            return Ok(());
        }
        let (new, _) = self.row(tenant);
        tx.insert(NEW, new.into_iter().collect()).await
    }

    /// Says so on the live feed. What a source that flaps tells shows with the next of its steps.
    pub(super) fn changes(&mut self, tx: &mut Tx, tenant: &str, now: UtcMs) {
        if !self.is_damped() || now.0 >= self.updated_at_ms + STEP_MS {
            self.updated_at_ms = now.0;
        }
        change::record(tx, tenant, now, ChangeTopic::Case, &self.number);
    }

    /// Writes many of one tenant: what is new and what changed.
    pub(super) async fn write_all<'a>(
        tx: &mut Tx,
        heads: impl Iterator<Item = (&'a str, &'a mut Self)>,
    ) -> Result<()> {
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for (tenant, head) in heads {
            let (one, other) = head.row(tenant);
            new.extend(one);
            changed.extend(other);
        }
        tx.insert(NEW, new).await?;
        tx.update(CHANGED, changed).await
    }

    /// Of a new case its whole row, which counts as written then; else the one that changes it.
    fn row(&mut self, tenant: &str) -> (Option<Vec<Arg>>, Option<Vec<Arg>>) {
        let mut row = args![
            tenant,
            &self.case_id,
            &self.severity,
            self.incident_count,
            self.history_count,
            &self.history_hash,
            self.updated_at_ms,
            &self.signal,
            self.signal_at_ms,
            self.recent_from_ms,
            self.recent_count,
            self.damped_since_ms,
            self.damped_count
        ];
        let Some(fixed) = self.unwritten.take() else { return (None, Some(row)) };
        row.push(Arg::from(&self.number));
        row.extend(fixed);
        row.extend(args!["received", "county", 1]);
        (Some(row), None)
    }
}
