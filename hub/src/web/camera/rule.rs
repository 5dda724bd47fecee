//! One rule as a card with its fields.

use protocol::Severity;

use crate::camera::Rule;
use crate::camera::kind::{self, DIRECTIONS, HOLIDAYS, Kind, Looks};
use crate::case::precision::RulePrecision;
use crate::web::text::Lang;
use crate::web::view::{ChoiceView, KindView, RuleView};
use crate::web::words;

pub(super) fn view(
    rule: &Rule,
    nth: &str,
    precision: Option<&RulePrecision>,
    wrong: Vec<String>,
    lang: Lang,
) -> RuleView {
    let kind = Kind::of(&rule.kind);
    let severity = rule.severity.parse().ok().or(kind.map(|kind| kind.severity));
    let kind_word = kind.map_or("", |kind| lang.pick(kind.kind.zh(), kind.kind.en()));
    let title = match lang {
        Lang::En if !rule.name_en.is_empty() => rule.name_en.as_str(),
        _ if !rule.name.is_empty() => rule.name.as_str(),
        _ if kind_word.is_empty() => rule.id.as_str(),
        _ => kind_word,
    };
    RuleView {
        at: nth.to_owned(),
        was: rule.was.map(|was| was.to_string()).unwrap_or_default(),
        is_new: rule.was.is_none(),
        id: rule.id.clone(),
        title: title.to_owned(),
        kinds: kinds(&rule.kind, lang),
        sev: severity.map(|severity: Severity| words::sev(severity, lang)),
        says: says(rule, kind, lang),
        precision: precision.map_or_else(|| lang.cam_precision_none().to_owned(), |own| precise(own, lang)),
        precision_why: lang.cam_precision_why(),
        name: rule.name.clone(),
        name_en: rule.name_en.clone(),
        enabled: rule.enabled,
        zone: rule.zone.clone(),
        line: rule.line.clone(),
        directions: directions(&rule.direction, lang),
        labels: rule.labels.clone(),
        min_score: rule.min_score.clone(),
        min_size: rule.min_size.clone(),
        dwell_s: rule.dwell_s.clone(),
        count: rule.count.clone(),
        severities: severities(&rule.severity, lang),
        cooldown_s: rule.cooldown_s.clone(),
        days: rule.days.clone(),
        from: rule.from.clone(),
        to: rule.to.clone(),
        holidays: holidays(&rule.holidays, lang),
        stretches: rule.stretches,
        usual_dwell: kind.and_then(|kind| kind.dwell_s).map(|s| s.to_string()).unwrap_or_default(),
        usual_labels: kind.map(usual_labels).unwrap_or_default(),
        wrong,
    }
}

/// Fields of a rule that is not there yet.
pub(super) fn blank(nth: &str, lang: Lang) -> RuleView {
    RuleView { title: lang.cam_rule_new().to_owned(), ..view(&Rule::default(), nth, None, Vec::new(), lang) }
}

fn usual_labels(kind: &Kind) -> String {
    kind.labels.iter().map(|label| label.as_str()).collect::<Vec<_>>().join(", ")
}

fn kinds(chosen: &str, lang: Lang) -> Vec<KindView> {
    let view = |kind: &'static Kind| KindView {
        value: kind.kind.as_str(),
        word: lang.pick(kind.kind.zh(), kind.kind.en()),
        chosen: kind.kind.as_str() == chosen,
        looks: kind.looks.as_str(),
        dwell: kind.dwell_s.map(|s| s.to_string()).unwrap_or_default(),
        severity: lang.pick(kind.severity.zh(), kind.severity.en()),
        labels: usual_labels(kind),
        counts: kind.counts(),
    };
    kind::ALL.iter().map(view).collect()
}

fn choice(value: &str, word: &str, chosen: &str) -> ChoiceView {
    ChoiceView { value: value.to_owned(), word: word.to_owned(), chosen: value == chosen }
}

/// Those of the list; one that stands in the text under another name, or that nobody knows, as it is written.
fn with_other(mut all: Vec<ChoiceView>, chosen: &str) -> Vec<ChoiceView> {
    if all.iter().all(|one| !one.chosen) {
        all.push(choice(chosen, chosen, chosen));
    }
    all
}

fn directions(chosen: &str, lang: Lang) -> Vec<ChoiceView> {
    let word = |direction: &str| match direction {
        "left_to_right" => lang.cam_left_right(),
        "right_to_left" => lang.cam_right_left(),
        "top_to_bottom" => lang.cam_top_bottom(),
        "bottom_to_top" => lang.cam_bottom_top(),
        "forward" => lang.cam_forward(),
        "backward" => lang.cam_backward(),
        _ => lang.cam_both_ways(),
    };
    let usual = format!("{}: {}", lang.cam_usual(), lang.cam_both_ways());
    let all = DIRECTIONS.iter().map(|direction| choice(direction, word(direction), chosen));
    with_other(std::iter::once(choice("", &usual, chosen)).chain(all).collect(), chosen)
}

fn severities(chosen: &str, lang: Lang) -> Vec<ChoiceView> {
    let all = Severity::ALL.iter().map(|one| choice(one.as_str(), lang.pick(one.zh(), one.en()), chosen));
    with_other(std::iter::once(choice("", lang.cam_usual(), chosen)).chain(all).collect(), chosen)
}

fn holidays(chosen: &str, lang: Lang) -> Vec<ChoiceView> {
    let word = |one: &str| match one {
        "never" => lang.cam_holidays_never(),
        "only" => lang.cam_holidays_only(),
        _ => lang.cam_holidays_also(),
    };
    let all = HOLIDAYS.iter().map(|one| choice(one, word(one), chosen));
    with_other(std::iter::once(choice("", lang.cam_usual(), chosen)).chain(all).collect(), chosen)
}

/// Kind, place, how long, when: what is usual, too.
fn says(rule: &Rule, kind: Option<&Kind>, lang: Lang) -> String {
    let Some(kind) = kind else { return String::new() };
    let mut parts = vec![lang.pick(kind.kind.zh(), kind.kind.en()).to_owned()];
    parts.push(match kind.looks {
        Looks::Zone if rule.zone.is_empty() => lang.cam_whole().to_owned(),
        Looks::Picture => lang.cam_whole().to_owned(),
        Looks::Zone => format!("{} {}", lang.cam_zone(), rule.zone),
        Looks::Line => format!("{} {}", lang.cam_line(), rule.line),
    });
    if kind.counts() {
        let count = if rule.count.is_empty() { kind::USUAL_COUNT.to_string() } else { rule.count.clone() };
        parts.push(format!("≥ {count}"));
    }
    if let Some(usual) = kind.dwell_s {
        let dwell = if rule.dwell_s.is_empty() { usual.to_string() } else { rule.dwell_s.clone() };
        parts.push(format!("{dwell} s"));
    }
    if kind.waits_for_things() {
        parts.push(if rule.labels.is_empty() { usual_labels(kind) } else { rule.labels.clone() });
    }
    let hours = match (rule.from.is_empty(), rule.to.is_empty()) {
        (true, true) => String::new(),
        _ => format!("{}–{}", rule.from, rule.to),
    };
    let when = [rule.days.as_str(), &hours].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    parts.push(match (rule.stretches > 1, when.is_empty()) {
        (true, _) => lang.cam_schedule().to_owned(),
        (false, true) => lang.cam_always().to_owned(),
        (false, false) => when.join(" "),
    });
    parts.join(" · ")
}

/// `近 30 天 12 起，误报 3；属实 75 %（41–93 %）`
fn precise(own: &RulePrecision, lang: Lang) -> String {
    let percent = |share: f64| format!("{:.0}", share * 100.0);
    let mut line = format!(
        "{} {} {} {}",
        lang.cam_precision_days(),
        own.cases,
        lang.cam_precision_cases(),
        own.false_alarms
    );
    if let (Some(share), Some(low), Some(high)) = (own.precision, own.precision_low, own.precision_high) {
        let (share, low, high) = (percent(share), percent(low), percent(high));
        line += &format!(" · {} {share} % ({low}–{high} %)", lang.cam_precision_right());
    }
    line
}
