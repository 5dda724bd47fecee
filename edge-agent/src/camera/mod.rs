//! Station 1: a camera becomes encoded units and decoded frames.
