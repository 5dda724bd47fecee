//! Station 3: one shared session, cameras served fairly.
