//! The hub's diagram. Everything that runs is started here, in the order of the flow, and stopped in reverse.
//!
//! ```text
//! boxes ──MQTT──▶ broker ─▶ link ─▶ intake queue ─▶ intake worker ─▶ database ─▶ change feed ─▶ pages
//!                             ▲                          │ receipt
//!                             └──────────────────────────┘
//!                                                         └─▶ outbox ─▶ sender ─▶ groups, mail, SMS, webhooks
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
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::backup::folder::Hold;
use crate::broker::{self, Address, Embedded, Internal, Link, Outside, TlsFiles};
use crate::config::{BrokerMode, Config};
use crate::http::{self, Scheme};
use crate::outbound::Sender;
use crate::renewal::Renewal;
use crate::{evaluation, organisation, pki, reconcile, user};

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
    // No restore and no move begins as long as it runs.
    let _folder = Hold::running(&config.hub.data_dir)?;
    let (app, ends) = App::open(config, clock, chance).await?;
    user::cli::announce_first(&app, first_password_file).await?;
    organisation::store::seed_units(&app.db, app.tenant().as_str())
        .await
        .context("making the first units")?;
    // Before anything happens: what happens is told to the channels that are known.
    let outbound = Sender::open(&app).await.context("[outbound]")?;
    let tasks = TaskTracker::new();
    let (stations, mut ended) = Stations::new(tasks.clone(), stop.clone());

    // Station 8: intake.
    stations.spawn("intake", app.intake_worker().run(ends.items, stop.clone()));

    // The certificate that boxes and browsers see.
    let (renewed, certificates) = watch::channel(0);
    let renewal = Renewal::begin(app.clone(), renewed).await?;
    let tls = renewal.https();
    stations.spawn("renewal of certificates", renewal.run(stop.clone()));

    // The broker and our own connection to it.
    let (address, mqtt_at) = broker(&app, &stations, certificates, &stop).await?;
    stations.spawn("connection to the broker", Link { app: app.clone(), address }.run(stop.clone()));

    // Reconcilers: read the truth, put it right, safe to run twice.
    stations.spawn("periodic work", reconcile::run(app.clone(), stop.clone()));
    stations.spawn("evaluation", evaluation::close::run(app.clone(), stop.clone()));

    // What leaves for other systems, and for telephones and mailboxes of people.
    stations.spawn("what leaves the hub", outbound.run(stop.clone()));

    // Station 10: pages, API, uploads.
    let router = http::router(app.clone());
    let (https, https_at) = serve_https(&app, tls, router.clone(), &stations).await?;
    let (plain, plain_at) = serve_loopback(&app, router, &stations).await?;

    println!("hub ready https://{https_at} http://{plain_at} mqtt {mqtt_at}");
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

    let failed = tokio::select! {
        () = stop.cancelled() => None,
        name = ended.recv() => name,
    };
    stop.cancel();
    tracing::info!("stopping");
    https.graceful_shutdown(Some(GRACE));
    plain.graceful_shutdown(Some(GRACE));
    tasks.close();
    if tokio::time::timeout(2 * GRACE, tasks.wait()).await.is_err() {
        tracing::warn!("some tasks did not stop in time; what they held comes again");
    }
    // A connection that a hung statement holds is not waited for: nothing of it was confirmed.
    let _ = tokio::time::timeout(GRACE, app.db.close()).await;
    // Whoever supervises the hub starts it again; what was not committed comes again.
    failed.map_or(Ok(()), |name| Err(anyhow::anyhow!("{name} ended by itself; see the log above")))
}

/// Tasks without which a hub only looks alive: when one ends before its time, by panic or otherwise, the hub stops.
struct Stations {
    tasks: TaskTracker,
    stop: CancellationToken,
    ended: mpsc::UnboundedSender<&'static str>,
}

impl Stations {
    fn new(tasks: TaskTracker, stop: CancellationToken) -> (Self, mpsc::UnboundedReceiver<&'static str>) {
        let (ended, receiver) = mpsc::unbounded_channel();
        (Self { tasks, stop, ended }, receiver)
    }

    fn spawn(&self, name: &'static str, station: impl Future<Output = ()> + Send + 'static) {
        let (task, stop, ended) = (tokio::spawn(station), self.stop.clone(), self.ended.clone());
        self.tasks.spawn(async move {
            let result = task.await;
            if !stop.is_cancelled() {
                tracing::error!(panic = result.is_err(), "{name} ended while the hub runs");
                let _ = ended.send(name);
            }
        });
    }
}

/// Starts the embedded broker, or prepares TLS for the outside one; also says where boxes connect.
async fn broker(
    app: &App,
    stations: &Stations,
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
            stations.spawn("the embedded broker", async move {
                tokio::select! { () = broker.run(renewed) => {} () = stop.cancelled() => {} }
            });
            Ok((Address::Internal(address, password), config.listen.to_string()))
        }
        BrokerMode::External => {
            let name = broker::hub_name(config.replica);
            let client = app.authority.client(&name, &app.chance, app.clock.now())?;
            let ca = config.ca.clone().unwrap_or_else(|| app.authority.ca_path());
            let tls = broker::client_tls(&ca, &client.0, &client.1)?;
            stations.spawn("care of the broker", Outside::new(app.clone(), ca).run(stop.clone()));
            let at = format!("{}:{}", config.host, config.port);
            Ok((Address::External(config.host.clone(), config.port, tls), at))
        }
    }
}

async fn serve_https(
    app: &App,
    tls: RustlsConfig,
    router: Router,
    stations: &Stations,
) -> anyhow::Result<(Handle<SocketAddr>, SocketAddr)> {
    let address = app.config.http.listen;
    let handle = Handle::new();
    let service = router.layer(Extension(Scheme::Https)).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum_server::bind_rustls(address, tls).handle(handle.clone()).serve(service);
    listening(stations, server, &handle, address, "[http] listen").await.map(|at| (handle, at))
}

async fn serve_loopback(
    app: &App,
    router: Router,
    stations: &Stations,
) -> anyhow::Result<(Handle<SocketAddr>, SocketAddr)> {
    let address = app.config.http.loopback;
    let handle = Handle::new();
    let service = router.layer(Extension(Scheme::Http)).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum_server::bind(address).handle(handle.clone()).serve(service);
    listening(stations, server, &handle, address, "[http] loopback").await.map(|at| (handle, at))
}

/// Spawns the server and returns where it listens, or why it does not. From then on it is a station.
async fn listening(
    stations: &Stations,
    server: impl Future<Output = std::io::Result<()>> + Send + 'static,
    handle: &Handle<SocketAddr>,
    address: SocketAddr,
    setting: &'static str,
) -> anyhow::Result<SocketAddr> {
    let task = stations.tasks.spawn(server);
    if let Some(at) = handle.listening().await {
        stations.spawn(setting, async move {
            if let Ok(Err(error)) = task.await {
                tracing::error!(%error, "the server of {setting} at {at} failed");
            }
        });
        return Ok(at);
    }
    let result = task.await.context("the HTTP server's task ended")?;
    result.with_context(|| format!("listening on {address}; choose another address at {setting}"))?;
    anyhow::bail!("the server at {address} ended before it listened")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A station that panics is named; one that ends because the hub stops is not.
    #[tokio::test]
    async fn a_dead_station_is_named() {
        let stop = CancellationToken::new();
        let (stations, mut ended) = Stations::new(TaskTracker::new(), stop.clone());
        let waits = stop.clone();
        stations.spawn("patient", async move { waits.cancelled().await });
        stations.spawn("broken", async { panic!("on purpose") });
        assert_eq!(ended.recv().await, Some("broken"));
        stop.cancel();
        drop(stations);
        assert_eq!(ended.recv().await, None);
    }

    /// A server that ends by itself is a dead station too.
    #[tokio::test]
    async fn a_dead_server_is_named() {
        let (stations, mut ended) = Stations::new(TaskTracker::new(), CancellationToken::new());
        let handle: Handle<SocketAddr> = Handle::new();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let router: Router<()> = Router::new();
        let server = axum_server::bind(address).handle(handle.clone()).serve(router.into_make_service());
        listening(&stations, server, &handle, address, "[http] listen").await.unwrap();
        handle.shutdown();
        assert_eq!(ended.recv().await, Some("[http] listen"));
    }
}
