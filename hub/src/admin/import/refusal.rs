//! Why nothing came of an import, whoever imports: one form of the errors that each importer has for itself.

use super::{Failure, Fault};
use crate::db;
use crate::gazetteer::GazetteerError;
use crate::grid::GridError;
use crate::policy::PolicyError;
use crate::sheet::Bad;
use crate::ticket::knowledge;
use crate::{category, organisation, user};

pub(super) enum Refusal {
    /// What is brought cannot be taken as it is, for these reasons.
    Faults(Vec<Fault>),
    /// It cannot be said.
    Failed(Failure),
}

impl Refusal {
    pub(super) fn of_file(what: impl ToString) -> Self {
        Self::of_all(vec![what.to_string()])
    }

    fn of_all(wrong: Vec<String>) -> Self {
        Self::Faults(wrong.into_iter().map(Fault::of_file).collect())
    }

    fn at(bad: &Bad) -> Self {
        Self::Faults(vec![Fault::from(bad)])
    }

    fn failed(why: impl ToString) -> Self {
        Self::Failed(Failure::Other(why.to_string()))
    }
}

impl From<db::Error> for Refusal {
    fn from(error: db::Error) -> Self {
        Self::Failed(Failure::Db(error))
    }
}

/// Of sheets: a file that cannot be read, told with its place, the database, and what is wrong with the sheet as a whole.
macro_rules! of_sheets {
    ($($error:ty),*) => {
        $(impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                type E = $error;
                match error {
                    E::Db(error) => error.into(),
                    E::File(bad) => Self::at(&bad),
                    whole => Self::of_file(whole),
                }
            }
        })*
    };
}

of_sheets!(organisation::ImportError, category::ImportError, knowledge::ImportError, GazetteerError);

impl From<user::import::ImportError> for Refusal {
    fn from(error: user::import::ImportError) -> Self {
        use user::import::ImportError as E;
        match error {
            E::Db(error) => error.into(),
            E::File(bad) => Self::at(&bad),
            E::TooMany(_) | E::NoAdministrator | E::Meanwhile(_) => Self::of_file(error),
            E::Passwords(_) | E::Hash(_) => Self::failed(error),
        }
    }
}

impl From<GridError> for Refusal {
    fn from(error: GridError) -> Self {
        match error {
            GridError::Db(error) => error.into(),
            GridError::Wrong(wrong) => Self::of_all(wrong),
        }
    }
}

impl From<PolicyError> for Refusal {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::Db(error) => error.into(),
            PolicyError::Wrong(wrong) => Self::of_all(wrong),
        }
    }
}
