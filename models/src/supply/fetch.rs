//! A model from its addresses, or from a site's own server.

use std::time::Duration;

use super::archive::Limits;
use super::download::{Event, Way, download};
use super::error::SupplyError;
use super::install::Shelf;
use super::inventory::State;
use super::part::{Part, forget};
use super::{Outcome, archive};
use crate::hash::Fingerprint;
use crate::manifest::{Model, ModelFile};
use crate::record::{Expected, Record, Trust};
use crate::store::ModelStore;

/// Fetches a model and installs it, unless it is there and right. `at` is the date that is recorded; `pause` waits
/// between two attempts; `on` is told of each file by name how it goes.
pub async fn fetch(
    shelf: &Shelf,
    store: &ModelStore,
    name: &str,
    way: &Way,
    at: &str,
    pause: &impl AsyncFn(Duration),
    on: &mut impl FnMut(&str, Event),
) -> Result<Outcome, SupplyError> {
    let model = store.model(name)?;
    let entry = store.look(name)?;
    if let (State::Good { .. } | State::Unvouched, Some(place)) = (entry.state, entry.place) {
        return Ok(Outcome::There(place));
    }
    let mut got = Vec::new();
    for file in &model.files {
        got.push(one(shelf, store, &model, file, way, pause, on).await?);
    }
    let mut staging = shelf.stage(name, &model.version)?;
    for (file, Got { found, expected, url }) in model.files.iter().zip(got) {
        let part = Part::path(shelf.folder(), name, &model.version, &file.name);
        let expected = expected.as_ref();
        if file.archive {
            on(&file.name, Event::Unpacks);
            let unpacked = staging.unpack(&file.name, &part, found, expected, &url, Limits::default());
            // What cannot be unpacked today cannot be tomorrow.
            if matches!(unpacked, Err(SupplyError::Archive { .. })) {
                forget(&part);
            }
            unpacked?;
        } else {
            staging.adopt(&file.name, &part, found, expected, &url)?;
        }
    }
    let place = staging.install(Record::of(&model, at))?;
    for file in &model.files {
        forget(&Part::path(shelf.folder(), name, &model.version, &file.name));
    }
    Ok(Outcome::Put(place))
}

struct Got {
    found: Fingerprint,
    expected: Option<Expected>,
    url: String,
}

/// Downloads one file to where parts are kept, and holds it against what it has to be.
async fn one(
    shelf: &Shelf,
    store: &ModelStore,
    model: &Model,
    file: &ModelFile,
    way: &Way,
    pause: &impl AsyncFn(Duration),
    on: &mut impl FnMut(&str, Event),
) -> Result<Got, SupplyError> {
    let url = way.url(&model.name, &model.version, &file.name, file.url.as_deref());
    let url = url.ok_or_else(|| no_address(model, file))??;
    if file.archive && !archive::is_known(&file.name) {
        let problem = "it is neither .tar.bz2, .tar.gz nor .tar".to_owned();
        return Err(SupplyError::Foreign { what: file.name.clone(), problem });
    }
    let part = Part::path(shelf.folder(), &model.name, &model.version, &file.name);
    let expected = store.vouched(model, file).or_else(|| seen_before(shelf, model, file));
    let size = expected.as_ref().and_then(|e| e.size_bytes).or(file.size_bytes);
    let mut resumed = false;
    loop {
        let mut told = |event: Event| {
            resumed |= matches!(event, Event::GoesOn { .. });
            on(&file.name, event);
        };
        let found = download(way, &url, &part, size, pause, &mut told).await?;
        let Some(wrong) = expected.as_ref().filter(|e| !e.is(&found)) else {
            return Ok(Got { found, expected, url: url.to_string() });
        };
        forget(&part);
        if resumed {
            // Two halves of different files, perhaps: once more, as a whole.
            on(&file.name, Event::Anew { why: "its hash is another; the parts may be of two files" });
            resumed = false;
            continue;
        }
        return Err(SupplyError::different(url, wrong, found));
    }
}

/// What came the first time, where nobody else vouches for a file.
fn seen_before(shelf: &Shelf, model: &Model, file: &ModelFile) -> Option<Expected> {
    let record = Record::read(&shelf.folder().join(&model.name).join(&model.version)).ok().flatten()?;
    let was = if file.archive { record.archive(&file.name)? } else { record.file(&file.name)? };
    Some(Expected {
        trust: Trust::Recorded,
        since: Some(record.installed_at.clone()),
        ..record.expected(was)
    })
}

fn no_address(model: &Model, file: &ModelFile) -> SupplyError {
    let why = match (&file.made_from, model.bundled) {
        (Some(how), _) => format!("{} has to be made: {how}", file.name),
        (None, true) => format!("it comes with the product, in its sources' models/{}", model.name),
        (None, false) => "its model.toml names no url".to_owned(),
    };
    SupplyError::NoAddress { name: model.name.clone(), why }
}
