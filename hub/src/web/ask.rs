//! 网上办事: a citizen reports or asks, without a login and without script.
//!
//! Nobody is logged in, so the form is bound to its browser by a cookie of its own that comes back beside a field of the form
//! (double submit), and the browser's word on where the form lay. Before anything of it is read it is counted
//! ([`crate::ask::limit`]). Its answer holds the code and has no address: a receipt is looked at once, or printed.

use std::time::Duration;

use askama::Template as _;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use protocol::UtcMs;
use tokio::sync::Semaphore;

use super::error::PageError;
use super::guard::{self, Fields, Preferences, cookie, same};
use super::moves::multipart::{Broken, Content, Parts as FormParts, boundary};
use super::shell::{self, local};
use super::text::Lang;
use super::view::{AskPage, AskTyped, Nav, ReceiptPage};
use crate::app::App;
use crate::ask::{self, AskError, MOST_PICTURES, Question, Receipt, Wrong, limit};
use crate::attachment::{self, AttachmentError};
use crate::case::report::ReportError;
use crate::contact::Reporter;
use crate::evidence::UploadError;
use crate::http::Scheme;
use crate::ticket::taxonomy::MATTERS;

const COOKIE: &str = "shaodian_ask";
/// Hexadecimal digits of its value.
const TOKEN_LENGTH: usize = 32;
/// A day: long enough to fetch a picture and come back.
const COOKIE_S: i64 = 86_400;
/// All texts of a form together: 2,000 Chinese characters and the rest.
const MOST_TEXT_BYTES: usize = 32 << 10;
const MOST_PARTS: usize = 40;
/// Largest picture of somebody who is not known.
const MOST_PICTURE_BYTES: usize = 5 << 20;
const MOST_BYTES: u64 = ((MOST_PICTURES + 1) * MOST_PICTURE_BYTES) as u64;
/// Forms that are read at once: each has a picture in memory.
static READING: Semaphore = Semaphore::const_new(4);
/// A line that takes longer for one part is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// So is a whole form: few are read at once, and a slow line must not keep others out for long.
const WHOLE: Duration = Duration::from_secs(300);

pub(super) async fn page(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let browser = Browser::of(&app, &parts);
    show(&app, &browser, &Read::default(), vec![], StatusCode::OK)
}

/// Who has the form before him.
struct Browser {
    preferences: Preferences,
    scheme: Scheme,
    /// In the cookie and in the form.
    token: String,
}

impl Browser {
    /// Keeps the token that it has; one that has none gets one.
    fn of(app: &App, parts: &Parts) -> Self {
        let known = token_of(parts);
        let fresh = || hex::encode(app.chance.bytes::<{ TOKEN_LENGTH / 2 }>());
        Self {
            preferences: parts.extensions.get::<Preferences>().cloned().unwrap_or_default(),
            scheme: parts.extensions.get::<Scheme>().copied().unwrap_or(Scheme::Http),
            token: known.unwrap_or_else(fresh),
        }
    }

    fn cookie(&self) -> HeaderValue {
        let secure = if self.scheme == Scheme::Https { "; Secure" } else { "" };
        let token = &self.token;
        let text =
            format!("{COOKIE}={token}; Path=/report; Max-Age={COOKIE_S}; HttpOnly; SameSite=Strict{secure}");
        HeaderValue::from_str(&text).expect("tokens are hexadecimal")
    }

    /// By which its pictures and keys are known.
    fn user(&self) -> String {
        format!("ask:{}", self.token)
    }
}

fn token_of(parts: &Parts) -> Option<String> {
    let known = cookie(&parts.headers, COOKIE)?;
    let is_one = known.len() == TOKEN_LENGTH && known.bytes().all(|b| b.is_ascii_hexdigit());
    is_one.then(|| known.to_owned())
}

/// What a form brought.
#[derive(Default)]
struct Read {
    fields: Fields,
    /// Ids of pictures: those that waited already, then those that came with it.
    pictures: Vec<String>,
    /// What tells each of them from others.
    marks: Vec<String>,
    /// What is wrong with others.
    problems: Vec<String>,
}

/// Why a form is not read.
enum Unread {
    /// It lay on another site's page, its page has expired, or there is no cookie.
    Foreign,
    Large,
    Odd,
    Failed(String),
}

pub(super) async fn submit(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let browser = Browser::of(&app, &parts);
    let lang = browser.preferences.lang;
    let had = token_of(&parts).is_some();
    if guard::cross_site(&parts.headers) || !had {
        let why = vec![lang.ask_wrong_form().to_owned()];
        return show(&app, &browser, &Read::default(), why, StatusCode::FORBIDDEN);
    }
    match limit::allow(&app, &guard::address(&parts)).await {
        Ok(true) => {}
        Ok(false) => {
            let why = vec![lang.ask_too_many().to_owned()];
            return show(&app, &browser, &Read::default(), why, StatusCode::TOO_MANY_REQUESTS);
        }
        Err(error) => return PageError::from(error).into_response(),
    }
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let read = read(&app, &browser, kind.unwrap_or_default(), body).await;
    let mut read = match read {
        Ok(read) => read,
        Err(Unread::Foreign) => {
            let why = vec![lang.ask_wrong_form().to_owned()];
            return show(&app, &browser, &Read::default(), why, StatusCode::FORBIDDEN);
        }
        Err(Unread::Large) => return PageError::Input(lang.input_too_large().to_owned()).into_response(),
        Err(Unread::Odd) => return PageError::Input(lang.input_unreadable().to_owned()).into_response(),
        Err(Unread::Failed(why)) => return PageError::Internal(why).into_response(),
    };
    let question = question(&read.fields);
    let mut problems = std::mem::take(&mut read.problems);
    if !read.fields.get("website").is_empty() {
        problems.push(lang.ask_wrong_trap().to_owned());
    }
    match &question {
        Some(question) => {
            problems.extend(question.wrong().into_iter().map(|wrong| word(wrong, lang).to_owned()));
        }
        None => problems.push(lang.ask_wrong_at().to_owned()),
    }
    let Some(question) = question.filter(|_| problems.is_empty()) else {
        return show(&app, &browser, &read, problems, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let user = browser.user();
    let form = ask::Form {
        user: &user,
        id: read.fields.get("form"),
        pictures: &read.pictures,
        picture_marks: &read.marks,
    };
    match ask::ask(&app, &question, form).await {
        Ok(receipt) => told(&app, &browser, &receipt),
        Err(AskError::Reused(_)) => {
            let why = vec![lang.ask_wrong_reused().to_owned()];
            show(&app, &browser, &read, why, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(AskError::Pictures(_)) => {
            read.pictures.clear();
            let why = vec![lang.ask_wrong_pictures().to_owned()];
            show(&app, &browser, &read, why, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(AskError::Report(ReportError::Db(error))) => PageError::from(error).into_response(),
        Err(AskError::Report(_)) => {
            let why = vec![lang.ask_wrong_form().to_owned()];
            show(&app, &browser, &read, why, StatusCode::UNPROCESSABLE_ENTITY)
        }
    }
}

fn word(wrong: Wrong, lang: Lang) -> &'static str {
    match wrong {
        Wrong::Matter => lang.ask_wrong_matter(),
        Wrong::Text => lang.ask_wrong_text(),
        Wrong::Place => lang.ask_wrong_place(),
        Wrong::At => lang.ask_wrong_at(),
        Wrong::Odd => lang.ask_wrong_odd(),
        Wrong::Name => lang.ask_wrong_name(),
        Wrong::Phone => lang.ask_wrong_phone(),
        Wrong::CallBack => lang.ask_wrong_call_back(),
    }
}

/// Nothing where the position is no pair of numbers.
fn question(fields: &Fields) -> Option<Question> {
    let text = |name: &str| fields.get(name).replace("\r\n", "\n").trim().to_owned();
    let is = |name: &str| fields.get(name) == "1";
    let at = match (text("latitude"), text("longitude")) {
        (latitude, longitude) if latitude.is_empty() && longitude.is_empty() => None,
        (latitude, longitude) => Some(latitude.parse().ok().zip(longitude.parse().ok())?),
    };
    Some(Question {
        matter: text("matter"),
        text: text("text"),
        place: text("place"),
        at,
        confidential: is("confidential"),
        anonymous: is("anonymous"),
        call_back: is("call_back"),
        reporter: Reporter { name: text("name"), phone: text("phone") },
    })
}

async fn read(app: &App, browser: &Browser, kind: &str, body: Body) -> Result<Read, Unread> {
    let _turn = READING.acquire().await.map_err(|error| Unread::Failed(error.to_string()))?;
    let mut read = match boundary(kind) {
        Some(boundary) => {
            let parts = in_parts(app, browser, FormParts::new(body, &boundary, MOST_BYTES));
            tokio::time::timeout(WHOLE, parts).await.map_err(|_| Unread::Odd)??
        }
        None => {
            let bytes = tokio::time::timeout(PATIENCE, to_bytes(body, MOST_TEXT_BYTES)).await;
            let bytes = bytes.map_err(|_| Unread::Odd)?.map_err(|_| Unread::Large)?;
            Read { fields: Fields::parse(&bytes), ..Read::default() }
        }
    };
    if !is_ours(&read.fields, browser) {
        return Err(Unread::Foreign);
    }
    let waiting: Vec<String> = read
        .fields
        .pairs()
        .iter()
        .filter(|(name, value)| name == "attachment" && !value.is_empty())
        .map(|(_, id)| id.clone())
        .take(MOST_PICTURES + 1)
        .collect();
    read.marks.splice(0..0, waiting.iter().cloned());
    read.pictures.splice(0..0, waiting);
    Ok(read)
}

fn is_ours(fields: &Fields, browser: &Browser) -> bool {
    same(fields.get("csrf"), &browser.token)
}

async fn in_parts(app: &App, browser: &Browser, mut parts: FormParts) -> Result<Read, Unread> {
    let lang = browser.preferences.lang;
    let broken = |broken| match broken {
        Broken::Large => Unread::Large,
        Broken::Ends | Broken::Odd => Unread::Odd,
    };
    let (mut read, mut pairs, mut text_bytes) = (Read::default(), Vec::new(), 0);
    for _ in 0..MOST_PARTS {
        let next = tokio::time::timeout(PATIENCE, parts.next()).await.map_err(|_| Unread::Odd)?;
        let Some(head) = next.map_err(broken)? else {
            read.fields = Fields::of(pairs);
            return Ok(read);
        };
        let most = if head.is_file { MOST_PICTURE_BYTES } else { MOST_TEXT_BYTES - text_bytes };
        // Nothing of a stranger's form is kept: its token stands before its files.
        if head.is_file && !is_ours(&Fields::of(pairs.clone()), browser) {
            return Err(Unread::Foreign);
        }
        let content = tokio::time::timeout(PATIENCE, parts.content(most)).await.map_err(|_| Unread::Odd)?;
        match content.map_err(broken)? {
            // A field in which nothing was chosen comes as an empty file.
            Content::Whole(bytes) if head.is_file && bytes.is_empty() => {}
            Content::Whole(bytes) if head.is_file => {
                let waiting =
                    pairs.iter().filter(|(name, _): &&(String, String)| name == "attachment").count();
                if waiting + read.pictures.len() >= MOST_PICTURES {
                    note(&mut read.problems, lang.ask_wrong_many());
                    continue;
                }
                picture(app, browser, bytes.into(), &mut read, lang).await?;
            }
            Content::Whole(bytes) => {
                text_bytes += bytes.len();
                pairs.push((head.name, String::from_utf8_lossy(&bytes).into_owned()));
            }
            Content::TooLong if head.is_file => note(&mut read.problems, lang.ask_wrong_large()),
            Content::TooLong => return Err(Unread::Large),
        }
    }
    Err(Unread::Large)
}

/// Says it once.
fn note(problems: &mut Vec<String>, word: &str) {
    if !problems.iter().any(|told| told == word) {
        problems.push(word.to_owned());
    }
}

/// Takes a picture in, as those of people who are logged in are. One that cannot be taken is told of; the texts are kept.
async fn picture(
    app: &App,
    browser: &Browser,
    bytes: Vec<u8>,
    read: &mut Read,
    lang: Lang,
) -> Result<(), Unread> {
    match attachment::take_in(app, &browser.user(), bytes).await {
        Ok(taken) => {
            read.marks.push(taken.sha256);
            read.pictures.push(taken.attachment_id);
        }
        Err(AttachmentError::Picture(_)) => note(&mut read.problems, lang.move_picture_unknown()),
        Err(AttachmentError::TooMany) => note(&mut read.problems, lang.ask_wrong_many()),
        Err(AttachmentError::File(UploadError::Full)) => note(&mut read.problems, lang.move_picture_full()),
        Err(error) => return Err(Unread::Failed(error.to_string())),
    }
    Ok(())
}

fn show(app: &App, browser: &Browser, read: &Read, problems: Vec<String>, status: StatusCode) -> Response {
    let lang = browser.preferences.lang;
    let mut shell = shell::frame(app, &browser.preferences, Nav::None, None, String::new(), None);
    "/report?".clone_into(&mut shell.here);
    let (text, is) =
        (|name: &str| read.fields.get(name).to_owned(), |name: &str| read.fields.get(name) == "1");
    let matters =
        MATTERS.iter().map(|(id, zh, en)| (*id, lang.pick(zh, en), read.fields.get("matter") == *id));
    let page = AskPage {
        shell: &shell,
        token: &browser.token,
        form_id: app.new_id(),
        matters: matters.collect(),
        typed: AskTyped {
            text: text("text"),
            place: text("place"),
            latitude: text("latitude"),
            longitude: text("longitude"),
            name: text("name"),
            phone: text("phone"),
            call_back: is("call_back"),
            anonymous: is("anonymous"),
            confidential: is("confidential"),
        },
        pictures: read.pictures.iter().take(MOST_PICTURES).cloned().collect(),
        problems,
    };
    match page.render() {
        Ok(html) => (status, [(header::SET_COOKIE, browser.cookie())], Html(html)).into_response(),
        Err(error) => PageError::from(error).into_response(),
    }
}

fn told(app: &App, browser: &Browser, receipt: &Receipt) -> Response {
    let mut shell = shell::frame(app, &browser.preferences, Nav::None, None, String::new(), None);
    "/report?".clone_into(&mut shell.here);
    let page = ReceiptPage {
        shell: &shell,
        number: receipt.number.clone(),
        code: receipt.code.clone(),
        at: local(app).moment(UtcMs(receipt.at_ms)),
    };
    match page.render() {
        Ok(html) => (StatusCode::CREATED, Html(html)).into_response(),
        Err(error) => PageError::from(error).into_response(),
    }
}
