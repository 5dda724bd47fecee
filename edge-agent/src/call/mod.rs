//! The call tap: telephone audio becomes recordings and hotline incidents.
