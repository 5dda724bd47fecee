//! What operators put right of the tags that this box offered, kept on its disk and learnt at once.
//!
//! One file, replaced whole: a correction per call, the newest last, at most as many as are learnt, none older than
//! [`KEEP_MS`]. To take one back is to leave it out: nothing of it stays behind. What is kept of a call are the first
//! words of its caller as they left the box, without private numbers.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use protocol::hotline::{MATTERS, categories};
use protocol::{CallId, UtcMs};
use serde::{Deserialize, Serialize};

use super::archive::write_json;
use super::lock;
use crate::screen::Screener;
use crate::screen::tagger::correction::{Correction, LEARNT_CHARS, MOST_CORRECTIONS};

/// A correction is learnt for half a year, by which time the corpus should have it.
const KEEP_MS: i64 = 183 * 24 * 3_600_000;

/// One call that was tagged otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    call_id: CallId,
    said: String,
    category: Option<String>,
    matter: Option<String>,
    at: UtcMs,
}

/// Which tags were right; with neither the box's own were.
pub(super) type Right = (Option<String>, Option<String>);

/// All of them.
#[derive(Debug)]
pub(super) struct Corrections {
    path: PathBuf,
    /// Held while they are written and learnt. `None`: the file could not be read yet, and must not be overwritten.
    kept: Mutex<Option<Vec<Kept>>>,
    count: AtomicU64,
}

impl Corrections {
    /// Learns what earlier shifts put right. A damaged file is set aside and said; one that cannot be read is read later.
    pub(super) fn open(calls: &Path, screener: &Screener) -> Self {
        let path = calls.join("corrections.json");
        let kept = read(&path)
            .inspect_err(|error| tracing::error!(error = format!("{error:#}"), "corrections are not learnt"))
            .ok();
        let corrections = Self { path, kept: Mutex::default(), count: AtomicU64::default() };
        corrections.learn(screener, kept.as_deref().unwrap_or_default());
        *lock(&corrections.kept) = kept;
        corrections
    }

    /// How many are learnt.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// A call whose caller `said` this was tagged otherwise; without any right tag its correction is taken back. Ids that
    /// no list knows are an error. Blocks.
    pub(super) fn put(
        &self,
        screener: &Screener,
        call_id: CallId,
        said: &str,
        (category, matter): Right,
        at: UtcMs,
    ) -> anyhow::Result<()> {
        let known = |id: &Option<String>, place: fn(&str) -> Option<usize>| {
            id.as_deref().is_none_or(|id| place(id).is_some())
        };
        anyhow::ensure!(known(&category, category_place), "no category {category:?} is known to this box");
        anyhow::ensure!(known(&matter, matter_place), "no matter {matter:?} is known to this box");
        self.change(screener, |kept| {
            kept.retain(|one| one.call_id != call_id);
            if category.is_some() || matter.is_some() {
                let said = said.chars().take(LEARNT_CHARS).collect();
                kept.push(Kept { call_id, said, category, matter, at });
            }
            kept.drain(..kept.len().saturating_sub(MOST_CORRECTIONS));
        })
    }

    /// Drops what is too old. Blocks.
    pub(super) fn expire(&self, screener: &Screener, now: UtcMs) -> anyhow::Result<()> {
        // One way: a box that wakes with a clock of years ago must not forget what is newer.
        self.change(screener, |kept| kept.retain(|one| now.since_ms(one.at) <= KEEP_MS))
    }

    fn change(&self, screener: &Screener, edit: impl FnOnce(&mut Vec<Kept>)) -> anyhow::Result<()> {
        let mut kept = lock(&self.kept);
        let before = match kept.take() {
            Some(before) => before,
            None => read(&self.path)?,
        };
        let mut changed = before.clone();
        edit(&mut changed);
        if changed != before || self.count() != before.len() as u64 {
            if let Err(error) = write_json(&self.path, &changed) {
                *kept = Some(before);
                return Err(error.context("a correction cannot be kept"));
            }
            self.learn(screener, &changed);
        }
        *kept = Some(changed);
        Ok(())
    }

    fn learn(&self, screener: &Screener, kept: &[Kept]) {
        let place = |id: &Option<String>, place: fn(&str) -> Option<usize>| id.as_deref().and_then(place);
        let correction = |one: &Kept| {
            Correction::of(&one.said, place(&one.category, category_place), place(&one.matter, matter_place))
        };
        screener.learn(&kept.iter().map(correction).collect::<Vec<_>>());
        self.count.store(kept.len() as u64, Ordering::Relaxed);
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<Kept>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    serde_json::from_slice(&bytes).or_else(|error| {
        let aside = path.with_extension("unreadable");
        tracing::error!(path = %path.display(), aside = %aside.display(), %error, "corrections are damaged; set aside");
        fs::rename(path, &aside).with_context(|| format!("cannot set {} aside", path.display()))?;
        Ok(Vec::new())
    })
}

fn category_place(id: &str) -> Option<usize> {
    categories().iter().position(|category| category.id == id)
}

fn matter_place(id: &str) -> Option<usize> {
    MATTERS.iter().position(|matter| matter.0 == id)
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
        let told = |screener: &Screener| screener.screen("那个量子驿站晃眼得很").category;
        let before = told(&screener);
        assert_ne!(before, "telecom");
        let said = ["我们村头那个量子驿站半夜开着大灯", "量子驿站的机柜在院墙外头", "那个量子驿站是谁批的"];
        let call = |n: usize| CallId(Uuid::from_u128(n as u128 + 1));
        let telecom = || (Some("telecom".to_owned()), None);
        for (n, said) in said.iter().enumerate() {
            corrections.put(&screener, call(n), said, telecom(), UtcMs(1)).unwrap();
        }
        assert_eq!((corrections.count(), told(&screener)), (3, "telecom"));
        let fresh = Screener::new(Gazetteer::default());
        assert_eq!((Corrections::open(folder.path(), &fresh).count(), told(&fresh)), (3, "telecom"));
        for n in 0..said.len() {
            corrections.put(&screener, call(n), "", (None, None), UtcMs(2)).unwrap();
        }
        assert_eq!((corrections.count(), told(&screener)), (0, before));
        let wrong = corrections.put(&screener, call(0), "", (Some("?".into()), None), UtcMs(3));
        assert!(wrong.unwrap_err().to_string().contains("category"));
    }

    /// What is half a year old goes, and nothing of it stays learnt.
    #[test]
    fn is_forgotten_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let screener = Screener::new(Gazetteer::default());
        let corrections = Corrections::open(folder.path(), &screener);
        let told = || screener.screen("那个量子驿站晃眼得很").category;
        let before = told();
        let said = "我们村头那个量子驿站半夜晃眼得很";
        let telecom = (Some("telecom".to_owned()), None);
        corrections.put(&screener, CallId(Uuid::from_u128(1)), said, telecom, UtcMs(0)).unwrap();
        corrections.expire(&screener, UtcMs(KEEP_MS)).unwrap();
        corrections.expire(&screener, UtcMs(-2 * KEEP_MS)).unwrap();
        assert_eq!((corrections.count(), told()), (1, "telecom"));
        corrections.expire(&screener, UtcMs(KEEP_MS + 1)).unwrap();
        assert_eq!((corrections.count(), told()), (0, before));
        assert_eq!(read(&corrections.path).unwrap(), []);
    }

    /// A file that cannot be read now is not overwritten; once it can be, nothing of it is lost.
    #[test]
    fn an_unreadable_file_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let screener = Screener::new(Gazetteer::default());
        let path = folder.path().join("corrections.json");
        let call = |n: u128| CallId(Uuid::from_u128(n));
        let noise = || (Some("noise".to_owned()), None);
        Corrections::open(folder.path(), &screener).put(&screener, call(1), "甲", noise(), UtcMs(1)).unwrap();
        let whole = fs::read(&path).unwrap();
        // A folder of that name can be read by nobody, root included.
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let corrections = Corrections::open(folder.path(), &screener);
        let refused = corrections.put(&screener, call(2), "乙", noise(), UtcMs(2)).unwrap_err();
        assert!(format!("{refused:#}").contains("corrections.json"), "{refused:#}");
        fs::remove_dir(&path).unwrap();
        fs::write(&path, whole).unwrap();
        corrections.put(&screener, call(2), "乙", noise(), UtcMs(2)).unwrap();
        assert_eq!(corrections.count(), 2);
    }
}
