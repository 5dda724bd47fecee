//! From one-time code to certificate.
