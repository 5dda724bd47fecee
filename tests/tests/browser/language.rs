//! Words in the wrong language. An English page holds no Chinese beyond what is marked as such (`lang="zh…"`) and what is
//! data here; a Chinese page holds no text that is, word for word, the English side of the catalogue.

use std::collections::BTreeSet;
use std::path::Path;

/// Shorter ones are units, keys and names in both languages.
const SHORTEST: usize = 4;

/// The English side of the catalogue of words (`hub/src/web/text`), where the Chinese one is another.
pub(crate) fn english() -> BTreeSet<String> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hub/src/web");
    let mut files = vec![web.join("text.rs")];
    for entry in std::fs::read_dir(web.join("text")).unwrap() {
        files.push(entry.unwrap().path());
    }
    let pairs = files.iter().flat_map(|file| pairs(&std::fs::read_to_string(file).unwrap()));
    pairs
        .filter(|(zh, en)| {
            zh != en && en.chars().count() >= SHORTEST && en.chars().any(|c| c.is_ascii_lowercase())
        })
        .map(|(_, en)| en)
        .collect()
}

/// `name = "中文", "English";`
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, from)) = rest.split_once(" = \"") {
        rest = from;
        let Some((zh, after)) = literal(from) else { continue };
        let Some(second) = after.strip_prefix(',').and_then(|after| after.trim_start().strip_prefix('"'))
        else {
            continue;
        };
        let Some((en, end)) = literal(second) else { continue };
        if end.starts_with(';') {
            found.push((zh, en));
        }
    }
    found
}

/// The text up to the closing quotation mark, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => out.push(chars.next()?.1),
            c => out.push(c),
        }
    }
    None
}

/// The catalogue is read as it is written, and has the words that everybody sees.
#[test]
fn the_catalogue_is_read() {
    let sample = "    product = \"哨点\", \"Shaodian\";\n    said = \"说“好”\",\n        \"Said \\\"yes\\\"\";\n    let x = \"y\";";
    let pair = |zh: &str, en: &str| (zh.to_owned(), en.to_owned());
    assert_eq!(pairs(sample), [pair("哨点", "Shaodian"), pair("说“好”", "Said \"yes\"")]);
    let all = english();
    assert!(all.len() > 300, "{} words", all.len());
    for word in ["Cases", "Log out", "Skip to content"] {
        assert!(all.contains(word), "{word}");
    }
}
