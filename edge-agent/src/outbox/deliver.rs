//! What goes out and what came of it: messages until their receipt, files until the hub holds them.

use std::sync::atomic::Ordering;

use protocol::{CallId, Evidence, MessageId, Receipt, ReceiptOutcome, Sha256Hex};

use super::{HOUR_MS, Outbox, OutboxError, Place, Rejected, Settled, Upload, keep, store};

impl Outbox {
    /// The next messages after `after`: emergencies first, an incident's revisions in order.
    pub async fn head(
        &self,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<(Place, MessageId)>, OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        Ok(store::head(&mut db, after, limit).await?)
    }

    /// Bytes of a waiting message; `None` when it was released meanwhile.
    pub async fn envelope(&self, id: MessageId) -> Result<Option<Vec<u8>>, OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        Ok(store::envelope(&mut db, id).await?)
    }

    /// Releases what these receipts speak of, in one commit.
    pub async fn settle(&self, receipts: &[Receipt]) -> Result<Settled, OutboxError> {
        let settled = self.with_reserve(|| self.settle_once(receipts)).await?;
        self.0.counters.released.fetch_add(settled.released, Ordering::Relaxed);
        self.0.counters.rejected.fetch_add(settled.rejected, Ordering::Relaxed);
        if settled.released + settled.rejected > 0 {
            self.0.uploads.notify_one();
        }
        Ok(settled)
    }

    async fn settle_once(&self, receipts: &[Receipt]) -> Result<Settled, OutboxError> {
        let mut settled = Settled::default();
        let mut tx = self.0.pool.begin().await?;
        for receipt in receipts {
            let Some(envelope) = store::take_message(&mut tx, receipt.message_id).await? else {
                settled.unknown += 1;
                continue;
            };
            match receipt.outcome {
                ReceiptOutcome::Stored | ReceiptOutcome::Duplicate => settled.released += 1,
                ReceiptOutcome::Quarantined | ReceiptOutcome::Refused => {
                    let reason = receipt.reason.as_deref().unwrap_or("the hub gave no reason");
                    let outcome = receipt.outcome.as_str();
                    tracing::warn!(message = %receipt.message_id, outcome, reason, "the hub did not take a message");
                    self.reject(&mut tx, receipt.message_id, outcome, reason, &envelope).await?;
                    settled.rejected += 1;
                }
            }
        }
        tx.commit().await?;
        Ok(settled)
    }

    /// Messages that the hub did not take, newest first.
    pub async fn rejected(&self, limit: u32) -> Result<Vec<Rejected>, OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        Ok(store::rejected(&mut db, limit).await?)
    }

    /// The next file whose incident the hub holds, by severity and kind.
    pub async fn next_upload(&self) -> Result<Option<Upload>, OutboxError> {
        let now = self.0.now();
        let mut db = self.0.pool.acquire().await?;
        Ok(store::next_upload(&mut db, now).await?)
    }

    /// Remembers where an upload goes on after a restart; `None` begins it anew.
    pub async fn set_upload_url(&self, evidence: &Evidence, url: Option<&str>) -> Result<(), OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        Ok(store::set_upload_url(&mut db, evidence.sha256.as_str(), url).await?)
    }

    /// Tries that file again in `delay_ms`, after so many attempts in vain.
    pub async fn postpone_upload(
        &self,
        evidence: &Evidence,
        delay_ms: i64,
        attempts: u32,
    ) -> Result<(), OutboxError> {
        let due_at = self.0.now().plus_ms(delay_ms);
        let mut db = self.0.pool.acquire().await?;
        Ok(store::postpone_upload(&mut db, evidence.sha256.as_str(), due_at, attempts).await?)
    }

    /// The hub holds that file now.
    pub async fn uploaded(&self, evidence: &Evidence) -> Result<(), OutboxError> {
        let keep_ms = i64::from(self.0.config.keep_uploaded_h) * HOUR_MS;
        let expires_at = self.0.now().plus_ms(keep_ms);
        let mut db = self.0.pool.acquire().await?;
        Ok(store::set_uploaded(&mut db, evidence.sha256.as_str(), expires_at).await?)
    }

    /// Removes a file that cannot be delivered and tells the hub why.
    pub async fn give_up_file(&self, evidence: &Evidence, why: &str) -> Result<(), OutboxError> {
        keep::give_up(self, evidence.sha256.as_str(), why).await
    }

    /// Marks the recordings of a call for upload, but for those that `stay`; empty when this box has no others.
    pub async fn request_recordings(
        &self,
        call_id: CallId,
        stay: &[Sha256Hex],
    ) -> Result<Vec<Evidence>, OutboxError> {
        let mut db = self.0.pool.acquire().await?;
        let found = store::request_call(&mut db, call_id, stay).await?;
        self.0.uploads.notify_one();
        Ok(found)
    }
}
