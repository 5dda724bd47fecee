//! Station 10: pages and their live feed.
