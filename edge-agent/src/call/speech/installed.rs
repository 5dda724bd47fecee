//! Which speech models are installed. A model is a folder with `tokens.txt` and an `.onnx` file whose own metadata
//! says what it is, as the public sherpa-onnx archives unpack; folder names do not matter.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::onnx;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ModelKind {
    /// Best first: punctuation and numerals come with it.
    SenseVoice,
    Paraformer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The folder's name.
    pub name: String,
    pub kind: ModelKind,
    pub model: PathBuf,
    pub tokens: PathBuf,
}

impl ModelKind {
    /// Metadata without which the native library ends the process.
    fn demands(self) -> &'static [&'static str] {
        match self {
            Self::SenseVoice => &[
                "vocab_size",
                "lfr_window_size",
                "lfr_window_shift",
                "normalize_samples",
                "with_itn",
                "without_itn",
                "lang_auto",
                "lang_zh",
                "lang_en",
                "lang_ja",
                "lang_ko",
                "lang_yue",
                "neg_mean",
                "inv_stddev",
            ],
            Self::Paraformer => {
                &["vocab_size", "lfr_window_size", "lfr_window_shift", "neg_mean", "inv_stddev"]
            }
        }
    }

    fn of(metadata: &BTreeMap<String, String>) -> Option<Self> {
        let has = |key: &str| metadata.contains_key(key);
        has("lfr_window_size").then(|| if has("with_itn") { Self::SenseVoice } else { Self::Paraformer })
    }
}

impl Installed {
    /// Looks at one folder; the error says for people what is wrong with it.
    pub fn at(folder: &Path) -> Result<Self, String> {
        let tokens = folder.join("tokens.txt");
        let shown = folder.display();
        let words = fs::read_to_string(&tokens).map_err(|e| format!("{shown}/tokens.txt: {e}"))?;
        let model = onnx_file(folder).ok_or_else(|| format!("{shown} holds no .onnx file"))?;
        let metadata = onnx::metadata(&model).map_err(|e| format!("{} {e}", model.display()))?;
        let kind = ModelKind::of(&metadata).ok_or_else(|| {
            format!("{} is neither SenseVoice nor Paraformer by its metadata", model.display())
        })?;
        if let Some(missing) = kind.demands().iter().find(|key| !metadata.contains_key(**key)) {
            return Err(format!("{}: its metadata lacks {missing}", model.display()));
        }
        let vocabulary = metadata.get("vocab_size").and_then(|v| v.parse().ok()).unwrap_or(1);
        if words.lines().count() < vocabulary {
            return Err(format!("{shown}/tokens.txt has fewer than {vocabulary} lines; still being copied?"));
        }
        let name = folder.file_name().map_or_else(|| shown.to_string(), |n| n.to_string_lossy().into_owned());
        Ok(Self { name, kind, model, tokens })
    }
}

/// The 8-bit file where there are two: as accurate on speech, a quarter of the size.
fn onnx_file(folder: &Path) -> Option<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|e| e.path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "onnx"));
    files.sort_by_key(|p| (!p.to_string_lossy().contains("int8"), p.clone()));
    files.into_iter().next()
}

/// The model to use: `wanted` (a folder's name below `roots`, or a path), else the best one there is. `Ok(None)` when
/// none is installed; an error when one is there or wanted but cannot be used.
pub fn best(roots: &[PathBuf], wanted: Option<&str>) -> Result<Option<Installed>, String> {
    if let Some(wanted) = wanted {
        let named = roots.iter().map(|root| root.join(wanted));
        let folder = named.chain([PathBuf::from(wanted)]).find(|folder| folder.is_dir());
        let folder = folder.ok_or_else(|| {
            let tried: Vec<_> = roots.iter().map(|r| r.display().to_string()).collect();
            format!("the speech model {wanted:?} is not below {}", tried.join(", "))
        })?;
        return Installed::at(&folder).map(Some);
    }
    let mut usable = Vec::new();
    let mut trouble = None;
    for root in roots {
        let Ok(entries) = fs::read_dir(root) else { continue };
        let mut folders: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        folders.retain(|f| f.join("tokens.txt").is_file());
        folders.sort();
        for folder in folders {
            match Installed::at(&folder) {
                Ok(installed) => usable.push(installed),
                Err(words) => trouble = Some(words),
            }
        }
    }
    usable.sort_by_key(|m| m.kind);
    match (usable.into_iter().next(), trouble) {
        (Some(model), _) => Ok(Some(model)),
        (None, Some(words)) => Err(words),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toys() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech")
    }

    /// The kind comes from the file itself; the better kind wins unless one is named.
    #[test]
    fn finds_and_chooses() {
        let roots = [toys()];
        assert_eq!(best(&roots, None).unwrap().unwrap().kind, ModelKind::SenseVoice);
        let named = best(&roots, Some("toy-paraformer")).unwrap().unwrap();
        assert_eq!((named.kind, named.name.as_str()), (ModelKind::Paraformer, "toy-paraformer"));
        assert!(best(&roots, Some("nowhere")).unwrap_err().contains("nowhere"));
        assert_eq!(best(&[PathBuf::from("no-such-folder")], None), Ok(None));
    }

    /// A folder that is still being copied is no model yet, wherever the copy stands, and says so.
    #[test]
    fn half_a_copy_is_no_model() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("m");
        fs::create_dir(&folder).unwrap();
        let roots = [root.path().to_owned()];
        let (model, tokens) = (
            fs::read(toys().join("toy-sense-voice/model.onnx")).unwrap(),
            fs::read(toys().join("toy-sense-voice/tokens.txt")).unwrap(),
        );
        for cut in [0, 1, 100, model.len() / 2, model.len() - 1] {
            fs::write(folder.join("tokens.txt"), &tokens).unwrap();
            fs::write(folder.join("model.onnx"), &model[..cut]).unwrap();
            assert!(best(&roots, None).is_err(), "{cut} of {} bytes were taken", model.len());
        }
        fs::write(folder.join("model.onnx"), &model).unwrap();
        fs::write(folder.join("tokens.txt"), &tokens[..20]).unwrap();
        assert!(best(&roots, None).unwrap_err().contains("tokens.txt"));
        fs::write(folder.join("tokens.txt"), &tokens).unwrap();
        assert!(best(&roots, None).unwrap().is_some());
    }
}
