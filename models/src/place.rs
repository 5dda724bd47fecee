//! Words that become parts of paths: names of models, versions, files. They come from configurations, archives and
//! USB sticks of strangers.

/// Of `NAME/VERSION/…`, files of ours.
pub(crate) const RECORD_FILE: &str = "installed.toml";
/// In a model's folder: the description of a model that the manifest does not know.
pub(crate) const SITE_FILE: &str = "model.toml";
/// In a model's folder: what its self-test shows it, and expects.
pub(crate) const GOLDEN_FILE: &str = "golden.json";
/// Recognisers have folders for their test sounds; nothing is deeper.
const MOST_DEPTH: usize = 8;

/// Is it one plain name of a file or folder? Hidden ones are not: those are this crate's own.
pub(crate) fn is_plain(name: &str) -> bool {
    let wrong = |c: char| c.is_control() || c == '/' || c == '\\';
    !name.is_empty() && name.len() <= 200 && !name.starts_with('.') && !name.contains(wrong)
}

/// Is it a path of plain names, below whatever it is joined to?
pub(crate) fn is_plain_path(path: &str) -> bool {
    path.split('/').count() <= MOST_DEPTH && path.split('/').all(is_plain)
}

/// Names of models, as configurations know them.
pub(crate) fn is_model_name(name: &str) -> bool {
    is_plain(name) && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing that is joined to a folder leads out of it, or to a file of ours.
    #[test]
    fn nothing_leads_out() {
        for good in ["m.onnx", "1.0+a", "模型 3", "a/b/c.wav"] {
            assert!(is_plain_path(good), "{good}");
        }
        for bad in ["", ".", "..", "../a", "a/../b", "/a", "a//b", "a/", ".hidden", "a\\b", "a\0b", "a\n"] {
            assert!(!is_plain_path(bad), "{bad:?}");
        }
        assert!(!is_plain("a/b") && !is_model_name("模型") && is_model_name("yolox-nano_2.0"));
        assert!(!is_plain_path(&["a"; 9].join("/")));
    }
}
