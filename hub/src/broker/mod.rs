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
mod outside;
#[cfg(test)]
mod tests;

pub use embedded::{Embedded, Internal, TlsFiles};
pub use link::{Address, Link};
pub use outside::Outside;

/// The name in the hub's own client certificate at an outside broker. Not `tenant/device`, so no box can have it.
pub const HUB_NAME: &str = "shaodian-hub";

/// How many hubs may share one outside broker: its ACL names each.
pub const REPLICAS: u8 = 8;

/// The name of one of several hubs. Each has its own: a broker ends the connection whose name comes again.
pub fn hub_name(replica: Option<u8>) -> String {
    replica.map_or_else(|| HUB_NAME.to_owned(), |number| format!("{HUB_NAME}-{number}"))
}

/// TLS with a client certificate, verified by the authority in `ca` (PEM files).
pub fn client_tls(ca: &Path, certificate: &Path, key: &Path) -> anyhow::Result<Arc<rustls::ClientConfig>> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("reading {}", path.display()));
    client_tls_of(&read(ca)?, &read(certificate)?, &read(key)?)
        .with_context(|| format!("the certificates {} and {}", ca.display(), certificate.display()))
}

/// The same from PEM text.
fn client_tls_of(ca: &[u8], certificate: &[u8], key: &[u8]) -> anyhow::Result<Arc<rustls::ClientConfig>> {
    let read = |pem: &[u8]| -> Result<Vec<CertificateDer<'static>>, _> {
        CertificateDer::pem_slice_iter(pem).collect()
    };
    let mut roots = rustls::RootCertStore::empty();
    for root in read(ca)? {
        roots.add(root)?;
    }
    let config = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_client_auth_cert(read(certificate)?, PrivateKeyDer::from_pem_slice(key)?)?;
    Ok(Arc::new(config))
}
