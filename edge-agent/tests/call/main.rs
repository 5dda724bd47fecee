//! The call tap as an exchange meets it: real sockets, real files, real processes.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]

mod alarm;
mod api;
mod bleep;
mod client;
mod contact;
mod endings;
mod funasr;
mod inbox;
mod live;
mod recording;
mod siprec;
mod site;
mod speech;
mod vosk;
mod websocket;
mod words;
