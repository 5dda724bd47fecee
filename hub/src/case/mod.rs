//! Cases: one open case per cause, with an append-only history.
