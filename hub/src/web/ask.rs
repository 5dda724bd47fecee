//! 网上办事: a citizen reports or asks, without a login and without script.
//!
//! Nobody is logged in, so the form is bound to its browser by a cookie of its own that comes back beside a field of the form
//! (double submit), and the browser's word on where the form lay. Before anything of it is read it is counted
//! ([`crate::ask::limit`]). Whatever stops it, what was typed comes back ([`read`]), unless it lay on another site's page. Its
//! answer holds the code and has no address: a receipt is looked at once, or printed.

mod read;

use askama::Template as _;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use protocol::UtcMs;
use uuid::Uuid;

use super::error::PageError;
use super::guard::{self, Fields, Preferences, cookie};
use super::shell::{self, local};
use super::text::Lang;
use super::view::{AskPage, AskTyped, Nav, ReceiptPage};
use crate::app::App;
use crate::ask::{self, AskError, MOST_PICTURES, Question, Receipt, Wrong, limit};
use crate::case::report::ReportError;
use crate::contact::Reporter;
use crate::http::Scheme;
use crate::ticket::taxonomy::MATTERS;
use read::{Read, Unread};

const PLAIN_COOKIE: &str = "shaodian_ask";
/// Bound by browsers to this host, HTTPS and path `/`.
const HOST_COOKIE: &str = "__Host-shaodian_ask";
/// Hexadecimal digits of its value.
const TOKEN_LENGTH: usize = 32;
/// A day: long enough to fetch a picture and come back.
const COOKIE_S: i64 = 86_400;

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
            scheme: scheme(parts),
            token: known.unwrap_or_else(fresh),
        }
    }

    fn cookie(&self) -> HeaderValue {
        // Over plain HTTP browsers take no name with the prefix.
        let (path, secure) = match self.scheme {
            Scheme::Https => ("/", "; Secure"),
            Scheme::Http => ("/report", ""),
        };
        let (name, token) = (cookie_name(self.scheme), &self.token);
        let text =
            format!("{name}={token}; Path={path}; Max-Age={COOKIE_S}; HttpOnly; SameSite=Strict{secure}");
        HeaderValue::from_str(&text).expect("tokens are hexadecimal")
    }

    /// By which its pictures and keys are known.
    fn user(&self) -> String {
        format!("ask:{}", self.token)
    }
}

fn scheme(parts: &Parts) -> Scheme {
    parts.extensions.get::<Scheme>().copied().unwrap_or(Scheme::Http)
}

fn cookie_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Https => HOST_COOKIE,
        Scheme::Http => PLAIN_COOKIE,
    }
}

fn token_of(parts: &Parts) -> Option<String> {
    let known = cookie(&parts.headers, cookie_name(scheme(parts)))?;
    let is_one = known.len() == TOKEN_LENGTH && known.bytes().all(|b| b.is_ascii_hexdigit());
    is_one.then(|| known.to_owned())
}

pub(super) async fn submit(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let browser = Browser::of(&app, &parts);
    let lang = browser.preferences.lang;
    let is_foreign = token_of(&parts).is_none() && !read::is_from_here(&parts.headers);
    if is_foreign || guard::cross_site(&parts.headers) {
        // Nothing of it is read, and nothing repeated.
        return refuse(&app, &browser, Read::default(), Unread::Foreign);
    }
    let allowed = limit::allow(&app, &guard::address(&parts)).await;
    let (why, status) = match &allowed {
        Ok(true) if token_of(&parts).is_some() => {
            let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let (read, stopped) = read::read(&app, &browser, kind.unwrap_or_default(), body).await;
            return match stopped {
                None => take(&app, &browser, read).await,
                // Of one whose token is another's, as of one that has none.
                Some(Unread::Foreign) if !read::is_from_here(&parts.headers) => {
                    refuse(&app, &browser, Read::default(), Unread::Foreign)
                }
                Some(why) => refuse(&app, &browser, read, why),
            };
        }
        Ok(true) => (lang.ask_wrong_form(), StatusCode::FORBIDDEN),
        Ok(false) => (lang.ask_too_many(), StatusCode::TOO_MANY_REQUESTS),
        Err(error) => {
            let read = read::to_give_back(&browser, &parts.headers, body).await;
            return refuse(&app, &browser, read, Unread::failed(error));
        }
    };
    let read = read::to_give_back(&browser, &parts.headers, body).await;
    show(&app, &browser, &read, vec![why.to_owned()], status)
}

/// The form again, with what was read of it, and why it was not taken.
fn refuse(app: &App, browser: &Browser, mut read: Read, why: Unread) -> Response {
    let lang = browser.preferences.lang;
    let (why, status) = match why {
        Unread::Foreign => {
            read.pictures.clear();
            (lang.ask_wrong_form(), StatusCode::FORBIDDEN)
        }
        Unread::Large => (lang.ask_wrong_size(), StatusCode::PAYLOAD_TOO_LARGE),
        Unread::Odd => (lang.input_unreadable(), StatusCode::BAD_REQUEST),
        Unread::Failed(is_busy, detail) => {
            tracing::error!(%detail, "a citizen's form was not taken");
            read.is_same = true;
            let status =
                if is_busy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
            (lang.ask_busy(), status)
        }
    };
    let mut problems = std::mem::take(&mut read.problems);
    problems.insert(0, why.to_owned());
    show(app, browser, &read, problems, status)
}

/// A form that was read whole.
async fn take(app: &App, browser: &Browser, mut read: Read) -> Response {
    let lang = browser.preferences.lang;
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
        return show(app, browser, &read, problems, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let user = browser.user();
    let form = ask::Form {
        user: &user,
        id: read.fields.get("form"),
        pictures: &read.pictures,
        picture_marks: &read.marks,
    };
    let why = match ask::ask(app, &question, form).await {
        Ok(receipt) => return told(app, browser, &receipt),
        Err(AskError::Reused(_)) => lang.ask_wrong_reused(),
        Err(AskError::Pictures(_)) => {
            read.pictures.clear();
            lang.ask_wrong_pictures()
        }
        Err(AskError::Report(ReportError::Db(error))) if crate::db::is_bad_value(&error) => {
            lang.ask_wrong_odd()
        }
        Err(AskError::Report(ReportError::Db(error))) => {
            return refuse(app, browser, read, Unread::failed(&error));
        }
        Err(AskError::Report(_)) => lang.ask_wrong_form(),
    };
    show(app, browser, &read, vec![why.to_owned()], StatusCode::UNPROCESSABLE_ENTITY)
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

fn show(app: &App, browser: &Browser, read: &Read, problems: Vec<String>, status: StatusCode) -> Response {
    let lang = browser.preferences.lang;
    let mut shell = shell::frame(app, &browser.preferences, Nav::None, None, String::new(), None);
    "/report?".clone_into(&mut shell.here);
    let (text, is) =
        (|name: &str| read.fields.get(name).to_owned(), |name: &str| read.fields.get(name) == "1");
    let matters =
        MATTERS.iter().map(|(id, zh, en)| (*id, lang.pick(zh, en), read.fields.get("matter") == *id));
    let own = Some(read.fields.get("form")).filter(|id| read.is_same && Uuid::try_parse(id).is_ok());
    let page = AskPage {
        shell: &shell,
        token: &browser.token,
        form_id: own.map_or_else(|| app.new_id(), str::to_owned),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Under TLS the cookie is this host's alone, and one of plain HTTP stands for nothing there.
    #[test]
    fn cookies_by_scheme() {
        let cookie = |scheme| {
            let browser = Browser { preferences: Preferences::default(), scheme, token: "a".repeat(32) };
            browser.cookie().to_str().unwrap().to_owned()
        };
        let https = cookie(Scheme::Https);
        assert!(https.starts_with("__Host-shaodian_ask=aaaa") && https.contains("; Path=/; "), "{https}");
        assert!(
            https.ends_with("; HttpOnly; SameSite=Strict; Secure") && !https.contains("Domain"),
            "{https}"
        );
        let http = cookie(Scheme::Http);
        assert!(http.starts_with("shaodian_ask=aaaa") && http.contains("; Path=/report; "), "{http}");
        assert!(!http.contains("Secure"), "{http}");
        let token = |scheme: Scheme, name: &str| {
            let value = format!("{name}={}", "a".repeat(32));
            let request = axum::http::Request::builder().header(header::COOKIE, value).extension(scheme);
            token_of(&request.body(()).unwrap().into_parts().0).is_some()
        };
        assert!(token(Scheme::Https, HOST_COOKIE) && token(Scheme::Http, PLAIN_COOKIE));
        assert!(!token(Scheme::Https, PLAIN_COOKIE) && !token(Scheme::Http, HOST_COOKIE));
    }
}
