//! Users, passwords, sessions.

pub mod password;
pub mod role;
