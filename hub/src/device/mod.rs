//! Boxes: enrolment, certificates, status, clock skew.

pub mod enrol;
pub mod place;
pub mod store;

use crate::db::from_row;
use protocol::Origin;
use serde::Serialize;

/// A box is called silent when it has been offline for this long.
pub const LOST_AFTER_MS: i64 = 60_000;

/// A box that counts as online and says nothing for this long is offline: six heartbeats.
pub const SILENT_AFTER_MS: i64 = 60_000;

/// A box clock further away than this is flagged.
pub const SKEW_FLAG_MS: i64 = 5_000;

/// A box as kept, with its newest status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Device {
    pub tenant: String,
    pub device_id: String,
    /// What people call it.
    pub title: String,
    /// `pending` (not enrolled yet), `enrolled` or `disabled`.
    pub state: String,
    pub created_at_ms: i64,
    pub enrolled_at_ms: Option<i64>,
    pub certificate_expires_at_ms: Option<i64>,
    /// `online` or `offline`; `None` before its first word.
    pub link: Option<String>,
    /// JSON of [`protocol::Status`], the newest.
    pub status: Option<String>,
    pub last_seen_at_ms: Option<i64>,
    pub offline_since_ms: Option<i64>,
    /// Hub clock minus box clock in ms, smoothed.
    pub skew_ms: Option<i64>,
    /// 0 when the box said that it does not trust its clock.
    pub clock_synced: Option<i64>,
    /// Messages that this box numbered and that are not here: under way, waiting in its outbox, or lost.
    pub missing: i64,
}

from_row!(Device: tenant, device_id, title, state, created_at_ms, enrolled_at_ms,
    certificate_expires_at_ms, link, status, last_seen_at_ms, offline_since_ms, skew_ms,
    clock_synced, missing);

impl Device {
    /// The newest status, where the box has sent one.
    pub fn status(&self) -> Option<protocol::Status> {
        serde_json::from_str(self.status.as_deref()?).ok()
    }

    /// Whether the box's times should not be trusted.
    pub fn clock_is_off(&self) -> bool {
        self.skew_ms.is_some_and(|ms| ms.abs() > SKEW_FLAG_MS) || self.clock_synced == Some(0)
    }
}

/// Messages of one run of a box that the hub never got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Gap {
    pub boot: String,
    /// Highest sequence number received.
    pub highest: i64,
    /// How many were received, also such as could not be read.
    pub received: i64,
}

from_row!(Gap: boot, highest, received);

impl Gap {
    pub fn missing(&self) -> i64 {
        self.highest - self.received
    }
}

/// Why a device was not added, enrolled or changed.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error("there is no device {0}")]
    Unknown(String),
    #[error("this code is not known, was used, or has ended; ask for a new one with `hub device add NAME`")]
    Code,
    #[error("device database: {0}")]
    Db(#[from] sqlx::Error),
    #[error(transparent)]
    Certificate(#[from] crate::pki::PkiError),
}

/// Smooths the measured skew: a jump of more than ten seconds is taken at once (the clock was set), anything else
/// by an eighth (network delay varies).
pub fn smooth_skew(known: Option<i64>, measured: i64) -> i64 {
    match known {
        Some(known) if (measured - known).abs() <= 10_000 => {
            let step = (measured - known) / 8;
            if step == 0 { known + (measured - known).signum() } else { known + step }
        }
        _ => measured,
    }
}

/// Splits the name in a certificate, `tenant/device`.
pub fn origin_of_name(name: &str) -> Option<Origin> {
    let (tenant, device) = name.split_once('/')?;
    Some(Origin { tenant: tenant.parse().ok()?, device: device.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small changes creep, a set clock jumps, and a steady measurement is reached.
    #[test]
    fn skew_is_smoothed() {
        assert_eq!(smooth_skew(None, 5_000), 5_000);
        assert_eq!(smooth_skew(Some(0), 800), 100);
        assert_eq!(smooth_skew(Some(0), -3_600_000), -3_600_000);
        let mut skew = 0;
        for _ in 0..100 {
            skew = smooth_skew(Some(skew), 40);
        }
        assert_eq!(skew, 40);
    }

    #[test]
    fn certificate_names_are_tenant_and_device() {
        let origin = origin_of_name("t/box-1").unwrap();
        assert_eq!((origin.tenant.as_str(), origin.device.as_str()), ("t", "box-1"));
        for bad in ["", "t", "t/", "/b", "t/b/c", "T/b", "t/+"] {
            assert!(origin_of_name(bad).is_none(), "{bad}");
        }
    }
}
