//! A real Mosquitto with TLS client certificates, and the authority that issued them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use crate::common::free_port;

/// Certificates of one test: an authority, the broker, the hub and one box.
pub(super) struct Pki {
    ca_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Pki {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_pem = params.self_signed(&key).unwrap().pem();
        Self { ca_pem, issuer: Issuer::new(params, key) }
    }

    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    pub(super) fn client(&self, name: &str) -> Arc<rustls::ClientConfig> {
        let (certificate, key) = self.issue(name);
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca_pem.as_bytes()).unwrap()).unwrap();
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = rustls::ClientConfig::builder().with_root_certificates(roots);
        Arc::new(config.with_client_auth_cert(chain, key).unwrap())
    }
}

/// A Mosquitto of its own, killed on drop.
pub(super) struct Broker {
    child: Child,
    config: PathBuf,
    pub(super) port: u16,
}

impl Broker {
    pub(super) fn start(dir: &Path, pki: &Pki) -> Option<Self> {
        let port = free_port();
        let (certificate, key) = pki.issue("broker");
        let file = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let config = format!(
            "per_listener_settings true\nlistener {port} 127.0.0.1\nallow_anonymous false\nrequire_certificate true\n\
             use_identity_as_username true\ncafile {}\ncertfile {}\nkeyfile {}\nacl_file {}\nuser root\n",
            file("ca.pem", &pki.ca_pem),
            file("broker.pem", &certificate),
            file("broker.key", &key),
            file(
                "acl",
                "user hub\ntopic readwrite v1/#\n\npattern write v1/%u/event/+\npattern write v1/%u/status\n\
                 pattern write v1/%u/live\n\
                 pattern read v1/%u/receipt/+\npattern read v1/%u/command/+\n"
            ),
        );
        let config = PathBuf::from(file("mosquitto.conf", &config));
        let child = Self::spawn(&config, port)?;
        Some(Self { child, config, port })
    }

    fn spawn(config: &Path, port: u16) -> Option<Child> {
        let child = Process::new("mosquitto")
            .arg("-c")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .inspect_err(|error| eprintln!("skipped: mosquitto cannot be started ({error})"))
            .ok()?;
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(child);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("mosquitto does not listen on {port}");
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) fn restart(&mut self) {
        self.child = Self::spawn(&self.config, self.port).unwrap();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
