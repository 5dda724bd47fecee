//! Files addressed by content, received by tus 1.0.
