//! SIP over UDP and TCP: whole requests in, answers out.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::message::{MAX_BYTES, Request, Wrong};
use super::{Server, Way};

/// TCP connections at once.
const MAX_CONNECTIONS: usize = 64;
/// A connection's first request, and the rest of any that has begun, must come within this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection without a word this long is closed; its sessions go on.
const IDLE: Duration = Duration::from_secs(2 * 3_600);

pub(super) async fn udp(server: Arc<Server>, socket: Arc<UdpSocket>) {
    let mut buffer = vec![0; MAX_BYTES];
    loop {
        let received = tokio::select! {
            () = server.cancel.cancelled() => return,
            received = socket.recv_from(&mut buffer) => received,
        };
        let Ok((count, peer)) = received else {
            // Of an answer that nobody took.
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        if !server.admits(peer) {
            continue;
        }
        match Request::read(&buffer[..count], true) {
            Ok((request, _)) => {
                let way = Way { peer, local: local_ip(&socket, peer), udp: Some(Arc::clone(&socket)) };
                if let Some(answer) = server.handle(request, way).await {
                    let _ = socket.send_to(&answer, peer).await;
                }
            }
            // A sign of life is empty; an answer is none of our business.
            Err(Wrong::Answer) => {}
            Err(_) if buffer[..count].iter().all(u8::is_ascii_whitespace) => {}
            Err(error) => server.wrong(peer, error),
        }
    }
}

/// The address of ours that `peer` reaches.
fn local_ip(socket: &UdpSocket, peer: SocketAddr) -> IpAddr {
    let own = socket.local_addr().map_or(peer.ip(), |own| own.ip());
    if !own.is_unspecified() {
        return own;
    }
    let towards = std::net::UdpSocket::bind((own, 0)).and_then(|probe| {
        probe.connect(peer)?;
        probe.local_addr()
    });
    towards.map_or(own, |own| own.ip()).to_canonical()
}

pub(super) async fn tcp(server: Arc<Server>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = server.cancel.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            sleep(Duration::from_millis(200)).await;
            continue;
        };
        if !server.admits(peer) {
            continue;
        }
        if connections.len() >= MAX_CONNECTIONS {
            server.tap.counters.refused.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let server = Arc::clone(&server);
        connections.spawn(async move {
            let cancel = server.cancel.clone();
            tokio::select! {
                () = cancel.cancelled() => {}
                () = connection(server, stream, peer) => {}
            }
        });
    }
    connections.shutdown().await;
}

async fn connection(server: Arc<Server>, mut stream: TcpStream, peer: SocketAddr) {
    let Ok(local) = stream.local_addr().map(|own| own.ip().to_canonical()) else { return };
    let (mut held, mut known) = (Vec::new(), false);
    loop {
        // Empty lines between requests are signs of life.
        let empty = held.iter().take_while(|b: &&u8| b.is_ascii_whitespace()).count();
        held.drain(..empty);
        match Request::read(&held, false) {
            Ok((request, taken)) => {
                held.drain(..taken);
                known = true;
                let answer = server.handle(request, Way { peer, local, udp: None }).await;
                let Some(answer) = answer else { continue };
                // Who does not read his answers is left.
                if !matches!(timeout(PATIENCE, stream.write_all(&answer)).await, Ok(Ok(()))) {
                    return;
                }
            }
            Err(Wrong::Short) => {
                let patience = if known && held.is_empty() { IDLE } else { PATIENCE };
                let mut block = [0; 4_096];
                match timeout(patience, stream.read(&mut block)).await {
                    Ok(Ok(count)) if count > 0 => held.extend_from_slice(&block[..count]),
                    _ => return,
                }
            }
            // Where the next one begins is not known any more.
            Err(error) => return server.wrong(peer, error),
        }
    }
}
