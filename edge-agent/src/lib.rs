//! The box: cameras and calls in, incidents out. `run.rs` wires the stations; each module is one of them.

pub mod analyser;
pub mod call;
pub mod camera;
pub mod command;
pub mod config;
pub mod detector;
pub mod doctor;
pub mod enrol;
pub mod evidence;
pub mod frame;
pub mod health;
pub mod identity;
pub mod motion;
pub mod native;
pub mod outbox;
pub mod recovery;
pub mod replay;
pub mod report;
pub mod revisions;
pub mod rules;
pub mod run;
pub mod tracker;
pub mod uplink;
pub mod upload;
pub mod watch;
