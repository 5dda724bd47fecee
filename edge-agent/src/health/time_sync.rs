//! Whether the machine's clock is disciplined.

/// What systemd-timesyncd leaves once it has set the clock.
const TIMESYNC_MARK: &str = "/run/systemd/timesync/synchronized";

/// True when the kernel says so, or, where asking is forbidden (systemd's `ProtectClock`), when timesyncd does.
pub fn clock_synced() -> bool {
    kernel_synced().unwrap_or(false) || std::path::Path::new(TIMESYNC_MARK).exists()
}

#[expect(unsafe_code, reason = "adjtimex has no safe binding among our dependencies")]
fn kernel_synced() -> Option<bool> {
    // SAFETY: all-zero is a valid `timex` (integers only); `modes` 0 makes the call read-only, and it writes
    // only into the struct it is given.
    let state = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        libc::adjtimex(&raw mut timex)
    };
    match state {
        -1 => None,
        libc::TIME_ERROR => Some(false),
        _ => Some(true),
    }
}

#[cfg(test)]
mod tests {
    /// The call works here, whatever it says: the same twice in a row.
    #[test]
    fn asking_twice_gives_the_same() {
        assert_eq!(super::kernel_synced(), super::kernel_synced());
    }
}
