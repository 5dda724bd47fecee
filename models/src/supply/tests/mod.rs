//! Whole paths of a model: from a server, an archive or a stick into a folder, and out again.

mod archives;
mod fetching;
mod importing;
mod installing;
mod server;

use std::fs;
use std::path::{Path, PathBuf};

use super::bundle::hash_of;
use super::*;
use crate::manifest::Manifest;
use crate::store::ModelStore;

const AT: &str = "2026-03-18T06:31:20.000Z";
const LATER: &str = "2026-03-19T06:31:20.000Z";

/// Bytes that look like nothing, the same for the same seed.
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(step).collect()
}

fn sha256(bytes: &[u8]) -> String {
    let mut reckoning = crate::hash::Reckoning::default();
    reckoning.take(bytes);
    reckoning.fingerprint().sha256
}

const LENGTH: usize = 300_000;

/// What the manifest vouches for.
fn right() -> Vec<u8> {
    bytes(1, LENGTH)
}

/// `m`: one file, vouched for. `pair`: two. `arc`: an archive for which nobody vouches. `made`: has no address.
fn manifest() -> Manifest {
    let (m, a, t) = (sha256(&right()), sha256(&bytes(2, 500)), sha256(b"<blk> 0\n"));
    toml::from_str(&format!(
        "[[model]]\nname='m'\ntask='t'\nversion='2'\nlicence='MIT'\n[[model.file]]\nname='m.onnx'\n\
         url='https://example.org/m'\nsha256='{m}'\nsize_bytes={LENGTH}\n\
         [[model]]\nname='pair'\ntask='t'\nversion='1'\nlicence='MIT'\n[[model.file]]\nname='a.onnx'\n\
         url='https://example.org/a'\nsha256='{a}'\nsize_bytes=500\n[[model.file]]\nname='tokens.txt'\nurl='https://example.org/t'\n\
         sha256='{t}'\nsize_bytes=8\n\
         [[model]]\nname='arc'\ntask='t'\nversion='2025'\nlicence='MIT'\n[[model.file]]\nname='arc.tar.bz2'\n\
         url='https://example.org/arc'\narchive=true\n\
         [[model]]\nname='made'\ntask='t'\nversion='1'\nlicence='MIT'\n[[model.file]]\nname='made.onnx'\n\
         made_from='sand'\nsha256='{m}'\n"
    ))
    .unwrap()
}

/// A models folder of one machine.
struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn folder(&self) -> &Path {
        self.dir.path()
    }

    fn store(&self) -> ModelStore {
        ModelStore::with_manifest(vec![self.folder().to_owned()], manifest())
    }

    fn shelf(&self) -> Shelf {
        Shelf::open(self.folder(), "a test").unwrap()
    }

    fn state(&self, name: &str) -> State {
        self.store().look(name).unwrap().state
    }

    fn put(&self, path: &str, content: &[u8]) -> PathBuf {
        put(self.folder(), path, content)
    }

    fn import(&self, from: &Path) -> Vec<Report> {
        import(&self.shelf(), &self.store(), from, AT, |_| {}).unwrap()
    }

    /// Hidden entries too, but not the lock.
    fn everything(&self) -> Vec<String> {
        let mut found: Vec<String> = fs::read_dir(self.folder())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".lock")
            .collect();
        found.sort();
        found
    }
}

fn put(folder: &Path, path: &str, content: &[u8]) -> PathBuf {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

fn flip_a_byte(path: &Path) {
    let mut content = fs::read(path).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(path, content).unwrap();
}

/// A tar of these files, compressed with bzip2.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, *content).unwrap();
    }
    compress(&builder.into_inner().unwrap())
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// As the public archives are: one folder, with a folder in it.
fn arc() -> Vec<u8> {
    let model = bytes(3, 20_000);
    archive(&[
        ("arc-int8-2025/model.int8.onnx", &model),
        ("arc-int8-2025/tokens.txt", b"<blk> 0\n"),
        ("arc-int8-2025/test_wavs/0.wav", b"RIFF"),
    ])
}

fn outcome<'a>(reports: &'a [Report], name: &str) -> &'a Result<Outcome, SupplyError> {
    &reports.iter().find(|r| r.name == name).unwrap_or_else(|| panic!("no report of {name}")).outcome
}

fn refusal(reports: &[Report], name: &str) -> String {
    outcome(reports, name).as_ref().unwrap_err().to_string()
}

fn is_put(reports: &[Report], name: &str) -> bool {
    matches!(outcome(reports, name), Ok(Outcome::Put(_)))
}

/// A site's own model, described as in docs/MODELS.md; its hash is nobody's concern.
fn describe_own(folder: &Path, version: &str, content: &[u8]) {
    let text =
        format!("name='own'\ntask='t'\nversion='{version}'\nlicence='ours'\n[[file]]\nname='best.onnx'\n");
    put(folder, "own/model.toml", text.as_bytes());
    put(folder, "own/best.onnx", content);
}

/// Texts are hashed as files are.
#[test]
fn texts_are_hashed_as_files_are() {
    assert_eq!(hash_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
