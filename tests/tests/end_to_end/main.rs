//! Box, broker, hub and browser together, as people use them. One program for all (see edge-agent's `stations`); the
//! demo has its own, since it takes the whole machine.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]

mod cameras;
mod doctor;
mod editor;
mod eval;
mod evidence;
mod golden;
mod interrupted;
mod kill;
mod package;
mod pages;
mod path;
mod playback;
mod quiet;
mod real;
mod scene;
mod stays;
