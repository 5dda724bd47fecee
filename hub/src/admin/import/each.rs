//! How each kind is taken, and what is told of it.

use super::refusal::Refusal;
use super::{Fault, Kind, Options, Outcome, Tally};
use crate::admin::By;
use crate::app::App;
use crate::organisation::{self, duty, import_areas, import_units};
use crate::ticket::knowledge;
use crate::{category, gazetteer, grid, user};

/// New users of one import: each password takes a while, and somebody waits for the page.
const MOST_NEW_USERS: usize = 200;

type Taken = Result<Outcome, Refusal>;

pub(super) async fn run(
    app: &App,
    by: &By,
    kind: Kind,
    (bytes, options): (&[u8], &Options),
    dry_run: bool,
) -> Taken {
    let bring = Bring { app, by, bytes, options, dry_run };
    match kind {
        Kind::Areas | Kind::Units | Kind::Duty => bring.organisation(kind).await,
        Kind::Users => bring.users().await,
        Kind::Categories => bring.categories().await,
        Kind::Knowledge => bring.knowledge().await,
        Kind::Gazetteer => bring.gazetteer().await,
        Kind::Grids => bring.grids().await,
        Kind::Policies => bring.policies().await,
    }
}

/// What is brought, by whom, and how.
struct Bring<'a> {
    app: &'a App,
    by: &'a By,
    bytes: &'a [u8],
    options: &'a Options,
    dry_run: bool,
}

impl Bring<'_> {
    fn tenant(&self) -> &str {
        self.app.tenant().as_str()
    }

    async fn organisation(&self, kind: Kind) -> Taken {
        let (db, tenant, by) = (&self.app.db, self.tenant(), self.by);
        organisation::store::seed_units(db, tenant).await?;
        let imported = match kind {
            Kind::Areas => import_areas(db, tenant, self.bytes, self.dry_run, by).await,
            Kind::Units => import_units(db, tenant, self.bytes, self.dry_run, by).await,
            _ => {
                let sheet = (self.bytes, &self.app.zone);
                duty::import(db, tenant, &self.app.chance, sheet, self.dry_run, by).await
            }
        }?;
        Ok(Outcome::of(&[
            (Tally::New, &imported.new),
            (Tally::Changed, &imported.changed),
            (Tally::Unchanged, &imported.unchanged),
        ])
        .judged(&imported.bad, false))
    }

    async fn users(&self) -> Taken {
        let (app, tenant) = (self.app, self.tenant());
        organisation::store::seed_units(&app.db, tenant).await?;
        let mode = user::import::Mode { dry_run: self.dry_run, replace: self.options.replace };
        let mut passwords = Vec::new();
        let keep = |all: &[user::import::NewPassword]| {
            passwords.extend(all.iter().map(|one| (one.name.clone(), one.password.clone())));
            Ok(())
        };
        let sheet = (self.bytes, mode);
        let imported = user::import::import(&app.db, tenant, &app.chance, sheet, self.by, keep).await?;
        let mut outcome = Outcome {
            passwords,
            ..Outcome::of(&[
                (Tally::New, &imported.new),
                (Tally::Changed, &with_what(&imported.changed)),
                (Tally::Unchanged, &imported.unchanged),
            ])
        };
        let new = imported.new.len();
        if new > MOST_NEW_USERS {
            let what = format!(
                "{new} new users; {MOST_NEW_USERS} are the most of one page: divide the sheet, or use `hub user import`"
            );
            outcome.tell(vec![Fault::of_file(what)]);
            return Ok(outcome);
        }
        Ok(outcome.judged(&imported.bad, false))
    }

    async fn categories(&self) -> Taken {
        let (db, tenant) = (&self.app.db, self.tenant());
        organisation::store::seed_units(db, tenant).await?;
        let mode = category::Mode { dry_run: self.dry_run, replace: self.options.replace };
        let imported = category::import(db, tenant, self.bytes, mode, self.by).await?;
        Ok(Outcome::of(&[
            (Tally::New, &imported.new),
            (Tally::Changed, &imported.changed),
            (Tally::Unchanged, &imported.unchanged),
            (Tally::Removed, &imported.removed),
            (Tally::Inactive, &imported.inactive),
        ])
        .judged(&imported.bad, false))
    }

    async fn knowledge(&self) -> Taken {
        let Options { replace, skip_bad, .. } = *self.options;
        let mode = knowledge::Mode { dry_run: self.dry_run, replace, skip_bad };
        let day = knowledge::today(self.by.at, &self.app.zone);
        let imported =
            knowledge::import(&self.app.db, self.tenant(), self.bytes, mode, &day, self.by).await?;
        Ok(Outcome::of(&[
            (Tally::New, &imported.new),
            (Tally::Changed, &with_what(&imported.changed)),
            (Tally::Unchanged, &imported.unchanged),
            (Tally::Removed, &imported.removed),
            (Tally::Expired, &imported.expired),
        ])
        .judged(&imported.bad, skip_bad))
    }

    async fn gazetteer(&self) -> Taken {
        let datum = if self.options.gcj02 { gazetteer::Datum::Gcj02 } else { gazetteer::Datum::Wgs84 };
        let mode = gazetteer::Mode { datum, dry_run: self.dry_run, add: self.options.add };
        let (app, told) = (self.app, (self.by, self.options.note.as_str(), self.by.at));
        let sheet = (self.bytes, mode);
        let imported = app.gazetteers.import(&app.db, self.tenant(), sheet, &app.grids, told).await?;
        let mut outcome = Outcome {
            version: imported.version,
            ..Outcome::of(&[(Tally::New, &imported.new), (Tally::Changed, &imported.changed)])
        };
        outcome.tallies.push((Tally::Unchanged, imported.unchanged, Vec::new()));
        outcome.tally(Tally::Removed, &imported.gone);
        Ok(outcome.judged(&imported.bad, false))
    }

    async fn grids(&self) -> Taken {
        let datum = if self.options.gcj02 { grid::Datum::Gcj02 } else { grid::Datum::Wgs84 };
        let (app, told) = (self.app, (self.by, self.options.note.as_str(), self.by.at));
        let map = (self.bytes, datum);
        let taken = app.grids.import(&app.db, self.tenant(), map, told, self.dry_run).await?;
        let new = Outcome::of(&[(Tally::New, &taken.new)]);
        let mut outcome = Outcome { version: taken.version, good: true, ..new };
        outcome.tallies.push((Tally::Unchanged, taken.grids - taken.new.len(), Vec::new()));
        outcome.tally(Tally::Removed, &taken.gone);
        Ok(outcome)
    }

    async fn policies(&self) -> Taken {
        let Ok(text) = std::str::from_utf8(self.bytes) else {
            return Err(Refusal::of_file("this is not UTF-8; save the text as UTF-8"));
        };
        let (app, told) = (self.app, (self.by, self.options.note.as_str(), self.by.at));
        let version = app.policies.import(&app.db, self.tenant(), text, told, self.dry_run).await?;
        Ok(Outcome { version, good: true, ..Outcome::default() })
    }
}

/// Names, each with what of it changes.
fn with_what<T: AsRef<str>>(changed: &[(String, Vec<T>)]) -> Vec<String> {
    let words = |what: &[T]| what.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    changed.iter().map(|(name, what)| format!("{name} ({})", words(what))).collect()
}
