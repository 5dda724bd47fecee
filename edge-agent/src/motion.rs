//! Station 2: the motion gate. Luma in, moving boxes out; no I/O.
