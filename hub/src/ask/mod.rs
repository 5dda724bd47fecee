//! 网上办事: what a citizen reports or asks without a login. It becomes a case that a citizen reported, with the community of its
//! place, or with the county where the place is not known, and a number and a code by which its progress is told
//! ([`crate::public`]).
//!
//! The step into the domain is the one of Open311 ([`receive`]). Name and number are sealed to the contact key before anything
//! is kept, and are in no history, page or log. Pictures are read like everybody's. A form is done once: its id is a key
//! ([`crate::field::repeat`]) of the browser that it was drawn for. How many come from one address and from all together is
//! bounded ([`limit`]).
//!
//! Deliberately absent: accounts of citizens, a list of what somebody reported, mail addresses.

pub mod limit;
#[cfg(test)]
mod tests;

use protocol::Severity;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::attachment::{self, NameError};
use crate::case::report::{self, By, NewReport, ReportError};
use crate::case::{self, Case, Source};
use crate::contact::{self, Reporter};
use crate::db::{self, Tx};
use crate::field::repeat::{self, Key, Known};
use crate::organisation::{AreaPath, Level};
use crate::public::code;
use crate::ticket::taxonomy::MATTERS;

/// What the history calls a citizen.
pub(crate) const ACTOR: &str = "citizen";
pub const MOST_PICTURES: usize = 4;
pub const MOST_TEXT: usize = 2_000;
pub const MOST_PLACE: usize = 200;
/// Characters of a citizen's words in the title.
const IN_TITLE: usize = 30;

/// What a citizen wants.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Question {
    /// One of the hotline's: `request`, `complaint`, `enquiry`, `suggestion`, `report`, `praise`.
    pub matter: String,
    pub text: String,
    pub place: String,
    /// WGS84, latitude and longitude.
    pub at: Option<(f64, f64)>,
    /// 保密
    pub confidential: bool,
    /// 匿名: whatever else was left is not kept.
    pub anonymous: bool,
    /// Wishes to be called back.
    pub call_back: bool,
    /// Never in a form that others read: [`Reporter`] does not show itself.
    #[serde(skip)]
    pub reporter: Reporter,
}

/// What of it cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    Matter,
    Text,
    Place,
    At,
    /// Control characters.
    Odd,
    Name,
    Phone,
    /// Nobody can be called back without a number, or anonymously.
    CallBack,
}

/// What the citizen is told, to ask what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub number: String,
    pub code: String,
    pub at_ms: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Reused(#[from] repeat::Reused),
    /// A picture is not there any more, or there are too many.
    #[error("{0}")]
    Pictures(String),
    #[error(transparent)]
    Report(#[from] ReportError),
}

impl From<db::Error> for AskError {
    fn from(error: db::Error) -> Self {
        Self::Report(error.into())
    }
}

impl Question {
    /// Everything that is to be mended.
    pub fn wrong(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let fits = |text: &str, most: usize| (1..=most).contains(&text.trim().chars().count());
        let odd = |text: &str| text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
        let mut hold = |is_wrong: bool, what: Wrong| {
            if is_wrong {
                wrong.push(what);
            }
        };
        hold(!MATTERS.iter().any(|row| row.0 == self.matter), Wrong::Matter);
        hold(!fits(&self.text, MOST_TEXT), Wrong::Text);
        hold(!fits(&self.place, MOST_PLACE), Wrong::Place);
        let on_earth = |(latitude, longitude): (f64, f64)| {
            (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude)
        };
        hold(self.at.is_some_and(|at| !on_earth(at)), Wrong::At);
        hold(odd(&self.text) || odd(&self.place), Wrong::Odd);
        let kept = self.kept_reporter();
        let why = kept.wrong().unwrap_or_default();
        hold(why.starts_with("name"), Wrong::Name);
        hold(why.starts_with("phone"), Wrong::Phone);
        hold(self.call_back && kept.phone.trim().is_empty(), Wrong::CallBack);
        wrong
    }

    /// Nothing of somebody who wants to stay unknown.
    fn kept_reporter(&self) -> Reporter {
        if self.anonymous { Reporter::default() } else { self.reporter.clone() }
    }

    fn title(&self) -> String {
        let matter = MATTERS.iter().find(|row| row.0 == self.matter).map_or("", |row| row.1);
        let line = self.text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let short: String = line.chars().take(IN_TITLE).collect();
        let more = if line.chars().count() > IN_TITLE { "…" } else { "" };
        format!("{matter}：{short}{more}")
    }

    fn detail(&self) -> Map<String, Value> {
        let mut detail = Map::new();
        detail.insert("matter".to_owned(), json!(self.matter));
        for (name, is) in [("anonymous", self.anonymous), ("call_back", self.call_back)] {
            if is {
                detail.insert(name.to_owned(), json!(true));
            }
        }
        detail
    }
}

/// The form that it came with.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// Of the browser: what its pictures and its keys go by.
    pub user: &'a str,
    /// Drawn with the form.
    pub id: &'a str,
    /// Ids of pictures of this browser.
    pub pictures: &'a [String],
    /// What tells these pictures from others, however often they are sent.
    pub picture_marks: &'a [String],
}

/// Takes a question that is not wrong; the same form sent again gets the same receipt.
pub async fn ask(app: &App, question: &Question, form: Form<'_>) -> Result<Receipt, AskError> {
    if form.pictures.len() > MOST_PICTURES {
        return Err(AskError::Pictures(format!("{MOST_PICTURES} pictures are the most")));
    }
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let new = NewReport {
        title: question.title(),
        text: question.text.clone(),
        place: question.place.clone(),
        area: None,
        at: question.at,
        severity: Severity::Normal,
        confidential: question.confidential,
    };
    if let Some(why) = new.wrong() {
        return Err(ReportError::Wrong(why).into());
    }
    let (area, grid_version) = match report::on_the_map(app, &new).await? {
        Some((area, version)) => (area, Some(version)),
        None => (AreaPath::everything(), None),
    };
    let by = By {
        actor: ACTOR.to_owned(),
        source: Source::Citizen,
        level: level(&area),
        area,
        matter: question.matter.clone(),
        grid_version,
        detail: question.detail(),
    };
    // Whether somebody left a name and a number, never which: a hash of a number tells it to whoever tries them all.
    let left = [&question.reporter.name, &question.reporter.phone].map(|text| !text.trim().is_empty());
    let body = json!([question, form.picture_marks, left]).to_string();
    let key = Key::new(form.id, "POST /report", form.user, body.as_bytes());
    let key = key.map_err(|odd| ReportError::Wrong(odd.to_string()))?;
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    if let Known::Again(answer) = repeat::known(&mut tx, tenant, &key, now).await?? {
        let number = answer.number().unwrap_or_default();
        let case = case::store::visible_in(&mut tx, tenant, "", number).await?;
        drop(tx);
        let case = case.ok_or(db::Error::RowNotFound)?;
        let code = code::of_case(app, &case).await?.ok_or(db::Error::RowNotFound)?;
        return Ok(receipt(&case, &code));
    }
    let (case, code) = receive(app, &mut tx, &new, by, &question.kept_reporter()).await?;
    let named = (case.case_id.as_str(), "told");
    attachment::name_as(&mut tx, tenant, named, form.pictures, (form.user, ACTOR), now).await.map_err(
        |error| match error {
            NameError::Db(error) => error.into(),
            other => AskError::Pictures(other.to_string()),
        },
    )?;
    repeat::remember(&mut tx, tenant, &key, 201, &json!({ "case": case.number }), now).await?;
    tx.commit().await?;
    app.changes.wake();
    Ok(receipt(&case, &code))
}

fn receipt(case: &Case, code: &str) -> Receipt {
    Receipt { number: case.number.clone(), code: code::shown(code), at_ms: case.opened_at_ms }
}

/// The community has what lies in one; the county has the rest.
fn level(area: &AreaPath) -> Level {
    match area.as_str().split('/').filter(|part| !part.is_empty()).count() {
        0..=2 => Level::County,
        _ => Level::Community,
    }
}

/// What somebody outside reports becomes a case, with who reported it and the code by which it is asked after; inside a
/// transaction that holds the tenant's lock.
pub(crate) async fn receive(
    app: &App,
    tx: &mut Tx,
    new: &NewReport,
    by: By,
    reporter: &Reporter,
) -> Result<(Case, String), ReportError> {
    let case = report::receive(app, tx, new, by).await?;
    contact::keep_reporter(app, tx, &case.case_id, reporter).await?;
    let code = code::of_new(tx, app, &case, app.clock.now()).await?;
    Ok((case, code))
}

#[cfg(test)]
mod rules {
    use super::*;

    fn question() -> Question {
        Question {
            matter: "request".to_owned(),
            text: "\n 路灯不亮 \n已经三天".to_owned(),
            place: "东关巷".to_owned(),
            ..Question::default()
        }
    }

    /// Each fault is named, all of them at once; nobody is called back who left no number, or wants to stay unknown.
    #[test]
    fn what_cannot_be_taken() {
        assert!(question().wrong().is_empty());
        let mut all = Question { at: Some((91.0, 0.0)), ..Question::default() };
        all.reporter.phone = "call me".to_owned();
        all.reporter.name = "a\nb".to_owned();
        assert_eq!(all.wrong(), [Wrong::Matter, Wrong::Text, Wrong::Place, Wrong::At, Wrong::Name]);
        let mut asked = Question { call_back: true, ..question() };
        assert_eq!(asked.wrong(), [Wrong::CallBack]);
        asked.reporter.phone = "0917 7212345".to_owned();
        assert!(asked.wrong().is_empty());
        asked.anonymous = true;
        assert_eq!(asked.wrong(), [Wrong::CallBack], "nobody is kept");
        let odd = Question { text: "a\u{0}b".to_owned(), ..question() };
        assert_eq!(odd.wrong(), [Wrong::Odd]);
        let long = Question { text: "长".repeat(MOST_TEXT + 1), ..question() };
        assert_eq!(long.wrong(), [Wrong::Text]);
    }

    /// The title says what kind of matter it is and how it begins; who reported it is in nothing that is hashed or logged.
    #[test]
    fn titles_and_silence() {
        assert_eq!(question().title(), "求助：路灯不亮");
        let long = Question { text: "长".repeat(50), ..question() };
        assert_eq!(long.title().chars().count(), 3 + IN_TITLE + 1);
        let mut named = question();
        named.reporter = Reporter { name: "欧阳".to_owned(), phone: "13812346027".to_owned() };
        let told = format!("{named:?} {}", json!(named));
        assert!(!told.contains("欧阳") && !told.contains("6027"), "{told}");
    }

    #[test]
    fn communities_have_their_own() {
        let of = |path: &str| level(&AreaPath::kept(path.to_owned()));
        assert_eq!((of("/"), of("/c/t/")), (Level::County, Level::County));
        assert_eq!((of("/c/t/d/"), of("/c/t/d/g1/")), (Level::Community, Level::Community));
    }
}
