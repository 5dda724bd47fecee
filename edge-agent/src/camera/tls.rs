//! Whom to believe behind `rtsps://`: a certificate that a known authority vouches for under the camera's name, or the
//! very one that the installer pinned. Never anything else, and never in silence.
//!
//! GStreamer asks us only about certificates that GIO does not accept by itself. So GIO is given an authority that has
//! signed nothing, for all of this process, and every certificate is judged here. Nothing else in this program uses
//! GIO's TLS: hub and broker are reached with rustls.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, anyhow, ensure};
use gio::prelude::*;
use gstreamer as gst;
use gstreamer::glib::translate::ToGlibPtr as _;
use sha2::{Digest as _, Sha256};

/// What Debian's ca-certificates keeps.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// `G_TLS_DATABASE_PURPOSE_AUTHENTICATE_SERVER`: the key purpose of RFC 5280, 4.2.1.12.
const SERVER: &str = "1.3.6.1.5.5.7.3.1";

/// By what a camera proves that it is the one meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// An authority of this PEM file vouches for it.
    Authorities(PathBuf),
    /// SHA-256 of its certificate.
    Pinned([u8; 32]),
}

/// Why the last certificate was refused; a pipeline's own words do not say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusal(Arc<Mutex<Option<String>>>);

impl Refusal {
    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, words: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
    }
}

pub(super) fn is_tls(url: &str) -> bool {
    url.starts_with("rtsps://")
}

/// An unreadable fingerprint is refused when the configuration is read; here it fits no certificate.
pub(super) fn trust(ca: Option<&Path>, pinned: Option<&str>) -> Trust {
    match pinned {
        Some(pinned) => Trust::Pinned(fingerprint(pinned).unwrap_or_default()),
        None => Trust::Authorities(ca.unwrap_or(Path::new(AUTHORITIES)).to_owned()),
    }
}

/// Reads `AB:CD:…` or `abcd…`, 32 bytes.
pub(super) fn fingerprint(text: &str) -> Result<[u8; 32], String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    let bytes = hex::decode(&digits).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.ok_or_else(|| {
        "is no SHA-256 fingerprint: 32 bytes in hex, as `openssl x509 -fingerprint -sha256` prints them"
            .into()
    })
}

/// `AB:CD:…`, as other programs show it.
fn shown(fingerprint: &[u8; 32]) -> String {
    fingerprint.map(|byte| format!("{byte:02X}")).join(":")
}

/// Lets `source`, an `rtspsrc`, connect to nobody but whom `trust` means.
pub(super) fn guard(source: &gst::Element, url: &str, trust: &Trust, refusal: &Refusal) -> Result<()> {
    judge_everything()?;
    let host = host_of(url).context("has no host")?.to_owned();
    let (trust, refusal) = (trust.clone(), refusal.clone());
    source.set_property("tls-validation-flags", gio::TlsCertificateFlags::VALIDATE_ALL);
    source.connect("accept-certificate", false, move |arguments| {
        let certificate = arguments.get(2).and_then(|v| v.get::<gio::TlsCertificate>().ok());
        let verdict = certificate.ok_or_else(|| anyhow!("the camera shows no certificate"));
        let verdict = verdict.and_then(|certificate| judge(&certificate, &host, &trust));
        if let Err(error) = &verdict {
            refusal.set(format!("{error:#}"));
        }
        Some(verdict.is_ok().to_value())
    });
    Ok(())
}

/// From here on GIO believes nobody.
fn judge_everything() -> Result<()> {
    // GIO reads the file only when it first needs it: it stays open.
    static DONE: OnceLock<Result<OwnedFd, String>> = OnceLock::new();
    let work = || -> Result<OwnedFd> {
        let backend = gio::TlsBackend::default();
        ensure!(backend.supports_tls(), "GIO has no TLS: install glib-networking");
        // A name of its own: a camera's certificate whose signer happens to be called the same would be judged
        // differently.
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "an authority that has signed nothing");
        let key = rcgen::KeyPair::generate().context("making a key")?;
        let nobody = params.self_signed(&key).context("making an authority")?;
        let file = rustix::fs::memfd_create("nobody", rustix::fs::MemfdFlags::CLOEXEC)?;
        rustix::io::write(&file, nobody.pem().as_bytes())?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let database = gio::TlsFileDatabase::new(&path).context("reading an authority")?;
        believe_only(&backend, database.upcast_ref());
        Ok(file)
    };
    let done = DONE.get_or_init(|| work().map_err(|error| format!("{error:#}")));
    done.as_ref().map(drop).map_err(|error| anyhow!(error.clone()))
}

/// The binding has this only as part of a feature that would compile all of GStreamer's bindings anew.
#[expect(unsafe_code, reason = "one function of GIO that our selection of its binding leaves out")]
fn believe_only(backend: &gio::TlsBackend, database: &gio::TlsDatabase) {
    #[link(name = "gio-2.0")]
    unsafe extern "C" {
        fn g_tls_backend_set_default_database(
            backend: *mut gio::ffi::GTlsBackend,
            database: *mut gio::ffi::GTlsDatabase,
        );
    }
    // SAFETY: both pointers are those of living objects, and GIO takes a reference of its own to the database
    // (documentation of g_tls_backend_set_default_database, there since 2.60).
    unsafe { g_tls_backend_set_default_database(backend.to_glib_none().0, database.to_glib_none().0) }
}

fn judge(certificate: &gio::TlsCertificate, host: &str, trust: &Trust) -> Result<()> {
    let bytes = certificate.certificate().context("the camera's certificate cannot be read")?;
    let own: [u8; 32] = Sha256::digest(&bytes).into();
    match trust {
        Trust::Pinned(pinned) => ensure!(
            own == *pinned,
            "the camera shows another certificate than tls_fingerprint names; its SHA-256 is {}: write that only if the \
             camera was reset or replaced",
            shown(&own)
        ),
        Trust::Authorities(file) => {
            let database = gio::TlsFileDatabase::new(file);
            let database =
                database.with_context(|| format!("reading authorities from {}", file.display()))?;
            let identity = gio::NetworkAddress::new(host, 322);
            let problems = database
                .verify_chain(
                    certificate,
                    SERVER,
                    Some(&identity),
                    gio::TlsInteraction::NONE,
                    gio::TlsDatabaseVerifyFlags::NONE,
                    gio::Cancellable::NONE,
                )
                .context("checking the camera's certificate")?;
            ensure!(
                problems.is_empty(),
                "the camera's certificate is not trusted: {}; its SHA-256 is {}: write that as tls_fingerprint if the \
                 camera's own page shows the same, or name its authority's file as tls_ca",
                words(problems),
                shown(&own)
            );
        }
    }
    Ok(())
}

fn words(problems: gio::TlsCertificateFlags) -> String {
    use gio::TlsCertificateFlags as Flag;
    let known = [
        (Flag::UNKNOWN_CA, "nobody known has signed it"),
        (Flag::BAD_IDENTITY, "it is for another name or address"),
        (Flag::NOT_ACTIVATED, "it is not valid yet (is this box's clock right?)"),
        (Flag::EXPIRED, "it has expired (is this box's clock right?)"),
        (Flag::REVOKED, "it was revoked"),
        (Flag::INSECURE, "its algorithm is too weak"),
    ];
    let found: Vec<_> =
        known.iter().filter(|(flag, _)| problems.contains(*flag)).map(|(_, text)| *text).collect();
    if found.is_empty() { "it cannot be verified".into() } else { found.join(", ") }
}

/// Of `rtsps://user:password@host:port/path`.
fn host_of(url: &str) -> Option<&str> {
    super::retry::host_and_port(url).map(|(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fingerprint is read as tools print it; anything else is refused with words.
    #[test]
    fn fingerprints() {
        let bytes = [0xab; 32];
        assert_eq!(fingerprint(&shown(&bytes)), Ok(bytes));
        assert_eq!(fingerprint(&"ab".repeat(32)), Ok(bytes));
        for bad in ["", "abcd", &"ab".repeat(33), &"xy".repeat(32)] {
            assert!(fingerprint(bad).unwrap_err().contains("SHA-256"), "{bad}");
        }
    }
}
