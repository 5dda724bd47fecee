//! A filed ticket held against what was said: what was left out, what was played down. Pure; it points, it changes nothing.

use protocol::hotline::{CallReading, URGENCIES};

use super::Draft;

/// A category that the box was this sure of and that is not the ticket's is worth a second look.
const SURE_PERCENT: u8 = 80;

/// Something in which the ticket says less or other than the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// These alarms were raised and still hold, and the ticket is no emergency.
    PlayedDown { alarms: Vec<String> },
    /// The call says that it is more urgent than the ticket.
    LessUrgent { told: String },
    /// The call is surely about something else.
    OtherCategory { told: String, words: Vec<String> },
    /// A place was told and is not in the ticket.
    PlaceLeftOut { told: String },
}

/// What of the call the ticket leaves out or plays down, worst first.
pub fn findings(ticket: &Draft, reading: &CallReading) -> Vec<Finding> {
    let mut found = Vec::new();
    let alarms: Vec<String> = reading.alarms.iter().filter(|a| a.holds).map(|a| a.id.clone()).collect();
    let rank = |id: &str| URGENCIES.iter().position(|urgency| *urgency == id).unwrap_or(URGENCIES.len());
    if !alarms.is_empty() && ticket.urgency != URGENCIES[0] {
        found.push(Finding::PlayedDown { alarms });
    } else if let Some(told) = reading.urgencies.first()
        && told.percent >= SURE_PERCENT
        && rank(&told.id) < rank(&ticket.urgency)
    {
        found.push(Finding::LessUrgent { told: told.id.clone() });
    }
    if let Some(told) = reading.categories.first()
        && told.percent >= SURE_PERCENT
        && told.id != ticket.category
    {
        found.push(Finding::OtherCategory { told: told.id.clone(), words: told.words.clone() });
    }
    if let Some(place) = &reading.place {
        let written = format!("{}{}", ticket.place, ticket.summary);
        let known = |text: &str| !text.is_empty() && written.contains(text);
        if !known(&place.text) && !place.grid.as_deref().is_some_and(known) {
            found.push(Finding::PlaceLeftOut { told: place.text.clone() });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use protocol::hotline::{Alarm, Offer, ToldPlace};

    use super::*;

    fn ticket() -> Draft {
        Draft {
            matter: "request".into(),
            category: "fire_hazard".into(),
            urgency: "emergency".into(),
            place: "凤鸣路菜市场后面".into(),
            summary: "仓库着火".into(),
        }
    }

    fn reading() -> CallReading {
        let offer = |id: &str, percent| Offer { id: id.into(), percent, words: vec![] };
        CallReading {
            categories: vec![offer("fire_hazard", 97)],
            urgencies: vec![offer("emergency", 99)],
            alarms: vec![Alarm { id: "fire".into(), words: vec![], at_ms: 0, holds: true }],
            place: Some(ToldPlace { text: "凤鸣路菜市场".into(), grid: None }),
            ..CallReading::default()
        }
    }

    /// A ticket that says what the call says is left alone; one that says less is pointed at, for each thing by its name.
    #[test]
    fn points_at_what_is_left_out() {
        assert_eq!(findings(&ticket(), &reading()), []);
        let less = Draft {
            category: "noise".into(),
            urgency: "normal".into(),
            place: "东关".into(),
            summary: "有人来电".into(),
            ..ticket()
        };
        assert_eq!(
            findings(&less, &reading()),
            [
                Finding::PlayedDown { alarms: vec!["fire".into()] },
                Finding::OtherCategory { told: "fire_hazard".into(), words: vec![] },
                Finding::PlaceLeftOut { told: "凤鸣路菜市场".into() },
            ]
        );
    }

    /// An alarm that the end of the call took back does not accuse anybody, nor does an unsure guess.
    #[test]
    fn is_silent_where_it_is_unsure() {
        let mut unsure = reading();
        unsure.alarms[0].holds = false;
        unsure.categories[0].percent = 60;
        unsure.urgencies[0].percent = 60;
        let calm = Draft { urgency: "normal".into(), category: "noise".into(), ..ticket() };
        assert_eq!(findings(&calm, &unsure), []);
    }
}
