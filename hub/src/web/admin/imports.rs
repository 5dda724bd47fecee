//! What is brought: tried first, listed, and confirmed.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::form::ImportForm;
use super::names::last;
use super::policies;
use super::{bad, changes, failed, frame, good, looks, render};
use crate::admin::By;
use crate::admin::audit::Deed;
use crate::admin::draft::{self, Confirmed, Shown};
use crate::admin::import::{Failure, Fault, Kind, Options, Outcome, Tally};
use crate::app::App;
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{SafeForm, Viewer};
use crate::web::text::Lang;
use crate::web::view::{
    AdminImportPage, AdminImportsPage, Banner, FaultView, ImportKindView, ImportResult, SecretView, TallyView,
};
use crate::web::words;

/// Longest note, in characters.
const MOST_NOTE: usize = 200;
/// A text is shown again in its field up to so many bytes.
const MOST_SHOWN: usize = 256 << 10;

pub(in crate::web) async fn page(State(app): State<App>, viewer: Viewer) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    let frame = frame(&app, &viewer, "/admin/imports?").await?;
    let lang = frame.lang;
    let mut kinds = Vec::new();
    for kind in Kind::ALL {
        kinds.push(ImportKindView {
            word: word(kind, lang),
            href: address(kind),
            columns: columns(kind),
            last: last(&app, deed(kind), lang).await.map_err(|error| failed(&viewer, error))?,
        });
    }
    Ok(render(&AdminImportsPage { tab: "imports", kinds, shell: &frame }, &viewer)?.into_response())
}

fn address(kind: Kind) -> String {
    format!("/admin/imports/{}", kind.as_str())
}

fn word(kind: Kind, lang: Lang) -> &'static str {
    match kind {
        Kind::Areas => lang.admin_areas(),
        Kind::Units => lang.admin_units(),
        Kind::Users => lang.admin_users(),
        Kind::Duty => lang.admin_duty(),
        Kind::Categories => lang.admin_categories(),
        Kind::Gazetteer => lang.admin_gazetteer(),
        Kind::Knowledge => lang.admin_knowledge(),
        Kind::Grids => lang.pick("网格图", "Map of grids"),
        Kind::Policies => lang.admin_policies(),
    }
}

fn columns(kind: Kind) -> &'static str {
    match kind {
        Kind::Areas => "id, name, name_en, level, parent, rural",
        Kind::Units => "id, name, name_en, area, active",
        Kind::Users => "name, role, area, unit, phone, mail",
        Kind::Duty => "user, post, area, from, to",
        Kind::Categories => "id, group, sort, code, name, name_en, kinds, hotline, units, active",
        Kind::Gazetteer => "name, aliases, latitude, longitude, area, kind",
        Kind::Knowledge => "id, title, text, categories, words, unit, valid_until",
        Kind::Grids => "GeoJSON: id, name, parent",
        Kind::Policies => "TOML",
    }
}

fn deed(kind: Kind) -> Deed {
    match kind {
        Kind::Areas => Deed::Areas,
        Kind::Units => Deed::Units,
        Kind::Users => Deed::Users,
        Kind::Duty => Deed::Duty,
        Kind::Categories => Deed::Categories,
        Kind::Gazetteer => Deed::Gazetteer,
        Kind::Knowledge => Deed::Knowledge,
        Kind::Grids => Deed::Grids,
        Kind::Policies => Deed::Policy,
    }
}

fn kind_of(name: &str, viewer: &Viewer) -> Result<Kind, PageError> {
    Kind::read(name).ok_or_else(|| PageError::NotFound.shown(viewer))
}

pub(in crate::web) async fn form(
    State(app): State<App>,
    viewer: Viewer,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    let kind = kind_of(&name, &viewer)?;
    show(&app, &viewer, kind, Asked::default(), StatusCode::OK).await
}

/// What is shown beside the form.
#[derive(Default)]
struct Asked {
    banner: Option<Banner>,
    result: Option<ImportResult>,
    options: Options,
    text: String,
}

pub(in crate::web) async fn look(
    State(app): State<App>,
    Path(name): Path<String>,
    form: ImportForm,
) -> Result<Response, PageError> {
    let (viewer, lang) = (&form.viewer, form.viewer.preferences.lang);
    let by = changes(&app, viewer)?;
    let kind = kind_of(&name, viewer)?;
    let yes = |field: &str| form.fields.get(field) == "yes";
    let options = Options {
        replace: kind.replaces() && yes("replace"),
        add: kind == Kind::Gazetteer && yes("add"),
        gcj02: kind.is_drawn() && yes("gcj02"),
        skip_bad: kind == Kind::Knowledge && yes("skip_bad"),
        note: form.fields.get("note").trim().chars().take(MOST_NOTE).collect(),
    };
    let text = if form.pasted && form.content.len() <= MOST_SHOWN {
        String::from_utf8_lossy(&form.content).into_owned()
    } else {
        String::new()
    };
    let refused = if form.too_large {
        Some(lang.admin_import_large())
    } else if form.content.is_empty() {
        Some(lang.admin_import_nothing())
    } else if kind == Kind::Policies && options.note.is_empty() {
        Some(lang.admin_import_note_missing())
    } else if !kind.is_of(&by) {
        Some(lang.admin_countywide())
    } else {
        None
    };
    if let Some(why) = refused {
        let asked = Asked { banner: Some(bad(why)), options, text, ..Asked::default() };
        return show(&app, viewer, kind, asked, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let tried = (form.content.clone(), options.clone());
    let shown = draft::look(&app, &by, &viewer.session.user, kind, tried).await;
    let shown = shown.map_err(|failure| broken(failure, viewer))?;
    let banner = if shown.outcome.good {
        Banner { good: true, text: lang.admin_import_good().to_owned() }
    } else {
        bad(lang.admin_import_bad())
    };
    let status = if shown.outcome.good { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let result = tried_view(&app, &by, kind, &shown, lang).await.map_err(|error| failed(viewer, error))?;
    let asked = Asked { banner: Some(banner), result: Some(result), options, text };
    show(&app, viewer, kind, asked, status).await
}

pub(in crate::web) async fn confirm(
    State(app): State<App>,
    Path(name): Path<String>,
    form: SafeForm,
) -> Result<Response, PageError> {
    let (viewer, lang) = (&form.viewer, form.viewer.preferences.lang);
    let by = changes(&app, viewer)?;
    let kind = kind_of(&name, viewer)?;
    if !kind.is_of(&by) {
        let asked = Asked { banner: Some(bad(lang.admin_countywide())), ..Asked::default() };
        return show(&app, viewer, kind, asked, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let user = &viewer.session.user;
    let confirmed = draft::confirm(&app, &by, user, kind, form.fields.get("sha256")).await;
    let (asked, status) = match confirmed.map_err(|failure| broken(failure, viewer))? {
        Confirmed::Done(outcome) if outcome.good => {
            app.changes.wake();
            let banner = Some(good(lang.admin_import_done()));
            (Asked { banner, result: Some(view(&outcome, None, lang)), ..Asked::default() }, StatusCode::OK)
        }
        Confirmed::Done(outcome) => {
            let banner = Some(bad(lang.admin_import_bad()));
            let asked = Asked { banner, result: Some(view(&outcome, None, lang)), ..Asked::default() };
            (asked, StatusCode::CONFLICT)
        }
        Confirmed::Gone => {
            let banner = Some(bad(lang.admin_import_gone()));
            (Asked { banner, ..Asked::default() }, StatusCode::CONFLICT)
        }
        Confirmed::Otherwise(shown) => {
            let result = tried_view(&app, &by, kind, &shown, lang).await;
            let result = result.map_err(|error| failed(viewer, error))?;
            let banner = Some(bad(lang.admin_import_otherwise()));
            (Asked { banner, result: Some(result), ..Asked::default() }, StatusCode::CONFLICT)
        }
    };
    show(&app, viewer, kind, asked, status).await
}

fn broken(failure: Failure, viewer: &Viewer) -> PageError {
    match failure {
        Failure::Db(error) => PageError::from(error),
        Failure::Other(why) => PageError::Internal(why),
    }
    .shown(viewer)
}

/// What would come of it; of a policy also what differs, and what it would have meant.
async fn tried_view(
    app: &App,
    by: &By,
    kind: Kind,
    shown: &Shown,
    lang: Lang,
) -> crate::db::Result<ImportResult> {
    let confirm = shown.outcome.good.then(|| shown.sha256.clone());
    let mut result = view(&shown.outcome, confirm, lang);
    if kind == Kind::Policies && shown.outcome.good {
        let text = String::from_utf8_lossy(&shown.content);
        let (diff, effect) = policies::tried(app, by, &text, lang).await?;
        result.diff = Some(diff);
        result.effect = Some(effect);
    }
    Ok(result)
}

fn view(outcome: &Outcome, confirm: Option<String>, lang: Lang) -> ImportResult {
    let tally = |(tally, count, names): &(Tally, usize, Vec<String>)| {
        let more = if names.len() < *count && !names.is_empty() { " …" } else { "" };
        TallyView {
            word: match tally {
                Tally::New => lang.admin_tally_new(),
                Tally::Changed => lang.admin_tally_changed(),
                Tally::Unchanged => lang.admin_tally_unchanged(),
                Tally::Removed => lang.admin_tally_removed(),
                Tally::Inactive => lang.admin_tally_inactive(),
                Tally::Expired => lang.admin_tally_expired(),
            },
            count: *count,
            names: format!("{}{more}", names.join(", ")),
        }
    };
    let fault = |fault: &Fault| FaultView {
        line: fault.line.map_or_else(|| lang.admin_import_whole().to_owned(), |line| line.to_string()),
        column: fault.column.clone(),
        what: words::fault(&fault.what, lang),
    };
    let secret =
        |(name, password): &(String, String)| SecretView { name: name.clone(), password: password.clone() };
    ImportResult {
        tallies: outcome.tallies.iter().map(tally).collect(),
        faults: outcome.faults.iter().map(fault).collect(),
        more: outcome.more_faults,
        confirm,
        version: outcome.version,
        passwords: outcome.passwords.iter().map(secret).collect(),
        diff: None,
        effect: None,
    }
}

async fn show(
    app: &App,
    viewer: &Viewer,
    kind: Kind,
    asked: Asked,
    status: StatusCode,
) -> Result<Response, PageError> {
    let frame = frame(app, viewer, &format!("{}?", address(kind))).await?;
    let lang = frame.lang;
    let own = By::of(&viewer.session, app.clock.now());
    let may = viewer.may(Act::Organise) && kind.is_of(&own);
    let page = AdminImportPage {
        tab: "imports",
        word: word(kind, lang),
        action: address(kind),
        columns: columns(kind),
        banner: asked.banner,
        result: asked.result,
        may,
        may_why: if viewer.may(Act::Organise) {
            lang.admin_countywide().to_owned()
        } else {
            format!("{}{}", lang.admin_read_only(), Act::Organise.roles_text(lang))
        },
        replaces: kind.replaces(),
        adds: kind == Kind::Gazetteer,
        drawn: kind.is_drawn(),
        skips: kind == Kind::Knowledge,
        noted: kind.has_note(),
        text: asked.text,
        note: asked.options.note,
        replace: asked.options.replace,
        add: asked.options.add,
        gcj02: asked.options.gcj02,
        skip_bad: asked.options.skip_bad,
        shell: &frame,
    };
    Ok((status, render(&page, viewer)?).into_response())
}
