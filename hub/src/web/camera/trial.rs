//! What rules came to on the last hour, beside what was raised, and on a walk.

use protocol::{CommandBody, Severity, Trial, TriedIncident, UtcMs};

use super::limit::{self, Limit};
use super::store;
use crate::app::App;
use crate::camera::{At, Draft, Standing, TRIAL_HOLDS_MS, check, diff, kind, text};
use crate::command::CommandRow;
use crate::db;
use crate::organisation::AreaPath;
use crate::user::Act;
use crate::web::guard::Viewer;
use crate::web::moment::{LocalTime, age_text};
use crate::web::text::Lang;
use crate::web::view::{
    HourView, LoadOfRules, RaisedView, StoredView, TrialPanel, TriedLine, WalkSeen, WalkView,
};
use crate::web::words;

/// Incidents that are written out; the strip shows all that came.
const MOST_LINES: usize = 40;
/// What begins so near to another is the same: rules on trial begin with what was remembered, not with what was seen live.
const SAME_MS: i64 = 30_000;

pub(super) async fn panel(
    app: &App,
    viewer: &Viewer,
    at: &At,
    standing: &Standing,
    (draft, based_on): (&Draft, u64),
    local: &LocalTime,
    lang: Lang,
) -> db::Result<TrialPanel> {
    let drawn_text = standing.text(based_on);
    let drawn = drawn_text.and_then(|known| text::read(&known.toml, at.camera.as_str()).ok());
    let drawn = drawn.as_ref();
    let (user, camera) = (viewer.session.user.as_str(), at.camera.as_str());
    let base = standing.base();
    let now_question = base.and_then(|base| text::trial(&base.toml, camera).ok());
    // Only a draft in which nothing is wrong can have been tried.
    let good = drawn.is_some_and(|drawn| check::wrong(draft, drawn).is_empty());
    let written = drawn_text.filter(|_| good).and_then(|known| text::write(&known.toml, camera, draft).ok());
    let then_question = written.and_then(|toml| text::trial(&toml, camera).ok());
    let differs = drawn.is_some_and(|drawn| diff::is_for_rules(&diff::changes(drawn, draft)));

    let newest = async |rules: Option<&String>| -> db::Result<Option<CommandRow>> {
        let Some(rules) = rules else { return Ok(None) };
        Ok(at.asked(app, user, &at.trial(rules.clone()), 1).await?.into_iter().next())
    };
    let now_row = newest(now_question.as_ref()).await?;
    let then_row = if differs { newest(then_question.as_ref()).await? } else { None };
    let in_force = base.and_then(|base| text::read(&base.toml, camera).ok()).unwrap_or_default();
    let judged = if differs { then_row.as_ref() } else { now_row.as_ref() };
    let limit = limit::judge(app, at, draft, judged).await?;
    let told = limit::answer(judged, local.now);
    let stored = match told.as_ref().filter(|_| viewer.may(Act::SeeCases)) {
        Some(trial) => stored(app, viewer, at, trial).await?,
        None => Vec::new(),
    };
    let (now, then) = (
        tried(now_row.as_ref(), &in_force, &stored, local, lang),
        differs.then(|| tried(then_row.as_ref(), draft, &stored, local, lang)),
    );
    let raised = match told.as_ref().filter(|_| viewer.may(Act::SeeCases)) {
        Some(trial) => Some(raised(app, user, at, trial, local, lang).await?),
        None => None,
    };
    // Who changes nothing is asked for no reason.
    let load = (differs || matches!(limit, Limit::Tried(_))).then(|| load(limit, differs, lang)).flatten();
    Ok(TrialPanel { now, then, load, raised })
}

fn load(limit: Limit, differs: bool, lang: Lang) -> Option<LoadOfRules> {
    match limit {
        Limit::Quiet => None,
        Limit::Untried => differs.then(|| LoadOfRules {
            per_operator: "—".to_owned(),
            people: String::new(),
            word: lang.cam_load_untried(),
            class: "high",
        }),
        Limit::Tried(measure) => {
            let (word, class) = match (measure.over, measure.high) {
                (true, _) => (lang.cam_load_over(), "over"),
                (_, true) => (lang.cam_load_high(), "high"),
                _ => (lang.cam_load_good(), "good"),
            };
            Some(LoadOfRules {
                per_operator: format!("{:.1}", measure.per_operator),
                people: measure.people.map(|people| format!("{people:.1}")).unwrap_or_default(),
                word,
                class,
            })
        }
    }
}

/// What the box told of in the hour and can be judged: by which rule, when it began, and the case.
struct Told {
    rule: String,
    started_at_ms: i64,
    case: StoredView,
}

async fn stored(app: &App, viewer: &Viewer, at: &At, trial: &Trial) -> db::Result<Vec<Told>> {
    let camera = (at.origin.device.as_str(), at.camera.as_str());
    let time = (trial.from.0 - SAME_MS, trial.to.0 + SAME_MS);
    let user = viewer.session.user.as_str();
    let rows = store::stored(&app.db, app.tenant().as_str(), user, camera, time).await?;
    let told = |row: store::Stored| Told {
        rule: rule_of(&row.source),
        started_at_ms: row.started_at_ms,
        case: StoredView {
            may: viewer.session.may_at(Act::Acknowledge, &AreaPath::kept(row.area)),
            number: row.number,
        },
    };
    Ok(rows.into_iter().map(told).collect())
}

/// `camera/BOX/CAMERA/RULE`
fn rule_of(source: &str) -> String {
    source.splitn(4, '/').nth(3).unwrap_or_default().to_owned()
}

/// The case of what the box told of when the rules on trial would have: the nearest of the same rule.
fn same(one: &TriedIncident, stored: &[Told]) -> Option<StoredView> {
    let apart = |told: &&Told| (told.started_at_ms - one.started_at.0).abs();
    let own = stored.iter().filter(|told| told.rule == one.rule_id.as_str() && apart(told) <= SAME_MS);
    own.min_by_key(apart).map(|told| told.case.clone())
}

async fn raised(
    app: &App,
    user: &str,
    at: &At,
    trial: &Trial,
    local: &LocalTime,
    lang: Lang,
) -> db::Result<Vec<RaisedView>> {
    let camera = (at.origin.device.as_str(), at.camera.as_str());
    let time = (trial.from.0, trial.to.0);
    let rows = store::raised(&app.db, app.tenant().as_str(), user, camera, time).await?;
    let view = |row: store::Raised| RaisedView {
        rule: rule_of(&row.source),
        at: local.moment(UtcMs(row.opened_at_ms)),
        state: words::state(&row.state, lang).word.to_owned(),
        number: row.number,
    };
    Ok(rows.into_iter().map(view).collect())
}

fn tried(
    row: Option<&CommandRow>,
    rules: &Draft,
    stored: &[Told],
    local: &LocalTime,
    lang: Lang,
) -> HourView {
    let Some(row) = row else { return HourView::None };
    let Some(answered) = row.answered_at_ms else {
        let failed = || HourView::Failed(words::answer(&row.state, lang).1.to_owned());
        return if row.is_open() { HourView::Waits } else { failed() };
    };
    if local.now.0 - answered > TRIAL_HOLDS_MS {
        return HourView::Old;
    }
    let Some(trial) = row.trial() else {
        return HourView::Failed(words::reason(row.reason.as_deref().unwrap_or_default(), lang));
    };
    let line = |one: &TriedIncident| TriedLine {
        stored: same(one, stored),
        ..line(one, &trial, rules, local, lang)
    };
    HourView::Done {
        width: (trial.to.since_ms(trial.from) / 1_000).max(1),
        lines: trial.incidents.iter().take(MOST_LINES).map(line).collect(),
        left_out: trial.left_out + trial.incidents.len().saturating_sub(MOST_LINES) as u64,
        count: u64::try_from(limit::raised(&trial)).unwrap_or_default(),
        from: local.moment(trial.from),
        to: local.moment(trial.to),
    }
}

fn line(one: &TriedIncident, trial: &Trial, rules: &Draft, local: &LocalTime, lang: Lang) -> TriedLine {
    let rule = rules.rules.iter().find(|rule| rule.id == one.rule_id.as_str());
    let usual = kind::Kind::of(one.kind.as_str()).map_or(Severity::Normal, |kind| kind.severity);
    let severity = rule.and_then(|rule| rule.severity.parse().ok()).unwrap_or(usual);
    let until = one.ended_at.unwrap_or(trial.to);
    TriedLine {
        rule: one.rule_id.to_string(),
        word: lang.pick(one.kind.zh(), one.kind.en()).to_owned(),
        started: local.moment(one.started_at),
        long: match one.ended_at {
            Some(ended) => age_text(ended.since_ms(one.started_at), lang.is_zh()),
            None => lang.cam_try_going().to_owned(),
        },
        score: if one.score_percent == 0 { "—".to_owned() } else { format!("{} %", one.score_percent) },
        x: (one.started_at.since_ms(trial.from) / 1_000).max(0),
        // So short a one would not be seen.
        width: (until.since_ms(one.started_at) / 1_000).max(12),
        class: words::sev(severity, lang).class,
        stored: None,
    }
}

/// The walk that goes on, or was over a while ago.
pub(super) async fn walk(
    app: &App,
    user: &str,
    at: &At,
    rules: &Draft,
    local: &LocalTime,
    lang: Lang,
) -> db::Result<Option<WalkView>> {
    let Some(walk) = at.walk(app, user).await? else { return Ok(None) };
    if local.now.0 - walk.until.0 > TRIAL_HOLDS_MS {
        return Ok(None);
    }
    let question: CommandBody = walk.question(&at.camera);
    let rows = at.asked(app, user, &question, 3).await?;
    // The newest that was answered since it began.
    let answered = rows.iter().find(|row| row.answered_at_ms.is_some_and(|when| when >= walk.from.0));
    let trial = answered.and_then(CommandRow::trial);
    let seen = |trial: &Trial| {
        let during = trial.incidents.iter().filter(|one| one.ended_at.is_none_or(|ended| ended >= walk.from));
        let seen = |one: &TriedIncident| WalkSeen {
            after: age_text(one.started_at.since_ms(walk.from), lang.is_zh()),
            line: line(one, trial, rules, local, lang),
        };
        during.filter(|one| one.started_at <= walk.until).map(seen).collect::<Vec<_>>()
    };
    Ok(Some(WalkView {
        until: local.moment(walk.until),
        goes_on: local.now < walk.until,
        to: trial.as_ref().map(|trial| local.moment(trial.to)),
        failed: answered
            .filter(|row| row.state == "failed")
            .and_then(|row| row.reason.as_deref().map(|why| words::reason(why, lang))),
        seen: trial.as_ref().map(seen).unwrap_or_default(),
    }))
}
