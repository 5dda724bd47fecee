//! What tells one file from another: its size and SHA-256, of bytes on their way or of a file that lies there.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    pub size_bytes: u64,
    pub sha256: String,
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.sha256, self.size_bytes)
    }
}

/// Bytes as they come by.
#[derive(Default)]
pub(crate) struct Reckoning {
    size_bytes: u64,
    hasher: Sha256,
}

impl Reckoning {
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.size_bytes += bytes.len() as u64;
        self.hasher.update(bytes);
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) fn fingerprint(self) -> Fingerprint {
        Fingerprint { size_bytes: self.size_bytes, sha256: hex::encode(self.hasher.finalize()) }
    }
}

/// Copies, and tells what it was. An error of the reader and one of the writer look alike.
pub(crate) fn pour(from: &mut impl Read, to: &mut impl Write) -> io::Result<Fingerprint> {
    let mut reckoning = Reckoning::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => return Ok(reckoning.fingerprint()),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        reckoning.take(&buffer[..n]);
        to.write_all(&buffer[..n])?;
    }
}

/// What lies there.
pub(crate) fn of_file(path: &Path) -> io::Result<Fingerprint> {
    pour(&mut File::open(path)?, &mut io::sink())
}

/// What has the form of one: 64 hexadecimal digits.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}
