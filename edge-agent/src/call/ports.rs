//! The ports where exchanges bring calls, and where they tell who is on them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::asterisk::AudioSocket;
use super::{CallTap, Cause, freeswitch, listener, lock};

impl CallTap {
    pub(super) async fn listen(self: Arc<Self>, cancel: CancellationToken) {
        let address = self.config.audiosocket_listen;
        let Some(listener) = self.bind(Cause::AudioPort, address, &cancel).await else { return };
        lock(&self.status).listening = listener.local_addr().ok();
        tracing::info!(%address, vad = self.method.name(), "waiting for calls by AudioSocket");
        listener::serve::<AudioSocket>(self, listener, cancel).await;
    }

    pub(super) async fn listen_websocket(self: Arc<Self>, cancel: CancellationToken) {
        let Some(address) = self.config.websocket_listen else { return };
        let Some(listener) = self.bind(Cause::WebSocketPort, address, &cancel).await else { return };
        lock(&self.status).websocket_listening = listener.local_addr().ok();
        tracing::info!(%address, "waiting for calls by WebSocket");
        listener::serve::<freeswitch::WebSocket>(self, listener, cancel).await;
    }

    pub(super) async fn listen_api(self: Arc<Self>, cancel: CancellationToken) {
        let Some(listener) = self.bind(Cause::ApiPort, self.config.api_listen, &cancel).await else { return };
        lock(&self.status).api_listening = listener.local_addr().ok();
        let service = self.router().into_make_service_with_connect_info::<SocketAddr>();
        let served = axum::serve(listener, service).with_graceful_shutdown(cancel.clone().cancelled_owned());
        tokio::select! {
            served = served => if let Err(error) = served {
                self.trouble(Cause::ApiPort, Some(format!("the call API stopped: {error}")));
            },
            // Open requests are short; a peer that keeps its connection must not hold the box.
            () = async { cancel.cancelled().await; sleep(Duration::from_secs(1)).await } => {}
        }
    }

    /// Tries until the port is ours: a box boots before its network does.
    pub(super) async fn bind(
        &self,
        cause: Cause,
        address: SocketAddr,
        cancel: &CancellationToken,
    ) -> Option<TcpListener> {
        let mut wait = Duration::from_millis(250);
        loop {
            match TcpListener::bind(address).await {
                Ok(listener) => {
                    self.trouble(cause, None);
                    return Some(listener);
                }
                Err(error) => {
                    let words = format!("cannot listen at {address}: {error}; is another program there?");
                    self.trouble(cause, Some(words));
                }
            }
            tokio::select! {
                () = cancel.cancelled() => return None,
                () = sleep(wait) => wait = (wait * 2).min(Duration::from_secs(15)),
            }
        }
    }
}
