//! Rows of the outbox, made in the transaction of their cause.

use std::collections::{BTreeMap, HashMap, HashSet};

use protocol::UtcMs;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::CaseEvent;
use super::config::Form;
use super::event;
use super::facts::CaseFacts;
use super::push;
use super::rule::{Cause, Person};
use super::store::telling::{self, GrantOf, Known};
use super::words::Told;
use crate::db::{self, Tx};
use crate::notice::{Audience, Kind, Notice};

/// A row to be.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    pub(super) id: String,
    pub(super) channel: &'a str,
    pub(super) cause: &'a str,
    pub(super) receiver: &'a str,
    pub(super) case_number: &'a str,
    pub(super) kind: &'a str,
    /// Nothing: in any order.
    pub(super) lane: &'a str,
    pub(super) seq: i64,
    pub(super) held: bool,
    pub(super) content: String,
    pub(super) made_at: UtcMs,
}

/// Digits of a row's id: 96 bits.
const ID_DIGITS: usize = 24;

/// The same however often it is made, so that whoever receives a message twice can tell.
fn row_id(tenant: &str, channel: &str, cause: &str, receiver: &str) -> String {
    let words = serde_json::json!([tenant, channel, cause, receiver]).to_string();
    hex::encode(Sha256::digest(words))[..ID_DIGITS].to_owned()
}

/// Puts a new notice into the outbox, for each channel that takes it and each receiver that it is for.
pub(crate) async fn told(tx: &mut Tx, tenant: &str, id: &str, notice: &Notice, now: UtcMs) -> db::Result<()> {
    let mut channels = telling::channels(tx, tenant).await?;
    channels.retain(|known| known.rule.form != Form::CloudEvents);
    if channels.is_empty() {
        return Ok(());
    }
    let case = telling::case(tx, tenant, &notice.case_number).await?;
    // What is about no case lies where those are who are told of it.
    let told_at = notice.audience.iter().map(|audience| audience.parts()[3]).find(|area| !area.is_empty());
    let area = case.as_ref().map_or(told_at.unwrap_or("/"), |case| case.area.as_str());
    // A box that fails in a drill fails: the drill is its case, not the news.
    let of_hub = notice.kind == Kind::SelfTest;
    let cause = Cause {
        kind: notice.kind.as_str(),
        severity: notice.severity,
        area,
        drill: !of_hub && case.as_ref().is_some_and(|case| case.drill != 0),
    };
    channels.retain(|known| known.rule.takes(cause));
    if channels.is_empty() {
        return Ok(());
    }
    let mut people = people(telling::told(tx, tenant, id).await?, area);
    if channels.iter().any(|known| known.rule.form == Form::WebPush) {
        add_browsers(tx, tenant, &mut people).await?;
    }
    let own_words = (notice.text_zh.as_str(), notice.text_en.as_str());
    let content = match &case {
        _ if of_hub => Told::of_no_case(cause.kind, "", own_words),
        Some(case) => Told::of(cause.kind, case),
        None => Told::of_no_case(cause.kind, &notice.case_number, own_words),
    };
    let content = serde_json::to_string(&content).map_err(|error| db::Error::Encode(error.into()))?;
    let cause_text = format!("notice/{id}");
    for known in &channels {
        let receivers = receivers(known, notice, &people);
        for receiver in &receivers {
            let row = Row {
                id: row_id(tenant, &known.channel, &cause_text, receiver),
                channel: &known.channel,
                cause: &cause_text,
                receiver,
                case_number: &notice.case_number,
                kind: cause.kind,
                lane: "",
                seq: 0,
                held: false,
                content: content.clone(),
                made_at: now,
            };
            telling::put(tx, tenant, known, &row);
        }
        telling::count_dropped(tx, tenant, known, receivers.len()).await?;
    }
    Ok(())
}

/// Each browser of somebody is told by itself: one that is gone holds up no other.
async fn add_browsers(tx: &mut Tx, tenant: &str, people: &mut [Person]) -> db::Result<()> {
    let names: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
    let mut all: HashMap<String, Vec<String>> = HashMap::new();
    for (user, id) in crate::push::store::of_people(tx, tenant, &names).await? {
        let receiver = push::receiver(&user, &id);
        all.entry(user).or_default().push(receiver);
    }
    for person in people {
        person.browsers = all.remove(&person.name).unwrap_or_default();
    }
    Ok(())
}

/// Who is told on a channel: those with an address, the browsers of people, or the group as one.
fn receivers<'a>(known: &Known, notice: &Notice, people: &'a [Person]) -> Vec<&'a str> {
    match known.rule.form {
        Form::WebPush => {
            let meant = people.iter().filter(|person| known.rule.is_for(person));
            meant.flat_map(|person| person.browsers.iter().map(String::as_str)).collect()
        }
        form if form.is_personal() => {
            let address = |person: &Person| match form {
                Form::Smtp => !person.mail.is_empty(),
                _ => !person.phone.is_empty(),
            };
            let meant = people.iter().filter(|person| known.rule.is_for(person) && address(person));
            meant.map(|person| person.name.as_str()).collect()
        }
        _ => {
            let (mut units, mut roles, mut named) = (Vec::new(), Vec::new(), Vec::new());
            for [user, unit, role, _] in notice.audience.iter().map(Audience::parts) {
                named.extend(people.iter().filter(|person| !user.is_empty() && person.name == user));
                units.extend(Some(unit).filter(|unit| !unit.is_empty()));
                roles.extend(Some(role).filter(|role| !role.is_empty()));
            }
            if known.rule.is_for_group(&units, &roles, &named) { vec![""] } else { Vec::new() }
        }
    }
}

/// Everybody who is told, with the roles that he has where the case lies.
fn people(grants: Vec<GrantOf>, area: &str) -> Vec<Person> {
    let mut all: BTreeMap<String, Person> = BTreeMap::new();
    for grant in grants {
        let person = all.entry(grant.user_name.clone()).or_insert_with(|| Person {
            name: grant.user_name,
            mail: grant.mail,
            phone: grant.phone,
            ..Person::default()
        });
        if !grant.unit.is_empty() {
            person.units.push(grant.unit);
        }
        if area.starts_with(&grant.area) {
            person.roles.push(grant.role);
        }
    }
    all.into_values().collect()
}

/// Puts what a transaction wrote into histories into the outbox, for each webhook that takes it; before its commit.
pub(crate) async fn write(tx: &mut Tx, events: Vec<CaseEvent>) -> db::Result<()> {
    let mut by_tenant: BTreeMap<String, Vec<CaseEvent>> = BTreeMap::new();
    for event in events.into_iter().filter(|event| event::leaves(&event.action)) {
        by_tenant.entry(event.tenant.clone()).or_default().push(event);
    }
    for (tenant, events) in by_tenant {
        let mut channels = telling::channels(tx, &tenant).await?;
        channels.retain(|known| known.rule.form == Form::CloudEvents);
        if !channels.is_empty() {
            write_of(tx, &tenant, &channels, &events).await?;
        }
    }
    Ok(())
}

async fn write_of(tx: &mut Tx, tenant: &str, channels: &[Known], events: &[CaseEvent]) -> db::Result<()> {
    let ids: HashSet<&str> = events.iter().map(|event| event.case_id.as_str()).collect();
    let listed = Value::from(ids.into_iter().collect::<Vec<_>>()).to_string();
    let cases = telling::cases(tx, tenant, &listed).await?;
    let cases: HashMap<&str, &CaseFacts> = cases.iter().map(|case| (case.case_id.as_str(), case)).collect();
    // Channels and cases of which something waits already: what comes now waits behind it.
    let mut waiting: HashSet<(String, String)> =
        telling::lanes(tx, tenant, &listed).await?.into_iter().collect();
    let mut taken = vec![0; channels.len()];
    for event in events {
        let Some(case) = cases.get(event.case_id.as_str()) else { continue };
        let cause = Cause {
            kind: &event.action,
            severity: case.severity(),
            area: &case.area,
            drill: case.drill != 0,
        };
        let cause_text = format!("case/{}/{}", event.case_id, event.position);
        for (known, taken) in channels.iter().zip(&mut taken) {
            if !known.rule.takes(cause) {
                continue;
            }
            *taken += 1;
            let held = !known.is_full() && !waiting.insert((known.channel.clone(), event.case_id.clone()));
            let row = Row {
                id: row_id(tenant, &known.channel, &cause_text, ""),
                channel: &known.channel,
                cause: &cause_text,
                receiver: "",
                case_number: &case.number,
                kind: &event.action,
                lane: &event.case_id,
                seq: event.position,
                held,
                content: event::of(event, case).to_string(),
                made_at: event.at,
            };
            telling::put(tx, tenant, known, &row);
        }
    }
    for (known, taken) in channels.iter().zip(taken) {
        telling::count_dropped(tx, tenant, known, taken).await?;
    }
    Ok(())
}
