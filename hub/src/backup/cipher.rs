//! A backup under a passphrase: Argon2id makes the key, ChaCha20-Poly1305 seals the file piece by piece.
//!
//! Each piece is sealed with its place and with whether it is the last one, so that pieces that were changed, moved, left
//! out or cut off the end are missed. The salt makes the key one of this file alone; places never repeat under it.

use std::io::{self, Read, Write};

use anyhow::Context as _;
use argon2::{Algorithm, Argon2, Params, Version};
use protocol::Chance;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

/// How a sealed file begins.
const MAGIC: &[u8; 24] = b"shaodian-backup-sealed-1";
const SALT: usize = 16;
/// Sealed at once.
const PIECE: usize = 64 * 1024;
const TAG: usize = 16;
/// Shortest passphrase, in characters.
const LEAST: usize = 12;
const WRONG: &str =
    "this part of the backup does not open: another passphrase, or the file was changed or cut off";

/// Whether a file that begins so is sealed.
pub(super) fn is_sealed(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// How much of a file tells it.
pub(super) const HEAD: usize = MAGIC.len();

/// 64 MiB, three passes: about a fifth of a second.
fn key(passphrase: &str, salt: &[u8]) -> anyhow::Result<LessSafeKey> {
    let params = Params::new(64 * 1024, 3, 1, Some(32)).expect("constants within argon2's limits");
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut key)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("making a key of the passphrase")?;
    let key = UnboundKey::new(&CHACHA20_POLY1305, &key).expect("its keys have 32 bytes");
    Ok(LessSafeKey::new(key))
}

fn nonce(place: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&place.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// Seals what is written.
pub(super) struct Sealing<W: Write> {
    out: W,
    key: LessSafeKey,
    place: u64,
    waiting: Vec<u8>,
}

impl<W: Write> Sealing<W> {
    pub(super) fn new(mut out: W, passphrase: &str, chance: &Chance) -> anyhow::Result<Self> {
        anyhow::ensure!(passphrase.chars().count() >= LEAST, "a passphrase has {LEAST} characters or more");
        let salt = chance.bytes::<SALT>();
        let key = key(passphrase, &salt)?;
        out.write_all(MAGIC)?;
        out.write_all(&salt)?;
        Ok(Self { out, key, place: 0, waiting: Vec::with_capacity(2 * PIECE) })
    }

    fn seal(&mut self, mut piece: Vec<u8>, last: bool) -> io::Result<()> {
        self.key
            .seal_in_place_append_tag(nonce(self.place), Aad::from([u8::from(last)]), &mut piece)
            .map_err(|_| io::Error::other("a piece could not be sealed"))?;
        self.place += 1;
        self.out.write_all(&piece)
    }

    /// Seals the last piece. Without it the file does not open.
    pub(super) fn end(mut self) -> io::Result<W> {
        let last = std::mem::take(&mut self.waiting);
        self.seal(last, true)?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE);
        self.waiting.extend_from_slice(&bytes[..taken]);
        // What may be the last piece stays.
        if self.waiting.len() > PIECE {
            let rest = self.waiting.split_off(PIECE);
            let piece = std::mem::replace(&mut self.waiting, rest);
            self.seal(piece, false)?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Opens what [`Sealing`] wrote.
pub(super) struct Opening<R: Read> {
    from: R,
    key: LessSafeKey,
    place: u64,
    /// Sealed, read ahead by one byte to know whether more follows.
    ahead: Vec<u8>,
    open: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: Read> Opening<R> {
    pub(super) fn new(mut from: R, passphrase: &str) -> anyhow::Result<Self> {
        let mut head = [0; MAGIC.len() + SALT];
        from.read_exact(&mut head).context("the sealed backup ends within its first line")?;
        anyhow::ensure!(is_sealed(&head), "it is not sealed");
        let key = key(passphrase, &head[MAGIC.len()..])?;
        Ok(Self { from, key, place: 0, ahead: Vec::new(), open: Vec::new(), given: 0, ended: false })
    }

    fn next(&mut self) -> io::Result<()> {
        let missing = PIECE + TAG + 1 - self.ahead.len();
        (&mut self.from).take(missing as u64).read_to_end(&mut self.ahead)?;
        let last = self.ahead.len() <= PIECE + TAG;
        let rest = if last { Vec::new() } else { self.ahead.split_off(PIECE + TAG) };
        let mut piece = std::mem::replace(&mut self.ahead, rest);
        let opened = self
            .key
            .open_in_place(nonce(self.place), Aad::from([u8::from(last)]), &mut piece)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, WRONG))?
            .len();
        piece.truncate(opened);
        self.place += 1;
        (self.open, self.given, self.ended) = (piece, 0, last);
        Ok(())
    }
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.open.len() && !self.ended {
            self.next()?;
        }
        let count = buffer.len().min(self.open.len() - self.given);
        buffer[..count].copy_from_slice(&self.open[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = "correct horse battery";

    fn seal(bytes: &[u8]) -> Vec<u8> {
        let mut sealing = Sealing::new(Vec::new(), WORDS, &Chance::seeded(3)).unwrap();
        for part in bytes.chunks(10_007) {
            sealing.write_all(part).unwrap();
        }
        sealing.end().unwrap()
    }

    fn open(bytes: &[u8], words: &str) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Opening::new(bytes, words).map_err(io::Error::other)?.read_to_end(&mut out).map(|_| out)
    }

    /// Whatever its length, around the length of a piece too, it comes back whole, and nothing of it shows outside.
    #[test]
    fn it_comes_back() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 7] {
            let plain: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let sealed = seal(&plain);
            assert!(is_sealed(&sealed));
            assert!(open(&sealed, WORDS).unwrap() == plain, "{length} bytes");
            assert!(length < 100 || !sealed.windows(64).any(|part| part == &plain[10..74]));
        }
    }

    /// Another passphrase, a changed byte anywhere, pieces that are cut off, doubled or swapped: it does not open.
    #[test]
    fn nothing_else_opens_it() {
        let sealed = seal(&vec![7; 2 * PIECE + 100]);
        assert!(open(&sealed, "correct horse batterie").is_err());
        for at in [MAGIC.len(), MAGIC.len() + SALT, MAGIC.len() + SALT + PIECE + 3, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&changed, WORDS).is_err(), "byte {at}");
        }
        let head = MAGIC.len() + SALT;
        let piece =
            |n: usize| &sealed[head + n * (PIECE + TAG)..(head + (n + 1) * (PIECE + TAG)).min(sealed.len())];
        let built = |pieces: &[usize]| {
            let mut all = sealed[..head].to_vec();
            pieces.iter().for_each(|n| all.extend_from_slice(piece(*n)));
            all
        };
        assert!(open(&built(&[0, 1, 2]), WORDS).is_ok());
        for wrong in [&[0, 1][..], &[0], &[], &[1, 0, 2], &[0, 2], &[0, 0, 1, 2], &[0, 1, 2, 2]] {
            assert!(open(&built(wrong), WORDS).is_err(), "{wrong:?}");
        }
    }

    /// Words that can be guessed are refused.
    #[test]
    fn short_words_are_refused() {
        let error = Sealing::new(Vec::new(), "secret", &Chance::seeded(3)).err().unwrap().to_string();
        assert!(error.contains("12 characters"), "{error}");
    }
}
