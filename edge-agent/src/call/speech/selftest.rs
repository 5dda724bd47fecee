//! A recogniser's self-test: recordings that lie beside it in `golden.json`, and what it must read in them. Right bytes on a
//! library or a processor that computes something else are found out here, before a caller depends on them.

use std::path::PathBuf;

use anyhow::Context;
use serde::Deserialize;

use super::engine::Heard;
use super::evaluate::align::{edits, spoken};
use super::recording::Recording;
use super::{Installed, numbers};
use crate::call::vad::to_f32;

pub(super) const FILE: &str = "golden.json";

/// What `golden.json` holds. What else stands there is for people.
#[derive(Debug, Deserialize)]
struct Golden {
    /// Of a recording's characters may be wrong, as a share.
    cer: f64,
    recordings: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    /// 16-bit WAV beside the `golden.json`, of a single stretch of speech.
    file: PathBuf,
    /// Letters and digits alone count, and a number is the same in words and in digits.
    text: String,
}

/// Reads the golden recordings, if there are any. The error says of the first that differs what was expected and what
/// was found.
pub(super) fn hold(model: &Installed, read: impl Fn(u32, &[f32]) -> Heard) -> anyhow::Result<()> {
    let golden = model.model.with_file_name(FILE);
    if !golden.exists() {
        return Ok(());
    }
    let failed = || format!("{} does not pass its self-test", model.name);
    let text = std::fs::read(&golden).with_context(|| format!("cannot read {}", golden.display()));
    let Golden { cer, recordings } = text
        .and_then(|text| {
            serde_json::from_slice(&text).with_context(|| format!("{} is not one", golden.display()))
        })
        .with_context(failed)?;
    for Case { file, text } in recordings {
        let mut recording = Recording::open(&golden.with_file_name(&file)).with_context(failed)?;
        let wave = recording.side(recording.legs()[0], 0, u64::MAX).with_context(failed)?;
        let found = read(recording.rate_hz, &to_f32(&wave)).text;
        // Some write numbers in digits themselves.
        let plain = |text: &str| spoken(&numbers::written(text));
        let wrong = edits(&plain(&text), &plain(&found)).rate();
        if wrong > cer {
            let file = file.display();
            let found = if found.is_empty() { "nothing" } else { &found };
            return Err(anyhow::anyhow!("in {file}: expected {text}, found {found}")).with_context(failed);
        }
    }
    Ok(())
}
