//! The durable log of what changed, which live pages read.
