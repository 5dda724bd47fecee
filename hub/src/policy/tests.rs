//! The default holds together; rules are asked in order; what is wrong is told; versions are kept.

use jiff::tz::Offset;
use protocol::{Clock as _, UtcMs};

use super::*;
use crate::db::testing::databases;

fn zone() -> TimeZone {
    TimeZone::fixed(Offset::constant(8))
}

fn default() -> Policy {
    Policy::read(DEFAULT, 1, &zone()).unwrap()
}

/// The published defaults: urgent calls the same day, enquiries three working days, complaints thirteen; villages have
/// twice the time for triage; emergencies their own limits whatever else they are.
#[test]
fn the_default_is_as_published() {
    let policy = default();
    let call = |matter, severity| Matter {
        source: Some(Source::Call),
        severity: Some(severity),
        matter,
        ..Matter::default()
    };
    let handle = |matter| policy.limits(matter).handle.to_string();
    assert_eq!(handle(call("enquiry", Severity::Normal)), "3 working days");
    assert_eq!(handle(call("complaint", Severity::Normal)), "13 working days");
    assert_eq!(handle(call("complaint", Severity::Major)), "same day");
    assert_eq!(handle(call("complaint", Severity::Emergency)), "4 hours");
    assert_eq!(handle(Matter::default()), "7 working days");
    assert_eq!(policy.limits(call("enquiry", Severity::Normal)).closes, Closes::CallBack);
    let village = Matter { rural: true, ..Matter::default() };
    assert_eq!(policy.limits(village).triage.to_string(), "2 hours");
    assert_eq!(
        policy.limits(village).handle.to_string(),
        "7 working days",
        "what a rule does not say, the next says"
    );
    let urgent = Matter { rural: true, severity: Some(Severity::Emergency), ..Matter::default() };
    assert_eq!(policy.limits(urgent).triage.to_string(), "5 minutes");
    assert_eq!(policy.rule(call("complaint", Severity::Normal)), Some("热线投诉、举报"));
    assert_eq!(policy.rule(village), None);
}

/// Everything that is wrong is told at once, each with its place and what could stand there.
#[test]
fn wrong_policies_are_told() {
    let text = DEFAULT
        .replace("before_percent = 75", "before_percent = 0")
        .replace("severity = [\"emergency\"]", "severity = [\"urgent\"]\ncategory = [\"nosie\"]")
        .replace("open = [\"08:30-12:00\"", "open = [\"12:00-08:30\"")
        .replace("rural = true\ntriage = \"2 hours\"\ndispatch = \"2 hours\"", "rural = true");
    let wrong = Policy::read(&text, 1, &zone()).unwrap_err();
    for part in [
        "reminders.before_percent",
        "rule 1 (紧急): severity: \"urgent\" is not one of emergency",
        "rule 1 (紧急): category: \"nosie\"",
        "rule 6 (农村): it says nothing",
        "calendar.hours, row 1: \"12:00-08:30\"",
    ] {
        assert!(wrong.iter().any(|line| line.contains(part)), "{part}: {wrong:#?}");
    }
    let odd =
        Policy::read(&DEFAULT.replace("triage = \"1 hour\"", "triage = \"1 week\""), 1, &zone()).unwrap_err();
    assert!(odd[0].contains("\"1 week\" is no limit") && odd[0].contains("line"), "{odd:?}");
    assert!(Policy::read(&DEFAULT.replace("[cases]", "[case]"), 1, &zone()).is_err());
}

/// A tenant begins with the default; another policy is a new version, and the old one stays what it was.
#[tokio::test]
async fn versions_are_kept() {
    for test in databases().await {
        let (db, shelf) = (&test.db, Policies::new(zone()));
        let now = protocol::ManualClock::at(UtcMs(1)).now();
        assert_eq!(shelf.newest(db, "t", now).await.unwrap().version, 1);
        let text = DEFAULT.replace("handle = \"7 working days\"", "handle = \"5 working days\"");
        let by = ("user:admin", "faster", now);
        assert_eq!(shelf.import(db, "t", &text, by, true).await.unwrap(), None);
        assert_eq!(shelf.import(db, "t", &text, by, false).await.unwrap(), Some(2));
        let handle = |policy: &Policy| policy.limits(Matter::default()).handle.to_string();
        // Another process knows nothing of it but what the database has.
        let other = Policies::new(zone());
        assert_eq!(handle(&other.newest(db, "t", now).await.unwrap()), "5 working days", "{}", test.name);
        let mut tx = db.begin().await.unwrap();
        assert_eq!(handle(&other.version_in(&mut tx, "t", 1).await.unwrap()), "7 working days");
        drop(tx);
        let error = shelf.import(db, "t", "[limits]", by, false).await.unwrap_err().to_string();
        assert!(error.contains("was not taken") && store::list(db, "t").await.unwrap().len() == 2, "{error}");
    }
}
