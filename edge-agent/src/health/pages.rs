//! The box's own pages: `/healthz`, `/readyz` and `/metrics`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Health, Vitals, metrics};

/// A port that is taken is tried again after this long.
const AGAIN: Duration = Duration::from_secs(5);
/// Requests that are open at the end get this long.
const END: Duration = Duration::from_secs(1);

/// What the local pages are made of.
#[derive(Clone)]
pub struct Pages {
    pub health: Arc<Health>,
    pub vitals: watch::Receiver<Vitals>,
}

/// Serves the local pages. A port that is taken does not stop the box: it is tried again.
pub async fn serve(listen: SocketAddr, pages: Pages, cancel: CancellationToken) {
    let mut told = false;
    let listener = loop {
        match TcpListener::bind(listen).await {
            Ok(listener) => break listener,
            Err(error) => {
                if !told {
                    tracing::error!(%listen, %error, "health page: the port is taken; set [health] listen");
                    told = true;
                }
            }
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(AGAIN) => {}
        }
    };
    let router = router(pages);
    let served = axum::serve(listener, router).with_graceful_shutdown(cancel.clone().cancelled_owned());
    tokio::select! {
        served = served => if let Err(error) = served {
            tracing::error!(%error, "the health page stopped");
        },
        () = async { cancel.cancelled().await; tokio::time::sleep(END).await } => {}
    }
}

fn router(pages: Pages) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(show_metrics))
        .with_state(pages)
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    troubles: Vec<String>,
    notices: Vec<String>,
    clock_synced: bool,
}

async fn readyz(State(pages): State<Pages>) -> Response {
    let vitals = pages.vitals.borrow();
    let ready = vitals.troubles.is_empty();
    let body = Ready {
        ready,
        troubles: vitals.troubles.clone(),
        notices: vitals.notices.clone(),
        clock_synced: vitals.clock_synced,
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

async fn show_metrics(State(pages): State<Pages>) -> Response {
    let text = metrics::render(&pages.health, &pages.vitals.borrow().clone());
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
        .into_response()
}
