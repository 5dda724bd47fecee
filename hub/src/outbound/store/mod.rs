//! SQL of the outbox, its channels, and of addresses.
//!
//! What waits of one case for one webhook is a *lane*: only its first row is not `held`. Whoever ends that row lets the
//! next one go. A row that is written at that very moment may miss it; [`sending::free`] finds it.

pub(super) mod looking;
pub(super) mod reach;
pub(super) mod sending;
pub(super) mod telling;

pub(super) use looking::prune;
