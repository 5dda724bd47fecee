//! Configuration of Mosquitto as the outside broker, with the hub's authority and an ACL that says what
//! [`super::acl`] says. `hub broker mosquitto-config DIR` writes it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use protocol::limits::MAX_PACKET_BYTES;

use crate::app::App;
use crate::{broker, pki};

/// Where the parts lie in the folder.
const FILES: [&str; 5] = ["mosquitto.conf", "acl", "ca.pem", "server.pem", "server.key"];

/// Writes a ready configuration for a broker that listens on `port` into `folder`; returns the path of its
/// `mosquitto.conf`. The broker's user must be able to read the folder.
pub fn write(app: &App, folder: &Path, port: u16) -> anyhow::Result<PathBuf> {
    let place = || format!("writing {}", folder.display());
    std::fs::create_dir_all(folder).with_context(place)?;
    let folder = folder.canonicalize().with_context(place)?;
    let mut names = pki::local_names();
    names.extend(app.config.http.names.iter().cloned());
    names.push(app.config.broker.host.clone());
    let (certificate, key) = app.authority.new_server(&names, &app.chance, app.clock.now())?;
    // The hub's own side: its client certificate, for its next start with `[broker] mode = "external"`.
    app.authority.client(broker::HUB_NAME, &app.chance, app.clock.now())?;
    let contents = [
        configuration(&folder, port),
        ACL.replace("{hub}", broker::HUB_NAME),
        app.authority.ca_pem().to_owned(),
        certificate,
        key,
    ];
    for (name, text) in FILES.iter().zip(contents) {
        std::fs::write(folder.join(name), text).with_context(place)?;
    }
    let key = folder.join("server.key");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    std::fs::set_permissions(&key, private).with_context(place)?;
    // Debian's service runs in this group, and must read the key.
    if let Some(group) = group_id("mosquitto").filter(|_| rustix::process::geteuid().is_root()) {
        rustix::fs::chown(&key, None, Some(rustix::fs::Gid::from_raw(group))).with_context(place)?;
    }
    Ok(folder.join(FILES[0]))
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

/// `%u` is `tenant/device`, which fills the topic's two levels.
const ACL: &str = "\
user {hub}
topic read v1/+/+/event/+
topic read v1/+/+/status
topic read v1/+/+/live
topic write v1/+/+/receipt/+
topic write v1/+/+/command/+
topic read $share/hub/v1/+/+/event/+

pattern write v1/%u/event/+
pattern write v1/%u/status
pattern write v1/%u/live
pattern read v1/%u/receipt/+
pattern read v1/%u/command/+
";
