//! Evidence to the hub by resumable upload (tus 1.0).
