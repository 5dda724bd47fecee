//! `[outbox]` of the box's configuration.

use serde::Deserialize;

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
            keep_uploaded_h: 24,
            keep_on_request_days: 30,
            keep_rejected_days: 30,
        }
    }
}
