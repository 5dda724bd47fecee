//! A clip through stations 2 to 5 on media time.
