//! Topics: `v1/{tenant}/{device}/…`. One ACL pattern per device confines it to its own subtree.

use std::fmt;

use crate::envelope::Origin;
use crate::id::{CommandId, IdError, MessageId};

/// Why a topic is not ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    #[error("topic {0:?} is not v1/{{tenant}}/{{device}}/…")]
    Shape(String),
    #[error(transparent)]
    Name(#[from] IdError),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Up, QoS 1.
    Event(Origin, MessageId),
    /// Up, retained, last will.
    Status(Origin),
    /// Up, QoS 0.
    Live(Origin),
    /// Down, QoS 1.
    Receipt(Origin, MessageId),
    /// Down, QoS 1.
    Command(Origin, CommandId),
}

impl Topic {
    pub fn origin(&self) -> &Origin {
        match self {
            Self::Event(o, _)
            | Self::Status(o)
            | Self::Live(o)
            | Self::Receipt(o, _)
            | Self::Command(o, _) => o,
        }
    }

    pub fn parse(text: &str) -> Result<Self, TopicError> {
        let shape = || TopicError::Shape(text.to_owned());
        let parts: Vec<&str> = text.split('/').collect();
        let ["v1", tenant, device, rest @ ..] = parts.as_slice() else { return Err(shape()) };
        let origin = Origin { tenant: tenant.parse()?, device: device.parse()? };
        match rest {
            ["event", id] => Ok(Self::Event(origin, id.parse()?)),
            ["status"] => Ok(Self::Status(origin)),
            ["live"] => Ok(Self::Live(origin)),
            ["receipt", id] => Ok(Self::Receipt(origin, id.parse()?)),
            ["command", id] => Ok(Self::Command(origin, id.parse()?)),
            _ => Err(shape()),
        }
    }

    /// What a box subscribes to.
    pub fn device_filters(origin: &Origin) -> [String; 2] {
        let base = format!("v1/{}/{}", origin.tenant, origin.device);
        [format!("{base}/receipt/+"), format!("{base}/command/+")]
    }

    /// What a hub subscribes to, of all tenants and devices.
    pub const HUB_FILTERS: [&str; 3] = ["v1/+/+/event/+", "v1/+/+/status", "v1/+/+/live"];
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { tenant, device } = self.origin();
        write!(f, "v1/{tenant}/{device}/")?;
        match self {
            Self::Event(_, id) => write!(f, "event/{id}"),
            Self::Status(_) => f.write_str("status"),
            Self::Live(_) => f.write_str("live"),
            Self::Receipt(_, id) => write!(f, "receipt/{id}"),
            Self::Command(_, id) => write!(f, "command/{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every topic reads back as what wrote it.
    #[test]
    fn topics_round_trip() {
        let origin = Origin { tenant: "demo".parse().unwrap(), device: "box-1".parse().unwrap() };
        let uuid = uuid::Uuid::nil();
        for topic in [
            Topic::Event(origin.clone(), MessageId(uuid)),
            Topic::Status(origin.clone()),
            Topic::Live(origin.clone()),
            Topic::Receipt(origin.clone(), MessageId(uuid)),
            Topic::Command(origin.clone(), CommandId(uuid)),
        ] {
            assert_eq!(Topic::parse(&topic.to_string()), Ok(topic));
        }
    }

    /// What is not exactly ours is refused.
    #[test]
    fn foreign_topics_are_refused() {
        for bad in [
            "",
            "v1",
            "v1/a/b",
            "v1/a/b/event",
            "v1/a/b/event/x",
            "v2/a/b/status",
            "v1/a/b/status/x",
            "v1/+/b/status",
            "$SYS/broker",
        ] {
            assert!(Topic::parse(bad).is_err(), "{bad:?} was taken");
        }
    }
}
