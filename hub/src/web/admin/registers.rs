//! Who changed what, and who looked at what: pages and sheets.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use protocol::UtcMs;

use super::names::{user_page, who};
use super::{bad, failed, frame, local, looks, render};
use crate::admin::Cursor;
use crate::admin::asked::{self, NoDay};
use crate::admin::audit::{self, Deed};
use crate::admin::looks::{self as register, Look};
use crate::app::App;
use crate::case::number;
use crate::db;
use crate::evaluation::export::{Cell, Sheet, csv};
use crate::user::{self, Access};
use crate::web::error::PageError;
use crate::web::guard::{Fields, Viewer, percent};
use crate::web::text::Lang;
use crate::web::view::{AdminChoice, AdminRegisterPage, Banner, CellView, RegisterField, RegisterRow};

/// What the address of a register asks for.
struct Asks<'a> {
    fields: &'a Fields,
    page: &'static str,
    /// Of the fields those that say something, as they are written in an address.
    kept: String,
}

impl<'a> Asks<'a> {
    fn read(page: &'static str, names: &[&str], fields: &'a Fields) -> Self {
        let set = names.iter().filter(|name| !fields.get(name).is_empty());
        let parts: Vec<String> = set.map(|name| format!("{name}={}&", percent(fields.get(name)))).collect();
        Self { fields, page, kept: parts.concat() }
    }

    fn here(&self) -> String {
        format!("{}?{}", self.page, self.kept)
    }

    fn next(&self, next: Option<Cursor>) -> Option<String> {
        next.map(|next| format!("{}?{}after={}", self.page, self.kept, percent(&next.to_string())))
    }

    fn csv(&self) -> String {
        format!("{}.csv?{}", self.page, self.kept)
    }

    /// Its own two, each by name and label, and from which day to which.
    fn filters(&self, own: [(&'static str, &'static str); 2], lang: Lang) -> Vec<RegisterField> {
        let field = |kind, (name, label)| RegisterField {
            name,
            label,
            kind,
            value: self.fields.get(name).to_owned(),
        };
        let days = [("from", lang.admin_day_from()), ("to", lang.admin_day_to())];
        let own = own.into_iter().map(|one| field("text", one));
        own.chain(days.into_iter().map(|one| field("date", one))).collect()
    }
}

/// Rows, and where those after them begin.
type Found<T> = (Vec<T>, Option<Cursor>);

/// Rows of a page; where what is written for a day is none, why, and no row.
fn found<T>(
    read: Result<db::Result<Found<T>>, NoDay>,
    viewer: &Viewer,
) -> Result<(Option<Banner>, Found<T>), PageError> {
    match read {
        Ok(found) => Ok((None, found.map_err(|error| failed(viewer, error))?)),
        Err(NoDay) => Ok((Some(bad(viewer.preferences.lang.admin_day_wrong())), (Vec::new(), None))),
    }
}

fn no_day(viewer: &Viewer) -> PageError {
    PageError::Input(viewer.preferences.lang.admin_day_wrong().to_owned()).shown(viewer)
}

fn cell(text: impl Into<String>) -> CellView {
    CellView { text: text.into(), href: None }
}

/// A row of the audit after its time; `whole`: with what it was done to.
pub(super) fn audit_cells(row: &audit::Row, by: &str, lang: Lang, whole: bool) -> Vec<CellView> {
    let word = Deed::read(&row.act).map_or(row.act.as_str(), |deed| lang.pick(deed.zh(), deed.en()));
    let mut cells = vec![cell(by), cell(word)];
    if whole {
        let href = row.act.starts_with("user_").then(|| user_page(&row.subject));
        cells.push(CellView { text: row.subject.clone(), href });
    }
    cells.extend([cell(row.old_value.as_str()), cell(row.new_value.as_str())]);
    cells
}

pub(in crate::web) async fn audit(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    let asks = Asks::read("/admin/audit", &["by", "subject", "act", "from", "to"], &fields);
    let frame = frame(&app, &viewer, &asks.here()).await?;
    let (lang, local) = (frame.lang, local(&app));
    let read = match asked::of_audit(&app, &fields, &viewer.session.user) {
        Ok(asked) => Ok(audit::page(&app.db, app.tenant().as_str(), &asked, audit::PAGE).await),
        Err(no_day) => Err(no_day),
    };
    let (banner, (rows, next)) = found(read, &viewer)?;
    let row = |row: &audit::Row| RegisterRow {
        at: local.moment(UtcMs(row.made_at_ms)),
        cells: audit_cells(row, &who(&row.made_by, lang), lang, true),
    };
    let chosen = fields.get("act");
    let all = AdminChoice { value: String::new(), word: lang.admin_all().to_owned(), on: chosen.is_empty() };
    let act = |deed: &Deed| AdminChoice {
        value: deed.as_str().to_owned(),
        word: lang.pick(deed.zh(), deed.en()).to_owned(),
        on: deed.as_str() == chosen,
    };
    let page = AdminRegisterPage {
        tab: "audit",
        title: lang.admin_audit(),
        lead: lang.admin_audit_lead(),
        action: "/admin/audit",
        fields: asks.filters([("by", lang.admin_by()), ("subject", lang.admin_subject())], lang),
        acts: std::iter::once(all).chain(Deed::ALL.iter().map(act)).collect(),
        banner,
        heads: vec![
            lang.admin_by(),
            lang.admin_act(),
            lang.admin_subject(),
            lang.admin_before(),
            lang.admin_after(),
        ],
        rows: rows.iter().map(row).collect(),
        next: asks.next(next),
        csv: asks.csv(),
        shell: &frame,
    };
    Ok(render(&page, &viewer)?.into_response())
}

fn act_word(look: &Look, lang: Lang) -> String {
    let act = match look.act.as_str() {
        "view" => lang.pick("查看", "viewed"),
        "download" => lang.pick("下载", "downloaded"),
        "listen" => lang.pick("收听", "listened to"),
        "see" => lang.pick("查看", "saw"),
        "print" => lang.pick("打印", "printed"),
        "ask" => lang.pick("调取", "asked for"),
        other => other,
    };
    let kind = match look.kind.as_str() {
        "recording" => lang.recording(),
        "clip" => lang.clip(),
        "snapshot" => lang.snapshot(),
        "still" => lang.still(),
        "attachment" => lang.attachment(),
        "contact" => lang.contact(),
        "cases" => lang.cases(),
        "register" => lang.admin_access(),
        other => other,
    };
    format!("{act} {kind}")
}

pub(in crate::web) async fn access(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    let asks = Asks::read("/admin/access", &["person", "case", "from", "to"], &fields);
    let frame = frame(&app, &viewer, &asks.here()).await?;
    let (lang, local) = (frame.lang, local(&app));
    let read = match asked::of_register(&app, &fields, &viewer.session.user) {
        Ok(asked) => Ok(register::page(&app.db, app.tenant().as_str(), &asked, register::PAGE).await),
        Err(no_day) => Err(no_day),
    };
    let (banner, (rows, next)) = found(read, &viewer)?;
    let row = |look: &Look| RegisterRow {
        at: local.moment(UtcMs(look.at_ms)),
        cells: vec![
            cell(look.user_name.as_str()),
            cell(act_word(look, lang)),
            CellView {
                text: look.case_number.clone().unwrap_or_default(),
                href: look.case_number.as_ref().map(|number| format!("/cases/{}", percent(number))),
            },
            cell(look.purpose.as_str()),
        ],
    };
    let page = AdminRegisterPage {
        tab: "access",
        title: lang.admin_access(),
        lead: lang.admin_access_lead(),
        action: "/admin/access",
        fields: asks.filters([("person", lang.admin_person()), ("case", lang.admin_case())], lang),
        acts: Vec::new(),
        banner,
        heads: vec![lang.admin_person(), lang.admin_what(), lang.admin_case(), lang.admin_purpose()],
        rows: rows.iter().map(row).collect(),
        next: asks.next(next),
        csv: asks.csv(),
        shell: &frame,
    };
    Ok(render(&page, &viewer)?.into_response())
}

pub(in crate::web) async fn audit_csv(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    let asked = asked::of_audit(&app, &fields, &viewer.session.user).map_err(|_| no_day(&viewer))?;
    noted(&app, &viewer, "audit").await.map_err(|error| failed(&viewer, error))?;
    let page = audit::page(&app.db, app.tenant().as_str(), &asked, audit::MOST_CSV).await;
    let (rows, next) = page.map_err(|error| failed(&viewer, error))?;
    let line = |row: &audit::Row| {
        vec![
            Cell::from(row.audit_id),
            app.zoned_time(UtcMs(row.made_at_ms)).into(),
            row.made_by.as_str().into(),
            row.act.as_str().into(),
            row.subject.as_str().into(),
            row.area.as_str().into(),
            row.old_value.as_str().into(),
            row.new_value.as_str().into(),
        ]
    };
    let heads = ["id", "at", "by", "act", "subject", "area", "before", "after"];
    Ok(sheet(&app, "audit", &heads, rows.iter().map(line).collect(), next.is_some()))
}

pub(in crate::web) async fn access_csv(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    let asked = asked::of_register(&app, &fields, &viewer.session.user).map_err(|_| no_day(&viewer))?;
    noted(&app, &viewer, "access").await.map_err(|error| failed(&viewer, error))?;
    let page = register::page(&app.db, app.tenant().as_str(), &asked, register::MOST_CSV).await;
    let (rows, next) = page.map_err(|error| failed(&viewer, error))?;
    let line = |look: &Look| {
        vec![
            app.zoned_time(UtcMs(look.at_ms)).into(),
            look.user_name.as_str().into(),
            look.act.as_str().into(),
            look.kind.as_str().into(),
            look.case_number.clone().unwrap_or_default().into(),
            look.call_id.clone().unwrap_or_default().into(),
            look.sha256.as_str().into(),
            look.purpose.as_str().into(),
        ]
    };
    let heads = ["at", "who", "act", "kind", "case", "call", "sha256", "purpose"];
    Ok(sheet(&app, "access", &heads, rows.iter().map(line).collect(), next.is_some()))
}

/// A download of a register is a row of it, written before anything is told.
async fn noted(app: &App, viewer: &Viewer, what: &str) -> db::Result<()> {
    let now = app.clock.now();
    let access = Access {
        at_ms: now.0,
        user_name: viewer.session.user.clone(),
        sha256: String::new(),
        kind: "register".to_owned(),
        act: "download".to_owned(),
        purpose: what.to_owned(),
        case_number: None,
        call_id: None,
    };
    let mut tx = app.db.begin().await?;
    user::register_each(&mut tx, app.tenant().as_str(), &app.chance, now, &access).await?;
    tx.commit().await
}

fn sheet(app: &App, name: &str, heads: &[&str], mut rows: Vec<Vec<Cell>>, cut: bool) -> Response {
    if cut {
        rows.push(vec!["… there are more: narrow the days".into()]);
    }
    let heads = heads.iter().map(|head| (*head).to_owned()).collect();
    let text = csv(&[Sheet { name: name.to_owned(), heads, rows }]);
    let day = number::local_day(app.clock.now(), &app.zone);
    let name = format!("attachment; filename=\"{name}-{day}.csv\"");
    let mut response = ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response();
    let name = HeaderValue::from_str(&name).expect("plain words and digits are a header value");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    response
}
