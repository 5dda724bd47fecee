//! A caller's number on its way from the box to who may call back: sealed to the hub's key where it enters the box,
//! opened on the hub alone.
//!
//! What is sealed is a number and nothing else, padded to one length, so that the sealed form tells nothing of it. It is
//! NaCl's sealed box (X25519, XSalsa20-Poly1305): each has a key pair of its own that is thrown away at once, so not even
//! the box that made it can open it. Deliberately absent: who sealed it. That is the envelope's affair.

use std::fmt;
use std::str::FromStr;

use crypto_box::aead::rand_core::{CryptoRng, Error, RngCore};
use crypto_box::{PublicKey, SecretKey};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::chance::Chance;

/// Digits of a number that can be called: a seat's extension up to an international number with its prefixes.
const DIGITS: std::ops::RangeInclusive<usize> = 3..=20;
/// Length of what is sealed, in bytes: `+`, the digits, and zeros.
const PADDED: usize = 24;
/// Hexadecimal digits of a key by which a sealed number says for whom it is.
const MARK: usize = 8;
/// What sealing adds, in bytes: a key of its own, and a mark of what was sealed.
const SEAL: usize = 48;
/// Length of a sealed form: mark, dot, and the box in hexadecimal.
const SEALED: usize = MARK + 1 + 2 * (PADDED + SEAL);
/// Longest name, in bytes of UTF-8; it is padded to this length.
pub const MAX_NAME_BYTES: usize = 96;
const SEALED_NAME: usize = MARK + 1 + 2 * (MAX_NAME_BYTES + SEAL);

/// The hub's key: what is sealed to it, the hub alone opens. No secret. On the wire 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContactKey([u8; 32]);

/// The hub's own half.
pub struct ContactSecret(SecretKey);

/// A sealed number: the beginning of the key that it is for, a dot, and the box in hexadecimal. Only its length and its
/// characters are certain: what it holds is known when it is opened.
#[derive(Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(value_type = String, max_length = 153)]
pub struct Sealed(String);

/// A sealed name: of the same form as a number's, only longer. It never crosses the wire; it stands here because the key
/// is the same.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedName(String);

/// Why a sealed number stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("it was sealed for another key than this hub's, as after a change of pki/contact.key")]
    Foreign,
    #[error("it is damaged")]
    Damaged,
}

impl fmt::Display for ContactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ContactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContactKey({})", self.mark())
    }
}

impl FromStr for ContactKey {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; 32];
        match hex::decode_to_slice(text.trim(), &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(error) => Err(format!("a key for numbers has 64 hexadecimal digits: {error}")),
        }
    }
}

impl TryFrom<String> for ContactKey {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ContactKey> for String {
    fn from(key: ContactKey) -> Self {
        key.to_string()
    }
}

impl ContactKey {
    fn mark(&self) -> String {
        hex::encode(&self.0[..MARK / 2])
    }

    /// Seals digits, with or without `+` before them. `None` for what cannot be called.
    pub fn seal(&self, number: &str, chance: &Chance) -> Option<Sealed> {
        let mut padded = [0_u8; PADDED];
        padded[..checked(number)?.len()].copy_from_slice(number.as_bytes());
        self.closed(&padded, chance).map(Sealed)
    }

    /// Seals somebody's name. `None` for one that is empty, too long, or has control characters.
    pub fn seal_name(&self, name: &str, chance: &Chance) -> Option<SealedName> {
        let mut padded = [0_u8; MAX_NAME_BYTES];
        padded[..checked_name(name)?.len()].copy_from_slice(name.as_bytes());
        self.closed(&padded, chance).map(SealedName)
    }

    fn closed(&self, padded: &[u8], chance: &Chance) -> Option<String> {
        // Fails for lengths beyond memory only.
        let sealed = PublicKey::from_bytes(self.0).seal(&mut Draw(chance), padded).ok()?;
        Some(format!("{}.{}", self.mark(), hex::encode(sealed)))
    }
}

/// Secrets never reach a log.
impl fmt::Debug for ContactSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContactSecret(of {:?})", self.key())
    }
}

impl ContactSecret {
    /// Of 32 random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(SecretKey::from_bytes(bytes))
    }

    /// What boxes are told.
    pub fn key(&self) -> ContactKey {
        ContactKey(self.0.public_key().to_bytes())
    }

    /// The number: digits, with or without `+` before them.
    pub fn open(&self, sealed: &Sealed) -> Result<String, OpenError> {
        checked(&self.opened(&sealed.0)?).map(str::to_owned).ok_or(OpenError::Damaged)
    }

    pub fn open_name(&self, sealed: &SealedName) -> Result<String, OpenError> {
        checked_name(&self.opened(&sealed.0)?).map(str::to_owned).ok_or(OpenError::Damaged)
    }

    fn opened(&self, form: &str) -> Result<String, OpenError> {
        let (mark, text) = form.split_once('.').ok_or(OpenError::Damaged)?;
        let bytes = hex::decode(text).map_err(|_| OpenError::Damaged)?;
        if mark != self.key().mark() {
            return Err(OpenError::Foreign);
        }
        let padded = self.0.unseal(&bytes).map_err(|_| OpenError::Damaged)?;
        let plain = String::from_utf8(padded).map_err(|_| OpenError::Damaged)?;
        Ok(plain.trim_end_matches('\0').to_owned())
    }
}

/// Not shown: it would only fill a log.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

impl Sealed {
    /// A form that was kept; `None` where it is none by its length or its characters.
    pub fn kept(text: &str) -> Option<Self> {
        // Exactly: a number in clear that somebody puts in its place must not pass.
        formed(text, SEALED).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Not shown either.
impl fmt::Debug for SealedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedName(..)")
    }
}

impl SealedName {
    /// A form that was kept, as with [`Sealed::kept`].
    pub fn kept(text: &str) -> Option<Self> {
        formed(text, SEALED_NAME).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn formed(text: &str, length: usize) -> bool {
    let fits = |(at, b): (usize, u8)| if at == MARK { b == b'.' } else { b.is_ascii_hexdigit() };
    text.len() == length && text.bytes().enumerate().all(fits)
}

/// Reads a sealed form; whatever else stands in its place is none.
pub fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Sealed>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_str().and_then(Sealed::kept))
}

fn checked(number: &str) -> Option<&str> {
    let digits = number.strip_prefix('+').unwrap_or(number);
    let is_number = DIGITS.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some(number)
}

fn checked_name(name: &str) -> Option<&str> {
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.contains(char::is_control);
    fits.then_some(name)
}

/// Our one source of chance, as the library asks for it.
struct Draw<'a>(&'a Chance);

impl RngCore for Draw<'_> {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.0.bytes())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.0.bytes())
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        for part in out.chunks_mut(32) {
            part.copy_from_slice(&self.0.bytes::<32>()[..part.len()]);
        }
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

/// [`Chance`] is fit for secrets.
impl CryptoRng for Draw<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(seed: u64) -> ContactSecret {
        ContactSecret::from_bytes(Chance::seeded(seed).bytes())
    }

    /// What is sealed to a key its owner opens, digit by digit; every form has the same length, and the same number never
    /// looks the same twice.
    #[test]
    fn seals_and_opens() {
        let (secret, chance) = (secret(1), Chance::seeded(2));
        for number in ["13812341234", "+8613812341234", "110", "00001234567890123456"] {
            let [first, second] = [(); 2].map(|()| secret.key().seal(number, &chance).unwrap());
            assert_eq!((secret.open(&first).unwrap(), first.as_str().len()), (number.to_owned(), 153));
            assert_ne!(first, second);
            assert!(!first.as_str().contains(number));
        }
        for none in ["", "12", "+", "anonymous", "138 1234", "123456789012345678901", "１３８１２３４"]
        {
            assert_eq!(secret.key().seal(none, &chance), None, "{none}");
        }
    }

    /// A name is sealed to the same key, is not opened as a number, and has one length whatever it is.
    #[test]
    fn names_are_sealed_too() {
        let (secret, chance) = (secret(1), Chance::seeded(2));
        for name in ["李", "欧阳 建国（东关社区）", "x"] {
            let sealed = secret.key().seal_name(name, &chance).unwrap();
            assert_eq!(secret.open_name(&sealed).as_deref(), Ok(name));
            assert_eq!(sealed.as_str().len(), SEALED_NAME);
            assert_eq!(SealedName::kept(sealed.as_str()), Some(sealed.clone()));
            assert_eq!(Sealed::kept(sealed.as_str()), None);
            assert!(!format!("{sealed:?}").contains(name));
        }
        for none in ["", "a\0b", "a\nb", &"长".repeat(33)] {
            assert_eq!(secret.key().seal_name(none, &chance), None, "{none:?}");
        }
        let number = secret.key().seal("13812341234", &chance).unwrap();
        assert_eq!(SealedName::kept(number.as_str()), None);
        assert_eq!(SealedName::kept("李"), None);
        let foreign = ContactSecret::from_bytes([3; 32]).key().seal_name("李", &chance).unwrap();
        assert_eq!(secret.open_name(&foreign), Err(OpenError::Foreign));
    }

    /// Another hub's key opens nothing, and says so; what was changed in one place is damaged, wherever that is.
    #[test]
    fn a_wrong_key_and_a_damaged_form() {
        let (own, other, chance) = (secret(1), secret(2), Chance::seeded(3));
        let sealed = own.key().seal("13812341234", &chance).unwrap();
        assert_eq!(other.open(&sealed), Err(OpenError::Foreign));
        // Also when it claims to be for that key.
        let claimed = Sealed(format!("{}{}", other.key().mark(), &sealed.0[MARK..]));
        assert_eq!(other.open(&claimed), Err(OpenError::Damaged));
        for at in MARK + 1..sealed.0.len() {
            let mut bytes = sealed.0.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let changed = Sealed(String::from_utf8(bytes).unwrap());
            assert_eq!(own.open(&changed), Err(OpenError::Damaged), "{at}");
        }
        for cut in ["", "x", "a.b", &sealed.0[..100], &sealed.0[MARK + 1..]] {
            assert_eq!(own.open(&Sealed(cut.to_owned())), Err(OpenError::Damaged), "{cut}");
        }
    }

    /// A key reads back from its text; text that is none is refused in words.
    #[test]
    fn keys_read_back() {
        let key = secret(4).key();
        assert_eq!(format!("{key}\n").parse(), Ok(key));
        assert_eq!(serde_json::from_str::<ContactKey>(&serde_json::to_string(&key).unwrap()).unwrap(), key);
        assert!("77".parse::<ContactKey>().unwrap_err().contains("64 hexadecimal digits"));
    }

    /// A form from the wire is bounded in length and characters; anything else is left out, and refuses no call.
    #[test]
    fn forms_are_bounded() {
        #[derive(Deserialize)]
        struct Call {
            #[serde(default, deserialize_with = "lenient")]
            callback: Option<Sealed>,
        }
        let read = |json: &str| serde_json::from_str::<Call>(json).unwrap().callback;
        let sealed = secret(1).key().seal("13812341234", &Chance::seeded(2)).unwrap();
        let told = |text: &str| format!(r#"{{"callback":"{text}"}}"#);
        assert_eq!(read(&told(sealed.as_str())), Some(sealed.clone()));
        let (long, bare) = (told(&format!("{}0", sealed.as_str())), told("13812341234"));
        for none in ["{}", r#"{"callback":null}"#, r#"{"callback":7}"#, &told("ab.cd"), &long, &bare] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
