//! `hub platform key`.

use anyhow::{Context as _, Result, bail};
use protocol::UtcMs;

use super::{key, store};
use crate::app::App;

/// Prints the key of a platform, the only time it is told.
pub async fn add(app: &App, platform: &str) -> Result<()> {
    let made = key::add(app, platform).await?;
    let key =
        made.context("the name of a platform has 1 to 32 small letters, digits, - and _, such as city12345")?;
    println!("{key}");
    Ok(())
}

/// A platform a line.
pub async fn list(app: &App) -> Result<()> {
    for key in store::keys(&app.db, app.tenant().as_str()).await? {
        let since = app.local_time(UtcMs(key.made_at_ms));
        let state = key
            .revoked_at_ms
            .map_or("open".to_owned(), |at| format!("revoked {}", app.local_time(UtcMs(at))));
        println!("{}\t{since}\t{state}\tprogress {}, confirmed {}", key.platform, key.position, key.acked);
    }
    Ok(())
}

pub async fn revoke(app: &App, platform: &str) -> Result<()> {
    if !key::revoke(app, platform).await? {
        bail!("there is no open key of {platform}; `hub platform key list` names them");
    }
    Ok(())
}
