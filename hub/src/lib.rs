//! The hub: events in, cases out, screens for people. `run.rs` wires the stations.

pub mod api;
pub mod app;
pub mod broker;
pub mod case;
pub mod change;
pub mod command;
pub mod config;
pub mod correlation;
pub mod db;
pub mod device;
pub mod evidence;
pub mod http;
pub mod intake;
pub mod metrics;
pub mod pki;
pub mod reconcile;
pub mod renewal;
pub mod run;
pub mod running;
pub mod ticket;
pub mod user;
pub mod web;
