//! The page of a camera, put together from what the hub knows.

use askama::Template as _;
use protocol::{CommandBody, Label, UtcMs};

use super::act::change_words;
use super::{Typed, address, rule, trial};
use crate::app::App;
use crate::camera::{At, Draft, Kept, Known, Shape, Standing, diff, outline, text};
use crate::case::precision;
use crate::command::CommandRow;
use crate::db;
use crate::device::{self, Device};
use crate::organisation::AreaPath;
use crate::user::Act;
use crate::web::devices::camera_view;
use crate::web::error::PageError;
use crate::web::guard::Viewer;
use crate::web::moment::LocalTime;
use crate::web::shell::{local, shell};
use crate::web::text::Lang;
use crate::web::view::{
    BaseView, CameraPage, EvidenceState, Nav, ReadView, RefusedCamera, SavedView, ShapeView, StillView,
};
use crate::web::{store as pages, words};

/// Requests for a picture that are looked through for the newest that came.
const STILLS: i64 = 6;
/// So long what was sent last is told of.
const SAVED_SHOWN_MS: i64 = 24 * 3_600_000;
/// How often rules were right, over so long.
const PRECISION_MS: i64 = 30 * 24 * 3_600_000;
/// Width and height of a drawing; scripts put in those of the picture.
const DRAWING: (f64, f64) = (1_600.0, 900.0);

pub(super) async fn made(
    app: &App,
    viewer: &Viewer,
    at: &At,
    device: &Device,
    typed: Typed,
) -> Result<String, PageError> {
    let mut frame = shell(app, viewer, Nav::Devices).await?;
    // The address of a form is not carried on.
    frame.here = address(at) + "?";
    let (user, camera) = (viewer.session.user.as_str(), at.camera.as_str());
    let (local, lang) = (local(app), frame.lang);
    let status = device.status();
    let health =
        status.as_ref().and_then(|status| status.cameras.iter().find(|one| one.camera_id == at.camera));
    let standing = Standing::read(app, user, device).await?;
    let read = |known: &Known| text::read(&known.toml, camera).ok();
    let base = standing.base().filter(|base| text::has(&base.toml, camera));
    let is_done = |kept: &Kept| {
        is_saved(kept, standing.sent_by(user)) || at.is_in_force(&standing, (&kept.draft, kept.based_on))
    };
    let kept = at.draft(app, user).await?.filter(|kept| !is_done(kept));
    if health.is_none() && base.is_none() && kept.is_none() {
        return Err(PageError::NotFound);
    }
    let saved_draft = kept.as_ref().map(|kept| local.moment(kept.saved_at));
    let (draft, based_on) = match (typed.draft, kept, base) {
        (Some(typed), ..) => (Some(typed.0), typed.1),
        (None, Some(kept), _) => (Some(kept.draft), kept.based_on),
        (None, None, Some(base)) => (read(base), base.version),
        (None, None, None) => (None, 0),
    };
    let drawn = standing.text(based_on).and_then(read);
    let draft = draft.or_else(|| drawn.clone());
    let changes = match (&draft, &drawn) {
        (Some(draft), Some(drawn)) => diff::changes(drawn, draft),
        _ => Vec::new(),
    };
    let is_stale = draft.is_some() && standing.in_force.is_some_and(|version| version != based_on);
    let stale_lines =
        is_stale.then(|| change_words(&at.changes(standing.text(based_on), standing.base()), lang));

    let area = device::store::area(&app.db, app.tenant().as_str(), &device.device_id).await?;
    let area = AreaPath::kept(area.unwrap_or_else(|| "/".to_owned()));
    let may = |act| viewer.session.may_at(act, &area);
    let shown = draft.clone().unwrap_or_default();
    let since = app.clock.now().plus_ms(-PRECISION_MS);
    let tomorrow = app.clock.now().plus_ms(1);
    let precise = precision::of_rules(&app.db, app.tenant().as_str(), user, (since.0, tomorrow.0)).await?;
    let own: Vec<_> = precise
        .into_iter()
        .filter(|one| one.device_id == device.device_id && one.camera_id == camera)
        .collect();
    let wrong = |name: &str| {
        let of = |field: &str| field.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        let own = typed.wrong.iter().filter(|wrong| of(&wrong.field));
        own.map(|wrong| lang.pick(&wrong.zh, &wrong.en).to_owned()).collect::<Vec<_>>()
    };
    let sees_cases = viewer.may(Act::SeeCases);
    let rules = shown.rules.iter().enumerate().map(|(nth, one)| {
        let own = own.iter().find(|known| known.rule_id == one.id);
        rule::view(one, &nth.to_string(), own.filter(|_| sees_cases), wrong(&format!("rule.{nth}")), lang)
    });
    let place = device::place::of(&app.db, app.tenant().as_str(), &device.device_id).await?;
    let degrees = |value: Option<f64>| value.map(|value| format!("{value:.6}")).unwrap_or_default();
    let page = CameraPage {
        device_id: device.device_id.clone(),
        device_title: device.title.clone(),
        id: camera.to_owned(),
        name: health.map_or_else(|| camera.to_owned(), |health| health.name.clone()),
        health: health.map(|health| camera_view(health, &local, lang)),
        latitude: degrees(place.map(|place| place.latitude)),
        longitude: degrees(place.map(|place| place.longitude)),
        may_still: may(Act::RequestStill),
        still_roles: Act::RequestStill.roles_text(lang),
        may_configure: may(Act::Configure),
        configure_roles: Act::Configure.roles_text(lang),
        still: still(app, user, at, &local, lang).await?,
        base: base.map(|base| base_view(base, &local, lang)),
        version: standing.in_force.map_or("—".to_owned(), |version| version_word(version, lang)),
        read: read_view(standing.asked(), base, app.clock.now(), lang),
        based_on,
        refused: refused_view(
            &typed.why,
            typed.lines,
            typed.may_rebase,
            stale_lines,
            lang,
            !typed.wrong.is_empty(),
        ),
        changes: changes.len(),
        saved_draft,
        shapes: shapes(&shown, &wrong, lang),
        blank_shapes: blank_shapes(&shown, lang),
        rules: rules.collect(),
        blank_rule: rule::blank(&shown.rules.len().to_string(), lang),
        zone_ids: shown.zones.iter().map(|zone| zone.id.clone()).collect(),
        line_ids: shown.lines.iter().map(|line| line.id.clone()).collect(),
        known_labels: labels(crate::camera::base::labels(&standing.rows).as_deref(), lang),
        sees_cases,
        trial: trial::panel(app, viewer, at, &standing, (&shown, based_on), &local, lang).await?,
        saved: saved(standing.sent_by(user), &local, lang),
        walk: trial::walk(app, user, at, &shown, &local, lang).await?,
        walks_draft: diff::is_for_rules(&changes),
        purpose: typed.purpose,
        reason: typed.reason,
        shell: &frame,
    };
    Ok(page.render()?)
}

/// What the box has taken is no draft any more.
fn is_saved(kept: &Kept, sent: Option<&CommandRow>) -> bool {
    sent.is_some_and(|sent| sent.state == "done" && sent.issued_at_ms >= kept.saved_at.0)
}

fn version_word(version: u64, lang: Lang) -> String {
    if version == 0 { lang.installer_file().to_owned() } else { format!("v{version}") }
}

fn base_view(base: &Known, local: &LocalTime, lang: Lang) -> BaseView {
    BaseView {
        version: version_word(base.version, lang),
        is_installer: base.version == 0,
        at: local.moment(base.at),
        by: base.by.clone(),
        shown: base.shown,
    }
}

/// A failure that something newer has put right is none.
fn read_view(asked: Option<&CommandRow>, base: Option<&Known>, now: UtcMs, lang: Lang) -> ReadView {
    let Some(row) = asked else { return ReadView::None };
    if base.is_some_and(|base| base.at.0 >= row.issued_at_ms) {
        return ReadView::None;
    }
    match row.state.as_str() {
        _ if row.is_open() && now.0 < row.expires_at_ms => ReadView::Waits,
        "failed" => ReadView::Failed(why(row, lang)),
        "done" => ReadView::None,
        _ => ReadView::Silent,
    }
}

fn refused_view(
    why: &str,
    lines: Vec<String>,
    may_rebase: bool,
    stale: Option<Vec<String>>,
    lang: Lang,
    has_wrong: bool,
) -> Option<RefusedCamera> {
    if has_wrong {
        return Some(RefusedCamera { why: lang.cam_wrong().to_owned(), ..RefusedCamera::default() });
    }
    if !why.is_empty() {
        return Some(RefusedCamera { why: why.to_owned(), lines, may_rebase });
    }
    stale.map(|lines| RefusedCamera { why: lang.cam_newer().to_owned(), lines, may_rebase: true })
}

/// The newest picture that came, and what became of the newest request.
pub(in crate::web) async fn still(
    app: &App,
    user: &str,
    at: &At,
    local: &LocalTime,
    lang: Lang,
) -> db::Result<StillView> {
    let rows = at.asked(app, user, &CommandBody::Still { camera_id: at.camera.clone() }, STILLS).await?;
    let ids: Vec<&str> = rows.iter().map(|row| row.command_id.as_str()).collect();
    let files = pages::answers_of(&app.db, app.tenant().as_str(), &ids).await?;
    let mut came: Vec<_> = files
        .iter()
        .filter(|file| file.kind == "still")
        .map(|file| words::evidence(file, None, local, lang))
        .collect();
    came.retain(|file| file.state == EvidenceState::Here);
    let newest = came.into_iter().max_by_key(|file| file.starts.ms);
    let first = rows.first();
    let first_came = |row: &CommandRow| {
        files.iter().any(|file| file.case_id == row.command_id && file.stored_at_ms.is_some())
    };
    Ok(StillView {
        waits: first.is_some_and(|row| row.is_open() || (row.state == "done" && !first_came(row))),
        failed: first.filter(|row| matches!(row.state.as_str(), "failed" | "expired")).map(|row| {
            let (_, word) = words::answer(&row.state, lang);
            row.reason.as_deref().map_or_else(|| word.to_owned(), |why| words::reason(why, lang))
        }),
        here: newest.map(|file| (file.url, file.starts, file.masked)),
    })
}

/// In the box's words, as far as they are known in the reader's.
fn why(row: &CommandRow, lang: Lang) -> String {
    words::reason(row.reason.as_deref().unwrap_or_default(), lang)
}

fn saved(sent: Option<&CommandRow>, local: &LocalTime, lang: Lang) -> SavedView {
    let Some(row) = sent.filter(|row| local.now.0 - row.issued_at_ms < SAVED_SHOWN_MS) else {
        return SavedView::None;
    };
    let at = local.moment(UtcMs(row.answered_at_ms.unwrap_or(row.issued_at_ms)));
    match row.state.as_str() {
        "done" => SavedView::Done(at),
        "failed" | "expired" => SavedView::Failed(at, why(row, lang)),
        _ => SavedView::Waits(at),
    }
}

fn labels(known: Option<&[Label]>, lang: Lang) -> String {
    let word = |label: &Label| format!("{label} {}", lang.pick(label.zh(), label.en()));
    known
        .map(|known| known.iter().map(word).collect::<Vec<_>>().join(lang.pick("、", ", ")))
        .unwrap_or_default()
}

fn shapes(draft: &Draft, wrong: &impl Fn(&str) -> Vec<String>, lang: Lang) -> Vec<ShapeView> {
    let mut all = Vec::new();
    for (kind, word, list) in [
        ("zone", lang.cam_zone(), &draft.zones),
        ("line", lang.cam_line(), &draft.lines),
        ("mask", lang.cam_mask(), &draft.masks),
    ] {
        for (nth, one) in list.iter().enumerate() {
            let wrong = wrong(&format!("{kind}.{nth}"));
            all.push(ShapeView { wrong, ..shape(kind, word, &nth.to_string(), one) });
        }
    }
    all
}

/// One empty set of fields of each, behind those that are there.
fn blank_shapes(draft: &Draft, lang: Lang) -> Vec<ShapeView> {
    let empty = Shape::default();
    vec![
        shape("zone", lang.cam_zone(), &draft.zones.len().to_string(), &empty),
        shape("line", lang.cam_line(), &draft.lines.len().to_string(), &empty),
        shape("mask", lang.cam_mask(), &draft.masks.len().to_string(), &empty),
    ]
}

fn shape(kind: &'static str, word: &'static str, nth: &str, one: &Shape) -> ShapeView {
    let points = outline::points(&one.points).unwrap_or_default();
    let at = |(x, y): &(f64, f64)| format!("{:.1},{:.1}", x * DRAWING.0, y * DRAWING.1);
    let share = if kind == "line" || points.len() < 3 {
        String::new()
    } else {
        format!("{:.0} %", outline::area(&points) * 100.0)
    };
    ShapeView {
        kind,
        at: nth.to_owned(),
        was: one.was.map(|was| was.to_string()).unwrap_or_default(),
        id: one.id.clone(),
        points: one.points.clone(),
        drawn: points.iter().map(at).collect::<Vec<_>>().join(" "),
        share,
        word,
        wrong: Vec::new(),
    }
}
