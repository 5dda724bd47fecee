//! Lists of recordings and their words.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Entry {
    #[serde(alias = "audio_filepath", alias = "path", alias = "wav")]
    pub(super) audio: PathBuf,
    pub(super) text: String,
}

/// Every line that is not empty; the error names the first bad one.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<Entry>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let entry = |(index, line): (usize, &str)| {
        let mut entry = parse(line).with_context(|| format!("{}, line {}", path.display(), index + 1))?;
        entry.audio = folder.join(entry.audio);
        Ok(entry)
    };
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let entries: Vec<Entry> =
        lines.filter(|(_, line)| !line.trim().is_empty()).map(entry).collect::<anyhow::Result<_>>()?;
    anyhow::ensure!(!entries.is_empty(), "{} names no recording", path.display());
    Ok(entries)
}

fn parse(line: &str) -> anyhow::Result<Entry> {
    if line.trim_start().starts_with('{') {
        return serde_json::from_str(line).context("not an object with `audio` and `text`");
    }
    let (audio, text) = line.split_once('\t').context("not PATH, a tab and TEXT")?;
    // A further column may be somebody's notes.
    let text = text.split('\t').next().unwrap_or_default();
    Ok(Entry { audio: PathBuf::from(audio.trim()), text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both forms are read, paths stand beside the list, and what cannot be read is named by its line.
    #[test]
    fn reads_both_forms() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list");
        fs::write(&list, "a.wav\t着火了\n\n{\"audio\": \"/b.wav\", \"text\": \"好\"}\n").unwrap();
        let entries = read(&list).unwrap();
        assert_eq!(entries[0], Entry { audio: folder.path().join("a.wav"), text: "着火了".to_owned() });
        assert_eq!(entries[1].audio, Path::new("/b.wav"));
        for (bad, words) in
            [("a.wav 着火了", "line 1"), ("{\"audio\": 1}", "`audio`"), ("\n", "no recording")]
        {
            fs::write(&list, bad).unwrap();
            let error = format!("{:#}", read(&list).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
    }
}
