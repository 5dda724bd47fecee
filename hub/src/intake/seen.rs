//! What a transaction has learned of boxes, messages and cases: asked once for a whole batch.

use std::collections::{BTreeMap, HashMap};

use protocol::{BootId, MessageId, Origin, Receipt, TenantId, Topic};

use super::message::{Message, Place};
use super::store::{self, Fate};
use crate::case::store::Desk;
use crate::db::{Result, Tx};
use crate::{correlation, device};

/// True as long as it holds their tenants' locks.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) desk: Desk,
    devices: HashMap<Origin, Option<String>>,
    fates: HashMap<(TenantId, String), Fate>,
    /// Of each run of a box: highest number and how many, of what this transaction keeps.
    runs: HashMap<(Origin, BootId), (i64, i64)>,
}

impl Seen {
    /// Asks once for all messages of a batch.
    pub(super) async fn read<'m>(
        tx: &mut Tx,
        messages: impl Iterator<Item = &'m Message<'m>>,
    ) -> Result<Self> {
        #[derive(Default)]
        struct Asked {
            messages: Vec<String>,
            incidents: Vec<String>,
            sources: Vec<String>,
        }
        let mut by_tenant: BTreeMap<&str, (&TenantId, Asked)> = BTreeMap::new();
        for message in messages {
            let Topic::Event(origin, id) = message.topic else { continue };
            let entry = by_tenant.entry(origin.tenant.as_str());
            let (_, asked) = entry.or_insert_with(|| (&origin.tenant, Asked::default()));
            asked.messages.push(id.to_string());
            if let Some((origin, incident)) = message.incident() {
                asked.incidents.push(incident.incident_id.to_string());
                let cause = correlation::cause(origin, incident);
                if !cause.joins_closed {
                    asked.sources.push(cause.key);
                }
            }
        }
        let mut seen = Self::default();
        for (name, (tenant, asked)) in by_tenant {
            for fate in store::fates(tx, name, asked.messages).await? {
                seen.fates.insert((tenant.clone(), fate.message_id.clone()), fate);
            }
            seen.desk.read(tx, name, asked.incidents, asked.sources).await?;
        }
        Ok(seen)
    }

    pub(super) async fn device(&mut self, tx: &mut Tx, origin: &Origin) -> Result<Option<&str>> {
        if !self.devices.contains_key(origin) {
            let state = device::store::state_in_tx(tx, origin).await?;
            self.devices.insert(origin.clone(), state);
        }
        Ok(self.devices.get(origin).and_then(Option::as_deref))
    }

    pub(super) fn count(&mut self, origin: &Origin, place: Place) {
        let (highest, count) = self.runs.entry((origin.clone(), place.boot)).or_default();
        *highest = (*highest).max(place.sequence);
        *count += 1;
    }

    /// Writes what was worked on and counted; the last act before the commit.
    pub(super) async fn write(mut self, tx: &mut Tx) -> Result<()> {
        self.desk.clear(tx).await?;
        for ((origin, boot), (highest, count)) in self.runs {
            device::store::count_messages(tx, &origin, boot, highest, count);
        }
        Ok(())
    }

    pub(super) fn fate(&self, origin: &Origin, id: MessageId) -> Option<&Fate> {
        self.fates.get(&(origin.tenant.clone(), id.to_string()))
    }

    pub(super) fn keep(&mut self, origin: &Origin, receipt: &Receipt) {
        let fate = Fate {
            message_id: receipt.message_id.to_string(),
            device_id: origin.device.to_string(),
            outcome: receipt.outcome.as_str().to_owned(),
            reason: receipt.reason.clone(),
        };
        self.fates.insert((origin.tenant.clone(), fate.message_id.clone()), fate);
    }
}
