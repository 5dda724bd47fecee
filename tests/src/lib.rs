//! The world around the product, for tests and the demo: cameras, callers, brokers, databases, browsers.
