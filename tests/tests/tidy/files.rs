//! The project's files, as the rules look at them.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

pub(crate) struct File {
    /// Relative to the project, with `/`.
    pub(crate) path: String,
    /// Empty for what is not text.
    pub(crate) text: String,
    pub(crate) size_bytes: u64,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), size_bytes: text.len() as u64 }
    }

    pub(crate) fn extension(&self) -> &str {
        Path::new(&self.path).extension().and_then(|e| e.to_str()).unwrap_or("")
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }

    /// Numbered lines of code: no comments, and no item that stands below `#[cfg(test)]`.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        // How the item to leave out ends, once its first line is known.
        enum Item {
            Kept,
            Begins,
            EndsAt(String),
        }
        let mut item = Item::Kept;
        self.text.lines().enumerate().filter_map(move |(n, line)| {
            let indent = &line[..line.len() - line.trim_start().len()];
            match &item {
                Item::Kept if line.trim_start().starts_with("#[cfg(test)]") => item = Item::Begins,
                Item::Kept => return Some((n + 1, line.split("//").next().unwrap_or(""))),
                Item::Begins if line.ends_with(';') || line.ends_with('}') => item = Item::Kept,
                Item::Begins if line.ends_with('{') => item = Item::EndsAt(format!("{indent}}}")),
                Item::EndsAt(end) if line == end => item = Item::Kept,
                // More attributes, a signature over several lines, or the inside of the item.
                Item::Begins | Item::EndsAt(_) => {}
            }
            None
        })
    }

    /// These files quote what they forbid.
    fn is_this(&self) -> bool {
        self.path.starts_with("tests/tests/tidy/")
    }
}

pub(crate) fn lines_where(
    files: &[File],
    wanted: impl Fn(&File) -> bool,
    complain: impl Fn(&str, &str) -> Option<String>,
) -> Vec<String> {
    let files = files.iter().filter(|f| !f.is_this() && wanted(f));
    files
        .flat_map(|f| {
            f.code()
                .filter_map(|(n, line)| complain(&f.path, line).map(|c| format!("{}:{n}: {c}", f.path)))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// As [`lines_where`], comments and tests included.
pub(crate) fn text_where(
    files: &[File],
    wanted: impl Fn(&File) -> bool,
    complain: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let files = files.iter().filter(|f| !f.is_this() && wanted(f));
    files
        .flat_map(|f| {
            let lines = f.text.lines().enumerate();
            lines
                .filter_map(|(n, l)| complain(l).map(|c| format!("{}:{}: {c}", f.path, n + 1)))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// `a/b/../c` → `a/c`.
pub(crate) fn normal(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::Normal(name) => parts.extend(name.to_str()),
            _ => {}
        }
    }
    parts.join("/")
}

/// Every file of the project, without what is built, fetched or linked here.
pub(crate) fn project() -> Vec<File> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let ignored = std::fs::read_to_string(root.join(".gitignore")).expect("the project has a .gitignore");
    let ignored: BTreeSet<&str> = ignored.lines().map(|l| l.trim_matches('/')).collect();
    let skip = |name: &str| ignored.contains(name) || [".git", "node_modules", "__pycache__"].contains(&name);
    let (mut files, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the project can be read") {
            let entry = entry.expect("a folder of the project can be read");
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().expect("a file has a type");
            if kind.is_dir() && !skip(&name) {
                folders.push(entry.path());
            }
            let is_log = entry.path().extension().is_some_and(|e| e == "log");
            if !kind.is_file() || skip(&name) || is_log {
                continue;
            }
            let bytes = std::fs::read(entry.path()).expect("a file of the project can be read");
            let path =
                entry.path().strip_prefix(&root).expect("below the root").to_string_lossy().into_owned();
            let size_bytes = bytes.len() as u64;
            files.push(File { path, text: String::from_utf8(bytes).unwrap_or_default(), size_bytes });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}
