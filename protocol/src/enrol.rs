//! How a box comes in: `POST /api/v1/enrol` with the secret half of its one-time code.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::contact::ContactKey;
use crate::id::{DeviceId, TenantId};

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The part of `SECRET.PIN` before the dot.
    pub code: String,
    /// A signing request; the hub decides what the certificate says.
    pub csr_pem: String,
}

/// What a box is from then on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolAnswer {
    pub tenant: TenantId,
    pub device: DeviceId,
    pub certificate_pem: String,
    pub ca_pem: String,
    pub mqtt_host: String,
    pub mqtt_port: u16,
    /// For the hub's HTTP side.
    pub token: String,
    /// To which numbers of callers are sealed; `None` from a hub that keeps none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_key: Option<ContactKey>,
}

/// Codes and tokens never reach a log.
impl fmt::Debug for EnrolRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolRequest(..)")
    }
}

impl fmt::Debug for EnrolAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnrolAnswer({}/{})", self.tenant, self.device)
    }
}
