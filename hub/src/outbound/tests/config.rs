//! What is wrong with the section is said with its line and the nearest word.

use crate::config::Config;

fn wrong(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.toml");
    std::fs::write(&path, text).unwrap();
    let error = Config::load(Some(&path)).expect_err("it is wrong").to_string();
    error.replace(&path.display().to_string(), "hub.toml")
}

const GOOD: &str = r#"
[http]
public_url = "https://hub.fengxiang.test"

[[outbound.channel]]
name = "group"
form = "wecom"
url = "https://qyapi.weixin.test/cgi-bin/webhook/send?key=k"
for = ["role:commander", "unit:police", "user:li", "area:dongguan"]
kinds = ["emergency", "card"]
least_severity = "major"

[[outbound.channel]]
name = "mail"
form = "smtp"
host = "mail.fengxiang.test"
user = "hub"
secret_file = "/etc/shaodian/mail"
from = "哨点 <hub@fengxiang.test>"

[[outbound.channel]]
name = "text"
form = "sms"
url = "http://127.0.0.1:9000/send"
body = { to = "{phone}", text = "{text}" }

[[outbound.channel]]
name = "hook"
form = "cloudevents"
url = "https://city.test/hook"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
area = "dongguan"
kinds = ["filed", "closed"]
"#;

/// What the documentation shows is taken, and no secret of it shows when it is written to a log.
#[test]
fn what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.toml");
    std::fs::write(&path, GOOD).unwrap();
    let config = Config::load(Some(&path)).unwrap();
    assert_eq!(config.outbound.channel.len(), 4);
    assert_eq!(config.http.public_url.as_deref(), Some("https://hub.fengxiang.test"));
    let shown = format!("{config:?}");
    assert!(!shown.contains("whsec_") && !shown.contains("key=k"), "{shown}");
}

/// A slip in a key or a word: where, and what was meant.
#[test]
fn slips() {
    let told = wrong("[[outbound.channel]]\nname = \"a\"\nfrom = \"x\"\nurll = \"https://x.test\"\n");
    assert_eq!(told, "hub.toml:4:1: unknown key `urll`; did you mean `url`?");
    let told = wrong("[[outbound.channel]]\nname = \"a\"\nform = \"wecomm\"\n");
    assert_eq!(told, "hub.toml:3:8: unknown word `wecomm`; did you mean `wecom`?");
    let told = wrong("[outbound]\nchannels = []\n");
    assert_eq!(told, "hub.toml:2:1: unknown key `channels`; did you mean `channel`?");
}

/// Everything that cannot stand is said at once, each with its line.
#[test]
fn what_cannot_stand() {
    let told = wrong(
        r#"
[[outbound.channel]]
name = "group"
form = "wecom"
url = "http://robot.test/send?key=SECRET"
kinds = ["emergncy"]
for = ["boss"]

[[outbound.channel]]
name = "group"
form = "cloudevents"
url = "ftp://x.test"
for = ["role:commander"]
host = "x"
timeout_s = 99

[[outbound.channel]]
name = "Mail"
form = "smtp"
host = "mail.test"
tls = "none"
secret = "x"

[[outbound.channel]]
name = "text"
form = "sms"
url = "https://sms.test/send"
body = { to = "{phone}" }
headers = { X = "{text}" }
success = { pointer = "code" }
"#,
    );
    let lines: Vec<&str> = told.lines().collect();
    for (place, part) in [
        ("hub.toml:5: [[outbound.channel]] group: url", "plain http to robot.test"),
        ("hub.toml:6: [[outbound.channel]] group: kinds", "did you mean emergency?"),
        ("hub.toml:7: [[outbound.channel]] group: for", "user:NAME"),
        ("hub.toml:10: [[outbound.channel]] group", "this name is taken"),
        ("hub.toml:12: [[outbound.channel]] group: url", "https://"),
        ("hub.toml:13: [[outbound.channel]] group: for", "not of people"),
        ("hub.toml:14: [[outbound.channel]] group: host", "is not for cloudevents, but for smtp"),
        ("hub.toml:15: [[outbound.channel]] group: timeout_s", "1 to 20"),
        ("hub.toml:9: [[outbound.channel]] group: secret", "is missing"),
        ("hub.toml:18: [[outbound.channel]] Mail: name", "a-z"),
        ("hub.toml:21: [[outbound.channel]] Mail: tls", "starttls or implicit"),
        ("hub.toml:17: [[outbound.channel]] Mail: user", "is missing"),
        ("hub.toml:17: [[outbound.channel]] Mail: from", "is missing"),
        ("hub.toml:28: [[outbound.channel]] text: body", "where {text} goes"),
        ("hub.toml:29: [[outbound.channel]] text: headers", "{text} cannot stand"),
        ("hub.toml:30: [[outbound.channel]] text: success", "go together"),
    ] {
        assert!(
            lines.iter().any(|line| line.starts_with(place) && line.contains(part)),
            "{place} … {part}:\n{told}"
        );
    }
    assert!(!told.contains("SECRET"), "addresses hold keys");
    assert!(wrong("[http]\npublic_url = \"hub.test\"\n").contains("write https://NAME"));
}

/// A file that is not there is found by `hub check`, which opens what the configuration names.
#[test]
fn files_are_looked_for() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let toml = "[[channel]]\nname = \"a\"\nform = \"cloudevents\"\nurl = \"https://x.test\"\nsecret_file = \"nowhere/key\"\n\
                [[channel]]\nname = \"b\"\nform = \"wecom\"\nurl_file = \"nowhere/url\"\n";
    let config = toml::from_str(toml).unwrap();
    let error = super::Channel::open_all(&config).unwrap_err();
    let lines: Vec<&str> = error.lines().collect();
    assert!(lines[0].starts_with("[[outbound.channel]] a: secret_file nowhere/key: "), "{error}");
    assert!(lines[1].starts_with("[[outbound.channel]] b: url_file nowhere/url: "), "{error}");
}
