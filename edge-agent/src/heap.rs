//! How the C library keeps freed memory. By default it has a heap for every few threads, and each holds on to what the
//! sessions of cameras leave in it: a box with ten cameras lives for weeks with some 30 MB that nobody uses. In few
//! heaps that is less; what still lies free in the middle of one has to be given back on demand.

/// Heaps of this process.
const HEAPS: i32 = 2;

/// To be called before there are threads.
#[expect(unsafe_code, reason = "glibc's settings have no safe binding among our dependencies")]
pub(crate) fn share() {
    // SAFETY: mallopt only sets a number of glibc's allocator and may be called at any time.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, HEAPS) };
}

/// Gives free pages back to the system. Takes the longer the more lies free, and whoever allocates meanwhile waits:
/// now and then is enough, and on a thread of its own.
#[expect(unsafe_code, reason = "glibc's trimming has no safe binding among our dependencies")]
pub(crate) fn give_back() {
    // SAFETY: malloc_trim touches only what is free, under the allocator's own locks.
    unsafe { libc::malloc_trim(0) };
}
