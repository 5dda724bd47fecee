//! The Debian packages of both binaries install, run, and leave nothing behind.

use std::path::Path;
use std::process::{Command, Output};

fn script(name: &str) -> Output {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    Command::new(deploy.join(name)).output().expect("the script is there and can be run")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// Built from the release binaries, installed aside with `dpkg`, run from there, removed, purged.
#[test]
fn packages_install_run_and_leave_nothing() {
    let built = script("package.sh");
    assert!(built.status.success(), "{}", text(&built));
    let tried = script("package-test.sh");
    assert!(tried.status.success(), "{}", text(&tried));
    println!("{}", text(&tried));
}
