//! What is known of, what is there, and whether it is right.

use std::path::PathBuf;

use models::supply::{Entry, State};
use models::{ModelError, Trust};
use serde::Serialize;

use super::Site;
use super::progress::size;
use crate::say;

#[derive(Serialize)]
struct Row {
    name: String,
    version: String,
    task: String,
    licence: String,
    /// The site's own, by its `model.toml`.
    of_the_site: bool,
    comes_with_the_product: bool,
    used: bool,
    /// `absent`, `manifest`, `site`, `recorded`, `unknown`, `different`.
    state: &'static str,
    recorded_at: Option<String>,
    folder: Option<PathBuf>,
    size_bytes: Option<u64>,
    labels: Vec<String>,
    measured: Vec<Figure>,
    /// What is wrong, with what was expected and found.
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Figure {
    what: String,
    value: String,
    #[serde(rename = "where")]
    on: String,
}

#[derive(Serialize)]
struct Listing {
    folder: PathBuf,
    models: Vec<Row>,
}

pub(super) fn run(site: &Site, json: bool) -> anyhow::Result<()> {
    let models: Vec<Row> = site.shown.names().iter().map(|name| row(site, name)).collect();
    if json {
        let listing = Listing { folder: site.folder.clone(), models };
        say!("{}", serde_json::to_string(&listing)?);
        return Ok(());
    }
    let head = ["NAME", "VERSION", "TASK", "SIZE", "USED", "LICENCE", "STATE"].map(str::to_owned);
    let lines: Vec<[String; 7]> = std::iter::once(head).chain(models.iter().map(cells)).collect();
    let width = |column: usize| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..6).map(width).collect();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        say!("{}  {}", cells.collect::<Vec<_>>().join("  "), line[6]);
    }
    for problem in models.iter().flat_map(|row| &row.problems) {
        say!("{problem}");
    }
    Ok(())
}

fn cells(row: &Row) -> [String; 7] {
    let place = row.folder.as_ref().map(|f| format!(", {}", f.display())).unwrap_or_default();
    [
        row.name.clone(),
        row.version.clone(),
        row.task.clone(),
        row.size_bytes.map_or_else(|| "?".to_owned(), size),
        if row.used { "yes" } else { "-" }.to_owned(),
        row.licence.clone(),
        format!("{}{place}", in_words(row)),
    ]
}

fn in_words(row: &Row) -> String {
    let date = row.recorded_at.as_deref().unwrap_or("an unknown day");
    match row.state {
        "absent" if row.comes_with_the_product => "comes with the product".to_owned(),
        "absent" => "not installed".to_owned(),
        "manifest" => "vouched for by the manifest".to_owned(),
        "site" => "pinned by the site".to_owned(),
        "recorded" => format!("recorded at first fetch on {}", date.get(..10).unwrap_or(date)),
        "unknown" => "put there by hand, nobody knows its hash".to_owned(),
        _ => "DIFFERENT".to_owned(),
    }
}

fn row(site: &Site, name: &str) -> Row {
    let used = site.used.contains(name);
    match site.shown.look(name) {
        Ok(entry) => row_of(entry, used),
        Err(error) => unreadable(name, used, &error),
    }
}

fn row_of(entry: Entry, used: bool) -> Row {
    let Entry { model, of_the_site, place, size_bytes, state } = entry;
    let (word, recorded_at, problems) = match state {
        State::Absent => ("absent", None, Vec::new()),
        State::Good { trust: Trust::Manifest, .. } => ("manifest", None, Vec::new()),
        State::Good { trust: Trust::Site, .. } => ("site", None, Vec::new()),
        State::Good { trust: Trust::Recorded, at } => ("recorded", at, Vec::new()),
        State::Unvouched => ("unknown", None, Vec::new()),
        State::Wrong(faults) => {
            let told = faults.iter().map(|fault| format!("{} {}: {fault}", model.name, model.version));
            ("different", None, told.collect())
        }
    };
    // Of one that is not here: where the manifest says it of every file.
    let told = model.files.iter().map(|f| f.size_bytes.filter(|_| !f.archive)).sum::<Option<u64>>();
    let labels = model.detector.map(|d| d.labels.into_keys().collect()).unwrap_or_default();
    let figure = |m: models::Measured| Figure { what: m.what, value: m.value, on: m.on };
    Row {
        name: model.name,
        version: model.version,
        task: model.task,
        licence: model.licence,
        of_the_site,
        comes_with_the_product: model.bundled,
        used,
        state: word,
        recorded_at,
        folder: place,
        size_bytes: size_bytes.or(told),
        labels,
        measured: model.measured.into_iter().map(figure).collect(),
        problems,
    }
}

/// A site's own model whose description is wrong.
fn unreadable(name: &str, used: bool, error: &ModelError) -> Row {
    Row {
        name: name.to_owned(),
        version: "?".to_owned(),
        task: "?".to_owned(),
        licence: "?".to_owned(),
        of_the_site: true,
        comes_with_the_product: false,
        used,
        state: "different",
        recorded_at: None,
        folder: None,
        size_bytes: None,
        labels: Vec::new(),
        measured: Vec::new(),
        problems: vec![error.to_string()],
    }
}

/// A line for each; whether all of them are there and right.
pub(super) fn verify(site: &Site, names: &[String]) -> bool {
    if names.is_empty() {
        say!("nothing is installed in {}; `edge-agent models fetch`", site.folder.display());
    }
    let mut good = true;
    for name in names {
        let row = row(site, name);
        say!("{} {}: {}", row.name, row.version, in_words(&row));
        for problem in &row.problems {
            say!("  {problem}");
        }
        good &= !matches!(row.state, "different" | "absent");
        if row.state == "different" && !row.of_the_site {
            say!("  `edge-agent models fetch {name}` replaces it");
        }
    }
    good
}
