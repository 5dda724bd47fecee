//! What the hub asks of this box.
