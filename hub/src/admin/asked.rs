//! Which rows of a register an address asks for: the same on pages, in sheets and in the API.

use jiff::civil::{Date, Time};
use protocol::UtcMs;

use super::audit::{self, Deed};
use super::{Cursor, looks};
use crate::app::App;
use crate::web::guard::Fields;

/// What is written for a day is none.
#[derive(Debug)]
pub(crate) struct NoDay;

/// From the beginning of one day to the end of another, where they are days.
fn days(app: &App, fields: &Fields) -> Result<(Option<UtcMs>, Option<UtcMs>), NoDay> {
    let begins = |day: Date| {
        let at = app.zone.to_timestamp(day.to_datetime(Time::midnight())).map_err(|_| NoDay)?;
        Ok(UtcMs(at.as_millisecond()))
    };
    let day = |name: &str| match fields.get(name) {
        "" => Ok(None),
        text => text.parse::<Date>().map(Some).map_err(|_| NoDay),
    };
    let from = day("from")?.map(begins).transpose()?;
    let to = match day("to")? {
        Some(day) => Some(begins(day.tomorrow().map_err(|_| NoDay)?)?),
        None => None,
    };
    Ok((from, to))
}

/// What an address asks of the audit.
pub(crate) fn of_audit(app: &App, fields: &Fields, viewer: &str) -> Result<audit::Asked, NoDay> {
    let (from, to) = days(app, fields)?;
    let by = match fields.get("by").trim() {
        "" => String::new(),
        "cli" | "命令行" | "command line" | "Command line" => "cli".to_owned(),
        name => format!("user:{}", name.strip_prefix("user:").unwrap_or(name)),
    };
    Ok(audit::Asked {
        viewer: viewer.to_owned(),
        by,
        subject: fields.get("subject").trim().to_owned(),
        act: Deed::read(fields.get("act")),
        from,
        to,
        after: Cursor::read(fields.get("after")),
    })
}

/// What an address asks of the access register.
pub(crate) fn of_register(app: &App, fields: &Fields, viewer: &str) -> Result<looks::Asked, NoDay> {
    let (from, to) = days(app, fields)?;
    Ok(looks::Asked {
        viewer: viewer.to_owned(),
        person: fields.get("person").trim().to_owned(),
        case_number: fields.get("case").trim().to_owned(),
        from,
        to,
        after: Cursor::read(fields.get("after")),
    })
}
