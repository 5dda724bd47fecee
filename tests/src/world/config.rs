//! The files by which hub and box of a world are configured.

use std::fmt::Write as _;

use super::{BrokerKind, CameraPlan, World, recogniser};

impl World {
    pub(super) fn hub_toml(&self) -> String {
        let here = if self.lan.is_some() { "0.0.0.0" } else { "127.0.0.1" };
        let mut toml = format!(
            "[hub]\ndata_dir = {:?}\n\n[http]\nlisten = \"{here}:{}\"\nloopback = \"127.0.0.1:{}\"\n\n[broker]\n",
            self.path("hub"),
            self.https,
            self.http
        );
        let port = self.mqtt;
        let broker = match self.broker_kind {
            BrokerKind::Embedded => format!("mode = \"embedded\"\nlisten = \"{here}:{port}\"\n"),
            BrokerKind::Mosquitto => format!("mode = \"external\"\nhost = \"127.0.0.1\"\nport = {port}\n"),
        };
        toml += &broker;
        if let Some(postgres) = &self.postgres {
            toml += &format!("\n[database]\nurl = {:?}\n", postgres.url());
        }
        toml
    }

    pub(super) fn edge_toml(&self, cameras: &[CameraPlan]) -> String {
        let mut toml = format!(
            "[agent]\ndata_dir = {:?}\nname = \"世界\"\n\n[health]\nlisten = \"127.0.0.1:{}\"\n\n[calls]\n\
             audiosocket_listen = \"127.0.0.1:{}\"\napi_listen = \"127.0.0.1:{}\"\njoin_grace_ms = 300\n",
            self.path("edge"),
            self.health,
            self.audio,
            self.calls
        );
        if let Some(port) = self.websocket {
            // Writing to a String cannot fail, here and below.
            let model = recogniser();
            let _ = write!(
                toml,
                "websocket_listen = \"127.0.0.1:{port}\"\nspeech_model = {model:?}\nlive_model = {model:?}\n"
            );
        }
        for camera in cameras {
            let _ = write!(
                toml,
                "\n[[camera]]\nid = {:?}\nname = {:?}\nurl = {:?}\nplace = {{ name = {:?} }}\npre_roll_s = 6\n\
                 post_roll_s = 2\nclip_max_s = 6\n\n[[camera.rules]]\nid = \"forecourt\"\nkind = \"intrusion\"\n\
                 cooldown_s = 1\n",
                camera.id,
                camera.place,
                self.cameras.url(&camera.id),
                camera.place,
            );
            if !camera.zone.is_empty() {
                let outline = &camera.zone;
                let _ = write!(
                    toml,
                    "zone = \"forecourt\"\n\n[[camera.zones]]\nid = \"forecourt\"\npolygon = {outline:?}\n"
                );
            }
            for mask in &camera.masks {
                let _ = write!(toml, "\n[[camera.masks]]\npolygon = {mask:?}\n");
            }
        }
        toml
    }
}
