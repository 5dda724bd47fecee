//! Waiting for a condition, with a bound and words for when it does not come. No sleeps for luck.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

const STEP: Duration = Duration::from_millis(50);

/// Asks `condition` until it gives something. Errors count as "not yet" and are told when time runs out.
pub async fn until<T, F>(bound: Duration, what: &str, mut condition: F) -> Result<T>
where
    F: AsyncFnMut() -> Result<Option<T>>,
{
    let started = Instant::now();
    loop {
        let last = match condition().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => None,
            Err(e) => Some(e),
        };
        if started.elapsed() >= bound {
            match last {
                Some(e) => return Err(e.context(format!("waited {} s for {what}", bound.as_secs()))),
                None => bail!("waited {} s in vain for {what}", bound.as_secs()),
            }
        }
        tokio::time::sleep(STEP).await;
    }
}

/// A loopback TCP port that nobody listens on and that this test program has not given out before. Below the range from
/// which the kernel serves clients, so that none of them takes it before its server does.
pub fn free_port() -> Result<u16> {
    const FIRST: u32 = 20_000;
    const MANY: u32 = 12_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    for _ in 0..MANY {
        // Test programs beside each other begin at different places.
        let offset = std::process::id().wrapping_mul(97).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = (FIRST + offset % MANY) as u16;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("every TCP port from {FIRST} to {} is taken", FIRST + MANY)
}
