//! `[outbox]` of the box's configuration.

use protocol::limits::MAX_EVIDENCE_BYTES;
use serde::Deserialize;

use crate::config::{Wrong, within};
use crate::evidence::archive::RecordingConfig;

/// `[outbox]`: how much the box keeps while it cannot deliver.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboxConfig {
    /// Messages that wait for a receipt.
    pub max_rows: u64,
    /// Their size.
    pub max_bytes: u64,
    /// Files of evidence on this box, clips in the making among them.
    pub evidence_max_bytes: u64,
    /// Disk space that evidence leaves free, for incidents to be written into.
    pub disk_reserve_bytes: u64,
    /// The continuous recording of all cameras: `[recording] max_bytes`.
    #[serde(skip)]
    pub recording_max_bytes: u64,
    /// Hours that an uploaded file stays here.
    pub keep_uploaded_h: u32,
    /// Days that a recording waits for somebody to ask for it.
    pub keep_on_request_days: u32,
    /// Days that refused messages stay visible here.
    pub keep_rejected_days: u32,
}

impl Default for OutboxConfig {
    fn default() -> Self {
        Self {
            max_rows: 100_000,
            max_bytes: 256 << 20,
            evidence_max_bytes: 20 << 30,
            disk_reserve_bytes: 512 << 20,
            recording_max_bytes: RecordingConfig::default().max_bytes,
            keep_uploaded_h: 24,
            keep_on_request_days: 30,
            keep_rejected_days: 30,
        }
    }
}

const DAYS: u32 = 3_650;
const MIB: u64 = 1 << 20;
const TIB: u64 = 1 << 40;

impl OutboxConfig {
    /// What is wrong with it; empty when nothing is.
    pub fn problems(&self) -> Wrong {
        let mut found = Wrong::new();
        within(&mut found, "max_rows", self.max_rows, 1_000..=10_000_000);
        within(&mut found, "max_bytes", self.max_bytes, 16 * MIB..=TIB);
        // Less than one long recording would be given up as soon as it is there.
        within(&mut found, "evidence_max_bytes", self.evidence_max_bytes, MAX_EVIDENCE_BYTES..=1_024 * TIB);
        within(&mut found, "disk_reserve_bytes", self.disk_reserve_bytes, 0..=TIB);
        within(&mut found, "keep_uploaded_h", self.keep_uploaded_h, 0..=24 * DAYS);
        within(&mut found, "keep_on_request_days", self.keep_on_request_days, 1..=DAYS);
        within(&mut found, "keep_rejected_days", self.keep_rejected_days, 1..=DAYS);
        found
    }
}
