//! The rules: from files to complaints.

use std::collections::BTreeSet;
use std::path::Path;

use crate::files::{File, lines_where, normal, text_where};

/// SQL has one home per noun, so that a schema change is found by looking there.
pub(crate) fn sql_in_stores(files: &[File]) -> Vec<String> {
    let home = |path: &str| {
        path.ends_with("store.rs")
            || ["/store/", "/db/", "/migrations/", "/tests/", "/benches/"]
                .iter()
                .any(|part| path.contains(part))
            || path.starts_with("tests/")
    };
    let is_sql = |line: &str| {
        let line = line.trim_start().trim_start_matches(|c| "br#\"(".contains(c));
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["select", rest @ ..] => rest.contains(&"from"),
            ["insert", "into", ..] | ["delete", "from", ..] => true,
            ["create", "table" | "index" | "unique", ..] => true,
            ["update", _, "set", ..] => true,
            _ => false,
        }
    };
    lines_where(
        files,
        |f| f.is_rust() && !home(&f.path),
        |_, line| line.split('"').any(is_sql).then(|| "SQL outside a store".to_owned()),
    )
}

/// Stations that decide, and the state machine, are functions of their input alone: replay depends on it.
pub(crate) fn pure_modules(files: &[File]) -> Vec<String> {
    let pure = |path: &str| {
        [
            "edge-agent/src/shrink.rs",
            "edge-agent/src/observation.rs",
            "edge-agent/src/alarm_test.rs",
            "hub/src/correlation/mod.rs",
            "hub/src/correlation/flapping.rs",
            "hub/src/correlation/near.rs",
            "hub/src/case/state.rs",
            "hub/src/evaluation/by.rs",
            "hub/src/evaluation/canonical.rs",
            "hub/src/evaluation/facts.rs",
            "hub/src/evaluation/fold.rs",
            "hub/src/evaluation/gist.rs",
            "hub/src/evaluation/late.rs",
            "hub/src/evaluation/measure.rs",
            "hub/src/evaluation/narrow.rs",
            "hub/src/evaluation/period.rs",
            "hub/src/evaluation/point.rs",
            "hub/src/evaluation/roster.rs",
            "hub/src/evaluation/scope.rs",
            "hub/src/evaluation/score.rs",
            "hub/src/evaluation/table.rs",
            "hub/src/web/evaluation/bulletin/words.rs",
            "hub/src/web/evaluation/density/drawing.rs",
            "hub/src/web/evaluation/trend.rs",
            "hub/src/workflow/ledger.rs",
            "hub/src/ticket/knowledge.rs",
            "hub/src/ticket/knowledge/row.rs",
            "hub/src/ticket/knowledge/sheet.rs",
            "hub/src/ticket/knowledge/weights.rs",
        ]
        .contains(&path)
            || [
                "edge-agent/src/motion/",
                "edge-agent/src/parked/",
                "edge-agent/src/rules/",
                "edge-agent/src/signs/",
                "edge-agent/src/tracker/",
            ]
            .iter()
            .any(|part| path.starts_with(part))
            // What stands around the screening reads files; itself it knows words only.
            || (path.starts_with("edge-agent/src/screen/")
                && !["gazetteer.rs", "messages.rs", "stream.rs", "tagger/cli.rs", "tagger/corpus.rs"]
                    .iter()
                    .any(|f| path.ends_with(f)))
            || [
                "audiosocket",
                "caller",
                "registry",
                "siprec/message",
                "siprec/naming",
                "siprec/offer",
                "siprec/rtp",
                "timeline",
                "words",
            ]
            .iter()
            .any(|name| path == format!("edge-agent/src/call/{name}.rs"))
    };
    let impure = [
        "tokio",
        "gstreamer",
        "gst::",
        "sqlx",
        "axum",
        "std::fs",
        "std::net",
        "std::env",
        "SystemTime",
        "Instant",
        "dyn Clock",
        "dyn protocol::Clock",
        ".await",
    ];
    lines_where(
        files,
        |f| pure(&f.path),
        |_, line| {
            impure.iter().find(|word| line.contains(**word)).map(|word| format!("{word} in a pure module"))
        },
    )
}

pub(crate) fn layers(files: &[File]) -> Vec<String> {
    let forbidden: &[(&str, &[&str])] = &[
        ("protocol/", &["edge-agent", "hub", "models", "tokio", "sqlx", "gstreamer", "axum"]),
        ("models/", &["edge-agent", "hub", "sqlx", "gstreamer"]),
        ("edge-agent/", &["hub"]),
        ("hub/", &["edge-agent", "models", "gstreamer", "ort"]),
    ];
    let mut complaints = Vec::new();
    for (folder, names) in forbidden {
        let Some(file) = files.iter().find(|f| f.path == format!("{folder}Cargo.toml")) else { continue };
        let used: BTreeSet<&str> = file
            .text
            .lines()
            .filter_map(|l| l.split(['.', ' ', '=']).next())
            .filter(|w| !w.is_empty())
            .collect();
        complaints.extend(
            names
                .iter()
                .filter(|n| used.contains(**n))
                .map(|n| format!("{} must not depend on {n}", file.path)),
        );
    }
    complaints
}

pub(crate) fn short_files(files: &[File]) -> Vec<String> {
    let code = ["rs", "sh", "py", "js", "html", "sql"];
    let long = files.iter().map(|f| (f, f.text.lines().count())).filter(|(_, n)| *n > 600);
    long.filter(|(f, _)| code.contains(&f.extension()))
        .map(|(f, n)| format!("{} has {n} lines", f.path))
        .collect()
}

pub(crate) fn forbidden_words(files: &[File]) -> Vec<String> {
    let words = ["todo!", "unimplemented!", "dbg!(", "#[allow(", "#![allow(", "#[ignore"];
    // A module that several test programs share is used by each in part, so no `expect` holds for all.
    let is_shared = |path: &str| path.contains("/tests/") && path.ends_with("/mod.rs");
    lines_where(files, File::is_rust, |path, line| {
        if is_shared(path) && line.starts_with("#![allow(dead_code") {
            return None;
        }
        words.iter().find(|word| line.contains(**word)).map(|word| format!("{word} is not used here"))
    })
}

/// The crates switch off the tests of `main.rs`, of `src/bin` and of doc comments: there are none, and building for
/// them takes minutes.
pub(crate) fn tests_that_run(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|f| f.is_rust() && f.path.contains("/src/")) {
        let is_program = file.path.ends_with("src/main.rs") || file.path.contains("/src/bin/");
        if is_program && file.text.contains("#[cfg(test)]") {
            complaints.push(format!("{}: tests here are not run; put them into the library", file.path));
        }
        let mut inside = false;
        for (n, line) in file.text.lines().enumerate() {
            let line = line.trim_start();
            let Some(mark) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else { continue };
            let Some(kind) = mark.trim().strip_prefix("```") else { continue };
            if !inside && kind != "text" {
                complaints.push(format!("{}:{}: an example in a comment is not run", file.path, n + 1));
            }
            inside = !inside;
        }
    }
    complaints
}

pub(crate) fn links(files: &[File]) -> Vec<String> {
    let known: BTreeSet<&str> = files.iter().map(|f| f.path.as_str()).collect();
    let is_there = |path: &str| {
        known.contains(path) || known.range(path..).next().is_some_and(|k| k.starts_with(&format!("{path}/")))
    };
    let mut complaints = Vec::new();
    for file in files.iter().filter(|f| f.extension() == "md") {
        for (n, line) in file.text.lines().enumerate() {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let target = target.split('#').next().unwrap_or("");
                if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
                if !is_there(normal(&folder.join(target)).trim_end_matches('/')) {
                    complaints.push(format!("{}:{}: no {target}", file.path, n + 1));
                }
            }
        }
    }
    complaints
}

/// Which mirror serves a site is that site's business. `Cargo.lock` names the index by its nature.
pub(crate) fn registries(files: &[File]) -> Vec<String> {
    let hosts = [
        concat!("crates", ".io"),
        concat!("registry.npm", "js.org"),
        concat!("npm", "mirror"),
        concat!("pypi", ".org"),
        concat!("python", "hosted.org"),
        concat!("rs", "proxy"),
        concat!("deb.", "debian.org"),
    ];
    text_where(
        files,
        |f| f.path != "Cargo.lock",
        |line| hosts.iter().find(|host| line.contains(**host)).map(|host| format!("names {host}")),
    )
}

pub(crate) fn machine_paths(files: &[File]) -> Vec<String> {
    let roots = ["/work/", "/home/", "/root/", "/Users/", "/mnt/"];
    text_where(
        files,
        |_| true,
        |line| {
            let starts_path =
                |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_-.}/$~".contains(c));
            roots
                .iter()
                .find(|root| line.match_indices(**root).any(|(at, _)| starts_path(at)))
                .map(|root| format!("names a path under {root}"))
        },
    )
}

pub(crate) fn templates_used(files: &[File]) -> Vec<String> {
    let folder = "hub/templates/";
    let quoted: BTreeSet<&str> = files
        .iter()
        .filter(|f| f.path.starts_with("hub/"))
        .flat_map(|f| f.text.split('"'))
        .filter(|word| word.len() < 100)
        .collect();
    let templates = files.iter().filter_map(|f| f.path.strip_prefix(folder));
    templates.filter(|t| !quoted.contains(t)).map(|t| format!("{folder}{t} is used by nothing")).collect()
}

/// A file that no `mod` leads to compiles nowhere, and nobody notices when it rots.
pub(crate) fn reachable(files: &[File]) -> Vec<String> {
    let known: BTreeSet<&str> = files.iter().filter(|f| f.is_rust()).map(|f| f.path.as_str()).collect();
    let is_root = |path: &str| {
        let parts: Vec<&str> = path.split('/').collect();
        matches!(
            parts.as_slice(),
            [_, "build.rs"]
                | [_, "src", "lib.rs" | "main.rs"]
                | [_, "src", "bin", _]
                | [_, "tests" | "benches" | "examples", _]
                | [_, "src", "bin", _, "main.rs"]
                | [_, "tests" | "benches" | "examples", _, "main.rs"]
        )
    };
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut open: Vec<String> = known.iter().filter(|p| is_root(p)).map(|p| (*p).to_owned()).collect();
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let Some(file) = files.iter().find(|f| f.path == path) else { continue };
        let (folder, stem) = path.trim_end_matches(".rs").rsplit_once('/').unwrap_or(("", &path));
        let own =
            if is_root(&path) || stem == "mod" { folder.to_owned() } else { format!("{folder}/{stem}") };
        let mut given = None;
        for line in file.text.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("#[path = \"") {
                given = rest.split('"').next();
            } else if let Some(name) = module(line) {
                let choices = match given.take() {
                    Some(path) => vec![normal(&Path::new(folder).join(path))],
                    None => vec![format!("{own}/{name}.rs"), format!("{own}/{name}/mod.rs")],
                };
                open.extend(choices.into_iter().filter(|c| known.contains(c.as_str())));
            }
        }
    }
    known.iter().filter(|p| !seen.contains(**p)).map(|p| format!("no mod leads to {p}")).collect()
}

/// `pub(crate) mod name;` → `name`.
fn module(line: &str) -> Option<&str> {
    let words: Vec<&str> = line.strip_suffix(';')?.split_whitespace().collect();
    match words.as_slice() {
        ["mod", name] => Some(name),
        [visibility, "mod", name] if visibility.starts_with("pub") => Some(name),
        _ => None,
    }
}

/// THIRD_PARTY.md has a row for every direct dependency.
pub(crate) fn third_parties(files: &[File]) -> Vec<String> {
    let text = |path: &str| files.iter().find(|f| f.path == path).map_or("", |f| f.text.as_str());
    let dependencies = text("Cargo.toml").lines().skip_while(|l| *l != "[workspace.dependencies]").skip(1);
    let names = dependencies
        .take_while(|l| !l.starts_with('['))
        .filter(|l| l.contains('=') && !l.starts_with('#') && !l.contains("path ="))
        .filter_map(|l| l.split_whitespace().next());
    let named = text("THIRD_PARTY.md");
    names
        .filter(|n| !named.contains(&format!("| {n} |")))
        .map(|n| format!("THIRD_PARTY.md does not name {n}"))
        .collect()
}

/// Other people's media and models stay outside; toy graphs of our own are small.
pub(crate) fn weights(files: &[File]) -> Vec<String> {
    let media = ["onnx", "pt", "bin", "mp4", "avi", "mkv", "wav", "mp3", "jpg", "jpeg", "ttf", "woff2", "so"];
    // Weights that we trained have a card beside them that names them.
    let has_card = |f: &File| {
        let (folder, name) = f.path.rsplit_once('/').unwrap_or(("", &f.path));
        let card = format!("{folder}/README.md");
        folder.starts_with("models/") && files.iter().any(|c| c.path == card && c.text.contains(name))
    };
    let heavy = |f: &&File| {
        f.size_bytes > 5_000_000 || (media.contains(&f.extension()) && f.size_bytes > 100_000 && !has_card(f))
    };
    files.iter().filter(heavy).map(|f| format!("{} has {} bytes", f.path, f.size_bytes)).collect()
}
