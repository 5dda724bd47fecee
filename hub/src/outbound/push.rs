//! Messages to browsers: which one a row of the outbox is for, and what its push service's answer does to the
//! subscription.

use anyhow::{Result, bail};
use tokio::sync::Semaphore;

use super::channel::{Channel, Stamp};
use super::config::Form;
use super::form::Outcome;
use super::form::push::{Note, Pushed, Way};
use super::words::{Look, Told};
use crate::app::App;
use crate::db;
use crate::push::seal::Keys;
use crate::push::{self, MOST_REFUSALS, Subscription, endpoint, store};

/// Tests that people send to themselves at once; further ones are refused.
static TESTING: Semaphore = Semaphore::const_new(4);

/// A browser as a row of the outbox names it: names of users have no blanks.
pub(super) fn receiver(user: &str, push_id: &str) -> String {
    format!("{user} {push_id}")
}

/// One try of a row; what came of it is noted at its subscription.
pub(super) async fn send(
    app: &App,
    channel: &Channel,
    receiver: &str,
    (told, look): (&Told, &Look),
    stamp: Stamp<'_>,
) -> Outcome {
    let Some((user, id)) = receiver.rsplit_once(' ') else {
        return Outcome::refused("the row names no browser");
    };
    match store::one(&app.db, app.tenant().as_str(), user, id).await {
        Ok(Some(to)) => deliver(app, channel, &to, (told, look), stamp).await,
        Ok(None) => Outcome::refused("this browser is not to be told any more"),
        Err(error) => Outcome::again(error.to_string()),
    }
}

async fn deliver(
    app: &App,
    channel: &Channel,
    to: &Subscription,
    (told, look): (&Told, &Look),
    stamp: Stamp<'_>,
) -> Outcome {
    let Some(pusher) = channel.pusher() else {
        return Outcome::refused("this channel writes to no browsers");
    };
    let read = endpoint::read(&to.endpoint, pusher.is_insecure())
        .map_err(|what| format!("endpoint {what}"))
        .and_then(|url| Ok((url, Keys::read(&to.p256dh, &to.auth)?)));
    let (url, keys) = match read {
        Ok(both) => both,
        Err(why) => return Outcome::refused(why),
    };
    let message = told.in_words(look);
    let note = Note::of((told, &message), (stamp.id, stamp.made_at_ms), stamp.now, &to.auth);
    // Who runs the hub is asked for by push services; where nobody is named, the hub's own address stands for him.
    let contact = app.config.http.public_url.as_deref().filter(|url| url.starts_with("https://"));
    let way = Way { url, keys, vapid: &app.vapid, contact };
    let pushed = pusher.send(way, &note, stamp.now).await;
    if let Err(error) = note_of(app, to, &pushed).await {
        // The next message shows it again.
        tracing::warn!(user = to.user_name, %error, "outbound: what a push service said of a browser is not noted");
    }
    pushed.outcome
}

async fn note_of(app: &App, to: &Subscription, pushed: &Pushed) -> db::Result<()> {
    let (db, tenant, user, id) = (&app.db, app.tenant().as_str(), to.user_name.as_str(), to.push_id.as_str());
    match &pushed.outcome {
        Outcome::Sent(_) => store::note_success(db, tenant, user, id, app.clock.now()).await,
        _ if pushed.is_gone => {
            tracing::info!(user, "outbound: a browser's subscription has ended; it is told no more");
            store::remove(db, tenant, user, id).await.map(drop)
        }
        Outcome::Refused(reason) => {
            if store::note_refusal(db, tenant, user, id, MOST_REFUSALS).await? {
                tracing::warn!(user, reason, "outbound: a browser that takes nothing is told no more");
            }
            Ok(())
        }
        Outcome::Later(_) => Ok(()),
    }
}

/// What came of a test that somebody sent to his own browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tested {
    Sent,
    /// And why.
    Failed(String),
    /// He has no such browser.
    Unknown,
    /// Too many are tested at this moment.
    Busy,
    NotSetUp,
}

/// Sends a marked message to one of a user's browsers, now.
pub async fn test(app: &App, user: &str, push_id: &str) -> db::Result<Tested> {
    let Some(to) = store::one(&app.db, app.tenant().as_str(), user, push_id).await? else {
        return Ok(Tested::Unknown);
    };
    let Ok(_turn) = TESTING.try_acquire() else { return Ok(Tested::Busy) };
    let mut only = app.config.outbound.clone();
    only.channel.retain(|channel| channel.form == Some(Form::WebPush));
    let channels = match Channel::open_all(&only) {
        Ok(channels) => channels,
        Err(why) => return Ok(Tested::Failed(why)),
    };
    let terms = push::terms(app);
    // The one that reaches most, where several differ in what they may write to.
    let fits = |channel: &&Channel| {
        channel.pusher().is_some_and(|pusher| Some(pusher.is_insecure()) == terms.map(|terms| terms.insecure))
    };
    let Some(channel) = channels.iter().find(fits) else { return Ok(Tested::NotSetUp) };
    Ok(match once(app, channel, &to).await {
        Outcome::Sent(_) => Tested::Sent,
        Outcome::Later(setback) => Tested::Failed(setback.reason),
        Outcome::Refused(why) => Tested::Failed(why),
    })
}

async fn once(app: &App, channel: &Channel, to: &Subscription) -> Outcome {
    let (id, now) = (app.new_id(), app.clock.now());
    let stamp = Stamp { id: &id, made_at_ms: now.0, now };
    let look = Look { zone: app.zone.clone(), public_url: app.config.http.public_url.clone() };
    deliver(app, channel, to, (&Told::test(), &look), stamp).await
}

/// The same for `hub outbound test`: to each browser of a user; a line each.
pub(super) async fn try_all(app: &App, channel: &Channel, user: Option<&str>) -> Result<String> {
    let Some(user) = user else {
        bail!("{} writes to people's browsers; say whose: --to USER", channel.name)
    };
    let all = push::of_user(&app.db, app.tenant().as_str(), user).await?;
    if all.is_empty() {
        bail!("{user} has no browser that is told; each user turns it on himself, on the page /me");
    }
    let (mut lines, mut sent) = (Vec::new(), 0);
    for to in &all {
        let what = match once(app, channel, to).await {
            Outcome::Sent(answer) => {
                sent += 1;
                format!("sent: {answer}")
            }
            Outcome::Later(setback) => format!("not sent, and would be tried again: {}", setback.reason),
            Outcome::Refused(why) => format!("refused: {why}"),
        };
        lines.push(format!("{}\t{}\t{what}", to.service(), to.label));
    }
    if sent == 0 {
        bail!("{}", lines.join("\n"))
    }
    Ok(lines.join("\n"))
}
