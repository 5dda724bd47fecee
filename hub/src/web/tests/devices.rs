//! The page of a box.

use axum::body::Body;
use axum::http::{Request, header};
use protocol::{BootId, CallTapHealth, DeviceState, MessageId, Status};

use super::site::{DEVICE_TOKEN, HOSTILE, START, Site, sites};
use crate::device;

impl Site {
    /// A heartbeat of a box that taps calls and has trouble with it.
    async fn heartbeat(&self, trouble: &str) {
        let calls = CallTapHealth {
            voice_detector: "earshot".into(),
            transcripts_waiting: 7,
            calls_filed: 31,
            refused: 5,
            announcements_dropped: 2,
            troubles: vec![trouble.to_owned()],
        };
        let status = Status {
            state: DeviceState::Online,
            boot: BootId::new(&self.app.chance, START),
            at: START,
            uptime_ms: 1_000,
            clock_synced: true,
            version: "0.1.0".into(),
            configuration_version: 0,
            cameras: vec![],
            detector: None,
            speech_model: Some("paraformer".into()),
            active_calls: 1,
            calls: Some(calls),
            outbox_rows: 0,
            outbox_oldest_ms: 0,
            uploads_waiting: 0,
            disk_free_bytes: 1_000_000,
            rejected_rows: 0,
        };
        let mut tx = self.app.db.begin().await.unwrap();
        tx.lock_tenant(self.app.tenant().as_str()).await.unwrap();
        device::store::save_status(&mut tx, &self.origin(), &status, false, START).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A message that nobody can read.
    async fn send_nonsense(&self) {
        let id = MessageId::new(&self.app.chance, START);
        let request = Request::post("/api/v1/incidents")
            .header(header::AUTHORIZATION, format!("Bearer {DEVICE_TOKEN}"))
            .body(Body::from(format!(r#"{{"id":"{id}","nonsense":"{}"}}"#, HOSTILE.replace('"', "'"))))
            .unwrap();
        assert_eq!(self.send(request).await.json()["outcome"], "quarantined");
    }
}

/// What is wrong with a box stands on its page: troubles of its call tap, messages that never came, messages that could
/// not be read; and its words are shown as words.
#[tokio::test]
async fn a_box_shows_what_is_wrong_with_it() {
    for mut site in sites().await {
        let admin = site.log_in("admin").await;
        site.raise_camera("north", "北口").await;
        site.heartbeat("AudioSocket 9092: address in use").await;
        let page = site.get("/devices/box-1?lang=en", Some(&admin)).await.text;
        assert!(
            page.contains("AudioSocket 9092: address in use") && page.contains("earshot"),
            "{}",
            site.name
        );
        assert!(!page.contains("on their way, or lost") && !page.contains("/quarantine?device"));
        assert!(site.get("/devices?lang=en", Some(&admin)).await.text.contains("Call tap in trouble"));

        // Messages 2 to 4 never come.
        site.sequence += 3;
        site.raise_camera("south", "南口").await;
        site.send_nonsense().await;
        site.heartbeat(HOSTILE).await;
        let page = site.get("/devices/box-1?lang=en", Some(&admin)).await.text;
        assert!(page.contains("on their way, or lost"), "{}", site.name);
        assert!(page.contains("href=\"/quarantine?device=box-1\">1</a>"), "{}", site.name);
        assert!(page.contains("&#60;script&#62;alert") && !page.contains("<script>alert"));
        let own = site.get("/quarantine?device=box-1", Some(&admin)).await.text;
        assert!(own.contains("class=\"jk\"") && !own.contains("<script>alert"));
        let id = own.split("/quarantine/").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let item = site.get(&format!("/quarantine/{id}"), Some(&admin)).await.text;
        assert!(item.contains("nonsense") && !item.contains("<script>alert"), "{}", site.name);
        assert!(!site.get("/quarantine?device=box-2", Some(&admin)).await.text.contains("class=\"jk\""));
    }
}
