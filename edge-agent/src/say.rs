//! Words for people on the terminal. A reader who goes early (`edge-agent check | head -1`) is no error: what is
//! left goes nowhere, and the exit status still says what was found. `println!` would panic.

use std::fmt::Arguments;
use std::io::{Write as _, stderr, stdout};

/// A line on standard output.
pub fn line(words: Arguments<'_>) {
    let _ = writeln!(stdout(), "{words}");
}

/// A line on standard error.
pub fn complain(words: Arguments<'_>) {
    let _ = writeln!(stderr(), "{words}");
}

/// `println!` for which a reader who has gone is no error.
#[macro_export]
macro_rules! say {
    ($($words:tt)*) => { $crate::say::line(format_args!($($words)*)) };
}
