use models::supply::check_folder;

use super::*;

fn toys() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech")
}

/// The kind comes from the file itself; the better kind wins unless one is named.
#[test]
fn finds_and_chooses() {
    let roots = [toys()];
    assert_eq!(best(&roots, None, &[]).unwrap().unwrap().kind, ModelKind::SenseVoice);
    let named = best(&roots, Some("toy-paraformer"), &[]).unwrap().unwrap();
    assert_eq!((named.kind, named.name.as_str()), (ModelKind::Paraformer, "toy-paraformer"));
    assert!(best(&roots, Some("nowhere"), &[]).unwrap_err().contains("nowhere"));
    assert_eq!(best(&[PathBuf::from("no-such-folder")], None, &[]), Ok(None));
}

/// Words while somebody speaks come from the folder that is named for them, else from the one that is named at
/// all, else from the best that streams; a folder may hold both recognisers.
#[test]
fn chooses_who_streams() {
    let roots = [toys()];
    let chosen = |wanted, live| {
        let choice = choose(&roots, wanted, live, &[]).unwrap().unwrap();
        (choice.finished.kind, choice.live.map(|m| (m.name, m.kind)))
    };
    let streams = |name: &str, kind| Some((name.to_owned(), kind));
    let zipformer = streams("toy-streaming-zipformer", ModelKind::StreamingZipformerCtc);
    let nemo = streams("toy-pair", ModelKind::StreamingNemoCtc);
    assert_eq!(chosen(None, None), (ModelKind::SenseVoice, zipformer.clone()));
    assert_eq!(chosen(Some("toy-pair"), None), (ModelKind::ZipformerCtc, nemo.clone()));
    assert_eq!(chosen(Some("toy-paraformer"), Some("toy-pair")), (ModelKind::Paraformer, nemo));
    assert_eq!(chosen(Some("toy-streaming-zipformer"), None), (ModelKind::StreamingZipformerCtc, zipformer));
    let error = choose(&roots, None, Some("toy-paraformer"), &[]).unwrap_err();
    assert!(error.contains("no words while"), "{error}");
    assert!(punctuation(&roots).unwrap().ends_with("toy-punctuation/model.onnx"));
    assert_eq!(punctuation(&[toys().join("toy-pair")]), None);
}

/// A demonstration never goes before a real recogniser, whatever its kind.
#[test]
fn a_demonstration_comes_last() {
    let root = tempfile::tempdir().unwrap();
    for (from, to) in [("toy-sense-voice", "a"), ("toy-paraformer", "b")] {
        fs::create_dir(root.path().join(to)).unwrap();
        for file in ["model.onnx", "tokens.txt"] {
            fs::copy(toys().join(from).join(file), root.path().join(to).join(file)).unwrap();
        }
    }
    let roots = [root.path().to_owned()];
    assert_eq!(best(&roots, None, &[]).unwrap().unwrap().kind, ModelKind::SenseVoice);
    // A field that nobody reads (`doc_string`, 6) makes the file as large as a real one.
    let model = root.path().join("b/model.onnx");
    let mut bytes = fs::read(&model).unwrap();
    bytes.extend([0x32, 0x80, 0x80, 0x80, 0x05]);
    bytes.resize(bytes.len() + (10 << 20), b' ');
    fs::write(&model, bytes).unwrap();
    assert_eq!(best(&roots, None, &[]).unwrap().unwrap().kind, ModelKind::Paraformer);
}

/// What was fetched lies in its version's folder and goes by its name; what is on its way is not looked at.
#[test]
fn a_version_goes_by_the_models_name() {
    let root = tempfile::tempdir().unwrap();
    let copy = |to: &str| {
        let folder = root.path().join(to);
        fs::create_dir_all(&folder).unwrap();
        for file in ["model.onnx", "tokens.txt"] {
            fs::copy(toys().join("toy-paraformer").join(file), folder.join(file)).unwrap();
        }
        folder
    };
    let record = |folder: &Path, version: &str| {
        let file = format!("name='x'\nsize_bytes=1\nsha256='{}'\ntrust='site'\nfrom='x'\n", "0".repeat(64));
        let text = format!(
            "name='spoken'\nversion='{version}'\ntask='t'\nlicence='l'\ninstalled_at='now'\n[[file]]\n{file}"
        );
        fs::write(folder.join("installed.toml"), text).unwrap();
    };
    let roots = [root.path().to_owned()];
    copy(".incoming-spoken@1");
    assert_eq!(best(&roots, None, &[]), Ok(None));
    for version in ["2025-01", "2025-10"] {
        record(&copy(&format!("spoken/{version}")), version);
    }
    for wanted in [None, Some("spoken")] {
        let found = best(&roots, wanted, &[]).unwrap().unwrap();
        assert_eq!(
            (found.name.as_str(), found.model),
            ("spoken", root.path().join("spoken/2025-10/model.onnx"))
        );
    }
    // The newest is refused: the one before is used, whether it is named or not.
    let newest = best(&roots, None, &[]).unwrap().unwrap();
    for wanted in [None, Some("spoken")] {
        let found = best(&roots, wanted, std::slice::from_ref(&newest.edition)).unwrap().unwrap();
        assert_eq!(found.model, root.path().join("spoken/2025-01/model.onnx"));
    }
    // Damaged: it is not what the record says.
    assert!(check_folder(&root.path().join("spoken/2025-10")).is_err());
}

/// A folder that is still being copied is no model yet, wherever the copy stands, and says so.
#[test]
fn half_a_copy_is_no_model() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("m");
    fs::create_dir(&folder).unwrap();
    let roots = [root.path().to_owned()];
    let (model, tokens) = (
        fs::read(toys().join("toy-sense-voice/model.onnx")).unwrap(),
        fs::read(toys().join("toy-sense-voice/tokens.txt")).unwrap(),
    );
    for cut in [0, 1, 100, model.len() / 2, model.len() - 1] {
        fs::write(folder.join("tokens.txt"), &tokens).unwrap();
        fs::write(folder.join("model.onnx"), &model[..cut]).unwrap();
        assert!(best(&roots, None, &[]).is_err(), "{cut} of {} bytes were taken", model.len());
    }
    fs::write(folder.join("model.onnx"), &model).unwrap();
    fs::write(folder.join("tokens.txt"), &tokens[..20]).unwrap();
    assert!(best(&roots, None, &[]).unwrap_err().contains("tokens.txt"));
    fs::write(folder.join("tokens.txt"), &tokens).unwrap();
    assert!(best(&roots, None, &[]).unwrap().is_some());
}
