//! Where the native inference libraries are.
