//! The world around the product, for tests and the demo: cameras, callers, brokers, databases, browsers.

pub mod call;
pub mod http;
pub mod rtsp;
pub mod scene;
pub mod speech;
