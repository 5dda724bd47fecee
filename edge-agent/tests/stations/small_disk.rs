//! A small file system of a test's own, gone when dropped.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

pub(crate) struct SmallDisk(tempfile::TempDir);

static BLOCK: [u8; 64 << 10] = [7; 64 << 10];

impl SmallDisk {
    /// `None`, with the reason printed, where mounting is not allowed.
    pub(crate) fn mount(size_mib: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={size_mib}m");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "shaodian-test"]).arg(dir.path());
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self(dir)),
            other => {
                eprintln!("skipped: no small file system can be mounted here ({other:?})");
                None
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves no byte.
    pub(crate) fn fill(&self) {
        let mut file = self.filler();
        for size in [BLOCK.len(), 4096, 1] {
            while file.write_all(&BLOCK[..size]).is_ok() {}
        }
    }

    /// Leaves about so many bytes.
    pub(crate) fn fill_but(&self, bytes: u64) {
        let free = edge_agent::outbox::free_bytes(self.path()).unwrap();
        let mut file = self.filler();
        for _ in 0..free.saturating_sub(bytes) / BLOCK.len() as u64 {
            if file.write_all(&BLOCK).is_err() {
                return;
            }
        }
    }

    /// Takes away what filled it.
    pub(crate) fn empty(&self) {
        let _ = std::fs::remove_file(self.path().join("fill"));
    }

    fn filler(&self) -> File {
        OpenOptions::new().create(true).append(true).open(self.path().join("fill")).unwrap()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
