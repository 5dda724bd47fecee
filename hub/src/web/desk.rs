//! Where everybody's work waits: the front page leads there, and so does a login that was asked for by no page.

use axum::response::Redirect;

use super::guard::Viewer;
use crate::user::Role;

pub(super) async fn lead(viewer: Viewer) -> Redirect {
    Redirect::to(of(viewer.session.role))
}

/// By the first role that somebody got.
fn of(role: Role) -> &'static str {
    match role {
        Role::Operator => "/seat",
        Role::Commander | Role::ShiftLeader => "/wall",
        Role::Dispatcher | Role::TownOfficer | Role::CommunityOfficer => "/queue",
        Role::DepartmentHead | Role::Handler => "/tasks",
        Role::GridManager | Role::Informant | Role::Attendant => "/field",
        Role::Evaluator => "/evaluation",
        Role::Installer => "/devices",
        Role::Auditor => "/admin/access",
        Role::Administrator => "/cases",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Act;

    /// Nobody is led to a door that is closed to him.
    #[test]
    fn everybody_may_enter() {
        for role in Role::ALL {
            let act = match of(role) {
                "/seat" => Act::FileTicket,
                "/wall" => Act::Acknowledge,
                "/queue" => Act::Queue,
                "/tasks" => Act::OwnTasks,
                "/field" => Act::Field,
                "/evaluation" => Act::Evaluate,
                "/devices" => Act::SeeDevices,
                "/admin/access" => Act::Audit,
                _ => Act::SeeCases,
            };
            assert!(role.may(act), "{role:?}");
        }
    }
}
