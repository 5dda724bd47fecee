//! `hub policy`.

use std::path::Path;

use anyhow::{Context as _, Result};
use protocol::{Severity, UtcMs};

use super::store::VERSIONS;
use super::{Matter, store};
use crate::app::App;
use crate::case::Source;
use crate::web::moment::LocalTime;
use crate::workflow::ClockKind;

/// Prints the text of a version, the newest without one.
pub async fn show(app: &App, version: Option<i64>) -> Result<()> {
    let tenant = app.tenant().as_str();
    let newest = app.policies.newest(&app.db, tenant, app.clock.now()).await?.version;
    let version = version.unwrap_or(newest);
    let text = VERSIONS.text(&app.db, tenant, version).await?;
    print!(
        "{}",
        text.with_context(|| format!("there is no policy {version}; `hub policy list` names them"))?
    );
    Ok(())
}

/// A version a line, the newest first.
pub async fn list(app: &App) -> Result<()> {
    let tenant = app.tenant().as_str();
    app.policies.newest(&app.db, tenant, app.clock.now()).await?;
    let local = LocalTime { zone: app.zone.clone(), now: app.clock.now() };
    for row in store::list(&app.db, tenant).await? {
        let at = local.moment(UtcMs(row.made_at_ms)).full;
        println!("{}\t{at}\t{}\t{}", row.version, row.made_by, row.note);
    }
    Ok(())
}

/// Puts a policy in force, for cases to come.
pub async fn import(app: &App, file: &Path, note: &str, dry_run: bool) -> Result<()> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {shown}"))?;
    let by = ("hub", note, app.clock.now());
    let made = app.policies.import(&app.db, app.tenant().as_str(), &text, by, dry_run).await;
    match made.with_context(|| shown.to_string())? {
        Some(version) => println!("policy {version} is in force for what is filed from now on"),
        None => println!("the policy is good; this was a dry run: nothing was changed"),
    }
    Ok(())
}

/// What a case of this kind would be given, beginning at `from`.
#[derive(Clone, Debug, Default)]
pub struct Question {
    pub source: Option<Source>,
    pub severity: Option<Severity>,
    pub category: String,
    pub matter: String,
    pub rural: bool,
    /// Local, `2026-02-13T10:00:00`; now without one.
    pub from: Option<String>,
}

/// Prints each limit and when it would end.
pub async fn due(app: &App, question: &Question) -> Result<()> {
    let now = app.clock.now();
    let policy = app.policies.newest(&app.db, app.tenant().as_str(), now).await?;
    let local = LocalTime { zone: app.zone.clone(), now };
    let start = match &question.from {
        Some(text) => {
            local.parse(text).with_context(|| format!("{text:?} is no moment; write 2026-02-13T10:00:00"))?
        }
        None => now,
    };
    let matter = Matter {
        source: question.source,
        severity: question.severity,
        kind: "",
        category: &question.category,
        matter: &question.matter,
        rural: question.rural,
    };
    let limits = policy.limits(matter);
    println!("policy {}, {}", policy.version, policy.rule(matter).unwrap_or("general limits"));
    for clock in ClockKind::ALL {
        let limit = limits.of(*clock);
        let end = policy.calendar.due(start, limit, &[]);
        let end = end.map_or("never".to_owned(), |end| local.moment(end).full);
        println!("{:<10} {:<18} {end}", clock.as_str(), limit.to_string());
    }
    if let Some(day) = policy.calendar.unknown_from(now) {
        println!("holidays are known until {day}; beyond that only weekends are");
    }
    Ok(())
}
