//! The Debian packages of both binaries install, run, and leave nothing behind.

use std::path::Path;
use std::process::{Command, Output};

fn script(name: &str, arguments: &[&Path]) -> Output {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    Command::new(deploy.join(name)).args(arguments).output().expect("the script is there and can be run")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// Packed from the binaries beside this test, installed aside with `dpkg`, run from there, removed, purged.
#[test]
fn packages_install_run_and_leave_nothing() {
    let hub = world::process::product("hub").unwrap();
    let programs = hub.parent().unwrap();
    let built = script("package.sh", &[programs]);
    assert!(built.status.success(), "{}", text(&built));
    let tried = script("package-test.sh", &[&programs.join("debian")]);
    assert!(tried.status.success(), "{}", text(&tried));
    println!("{}", text(&tried));
}
