//! Users, passwords, sessions.
