//! `edge-agent enrol`: from a one-time code to this box's own certificate.
//!
//! The code is `SECRET.PIN`. The pin is the beginning of the SHA-256 of the hub's authority certificate: with it
//! the very first connection already cannot be tampered with, though nothing is known of the hub before. The
//! private key is made here and never leaves.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args as ClapArgs;
use protocol::{EnrolAnswer, EnrolRequest};
use rcgen::{CertificateParams, DnType, KeyPair};
use reqwest::Url;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};

use crate::contact;
use crate::doctor::is_locked;
use crate::identity::{Enrolled, Identity, http_client};
use crate::say;

/// A pin shorter than 80 bits would be worth guessing.
const MIN_PIN_HEX: usize = 20;
const MIN_PIN_BASE32: usize = 16;

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Address of the hub: https://HOST:PORT
    #[arg(long)]
    pub hub: Url,
    /// The one-time code that `hub device add` printed
    #[arg(long)]
    pub code: String,
}

/// Enrols this box and writes `<data>/identity`; what was there before is kept beside it.
pub async fn run(args: &Args, data_dir: &Path) -> Result<()> {
    let Some((secret, pin)) = args.code.trim().split_once('.') else {
        bail!("the code has two parts with a dot between them; copy it whole from `hub device add`");
    };
    ensure!(args.hub.scheme() == "https", "the hub's address begins with https:// ({} does not)", args.hub);
    // A code works once: what can go wrong here must go wrong before it is used.
    let fresh = prepare(data_dir)?;
    let ca_pem = fetch_ca(&args.hub, pin).await?;

    let key = KeyPair::generate().context("making a key")?;
    let mut params = CertificateParams::default();
    // The hub decides what the certificate says; this is only a readable request.
    params.distinguished_name.push(DnType::CommonName, "shaodian-edge");
    let csr_pem = params.serialize_request(&key).and_then(|csr| csr.pem()).context("making a request")?;

    let url = args.hub.join("/api/v1/enrol").context("making the address")?;
    let client = http_client(ca_pem.as_bytes())?.build()?;
    let response = client
        .post(url)
        .json(&EnrolRequest { code: secret.to_owned(), csr_pem })
        .send()
        .await
        .with_context(|| format!("the hub at {} showed the right authority, but its own certificate does not hold for this address; use an address the hub was set up with", args.hub))?;
    let status = response.status();
    if !status.is_success() {
        let words = response.text().await.unwrap_or_default();
        bail!(
            "the hub refused ({status}): {}; a code works once, for 24 hours: make a new one with `hub device add`",
            words.trim()
        );
    }
    let granted: EnrolAnswer = response.json().await.context("reading the hub's answer")?;
    // The authority must be the pinned one, whatever else the answer says.
    pinned_certificate(&granted.ca_pem, pin)?;

    let identity = Identity {
        tenant: granted.tenant,
        device: granted.device,
        hub_url: args.hub.to_string(),
        mqtt_host: granted.mqtt_host,
        mqtt_port: granted.mqtt_port,
        token: granted.token,
    };
    let pems = [
        ("certificate.pem", granted.certificate_pem.as_str()),
        ("key.pem", &key.serialize_pem()),
        ("ca.pem", &ca_pem),
    ];
    // A hub that keeps no numbers tells none.
    let hub_key = granted.contact_key.map(|key| format!("{key}\n"));
    let files: Vec<_> = pems.into_iter().chain(hub_key.as_deref().map(|key| (contact::FILE, key))).collect();
    let folder = write(data_dir, &fresh, &identity, &files)?;
    say!("enrolled as {}/{}; identity in {}", identity.tenant, identity.device, folder.display());
    if is_locked(data_dir) {
        say!("the agent runs with what it was before: restart it (systemctl restart shaodian-edge)");
    }
    Ok(())
}

/// The authority's certificate over an unverified connection, held against the pin.
async fn fetch_ca(hub: &Url, pin: &str) -> Result<String> {
    let client = reqwest::Client::builder()
        // The pin proves it, not this connection.
        .tls_danger_accept_invalid_certs(true)
        .timeout(Duration::from_secs(20))
        .build()?;
    let url = hub.join("/ca.pem").context("making the address")?;
    let response = client.get(url).send().await.with_context(|| {
        format!("{hub} cannot be reached: is the address right, the hub running, the port open?")
    })?;
    let pem = response.error_for_status().context("fetching /ca.pem")?.text().await?;
    pinned_certificate(&pem, pin)
}

/// The one certificate of `pem` that the pin names.
fn pinned_certificate(pem: &str, pin: &str) -> Result<String> {
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.context("the hub's /ca.pem is no PEM")?;
        if matches_pin(&Sha256::digest(&certificate), pin) {
            return Ok(to_pem(&certificate));
        }
    }
    bail!(
        "the hub that answers is not the one the code is from (its certificate does not fit the code's second part): \
         check the address; if it is right, somebody may be listening in between"
    )
}

/// The pin is a prefix of the digest in lower-case hexadecimal or base32.
fn matches_pin(digest: &[u8], pin: &str) -> bool {
    let pin = pin.to_ascii_lowercase();
    let hex = pin.len() >= MIN_PIN_HEX && hex::encode(digest).starts_with(&pin);
    hex || pin.len() >= MIN_PIN_BASE32 && base32(digest).starts_with(&pin)
}

/// RFC 4648, lower case, without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(ALPHABET[(bits >> count) as usize & 31]));
        }
    }
    if count > 0 {
        text.push(char::from(ALPHABET[(bits << (5 - count)) as usize & 31]));
    }
    text
}

fn to_pem(certificate: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// The folder that the identity is written into, before it takes its place.
fn prepare(data_dir: &Path) -> Result<PathBuf> {
    fs::create_dir_all(data_dir)
        .with_context(|| format!("making {}; set [agent] data_dir, or its rights", data_dir.display()))?;
    let fresh = data_dir.join("identity-new");
    let _ = fs::remove_dir_all(&fresh);
    fs::DirBuilder::new().mode(0o700).create(&fresh).with_context(|| {
        format!("making {}; set [agent] data_dir, or run this as the user the agent runs as", fresh.display())
    })?;
    Ok(fresh)
}

/// All files appear at once: a half-written identity is never found.
fn write(data_dir: &Path, fresh: &Path, identity: &Identity, files: &[(&str, &str)]) -> Result<PathBuf> {
    let (folder, before) = (Enrolled::folder(data_dir), data_dir.join("identity-before"));
    let json = serde_json::to_string_pretty(identity)?;
    // Whoever types this, the agent must be able to read it.
    let owner = fs::metadata(data_dir).with_context(|| format!("looking at {}", data_dir.display()))?;
    let give = |path: &Path| chown(path, Some(owner.uid()), Some(owner.gid()));
    let keep = |name: &str, text: &str| -> std::io::Result<()> {
        let path = fresh.join(name);
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        give(&path)
    };
    for (name, text) in [("identity.json", json.as_str())].iter().chain(files).copied() {
        keep(name, text).with_context(|| format!("writing {} into {}", name, fresh.display()))?;
    }
    give(fresh).with_context(|| format!("giving {} to the agent", fresh.display()))?;
    if folder.exists() {
        let _ = fs::remove_dir_all(&before);
        fs::rename(&folder, &before).context("keeping the former identity")?;
    }
    fs::rename(fresh, &folder).with_context(|| format!("writing {}", folder.display()))?;
    // The code is used up: a power cut must not take what it gave.
    for place in [&folder, data_dir] {
        File::open(place)
            .and_then(|place| place.sync_all())
            .with_context(|| format!("syncing {}", place.display()))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test vectors of RFC 4648.
    #[test]
    fn base32_by_the_book() {
        for (plain, coded) in
            [("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foobar", "mzxw6ytboi")]
        {
            assert_eq!(base32(plain.as_bytes()), coded);
        }
    }

    /// A pin fits its certificate in either spelling, and nothing shorter than 80 bits is taken.
    #[test]
    fn pins_fit_one_certificate() {
        let digest = Sha256::digest(b"a certificate");
        let (hex, base32) = (hex::encode(digest), base32(&digest));
        assert!(matches_pin(&digest, &hex[..20]) && matches_pin(&digest, &base32[..16]));
        assert!(!matches_pin(&digest, &hex[..19]) && !matches_pin(&digest, &base32[..15]));
        assert!(!matches_pin(&Sha256::digest(b"another"), &hex[..20]) && !matches_pin(&digest, ""));
    }

    /// The identity is readable by its owner only, is read back, and a second enrolment keeps the first aside.
    #[test]
    fn identity_is_written_whole_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let mut identity = Identity {
            tenant: "demo".parse().unwrap(),
            device: "box-1".parse().unwrap(),
            hub_url: "https://hub:8443/".into(),
            mqtt_host: "hub".into(),
            mqtt_port: 8883,
            token: "t".into(),
        };
        let files = [("certificate.pem", "c"), ("key.pem", "k"), ("ca.pem", "a")];
        // What a broken-off attempt left behind is in nobody's way.
        fs::create_dir(dir.path().join("identity-new")).unwrap();
        write(dir.path(), &prepare(dir.path()).unwrap(), &identity, &files).unwrap();
        identity.device = "box-2".parse().unwrap();
        let folder = write(dir.path(), &prepare(dir.path()).unwrap(), &identity, &files).unwrap();
        let mode = fs::metadata(folder.join("key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(Enrolled::load(dir.path()).unwrap().unwrap().identity, identity);
        assert!(dir.path().join("identity-before/key.pem").exists());
        assert!(!dir.path().join("identity-new").exists());
    }
}
