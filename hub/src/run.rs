//! The hub's diagram. Everything that runs is started here, in the order of the flow, and stopped in reverse.
//!
//! ```text
//! boxes ──MQTT──▶ broker ─▶ link ─▶ intake queue ─▶ intake worker ─▶ database ─▶ change feed ─▶ pages
//!                             ▲                          │ receipt
//!                             └──────────────────────────┘
//! boxes ──HTTPS─▶ tus uploads, enrolment            people ──HTTPS─▶ pages, API ─▶ commands ─▶ link
//! ```

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::{Extension, Router};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use protocol::{Chance, Clock};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::broker::{self, Address, Embedded, Internal, Link, Outside, TlsFiles};
use crate::config::{BrokerMode, Config};
use crate::http::{self, Scheme};
use crate::renewal::Renewal;
use crate::{pki, reconcile, user};

/// Requests that run when the hub is asked to stop have this long.
const GRACE: Duration = Duration::from_secs(2);

/// Runs until `stop`.
pub async fn run(
    config: Config,
    clock: Arc<dyn Clock>,
    chance: Arc<Chance>,
    stop: CancellationToken,
    first_password_file: Option<&Path>,
) -> anyhow::Result<()> {
    let (app, ends) = App::open(config, clock, chance).await?;
    user::cli::announce_first(&app, first_password_file).await?;
    let tasks = TaskTracker::new();

    // Station 8: intake.
    tasks.spawn(app.intake_worker().run(ends.items, stop.clone()));

    // The certificate that boxes and browsers see.
    let (renewed, certificates) = watch::channel(0);
    let renewal = Renewal::begin(app.clone(), renewed).await?;
    let tls = renewal.https();
    tasks.spawn(renewal.run(stop.clone()));

    // The broker and our own connection to it.
    let (address, mqtt_at) = broker(&app, &tasks, certificates, &stop).await?;
    tasks.spawn(Link { app: app.clone(), address }.run(stop.clone()));

    // Reconcilers: read the truth, put it right, safe to run twice.
    tasks.spawn(reconcile::run(app.clone(), stop.clone()));

    // Station 10: pages, API, uploads.
    let router = http::router(app.clone());
    let (https, https_at) = serve_https(&app, tls, router.clone(), &tasks).await?;
    let (plain, plain_at) = serve_loopback(&app, router, &tasks).await?;

    println!("hub ready https://{https_at} http://{plain_at} mqtt {mqtt_at}");
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

    stop.cancelled().await;
    tracing::info!("stopping");
    https.graceful_shutdown(Some(GRACE));
    plain.graceful_shutdown(Some(GRACE));
    tasks.close();
    if tokio::time::timeout(2 * GRACE, tasks.wait()).await.is_err() {
        tracing::warn!("some tasks did not stop in time; what they held comes again");
    }
    app.db.close().await;
    Ok(())
}

/// Starts the embedded broker, or prepares TLS for the outside one; also says where boxes connect.
async fn broker(
    app: &App,
    tasks: &TaskTracker,
    renewed: watch::Receiver<u64>,
    stop: &CancellationToken,
) -> anyhow::Result<(Address, String)> {
    let config = &app.config.broker;
    match config.mode {
        BrokerMode::Embedded => {
            let (certificate, key) = pki::server_certificate(app)?;
            let tls = TlsFiles { certificate, key, client_ca: app.authority.ca_path() };
            let password = hex::encode(app.chance.bytes::<24>());
            let broker = Embedded::bind(config.listen, tls, password, app.db.clone()).await?;
            let Internal { address, password } = broker.internal.clone();
            let stop = stop.clone();
            tasks.spawn(async move {
                tokio::select! { () = broker.run(renewed) => {} () = stop.cancelled() => {} }
            });
            Ok((Address::Internal(address, password), config.listen.to_string()))
        }
        BrokerMode::External => {
            let name = broker::hub_name(config.replica);
            let client = app.authority.client(&name, &app.chance, app.clock.now())?;
            let ca = config.ca.clone().unwrap_or_else(|| app.authority.ca_path());
            let tls = broker::client_tls(&ca, &client.0, &client.1)?;
            tasks.spawn(Outside::new(app.clone(), ca).run(stop.clone()));
            let at = format!("{}:{}", config.host, config.port);
            Ok((Address::External(config.host.clone(), config.port, tls), at))
        }
    }
}

async fn serve_https(
    app: &App,
    tls: RustlsConfig,
    router: Router,
    tasks: &TaskTracker,
) -> anyhow::Result<(Handle<SocketAddr>, SocketAddr)> {
    let address = app.config.http.listen;
    let handle = Handle::new();
    let service = router.layer(Extension(Scheme::Https)).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum_server::bind_rustls(address, tls).handle(handle.clone()).serve(service);
    listening(tasks, server, &handle, address, "[http] listen").await.map(|at| (handle, at))
}

async fn serve_loopback(
    app: &App,
    router: Router,
    tasks: &TaskTracker,
) -> anyhow::Result<(Handle<SocketAddr>, SocketAddr)> {
    let address = app.config.http.loopback;
    let handle = Handle::new();
    let service = router.layer(Extension(Scheme::Http)).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum_server::bind(address).handle(handle.clone()).serve(service);
    listening(tasks, server, &handle, address, "[http] loopback").await.map(|at| (handle, at))
}

/// Spawns the server and returns where it listens, or why it does not.
async fn listening(
    tasks: &TaskTracker,
    server: impl Future<Output = std::io::Result<()>> + Send + 'static,
    handle: &Handle<SocketAddr>,
    address: SocketAddr,
    setting: &'static str,
) -> anyhow::Result<SocketAddr> {
    let task = tasks.spawn(server);
    if let Some(at) = handle.listening().await {
        return Ok(at);
    }
    let result = task.await.context("the HTTP server's task ended")?;
    result.with_context(|| format!("listening on {address}; choose another address at {setting}"))?;
    anyhow::bail!("the server at {address} ended before it listened")
}
