//! Checks everything that an installer can mend.
