//! How each form of channel speaks, and what its answers mean.
//!
//! Bodies and answers are pure; [`http`], [`mail`] and [`push`] carry them.

pub(super) mod http;
pub(super) mod mail;
pub(super) mod push;
pub(super) mod robot;
pub(super) mod sms;

/// What came of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has it, and what it said.
    Sent(String),
    /// Not now.
    Later(Setback),
    /// Never, as it is.
    Refused(String),
}

/// Why something is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setback {
    pub(super) reason: String,
    /// The channel itself does not work: nothing else on it would.
    pub(super) whole: bool,
    /// The receiver said how long to wait.
    pub(super) wait_ms: Option<i64>,
}

impl Outcome {
    /// Nothing would get through now.
    pub(super) fn down(reason: impl Into<String>) -> Self {
        Self::Later(Setback { reason: short(&reason.into()), whole: true, wait_ms: None })
    }

    /// This one does not get through now.
    pub(super) fn again(reason: impl Into<String>) -> Self {
        Self::Later(Setback { reason: short(&reason.into()), whole: false, wait_ms: None })
    }

    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused(short(&reason.into()))
    }
}

/// Longest reason that is kept, in characters.
const MOST_REASON: usize = 300;

/// What others say, as far as people read it.
pub(super) fn short(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_REASON).collect();
    text.trim().to_owned()
}
