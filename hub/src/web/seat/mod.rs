//! 坐席台: the calls of one seat, or of all, for those who file tickets; and the same list beside a call that is open.
//!
//! Which seat it is stands in a cookie of the browser: a seat is a desk, whoever sits there. The list of seats comes from the
//! calls that were seen. `seat.js` reads the page again when something changes.
//! Deliberately absent: the telephone. Calls are taken, held and put through on the telephone system, which the hub does not
//! drive.

mod list;
mod pace;
mod store;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};

pub(super) use list::read as calls_of;

use super::error::PageError;
use super::guard::{Fields, Viewer, cookie, percent};
use super::shell::{render, shell};
use super::view::{Nav, SeatCallsPart, SeatChoice, SeatPage};
use crate::app::App;
use crate::db;
use crate::user::Act;

/// Longest name of a seat, in characters.
const MOST_NAME: usize = 80;
/// Seats whose calls were seen within so long are offered.
const SEEN_MS: i64 = 30 * 86_400_000;
const COOKIE: &str = "seat";

pub(super) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    viewer.must(Act::FileTicket)?;
    let asked = fields.pairs().iter().any(|(name, _)| name == "seat").then(|| named(fields.get("seat")));
    let seat = asked.clone().unwrap_or_else(|| chosen(&headers));
    let mut frame = shell(&app, &viewer, Nav::Seat).await?;
    "/seat?".clone_into(&mut frame.here);
    let shown = |error: db::Error| PageError::from(error).shown(&viewer);
    let list = calls_of(&app, &viewer, &seat, None).await.map_err(shown)?;
    let since_ms = app.clock.now().0 - SEEN_MS;
    let (tenant, user) = (app.tenant().as_str(), &viewer.session.user);
    let mut seats = store::seats(&app.db, tenant, user, since_ms).await.map_err(shown)?;
    if !seat.is_empty() && !seats.contains(&seat) {
        seats.push(seat.clone());
    }
    let choice = |name: String| SeatChoice { on: name == seat, name };
    let page = SeatPage { list, seats: seats.into_iter().map(choice).collect(), shell: &frame };
    let mut response = render(&page, &viewer)?.into_response();
    if let Some(seat) = asked {
        let text = format!("{COOKIE}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", percent(&seat));
        let value = HeaderValue::from_str(&text).expect("percent-encoded text is a header value");
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

/// The list beside the call `current`.
pub(super) async fn part(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
    headers: HeaderMap,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::FileTicket)?;
    let frame = shell(&app, &viewer, Nav::Seat).await?;
    let current = Some(fields.get("current")).filter(|id| !id.is_empty());
    let calls = calls_of(&app, &viewer, &chosen(&headers), current).await;
    let calls = calls.map_err(|error| PageError::from(error).shown(&viewer))?;
    render(&SeatCallsPart { shell: &frame, calls: &calls }, &viewer)
}

/// The seat of this browser; nothing: all of them.
pub(super) fn chosen(headers: &HeaderMap) -> String {
    let kept = cookie(headers, COOKIE).unwrap_or_default();
    named(Fields::parse(format!("seat={kept}").as_bytes()).get("seat"))
}

fn named(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(MOST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name of a seat comes back from its cookie as it was, whatever it is made of, and no longer than is kept.
    #[test]
    fn a_seat_is_remembered() {
        for name in ["03", "热线坐席 03", "a;b=c&d", ""] {
            let mut headers = HeaderMap::new();
            let text = format!("lang=zh; {COOKIE}={}", percent(name));
            headers.insert(header::COOKIE, HeaderValue::from_str(&text).unwrap());
            assert_eq!(chosen(&headers), name);
        }
        assert_eq!(chosen(&HeaderMap::new()), "");
        assert_eq!(named(&format!(" a\n{}", "长".repeat(100))).chars().count(), MOST_NAME);
    }
}
