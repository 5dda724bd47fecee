//! Stations 2 to 5 of one camera, in order.
