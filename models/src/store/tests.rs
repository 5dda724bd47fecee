use super::*;

const HASH_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn store(folders: &[&Path]) -> ModelStore {
    let text = format!(
        "[[model]]\nname='m'\ntask='t'\nversion='2'\nlicence='MIT'\ninput='i'\noutput='o'\n\
         [[model.file]]\nname='m.onnx'\nurl='https://example.org/m'\nsha256='{HASH_OF_ABC}'"
    );
    let folders = folders.iter().map(|f| f.to_path_buf()).collect();
    ModelStore::with_manifest(folders, toml::from_str(&text).unwrap())
}

fn put(folder: &Path, path: &str, content: &str) -> PathBuf {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

/// Both layouts are found, the versioned one first, folders in their order.
#[test]
fn both_layouts_in_order() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = store(&[a.path(), b.path()]);
    let in_b = put(b.path(), "m/m.onnx", "abc");
    assert_eq!(store.find("m").unwrap().main_file(), in_b);
    let flat = put(a.path(), "m/m.onnx", "abc");
    assert_eq!(store.find("m").unwrap().main_file(), flat);
    let versioned = put(a.path(), "m/2/m.onnx", "abc");
    let weights = store.find("m").unwrap();
    assert_eq!((weights.main_file(), weights.title().as_str()), (versioned.as_path(), "m 2"));
    assert!(weights.verified);
}

/// A wrong file is refused with both hashes, also after the right one had been accepted.
#[test]
fn wrong_bytes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&[folder.path()]);
    let path = put(folder.path(), "m/m.onnx", "abc");
    store.find("m").unwrap();
    fs::write(&path, "abcd").unwrap();
    let error = store.find("m").unwrap_err().to_string();
    assert!(error.contains(HASH_OF_ABC) && error.contains("88d4266fd4e6338d13b845fcf289579d"), "{error}");
}

/// A site's own model is found by the description in its folder; a wrong description says what is wrong.
#[test]
fn a_site_describes_its_own_model() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&[folder.path()]);
    let text = "name='own'\ntask='object-detection'\nversion='1'\nlicence='ours'\n[[file]]\nname='own.onnx'\n\
         [detector]\n[detector.picture]\nwidth=64\nheight=64\nchannels='rgb'\nfit='stretch'\n\
         [detector.answer]\nkind='boxes'\nunit='shares'\n[detector.labels]\nfire=[0]\n";
    put(folder.path(), "own/model.toml", text);
    put(folder.path(), "own/own.onnx", "abc");
    let weights = store.find("own").unwrap();
    assert_eq!((weights.title().as_str(), weights.verified), ("own 1", false));
    assert_eq!(weights.model.detector.unwrap().labels.keys().collect::<Vec<_>>(), ["fire"]);
    put(folder.path(), "no-model/readme.txt", "");
    assert_eq!(store.names(), ["m", "own"]);
    for (from, to, why) in [
        ("name='own'", "name='other'", "named \"other\""),
        ("width=64", "width=0", "not between"),
        ("fire=[0]", "", "names no label"),
        ("kind='boxes'", "kind='magic'", "unknown variant"),
        ("own.onnx", "../own.onnx", "a path"),
    ] {
        put(folder.path(), "own/model.toml", &text.replace(from, to));
        let error = store.find("own").unwrap_err().to_string();
        assert!(error.contains("own/model.toml") && error.contains(why), "{error}");
    }
    assert!(matches!(store.find("../own"), Err(ModelError::Unknown { .. })));
}

/// Missing and unknown models are told apart, with where was looked and what there is.
#[test]
fn missing_and_unknown_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let missing = store(&[folder.path()]).find("m").unwrap_err().to_string();
    assert!(
        missing.contains(&folder.path().display().to_string()) && missing.contains("m/m.onnx"),
        "{missing}"
    );
    let nowhere = store(&[]).find("m").unwrap_err().to_string();
    assert!(nowhere.contains("--models"), "{nowhere}");
    let unknown = store(&[]).find("x").unwrap_err().to_string();
    assert!(unknown.contains("known: m"), "{unknown}");
}
