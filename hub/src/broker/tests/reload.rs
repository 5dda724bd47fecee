//! What the hub writes for Mosquitto is read by it: the units that are installed with the hub, and the files they watch.

use std::path::Path;

use super::{Kind, clock, world_on};
use crate::broker::Outside;
use crate::db::testing::databases;
use crate::device;

fn text(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

/// Each file that the hub changes while it runs and that Mosquitto reads is watched, in the folder of the installation
/// guide, where the hub's service may write; what is started has Mosquitto reload.
#[test]
fn the_units_watch_what_the_hub_writes() {
    const FOLDER: &str = "/etc/mosquitto/shaodian";
    let path = text("deploy/systemd/shaodian-hub-broker.path");
    assert_eq!(
        values(&path, "PathChanged"),
        [format!("{FOLDER}/revoked.crl"), format!("{FOLDER}/server.pem")]
    );
    let service = text("deploy/systemd/shaodian-hub-broker.service");
    assert_eq!(values(&service, "ExecStart"), ["/bin/systemctl try-reload-or-restart mosquitto.service"]);
    let hub = text("deploy/systemd/shaodian-hub.service");
    assert_eq!(values(&hub, "ReadWritePaths"), [format!("-{FOLDER}")]);
    for guide in ["docs/INSTALL.md", "docs/INSTALL.zh-CN.md"] {
        let guide = text(guide);
        assert!(guide.contains(&format!("config_dir = \"{FOLDER}\"")));
        assert!(guide.contains(&format!("mosquitto-config {FOLDER}")));
    }
}

/// A box that is shut out changes the watched list; writing the configuration anew does not let it in again.
#[tokio::test]
async fn the_watched_list_follows_the_boxes() {
    let test = databases().await.swap_remove(0);
    let Some(world) = world_on(Kind::Mosquitto, test, clock(0)).await else { return };
    let folder = world.app.config.broker.config_dir.clone().unwrap();
    let list = || std::fs::read(folder.join("revoked.crl")).unwrap();
    let mut outside = Outside::new(world.app.clone(), world.app.authority.ca_path());
    outside.pass().await.unwrap();
    let before = list();
    device::store::set_disabled(&world.app.db, "main", "b", true, world.app.clock.now()).await.unwrap();
    outside.pass().await.unwrap();
    let after = list();
    assert_ne!(after, before);
    crate::broker::mosquitto::write(&world.app, &folder, world.port()).await.unwrap();
    outside.pass().await.unwrap();
    assert_eq!(list(), after);
}
