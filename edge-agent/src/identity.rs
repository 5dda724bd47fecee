//! Who this box is to its hub: what enrolment left in `<data>/identity`, and the TLS made of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::{DeviceId, Origin, TenantId};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};

/// `identity.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub tenant: TenantId,
    pub device: DeviceId,
    pub hub_url: String,
    pub mqtt_host: String,
    pub mqtt_port: u16,
    /// For the hub's HTTP side.
    pub token: String,
}

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("{path}: {source}; enrol this box again, or restore the file")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} cannot be read as an identity: {source}; enrol this box again")]
    Parse { path: PathBuf, source: serde_json::Error },
    #[error("{path} holds no usable PEM: {reason}; enrol this box again")]
    Pem { path: PathBuf, reason: String },
    #[error("the certificate and key do not fit together: {0}; enrol this box again")]
    Tls(#[from] rustls::Error),
    #[error("making the HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

/// An enrolled box: its identity and the PEM files beside it.
#[derive(Clone)]
pub struct Enrolled {
    pub identity: Identity,
    folder: PathBuf,
    certificate_pem: Vec<u8>,
    key_pem: Vec<u8>,
    ca_pem: Vec<u8>,
}

/// Keys and tokens never reach a log.
impl std::fmt::Debug for Enrolled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Enrolled({} at {})", self.origin().source(), self.identity.hub_url)
    }
}

impl Enrolled {
    pub fn folder(data_dir: &Path) -> PathBuf {
        data_dir.join("identity")
    }

    /// `None` when the box was never enrolled.
    pub fn load(data_dir: &Path) -> Result<Option<Self>, IdentityError> {
        let folder = Self::folder(data_dir);
        let path = folder.join("identity.json");
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(IdentityError::Read { path, source }),
        };
        let identity =
            serde_json::from_slice(&json).map_err(|source| IdentityError::Parse { path, source })?;
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|source| IdentityError::Read { path, source })
        };
        Ok(Some(Self {
            identity,
            certificate_pem: read("certificate.pem")?,
            key_pem: read("key.pem")?,
            ca_pem: read("ca.pem")?,
            folder: folder.clone(),
        }))
    }

    pub fn origin(&self) -> Origin {
        Origin { tenant: self.identity.tenant.clone(), device: self.identity.device.clone() }
    }

    /// DER of this box's certificate, for looking at its dates.
    pub fn certificate(&self) -> Result<CertificateDer<'static>, IdentityError> {
        CertificateDer::from_pem_slice(&self.certificate_pem).map_err(|e| self.pem("certificate.pem", &e))
    }

    fn pem(&self, name: &str, error: &rustls::pki_types::pem::Error) -> IdentityError {
        IdentityError::Pem { path: self.folder.join(name), reason: error.to_string() }
    }

    /// Trusts the hub's own CA and nothing else; shows this box's certificate.
    pub fn tls(&self) -> Result<Arc<rustls::ClientConfig>, IdentityError> {
        let mut roots = rustls::RootCertStore::empty();
        for ca in CertificateDer::pem_slice_iter(&self.ca_pem) {
            roots.add(ca.map_err(|e| self.pem("ca.pem", &e))?)?;
        }
        let chain = CertificateDer::pem_slice_iter(&self.certificate_pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| self.pem("certificate.pem", &e))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key_pem).map_err(|e| self.pem("key.pem", &e))?;
        let config = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        Ok(Arc::new(config))
    }

    /// Trusts the hub's own CA and nothing else; callers add the bearer token.
    pub fn http(&self) -> Result<reqwest::Client, IdentityError> {
        Ok(http_client(&self.ca_pem)?.build()?)
    }
}

/// An HTTP client that trusts exactly the given CA.
pub(crate) fn http_client(ca_pem: &[u8]) -> reqwest::Result<reqwest::ClientBuilder> {
    let roots = reqwest::Certificate::from_pem_bundle(ca_pem)?;
    Ok(reqwest::Client::builder()
        .tls_certs_only(roots)
        .connect_timeout(std::time::Duration::from_secs(10))
        .read_timeout(std::time::Duration::from_secs(30))
        .user_agent(concat!("shaodian-edge/", env!("CARGO_PKG_VERSION"))))
}
