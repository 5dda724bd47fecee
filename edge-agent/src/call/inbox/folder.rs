//! The inbox on disk. All of it blocks.
//!
//! ```text
//! inbox/NAME                       dropped by people; taken when it has not changed for a while
//! inbox/NAME.json                  optional: what is known of the call (or with NAME's ending replaced by .json)
//! inbox/working/{incident}__NAME   taken: the incident that it becomes is settled by this name
//! inbox/rejected/NAME              cannot be read; NAME.reason.txt says why
//! ```
//!
//! A file is taken by one renaming, so that whenever the box is killed the same file becomes the same incident. What is
//! filed is removed, with what lies beside it: the recording is kept as evidence for as long as evidence is, and a copy
//! here, or a number in clear, would outlive it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use protocol::IncidentId;
use serde_json::Value;

use super::super::archive::{sync_folder, write_json};
use super::super::caller::Sealer;
use super::super::words::{self, Words};

/// A file that has not changed for this long is complete.
const SETTLED_MS: u64 = 3_000;
/// Files that are looked at in one round; the others wait.
const MAX_SEEN: usize = 4_096;
/// Of a file with words about a recording.
const MAX_WORDS_BYTES: u64 = 16 * 1_024;
/// Longest part of a name that is kept, in bytes.
const MAX_NAME: usize = 160;
/// Endings of files that somebody still writes.
const UNFINISHED: [&str; 6] = ["part", "partial", "tmp", "filepart", "crdownload", "json"];

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    seen: HashMap<OsString, Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    size_bytes: u64,
    changed_at: Option<SystemTime>,
    since_ms: u64,
}

/// A file that was taken.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) path: PathBuf,
    pub(super) incident_id: IncidentId,
    /// What people called it.
    pub(super) name: String,
}

impl Taken {
    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(ending);
        name.into()
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        fs::metadata(&self.path)
    }

    /// Counts that it is looked at; the number of this time. A file that ends the program is met again at the next
    /// start.
    pub(super) fn count_try(&self) -> anyhow::Result<u32> {
        let path = self.beside(".tries");
        let tries = fs::read_to_string(&path).ok().and_then(|n| n.trim().parse().ok()).unwrap_or(0_u32) + 1;
        fs::write(&path, tries.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(tries)
    }

    pub(super) fn forget_tries(&self) {
        let _ = fs::remove_file(self.beside(".tries"));
    }

    /// What is known of the call; words that are no object say nothing.
    pub(super) fn words(&self, sealer: &Sealer) -> Result<Words, String> {
        let path = self.beside(".json");
        let Ok(meta) = fs::metadata(&path) else { return Ok(Words::default()) };
        if meta.len() > MAX_WORDS_BYTES {
            return Err(format!("the words beside it are longer than {MAX_WORDS_BYTES} bytes"));
        }
        let bytes = fs::read(&path).map_err(|error| format!("the words beside it: {error}"))?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(map)) => {
                words::of_object(&map, sealer).map_err(|e| format!("the words beside it: {e}"))
            }
            Ok(_) => Err("the words beside it are no JSON object".to_owned()),
            Err(error) => Err(format!("the words beside it: {error}")),
        }
    }
}

impl Folder {
    pub(super) fn open(root: &Path) -> anyhow::Result<Self> {
        let folder = Self { root: root.to_owned(), seen: HashMap::new() };
        for part in [folder.working(), folder.rejected()] {
            fs::create_dir_all(&part)
                .with_context(|| format!("cannot make the folder {}", part.display()))?;
        }
        Ok(folder)
    }

    fn working(&self) -> PathBuf {
        self.root.join("working")
    }

    fn rejected(&self) -> PathBuf {
        self.root.join("rejected")
    }

    /// What an earlier run had taken and not filed, and what was taken since.
    pub(super) fn taken(&self) -> anyhow::Result<Vec<Taken>> {
        let mut taken = Vec::new();
        let working = self.working();
        let entries = fs::read_dir(&working).with_context(|| format!("cannot read {}", working.display()))?;
        for path in entries.flatten().map(|e| e.path()) {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            let companion = [".json", ".tries"].iter().any(|ending| name.ends_with(ending));
            let parts = name.split_once("__").filter(|_| !companion);
            if let Some((Ok(incident_id), name)) = parts.map(|(id, name)| (id.parse(), name.to_owned())) {
                taken.push(Taken { path, incident_id, name });
            }
        }
        taken.sort_by_key(|t| t.incident_id);
        Ok(taken)
    }

    /// Takes every file that has not changed for a while.
    pub(super) fn take_settled(&mut self, now_ms: u64, id: impl Fn() -> IncidentId) -> anyhow::Result<()> {
        let entries =
            fs::read_dir(&self.root).with_context(|| format!("cannot read {}", self.root.display()))?;
        let mut present = HashMap::new();
        for entry in entries.flatten().take(MAX_SEEN) {
            let name = entry.file_name();
            // Not through links: who may drop files must not make the box read others.
            let Some(meta) = entry.metadata().ok().filter(Metadata::is_file) else { continue };
            if !is_recording(&name) {
                continue;
            }
            let found = Seen { size_bytes: meta.len(), changed_at: meta.modified().ok(), since_ms: now_ms };
            let same = self
                .seen
                .get(&name)
                .filter(|old| (old.size_bytes, old.changed_at) == (found.size_bytes, found.changed_at));
            present.insert(name, same.copied().unwrap_or(found));
        }
        self.seen = present;
        let ready = |seen: &Seen| now_ms.saturating_sub(seen.since_ms) >= SETTLED_MS;
        let mut names: Vec<OsString> =
            self.seen.iter().filter(|(_, s)| ready(s)).map(|(n, _)| n.clone()).collect();
        names.sort();
        for name in names {
            self.seen.remove(&name);
            self.take(&name, id())?;
        }
        Ok(())
    }

    fn take(&self, name: &OsString, incident_id: IncidentId) -> anyhow::Result<()> {
        let from = self.root.join(name);
        let kept = short(&name.to_string_lossy());
        let to = self.working().join(format!("{incident_id}__{kept}"));
        // The words first would be lost to a file that is taken anew after a kill; they are found from there too.
        fs::rename(&from, &to).with_context(|| format!("cannot take {}", from.display()))?;
        sync_folder(&to).context("cannot sync the inbox")?;
        Ok(())
    }

    /// Brings the words that lie beside a recording to it. Safe to run twice.
    pub(super) fn fetch_words(&self, taken: &Taken) {
        let with_ending = self.root.join(format!("{}.json", taken.name));
        let instead = self.root.join(Path::new(&taken.name).with_extension("json"));
        let to = taken.beside(".json");
        if to.exists() {
            return;
        }
        if let Some(from) = [with_ending, instead].iter().find(|path| path.is_file())
            && let Err(error) = fs::rename(from, &to)
        {
            tracing::warn!(path = %from.display(), %error, "words beside a recording cannot be taken");
        }
    }

    /// It is filed. The recording goes last: while it is there, the rest is found by it.
    pub(super) fn remove(taken: &Taken) -> anyhow::Result<()> {
        for path in [taken.beside(".json"), taken.beside(".tries"), taken.path.clone()] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot remove {}", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// It changed while it was read: somebody still writes it.
    pub(super) fn give_back(&self, taken: &Taken) -> anyhow::Result<()> {
        taken.forget_tries();
        let words = taken.beside(".json");
        if words.exists() {
            let to = self.root.join(format!("{}.json", taken.name));
            fs::rename(&words, &to).with_context(|| format!("cannot give back {}", to.display()))?;
        }
        let to = self.root.join(&taken.name);
        fs::rename(&taken.path, &to).with_context(|| format!("cannot give back {}", to.display()))
    }

    /// Sets it aside with the reason. Words beside it stay with it, the number in them masked and
    /// nothing else: nobody would let a sealed one expire here.
    pub(super) fn reject(&self, taken: &Taken, reason: &str, sealer: &Sealer) -> anyhow::Result<()> {
        let free = |n: u32| {
            let name = if n == 0 { taken.name.clone() } else { format!("{n}-{}", taken.name) };
            Some(name).filter(|name| !self.rejected().join(name).exists())
        };
        let name = (0..).find_map(free).expect("some number is free");
        let to = |ending: &str| self.rejected().join(format!("{name}{ending}"));
        let path = to(".reason.txt");
        fs::write(&path, format!("{reason}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
        let words = taken.beside(".json");
        if words.exists() {
            if let Ok(mut words) = taken.words(sealer) {
                words.told.callback = None;
                write_json(&to(".json"), &words.to_object())?;
            }
            fs::remove_file(&words).with_context(|| format!("cannot remove {}", words.display()))?;
        }
        taken.forget_tries();
        fs::rename(&taken.path, to("")).with_context(|| format!("cannot set {} aside", taken.path.display()))
    }
}

/// Whether a name is that of a recording, as far as names go: not hidden, nor one that is still written.
fn is_recording(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    let ending = Path::new(&*name).extension().map(|e| e.to_string_lossy().to_lowercase());
    !name.starts_with('.') && ending.is_none_or(|ending| !UNFINISHED.contains(&&*ending))
}

/// The end of a name, where what it is stands.
fn short(name: &str) -> String {
    let start = (0..name.len()).find(|at| name.is_char_boundary(*at) && name.len() - at <= MAX_NAME);
    name[start.unwrap_or(0)..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A file is taken once it has not changed for a while, never while it grows; links, hidden and unfinished files
    /// are left alone; words come with it from either name; a given-back file is met as if new.
    #[test]
    fn takes_what_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(dir.path()).unwrap();
        let id = || IncidentId(Uuid::from_u128(7));
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link.wav")).unwrap();
        for name in [".hidden.wav", "a.wav.part", "b.tmp", "c.json"] {
            put(name, "{}");
        }
        put("投诉.wav", "1");
        put("投诉.json", r#"{"seat":"8001"}"#);
        folder.take_settled(0, id).unwrap();
        put("投诉.wav", "12");
        folder.take_settled(2_900, id).unwrap();
        folder.take_settled(5_000, id).unwrap();
        assert_eq!(folder.taken().unwrap().len(), 0, "it grew at 2.9 s");
        folder.take_settled(5_900, id).unwrap();
        let taken = folder.taken().unwrap();
        let [taken] = &taken[..] else { panic!("{taken:?}") };
        assert_eq!((taken.incident_id, &*taken.name), (id(), "投诉.wav"));
        folder.fetch_words(taken);
        assert_eq!(taken.words(&Sealer::idle()).unwrap().told.seat.as_deref(), Some("8001"));
        folder.give_back(taken).unwrap();
        assert!(names(dir.path()).contains(&"投诉.wav.json".to_owned()), "{:?}", names(dir.path()));
        folder.take_settled(6_000, id).unwrap();
        assert_eq!(folder.taken().unwrap().len(), 0);
        folder.take_settled(9_000, id).unwrap();
        let taken = &folder.taken().unwrap()[0];
        folder.fetch_words(taken);
        assert_eq!((taken.count_try().unwrap(), taken.count_try().unwrap()), (1, 2));
        assert_eq!(folder.taken().unwrap().len(), 1, "what lies beside it is no recording");
        Folder::remove(taken).unwrap();
        assert_eq!(names(&dir.path().join("working")).len(), 0);
        assert_eq!(
            names(dir.path()),
            [".hidden.wav", "a.wav.part", "b.tmp", "c.json", "link.wav", "rejected", "working"]
        );
    }

    /// What cannot be read is set aside with its reason; a second one of the same name takes no place away; a number
    /// does not stay in clear.
    #[test]
    fn sets_aside() {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(dir.path()).unwrap();
        for n in 1..=2_u64 {
            fs::write(dir.path().join("a.mp3"), "no sound").unwrap();
            fs::write(dir.path().join("a.mp3.json"), r#"{"caller":"13812341234"}"#).unwrap();
            let id = || IncidentId(Uuid::from_u128(u128::from(n)));
            folder.take_settled(n * 10_000, id).unwrap();
            folder.take_settled(n * 10_000 + 3_000, id).unwrap();
            let taken = folder.taken().unwrap().remove(0);
            folder.fetch_words(&taken);
            folder.reject(&taken, "it holds no sound", &Sealer::idle()).unwrap();
        }
        let rejected = dir.path().join("rejected");
        let all =
            ["1-a.mp3", "1-a.mp3.json", "1-a.mp3.reason.txt", "a.mp3", "a.mp3.json", "a.mp3.reason.txt"];
        assert_eq!(names(&rejected), all);
        assert_eq!(fs::read_to_string(rejected.join("a.mp3.reason.txt")).unwrap(), "it holds no sound\n");
        let words = fs::read_to_string(rejected.join("a.mp3.json")).unwrap();
        assert!(words.contains("138****1234") && !words.contains("13812341234"), "{words}");
        assert_eq!(names(&dir.path().join("working")).len(), 0);
    }
}
