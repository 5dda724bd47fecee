//! By what push services know this hub (VAPID, RFC 8292): a key pair of P-256, made once. 64 hexadecimal digits in
//! `pki/push.key`, for the hub's user alone. Browsers subscribe to its public half: with another key every one of them has
//! to subscribe anew.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::{Chance, UtcMs};
use serde_json::json;
use web_push_native::p256::ecdsa::signature::Signer as _;
use web_push_native::p256::ecdsa::{Signature, SigningKey};

use crate::pki::files::secret;

const FILE: &str = "push.key";
/// How long a token is good. Services refuse what is longer than a day.
const TOKEN_LIFE_S: i64 = 12 * 3_600;

/// The hub's key for push services.
#[derive(Debug)]
pub struct Vapid {
    key: SigningKey,
}

impl Vapid {
    /// Opens the key in the authority's folder, or makes one.
    pub fn open(folder: &Path, chance: &Chance) -> anyhow::Result<Self> {
        let what = "is no key for push services: bring it back from a backup, or move it away to begin with a new one, to which \
                    every browser has to subscribe anew";
        let bytes = secret(folder, FILE, chance, what)?;
        let key = SigningKey::from_slice(&bytes)
            .map_err(|_| anyhow::anyhow!("{} {what}", folder.join(FILE).display()))?;
        Ok(Self { key })
    }

    /// The public half: an uncompressed point in base64url, as `applicationServerKey` takes it.
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.verifying_key().to_encoded_point(false).as_bytes())
    }

    /// The header `Authorization` for a push service: `audience` is its origin, `contact` an address of whoever runs the
    /// hub, `mailto:` or `https:`.
    pub(crate) fn authorization(&self, audience: &str, contact: Option<&str>, now: UtcMs) -> String {
        let mut claims = json!({ "aud": audience, "exp": now.0.div_euclid(1_000) + TOKEN_LIFE_S });
        if let Some(contact) = contact {
            claims["sub"] = json!(contact);
        }
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "typ": "JWT", "alg": "ES256" })), part(&claims));
        let signature: Signature = self.key.sign(signed.as_bytes());
        format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature.to_bytes()), self.public())
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    /// Opened again, it is the same key, readable by nobody else; a damaged one, or one that is no key of the curve, is
    /// refused and stays where it is.
    #[test]
    fn the_key_persists() {
        use std::os::unix::fs::PermissionsExt as _;
        let (dir, chance) = (tempfile::tempdir().unwrap(), Chance::seeded(1));
        let first = Vapid::open(dir.path(), &chance).unwrap().public();
        assert_eq!(Vapid::open(dir.path(), &chance).unwrap().public(), first);
        let path = dir.path().join(FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for bad in ["half".to_owned(), "0".repeat(64), "f".repeat(64)] {
            std::fs::write(&path, &bad).unwrap();
            let error = format!("{:#}", Vapid::open(dir.path(), &chance).unwrap_err());
            assert!(error.contains("no key for push services"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), bad);
        }
    }

    /// A token says for whom it is, until when and who sent it; another implementation confirms the signature, and no longer
    /// when a word of it is another one.
    #[test]
    fn tokens() {
        let dir = tempfile::tempdir().unwrap();
        let vapid = Vapid::open(dir.path(), &Chance::seeded(1)).unwrap();
        let now = UtcMs(1_773_815_480_000);
        let header = vapid.authorization("https://push.test", Some("mailto:it@fengxiang.test"), now);
        let (token, key) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let read = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let json = |text: &str| serde_json::from_slice::<serde_json::Value>(&read(text)).unwrap();
        assert_eq!(json(parts[0]), json!({ "typ": "JWT", "alg": "ES256" }));
        let wanted = json!({ "aud": "https://push.test", "exp": 1_773_815_480 + 43_200, "sub": "mailto:it@fengxiang.test" });
        assert_eq!(json(parts[1]), wanted);
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, read(key));
        let signed = format!("{}.{}", parts[0], parts[1]);
        public.verify(signed.as_bytes(), &read(parts[2])).unwrap();
        assert!(public.verify(signed.replace('.', "..").as_bytes(), &read(parts[2])).is_err());
        let bare = vapid.authorization("https://push.test", None, now);
        assert!(json(bare.split('.').nth(1).unwrap()).get("sub").is_none());
    }
}
