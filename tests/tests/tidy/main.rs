//! House rules that a compiler cannot hold. Each rule is a function from files to complaints, and each is shown
//! to complain about a bad sample: a rule that cannot fail is no rule.

mod files;
mod rules;

use std::fmt::Write as _;

use files::{File, project};
use rules::*;

type Rule = fn(&[File]) -> Vec<String>;

/// Name, rule, files that break it, files that keep it.
type Case =
    (&'static str, Rule, &'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]);

const CASES: &[Case] = &[
    (
        "SQL only in stores, db and migrations",
        sql_in_stores,
        &[(
            "hub/src/case/mod.rs",
            "#[cfg(test)]\nmod tests;\nlet rows = \"select number from cases where tenant = $1\";\n",
        )],
        &[
            ("hub/src/case/store.rs", "\"select number from cases\"\n"),
            ("hub/src/case/mod.rs", "// select number from cases\n"),
            ("hub/src/api/mod.rs", "#[cfg(test)]\nmod tests {\n    \"select number from cases\"\n}\n"),
        ],
    ),
    (
        "pure modules stay pure",
        pure_modules,
        &[("edge-agent/src/tracker/mod.rs", "use tokio::sync::mpsc;\n")],
        &[
            (
                "edge-agent/src/tracker/mod.rs",
                "use protocol::NormBox;\n#[cfg(test)]\nuse tokio::sync::mpsc;\n",
            ),
            ("edge-agent/src/outbox/mod.rs", "use tokio::sync::mpsc;\n"),
        ],
    ),
    (
        "crates depend downwards only",
        layers,
        &[("hub/Cargo.toml", "[dependencies]\nedge-agent.workspace = true\n")],
        &[("hub/Cargo.toml", "[dependencies]\nprotocol.workspace = true\n")],
    ),
    (
        "no file above 600 lines",
        short_files,
        &[("hub/src/a.rs", LONG)],
        &[("hub/src/a.rs", "fn main() {}\n")],
    ),
    (
        "nothing left to do, nothing silenced, nothing ignored",
        forbidden_words,
        &[("hub/src/a.rs", "#[allow(dead_code)]\nfn a() { todo!() }\n")],
        &[("hub/src/a.rs", "#[expect(dead_code, reason = \"shown to people only\")]\nfn a() {}\n")],
    ),
    (
        "no test that nobody runs",
        tests_that_run,
        &[
            ("hub/src/main.rs", "#[cfg(test)]\nmod tests {}\n"),
            ("protocol/src/ids.rs", "/// ```\n/// let id = 1;\n/// ```\n"),
        ],
        &[
            ("hub/src/lib.rs", "#[cfg(test)]\nmod tests {}\n"),
            ("protocol/src/ids.rs", "//! ```text\n//! a → b\n//! ```\n"),
        ],
    ),
    (
        "links in documents lead somewhere",
        links,
        &[("docs/A.md", "see [there](../NOWHERE.md)\n")],
        &[
            ("docs/A.md", "see [there](../README.md#part) and [out](https://example.org)\n"),
            ("README.md", "\n"),
        ],
    ),
    (
        "no package registry is named",
        registries,
        &[(
            "hub/assets/package-lock.json",
            concat!("\"resolved\": \"https://registry.npm", "js.org/htmx.org/-/htmx.tgz\"\n"),
        )],
        &[("hub/assets/package-lock.json", "\"integrity\": \"sha512-abc\"\n")],
    ),
    (
        "no path of one machine",
        machine_paths,
        &[("tests/src/lib.rs", "let data = \"/home/somebody/data\";\n")],
        &[(
            "tests/src/lib.rs",
            "let data = std::env::var(\"SHAODIAN_DATA\");\nlet url = \"/case/work/3\";\n",
        )],
    ),
    (
        "every template is used",
        templates_used,
        &[
            ("hub/templates/lost.html", "<p>\n"),
            ("hub/src/web/mod.rs", "#[template(path = \"found.html\")]\n"),
        ],
        &[
            ("hub/templates/found.html", "<p>\n"),
            ("hub/src/web/mod.rs", "#[template(path = \"found.html\")]\n"),
        ],
    ),
    (
        "every Rust file belongs to a crate",
        reachable,
        &[("hub/src/lib.rs", "pub mod a;\n"), ("hub/src/a.rs", ""), ("hub/src/lost.rs", "")],
        &[
            ("hub/src/lib.rs", "pub mod a;\n"),
            ("hub/src/a/mod.rs", "mod b;\n"),
            ("hub/src/a/b.rs", ""),
            ("hub/tests/t.rs", ""),
        ],
    ),
    (
        "third parties are named",
        third_parties,
        &[
            ("Cargo.toml", "[workspace.dependencies]\nserde = \"1\"\n[profile.release]\n"),
            ("THIRD_PARTY.md", "| toml |\n"),
        ],
        &[
            (
                "Cargo.toml",
                "[workspace.dependencies]\nhub = { path = \"hub\" }\nserde = \"1\"\n[profile.release]\nlto = 1\n",
            ),
            ("THIRD_PARTY.md", "| serde |\n"),
        ],
    ),
    (
        "no media, and no weights without a card",
        weights,
        &[("models/net.onnx", LONG), ("models/ours/README.md", "another.bin")],
        &[("models/net.onnx", "tiny"), ("models/ours/net.bin", LONG), ("models/ours/README.md", "`net.bin`")],
    ),
];

const LONG: &str = {
    static LINES: [u8; 200_000] = [b'\n'; 200_000];
    match std::str::from_utf8(&LINES) {
        Ok(text) => text,
        Err(_) => panic!("newlines are text"),
    }
};

/// The project keeps every rule.
#[test]
fn the_project_is_tidy() {
    let files = project();
    assert!(files.len() > 60, "only {} files found: the walk is broken", files.len());
    let mut report = String::new();
    for (name, rule, _, _) in CASES {
        for complaint in rule(&files) {
            let _ = writeln!(report, "{name}: {complaint}");
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

/// Each rule complains about its bad sample and is silent about its good one.
#[test]
fn each_rule_can_fail() {
    for (name, rule, bad, good) in CASES {
        let files = |sample: &[(&str, &str)]| sample.iter().map(|(p, t)| File::new(p, t)).collect::<Vec<_>>();
        assert!(!rule(&files(bad)).is_empty(), "{name}: the bad sample passes");
        assert_eq!(rule(&files(good)), Vec::<String>::new(), "{name}: the good sample fails");
    }
}
