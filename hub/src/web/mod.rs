//! Station 10: pages and their live feed.

#[cfg(test)]
mod gallery;
pub mod moment;
pub mod text;
pub mod view;
