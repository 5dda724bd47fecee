//! Who may do what. One table: change it here and every page and route follows.

use std::fmt;
use std::str::FromStr;

use crate::web::text::Lang;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    Administrator,
    Operator,
    Commander,
}

/// What needs a role. Looking needs only a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Acknowledge,
    FileTicket,
    /// Ask a box for a masked current picture, or a masked stretch of what it recorded.
    RequestStill,
    /// Ask for, or listen to, the raw recording of a call.
    Recording,
    /// See, or delete, the number to call a citizen back at: who speaks with citizens, not who sets up the system.
    Contact,
    Configure,
    AddDevice,
}

impl Act {
    pub const ALL: [Self; 7] = [
        Self::Acknowledge,
        Self::FileTicket,
        Self::RequestStill,
        Self::Recording,
        Self::Contact,
        Self::Configure,
        Self::AddDevice,
    ];

    /// The table.
    pub fn roles(self) -> &'static [Role] {
        use Role::{Administrator, Commander, Operator};
        match self {
            Self::Acknowledge | Self::RequestStill | Self::Recording => &[Administrator, Operator, Commander],
            Self::FileTicket => &[Administrator, Operator],
            Self::Contact => &[Operator, Commander],
            Self::Configure | Self::AddDevice => &[Administrator],
        }
    }

    /// `管理员、坐席`, for the words beside a disabled button.
    pub fn roles_text(self, lang: Lang) -> String {
        let words: Vec<_> = self.roles().iter().map(|role| role.word(lang)).collect();
        words.join(lang.pick("、", ", "))
    }
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Administrator, Self::Operator, Self::Commander];

    pub fn may(self, act: Act) -> bool {
        act.roles().contains(&self)
    }

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Operator => "operator",
            Self::Commander => "commander",
        }
    }

    pub fn word(self, lang: Lang) -> &'static str {
        match self {
            Self::Administrator => lang.role_administrator(),
            Self::Operator => lang.role_operator(),
            Self::Commander => lang.role_commander(),
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

    /// The table, by hand: a commander does not file tickets, only an administrator changes boxes; citizens' numbers are no
    /// administrator's affair.
    #[test]
    fn the_table_is_as_agreed() {
        assert!(Role::Operator.may(Act::FileTicket));
        assert!(!Role::Commander.may(Act::FileTicket));
        assert!(!Role::Operator.may(Act::Configure) && !Role::Commander.may(Act::AddDevice));
        assert!(Role::Operator.may(Act::Contact) && Role::Commander.may(Act::Contact));
        for act in Act::ALL {
            assert_eq!(Role::Administrator.may(act), act != Act::Contact, "{act:?}");
        }
    }

    #[test]
    fn roles_read_back() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>(), Ok(role));
        }
        assert!("root".parse::<Role>().is_err());
    }
}
