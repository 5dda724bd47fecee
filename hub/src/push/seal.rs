//! Messages sealed for one browser (RFC 8291): its push service carries what it cannot read.
//!
//! The key and the salt of each message are drawn from the operating system by the library, not from
//! [`protocol::Chance`]: they must never come twice, and nothing that is replayed depends on them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use web_push_native::p256::PublicKey;
use web_push_native::{Auth, encrypt};

/// An uncompressed point of P-256.
const POINT_BYTES: usize = 65;
const AUTH_BYTES: usize = 16;

/// What a browser's messages are sealed with.
pub(crate) struct Keys {
    public: PublicKey,
    auth: Auth,
}

impl Keys {
    /// Both in base64url, as browsers write them.
    pub(crate) fn read(p256dh: &str, auth: &str) -> Result<Self, String> {
        let point: [u8; POINT_BYTES] = bytes("p256dh", p256dh)?;
        let public =
            PublicKey::from_sec1_bytes(&point).map_err(|_| "p256dh is no point of P-256".to_owned())?;
        Ok(Self { public, auth: Auth::from(bytes::<AUTH_BYTES>("auth", auth)?) })
    }

    pub(crate) fn seal(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        encrypt(message.to_vec(), &self.public, &self.auth).map_err(|error| error.to_string())
    }
}

fn bytes<const N: usize>(what: &str, text: &str) -> Result<[u8; N], String> {
    let read = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
    let read = read.and_then(|bytes| <[u8; N]>::try_from(bytes).ok());
    read.ok_or_else(|| format!("{what} must be {N} bytes in base64url"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of RFC 8291, section 5.
    const POINT: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    /// Keys as browsers write them are taken, with padding and without; what is short, long, or no point of the curve is
    /// named.
    #[test]
    fn keys() {
        assert!(
            Keys::read(POINT, AUTH).is_ok() && Keys::read(&format!("{POINT}="), &format!("{AUTH}==")).is_ok()
        );
        let wrong = |p256dh: &str, auth: &str| Keys::read(p256dh, auth).err().unwrap_or_default();
        assert_eq!(wrong("", AUTH), "p256dh must be 65 bytes in base64url");
        assert_eq!(wrong(&POINT[..86], AUTH), "p256dh must be 65 bytes in base64url");
        assert_eq!(wrong(POINT, "BTBZMqHH6r4Tts7J_aSI"), "auth must be 16 bytes in base64url");
        assert_eq!(wrong(POINT, "+++"), "auth must be 16 bytes in base64url");
        let mut point = URL_SAFE_NO_PAD.decode(POINT).unwrap();
        point[64] ^= 1;
        assert_eq!(wrong(&URL_SAFE_NO_PAD.encode(&point), AUTH), "p256dh is no point of P-256");
    }

    /// Equal messages do not look equal, and neither shows what it says.
    #[test]
    fn each_message_is_sealed_anew() {
        let keys = Keys::read(POINT, AUTH).unwrap();
        let (one, two) = (keys.seal(b"same words").unwrap(), keys.seal(b"same words").unwrap());
        assert_ne!(one[..16], two[..16], "salts");
        assert_ne!(one[21..86], two[21..86], "keys");
        assert!(!one.windows(10).any(|part| part == b"same words"));
    }
}
