//! A line between box and hub that can be cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The line between box and hub. It carries so many bytes towards the hub, then breaks, until it is mended.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) port: u16,
    left: Arc<AtomicI64>,
}

impl Line {
    pub(super) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line =
            Self { port: listener.local_addr().unwrap().port(), left: Arc::new(AtomicI64::new(i64::MAX)) };
        let left = line.left.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, server, left.clone()));
            }
        });
        line
    }

    pub(super) fn breaks_after(&self, bytes: usize) {
        self.left.store(bytes as i64, Ordering::SeqCst);
    }

    pub(super) fn is_broken(&self) -> bool {
        self.left.load(Ordering::SeqCst) <= 0
    }

    pub(super) fn mend(&self) {
        self.left.store(i64::MAX, Ordering::SeqCst);
    }
}

async fn carry(near: TcpStream, server: u16, left: Arc<AtomicI64>) {
    let Ok(far) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let ((mut from_box, mut to_box), (mut from_hub, mut to_hub)) = (near.into_split(), far.into_split());
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_hub, &mut to_box).await });
    let mut block = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from_box.read(&mut block).await {
        let carries = left.fetch_sub(read as i64, Ordering::SeqCst).clamp(0, read as i64);
        let _ = to_hub.write_all(&block[..carries as usize]).await;
        if (carries as usize) < read {
            break;
        }
    }
    back.abort();
}
