//! Numbers that an installer may write, within their limits.

use std::fmt::Display;
use std::ops::RangeInclusive;

/// What is wrong with some keys of a section: key, and what to write.
pub(crate) type Wrong = Vec<(&'static str, String)>;

/// Notes a value that lies outside.
pub(crate) fn within<N: PartialOrd + Display>(
    found: &mut Wrong,
    key: &'static str,
    value: N,
    range: RangeInclusive<N>,
) {
    if !range.contains(&value) {
        let (low, high) = (range.start(), range.end());
        found.push((key, format!("{value} is not between {low} and {high}")));
    }
}
