//! The cases behind a figure of the wall: by the same conditions by which it was counted.

use axum::extract::State;
use axum::response::Html;
use protocol::{Severity, UtcMs};

use super::area::AreaNames;
use super::card;
use super::store::{self, Behind};
use crate::app::App;
use crate::organisation;
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{Fields, Viewer};
use crate::web::moment::LocalTime;
use crate::web::shell::{local, render, shell};
use crate::web::text::Lang;
use crate::web::view::{Nav, WallCasesPage};

/// Cases of one page. Figures above it say how many there are; the newest are listed.
const MOST: usize = 500;
/// Longest path of an area that is looked at.
const MOST_PATH: usize = 300;

pub(in crate::web) async fn behind(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    let frame = shell(&app, &viewer, Nav::Wall).await?;
    let (lang, local) = (frame.lang, local(&app));
    let asked = read(&fields);
    let (tenant, user) = (app.tenant().as_str(), &viewer.session.user);
    let shown = |error| PageError::from(error).shown(&viewer);
    let areas = organisation::store::areas(&app.db, tenant).await.map_err(shown)?;
    let names = AreaNames::new(&areas);
    let mut cases = store::behind(&app.db, tenant, user, &asked, MOST as i64 + 1).await.map_err(shown)?;
    let cut = cases.len() > MOST;
    cases.truncate(MOST);
    let page = WallCasesPage {
        what: what(&asked, &names, &local, lang),
        rows: cases.iter().map(|case| card::held(case, &names, &local, lang)).collect(),
        cut,
        back: if viewer.may(Act::Acknowledge) {
            "/wall"
        } else if viewer.may(Act::WallScreen) {
            "/screen"
        } else {
            "/map"
        },
        shell: &frame,
    };
    render(&page, &viewer)
}

/// What the address asks for; what it does not know asks for everything.
fn read(fields: &Fields) -> Behind {
    let moment = |name: &str, without: i64| fields.get(name).parse().unwrap_or(without);
    let severity = fields.get("severity").parse::<Severity>();
    let is_path = |path: &str| path.starts_with('/') && path.ends_with('/') && path.len() <= MOST_PATH;
    Behind {
        part: match fields.get("part") {
            "waiting" => "waiting",
            "inhand" => "inhand",
            "open" => "open",
            _ => "",
        },
        severity: severity.map_or("", Severity::as_str),
        area: Some(fields.get("area")).filter(|path| is_path(path)).unwrap_or_default().to_owned(),
        county: fields.get("county") == "1",
        alerts: fields.get("alerts") == "1",
        after_ms: moment("after", i64::MIN),
        until_ms: moment("until", i64::MAX),
    }
}

/// The same in words.
fn what(asked: &Behind, names: &AreaNames, local: &LocalTime, lang: Lang) -> Vec<String> {
    let mut what = Vec::new();
    if asked.alerts {
        what.push(lang.wall_behind_alerts().to_owned());
    }
    match asked.part {
        "waiting" => what.push(lang.unacknowledged().to_owned()),
        "inhand" => what.push(lang.wall_held().to_owned()),
        "open" => what.push(lang.open_only().to_owned()),
        _ => {}
    }
    if let Ok(severity) = asked.severity.parse::<Severity>() {
        what.push(lang.pick(severity.zh(), severity.en()).to_owned());
    }
    if asked.county {
        what.push(lang.wall_no_town().to_owned());
    }
    if !asked.area.is_empty() {
        what.push(names.name(&asked.area, lang));
    }
    if asked.after_ms > i64::MIN {
        let until =
            if asked.until_ms < i64::MAX { local.moment(UtcMs(asked.until_ms)).full } else { String::new() };
        let after = local.moment(UtcMs(asked.after_ms)).full;
        what.push(format!("{after} {} {until}", lang.wall_behind_to()));
    }
    what
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An address says what is counted; words that it does not know ask for nothing less than everything.
    #[test]
    fn addresses_are_read() {
        let fields =
            Fields::parse(b"part=waiting&severity=emergency&area=%2Fc%2Fn%2F&after=5&until=9&alerts=1");
        let asked = read(&fields);
        assert_eq!((asked.part, asked.severity, asked.area.as_str()), ("waiting", "emergency", "/c/n/"));
        assert_eq!((asked.after_ms, asked.until_ms, asked.alerts, asked.county), (5, 9, true, false));
        let odd = read(&Fields::parse(b"part=x&severity=y&area=north&after=z"));
        assert_eq!((odd.part, odd.severity, odd.area.as_str(), odd.after_ms), ("", "", "", i64::MIN));
    }
}
