//! Station 9: which case an incident opens or joins. Pure.
