//! What citizens wrote to their government (`$SHAODIAN_DATA/text`; nothing of it may come into this project): longer
//! than anything said in one breath, of matters and places that the tagger has never met, hardly ever of a danger.

use std::collections::BTreeMap;
use std::path::PathBuf;

use protocol::hotline::{ALARMS, categories};
use protocol::{Clock, SystemClock};
use serde::Deserialize;

use super::gazetteer::Gazetteer;
use super::{OFFERED, Screener, privacy};

/// Generous: a few milliseconds on an idle core, of which a message of 7,000 characters takes a hundred.
const LONGEST_US: u64 = 3_000_000;
const ON_AVERAGE_US: u64 = 60_000;
/// Messages in a thousand that may raise an alarm. Nobody writes a letter while it burns; some tell what happened once.
const ALARMS_IN_1000: usize = 25;
/// Digits in a row that no date, price or document has, but telephones, cards and identities do.
const PRIVATE_DIGITS: usize = 11;

/// Their labels, and which of our categories each of them holds.
const LABELS: [(&str, &[&str]); 7] = [
    ("劳动和社会保障", &["labour", "civil_affairs", "disability"]),
    (
        "城乡建设",
        &[
            "illegal_building",
            "street_facility",
            "property",
            "utilities",
            "power",
            "land",
            "sanitation",
            "fire_hazard",
        ],
    ),
    ("教育文体", &["education"]),
    ("商贸旅游", &["consumer", "telecom"]),
    ("卫生计生", &["health", "family_planning"]),
    ("环境保护", &["pollution", "noise", "sanitation"]),
    ("交通运输", &["road_traffic", "transport_service"]),
];

#[derive(Deserialize)]
struct Message {
    text: String,
    label: Option<String>,
}

/// Both files, or nothing without the data.
fn messages() -> Option<Vec<Message>> {
    let data = std::env::var_os("SHAODIAN_DATA").filter(|v| !v.is_empty()).map(PathBuf::from)?;
    let read = |name: &str| -> Vec<Message> {
        let path = data.join("text").join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let message = |(n, line)| {
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{}:{}: {e}", path.display(), n + 1))
        };
        text.lines().enumerate().map(message).collect()
    };
    let mut all = read("citizen-messages-labelled.jsonl");
    all.extend(read("citizen-messages-unlabelled.jsonl"));
    Some(all)
}

/// Hits of trials in which our first and one of our three offers agree with their label.
#[derive(Default)]
struct Agreement {
    of: usize,
    first: usize,
    three: usize,
}

/// Whatever people write, screening ends soon, answers in the promised form, points at what was written, and leaves no
/// private number that it knows of; it raises few alarms. How often it agrees with their own labels is printed.
#[test]
fn citizens_messages_are_screened() {
    let Some(messages) = messages() else {
        println!("skipped: SHAODIAN_DATA is not set, no citizens' messages to screen");
        return;
    };
    assert!(messages.len() > 3_000, "only {} messages", messages.len());
    let (screener, clock) = (Screener::new(Gazetteer::default()), SystemClock::new());
    screener.screen("喂你好");
    let (mut took, mut alarmed, mut placed, mut private) = (Vec::new(), 0, 0, 0);
    let (mut by_category, mut by_alarm) = (BTreeMap::<&str, usize>::new(), BTreeMap::<&str, usize>::new());
    let mut agreement: BTreeMap<&str, Agreement> = BTreeMap::new();
    for (n, Message { text, label }) in messages.iter().enumerate() {
        let began_us = clock.uptime_us();
        let screened = screener.screen(text);
        took.push(clock.uptime_us() - began_us);

        // No message is printed, here or below: they are other people's.
        let json: serde_json::Value =
            serde_json::from_str(&serde_json::to_string(&screened).unwrap()).unwrap();
        let known = |id: &serde_json::Value| categories().iter().any(|c| *id == c.id.as_str());
        let offers = json["category_top3"].as_array().unwrap();
        assert!(offers.len() == OFFERED && offers.iter().all(|o| known(&o["id"])), "message {n}: {offers:?}");
        assert!(json["category"] == offers[0]["id"] && json["redacted"].is_string(), "message {n}");
        let sure: Vec<f64> = offers.iter().map(|o| o["confidence"].as_f64().unwrap()).collect();
        assert!(
            sure.is_sorted_by(|a, b| a >= b) && sure[0] <= 1.0 && sure[2] >= 0.0,
            "message {n}: {sure:?}"
        );
        assert!(screened.alarms.iter().all(|id| ALARMS.iter().any(|a| a.0 == *id)), "message {n}");
        assert_eq!(screened.alarms.is_empty(), screened.urgency != "emergency", "message {n}");

        if let Some(address) = &screened.address {
            let (from, to) = address.span;
            let there: String = text.chars().skip(from).take(to.saturating_sub(from)).collect();
            assert!(
                from < to && there == address.text,
                "message {n}: span {from} to {to} is not the address"
            );
            placed += 1;
        }

        let left: Vec<_> = privacy::find_in(&screened.redacted).into_iter().map(|p| p.kind).collect();
        assert!(left.is_empty(), "message {n}: {left:?} left");
        let longest = screened.redacted.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
        assert!(longest < Some(PRIVATE_DIGITS), "message {n}: {longest:?} digits in a row left");
        assert!(screened.pii.is_empty() || screened.redacted != *text, "message {n}: named and not masked");
        private += usize::from(!screened.pii.is_empty());

        alarmed += usize::from(!screened.alarms.is_empty());
        screened.alarms.iter().for_each(|id| *by_alarm.entry(*id).or_default() += 1);
        *by_category.entry(screened.category).or_default() += 1;
        let theirs = label.as_deref().map(|label| {
            let known = LABELS.iter().find(|(name, _)| *name == label);
            known.unwrap_or_else(|| panic!("message {n}: a label that is not theirs: {label}"))
        });
        if let Some((name, ours)) = theirs {
            let agreed = agreement.entry(*name).or_default();
            agreed.of += 1;
            agreed.first += usize::from(ours.contains(&screened.category));
            agreed.three += usize::from(screened.category_top3.iter().any(|offer| ours.contains(&offer.id)));
        }
    }
    let (count, longest, sum) =
        (messages.len(), took.iter().max().copied().unwrap_or(0), took.iter().sum::<u64>());
    println!(
        "{count} messages: {alarmed} raise an alarm ({:.1} in 1,000), {placed} name a place, {private} a number",
        alarmed as f64 * 1_000.0 / count as f64
    );
    println!("{} µs on average, {longest} µs at most", sum / count as u64);
    println!("alarms {by_alarm:?}\nfirst category {by_category:?}");
    for (name, Agreement { of, first, three }) in &agreement {
        println!("{name}: {of}, of ours the first agrees in {first}, one of three in {three}");
    }
    let total = |pick: fn(&Agreement) -> usize| agreement.values().map(pick).sum::<usize>();
    let share = |hits: usize| hits as f64 / total(|a| a.of) as f64;
    println!("of all: {:.3} and {:.3}", share(total(|a| a.first)), share(total(|a| a.three)));
    assert!(
        longest < LONGEST_US && sum / (count as u64) < ON_AVERAGE_US,
        "{longest} µs at most, {sum} µs in all"
    );
    assert!(
        alarmed * 1_000 <= ALARMS_IN_1000 * count,
        "{alarmed} of {count} letters raise an alarm; operators would stop looking: weigh long talk more carefully \
         (screen/danger.rs)"
    );
}
