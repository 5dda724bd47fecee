//! The stations of the box with real parts: cameras, brokers, disks, the program itself. One program for all: each
//! program is linked with everything the box stands on, and that is what building tests takes longest for. Calls have
//! their own (`tests/call`), which measures its memory.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]

mod camera;
mod cli;
mod clips;
mod commands;
mod common;
mod degraded;
mod detect;
mod detectors;
mod evidence;
mod health;
mod killed_fetch;
mod media;
mod mot;
mod outbox;
mod pose_succession;
mod power;
mod privacy;
mod recording;
mod recovery;
mod replay;
mod selftest;
mod service;
mod small_disk;
mod succession;
mod uplink;
mod upload;
mod watch;
