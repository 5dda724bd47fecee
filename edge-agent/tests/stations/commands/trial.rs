//! Rules tried on what a camera saw.

use protocol::{CommandBody, IncidentKind, Outcome, Trial};

use super::bench::{Bench, camera, reason};
use crate::common::{WAIT, eventually};

/// Changed rules are tried on what the camera saw, without changing what is in force: a zone where the ball bounces
/// raises an incident, no zone elsewhere does; a mistake comes back with its place; it works after a restart too.
#[tokio::test(flavor = "multi_thread")]
async fn rules_are_tried_on_the_last_hour() {
    let dir = tempfile::tempdir().unwrap();
    let toml = "[detector]\nenabled = false\n".to_owned() + &camera("gate", "test://ball");
    let bench = Bench::start(dir.path(), &toml, WAIT).await;
    let part = |toml: &str, last_s| CommandBody::Replay {
        camera_id: "gate".parse().unwrap(),
        toml: toml.to_owned(),
        last_s,
    };
    let ask = |toml: &str| part(toml, None);
    let rules = "[[camera.zones]]\nid = \"all\"\npolygon = [[0, 0], [1, 0], [1, 1], [0, 1]]\n\
                 [[camera.rules]]\nid = \"r1\"\nkind = \"intrusion\"\nzone = \"all\"\n";
    let mut trial: Option<Trial> = None;
    eventually!("an incident on trial", {
        if let Outcome::Tried { trial: tried } = bench.ask(ask(rules)).await {
            trial = Some(tried);
        }
        trial.as_ref().is_some_and(|trial| !trial.incidents.is_empty())
    });
    let trial = trial.unwrap();
    assert!(trial.frames > 3 && trial.from < trial.to, "{trial:?}");
    let first = &trial.incidents[0];
    assert_eq!((first.rule_id.as_str(), first.kind, first.score_percent), ("r1", IncidentKind::Intrusion, 0));
    assert!(first.started_at >= trial.from && first.started_at <= trial.to);
    assert!(bench.told_nothing().await, "nothing in force was changed");

    // What the ball never touches: a strip of nothing.
    let apart = rules.replace("[[0, 0], [1, 0], [1, 1], [0, 1]]", "[[0, 0], [0.01, 0], [0.01, 0.01]]");
    let Outcome::Tried { trial: quiet } = bench.ask(ask(&apart)).await else { panic!("not tried") };
    assert_eq!(quiet.incidents, []);

    let wrong =
        reason(bench.ask(ask("[[camera.rules]]\nid = \"r1\"\nkind = \"intrusion\"\nzone = \"al\"")).await);
    assert!(wrong.contains("rules:4:1") && wrong.contains("no zone \"al\""), "{wrong}");
    let wrong = reason(bench.ask(ask("[camera]\nurl = \"test://ball\"")).await);
    assert!(wrong.contains("only zones, lines and rules are"), "{wrong}");
    let fire = "[[camera.rules]]\nid = \"r2\"\nkind = \"fire\"";
    assert!(reason(bench.ask(ask(fire)).await).contains("no rule in force looks for flames"));
    let nowhere =
        CommandBody::Replay { camera_id: "roof".parse().unwrap(), toml: rules.to_owned(), last_s: None };
    assert!(reason(bench.ask(nowhere).await).contains("no camera roof"));
    bench.end().await;

    let bench = Bench::start(dir.path(), &toml, WAIT).await;
    eventually!("the camera", bench.runs("gate"));
    let Outcome::Tried { trial: later } = bench.ask(ask(rules)).await else { panic!("not tried") };
    assert_eq!(later.from, trial.from, "what was seen before the restart is remembered");
    let Outcome::Tried { trial: newest } = bench.ask(part(rules, Some(1))).await else { panic!("not tried") };
    assert!(newest.from > later.from && newest.frames < later.frames, "only what was asked for: {newest:?}");
    bench.end().await;
}
