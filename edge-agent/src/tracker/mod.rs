//! Station 4: detections become tracks. Pure.
