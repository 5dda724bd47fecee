//! The frame of a page, and the time as its reader sees it.

use askama::Template;
use axum::response::Html;

use super::error::PageError;
use super::guard::{Preferences, Viewer};
use super::moment::LocalTime;
use super::view::{Nav, Shell, Who};
use crate::app::App;
use crate::user::Act;

pub(super) fn local(app: &App) -> LocalTime {
    LocalTime { zone: app.zone.clone(), now: app.clock.now() }
}

/// Call before reading what the page shows: a change in between is then shown twice, never missed.
pub(super) async fn shell(app: &App, viewer: &Viewer, nav: Nav) -> Result<Shell, PageError> {
    let position = app
        .changes
        .newest(app.tenant().as_str())
        .await
        .map_err(|error| PageError::from(error).shown(viewer))?;
    let who = who(viewer);
    Ok(frame(app, &viewer.preferences, nav, Some(who), viewer.session.csrf.clone(), Some(position)))
}

pub(super) fn who(viewer: &Viewer) -> Who {
    Who {
        name: viewer.session.user.clone(),
        role: viewer.session.role,
        sees_devices: viewer.may(Act::SeeDevices),
        sees_quarantine: viewer.may(Act::SeeQuarantine),
        sees_evaluation: viewer.may(Act::Evaluate),
        sees_admin: viewer.may(Act::Audit),
        sees_queue: viewer.may(Act::Queue),
        sees_tasks: viewer.may(Act::OwnTasks),
        sees_handover: viewer.may(Act::HandOver),
        sees_field: viewer.may(Act::Field),
        sees_seat: viewer.may(Act::FileTicket),
        sees_map: viewer.may(Act::SeeCases),
        wall: if viewer.may(Act::Acknowledge) {
            Some("/wall")
        } else {
            viewer.may(Act::WallScreen).then_some("/screen")
        },
    }
}

pub(super) fn frame(
    app: &App,
    preferences: &Preferences,
    nav: Nav,
    who: Option<Who>,
    csrf: String,
    position: Option<i64>,
) -> Shell {
    let local = local(app);
    Shell {
        lang: preferences.lang,
        theme: preferences.theme,
        nav,
        who,
        csrf,
        now: local.moment(local.now),
        here: preferences.here.clone(),
        find: String::new(),
        position,
    }
}

pub(super) fn render(page: &impl Template, viewer: &Viewer) -> Result<Html<String>, PageError> {
    page.render().map(Html).map_err(|error| PageError::from(error).shown(viewer))
}
