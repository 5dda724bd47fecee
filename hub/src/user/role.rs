//! Who may do what. One table: change it here and every page and route follows.

use std::fmt;
use std::str::FromStr;

use crate::web::text::Lang;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Administrator,
    /// 坐席
    Operator,
    /// 指挥中心
    Commander,
    /// 班长
    ShiftLeader,
    /// 派遣员
    Dispatcher,
    /// 部门负责人
    DepartmentHead,
    /// 部门承办人
    Handler,
    TownOfficer,
    CommunityOfficer,
    /// 网格管理员
    GridManager,
    /// 网格信息员
    Informant,
    /// 网格服务员
    Attendant,
    /// 考核员
    Evaluator,
    /// 安装人员
    Installer,
    /// 审计员
    Auditor,
}

/// What needs a role. Moves of cases are [`crate::workflow::Law`]'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// See cases, those that lie in one's area or are one's unit's.
    SeeCases,
    /// Report a matter by hand.
    Report,
    Acknowledge,
    FileTicket,
    /// Ask a box for a masked current picture, or a masked stretch of what it recorded.
    RequestStill,
    /// Ask for, or listen to, the raw recording of a call.
    Recording,
    /// See, or delete, the number to call a citizen back at: who speaks with citizens, not who sets up the system.
    Contact,
    /// See boxes, and what was asked of them.
    SeeDevices,
    /// See what boxes sent and nobody could read: words of calls may be in it.
    SeeQuarantine,
    Configure,
    AddDevice,
    /// Put an alarm source aside for a while.
    Shelve,
    /// The same with one that tells of emergencies.
    ShelveEmergency,
    /// See what the cases of one's area, or one's unit, come to.
    Evaluate,
    /// Release the alert of a case to those outside, or take it back.
    ReleaseAlert,
    /// Bring pictures for a report or a move.
    Attach,
    /// Areas, units, policies, users.
    Organise,
    /// Look at how things are set up, who changed it, and who looked at what.
    Audit,
    /// Look at the alert wall as a screen for a room, without its forms.
    WallScreen,
    /// Work off what waits for a centre or an officer, case after case.
    Queue,
    /// See and accept what was dispatched to one's unit.
    OwnTasks,
    /// Close a shift, or take one over.
    HandOver,
    /// Do the tasks of a grid, a community or a town from a telephone.
    Field,
}

impl Act {
    pub const ALL: [Self; 23] = [
        Self::SeeCases,
        Self::Report,
        Self::Acknowledge,
        Self::FileTicket,
        Self::RequestStill,
        Self::Recording,
        Self::Contact,
        Self::SeeDevices,
        Self::SeeQuarantine,
        Self::Configure,
        Self::AddDevice,
        Self::Shelve,
        Self::ShelveEmergency,
        Self::Evaluate,
        Self::ReleaseAlert,
        Self::Attach,
        Self::Organise,
        Self::Audit,
        Self::WallScreen,
        Self::Queue,
        Self::OwnTasks,
        Self::HandOver,
        Self::Field,
    ];

    /// The table.
    pub fn roles(self) -> &'static [Role] {
        use Role::{
            Administrator, Attendant, Auditor, Commander, CommunityOfficer, DepartmentHead, Dispatcher,
            Evaluator, GridManager, Handler, Informant, Installer, Operator, ShiftLeader, TownOfficer,
        };
        match self {
            Self::SeeCases => &[
                Administrator,
                Operator,
                Commander,
                ShiftLeader,
                Dispatcher,
                DepartmentHead,
                Handler,
                TownOfficer,
                CommunityOfficer,
                GridManager,
                Informant,
                Attendant,
                Evaluator,
                Auditor,
            ],
            Self::Report => &[
                Operator,
                Commander,
                ShiftLeader,
                Dispatcher,
                TownOfficer,
                CommunityOfficer,
                GridManager,
                Informant,
                Attendant,
            ],
            Self::Acknowledge => &[
                Administrator,
                Operator,
                Commander,
                ShiftLeader,
                Dispatcher,
                TownOfficer,
                CommunityOfficer,
                GridManager,
            ],
            Self::RequestStill => &[Administrator, Operator, Commander, ShiftLeader, Dispatcher],
            Self::Recording => &[Administrator, Operator, Commander, ShiftLeader],
            Self::FileTicket => &[Administrator, Operator, ShiftLeader],
            Self::Contact => &[Operator, Commander, ShiftLeader],
            Self::SeeDevices => {
                &[Administrator, Operator, Commander, ShiftLeader, Dispatcher, Installer, Auditor]
            }
            Self::SeeQuarantine => &[Administrator, Operator, Commander, ShiftLeader, Auditor],
            Self::Configure | Self::AddDevice => &[Administrator, Installer],
            Self::Shelve => &[Operator, Commander, ShiftLeader, Dispatcher],
            Self::ShelveEmergency => &[Commander, ShiftLeader],
            Self::Evaluate => {
                &[Administrator, Commander, DepartmentHead, TownOfficer, CommunityOfficer, Evaluator, Auditor]
            }
            Self::ReleaseAlert => &[Commander, ShiftLeader],
            // Whoever may report, or make a move that takes pictures.
            Self::Attach => &[
                Operator,
                Commander,
                ShiftLeader,
                Dispatcher,
                DepartmentHead,
                Handler,
                TownOfficer,
                CommunityOfficer,
                GridManager,
                Informant,
                Attendant,
            ],
            Self::Organise => &[Administrator],
            Self::Audit => &[Administrator, Auditor],
            Self::WallScreen => &[Administrator, Commander, ShiftLeader, Dispatcher, Auditor],
            Self::Queue => &[Commander, ShiftLeader, Dispatcher, TownOfficer, CommunityOfficer],
            Self::OwnTasks => &[DepartmentHead, Handler],
            Self::HandOver => &[Operator, Commander, ShiftLeader, Dispatcher, TownOfficer, CommunityOfficer],
            Self::Field => &[GridManager, Informant, Attendant, CommunityOfficer, TownOfficer],
        }
    }

    /// `管理员、坐席`, for the words beside a disabled button.
    pub fn roles_text(self, lang: Lang) -> String {
        let words: Vec<_> = self.roles().iter().map(|role| role.word(lang)).collect();
        words.join(lang.pick("、", ", "))
    }
}

impl Role {
    pub const ALL: [Self; 15] = [
        Self::Administrator,
        Self::Operator,
        Self::Commander,
        Self::ShiftLeader,
        Self::Dispatcher,
        Self::DepartmentHead,
        Self::Handler,
        Self::TownOfficer,
        Self::CommunityOfficer,
        Self::GridManager,
        Self::Informant,
        Self::Attendant,
        Self::Evaluator,
        Self::Installer,
        Self::Auditor,
    ];

    pub fn may(self, act: Act) -> bool {
        act.roles().contains(&self)
    }

    /// Whether people of this role work in a unit.
    pub fn is_of_a_unit(self) -> bool {
        matches!(self, Self::DepartmentHead | Self::Handler)
    }

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Operator => "operator",
            Self::Commander => "commander",
            Self::ShiftLeader => "shift_leader",
            Self::Dispatcher => "dispatcher",
            Self::DepartmentHead => "department_head",
            Self::Handler => "handler",
            Self::TownOfficer => "town_officer",
            Self::CommunityOfficer => "community_officer",
            Self::GridManager => "grid_manager",
            Self::Informant => "informant",
            Self::Attendant => "attendant",
            Self::Evaluator => "evaluator",
            Self::Installer => "installer",
            Self::Auditor => "auditor",
        }
    }

    pub fn word(self, lang: Lang) -> &'static str {
        match self {
            Self::Administrator => lang.role_administrator(),
            Self::Operator => lang.role_operator(),
            Self::Commander => lang.role_commander(),
            Self::ShiftLeader => lang.role_shift_leader(),
            Self::Dispatcher => lang.role_dispatcher(),
            Self::DepartmentHead => lang.role_department_head(),
            Self::Handler => lang.role_handler(),
            Self::TownOfficer => lang.role_town_officer(),
            Self::CommunityOfficer => lang.role_community_officer(),
            Self::GridManager => lang.role_grid_manager(),
            Self::Informant => lang.role_informant(),
            Self::Attendant => lang.role_attendant(),
            Self::Evaluator => lang.role_evaluator(),
            Self::Installer => lang.role_installer(),
            Self::Auditor => lang.role_auditor(),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("role {text:?} is not one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table, by hand: a commander files no tickets, only who sets up boxes changes them; citizens' numbers are no
    /// administrator's affair, cases none of an installer's.
    #[test]
    fn the_table_is_as_agreed() {
        assert!(Role::Operator.may(Act::FileTicket));
        assert!(!Role::Commander.may(Act::FileTicket));
        assert!(!Role::Operator.may(Act::Configure) && !Role::Commander.may(Act::AddDevice));
        assert!(Role::Operator.may(Act::Contact) && Role::Commander.may(Act::Contact));
        for act in Act::ALL {
            let no = [
                Act::Contact,
                Act::Report,
                Act::Shelve,
                Act::ShelveEmergency,
                Act::ReleaseAlert,
                Act::Attach,
                Act::Queue,
                Act::OwnTasks,
                Act::HandOver,
                Act::Field,
            ];
            assert_eq!(Role::Administrator.may(act), !no.contains(&act), "{act:?}");
        }
        let installer: Vec<_> = Act::ALL.into_iter().filter(|act| Role::Installer.may(*act)).collect();
        assert_eq!(installer, [Act::SeeDevices, Act::Configure, Act::AddDevice]);
        let auditor: Vec<_> = Act::ALL.into_iter().filter(|act| Role::Auditor.may(*act)).collect();
        let own =
            [Act::SeeCases, Act::SeeDevices, Act::SeeQuarantine, Act::Evaluate, Act::Audit, Act::WallScreen];
        assert_eq!(auditor, own);
    }

    #[test]
    fn roles_read_back() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>(), Ok(role));
        }
        assert!("root".parse::<Role>().is_err());
    }
}
