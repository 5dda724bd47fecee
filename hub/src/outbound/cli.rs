//! `hub outbound …`: what waits, what failed, and a try of each channel.

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use protocol::UtcMs;

use super::channel::{Channel, Load, Stamp};
use super::config::Form;
use super::event;
use super::form::Outcome;
use super::push;
use super::store::looking::{self, MOST_SHOWN};
use super::store::reach as addresses;
use super::words::{Look, Told};
use crate::app::App;

pub use super::reach::{Change, set as reach, set_by as reach_by};

/// A channel a line: name, form, how many wait, were sent (within 30 days), were given up and found no room, how it is,
/// last success, last error.
pub async fn list(app: &App) -> Result<()> {
    let now = app.clock.now();
    let states = looking::states(&app.db, app.tenant().as_str()).await?;
    for channel in &app.config.outbound.channel {
        if !states.iter().any(|state| state.channel == channel.name) {
            eprintln!("{} is in the configuration and in no hub that runs; start it anew", channel.name);
        }
    }
    for state in states {
        let is = if state.paused_until_ms > now.0 {
            format!("paused until {}", app.local_time(UtcMs(state.paused_until_ms)))
        } else {
            "open".to_owned()
        };
        let time = |at: Option<i64>| at.map_or_else(|| "never".to_owned(), |at| app.local_time(UtcMs(at)));
        let error = state.last_error.map_or_else(String::new, |error| {
            format!("\tlast error {}: {error}", time(state.last_error_at_ms))
        });
        let line = format!(
            "{}\t{}\twaiting {}\tsent {}\tgiven up {}\tdropped {}\t{is}\tlast success {}{error}",
            state.channel,
            state.form,
            state.waiting,
            state.sent,
            state.given_up,
            state.dropped,
            time(state.last_success_at_ms)
        );
        if writeln!(std::io::stdout(), "{line}").is_err() {
            // Whoever reads has seen enough.
            break;
        }
    }
    Ok(())
}

/// What was given up, the newest first: id, time, channel, receiver, case, kind, tries, reason.
pub async fn failed(app: &App) -> Result<()> {
    let rows = looking::given_up(&app.db, app.tenant().as_str()).await?;
    let cut = rows.len() as i64 == MOST_SHOWN;
    for row in rows {
        let line = format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            row.outbox_id,
            app.local_time(UtcMs(row.ended_at_ms)),
            row.channel,
            row.receiver,
            row.case_number,
            row.kind,
            row.tries,
            row.reason
        );
        if writeln!(std::io::stdout(), "{line}").is_err() {
            return Ok(());
        }
    }
    if cut {
        eprintln!("these are the newest {MOST_SHOWN}; there may be more");
    }
    Ok(())
}

/// Has one message, or all that were given up, tried again.
pub async fn retry(app: &App, id: Option<&str>) -> Result<u64> {
    let count = looking::retry(&app.db, app.tenant().as_str(), id, app.clock.now()).await?;
    match id {
        Some(id) if count == 0 => {
            bail!(
                "nothing with the id {id} was given up on a channel that is there; `hub outbound failed` lists what was"
            )
        }
        _ => Ok(count),
    }
}

/// Sends a marked message on a channel of the configuration, now; returns what came of it, in words.
pub async fn test(app: &App, name: &str, user: Option<&str>) -> Result<String> {
    let config = &app.config.outbound;
    let known: Vec<&str> = config.channel.iter().map(|channel| channel.name.as_str()).collect();
    if !known.contains(&name) {
        bail!("the configuration has no channel {name:?}; it has {}", known.join(", "));
    }
    let mut only = config.clone();
    only.channel.retain(|channel| channel.name == name);
    let channels = Channel::open_all(&only).map_err(anyhow::Error::msg)?;
    let channel = channels.first().context("a channel of this name was there just now")?;
    if channel.rule.form == Form::WebPush {
        return push::try_all(app, channel, user).await;
    }
    let to = receiver(app, channel, user).await?;
    let (id, now) = (app.new_id(), app.clock.now());
    let stamp = Stamp { id: &id, made_at_ms: now.0, now };
    let outcome = if channel.rule.form == Form::CloudEvents {
        channel.send(Load::Event(&event::test(app.tenant().as_str(), &id, now.0)), stamp).await
    } else {
        let look = Look { zone: app.zone.clone(), public_url: app.config.http.public_url.clone() };
        channel.send(Load::Notice { message: &Told::test().in_words(&look), to: &to }, stamp).await
    };
    match outcome {
        Outcome::Sent(answer) => Ok(format!("sent: {answer}")),
        Outcome::Later(setback) => bail!("not sent, and would be tried again: {}", setback.reason),
        Outcome::Refused(reason) => bail!("refused: {reason}"),
    }
}

/// The address of whom a channel to people is tried with.
async fn receiver(app: &App, channel: &Channel, user: Option<&str>) -> Result<String> {
    let form = channel.rule.form;
    let Some(user) = user else {
        if form.is_personal() {
            bail!("{} writes to people; say to whom: --to USER", channel.name);
        }
        return Ok(String::new());
    };
    if !form.is_personal() {
        bail!("{} writes to no single person; leave --to out", channel.name);
    }
    let known = addresses::of(&app.db, app.tenant().as_str(), user).await?.unwrap_or_default();
    let (address, key) = if form == Form::Smtp { (known.mail, "mail") } else { (known.phone, "phone") };
    if address.is_empty() {
        bail!("{user} has no such address; `hub user reach {user} --{key} …` gives one");
    }
    Ok(address)
}
