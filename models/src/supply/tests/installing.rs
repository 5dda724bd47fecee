//! What a crash, a second process or a folder that cannot be written to leaves behind.

use super::*;
use crate::record::{Record, Trust};

fn install(machine: &Machine, content: &[u8], at: &str) -> PathBuf {
    let shelf = machine.shelf();
    let mut staging = shelf.stage("m", "2").unwrap();
    let from = tempfile::tempdir().unwrap();
    staging.copy("m.onnx", &put(from.path(), "x", content), None, "a test").unwrap();
    staging.install(Record::of(manifest().model("m").unwrap(), at)).unwrap()
}

/// A crash while a version is put together leaves the one before as it was, and the next run sweeps.
#[test]
fn a_crash_leaves_the_version_before() {
    let machine = Machine::new();
    let place = install(&machine, &right(), AT);
    {
        let shelf = machine.shelf();
        let mut staging = shelf.stage("m", "2").unwrap();
        staging.copy("m.onnx", &put(machine.folder(), "x", b"half"), None, "a test").unwrap();
        // As the power goes: nothing is tidied up.
        std::mem::forget(staging);
    }
    fs::remove_file(machine.folder().join("x")).unwrap();
    assert_eq!(machine.everything(), [".incoming-m@2", "m"]);
    assert_eq!(machine.state("m"), State::Good { trust: Trust::Manifest, at: Some(AT.to_owned()) });
    drop(machine.shelf());
    assert_eq!(machine.everything(), ["m"]);
    assert_eq!(machine.store().find("m").unwrap().main_file(), place.join("m.onnx"));
}

/// A crash between the two steps of a file system that cannot swap folders brings the version before back.
#[test]
fn a_crash_between_two_steps_brings_the_version_before_back() {
    let machine = Machine::new();
    let place = install(&machine, &right(), AT);
    fs::rename(&place, machine.folder().join(".outgoing-m@2")).unwrap();
    machine.put(".incoming-m@2/m.onnx", b"half");
    drop(machine.shelf());
    assert_eq!(machine.everything(), ["m"]);
    assert_eq!(machine.state("m"), State::Good { trust: Trust::Manifest, at: Some(AT.to_owned()) });
    // After both steps it is the old one that is left.
    machine.put(".outgoing-m@2/m.onnx", b"old");
    machine.put(".removed-2/m.onnx", b"old");
    drop(machine.shelf());
    assert_eq!(machine.everything(), ["m"]);
    assert!(machine.store().find("m").is_ok());
}

/// The same version is replaced as a whole: nothing of the one before stays.
#[test]
fn a_version_is_replaced_as_a_whole() {
    let machine = Machine::new();
    let place = install(&machine, b"wrong", AT);
    machine.put("m/2/more.bin", b"of before");
    assert!(matches!(machine.state("m"), State::Wrong(_)));
    assert_eq!(install(&machine, &right(), LATER), place);
    assert_eq!(machine.state("m"), State::Good { trust: Trust::Manifest, at: Some(LATER.to_owned()) });
    assert_eq!(crate::record::files_below(&place), ["installed.toml", "m.onnx"]);
    assert_eq!(machine.everything(), ["m"]);
}

/// Where two folders cannot be swapped, the new one takes the place of the old one all the same.
#[test]
fn two_steps_do_the_same() {
    let machine = Machine::new();
    let place = install(&machine, b"wrong", AT);
    let shelf = machine.shelf();
    let staging = shelf.stage("m", "2").unwrap();
    machine.put(".incoming-m@2/m.onnx", &right());
    let record = Record::read(&place).unwrap().unwrap();
    staging.swap_in_two_steps(&place, &record).unwrap();
    drop(staging);
    assert_eq!(
        (machine.everything(), crate::record::files_below(&place)),
        (vec!["m".to_owned()], vec!["m.onnx".to_owned()])
    );
    assert!(machine.store().find("m").is_ok());
}

/// What is refused leaves no trace, and what was there stays.
#[test]
fn a_refusal_leaves_no_trace() {
    let machine = Machine::new();
    let stick = Machine::new();
    stick.put("m.onnx", &bytes(9, LENGTH));
    let reports = machine.import(stick.folder());
    assert!(refusal(&reports, "m").contains(&sha256(&right())));
    assert_eq!(machine.everything(), Vec::<String>::new());
}

/// Two at once: the second is told who is at work, and may when that one has done.
#[test]
fn one_at_a_time() {
    let machine = Machine::new();
    let shelf = Shelf::open(machine.folder(), "fetching yolox-nano").unwrap();
    let error = Shelf::open(machine.folder(), "importing").unwrap_err();
    assert!(matches!(error, SupplyError::Busy { .. }));
    let (words, who) = (error.to_string(), format!("process {}: fetching yolox-nano", std::process::id()));
    assert!(words.contains(&who) && words.contains(&machine.folder().display().to_string()), "{words}");
    // Looking needs no lock.
    assert_eq!(machine.state("m"), State::Absent);
    drop(shelf);
    drop(Shelf::open(machine.folder(), "importing").unwrap());
}

/// A folder that cannot be written to is named, with what to do.
#[test]
fn a_folder_that_cannot_be_written_to() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::new();
    let folder = if rustix::process::geteuid().is_root() {
        // Root may write wherever the kernel lets it.
        PathBuf::from("/sys/shaodian-models")
    } else {
        fs::set_permissions(machine.folder(), fs::Permissions::from_mode(0o555)).unwrap();
        machine.folder().join("models")
    };
    let error = Shelf::open(&folder, "a test").unwrap_err().to_string();
    assert!(error.contains(&folder.display().to_string()), "{error}");
    assert!(error.contains("run it as root") || error.contains("name a folder"), "{error}");
    let other = Machine::new();
    let file = other.put("file", b"x");
    let error = Shelf::open(&file, "a test").unwrap_err().to_string();
    assert!(error.contains(&file.display().to_string()), "{error}");
}

/// A record that names other people's files, or none, is no record.
#[test]
fn a_record_is_held_against_what_it_may_say() {
    let machine = Machine::new();
    let place = install(&machine, &right(), AT);
    let good = fs::read_to_string(place.join("installed.toml")).unwrap();
    let hash = sha256(&right());
    for (from, to, why) in [
        ("\"m.onnx\"", "\"../m.onnx\"", "no path"),
        ("\"m.onnx\"", "\"/m.onnx\"", "no path"),
        ("\"m.onnx\"", "\"installed.toml\"", "no path"),
        (hash.as_str(), "abc", "no SHA-256"),
        ("version = \"2\"", "version = \"../2\"", "no name and version"),
        ("[[file]]", "[[archive]]", "lists no file"),
        ("size_bytes", "size", "unknown field"),
    ] {
        fs::write(place.join("installed.toml"), good.replace(from, to)).unwrap();
        let error = Record::read(&place).unwrap_err();
        assert!(error.contains("installed.toml") && error.contains(why), "{why}: {error}");
        assert!(matches!(machine.state("m"), State::Wrong(_)));
    }
    fs::write(place.join("installed.toml"), good).unwrap();
    assert!(matches!(machine.state("m"), State::Good { .. }));
}

/// A version goes with its record, files that were put by hand go by their names, what nobody knows is named.
#[test]
fn what_is_removed_is_told() {
    let machine = Machine::new();
    let away = |name: &str, version: Option<&str>| remove(&machine.shelf(), &machine.store(), name, version);
    let place = install(&machine, &right(), AT);
    let error = away("m", Some("1")).unwrap_err().to_string();
    assert!(error.contains("m@1 is not installed"), "{error}");
    assert_eq!(away("m", Some("2")).unwrap(), [place]);
    assert_eq!(machine.everything(), Vec::<String>::new());
    let by_hand = machine.put("m/m.onnx", &right());
    machine.put(".downloads/m@2@m.onnx.part", b"half");
    assert_eq!(away("m", None).unwrap(), [by_hand]);
    assert_eq!(machine.everything(), [".downloads"]);
    assert!(away("m", None).unwrap_err().to_string().contains("is not installed"));
    let unpacked = machine.put("arc/model.onnx", b"x");
    let error = away("arc", None).unwrap_err().to_string();
    assert!(error.contains("by hand") && unpacked.exists(), "{error}");
    describe_own(machine.folder(), "3", b"weights");
    assert_eq!(away("own", None).unwrap().len(), 2);
    assert!(!machine.folder().join("own").exists());
    for wrong in ["..", "../x", "a/b", ""] {
        assert!(away(wrong, None).unwrap_err().to_string().contains("no name of a model"));
    }
}
