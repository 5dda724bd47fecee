//! A call of which there is no case yet: a calm one that runs, or one that is just over. Whoever files tickets where its box
//! stands may follow it, as he will its case. Nothing of it is kept: it becomes its case, or is forgotten.

use protocol::hotline::CallReading;
use protocol::{CallId, Origin};

use super::{Line, OnLine, Running};
use crate::app::App;
use crate::organisation::AreaPath;
use crate::user::{Act, Session};
use crate::{case, db, device};

/// Calls that are looked at.
const MOST: usize = 64;

/// One of them, as far as its box has told.
#[derive(Clone, Debug)]
pub struct Uncased {
    pub call: OnLine,
    /// What is kept of its words, in the order of the call.
    pub lines: Vec<Line>,
    pub reading: Option<CallReading>,
    /// Nobody is on the line any more: its case is on its way.
    pub ended: bool,
}

/// Of these calls those that are no case yet and whose box stands where this user files tickets, with their beginning by the
/// hub's clock, as all times of a page.
pub async fn without_case(app: &App, session: &Session, mut calls: Vec<OnLine>) -> db::Result<Vec<OnLine>> {
    if calls.is_empty() {
        return Ok(calls);
    }
    let tenant = app.tenant().as_str();
    let names: Vec<String> = calls.iter().map(|one| one.call_id.to_string()).collect();
    let known = case::store::with_case(&app.db, tenant, &names).await?;
    calls.retain(|one| one.origin.tenant == *app.tenant() && !known.contains(&one.call_id.to_string()));
    let mut near = Vec::new();
    for mut one in calls {
        let id = one.origin.device.as_str();
        let area = device::store::area(&app.db, tenant, id).await?;
        if area.is_some_and(|area| session.may_at(Act::FileTicket, &AreaPath::kept(area))) {
            let device = device::store::get(&app.db, tenant, "", id).await?;
            let skew_ms = device.and_then(|device| device.skew_ms).unwrap_or(0);
            one.started_at = one.started_at.map(|at| at.plus_ms(skew_ms));
            near.push(one);
        }
        if near.len() == MOST {
            break;
        }
    }
    Ok(near)
}

/// The call of this name, if it is such a one for this user. Where several boxes claim the name, the one that was heard
/// first has it.
pub async fn uncased(app: &App, session: &Session, call_id: CallId) -> db::Result<Option<Uncased>> {
    let claimed = app.running.named(call_id).into_iter().collect();
    let call = without_case(app, session, claimed).await?.into_iter().next();
    Ok(call.and_then(|call| app.running.told(call)))
}

impl Running {
    /// The call of this name that was heard first, whether it runs or is over.
    fn named(&self, call_id: CallId) -> Option<OnLine> {
        let kept = self.lock();
        let claimed = kept.talks.iter().filter(|(key, _)| key.1 == call_id);
        claimed.min_by_key(|(_, heard)| heard.first).map(|(key, heard)| OnLine::of(key, heard))
    }

    fn told(&self, call: OnLine) -> Option<Uncased> {
        let kept = self.lock();
        let key: (Origin, CallId) = (call.origin.clone(), call.call_id);
        let heard = kept.talks.get(&key)?;
        Some(Uncased {
            lines: heard.talk.after(0).cloned().collect(),
            reading: heard.reading.clone(),
            ended: heard.talk.ended(),
            call,
        })
    }
}
