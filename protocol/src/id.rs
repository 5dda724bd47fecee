//! Names of things on the wire. Every id has its own type.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{chance::Chance, clock::UtcMs};

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("{what} {given:?} must be 1 to {max} characters of a-z, 0-9, '-' and '_', starting with a letter or digit", max = MAX_NAME_LEN)]
    Name { what: &'static str, given: String },
    #[error("{what} {given:?} is not a UUID")]
    Uuid { what: &'static str, given: String },
}

/// Longest name of a tenant, device, camera or rule, in bytes.
pub const MAX_NAME_LEN: usize = 64;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id (UUIDv7) for something that came to be at `now`.
            pub fn new(chance: &Chance, now: UtcMs) -> Self {
                Self(chance.uuid_v7(now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| IdError::Uuid { what: $what, given: text.to_owned() })
            }
        }
    };
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                if is_name(text) { Ok(Self(text.to_owned())) } else { Err(IdError::Name { what: $what, given: text.to_owned() }) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

uuid_id!(/// One message on the wire; unique per tenant (CloudEvents `id`).
    MessageId, "message id");
uuid_id!(/// One thing that happened; shared by all revisions that tell of it.
    IncidentId, "incident id");
uuid_id!(/// One telephone call, as the exchange names it.
    CallId, "call id");
uuid_id!(/// One command from the hub to a box.
    CommandId, "command id");
uuid_id!(/// One run of a box's process; sequence numbers count within it.
    BootId, "boot id");

name_id!(/// One customer of a hub. Leads every key.
    TenantId, "tenant");
name_id!(/// One box.
    DeviceId, "device");
name_id!(/// One camera of a box.
    CameraId, "camera");
name_id!(/// One rule of a camera.
    RuleId, "rule");

/// Names travel inside MQTT topics and file names, so they hold nothing that either would interpret.
fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    !text.is_empty()
        && text.len() <= MAX_NAME_LEN
        && plain(text.as_bytes()[0])
        && text.bytes().all(|b| plain(b) || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing that a topic filter, a path or a shell would interpret can be a name.
    #[test]
    fn names_hold_no_special_characters() {
        for bad in ["", "+", "#", "a/b", "a b", "-a", "_a", "A", "点", "a.b", "$sys", "a\0", &"a".repeat(65)]
        {
            assert!(bad.parse::<DeviceId>().is_err(), "{bad:?} was taken");
        }
        for good in ["a", "box-1", "0_0", &"a".repeat(64)] {
            assert!(good.parse::<DeviceId>().is_ok(), "{good:?} was refused");
        }
    }

    /// A bad name is refused while decoding too, with its reason.
    #[test]
    fn decoding_refuses_bad_names() {
        let error = serde_json::from_str::<DeviceId>("\"a/b\"").unwrap_err().to_string();
        assert!(error.contains("device \"a/b\" must be"), "{error}");
    }
}
