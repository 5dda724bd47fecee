//! What operators put right of the tags that this box offered, kept on its disk and learnt at once.
//!
//! One file, replaced whole: a correction per call, the newest last, at most as many as are learnt. To take one back is to
//! leave it out: nothing of it stays behind. What is kept of a call are its caller's words as they left the box, without
//! private numbers.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Context;
use protocol::hotline::{MATTERS, categories};
use protocol::{CallId, UtcMs};
use serde::{Deserialize, Serialize};

use super::archive::write_json;
use super::lock;
use crate::screen::Screener;
use crate::screen::tagger::correction::{Correction, MOST_CORRECTIONS};

/// One call that was tagged otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    call_id: CallId,
    said: String,
    category: Option<String>,
    matter: Option<String>,
    at: UtcMs,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Corrections {
    path: PathBuf,
    kept: Mutex<Vec<Kept>>,
}

impl Corrections {
    /// Learns what earlier shifts put right. A file that cannot be read is set aside and said.
    pub(super) fn open(calls: &Path, screener: &Screener) -> Self {
        let path = calls.join("corrections.json");
        let kept = match fs::read(&path).map(|bytes| serde_json::from_slice::<Vec<Kept>>(&bytes)) {
            Ok(Ok(kept)) => kept,
            Ok(Err(error)) => {
                let aside = path.with_extension("unreadable");
                tracing::error!(path = %path.display(), aside = %aside.display(), %error, "corrections are damaged; set aside");
                let _ = fs::rename(&path, aside);
                Vec::new()
            }
            Err(_) => Vec::new(),
        };
        learn(screener, &kept);
        Self { path, kept: Mutex::new(kept) }
    }

    /// How many are learnt.
    pub(super) fn count(&self) -> u64 {
        lock(&self.kept).len() as u64
    }

    /// A call was tagged otherwise; with neither category nor matter its correction is taken back. Ids that no list
    /// knows are an error. Blocks.
    pub(super) fn put(
        &self,
        screener: &Screener,
        call_id: CallId,
        said: String,
        (category, matter): (Option<String>, Option<String>),
        at: UtcMs,
    ) -> anyhow::Result<()> {
        let known = |id: &Option<String>, place: fn(&str) -> Option<usize>| {
            id.as_deref().is_none_or(|id| place(id).is_some())
        };
        anyhow::ensure!(known(&category, category_place), "no category {category:?} is known to this box");
        anyhow::ensure!(known(&matter, matter_place), "no matter {matter:?} is known to this box");
        let mut kept = lock(&self.kept);
        let mut changed: Vec<Kept> = kept.iter().filter(|one| one.call_id != call_id).cloned().collect();
        if category.is_some() || matter.is_some() {
            changed.push(Kept { call_id, said, category, matter, at });
        }
        changed.drain(..changed.len().saturating_sub(MOST_CORRECTIONS));
        write_json(&self.path, &changed).context("a correction cannot be kept")?;
        learn(screener, &changed);
        *kept = changed;
        Ok(())
    }
}

fn category_place(id: &str) -> Option<usize> {
    categories().iter().position(|category| category.id == id)
}

fn matter_place(id: &str) -> Option<usize> {
    MATTERS.iter().position(|matter| matter.0 == id)
}

fn learn(screener: &Screener, kept: &[Kept]) {
    let corrections: Vec<Correction> = kept
        .iter()
        .map(|one| {
            let place = |id: &Option<String>, place: fn(&str) -> Option<usize>| id.as_deref().and_then(place);
            Correction::of(&one.said, place(&one.category, category_place), place(&one.matter, matter_place))
        })
        .collect();
    screener.learn(&corrections);
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::screen::gazetteer::Gazetteer;

    /// What is put right counts for the next call that says the like, also after a restart, and no more once it is taken
    /// back.
    #[test]
    fn is_learnt_kept_and_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let screener = Screener::new(Gazetteer::default());
        let corrections = Corrections::open(folder.path(), &screener);
        let told = |screener: &Screener| screener.screen("那个量子驿站嗡嗡响").category;
        let before = told(&screener);
        assert_ne!(before, "telecom");
        let said = ["我们村头那个量子驿站半夜开着大灯", "量子驿站的机柜在院墙外头", "那个量子驿站是谁批的"];
        let call = |n: usize| CallId(Uuid::from_u128(n as u128 + 1));
        let telecom = || (Some("telecom".to_owned()), None);
        for (n, said) in said.iter().enumerate() {
            corrections.put(&screener, call(n), (*said).to_owned(), telecom(), UtcMs(1)).unwrap();
        }
        assert_eq!((corrections.count(), told(&screener)), (3, "telecom"));
        let fresh = Screener::new(Gazetteer::default());
        assert_eq!((Corrections::open(folder.path(), &fresh).count(), told(&fresh)), (3, "telecom"));
        for n in 0..said.len() {
            corrections.put(&screener, call(n), String::new(), (None, None), UtcMs(2)).unwrap();
        }
        assert_eq!((corrections.count(), told(&screener)), (0, before));
        let wrong = corrections.put(&screener, call(0), String::new(), (Some("?".into()), None), UtcMs(3));
        assert!(wrong.unwrap_err().to_string().contains("category"));
    }
}
