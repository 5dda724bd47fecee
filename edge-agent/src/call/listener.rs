//! A port where exchanges connect: one connection = one leg, or both legs of a call.
//!
//! A hostile or broken peer can neither hold memory nor keep others out: a connection that does not name itself is the
//! first to go when too many wait, and everything has a deadline. What it may bring is judged in [`super::tap`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::CallTap;
use super::tap::{self, Introduction, Source};

/// A connection must name itself within this time.
const INTRODUCTION: Duration = Duration::from_secs(5);
/// Connections that have not named themselves; the oldest goes when there are more.
const MAX_STRANGERS: usize = 64;

/// A wire that exchanges connect to.
pub(super) trait Wire: Source + Sized + 'static {
    /// Reads as far as the connection says what it is.
    fn introduce(
        stream: TcpStream,
        tap: &CallTap,
    ) -> impl Future<Output = anyhow::Result<(Self, Introduction)>> + Send;
}

/// Accepts until cancelled; then ends every leg and returns when all are on disk.
pub(super) async fn serve<W: Wire>(tap: Arc<CallTap>, listener: TcpListener, cancel: CancellationToken) {
    let mut legs = JoinSet::new();
    let mut strangers: VecDeque<(CancellationToken, CancellationToken)> = VecDeque::new();
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            Some(_) = legs.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a call leg; trying again");
                sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        if !tap.config.admits(peer.ip()) {
            tap.counters.refused.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%peer, "turned away: not among calls.peers (this box itself always is)");
            continue;
        }
        strangers.retain(|(known, _)| !known.is_cancelled());
        if strangers.len() >= MAX_STRANGERS
            && let Some((_, leave)) = strangers.pop_front()
        {
            leave.cancel();
        }
        let (known, leave) = (CancellationToken::new(), CancellationToken::new());
        strangers.push_back((known.clone(), leave.clone()));
        let (tap, cancel) = (Arc::clone(&tap), cancel.clone());
        legs.spawn(async move {
            let introduced = {
                // Dropped on every way out, so that the slot is free again.
                let _known = known.drop_guard();
                tokio::select! {
                    () = leave.cancelled() => Err(anyhow::anyhow!("others waited and it had not named itself")),
                    () = cancel.cancelled() => Err(anyhow::anyhow!("the box shuts down")),
                    introduced = timeout(INTRODUCTION, W::introduce(stream, &tap)) => {
                        let late = || anyhow::anyhow!("it did not name itself within {} s", INTRODUCTION.as_secs());
                        introduced.unwrap_or_else(|_| Err(late()))
                    }
                }
            };
            let taken = match introduced {
                Ok((mut wire, words)) => tap::take(&tap, &mut wire, words, &peer.to_string(), &cancel).await,
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                tap.counters.refused.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%peer, error = format!("{error:#}"), "call leg turned away");
            }
        });
    }
    while legs.join_next().await.is_some() {}
}

/// Runs disk and detector work off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| anyhow::anyhow!("a disk task failed: {error}"))?
}
