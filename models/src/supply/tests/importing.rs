//! To a site without a network, and what came with the stick that should not have.

use super::*;
use crate::record::{Record, Trust, files_below};

/// A machine that has everything: from the manifest, an archive, the site's own, and by hand.
fn full() -> Machine {
    let machine = Machine::new();
    let stick = Machine::new();
    stick.put("m.onnx", &right());
    stick.put("arc.tar.bz2", &arc());
    let reports = machine.import(stick.folder());
    assert!(reports.iter().all(|r| r.outcome.is_ok()), "{reports:?}");
    describe_own(machine.folder(), "3", b"weights of ours");
    machine.put("pair/a.onnx", &bytes(2, 500));
    machine.put("pair/tokens.txt", b"<blk> 0\n");
    machine
}

const ALL: [&str; 4] = ["arc", "m", "own", "pair"];

fn bundled() -> Machine {
    let (machine, stick) = (full(), Machine::new());
    let names: Vec<String> = ALL.iter().map(|n| (*n).to_owned()).collect();
    let shelf = stick.shelf();
    let reports = bundle(&shelf, &machine.store(), &names, LATER, |_| {}).unwrap();
    assert!(ALL.iter().all(|name| is_put(&reports, name)), "{reports:?}");
    let again = bundle(&shelf, &machine.store(), &names, LATER, |_| {}).unwrap();
    assert!(matches!(outcome(&again, "arc"), Ok(Outcome::There(_))), "{again:?}");
    stick
}

/// A bundle brings everything to an empty folder, where all of it verifies, with who vouches for it.
#[test]
fn a_bundle_brings_everything() {
    let stick = bundled();
    let machine = Machine::new();
    let reports = machine.import(stick.folder());
    assert_eq!(reports.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ALL);
    for (name, trust) in [("m", Trust::Manifest), ("pair", Trust::Manifest), ("arc", Trust::Recorded)] {
        assert!(is_put(&reports, name), "{reports:?}");
        assert_eq!(machine.state(name), State::Good { trust, at: Some(AT.to_owned()) }, "{name}");
    }
    assert_eq!(machine.store().names(), ["m", "pair", "arc", "made", "own"]);
    assert_eq!(fs::read(machine.store().find("own").unwrap().main_file()).unwrap(), b"weights of ours");
    let wav = machine.store().folder("arc").unwrap().join("test_wavs/0.wav");
    assert_eq!(fs::read(wav).unwrap(), b"RIFF");
    let record = Record::read(&machine.folder().join("m/2")).unwrap().unwrap();
    assert!(
        record.files[0].from.starts_with("imported from ") && record.files[0].from.ends_with("m/2/m.onnx")
    );
    let again = machine.import(stick.folder());
    assert!(again.iter().all(|r| matches!(r.outcome, Ok(Outcome::There(_)))), "{again:?}");
    // The bundle can be used as it is, and one box's models folder is as good as a bundle.
    assert!(ALL.iter().all(|name| matches!(stick.state(name), State::Good { .. })));
    let third = Machine::new();
    assert!(third.import(machine.folder()).iter().all(|r| r.outcome.is_ok()));
    assert!(third.store().folder("arc").is_ok());
}

/// One byte that is another, in any file of a bundle, refuses the model that it belongs to, with both hashes, and no
/// other model.
#[test]
fn one_byte_refuses_one_model() {
    let stick = bundled();
    let files = files_below(stick.folder());
    let of_models: Vec<_> =
        files.iter().filter(|f| f.contains('/') && !f.ends_with("installed.toml")).cloned().collect();
    assert_eq!(of_models.len(), 8, "{of_models:?}");
    for file in of_models {
        let path = stick.folder().join(&file);
        let before = fs::read(&path).unwrap();
        flip_a_byte(&path);
        let machine = Machine::new();
        let reports = machine.import(stick.folder());
        let name = file.split('/').next().unwrap();
        let error = refusal(&reports, name);
        let found = sha256(&fs::read(&path).unwrap());
        assert!(error.contains(&sha256(&before)) && error.contains(&found), "{file}: {error}");
        for other in ALL.iter().filter(|other| **other != name) {
            assert!(is_put(&reports, other), "{file}: {reports:?}");
        }
        assert!(!machine.folder().join(name).exists(), "{file}: something of it was put there");
        // Cut short, it is told by its length; missing, by its name.
        fs::write(&path, &before[..before.len() - 1]).unwrap();
        let error = refusal(&Machine::new().import(stick.folder()), name);
        let lengths = [before.len(), before.len() - 1].map(|n| n.to_string());
        let by_hash = file.ends_with("model.toml");
        assert!(by_hash || lengths.iter().all(|n| error.contains(n)), "{file}: {error}");
        fs::remove_file(&path).unwrap();
        let reports = Machine::new().import(stick.folder());
        let error = refusal(&reports, name);
        assert!(by_hash || error.contains(file.rsplit('/').next().unwrap()), "{file}: {error}");
        fs::write(&path, before).unwrap();
    }
}

/// After the import a site's own model is held against what came, though nobody pinned it.
#[test]
fn a_sites_own_model_is_held_against_what_came() {
    let stick = bundled();
    let machine = Machine::new();
    machine.import(stick.folder());
    let path = machine.store().find("own").unwrap().main_file().to_owned();
    flip_a_byte(&path);
    let error = machine.store().find("own").unwrap_err().to_string();
    assert!(
        error.contains(&sha256(b"weights of ours")) && error.contains("recorded at first fetch"),
        "{error}"
    );
    // The same version with other bytes is refused where this site pins its own; another version is taken.
    let pinned = |version: &str, hash: &str| {
        format!(
            "name='own'\ntask='t'\nversion='{version}'\nlicence='ours'\n[[file]]\nname='best.onnx'\nsha256='{hash}'\n"
        )
    };
    let machine = Machine::new();
    machine.put("own/model.toml", pinned("3", &sha256(b"first")).as_bytes());
    machine.put("own/best.onnx", b"first");
    let other = Machine::new();
    other.put("x/own/best.onnx", b"other");
    other.put("x/own/model.toml", pinned("3", &sha256(b"other")).as_bytes());
    let error = refusal(&machine.import(other.folder()), "own");
    assert!(error.contains(&sha256(b"first")) && error.contains(&sha256(b"other")), "{error}");
    assert_eq!(fs::read(machine.store().find("own").unwrap().main_file()).unwrap(), b"first");
    other.put("x/own/model.toml", pinned("4", &sha256(b"other")).as_bytes());
    assert!(is_put(&machine.import(other.folder()), "own"));
    let weights = machine.store().find("own").unwrap();
    assert_eq!(
        (weights.title().as_str(), fs::read(weights.main_file()).unwrap()),
        ("own 4", b"other".to_vec())
    );
}

/// Files are found anywhere on a stick by their names; of several the right one; an archive is unpacked.
#[test]
fn files_are_found_anywhere() {
    let stick = Machine::new();
    stick.put("a/m.onnx", &bytes(9, LENGTH));
    stick.put("z/Downloads/m.onnx", &right());
    stick.put("some/where/arc.tar.bz2", &arc());
    stick.put("pair/a.onnx", &bytes(2, 500));
    stick.put("pair/tokens.txt", b"<blk> 0\n");
    stick.put("other/tokens.txt", b"another's");
    stick.put("holiday.jpg", b"x");
    let machine = Machine::new();
    let reports = machine.import(stick.folder());
    assert_eq!(reports.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["arc", "m", "pair"]);
    assert!(reports.iter().all(|r| matches!(r.outcome, Ok(Outcome::Put(_)))), "{reports:?}");
    assert!(machine.store().find("m").unwrap().verified && machine.store().find("pair").unwrap().verified);
    assert!(machine.store().folder("arc").unwrap().join("tokens.txt").is_file());

    // One that is not the right one, cut short or damaged, is refused; the others come.
    let stick = Machine::new();
    stick.put("m.onnx", &right()[..LENGTH - 1]);
    stick.put("arc.tar.bz2", &arc()[..200]);
    stick.put("pair/a.onnx", &bytes(2, 500));
    stick.put("pair/tokens.txt", b"<blk> 0\n");
    let machine = Machine::new();
    let reports = machine.import(stick.folder());
    assert!(refusal(&reports, "m").contains("300000 bytes are expected and 299999 found"));
    assert!(refusal(&reports, "arc").contains("ends early"), "{}", refusal(&reports, "arc"));
    assert!(is_put(&reports, "pair"));
    assert_eq!(machine.everything(), ["pair"]);
}

/// What is no model, another version, or leads out of the folder is told and not taken.
#[test]
fn what_should_not_come_does_not() {
    let machine = Machine::new();
    let empty = Machine::new();
    empty.put("holiday.jpg", b"x");
    let nothing = import(&machine.shelf(), &machine.store(), empty.folder(), AT, |_| {}).unwrap_err();
    assert!(nothing.to_string().contains("holds no model"), "{nothing}");
    let nowhere =
        import(&machine.shelf(), &machine.store(), &empty.folder().join("x"), AT, |_| {}).unwrap_err();
    assert!(nowhere.to_string().contains("is the path right"), "{nowhere}");

    let stick = bundled();
    let path = stick.folder().join("bundle.toml");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replace("\"m.onnx\"", "\"../../m.onnx\"")).unwrap();
    let error = import(&machine.shelf(), &machine.store(), stick.folder(), AT, |_| {}).unwrap_err();
    assert!(error.to_string().contains("no path of a model's file"), "{error}");

    fs::write(&path, good.replace("version = \"2\"", "version = \"1\"")).unwrap();
    fs::rename(stick.folder().join("m/2"), stick.folder().join("m/1")).unwrap();
    fs::remove_file(stick.folder().join("m/1/installed.toml")).unwrap();
    let error = refusal(&Machine::new().import(stick.folder()), "m");
    assert!(error.contains("m 1 is refused") && error.contains("version 2 is expected"), "{error}");

    // Of a stranger's description only what is in the stick's folder counts, and names that lead nowhere else.
    let stick = Machine::new();
    describe_own(stick.folder(), "../../3", b"x");
    let error = refusal(&machine.import(stick.folder()), "own");
    assert!(error.contains("no name of a folder"), "{error}");
    assert_eq!(machine.everything(), Vec::<String>::new());
}

/// A model that is damaged, or not there, does not come into a bundle.
#[test]
fn what_is_damaged_is_not_bundled() {
    let (machine, stick) = (full(), Machine::new());
    flip_a_byte(&machine.folder().join("arc/2025/tokens.txt"));
    let names = ["m", "arc", "made", "nonsense"].map(str::to_owned);
    let reports = bundle(&stick.shelf(), &machine.store(), &names, AT, |_| {}).unwrap();
    assert!(is_put(&reports, "m"));
    assert!(refusal(&reports, "arc").contains("SHA-256 should be"), "{}", refusal(&reports, "arc"));
    assert!(refusal(&reports, "made").contains("is not installed"));
    assert!(refusal(&reports, "nonsense").contains("not in the manifest"));
    assert_eq!(stick.everything(), ["bundle.toml", "m"]);
}
