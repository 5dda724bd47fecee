//! The hub's own certificate authority: its server certificate and those of the boxes.
//!
//! ECDSA P-256 throughout. A box's certificate says `tenant/device` as its common name, which is also the path of
//! its topics. Whether that certificate may speak the embedded broker asks of the database at every connection; an
//! outside broker has a revocation list. Keys are readable by the hub's user alone.

mod certificate;
pub(crate) mod files;
mod names;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use certificate::{base, expires_at, first_der, validity};
use files::{PRIVATE, PUBLIC, write};
pub use names::{local_names, server_certificate};
use protocol::{Chance, Origin, UtcMs};
use rcgen::{
    BasicConstraints, CertificateSigningRequestParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use sha2::{Digest, Sha256};

const CA_YEARS: i64 = 20;
const SERVER_YEARS: i64 = 2;
const DEVICE_YEARS: i64 = 5;
/// The server certificate is made anew this close to its end.
const RENEW_BEFORE_MS: i64 = 120 * 86_400_000;
/// Hexadecimal digits of the CA's SHA-256 in an enrolment code: 96 bits.
const PIN_DIGITS: usize = 24;

#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    #[error("not a certificate request (PKCS#10 PEM with a P-256 key): {0}")]
    Request(String),
    #[error("signing a certificate: {0}")]
    Sign(#[from] rcgen::Error),
}

/// The authority. Its key stays in memory and in `pki/ca.key`.
pub struct Authority {
    folder: PathBuf,
    ca_pem: String,
    ca_sha256: String,
    /// Of the key's bytes, from which others are made.
    secret: [u8; 32],
    issuer: Issuer<'static, KeyPair>,
}

/// Secrets never reach a log.
impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authority({})", self.pin())
    }
}

/// A certificate just signed.
#[derive(Clone, Debug)]
pub struct Signed {
    pub pem: String,
    pub sha256: String,
    /// Serial number in hexadecimal.
    pub serial: String,
    pub expires_at: UtcMs,
}

impl Authority {
    /// Opens the authority in `folder`, or makes one.
    pub fn open(folder: &Path, hub_name: &str, chance: &Chance, now: UtcMs) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let (cert_path, key_path) = (folder.join("ca.pem"), folder.join("ca.key"));
        // `hub run` and a command typed beside it may both find nothing; one of them makes it.
        let alone = std::fs::File::create(folder.join("lock")).context("making the authority's lock")?;
        alone.lock().context("waiting for whoever opens the authority")?;
        // A new authority in place of half an old one would cut every box off.
        anyhow::ensure!(
            cert_path.exists() <= key_path.exists(),
            "{} has no ca.key: bring it back from a backup, or move ca.pem away to begin with a new authority",
            folder.display()
        );
        anyhow::ensure!(
            cert_path.exists() || !folder.join("server.pem").exists() || !key_path.exists(),
            "{} has no ca.pem: bring it back from a backup, or move the folder away to begin with a new authority",
            folder.display()
        );
        if !cert_path.exists() {
            let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
            let mut params = base(&format!("{hub_name} CA"), CA_YEARS, chance, now);
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            let certificate = params.self_signed(&key)?;
            // The key first: a certificate without its key would be useless, the reverse is made anew.
            write(&key_path, &key.serialize_pem(), PRIVATE)?;
            write(&cert_path, &certificate.pem(), PUBLIC)?;
        }
        let read = |path: &Path| {
            std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
        };
        let ca_pem = read(&cert_path)?;
        let key = KeyPair::from_pem(&read(&key_path)?).context("reading the authority's key")?;
        let der = first_der(&ca_pem).context("reading the authority's certificate")?;
        let (_, certificate) =
            x509_parser::parse_x509_certificate(&der).context("reading the authority's certificate")?;
        anyhow::ensure!(
            certificate.public_key().raw == key.subject_public_key_info(),
            "ca.pem and ca.key in {} do not belong together: bring both back from one backup",
            folder.display()
        );
        let secret = Sha256::digest(key.serialize_der()).into();
        let issuer = Issuer::from_ca_cert_pem(&ca_pem, key).context("reading the authority's certificate")?;
        let ca_sha256 = hex::encode(Sha256::digest(&der));
        Ok(Self { folder: folder.to_owned(), ca_sha256, ca_pem, secret, issuer })
    }

    /// A key for one use, the same on every hub of this authority; nothing of the authority's own key can be told from it.
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &self.secret);
        let mut out = [0; 32];
        out.copy_from_slice(ring::hmac::sign(&key, purpose.as_bytes()).as_ref());
        out
    }

    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    pub fn ca_path(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The part of an enrolment code by which a box knows this authority: first digits of the SHA-256 of the CA
    /// certificate in DER.
    pub fn pin(&self) -> &str {
        &self.ca_sha256[..PIN_DIGITS]
    }

    /// Paths of a server certificate (chain) and key that hold for `names`; made anew when names or time ask for it.
    pub fn server(
        &self,
        names: &[String],
        chance: &Chance,
        now: UtcMs,
    ) -> anyhow::Result<(PathBuf, PathBuf)> {
        self.server_in(&self.folder, PRIVATE, names, chance, now)
    }

    /// The same in another folder, with this mode of the key: an outside broker keeps its own.
    pub fn server_in(
        &self,
        folder: &Path,
        key_mode: u32,
        names: &[String],
        chance: &Chance,
        now: UtcMs,
    ) -> anyhow::Result<(PathBuf, PathBuf)> {
        let (cert_path, key_path) = (folder.join("server.pem"), folder.join("server.key"));
        let facts_path = folder.join("server.names");
        let facts = format!("{}\n{}", self.ca_sha256, names.join("\n"));
        let good = std::fs::read_to_string(&facts_path).is_ok_and(|known| known == facts)
            && key_path.exists()
            && std::fs::read_to_string(&cert_path)
                .ok()
                .and_then(|pem| expires_at(&pem))
                .is_some_and(|end| end.since_ms(now) > RENEW_BEFORE_MS);
        if !good {
            let (certificate, key) = self.new_server(names, chance, now)?;
            write(&key_path, &key, key_mode)?;
            write(&cert_path, &certificate, PUBLIC)?;
            write(&facts_path, &facts, PUBLIC)?;
        }
        Ok((cert_path, key_path))
    }

    /// A new server certificate (chain) and key as PEM text.
    fn new_server(&self, names: &[String], chance: &Chance, now: UtcMs) -> anyhow::Result<(String, String)> {
        let mut params = base("Shaodian hub", SERVER_YEARS, chance, now);
        for name in names {
            params.subject_alt_names.push(match name.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(
                    name.as_str().try_into().with_context(|| format!("[http] names: {name:?}"))?,
                ),
            });
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((format!("{}{}", certificate.pem(), self.ca_pem), key.serialize_pem()))
    }

    /// Paths of certificate and key by which the hub itself connects to an outside broker.
    pub fn client(
        &self,
        common_name: &str,
        chance: &Chance,
        now: UtcMs,
    ) -> anyhow::Result<(PathBuf, PathBuf)> {
        let (cert_path, key_path) =
            (self.folder.join(format!("{common_name}.pem")), self.folder.join(format!("{common_name}.key")));
        let good = key_path.exists()
            && std::fs::read_to_string(&cert_path)
                .ok()
                .and_then(|pem| expires_at(&pem))
                .is_some_and(|end| end.since_ms(now) > RENEW_BEFORE_MS);
        if !good {
            let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
            let signed = self.sign(common_name, &key, chance, now)?;
            write(&key_path, &key.serialize_pem(), PRIVATE)?;
            write(&cert_path, &signed.pem, PUBLIC)?;
        }
        Ok((cert_path, key_path))
    }

    /// Signs the key of a box's request. Everything else in the request is ours to say and is ignored.
    pub fn sign_device(
        &self,
        origin: &Origin,
        csr_pem: &str,
        chance: &Chance,
        now: UtcMs,
    ) -> Result<Signed, PkiError> {
        let request = CertificateSigningRequestParams::from_pem(csr_pem)
            .map_err(|error| PkiError::Request(error.to_string()))?;
        if request.public_key.algorithm() != &rcgen::PKCS_ECDSA_P256_SHA256 {
            return Err(PkiError::Request("its key is not ECDSA P-256".to_owned()));
        }
        self.sign(&format!("{}/{}", origin.tenant, origin.device), &request.public_key, chance, now)
    }

    fn sign(
        &self,
        common_name: &str,
        key: &impl PublicKeyData,
        chance: &Chance,
        now: UtcMs,
    ) -> Result<Signed, PkiError> {
        let mut params = base(common_name, DEVICE_YEARS, chance, now);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let serial =
            params.serial_number.as_ref().map(|serial| hex::encode(serial.as_ref())).unwrap_or_default();
        let certificate = params.signed_by(key, &self.issuer)?;
        let pem = certificate.pem();
        let expires_at = expires_at(&pem).unwrap_or(now);
        Ok(Signed { pem, sha256: hex::encode(Sha256::digest(certificate.der())), serial, expires_at })
    }

    /// A certificate and key (PEM) for the name of a box, to take its place at an outside broker.
    pub fn stand_in(
        &self,
        origin: &Origin,
        chance: &Chance,
        now: UtcMs,
    ) -> Result<(String, String), PkiError> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let signed = self.sign(&format!("{}/{}", origin.tenant, origin.device), &key, chance, now)?;
        Ok((signed.pem, key.serialize_pem()))
    }

    /// A revocation list (PEM) of these serial numbers. It holds as long as the authority: an outside broker refuses
    /// everybody once its list has ended.
    pub fn revocation_list(&self, serials: &[String], now: UtcMs) -> anyhow::Result<String> {
        let [this_update, next_update] =
            validity(CA_YEARS, now).map(|(y, m, d)| rcgen::date_time_ymd(y, m, d));
        let revoked = |serial: &String| {
            let bytes = hex::decode(serial).context("a serial number is hexadecimal")?;
            Ok(rcgen::RevokedCertParams {
                serial_number: SerialNumber::from_slice(&bytes),
                revocation_time: this_update,
                reason_code: None,
                invalidity_date: None,
            })
        };
        let list = rcgen::CertificateRevocationListParams {
            this_update,
            next_update,
            crl_number: SerialNumber::from(u64::try_from(now.0).unwrap_or(1)),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect::<anyhow::Result<_>>()?,
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType};

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    const NOW: UtcMs = UtcMs(1_773_815_480_000);

    /// Opened again, it is the same authority; its key is nobody else's to read.
    #[test]
    fn authority_persists() {
        use std::os::unix::fs::PermissionsExt;
        let (dir, chance) = (folder(), Chance::seeded(1));
        let first = Authority::open(dir.path(), "Test", &chance, NOW).unwrap();
        let second = Authority::open(dir.path(), "Test", &chance, NOW).unwrap();
        assert_eq!(first.pin(), second.pin());
        assert_eq!(first.pin().len() * 4, 96);
        let mode = std::fs::metadata(dir.path().join("ca.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    /// Half of one backup and half of another is no authority; nor is a certificate without its key.
    #[test]
    fn a_mixed_authority_is_refused() {
        let (dir, other, chance) = (folder(), folder(), Chance::seeded(1));
        Authority::open(dir.path(), "Test", &chance, NOW).unwrap();
        Authority::open(other.path(), "Test", &chance, NOW).unwrap();
        std::fs::copy(other.path().join("ca.key"), dir.path().join("ca.key")).unwrap();
        let error = Authority::open(dir.path(), "Test", &chance, NOW).unwrap_err().to_string();
        assert!(error.contains("do not belong together"), "{error}");
        std::fs::remove_file(dir.path().join("ca.key")).unwrap();
        let error = Authority::open(dir.path(), "Test", &chance, NOW).unwrap_err().to_string();
        assert!(error.contains("no ca.key"), "{error}");
    }

    /// Programs that start together on an empty folder have one authority.
    #[test]
    fn an_authority_is_made_once() {
        let dir = folder();
        let open = |seed| Authority::open(dir.path(), "Test", &Chance::seeded(seed), NOW).unwrap().ca_sha256;
        let pins: Vec<String> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|seed| scope.spawn(move || open(seed))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(pins.iter().all(|pin| *pin == pins[0]), "{pins:?}");
    }

    /// The box's certificate says who it is by our word, not by the request's.
    #[test]
    fn device_certificates_name_tenant_and_device() {
        let (dir, chance) = (folder(), Chance::seeded(1));
        let authority = Authority::open(dir.path(), "Test", &chance, NOW).unwrap();
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let mut wish = CertificateParams::new(vec!["hub".to_owned()]).unwrap();
        wish.distinguished_name.push(DnType::CommonName, "other/box");
        let csr = wish.serialize_request(&key).unwrap().pem().unwrap();
        let origin = Origin { tenant: "t".parse().unwrap(), device: "box".parse().unwrap() };
        let signed = authority.sign_device(&origin, &csr, &chance, NOW).unwrap();
        let der = first_der(&signed.pem).unwrap();
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
        assert_eq!(certificate.subject().to_string(), "CN=t/box");
        assert!(certificate.subject_alternative_name().unwrap().is_none());
        assert!(!certificate.is_ca());
        assert!(authority.sign_device(&origin, "nonsense", &chance, NOW).is_err());
    }

    /// The server certificate is kept while names and time allow, and made anew when either does not.
    #[test]
    fn server_certificate_follows_names_and_time() {
        let (dir, chance) = (folder(), Chance::seeded(1));
        let authority = Authority::open(dir.path(), "Test", &chance, NOW).unwrap();
        let read = |names: &[&str], now| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            std::fs::read_to_string(authority.server(&names, &chance, now).unwrap().0).unwrap()
        };
        let first = read(&["localhost", "10.0.0.1"], NOW);
        assert_eq!(read(&["localhost", "10.0.0.1"], NOW), first);
        let second = read(&["localhost"], NOW);
        assert_ne!(second, first);
        assert_ne!(read(&["localhost"], NOW.plus_ms(2 * 365 * 86_400_000)), second);
    }
}
