//! What people of the grids do beside the moves of the law: 签到 (somebody has arrived), 转他人 (a task is handed to a colleague, who
//! takes it), 交流 (short messages between the field and the centre).
//!
//! Each is a row of the case's history and changes nothing that the law looks at: who may do what with the case, its clocks and its
//! state stay as they are. Who has a task in hand is for people to see, nobody is kept from it. Like a move each may carry a key and
//! the time at which it was written.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::repeat::{self, Known};
use super::task::Work;
use super::{Coming, store};
use crate::app::App;
use crate::case::{self, Case, CaseState};
use crate::correlation::near::distance_m;
use crate::db::{self, Tx};
use crate::map;
use crate::organisation::{AreaPath, Level};
use crate::user::{Act, Grant, Role};
use crate::web::text::Lang;
use crate::workflow::StepKind;

/// Longest message, and longest note beside a task that is handed on, in characters.
pub const MOST_TEXT: usize = 500;

/// What the history calls them.
pub const ARRIVED: &str = "arrived";
pub const HANDED: &str = "handed_to";
pub const TAKEN: &str = "taken_on";
pub const SAID: &str = "said";
/// All of them: none changes what a form of the law was about.
pub const ACTIONS: [&str; 4] = [ARRIVED, HANDED, TAKEN, SAID];

/// One of them, with what it needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Deed {
    /// 签到: where somebody stands who has arrived, WGS84, as far as the telephone tells.
    Arrive {
        #[serde(default)]
        latitude: Option<f64>,
        #[serde(default)]
        longitude: Option<f64>,
        /// In metres.
        #[serde(default)]
        accuracy: Option<f64>,
    },
    /// 转他人: to a colleague who could do the task as well.
    Hand {
        to: String,
        /// At most 500 characters.
        #[serde(default)]
        note: String,
    },
    /// 接下: by whom it was handed to.
    Take {},
    /// 交流
    Say {
        /// 1 to 500 characters.
        #[schema(min_length = 1, max_length = 500)]
        text: String,
    },
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    #[error(transparent)]
    Reused(#[from] repeat::Reused),
    #[error("there is no case {0}")]
    Unknown(String),
    #[error("this was done when it came before; case {0} no longer lies where you may see it")]
    Gone(String),
    #[error("case {0} is over")]
    Finished(String),
    /// Whose it is.
    #[error("only the people of its area do this: {}", roles(.0, Lang::En))]
    Who(&'static [Act]),
    #[error("text: write 1 to {MOST_TEXT} characters, without control characters")]
    Text,
    #[error("note: {MOST_TEXT} characters at most, without control characters")]
    Note,
    #[error("latitude, longitude: a place on earth, or neither of them")]
    Place,
    /// Nobody of that name could do it.
    #[error("to: {0:?} is no colleague who could do this task")]
    Colleague(String),
    /// Somebody else has it.
    #[error("{0} has this task in hand; only he hands it on")]
    Held(String),
    #[error("this task was not handed to you, or was handed on since")]
    NotYours,
    #[error("case database: {0}")]
    Db(#[from] db::Error),
}

fn roles(acts: &[Act], lang: Lang) -> String {
    acts.iter().map(|act| act.roles_text(lang)).collect::<Vec<_>>().join(lang.pick("、", ", "))
}

impl NotDone {
    /// For people.
    pub fn zh(&self) -> String {
        match self {
            Self::Reused(_) => repeat::Reused::ZH.to_owned(),
            Self::Unknown(number) => format!("没有案件 {number}。"),
            Self::Gone(_) => "这一条早先已经收到并办成；案件现在不在您能看到的范围内。".to_owned(),
            Self::Finished(_) => "案件已经结束。".to_owned(),
            Self::Who(acts) => format!("只有本区域的这些角色可以操作：{}。", roles(acts, Lang::Zh)),
            Self::Text => format!("内容请写 1 至 {MOST_TEXT} 字，不能有控制字符。"),
            Self::Note => format!("说明最多 {MOST_TEXT} 字，不能有控制字符。"),
            Self::Place => "位置不对。".to_owned(),
            Self::Colleague(name) => format!("“{name}”不是能办这件任务的同事。"),
            Self::Held(name) => format!("{name} 已接下这件任务，只有他能再转。"),
            Self::NotYours => "这件任务没有转给您，或者又转给了别人。".to_owned(),
            Self::Db(_) => "中心正忙，请稍后再试。".to_owned(),
        }
    }
}

impl Deed {
    /// What a role has to be allowed, one of them, over the area of the case.
    fn acts(&self) -> &'static [Act] {
        match self {
            Self::Arrive { .. } | Self::Hand { .. } | Self::Take {} => &[Act::Field],
            Self::Say { .. } => &[Act::Field, Act::Queue],
        }
    }

    /// Whether somebody with these roles may say something about a case there.
    pub fn may_say(grants: &[Grant], area: &str) -> bool {
        may(&Self::Say { text: String::new() }, grants, area)
    }

    fn wrong(&self) -> Option<NotDone> {
        let odd = |text: &str| text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
        let long = |text: &str| text.trim().chars().count() > MOST_TEXT;
        match self {
            Self::Say { text } => {
                (text.trim().is_empty() || long(text) || odd(text)).then_some(NotDone::Text)
            }
            Self::Hand { note, .. } => (long(note) || odd(note)).then_some(NotDone::Note),
            Self::Arrive { latitude, longitude, .. } => {
                let there = match (latitude, longitude) {
                    (None, None) => true,
                    (Some(latitude), Some(longitude)) => {
                        (-90.0..=90.0).contains(latitude) && (-180.0..=180.0).contains(longitude)
                    }
                    _ => false,
                };
                (!there).then_some(NotDone::Place)
            }
            Self::Take {} => None,
        }
    }
}

fn may(deed: &Deed, grants: &[Grant], area: &str) -> bool {
    let area = AreaPath::kept(area.to_owned());
    let fits = |grant: &Grant| deed.acts().iter().any(|act| grant.role.may(*act)) && grant.area.covers(&area);
    grants.iter().any(fits)
}

/// Does it, once for each key; returns the case after it.
pub async fn act(
    app: &App,
    number: &str,
    deed: &Deed,
    (user, grants): (&str, &[Grant]),
    coming: &Coming,
) -> Result<Case, NotDone> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let case = case::store::visible_in(&mut tx, tenant, user, number).await?;
    if let Some(key) = &coming.key
        && let Known::Again(_) = repeat::known(&mut tx, tenant, key, now).await??
    {
        return case.ok_or_else(|| NotDone::Gone(number.to_owned()));
    }
    let case = case.ok_or_else(|| NotDone::Unknown(number.to_owned()))?;
    if !may(deed, grants, &case.area) {
        return Err(NotDone::Who(deed.acts()));
    }
    if let Some(wrong) = deed.wrong() {
        return Err(wrong);
    }
    if !case.state.parse::<CaseState>().is_ok_and(CaseState::is_open) {
        return Err(NotDone::Finished(number.to_owned()));
    }
    if let Some((action, mut detail)) = done(&mut tx, tenant, &case, deed, (user, now)).await? {
        detail.extend(coming.written.detail(now));
        let (by, detail) = (format!("user:{user}"), Value::Object(detail));
        case::store::append(&mut tx, tenant, &case.case_id, now, &by, action, &detail).await?;
    }
    if let Some(key) = &coming.key {
        repeat::remember(&mut tx, tenant, key, 200, &json!({ "case": number }), now).await?;
    }
    let case = case::store::visible_in(&mut tx, tenant, user, number).await?;
    tx.commit().await?;
    case.ok_or_else(|| NotDone::Gone(number.to_owned()))
}

/// What the history says of it; nothing where it is so already.
async fn done(
    tx: &mut Tx,
    tenant: &str,
    case: &Case,
    deed: &Deed,
    (user, now): (&str, protocol::UtcMs),
) -> Result<Option<(&'static str, Map<String, Value>)>, NotDone> {
    let mut detail = Map::new();
    let action = match deed {
        Deed::Arrive { latitude, longitude, accuracy } => {
            if let Some(at) = latitude.zip(*longitude) {
                detail.insert("latitude".to_owned(), json!(at.0));
                detail.insert("longitude".to_owned(), json!(at.1));
                if let Some(there) = case.location.as_deref().and_then(map::point) {
                    detail.insert(
                        "away_m".to_owned(),
                        json!(distance_m((at.1, at.0), (there.1, there.0)).round()),
                    );
                }
                if let Some(metres) = accuracy.filter(|metres| metres.is_finite() && *metres >= 0.0) {
                    detail.insert("accuracy_m".to_owned(), json!(metres.round()));
                }
            }
            ARRIVED
        }
        Deed::Hand { to, note } => {
            let known = colleagues(tx, tenant, case, user).await?;
            let held = store::hand(tx, tenant, &case.case_id).await?;
            let held = held.filter(|held| held.taken_at_ms.is_some() && held.to_user != user);
            // Whoever cannot do it any more keeps it from nobody.
            if let Some(held) = held.filter(|held| known.contains(&held.to_user)) {
                return Err(NotDone::Held(held.to_user));
            }
            if !known.contains(to) {
                return Err(NotDone::Colleague(to.chars().take(64).collect()));
            }
            store::give(tx, tenant, case, (user, to), now).await?;
            detail.insert("colleague".to_owned(), json!(to));
            detail.insert("note".to_owned(), json!(note.trim()));
            HANDED
        }
        Deed::Take {} => {
            let held = store::hand(tx, tenant, &case.case_id).await?;
            let held = held.filter(|held| held.to_user == user).ok_or(NotDone::NotYours)?;
            if held.taken_at_ms.is_some() {
                return Ok(None);
            }
            store::take(tx, tenant, &case.case_id, now).await?;
            detail.insert("giver".to_owned(), json!(held.given_by));
            TAKEN
        }
        Deed::Say { text } => {
            detail.insert("text".to_owned(), json!(text.replace("\r\n", "\n").trim()));
            SAID
        }
    };
    Ok(Some((action, detail)))
}

/// Roles of those who could do what a case waits for.
pub fn doers(state: &str, level: Level) -> Vec<&'static str> {
    let of = |kind: StepKind| kind.roles().iter().copied();
    match Work::of(state) {
        Some(Work::Check) => of(StepKind::Check).map(|role| role.as_str()).collect(),
        Some(Work::Handle) => {
            let here = |role: &Role| {
                Grant { role: *role, area: AreaPath::everything(), unit: None }.level() == level
            };
            of(StepKind::HandleHere).filter(here).map(|role| role.as_str()).collect()
        }
        None => Vec::new(),
    }
}

/// Names of those to whom somebody can hand the task of a case.
async fn colleagues(tx: &mut Tx, tenant: &str, case: &Case, user: &str) -> db::Result<Vec<String>> {
    let level = case.level.parse().unwrap_or(Level::County);
    store::colleagues(tx, tenant, user, (&doers(&case.state, level), &case.area)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who could do it: whoever may check, wherever it is; to handle it, those of the level that has it. What waits for a unit is
    /// nobody's here.
    #[test]
    fn who_could_do_it() {
        assert!(doers("verifying", Level::County).contains(&"informant"));
        assert_eq!(doers("received", Level::Grid), ["grid_manager"]);
        assert_eq!(doers("received", Level::Community), ["community_officer"]);
        assert!(doers("received", Level::County).is_empty() && doers("filed", Level::Grid).is_empty());
    }

    /// The field and the centre speak with each other, where the case lies; units and seats do not.
    #[test]
    fn who_speaks() {
        let of = |role, area: &str| [Grant { role, area: AreaPath::kept(area.to_owned()), unit: None }];
        for (role, area, says) in [
            (Role::GridManager, "/c/t/d/g1/", true),
            (Role::GridManager, "/c/t/d/g2/", false),
            (Role::Dispatcher, "/", true),
            (Role::Commander, "/c/", true),
            (Role::Operator, "/", false),
            (Role::Handler, "/", false),
            (Role::Auditor, "/", false),
        ] {
            assert_eq!(Deed::may_say(&of(role, area), "/c/t/d/g1/"), says, "{role} {area}");
        }
    }

    #[test]
    fn what_cannot_be_taken() {
        let say = |text: &str| Deed::Say { text: text.to_owned() }.wrong();
        assert!(say("到了").is_none() && say(&"长".repeat(MOST_TEXT)).is_none());
        for text in ["", " \n ", "a\u{0}b", &"长".repeat(MOST_TEXT + 1)] {
            assert!(matches!(say(text), Some(NotDone::Text)), "{text:?}");
        }
        let at = |latitude, longitude| Deed::Arrive { latitude, longitude, accuracy: None }.wrong();
        assert!(at(None, None).is_none() && at(Some(34.5), Some(107.4)).is_none());
        for (latitude, longitude) in
            [(Some(91.0), Some(0.0)), (Some(34.5), None), (None, Some(107.4)), (Some(f64::NAN), Some(0.0))]
        {
            assert!(matches!(at(latitude, longitude), Some(NotDone::Place)), "{latitude:?} {longitude:?}");
        }
    }
}
