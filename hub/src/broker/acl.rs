//! What a box may do at a broker. Pure; the Mosquitto ACL file says the same in its words.
//!
//! Publish: own events (never retained), own status, own live words (never retained). Last will: own status only.
//! Subscribe: own receipts and commands. Nothing else: no wildcard reaches further, no shared subscription, no
//! `$SYS`.

use protocol::{Origin, Topic};

pub fn may_publish(device: &Origin, topic: &str, retain: bool) -> bool {
    match Topic::parse(topic) {
        // What parses but is written otherwise (a UUID in capitals) would pass by the patterns of other brokers.
        Ok(parsed) if parsed.to_string() != topic || parsed.origin() != device => false,
        Ok(Topic::Event(..) | Topic::Live(_)) => !retain,
        Ok(Topic::Status(_)) => true,
        Ok(Topic::Receipt(..) | Topic::Command(..)) | Err(_) => false,
    }
}

pub fn may_will(device: &Origin, topic: &str) -> bool {
    matches!(Topic::parse(topic), Ok(Topic::Status(origin)) if origin == *device)
}

pub fn may_subscribe(device: &Origin, filter: &str) -> bool {
    if Topic::device_filters(device).iter().any(|own| own == filter) {
        return true;
    }
    matches!(
        Topic::parse(filter),
        Ok(Topic::Receipt(ref origin, _) | Topic::Command(ref origin, _)) if origin == device
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Origin {
        Origin { tenant: "t".parse().unwrap(), device: "a".parse().unwrap() }
    }

    const ID: &str = "019d0000-0000-7000-8000-000000000000";

    /// The whole of what is allowed, and beside each thing its forbidden neighbours.
    #[test]
    fn a_box_reaches_only_its_own_subtree() {
        let may = |topic: &str, retain| may_publish(&own(), &topic.replace("ID", ID), retain);
        assert!(may("v1/t/a/event/ID", false));
        assert!(may("v1/t/a/status", true) && may("v1/t/a/status", false));
        assert!(may("v1/t/a/live", false));
        for (topic, retain) in [
            ("v1/t/a/event/ID", true),
            ("v1/t/a/live", true),
            ("v1/t/a/event/x", false),
            ("v1/t/a/receipt/ID", false),
            ("v1/t/a/command/ID", false),
            ("v1/t/b/event/ID", false),
            ("v1/u/a/event/ID", false),
            ("v1/t/b/status", true),
            ("$SYS/x", false),
            ("other", false),
        ] {
            assert!(!may(topic, retain), "{topic} {retain}");
        }
        assert!(may_will(&own(), "v1/t/a/status"));
        assert!(!may_will(&own(), "v1/t/b/status") && !may_will(&own(), &format!("v1/t/a/event/{ID}")));
        let sub = |filter: &str| may_subscribe(&own(), &filter.replace("ID", ID));
        assert!(sub("v1/t/a/receipt/+") && sub("v1/t/a/command/+") && sub("v1/t/a/command/ID"));
        for filter in [
            "#",
            "+/#",
            "v1/#",
            "v1/+/+/receipt/+",
            "v1/t/+/receipt/+",
            "v1/t/a/#",
            "v1/t/a/+/+",
            "v1/t/a/event/+",
            "v1/t/b/receipt/+",
            "$share/g/v1/t/a/receipt/+",
            "$SYS/#",
        ] {
            assert!(!sub(filter), "{filter}");
        }
    }
}
