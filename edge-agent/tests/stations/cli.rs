//! The commands as they are typed.

use std::process::{Command, Stdio};

/// A reader who has gone (`edge-agent check | head -1`) is no error: no panic, and the status still tells what was
/// found.
#[test]
fn a_reader_may_leave() {
    let dir = tempfile::tempdir().unwrap();
    let (good, bad) = (dir.path().join("good.toml"), dir.path().join("bad.toml"));
    let data = format!("[agent]\ndata_dir = {:?}\n", dir.path().join("data"));
    std::fs::write(&good, &data).unwrap();
    std::fs::write(&bad, data + "[agnet]\n").unwrap();
    for (config, arguments, success) in [
        (&good, &["check"][..], true),
        (&bad, &["check"], false),
        (&bad, &["doctor"], false),
        (&bad, &["doctor", "--json"], false),
        (&good, &["--help"], true),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_edge-agent"))
            .arg("--config")
            .arg(config)
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), success, "{arguments:?}: {} {words}", output.status);
        assert!(output.status.code().is_some() && !words.contains("panicked"), "{arguments:?}: {words}");
    }
}
