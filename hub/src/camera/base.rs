//! What a box has in force, as far as the hub knows: from what the box has shown, and from what it was sent and has taken.
//! Pure.

use protocol::{CommandBody, Label, Status, UtcMs};

use crate::command::CommandRow;

/// The text of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// 0 = the installer's file.
    pub version: u64,
    pub toml: String,
    /// When the box showed it or took it.
    pub at: UtcMs,
    /// Who asked for it or sent it.
    pub by: String,
    /// The box has shown it; else it was sent and taken.
    pub shown: bool,
}

/// Texts of versions, the newest word first; `rows` are commands that show or send a configuration.
pub fn known(rows: &[CommandRow]) -> Vec<Known> {
    let mut all: Vec<Known> = rows.iter().filter_map(of).collect();
    all.sort_by_key(|known| std::cmp::Reverse(known.at));
    all
}

fn of(row: &CommandRow) -> Option<Known> {
    let at = UtcMs(row.answered_at_ms.filter(|_| row.state == "done")?);
    let by = row.issued_by.clone();
    if let Some(shown) = row.shown() {
        return Some(Known { version: shown.version, toml: shown.toml, at, by, shown: true });
    }
    match row.asked()? {
        CommandBody::Configuration { version, toml, .. } => {
            Some(Known { version, toml, at, by, shown: false })
        }
        _ => None,
    }
}

/// What the box's detectors name, by its newest word.
pub fn labels(rows: &[CommandRow]) -> Option<Vec<Label>> {
    let shown = rows.iter().filter_map(|row| Some((row.answered_at_ms?, row.shown()?)));
    shown.max_by_key(|(at, _)| *at).map(|(_, shown)| shown.labels)
}

/// The version in force: what the box says of itself, or what it has taken since it said so. Nothing where it has said
/// nothing yet.
pub fn in_force(status: Option<&Status>, rows: &[CommandRow]) -> Option<u64> {
    let newest = known(rows).into_iter().next();
    match (status, newest) {
        (Some(status), Some(newest)) if newest.at > status.at => Some(newest.version),
        (Some(status), _) => Some(status.configuration_version),
        (None, newest) => newest.map(|newest| newest.version),
    }
}

#[cfg(test)]
mod tests {
    use protocol::{BootId, Chance, DeviceState, ShownConfiguration};

    use super::*;

    fn row(body: &CommandBody, state: &str, at_ms: i64, result: Option<String>) -> CommandRow {
        CommandRow {
            command_id: format!("c{at_ms}"),
            device_id: "box-1".into(),
            name: body.name().into(),
            body: serde_json::to_string(body).unwrap(),
            purpose: "x".into(),
            case_id: None,
            case_number: None,
            issued_by: "li".into(),
            issued_at_ms: at_ms - 5,
            expires_at_ms: at_ms + 5,
            state: state.into(),
            sent_at_ms: None,
            sends: 1,
            answered_at_ms: (state != "sent").then_some(at_ms),
            reason: None,
            result,
        }
    }

    fn status(version: u64, at_ms: i64) -> Status {
        Status {
            state: DeviceState::Online,
            boot: BootId::new(&Chance::seeded(1), UtcMs(1)),
            at: UtcMs(at_ms),
            uptime_ms: 1,
            clock_synced: true,
            version: "0.1.0".into(),
            configuration_version: version,
            cameras: vec![],
            detector: None,
            speech_model: None,
            active_calls: 0,
            calls: None,
            outbox_rows: 0,
            outbox_oldest_ms: 0,
            uploads_waiting: 0,
            disk_free_bytes: 0,
            rejected_rows: 0,
            models: vec![],
        }
    }

    /// What a box has shown or taken is known, what it refused or has not answered is not; and its own word counts until it
    /// has taken something since.
    #[test]
    fn the_newest_word_counts() {
        let send =
            |version| CommandBody::Configuration { version, toml: format!("v = {version}"), based_on: None };
        let shown =
            ShownConfiguration { version: 0, toml: "v = 0".into(), labels: vec![Label::Person, Label::Car] };
        let rows = [
            row(&send(9), "failed", 400, None),
            row(&send(8), "sent", 300, None),
            row(&send(7), "done", 200, None),
            row(
                &CommandBody::ShowConfiguration {},
                "done",
                100,
                Some(serde_json::to_string(&shown).unwrap()),
            ),
        ];
        let versions: Vec<_> = known(&rows).iter().map(|known| (known.version, known.shown)).collect();
        assert_eq!(versions, [(7, false), (0, true)]);
        assert_eq!(labels(&rows), Some(vec![Label::Person, Label::Car]));
        assert_eq!(in_force(Some(&status(0, 150)), &rows), Some(7), "taken since its last word");
        assert_eq!(in_force(Some(&status(0, 500)), &rows), Some(0), "its pointer was taken away");
        assert_eq!(in_force(None, &rows), Some(7));
        assert_eq!(in_force(None, &rows[..2]), None);
    }
}
