//! The box's diagram: every task, channel, bound and the order of shutdown.
