//! The embedded MQTT broker, the configuration of an outside one, and the hub's own connection to either.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub mod acl;
mod embedded;
mod link;
pub mod mosquitto;
#[cfg(test)]
mod tests;

pub use embedded::{Embedded, Internal, TlsFiles};
pub use link::{Address, Link};

/// The name in the hub's own client certificate at an outside broker. Not `tenant/device`, so no box can have it.
pub const HUB_NAME: &str = "shaodian-hub";

/// TLS with a client certificate, verified by the authority in `ca` (PEM files).
pub fn client_tls(ca: &Path, certificate: &Path, key: &Path) -> anyhow::Result<Arc<rustls::ClientConfig>> {
    let read = |path: &Path| -> anyhow::Result<Vec<CertificateDer<'static>>> {
        CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .with_context(|| format!("reading {}", path.display()))
    };
    let mut roots = rustls::RootCertStore::empty();
    for root in read(ca)? {
        roots.add(root).with_context(|| format!("reading {}", ca.display()))?;
    }
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("reading {}", key.display()))?;
    let config = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_client_auth_cert(read(certificate)?, key)?;
    Ok(Arc::new(config))
}
