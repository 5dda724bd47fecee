//! Snapshots and clips, masked on the box.
