//! Waiting for a condition, with a bound and words for when it does not come. No sleeps for luck.

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

/// A loopback TCP port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
