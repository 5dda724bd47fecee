//! The alerts that hold, as an Atom feed (RFC 4287): each entry leads to its message.

use protocol::UtcMs;

use super::store::{self, Line};
use crate::app::App;
use crate::case::category;
use crate::db;
use crate::web::text::Lang;
use crate::web::words;
use crate::xml::Document;

/// Entries of the feed.
const MOST: i64 = 200;
/// For so long it says that an alert was taken back.
const CANCELLED_MS: i64 = 24 * 3_600_000;

const MESSAGE: &str = "application/cap+xml";

/// What somebody may see of it. `host`: under which the hub was asked, `https://host:port`.
pub async fn feed(app: &App, user: &str, host: &str) -> db::Result<String> {
    let now = app.clock.now();
    let since = now.plus_ms(-CANCELLED_MS);
    let lines = store::lines(&app.db, app.tenant().as_str(), user, since, MOST).await?;
    let newest = lines.first().map_or(now.0, |line| line.sent_at_ms);
    Ok(Document::write("feed", &[("xmlns", "http://www.w3.org/2005/Atom")], |all| {
        all.leaf("id", &format!("urn:shaodian:{}:cap", app.tenant()));
        all.leaf("title", "预警 Alerts");
        all.leaf("updated", &app.zoned_time(UtcMs(newest)));
        all.inside("author", |all| all.leaf("name", &app.config.hub.name));
        all.leaf_with("link", &[("rel", "self"), ("href", &format!("{host}/api/v1/cap"))], "");
        for line in &lines {
            all.inside("entry", |all| entry(app, line, host, all));
        }
    }))
}

fn entry(app: &App, line: &Line, host: &str, all: &mut Document) {
    let href = format!("{host}/api/v1/cases/{}/cap?revision={}", line.number, line.revision);
    all.leaf("id", &format!("urn:shaodian:{}:cap:{}:{}", app.tenant(), line.number, line.revision));
    all.leaf("title", &title(line));
    all.leaf("updated", &app.zoned_time(UtcMs(line.sent_at_ms)));
    all.leaf_with("link", &[("rel", "alternate"), ("type", MESSAGE), ("href", &href)], "");
    all.leaf_with("category", &[("term", &line.msg_type)], "");
    all.leaf("summary", &format!("{} {}", line.number, line.msg_type));
}

fn title(line: &Line) -> String {
    if line.confidential != 0 {
        return "解除 Taken back".to_owned();
    }
    let (zh, en) = match line.category.as_deref().and_then(category::find) {
        Some(category) => (category.zh, category.en),
        None => (words::kind(&line.kind, Lang::Zh), words::kind(&line.kind, Lang::En)),
    };
    let (severity, over) = (words::severity(&line.severity, Lang::Zh).word, line.msg_type == "Cancel");
    let mark = if over { "解除" } else { severity };
    format!("{mark}：{zh} {en}")
}
