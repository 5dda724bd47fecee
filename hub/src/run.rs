//! The hub's diagram.
