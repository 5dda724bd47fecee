//! Station 5: tracks become incidents opened, updated, ended. Pure.
