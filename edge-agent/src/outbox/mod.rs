//! Station 6: incidents and their files, committed before anything else happens to them.
