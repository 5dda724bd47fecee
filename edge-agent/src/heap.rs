//! How the C library keeps freed memory. By default it has a heap for every few threads, and each holds on to what the
//! sessions of cameras leave in it: a box with ten cameras lives for weeks with some 30 MB that nobody uses.

/// Heaps of this process.
const HEAPS: i32 = 2;

/// To be called before there are threads.
#[expect(unsafe_code, reason = "glibc's settings have no safe binding among our dependencies")]
pub(crate) fn share() {
    // SAFETY: mallopt only sets a number of glibc's allocator and may be called at any time.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, HEAPS) };
}
