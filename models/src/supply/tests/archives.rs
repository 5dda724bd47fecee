//! Archives as they should be, and as somebody may wish they were.

use super::*;
use crate::supply::archive::{Limits, unpack};

const LIMITS: Limits = Limits { bytes: 1 << 20, entries: 50 };

struct Unpacked {
    /// What was unpacked lies in `in` of it.
    dir: tempfile::TempDir,
    result: Result<Vec<(String, crate::hash::Fingerprint)>, SupplyError>,
}

impl Unpacked {
    fn names(&self) -> Vec<&str> {
        self.result.as_ref().unwrap().iter().map(|(name, _)| name.as_str()).collect()
    }

    fn error(&self) -> String {
        self.result.as_ref().unwrap_err().to_string()
    }
}

fn try_unpack(bytes: &[u8]) -> Unpacked {
    let dir = tempfile::tempdir().unwrap();
    let (path, folder) = (put(dir.path(), "a.tar.bz2", bytes), dir.path().join("in"));
    fs::create_dir(&folder).unwrap();
    let result = unpack(&path, &folder, LIMITS);
    Unpacked { dir, result }
}

/// An entry whose header says what no builder would write.
fn entry(name: &str, kind: tar::EntryType, size: u64, content: &[u8], link: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_gnu_mut().unwrap().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o777);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn file(name: &str) -> Vec<u8> {
    entry(name, tar::EntryType::Regular, 3, b"abc", "")
}

fn tarred(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.resize(bytes.len() + 1_024, 0);
    compress(&bytes)
}

/// The one folder at the top goes, whatever is in it; where there are several, or none, everything stays as it is.
#[test]
fn the_one_folder_at_the_top_goes() {
    let one = try_unpack(&arc());
    assert_eq!(one.names(), ["model.int8.onnx", "tokens.txt", "test_wavs/0.wav"]);
    assert_eq!(fs::read(one.dir.path().join("in/test_wavs/0.wav")).unwrap(), b"RIFF");
    assert!(!one.dir.path().join("in/arc-int8-2025").exists());
    let alike = try_unpack(&tarred(&[entry("./a/", tar::EntryType::Directory, 0, b"", ""), file("./a/a")]));
    assert_eq!(alike.names(), ["a"]);
    assert_eq!(fs::read(alike.dir.path().join("in/a")).unwrap(), b"abc");
    assert_eq!(try_unpack(&tarred(&[file("a/x"), file("b/x")])).names(), ["a/x", "b/x"]);
    assert_eq!(try_unpack(&tarred(&[file("a/x"), file("x")])).names(), ["a/x", "x"]);
    assert_eq!(try_unpack(&tarred(&[file("x"), file(".hidden"), file("._x")])).names(), ["x"]);
    let long = format!("top/{}", "n".repeat(150));
    assert_eq!(try_unpack(&archive(&[(&long, b"abc")])).names(), ["n".repeat(150)]);
}

/// Gzip and plain tar are read as well; anything else is not tried.
#[test]
fn other_compressions() {
    use std::io::Write as _;
    let dir = tempfile::tempdir().unwrap();
    let plain = [file("a/x"), vec![0; 1_024]].concat();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&plain).unwrap();
    for (name, bytes) in [("a.tar.gz", gzip.finish().unwrap()), ("b.tar", plain.clone())] {
        let (path, folder) = (put(dir.path(), name, &bytes), dir.path().join(format!("in-{name}")));
        fs::create_dir(&folder).unwrap();
        assert_eq!(unpack(&path, &folder, LIMITS).unwrap()[0].0, "x");
    }
    let error = unpack(&put(dir.path(), "c.zip", &plain), dir.path(), LIMITS).unwrap_err().to_string();
    assert!(error.contains("c.zip is refused"), "{error}");
}

/// Nothing comes out of the folder, and nothing but plain files comes into it.
#[test]
fn what_leads_out_is_refused() {
    use tar::EntryType::{Block, Char, Fifo, GNUSparse, Link, Symlink};
    for (entries, why) in [
        (vec![file("../evil")], "leads out"),
        (vec![file("top/x"), file("top/../../evil")], "leads out"),
        (vec![file("/evil")], "leads out"),
        (vec![entry("top/link", Symlink, 0, b"", "/etc/passwd"), file("top/link/x")], "no plain file"),
        (vec![file("top/x"), entry("top/y", Link, 0, b"", "top/x")], "no plain file"),
        (vec![entry("top/d", Char, 0, b"", "")], "no plain file"),
        (vec![entry("top/d", Block, 0, b"", "")], "no plain file"),
        (vec![entry("top/d", Fifo, 0, b"", "")], "no plain file"),
        (vec![entry("top/d", GNUSparse, 0, b"", "")], "damaged"),
        (vec![file("top/x"), file("top/x")], "twice"),
        (vec![file("top/x"), file("top/x/y")], "twice"),
        (vec![file("top/installed.toml"), file("top/x")], "a name of ours"),
        (vec![file("top\\x")], "no path"),
        (vec![file("top/a\nb")], "no path"),
        (vec![file("a/b/c/d/e/f/g/h/i/j")], "no path"),
        (vec![], "holds no file"),
    ] {
        let tried = try_unpack(&tarred(&entries));
        let error = tried.error();
        assert!(error.contains("a.tar.bz2 is refused") && error.contains(why), "{why}: {error}");
        let mut beside: Vec<_> =
            fs::read_dir(tried.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        beside.sort();
        assert_eq!(beside, ["a.tar.bz2", "in"]);
    }
}

/// What unfolds beyond the limits is stopped there: many bytes, many entries, names that fill the memory.
#[test]
fn bombs_are_stopped() {
    let zeros = vec![0; 8 << 20];
    let bomb = archive(&[("top/zeros", &zeros)]);
    assert!(bomb.len() < 10_000, "{} bytes are no bomb", bomb.len());
    let tried = try_unpack(&bomb);
    assert!(tried.error().contains("more than is allowed"), "{}", tried.error());
    assert!(fs::metadata(tried.dir.path().join("in/top/zeros")).unwrap().len() <= LIMITS.bytes + 1);

    // Several files, each within the limit; hidden ones, which are not even kept, count too.
    let half = vec![0; 600 << 10];
    for names in [["top/a", "top/b"], ["top/a", "top/.b"]] {
        let tried = try_unpack(&archive(&[(names[0], &half), (names[1], &half)]));
        assert!(tried.error().contains("more than"), "{}", tried.error());
    }
    let many: Vec<_> = (0..51).map(|n| file(&format!("top/{n}"))).collect();
    assert!(try_unpack(&tarred(&many)).error().contains("more than 50 entries"));
    assert_eq!(try_unpack(&tarred(&many[..50])).names().len(), 50);

    let name = entry("././@LongLink", tar::EntryType::GNULongName, zeros.len() as u64, &zeros, "");
    let tried = try_unpack(&tarred(&[name, file("top/x")]));
    assert!(tried.error().contains("more than is allowed"), "{}", tried.error());
}

/// An archive that ends early, or in which one byte is another, is refused wherever that is.
#[test]
fn a_damaged_archive_is_refused() {
    let whole = arc();
    for keep in [0, 3, 40, whole.len() / 2, whole.len() - 200, whole.len() - 5, whole.len() - 1] {
        let tried = try_unpack(&whole[..keep]);
        assert!(tried.error().contains("is refused"), "{keep}: {}", tried.error());
    }
    for at in [0, 5, 20, whole.len() / 3, whole.len() / 2, whole.len() - 60, whole.len() - 3] {
        let mut wrong = whole.clone();
        wrong[at] ^= 0x10;
        let tried = try_unpack(&wrong);
        assert!(tried.error().contains("is refused"), "{at}: {}", tried.error());
    }
}
