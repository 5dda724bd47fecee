//! A box comes in: `hub device add NAME` gives a one-time code, the box brings it with a certificate request.

use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::{DeviceId, Origin, TenantId};

use super::{DeviceError, store};
use crate::app::App;
use crate::organisation;

/// How long a code may be used.
pub const CODE_LIFE_MS: i64 = 24 * 3_600_000;

/// A box's new identity; the token is told only here.
#[derive(Clone, Debug)]
pub struct Enrolled {
    pub origin: Origin,
    pub certificate_pem: String,
    pub token: String,
}

/// Adds the device (or gives a known one a new code) and returns `SECRET.PIN`. What a known device holds stays good
/// until the code is used.
pub async fn add(
    app: &App,
    tenant: &TenantId,
    device: &DeviceId,
    title: &str,
) -> Result<String, DeviceError> {
    let secret = hex::encode(app.chance.bytes::<12>());
    let now = app.clock.now();
    store::add(&app.db, tenant, device, title, &secret, now, now.plus_ms(CODE_LIFE_MS)).await?;
    app.changes.wake();
    Ok(format!("{secret}.{}", app.authority.pin()))
}

/// Says in which area, by its id, a box stands.
pub async fn place(app: &App, device: &DeviceId, area: &str) -> anyhow::Result<()> {
    let tenant = app.tenant();
    let found = organisation::store::area(&app.db, tenant.as_str(), area).await?;
    let found = found.with_context(|| format!("there is no area {area}; `hub area list` names them"))?;
    let mut tx = app.db.begin().await?;
    let origin = Origin { tenant: tenant.clone(), device: device.clone() };
    anyhow::ensure!(store::set_area(&mut tx, &origin, &found.path).await?, "there is no box {device}");
    tx.commit().await?;
    Ok(())
}

/// Trades a code for a certificate and a token. A request that cannot be signed does not use the code up.
pub async fn enrol(app: &App, code: &str, csr_pem: &str) -> Result<Enrolled, DeviceError> {
    let now = app.clock.now();
    // The pin is the box's business; a code pasted whole is understood too.
    let secret = code.split('.').next().unwrap_or(code);
    let mut tx = app.db.begin().await?;
    let origin = store::take_code(&mut tx, secret, now).await?;
    let signed = app.authority.sign_device(&origin, csr_pem, &app.chance, now)?;
    let token = URL_SAFE_NO_PAD.encode(app.chance.bytes::<32>());
    store::set_identity(&mut tx, &origin, &signed, &token, now).await?;
    tx.commit().await?;
    app.changes.wake();
    tracing::info!(tenant = %origin.tenant, device = %origin.device, "a box enrolled");
    Ok(Enrolled { origin, certificate_pem: signed.pem, token })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use protocol::{Chance, ManualClock, UtcMs};

    use super::*;
    use crate::config::Config;
    use crate::db::testing::databases;

    /// A new code for a box that is enrolling: one of both comes first, neither fails for the other's lock.
    #[tokio::test]
    async fn a_new_code_and_an_enrolment_pass_each_other() {
        for test in databases().await {
            let mut config = Config::default();
            config.hub.data_dir = test.folder.clone();
            let clock = Arc::new(ManualClock::at(UtcMs(1_773_815_480_000)));
            let (app, _) = App::with_db(config, test.db.clone(), clock, Arc::new(Chance::seeded(5))).unwrap();
            let (tenant, device) = (app.tenant().clone(), "box-1".parse().unwrap());
            let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
            let csr = rcgen::CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
            for _ in 0..20 {
                let code = add(&app, &tenant, &device, "box").await.unwrap();
                let (added, enrolled) =
                    tokio::join!(add(&app, &tenant, &device, "box"), enrol(&app, &code, &csr));
                added.unwrap();
                assert!(matches!(enrolled, Ok(_) | Err(DeviceError::Code)), "{}: {enrolled:?}", test.name);
            }
        }
    }
}
