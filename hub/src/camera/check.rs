//! What is wrong in a draft, field by field, in words: what the box would refuse, said before it is asked. Pure.
//!
//! Whether a detector of the box names what a rule waits for is the box's to say: it knows its models.

use protocol::limits::MAX_NAME_CHARS;
use protocol::{Label, RuleId, Severity};

use super::draft::{Draft, MOST_OF_EACH, Rule, Shape, number, words};
use super::kind::{
    DAYS, DIRECTIONS, HOLIDAYS, Kind, LEAST_COUNT, Looks, MOST_COUNT, MOST_SECONDS, OTHER_DAYS,
    OTHER_DIRECTIONS,
};
use super::outline::{self, LEAST_LENGTH, MOST_POINTS, Point};

/// Longest id of a zone or a line, in characters.
const MOST_ID_CHARS: usize = 64;
/// Less is no area: its points lie on one line.
const LEAST_AREA: f64 = 5e-7;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Name of the field: `zone.0.points`.
    pub field: String,
    pub zh: String,
    pub en: String,
}

/// All mistakes at once; empty when nothing is wrong. Masks that stand as they were in `drawn` are the installer's, or were
/// good once: nobody is held up by them.
pub fn wrong(draft: &Draft, drawn: &Draft) -> Vec<Wrong> {
    let mut found = Found(Vec::new());
    for (name, count) in [
        ("zone", draft.zones.len()),
        ("line", draft.lines.len()),
        ("mask", draft.masks.len()),
        ("rule", draft.rules.len()),
    ] {
        if count > MOST_OF_EACH {
            found.says(
                format!("{name}.{MOST_OF_EACH}.id"),
                format!("最多 {MOST_OF_EACH} 个，现有 {count} 个"),
                format!("there are {count}; {MOST_OF_EACH} are enough"),
            );
        }
    }
    for (at, zone) in draft.zones.iter().enumerate() {
        found.id(&format!("zone.{at}"), zone, &draft.zones[..at]);
        found.polygon(&format!("zone.{at}.points"), &zone.points);
    }
    for (at, line) in draft.lines.iter().enumerate() {
        found.id(&format!("line.{at}"), line, &draft.lines[..at]);
        found.line(&format!("line.{at}.points"), &line.points);
    }
    for (at, mask) in draft.masks.iter().enumerate() {
        let kept = mask.was.and_then(|was| drawn.masks.get(was)).is_some_and(|was| was.points == mask.points);
        if !kept {
            found.polygon(&format!("mask.{at}.points"), &mask.points);
        }
    }
    for (at, rule) in draft.rules.iter().enumerate() {
        if draft.rules[..at].iter().any(|other| other.id == rule.id) {
            found.twice(&format!("rule.{at}.id"), &rule.id);
        }
        found.rule(&format!("rule.{at}"), rule, draft);
    }
    found.0
}

struct Found(Vec<Wrong>);

impl Found {
    fn says(&mut self, field: String, zh: impl Into<String>, en: impl Into<String>) {
        self.0.push(Wrong { field, zh: zh.into(), en: en.into() });
    }

    fn twice(&mut self, field: &str, id: &str) {
        self.says(
            field.to_owned(),
            format!("编号“{id}”用了两次，请各用各的"),
            format!("\"{id}\" is used twice; give each its own"),
        );
    }

    fn id(&mut self, name: &str, shape: &Shape, before: &[Shape]) {
        let field = format!("{name}.id");
        if shape.id.is_empty() || shape.id.chars().count() > MOST_ID_CHARS {
            self.says(
                field,
                format!("编号须有 1 至 {MOST_ID_CHARS} 个字符"),
                format!("an id has 1 to {MOST_ID_CHARS} characters"),
            );
        } else if before.iter().any(|other| other.id == shape.id) {
            self.twice(&field, &shape.id);
        }
    }

    /// The points, where they can be read and lie in the picture.
    fn points(&mut self, field: &str, text: &str) -> Option<Vec<Point>> {
        let Some(points) = outline::points(text) else {
            self.says(
                field.to_owned(),
                "顶点写作“0.2,0.5 0.8,0.5 …”：横、纵坐标用逗号，点与点用空格",
                "write points as 0.2,0.5 0.8,0.5 ...: a comma within each, a space between them",
            );
            return None;
        };
        if let Some(at) = points.iter().position(|point| !outline::is_inside(*point)) {
            let (x, y) = points[at];
            self.says(
                field.to_owned(),
                format!("第 {} 点（{x},{y}）在画面外：坐标从 0 到 1", at + 1),
                format!("point {} ({x},{y}) is outside the picture: shares go from 0 to 1", at + 1),
            );
            return None;
        }
        Some(points)
    }

    fn polygon(&mut self, field: &str, text: &str) {
        let Some(points) = self.points(field, text) else { return };
        let field = field.to_owned();
        if !(3..=MOST_POINTS).contains(&points.len()) {
            let count = points.len();
            self.says(
                field,
                format!("有 {count} 个顶点，须有 3 至 {MOST_POINTS} 个"),
                format!("has {count} points; an outline has 3 to {MOST_POINTS}"),
            );
        } else if let Some((first, second)) = outline::crossing(&points) {
            self.says(
                field,
                format!("第 {first} 点起的边与第 {second} 点起的边相交：请按轮廓顺序排列顶点"),
                format!(
                    "the edge after point {first} crosses the edge after point {second}: put them in order"
                ),
            );
        } else if outline::area(&points) < LEAST_AREA {
            self.says(field, "各点在一条线上，没有围出面积", "encloses nothing: its points lie on one line");
        }
    }

    fn line(&mut self, field: &str, text: &str) {
        let Some(points) = self.points(field, text) else { return };
        match points[..] {
            [a, b] if outline::length(a, b) < LEAST_LENGTH => self.says(
                field.to_owned(),
                format!("线太短：不足画面的 {LEAST_LENGTH}，看不出有人越过"),
                format!("is shorter than {LEAST_LENGTH} of the picture: nobody can be seen to cross it"),
            ),
            [_, _] => {}
            _ => self.says(
                field.to_owned(),
                format!("有 {} 个点：一条线有两个端点", points.len()),
                format!("has {} points; a line has two, its ends", points.len()),
            ),
        }
    }

    fn rule(&mut self, name: &str, rule: &Rule, draft: &Draft) {
        let field = |key: &str| format!("{name}.{key}");
        if let Err(error) = rule.id.parse::<RuleId>() {
            self.says(
                field("id"),
                "编号用小写字母、数字、- 和 _，以字母或数字开头，最多 64 个",
                error.to_string(),
            );
        }
        let Some(kind) = Kind::of(&rule.kind) else {
            self.says(field("kind"), "请选择规则种类", "choose a kind of rule");
            return;
        };
        for (key, text) in [("name", &rule.name), ("name_en", &rule.name_en)] {
            if text.chars().count() > MAX_NAME_CHARS {
                let en = format!("a name has at most {MAX_NAME_CHARS} characters");
                self.says(field(key), format!("名称最多 {MAX_NAME_CHARS} 个字符"), en);
            }
        }
        self.means_nothing(name, rule, kind);
        self.place(name, rule, kind, draft);
        self.numbers(name, rule);
        self.labels(field("labels"), &rule.labels, kind);
        if !rule.severity.is_empty() && rule.severity.parse::<Severity>().is_err() {
            self.says(field("severity"), "没有这个等级", "there is no such severity");
        }
        self.schedule(name, rule);
    }

    fn means_nothing(&mut self, name: &str, rule: &Rule, kind: &Kind) {
        for (key, text, means) in [
            ("zone", &rule.zone, kind.looks == Looks::Zone),
            ("line", &rule.line, kind.looks == Looks::Line),
            ("direction", &rule.direction, kind.looks == Looks::Line),
            ("labels", &rule.labels, kind.waits_for_things()),
            ("min_score", &rule.min_score, kind.waits_for_things()),
            ("min_size", &rule.min_size, kind.waits_for_things()),
            ("count", &rule.count, kind.counts()),
            ("dwell_s", &rule.dwell_s, kind.dwell_s.is_some()),
        ] {
            if !means && !text.is_empty() {
                let (zh, en) = (kind.kind.zh(), kind.kind.en());
                self.says(
                    format!("{name}.{key}"),
                    format!("对“{zh}”没有意义，请留空"),
                    format!("means nothing for \"{en}\"; leave it empty"),
                );
            }
        }
    }

    fn place(&mut self, name: &str, rule: &Rule, kind: &Kind, draft: &Draft) {
        match kind.looks {
            Looks::Zone if !rule.zone.is_empty() && draft.zones.iter().all(|zone| zone.id != rule.zone) => {
                let id = &rule.zone;
                self.says(
                    format!("{name}.zone"),
                    format!("没有区域“{id}”：先画出它，或留空表示全画面"),
                    format!("there is no zone \"{id}\": draw it, or leave this empty for the whole picture"),
                );
            }
            Looks::Line => {
                let Some(line) = draft.lines.iter().find(|line| line.id == rule.line && !line.id.is_empty())
                else {
                    self.says(format!("{name}.line"), "请指明一条已画出的线", "name a line that is drawn");
                    return;
                };
                let direction = rule.direction.as_str();
                let known = DIRECTIONS.contains(&direction) || OTHER_DIRECTIONS.contains(&direction);
                if !direction.is_empty() && !known {
                    self.says(format!("{name}.direction"), "没有这个方向", "there is no such direction");
                } else if let Some([a, b]) = outline::points(&line.points).as_deref()
                    && outline::length(*a, *b) >= LEAST_LENGTH
                    && !outline::can_be_crossed(*a, *b, direction)
                {
                    self.says(
                        format!("{name}.direction"),
                        "这条线近于水平或竖直，不能这样越过：水平线分上下，竖直线分左右",
                        "the line is too level or too upright for this: a level one is crossed up or down, an upright \
                         one left or right",
                    );
                }
            }
            Looks::Zone | Looks::Picture => {}
        }
    }

    fn numbers(&mut self, name: &str, rule: &Rule) {
        let day = f64::from(MOST_SECONDS);
        for (key, text, low, high, whole) in [
            ("min_score", &rule.min_score, 0.0, 1.0, false),
            ("min_size", &rule.min_size, 0.0, 1.0, false),
            ("dwell_s", &rule.dwell_s, 0.0, day, false),
            ("count", &rule.count, f64::from(LEAST_COUNT), f64::from(MOST_COUNT), true),
            ("cooldown_s", &rule.cooldown_s, 0.0, day, true),
        ] {
            if text.is_empty() {
                continue;
            }
            let good = number(text).is_some_and(|value| {
                (low..=high).contains(&value) && (!whole || text.trim().parse::<u32>().is_ok())
            });
            if !good {
                let (whole_zh, whole_en) = if whole { ("整", "whole ") } else { ("", "") };
                self.says(
                    format!("{name}.{key}"),
                    format!("须是 {low} 至 {high} 之间的{whole_zh}数"),
                    format!("is no {whole_en}number from {low} to {high}"),
                );
            }
        }
    }

    fn labels(&mut self, field: String, text: &str, kind: &Kind) {
        let fits = |word: &&str| word.parse::<Label>().is_ok_and(|label| kind.may_wait_for(label));
        if !kind.waits_for_things() {
            return;
        }
        if let Some(other) = words(text).into_iter().find(|word| !fits(word)) {
            let fitting = Label::ALL.iter().filter(|label| kind.may_wait_for(**label));
            let known = fitting.map(|label| label.as_str()).collect::<Vec<_>>().join(", ");
            self.says(
                field,
                format!("“{other}”不是此规则可等的对象；可用：{known}"),
                format!("\"{other}\" is nothing that this rule can wait for; use some of {known}"),
            );
        }
    }

    fn schedule(&mut self, name: &str, rule: &Rule) {
        if rule.stretches > 1 {
            return;
        }
        let other =
            words(&rule.days).into_iter().find(|day| !DAYS.contains(day) && !OTHER_DAYS.contains(day));
        if let Some(other) = other {
            let known = DAYS.join(", ");
            self.says(
                format!("{name}.days"),
                format!("不认识“{other}”；可用：{known}"),
                format!("\"{other}\" is no day; use some of {known}"),
            );
        }
        for (key, text) in [("from", &rule.from), ("to", &rule.to)] {
            if !text.is_empty() && !is_hour(text) {
                self.says(
                    format!("{name}.{key}"),
                    "时刻写作 22:30，最晚 24:00",
                    "write a time like 22:30, up to 24:00",
                );
            }
        }
        if !rule.holidays.is_empty() && !HOLIDAYS.contains(&rule.holidays.as_str()) {
            self.says(format!("{name}.holidays"), "须是 also、never 或 only", "is one of also, never, only");
        }
    }
}

fn is_hour(text: &str) -> bool {
    let Some((hours, minutes)) = text.split_once(':') else { return false };
    let read =
        |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten();
    (1..=2).contains(&hours.len())
        && minutes.len() == 2
        && read(hours).zip(read(minutes)).is_some_and(|(h, m)| m < 60 && h * 60 + m <= 1_440)
}
