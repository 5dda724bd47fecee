//! The world around the product, for tests and the demo: cameras, callers, brokers, databases, browsers.

pub mod arrival;
pub mod browser;
pub mod call;
pub mod form;
pub mod http;
pub mod lan;
pub mod line;
pub mod operator;
pub mod postgres;
pub mod process;
pub mod rtsp;
pub mod rush;
pub mod scene;
pub mod speech;
pub mod wait;
mod world;

pub use world::{BrokerKind, Builder, CameraPlan, DEVICE, DatabaseKind, World, drawn_clip, recogniser};
