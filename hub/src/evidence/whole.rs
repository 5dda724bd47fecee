//! Files that come in one piece, from a person, not from a box.
//!
//! A file is written beside the uploads and synced; whoever takes it moves it to its place while he holds the tenant's
//! lock, and writes his row in the same transaction. A file without a row is left over from a crash: among the uploads it
//! is swept at the next start, at its place it does no harm.

use std::io;

use protocol::{Sha256Hex, TenantId};
use tokio::io::AsyncWriteExt as _;

use super::upload::settle;
use super::{EvidenceStore, UploadError};

impl EvidenceStore {
    /// Writes a file under an id of its own.
    pub(crate) async fn hold(&self, id: &str, bytes: Vec<u8>) -> Result<(), UploadError> {
        self.leave_room()?;
        let path = self.upload_path(id);
        let mut file = tokio::fs::File::create(&path).await?;
        let written = async {
            file.write_all(&bytes).await?;
            file.flush().await?;
            file.sync_data().await
        };
        if let Err(error) = written.await {
            self.let_go(id).await;
            return Err(error.into());
        }
        Ok(())
    }

    /// Moves it to where its content belongs.
    pub(crate) async fn settle_held(
        &self,
        id: &str,
        tenant: &TenantId,
        sha256: &Sha256Hex,
    ) -> Result<(), UploadError> {
        let (source, target) = (self.upload_path(id), self.path(tenant, sha256));
        tokio::task::spawn_blocking(move || settle(&source, &target))
            .await
            .map_err(|error| io::Error::other(error.to_string()))??;
        Ok(())
    }

    /// Gives up a file that was not moved; one that was is not there any more.
    pub(crate) async fn let_go(&self, id: &str) {
        match tokio::fs::remove_file(self.upload_path(id)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(id, %error, "a file that nobody wants stays until the next start");
            }
            _ => {}
        }
    }

    /// Removes a file from its place, when no row names it any more; the caller holds the tenant's lock.
    pub(crate) async fn remove_settled(&self, tenant: &TenantId, sha256: &Sha256Hex) -> io::Result<()> {
        match tokio::fs::remove_file(self.path(tenant, sha256)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}
