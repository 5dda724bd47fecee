//! Signatures by HMAC-SHA256, as each form has them. Pure: time is an argument.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// Before the base64 of a secret, by the convention of Standard Webhooks.
const WEBHOOK_PREFIX: &str = "whsec_";

fn hmac_base64(key: &[u8], message: &[u8]) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message))
}

/// DingTalk: the secret signs time and secret; time in milliseconds.
pub(super) fn dingtalk(secret: &str, at_ms: i64) -> String {
    hmac_base64(secret.as_bytes(), format!("{at_ms}\n{secret}").as_bytes())
}

/// Feishu: time and secret are the key, and nothing is signed with it; time in seconds.
pub(super) fn feishu(secret: &str, at_s: i64) -> String {
    hmac_base64(format!("{at_s}\n{secret}").as_bytes(), b"")
}

/// The key of a secret: what follows `whsec_` in base64, or else the secret itself.
pub(super) fn webhook_key(secret: &str) -> Result<Vec<u8>, String> {
    let Some(coded) = secret.strip_prefix(WEBHOOK_PREFIX) else { return Ok(secret.as_bytes().to_vec()) };
    STANDARD.decode(coded).map_err(|error| format!("what follows {WEBHOOK_PREFIX} is no base64: {error}"))
}

/// Standard Webhooks, symmetric: `webhook-signature` over id, time in seconds, and the body as it is sent.
pub(super) fn webhook(key: &[u8], id: &str, at_s: i64, body: &str) -> String {
    format!("v1,{}", hmac_base64(key, format!("{id}.{at_s}.{body}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the reference libraries of Standard Webhooks publish.
    #[test]
    fn standard_webhooks() {
        let key = webhook_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = webhook(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(webhook_key("plain").unwrap(), b"plain");
        assert!(webhook_key("whsec_***").unwrap_err().contains("base64"));
    }

    /// HMAC by its definition (RFC 2104), from SHA-256 alone: it shares nothing with what is tested.
    fn by_definition(key: &[u8], message: &[u8]) -> String {
        use sha2::{Digest as _, Sha256};
        let mut block = [0_u8; 64];
        block[..key.len()].copy_from_slice(key);
        let pad = |with: u8| block.map(|byte| byte ^ with);
        let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
        STANDARD.encode(Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize())
    }

    /// What is signed with what, by the vendors' own descriptions, held against another HMAC.
    #[test]
    fn robots() {
        let secret = "SEC0123456789abcdef";
        assert_eq!(
            dingtalk(secret, 1_773_799_200_000),
            by_definition(secret.as_bytes(), b"1773799200000\nSEC0123456789abcdef")
        );
        assert_eq!(feishu(secret, 1_773_799_200), by_definition(b"1773799200\nSEC0123456789abcdef", b""));
        // RFC 4231, test case 2.
        assert_eq!(
            hex::encode(STANDARD.decode(by_definition(b"Jefe", b"what do ya want for nothing?")).unwrap()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
