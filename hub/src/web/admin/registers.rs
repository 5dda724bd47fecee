//! Who changed what, and who looked at what: pages and sheets.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use protocol::UtcMs;

use super::names::{user_page, who};
use super::{bad, failed, frame, local, looks, render};
use crate::admin::asked;
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
use crate::web::view::{AdminChoice, AdminRegisterPage, CellView, RegisterField, RegisterRow};

/// The same address with other words at its end.
fn query(fields: &Fields, names: &[&str]) -> String {
    let set = names.iter().filter(|name| !fields.get(name).is_empty());
    let parts: Vec<String> = set.map(|name| format!("{name}={}&", percent(fields.get(name)))).collect();
    parts.concat()
}

fn field(name: &'static str, label: &'static str, kind: &'static str, fields: &Fields) -> RegisterField {
    RegisterField { name, label, kind, value: fields.get(name).to_owned() }
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
    let names = ["by", "subject", "act", "from", "to"];
    let kept = query(&fields, &names);
    let frame = frame(&app, &viewer, &format!("/admin/audit?{kept}")).await?;
    let (lang, local) = (frame.lang, local(&app));
    let (banner, rows, next) = match asked::of_audit(&app, &fields, &viewer.session.user) {
        Err(_) => (Some(bad(lang.admin_day_wrong())), Vec::new(), None),
        Ok(asked) => {
            let page = audit::page(&app.db, app.tenant().as_str(), &asked, audit::PAGE).await;
            let (rows, next) = page.map_err(|error| failed(&viewer, error))?;
            (None, rows, next)
        }
    };
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
        fields: vec![
            field("by", lang.admin_by(), "text", &fields),
            field("subject", lang.admin_subject(), "text", &fields),
            field("from", lang.admin_day_from(), "date", &fields),
            field("to", lang.admin_day_to(), "date", &fields),
        ],
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
        next: next.map(|next| format!("/admin/audit?{kept}after={}", percent(&next.to_string()))),
        csv: format!("/admin/audit.csv?{kept}"),
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
    let kept = query(&fields, &["person", "case", "from", "to"]);
    let frame = frame(&app, &viewer, &format!("/admin/access?{kept}")).await?;
    let (lang, local) = (frame.lang, local(&app));
    let (banner, rows, next) = match asked::of_register(&app, &fields, &viewer.session.user) {
        Err(_) => (Some(bad(lang.admin_day_wrong())), Vec::new(), None),
        Ok(asked) => {
            let page = register::page(&app.db, app.tenant().as_str(), &asked, register::PAGE).await;
            let (rows, next) = page.map_err(|error| failed(&viewer, error))?;
            (None, rows, next)
        }
    };
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
        fields: vec![
            field("person", lang.admin_person(), "text", &fields),
            field("case", lang.admin_case(), "text", &fields),
            field("from", lang.admin_day_from(), "date", &fields),
            field("to", lang.admin_day_to(), "date", &fields),
        ],
        acts: Vec::new(),
        banner,
        heads: vec![lang.admin_person(), lang.admin_what(), lang.admin_case(), lang.admin_purpose()],
        rows: rows.iter().map(row).collect(),
        next: next.map(|next| format!("/admin/access?{kept}after={}", percent(&next.to_string()))),
        csv: format!("/admin/access.csv?{kept}"),
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
    let lang = viewer.preferences.lang;
    let wrong = |_| PageError::Input(lang.admin_day_wrong().to_owned()).shown(&viewer);
    let asked = asked::of_audit(&app, &fields, &viewer.session.user).map_err(wrong)?;
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
    let lang = viewer.preferences.lang;
    let wrong = |_| PageError::Input(lang.admin_day_wrong().to_owned()).shown(&viewer);
    let asked = asked::of_register(&app, &fields, &viewer.session.user).map_err(wrong)?;
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
