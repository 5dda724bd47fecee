//! Views of the queue that somebody has saved under a name. A view is an address and nothing else: it is opened by its link, and
//! the address stays what is looked at. Each is its owner's alone.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::{Again, Asked, refused, store};
use crate::app::App;
use crate::db;
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{Fields, SafeForm, Viewer, local_path};
use crate::web::view::QueueView;

/// Views of one person.
const MOST: i64 = 20;
/// Longest name, in characters.
const MOST_NAME: usize = 24;

/// Those of whoever looks, by name; `here`: the address that is looked at.
pub(super) async fn of(app: &App, viewer: &Viewer, here: &str) -> db::Result<Vec<QueueView>> {
    let all = store::views(&app.db, app.tenant().as_str(), &viewer.session.user).await?;
    let view = |(name, query): (String, String)| {
        // Read like any address: what an older hub kept and this one does not know asks for nothing.
        let asked = Asked::read(&Fields::parse(query.as_bytes()));
        let url = asked.url(asked.part);
        QueueView { is_on: url == here, name, url }
    };
    Ok(all.into_iter().map(view).collect())
}

/// Saves what is looked at under a name, or takes a view away; both can be done twice.
pub(in crate::web) async fn submit(State(app): State<App>, form: SafeForm) -> Response {
    let (viewer, fields) = (&form.viewer, &form.fields);
    if let Err(error) = viewer.must(Act::Queue) {
        return error.into_response();
    }
    let lang = viewer.preferences.lang;
    let back = Some(local_path(fields.get("back"))).filter(|back| back.starts_with("/queue"));
    let back = back.unwrap_or("/queue");
    let name = fields.get("name").trim();
    let fits = (1..=MOST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    let (db, tenant, user) = (&app.db, app.tenant().as_str(), viewer.session.user.as_str());
    let done = match fields.get("act") {
        "delete" => store::forget_view(db, tenant, user, name).await.map(|_| None),
        _ if !fits => Ok(Some(lang.queue_view_name_wrong())),
        _ => {
            let asked =
                Asked::read(&Fields::parse(back.split_once('?').map_or("", |(_, query)| query).as_bytes()));
            let url = asked.url(asked.part);
            let query = url.split_once('?').map_or("", |(_, query)| query);
            let kept = store::keep_view(db, tenant, (user, name, query), (MOST, app.clock.now())).await;
            kept.map(|kept| (!kept).then(|| lang.queue_views_many()))
        }
    };
    match done {
        Ok(None) => Redirect::to(back).into_response(),
        Ok(Some(problem)) => {
            refused(&app, viewer, back, Again { problem: Some(problem), ..Again::default() }).await
        }
        Err(error) => PageError::from(error).shown(viewer).into_response(),
    }
}
