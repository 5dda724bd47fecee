//! People who log in.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hub::user::Role;

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user; prints the generated password.
    Add {
        name: String,
        #[command(flatten)]
        grant: GrantArgs,
    },
    /// Give a user one more role somewhere.
    Grant {
        name: String,
        #[command(flatten)]
        grant: GrantArgs,
    },
    /// Take a role away; it holds from the next click on.
    Revoke {
        name: String,
        #[command(flatten)]
        grant: GrantArgs,
    },
    /// Take users and their roles from a CSV file in UTF-8; docs/IMPORTS.md names its columns. Passwords of new users go
    /// into a file that only you can read.
    Import {
        file: PathBuf,
        /// Say what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
        /// Take away from the users of the file what it does not give them.
        #[arg(long)]
        replace: bool,
        /// Where the passwords go; FILE with the ending .passwords when left out. It must not be there yet.
        #[arg(long)]
        passwords: Option<PathBuf>,
    },
    /// List users, a role a line: name, role, area, unit.
    List,
    /// Shut a user out, and end the user's sessions.
    Lock { name: String },
    /// Let a locked user in again.
    Unlock { name: String },
    /// Take everything from a user but the name, which histories hold and nobody is given again.
    Remove { name: String },
    /// Give a user a new generated password, print it, and end the user's sessions.
    Password { name: String },
    /// Say how a user is reached outside the hub; prints name, mail address and telephone number.
    Reach {
        name: String,
        /// Mail address; an empty one removes it.
        #[arg(long)]
        mail: Option<String>,
        /// Telephone number for text messages; an empty one removes it.
        #[arg(long)]
        phone: Option<String>,
        /// Remove both first.
        #[arg(long)]
        clear: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct GrantArgs {
    /// administrator, operator, commander, shift_leader, dispatcher, department_head, handler, town_officer,
    /// community_officer, grid_manager, informant, attendant, evaluator, installer or auditor.
    #[arg(long, default_value = "operator")]
    pub(crate) role: Role,
    /// Id of the area in which it holds; everywhere when left out.
    #[arg(long)]
    pub(crate) area: Option<String>,
    /// Id of the unit, of who works in one.
    #[arg(long)]
    pub(crate) unit: Option<String>,
}
