//! Which speech models are installed. A model is a folder with `tokens.txt` and `.onnx` files whose own metadata say
//! what they are, as the public sherpa-onnx archives unpack; folder and file names do not matter. One that was fetched
//! or imported lies in its version's folder, `NAME/VERSION`, and is called by its name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use models::Edition;

use super::{onnx, selftest};

/// Best first, for speech that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ModelKind {
    /// Punctuation and numerals come with it.
    SenseVoice,
    Paraformer,
    ZipformerCtc,
    StreamingZipformerCtc,
    StreamingNemoCtc,
}

/// One recogniser. A folder may hold two, one for words while somebody speaks and one for speech that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The folder's name.
    pub name: String,
    pub kind: ModelKind,
    pub model: PathBuf,
    pub tokens: PathBuf,
    /// Other files in their place are another recogniser.
    pub edition: Edition,
}

/// Smaller files are demonstrations. They never go before a recogniser that was made for people's voices.
const DEMONSTRATION_BYTES: u64 = 10 << 20;
/// What a recogniser with CTC calls "nothing"; the native library ends the process where the table has none.
const BLANKS: [&str; 3] = ["<blk>", "<eps>", "<blank>"];

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
            Self::ZipformerCtc => &[],
            Self::StreamingZipformerCtc => &[
                "encoder_dims",
                "query_head_dims",
                "value_head_dims",
                "num_heads",
                "num_encoder_layers",
                "cnn_module_kernels",
                "left_context_len",
                "T",
                "decode_chunk_len",
            ],
            Self::StreamingNemoCtc => &[
                "window_size",
                "chunk_shift",
                "subsampling_factor",
                "vocab_size",
                "cache_last_channel_dim1",
                "cache_last_channel_dim2",
                "cache_last_channel_dim3",
                "cache_last_time_dim1",
                "cache_last_time_dim2",
                "cache_last_time_dim3",
            ],
        }
    }

    fn of(metadata: &BTreeMap<String, String>) -> Option<Self> {
        let has = |key: &str| metadata.contains_key(key);
        if has("lfr_window_size") {
            return Some(if has("with_itn") { Self::SenseVoice } else { Self::Paraformer });
        }
        match metadata.get("model_type").map(String::as_str) {
            Some("zipformer2_ctc") => Some(Self::ZipformerCtc),
            Some("zipformer2") if has("decode_chunk_len") => Some(Self::StreamingZipformerCtc),
            Some("EncDecCTCModelBPE") if has("chunk_shift") => Some(Self::StreamingNemoCtc),
            _ => None,
        }
    }

    /// Gives words while somebody speaks.
    pub fn streams(self) -> bool {
        matches!(self, Self::StreamingZipformerCtc | Self::StreamingNemoCtc)
    }

    fn is_ctc(self) -> bool {
        self.streams() || self == Self::ZipformerCtc
    }
}

impl Installed {
    /// The best recogniser of one folder; the error says for people what is wrong with it.
    pub fn at(folder: &Path) -> Result<Self, String> {
        let found = Self::all(folder)?;
        Ok(found.into_iter().next().expect("a folder without any is an error"))
    }

    /// Every recogniser of one folder, the best for speech that is over first; never empty.
    pub fn all(folder: &Path) -> Result<Vec<Self>, String> {
        let tokens = folder.join("tokens.txt");
        let shown = folder.display();
        let words = fs::read_to_string(&tokens).map_err(|e| format!("{shown}/tokens.txt: {e}"))?;
        let name = match models::Record::read(folder) {
            Ok(Some(record)) => record.name,
            _ => folder.file_name().map_or_else(|| shown.to_string(), |n| n.to_string_lossy().into_owned()),
        };
        let (mut found, mut trouble): (Vec<Self>, _) = (Vec::new(), format!("{shown} holds no .onnx file"));
        for model in onnx_files(folder) {
            match kind_of(&model, &words) {
                // The 8-bit file came first.
                Ok(kind) if found.iter().any(|other| other.kind == kind) => {}
                Ok(kind) => {
                    let golden = models::golden_files(&folder.join(selftest::FILE));
                    let files = [model.clone(), tokens.clone()].into_iter().chain(golden);
                    let edition = Edition::of(files).map_err(|e| format!("{shown}: {e}"))?;
                    found.push(Self { name: name.clone(), kind, model, tokens: tokens.clone(), edition });
                }
                Err(words) => trouble = words,
            }
        }
        found.sort_by_key(|m| m.kind);
        if found.is_empty() { Err(trouble) } else { Ok(found) }
    }

    fn is_demonstration(&self) -> bool {
        fs::metadata(&self.model).is_ok_and(|file| file.len() < DEMONSTRATION_BYTES)
    }
}

fn kind_of(model: &Path, tokens: &str) -> Result<ModelKind, String> {
    let shown = model.display();
    let metadata = onnx::metadata(model).map_err(|e| format!("{shown} {e}"))?;
    let kind = ModelKind::of(&metadata).ok_or_else(|| {
        format!("{shown} is neither SenseVoice, Paraformer, Zipformer CTC nor streaming CTC by its metadata")
    })?;
    if let Some(missing) = kind.demands().iter().find(|key| !metadata.contains_key(**key)) {
        return Err(format!("{shown}: its metadata lacks {missing}"));
    }
    let said = metadata.get("vocab_size").and_then(|v| v.parse().ok()).unwrap_or(1);
    // NeMo does not count its blank.
    let vocabulary = if kind == ModelKind::StreamingNemoCtc { said + 1 } else { said };
    if tokens.lines().count() < vocabulary {
        return Err(format!(
            "tokens.txt beside {shown} has fewer than {vocabulary} lines; still being copied?"
        ));
    }
    let blank = |line: &str| line.split_whitespace().next().is_some_and(|token| BLANKS.contains(&token));
    if kind.is_ctc() && !tokens.lines().any(blank) {
        return Err(format!("tokens.txt beside {shown} has no <blk>"));
    }
    Ok(kind)
}

/// The 8-bit file first where there are two: as accurate on speech, a quarter of the size. Parts of recognisers that
/// come in several files are left out.
fn onnx_files(folder: &Path) -> Vec<PathBuf> {
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "onnx"));
    files.retain(|p| !["encoder", "decoder", "joiner"].iter().any(|part| name(p).starts_with(part)));
    files.sort_by_key(|p| (!name(p).contains("int8"), p.clone()));
    files
}

/// What is used of the recognisers installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// For speech that is over: the best there is.
    pub finished: Installed,
    /// For words while somebody speaks.
    pub live: Option<Installed>,
}

/// The recogniser for speech that is over: `wanted` (a folder's name below `roots`, or a path), else the best one
/// there is. `Ok(None)` when none is installed; an error when one is there or wanted but cannot be used. What is among
/// `refused` counts as not there.
pub fn best(
    roots: &[PathBuf],
    wanted: Option<&str>,
    refused: &[Edition],
) -> Result<Option<Installed>, String> {
    choose(roots, wanted, None, refused).map(|choice| choice.map(|c| c.finished))
}

/// Both recognisers; `live` is named like `wanted`.
pub fn choose(
    roots: &[PathBuf],
    wanted: Option<&str>,
    live: Option<&str>,
    refused: &[Edition],
) -> Result<Option<Choice>, String> {
    let fit = |model: &Installed| !refused.contains(&model.edition);
    let (mut installed, mut trouble) = (Vec::new(), None);
    for folder in folders(roots, "tokens.txt") {
        match Installed::all(&folder) {
            Ok(found) => installed.extend(found.into_iter().filter(fit)),
            Err(words) => trouble = Some(words),
        }
    }
    installed.sort_by_key(|m| (m.is_demonstration(), m.kind));
    let finished = match wanted {
        Some(name) => named(roots, name, fit)?.into_iter().next(),
        None => installed.first().cloned(),
    };
    let Some(finished) = finished else { return trouble.map_or(Ok(None), Err) };
    let live = match (live, wanted) {
        (Some(name), _) => {
            let found = named(roots, name, fit)?.into_iter().find(|m| m.kind.streams());
            let none = || format!("the speech model {name:?} gives no words while somebody speaks");
            Some(found.ok_or_else(none)?)
        }
        (None, Some(name)) => named(roots, name, fit)?.into_iter().find(|m| m.kind.streams()),
        (None, None) => None,
    };
    let live = live.or_else(|| installed.into_iter().find(|m| m.kind.streams()));
    Ok(Some(Choice { finished, live }))
}

/// The recognisers of the newest version of a model that has any fit one.
fn named(roots: &[PathBuf], name: &str, fit: impl Fn(&Installed) -> bool) -> Result<Vec<Installed>, String> {
    for folder in newest_first(folder_of(roots, name)?) {
        let good: Vec<_> = Installed::all(&folder)?.into_iter().filter(&fit).collect();
        if !good.is_empty() {
            return Ok(good);
        }
    }
    Err(format!("the speech model {name:?} is not fit for work"))
}

fn folder_of(roots: &[PathBuf], wanted: &str) -> Result<PathBuf, String> {
    let named = roots.iter().map(|root| root.join(wanted));
    let found = named.chain([PathBuf::from(wanted)]).find(|folder| folder.is_dir()).ok_or_else(|| {
        let tried: Vec<_> = roots.iter().map(|r| r.display().to_string()).collect();
        format!(
            "the speech model {wanted:?} is not below {}; `edge-agent models fetch` gets those of the manifest",
            tried.join(", ")
        )
    })?;
    Ok(found)
}

/// Folders below one that are not hidden, by name: what is on its way is.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.filter(|e| !e.file_name().to_string_lossy().starts_with('.')).map(|e| e.path()).collect();
    found.retain(|path| path.is_dir());
    found.sort();
    found
}

/// The folders `NAME/VERSION` of a model that was fetched or imported, the newest first; else its own.
fn newest_first(model: PathBuf) -> Vec<PathBuf> {
    let recorded = |folder: &PathBuf| matches!(models::Record::read(folder), Ok(Some(_)));
    let versions: Vec<PathBuf> = below(&model).into_iter().rev().filter(recorded).collect();
    if versions.is_empty() { vec![model] } else { versions }
}

/// Folders of models below `roots`, each root's by name; of a model with versions the newest first.
fn model_folders(roots: &[PathBuf]) -> impl Iterator<Item = PathBuf> {
    roots.iter().flat_map(|root| below(root)).flat_map(newest_first)
}

/// Those that hold a file of this name.
fn folders(roots: &[PathBuf], holding: &str) -> Vec<PathBuf> {
    model_folders(roots).filter(|folder| folder.join(holding).is_file()).collect()
}

/// The model that sets punctuation marks (ct-transformer), if one is installed.
pub fn punctuation(roots: &[PathBuf]) -> Option<PathBuf> {
    let mut models: Vec<PathBuf> = model_folders(roots).flat_map(|f| onnx_files(&f)).collect();
    models.retain(|model| {
        let metadata = onnx::metadata(model).unwrap_or_default();
        // Its table of tokens is longer than what is read of metadata.
        ["vocab_size", "punctuations", "unk_symbol"].iter().all(|key| metadata.contains_key(*key))
    });
    models.into_iter().next()
}

#[cfg(test)]
mod tests;
