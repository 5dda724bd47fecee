//! Texts that are read and written, drafts that are checked, compared and merged.

use std::fmt::Write as _;

use super::kind::{self, Looks};
use super::{Draft, Rule, Shape, check, diff, text};

/// As an installer writes it, with what this program does not know, other cameras, and words beside them.
const TEXT: &str = r#"# the yard
[detector]
models = ["yolox-nano"] # one is enough

[[camera]]
id = "gate"
url = "rtsp://***@10.0.0.2/live"
blur_people = true

[[camera.zones]]
id = "lane" # painted yellow
polygon = [[0.2, 0.5], [0.8, 0.5], [0.9, 1], [0.1, 1]]

[[camera.masks]]
polygon = [[0, 0], [0.3, 0], [0.3, 0.3]]

# told of at night, too
[[camera.rules]]
id = "fire-lane"
kind = "blocked_lane"
zone = "lane"
dwell_s = 120
name = "消防通道"
tomorrow = "not known here"

[[camera.rules]]
id = "in"
kind = "intrusion"
schedule = { days = ["workdays"], from = "22:00", to = "06:00", holidays = "never" }

[[camera]]
id = "yard"
url = "test://"
zones = [{ id = "all", polygon = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]] }]
rules = [{ id = "r", kind = "crowding", zone = "all", schedule = [{ from = "08:00" }, { from = "20:00" }] }]
"#;

/// What the editor makes of [`TEXT`]; the tests of the whole feed the same file to the box's own reader.
const WRITTEN: &str = include_str!("written.toml");
const LEFT_OUT: &str = include_str!("left_out.toml");
const WRITTEN_OUT: &str = include_str!("written_out.toml");

fn gate() -> Draft {
    text::read(TEXT, "gate").unwrap()
}

fn shape(id: &str, points: &str) -> Shape {
    Shape { was: None, id: id.into(), points: points.into() }
}

fn fields(draft: &Draft) -> Vec<String> {
    check::wrong(draft, &gate()).into_iter().map(|wrong| wrong.field).collect()
}

/// Every field is read as people would type it, in either way to write lists, and a draft that says the same changes no
/// byte.
#[test]
fn texts_are_read_and_left_alone() {
    let draft = gate();
    assert_eq!(draft.zones[0].points, "0.2,0.5 0.8,0.5 0.9,1 0.1,1");
    assert_eq!((draft.masks.len(), draft.rules.len(), draft.lines.len()), (1, 2, 0));
    let night = &draft.rules[1];
    assert_eq!(
        (
            night.days.as_str(),
            night.from.as_str(),
            night.to.as_str(),
            night.holidays.as_str(),
            night.stretches
        ),
        ("workdays", "22:00", "06:00", "never", 1)
    );
    assert_eq!((draft.rules[0].dwell_s.as_str(), draft.rules[0].enabled), ("120", true));
    assert_eq!(check::wrong(&draft, &draft), []);
    assert_eq!(text::write(TEXT, "gate", &draft).unwrap(), TEXT);

    let yard = text::read(TEXT, "yard").unwrap();
    assert_eq!((yard.zones[0].id.as_str(), yard.rules[0].stretches), ("all", 2));
    assert_eq!(text::read(TEXT, "roof"), Err(text::TextError::NoCamera("roof".into())));
    assert_eq!(text::read("camera = ", "gate"), Err(text::TextError::Unreadable));
    assert!(text::has(TEXT, "gate") && !text::has(TEXT, "roof"));
}

/// What somebody changes is written, what he takes out is gone, what is new comes in beside its kind; everything else,
/// words beside it and keys that nobody knows here, is there as before. Byte for byte.
#[test]
fn only_what_differs_is_written() {
    let mut draft = gate();
    draft.zones[0].points = "0.25,0.5 0.8,0.5 0.9,1 0.1,1".into();
    draft.zones.push(shape("shed", "0.5,0.1 0.7,0.1 0.7,0.3"));
    draft.lines.push(shape("gate-line", "0.1,0.5 0.4,0.2"));
    draft.masks.clear();
    draft.rules[0].dwell_s = "90.5".into();
    draft.rules[0].labels = "car、truck".into();
    draft.rules[0].min_size = "0.1".into();
    draft.rules[0].name = String::new();
    let night = &mut draft.rules[1];
    (night.from, night.enabled) = ("23:00".into(), false);
    draft.rules.push(Rule {
        id: "enters".into(),
        kind: "line_crossing".into(),
        line: "gate-line".into(),
        direction: "left_to_right".into(),
        severity: "notice".into(),
        cooldown_s: "30".into(),
        days: "weekends".into(),
        ..Rule::default()
    });
    assert_eq!(check::wrong(&draft, &gate()), []);
    let written = text::write(TEXT, "gate", &draft).unwrap();
    assert_eq!(written, WRITTEN, "{written}");
    let again = text::read(&written, "gate").unwrap();
    assert_eq!(diff::changes(&draft, &again), [], "it is read as it was meant");
    assert_eq!(text::read(&written, "yard"), text::read(TEXT, "yard"));

    let alone = text::trial(&written, "gate").unwrap();
    assert!(alone.starts_with("[[camera.zones]]") && alone.contains("enters"), "{alone}");
    for left in ["masks", "url", "yard", "detector"] {
        assert!(!alone.contains(left), "{left}: {alone}");
    }
    assert_eq!(text::trial(&written, "gate").unwrap(), alone, "the same question for the same rules");
}

/// Lists that are written in one line become tables when they are changed, and nothing in them is lost: also a schedule of
/// several stretches, which is not edited here.
#[test]
fn inline_lists_are_changed_too() {
    let mut yard = text::read(TEXT, "yard").unwrap();
    yard.rules[0].count = "8".into();
    yard.rules[0].from = "not looked at".into();
    let written = text::write(TEXT, "yard", &yard).unwrap();
    let again = text::read(&written, "yard").unwrap();
    assert_eq!((again.rules[0].count.as_str(), again.rules[0].stretches), ("8", 2));
    assert!(
        written.contains("08:00") && written.contains("20:00") && !written.contains("not looked at"),
        "{written}"
    );
    assert_eq!(text::read(&written, "gate").unwrap(), gate());
}

/// Each mistake is named by its field, in both languages.
#[test]
fn mistakes_are_told_by_field() {
    type Spoil = fn(&mut Draft);
    let cases: [(Spoil, &str); 21] = [
        (|d| d.zones[0].points = "0.2,0.5 0.8,0.5".into(), "zone.0.points"),
        (|d| d.zones[0].points = "0,0 0.5,0.5 0.5,0 0,0.5".into(), "zone.0.points"),
        (|d| d.zones[0].points = "0,0 0.5,0.5 1,1".into(), "zone.0.points"),
        (|d| d.zones[0].points = "0,0 1.5,0 1,1".into(), "zone.0.points"),
        (|d| d.zones[0].points = "hello".into(), "zone.0.points"),
        (|d| d.zones.push(shape("lane", "0,0 1,0 1,1")), "zone.1.id"),
        (|d| d.zones.push(shape("", "0,0 1,0 1,1")), "zone.1.id"),
        (|d| d.lines.push(shape("l", "0.5,0.5 0.51,0.5")), "line.0.points"),
        (|d| d.lines.push(shape("l", "0,0 0.5,0.5 1,1")), "line.0.points"),
        (|d| d.masks.push(shape("", "0,0 0.5,0.5 0.5,0 0,0.5")), "mask.1.points"),
        (|d| d.rules[0].id = "Fire Lane".into(), "rule.0.id"),
        (|d| d.rules[1].id = "fire-lane".into(), "rule.1.id"),
        (|d| d.rules[0].kind = "arson".into(), "rule.0.kind"),
        (|d| d.rules[0].zone = "lan".into(), "rule.0.zone"),
        (|d| d.rules[0].count = "3".into(), "rule.0.count"),
        (|d| d.rules[0].min_score = "1.2".into(), "rule.0.min_score"),
        (|d| d.rules[0].dwell_s = "90000".into(), "rule.0.dwell_s"),
        (|d| d.rules[0].labels = "car, person".into(), "rule.0.labels"),
        (|d| d.rules[1].days = "someday".into(), "rule.1.days"),
        (|d| d.rules[1].from = "24:01".into(), "rule.1.from"),
        (|d| d.rules[1].cooldown_s = "1.5".into(), "rule.1.cooldown_s"),
    ];
    for (spoil, field) in cases {
        let mut draft = gate();
        spoil(&mut draft);
        assert_eq!(fields(&draft), [field]);
        let wrong = &check::wrong(&draft, &gate())[0];
        assert!(!wrong.zh.is_ascii() && !wrong.en.is_empty() && wrong.zh != wrong.en, "{wrong:?}");
    }
    // A way that the line does not allow, and a line that is not there.
    let mut draft = gate();
    draft.lines.push(shape("level", "0.1,0.5 0.9,0.5"));
    for (line, direction, field) in [
        ("level", "left_to_right", "rule.2.direction"),
        ("level", "sideways", "rule.2.direction"),
        ("other", "both", "rule.2.line"),
        ("", "", "rule.2.line"),
    ] {
        let mut draft = draft.clone();
        draft.rules.push(Rule {
            id: "x".into(),
            kind: "line_crossing".into(),
            line: line.into(),
            direction: direction.into(),
            ..Rule::default()
        });
        assert_eq!(fields(&draft), [field], "{line} {direction}");
    }
    // A mask that stands as it stood holds nobody up, however it looks.
    let mut drawn = gate();
    drawn.masks[0].points = "0,0 0.5,0.5 0.5,0 0,0.5".into();
    assert_eq!(check::wrong(&drawn.clone(), &drawn), []);
}

/// Two people change one camera: what only one has touched is as that one has it, what both have is mine, what one has
/// taken out is out, and each thing is found again in the text of the other.
#[test]
fn two_people_at_one_camera() {
    let drawn = gate();
    let mut mine = drawn.clone();
    mine.rules[0].dwell_s = "90".into();
    mine.zones.push(shape("mine", "0,0 0.2,0 0.2,0.2"));
    mine.masks.clear();
    let mut theirs = drawn.clone();
    theirs.rules.remove(1);
    theirs.rules[0].dwell_s = "300".into();
    theirs.rules.insert(0, Rule { id: "new".into(), kind: "fall".into(), ..Rule::default() });
    theirs.zones[0].points = "0,0 1,0 1,1".into();
    let theirs_text = text::write(TEXT, "gate", &theirs).unwrap();
    let theirs = text::read(&theirs_text, "gate").unwrap();

    let changed = diff::changes(&drawn, &theirs);
    let told: Vec<_> = changed.iter().map(|change| (change.part, change.id.as_str(), change.how)).collect();
    assert_eq!(
        told,
        [
            (diff::Part::Zone, "lane", diff::How::Changed),
            (diff::Part::Rule, "fire-lane", diff::How::Changed),
            (diff::Part::Rule, "in", diff::How::Removed),
            (diff::Part::Rule, "new", diff::How::Added),
        ]
    );
    assert!(diff::is_for_rules(&changed));
    let merged = diff::merged(&mine, &drawn, &theirs);
    let text = text::write(&theirs_text, "gate", &merged).unwrap();
    let done = text::read(&text, "gate").unwrap();
    let ids: Vec<_> = done.rules.iter().map(|rule| (rule.id.as_str(), rule.dwell_s.as_str())).collect();
    assert_eq!(ids, [("new", ""), ("fire-lane", "90")], "in the order of the text");
    assert_eq!(done.zones.iter().map(|zone| zone.id.as_str()).collect::<Vec<_>>(), ["lane", "mine"]);
    assert_eq!((done.zones[0].points.as_str(), done.masks.len()), ("0,0 1,0 1,1", 0));
    assert!(text.contains("tomorrow = \"not known here\""), "{text}");

    let masks_only = Draft { masks: vec![], ..gate() };
    assert!(!diff::is_for_rules(&diff::changes(&gate(), &masks_only)));
}

/// The table of kinds as two texts, one with everything left out and one with everything written out: the tests of the
/// whole hold both against the box, to which they are the same.
#[test]
fn kinds_stand_in_texts() {
    let head = "[[camera]]\nid = \"gate\"\nurl = \"test://\"\n\n[[camera.lines]]\nid = \"line\"\n\
                points = [[0.1, 0.5], [0.9, 0.5]]\n";
    let (mut left_out, mut written_out) = (head.to_owned(), head.to_owned());
    for (at, kind) in kind::ALL.iter().enumerate() {
        let line = if kind.looks == Looks::Line { "line = \"line\"\n" } else { "" };
        let rule = format!("\n[[camera.rules]]\nid = \"r{at}\"\nkind = \"{}\"\n{line}", kind.kind);
        left_out += &rule;
        written_out += &rule;
        write!(written_out, "severity = \"{}\"\ncooldown_s = 0\n", kind.severity).unwrap();
        if let Some(dwell_s) = kind.dwell_s {
            writeln!(written_out, "dwell_s = {dwell_s:?}").unwrap();
        }
        if kind.waits_for_things() {
            let labels: Vec<_> = kind.labels.iter().map(|label| format!("\"{label}\"")).collect();
            let (score, size) = (kind::USUAL_SCORE, kind::USUAL_SIZE);
            let labels = labels.join(", ");
            write!(written_out, "labels = [{labels}]\nmin_score = {score:?}\nmin_size = {size:?}\n").unwrap();
        }
        if kind.counts() {
            writeln!(written_out, "count = {}", kind::USUAL_COUNT).unwrap();
        }
        assert_eq!(kind::Kind::of(kind.kind.as_str()), Some(kind));
        assert!(kind.labels.iter().all(|label| kind.may_wait_for(*label)));
    }
    assert_eq!(left_out, LEFT_OUT);
    assert_eq!(written_out, WRITTEN_OUT);
}
