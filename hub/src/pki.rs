//! The hub's own certificate authority.
