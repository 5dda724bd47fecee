//! Configuration of Mosquitto as the outside broker, with the hub's authority and an ACL that says what
//! [`super::acl`] says. `hub broker mosquitto-config DIR` writes it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use protocol::limits::MAX_PACKET_BYTES;

use crate::app::App;
use crate::pki::files;
use crate::{broker, db, device, pki};

/// Writes a ready configuration for a broker that listens on `port` into `folder`; returns the path of its
/// `mosquitto.conf`. The broker's user must be able to read the folder.
pub async fn write(app: &App, folder: &Path, port: u16) -> anyhow::Result<PathBuf> {
    let place = || format!("writing {}", folder.display());
    std::fs::create_dir_all(folder).with_context(place)?;
    let folder = folder.canonicalize().with_context(place)?;
    // Debian's service runs in this group, and must read what lies here, also what the hub writes later.
    if let Some(group) = group_id("mosquitto").filter(|_| rustix::process::geteuid().is_root()) {
        rustix::fs::chown(&folder, None, Some(rustix::fs::Gid::from_raw(group))).with_context(place)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o2750);
        std::fs::set_permissions(&folder, mode).with_context(place)?;
    }
    for (name, text) in [
        ("mosquitto.conf", configuration(&folder, port)),
        ("acl", acl()),
        ("ca.pem", app.authority.ca_pem().to_owned()),
    ] {
        files::write(&folder.join(name), &text, files::PUBLIC)?;
    }
    certificate(app, &folder)?;
    revoke(app, &folder, &shut_out(&app.db).await?)?;
    Ok(folder.join("mosquitto.conf"))
}

/// Keeps the broker's certificate good. Returns whether it is a new one.
pub(super) fn certificate(app: &App, folder: &Path) -> anyhow::Result<bool> {
    let mut names = pki::local_names();
    names.extend(app.config.http.names.iter().cloned());
    names.push(app.config.broker.host.clone());
    let before = std::fs::read(folder.join("server.pem")).ok();
    let (certificate, _) =
        app.authority.server_in(folder, files::GROUP, &names, &app.chance, app.clock.now())?;
    Ok(before != std::fs::read(certificate).ok())
}

/// Serial numbers of certificates that must not come in: of disabled devices, and those that a newer one replaced.
pub(super) async fn shut_out(db: &db::Db) -> db::Result<Vec<String>> {
    let mut serials = device::store::superseded(db).await?;
    serials.extend(device::store::disabled(db).await?.into_iter().filter_map(|(_, serial)| serial));
    Ok(serials)
}

/// Writes the revocation list when it is not the one of these serial numbers. Returns whether it is a new one.
pub(super) fn revoke(app: &App, folder: &Path, serials: &[String]) -> anyhow::Result<bool> {
    let (list, facts) = (folder.join("revoked.crl"), folder.join("revoked.serials"));
    let now = serials.join("\n");
    if list.exists() && std::fs::read_to_string(&facts).is_ok_and(|known| known == now) {
        return Ok(false);
    }
    files::write(&list, &app.authority.revocation_list(serials, app.clock.now())?, files::PUBLIC)?;
    files::write(&facts, &now, files::PUBLIC)?;
    Ok(true)
}

fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "# Written by `hub broker mosquitto-config`. Boxes and the hub come over TLS with certificates of the\n\
         # hub's authority; the certificate's common name is who they are.\n\
         per_listener_settings false\n\
         listener {port}\n\
         cafile {folder}/ca.pem\n\
         certfile {folder}/server.pem\n\
         keyfile {folder}/server.key\n\
         # Certificates of disabled boxes. The hub keeps it current; the broker reads it at a reload (SIGHUP), which\n\
         # shaodian-hub-broker.path asks for whenever a file here changes.\n\
         crlfile {folder}/revoked.crl\n\
         require_certificate true\n\
         use_identity_as_username true\n\
         # A client id takes over the session that has it: nobody may choose another's.\n\
         use_username_as_clientid true\n\
         allow_anonymous false\n\
         acl_file {folder}/acl\n\
         max_packet_size {MAX_PACKET_BYTES}\n\
         max_inflight_messages 200\n\
         max_queued_messages 10000\n\
         persistent_client_expiration 1d\n\
         # What the hub has not confirmed is sent again by the box, so the broker need not keep it on disk.\n\
         persistence false\n\
         sys_interval 0\n\
         log_dest stderr\n"
    )
}

fn group_id(name: &str) -> Option<u32> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    let line = groups.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

fn acl() -> String {
    let hubs = std::iter::once(None).chain((1..=broker::REPLICAS).map(Some));
    let hubs: String = hubs.map(|replica| HUB_ACL.replace("{hub}", &broker::hub_name(replica))).collect();
    hubs + DEVICE_ACL
}

const HUB_ACL: &str = "\
user {hub}
# To clear what a broken box made the broker keep.
topic readwrite v1/+/+/event/+
topic read v1/+/+/status
topic readwrite v1/+/+/live
topic write v1/+/+/receipt/+
topic write v1/+/+/command/+

";

/// `%u` is `tenant/device`, which fills the topic's two levels.
const DEVICE_ACL: &str = "\
pattern write v1/%u/event/+
pattern write v1/%u/status
pattern write v1/%u/live
pattern read v1/%u/receipt/+
pattern read v1/%u/command/+
";
