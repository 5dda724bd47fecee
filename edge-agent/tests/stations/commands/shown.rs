//! The configuration shown to the hub, and taken back with what it hides.

use protocol::{CommandBody, Outcome, ShownConfiguration};

use super::bench::{Bench, camera, reason};
use crate::common::{WAIT, eventually};

async fn shown(bench: &Bench) -> ShownConfiguration {
    match bench.ask(CommandBody::ShowConfiguration {}).await {
        Outcome::Shown { configuration } => configuration,
        other => panic!("not shown: {other:?}"),
    }
}

/// The box shows what is in force, the installer's file first and then what the hub sent, never a password; what comes back
/// with the password hidden keeps it. What was made from another version than the one in force is refused, and nothing
/// changes.
#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_shown_changed_and_taken() {
    let dir = tempfile::tempdir().unwrap();
    let own = "username = \"admin\"\npassword = \"hush\" # of the maker: pwd hush2\n";
    let installed =
        "[agent]\nname = \"local\"\n".to_owned() + camera("gate", "test://ball").trim_end() + "\n" + own;
    let bench = Bench::start(dir.path(), &installed, WAIT).await;
    eventually!("the camera", bench.runs("gate"));
    let first = shown(&bench).await;
    assert_eq!(first.version, 0);
    assert!(
        first.toml.contains("password = \"***\"") && first.toml.contains("test://ball"),
        "{}",
        first.toml
    );
    assert!(!first.toml.contains("hush") && !first.toml.contains("[agent]"), "{}", first.toml);
    assert!(first.labels.contains(&protocol::Label::Person), "{:?}", first.labels);

    let rule = "[[camera.rules]]\nid = \"in\"\nkind = \"intrusion\"\n";
    let toml = format!("{}{rule}", first.toml);
    let send = |version, toml: &str, based_on| CommandBody::Configuration {
        version,
        toml: toml.to_owned(),
        based_on: Some(based_on),
    };
    assert_eq!(bench.ask(send(5, &toml, 0)).await, Outcome::Done { evidence: vec![] });
    let present = bench.present();
    let gate = &present.config.cameras[0];
    assert_eq!((present.config.version, gate.rules.len()), (5, 1));
    assert_eq!(gate.camera.password.as_ref().map(|secret| secret.0.as_str()), Some("hush"));
    drop(present);
    let kept = std::fs::read_to_string(dir.path().join("configuration-5.toml")).unwrap();
    assert!(kept.contains("hush") && !kept.contains("***\"\n"), "the next start finds it whole: {kept}");

    let second = shown(&bench).await;
    assert_eq!(second.version, 5);
    assert!(second.toml.contains(rule.trim_end()) && !second.toml.contains("hush"), "{}", second.toml);
    let why = reason(bench.ask(send(6, &toml, 0)).await);
    assert!(why.contains("made from version 0, and 5 is in force"), "{why}");
    let elsewhere = second.toml.replace("id = \"gate\"", "id = \"roof\"");
    let why = reason(bench.ask(send(7, &elsewhere, 5)).await);
    assert!(why.contains("password") && why.contains("write it out") && !why.contains("hush"), "{why}");
    assert_eq!(bench.present().config.version, 5);
    bench.end().await;
}

/// A file that was changed and is not in force is not shown as if it were.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_in_force_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::start(dir.path(), &camera("gate", "test://ball"), WAIT).await;
    eventually!("the camera", bench.runs("gate"));
    std::fs::write(dir.path().join("edge.toml"), camera("gate", "test://smpte")).unwrap();
    let why = reason(bench.ask(CommandBody::ShowConfiguration {}).await);
    assert!(why.contains("not in force") && why.contains("SIGHUP"), "{why}");
    bench.install(&camera("gate", "test://smpte")).await;
    eventually!("the new file", {
        let answer = bench.ask(CommandBody::ShowConfiguration {}).await;
        matches!(answer, Outcome::Shown { configuration } if configuration.toml.contains("test://smpte"))
    });
    bench.end().await;
}
