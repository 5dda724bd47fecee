//! How a download goes, on standard error: one line that changes on a terminal, else a line for what happens.

use std::io::{IsTerminal as _, Write as _, stderr};

use models::supply::Event;

use crate::say;

pub(super) struct Progress {
    terminal: bool,
    /// Per cent that are shown, or megabytes where nobody says how long it is.
    shown: Option<u64>,
    /// The file that was last told of.
    file: String,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { terminal: stderr().is_terminal(), shown: None, file: String::new() }
    }

    pub(super) fn show(&mut self, model: &str, file: &str, event: &Event) {
        if self.file != file {
            self.end();
            file.clone_into(&mut self.file);
            self.line(format_args!("{model}: {file}"));
        }
        match event {
            Event::Bytes { done, total } => self.bytes(*done, *total),
            Event::GoesOn { from_bytes } => {
                self.line(format_args!("{model}: goes on from {}", size(*from_bytes)));
            }
            Event::Anew { why } => self.line(format_args!("{model}: begins anew: {why}")),
            Event::Waits { ms, problem } => {
                self.line(format_args!("{model}: {problem}; again in {} s", ms / 1_000));
            }
            Event::Unpacks => self.line(format_args!("{model}: unpacking")),
        }
    }

    fn bytes(&mut self, done: u64, total: Option<u64>) {
        let step = total.map_or(done >> 20, |total| done * 100 / total.max(1));
        if !self.terminal || self.shown == Some(step) {
            return;
        }
        self.shown = Some(step);
        let words = match total {
            Some(total) => format!("{step:3} % of {}", size(total)),
            None => size(done),
        };
        let _ = write!(stderr(), "\r  {words}   ").and_then(|()| stderr().flush());
    }

    fn line(&mut self, words: std::fmt::Arguments<'_>) {
        self.end();
        say::complain(words);
    }

    /// The line that changes stays as it is.
    pub(super) fn end(&mut self) {
        if self.shown.take().is_some() {
            let _ = writeln!(stderr());
        }
    }
}

/// Bytes for people.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}
