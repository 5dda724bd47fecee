//! Passwords: argon2id, in the PHC text form, so parameters can grow later.

use anyhow::{Context as _, Result};
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use protocol::Chance;

/// Shortest password a person may choose, in characters.
pub const MIN_CHARS: usize = 10;

/// 19 MiB, two passes, one lane: OWASP's first recommendation for argon2id; about 20 ms on a small box.
fn hasher() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("constants within argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

pub fn hash(password: &str, chance: &Chance) -> Result<String> {
    let salt = chance.bytes::<16>();
    let hash = hasher()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("hashing a password")?;
    Ok(hash.to_string())
}

pub fn verify(password: &str, hash: &str) -> bool {
    hasher().verify_password(password.as_bytes(), hash).is_ok()
}

/// What is compared when there is no such user, so that the answer takes equally long.
pub const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password nobody has to invent: 20 characters without look-alikes, 97 bits.
pub fn generate(chance: &Chance) -> String {
    const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let pick = |_| char::from(ALPHABET[chance.below(ALPHABET.len() as u64) as usize]);
    let letters: Vec<char> = (0..20).map(pick).collect();
    letters.chunks(5).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right password opens, another does not, and equal passwords do not look equal.
    #[test]
    fn hashes_verify_and_are_salted() {
        let chance = Chance::seeded(1);
        let password = generate(&chance);
        let (one, two) = (hash(&password, &chance).unwrap(), hash(&password, &chance).unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
        assert!(verify(&password, &one) && verify(&password, &two));
        assert!(!verify("wrong", &one));
        assert!(!verify("", NOBODY) && !verify(&password, "not a hash"));
    }

    #[test]
    fn generated_passwords_differ_and_are_long() {
        let chance = Chance::seeded(2);
        let (one, two) = (generate(&chance), generate(&chance));
        assert_ne!(one, two);
        assert_eq!(one.len(), 23);
    }
}
