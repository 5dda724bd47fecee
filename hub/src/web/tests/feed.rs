//! The live feed.

use axum::body::Body;
use axum::http::Request;
use axum::http::header;
use futures_util::StreamExt as _;
use tower::ServiceExt as _;

use super::site::{Browser, Site, sites};

/// A stream resumed behind the last id gives every change once, in order; one from nowhere is told to read anew.
#[tokio::test]
async fn the_feed_misses_nothing() {
    for mut site in sites().await {
        let browser = site.log_in("admin").await;
        let before = site.app.changes.newest(site.app.tenant().as_str()).await.unwrap();
        for camera in ["a", "b", "c", "d"] {
            site.raise_camera(camera, camera).await;
        }
        let newest = site.app.changes.newest(site.app.tenant().as_str()).await.unwrap();
        assert!(newest >= before + 4, "{}", site.name);
        let all = site.events(&browser, &before.to_string(), newest).await;
        assert_eq!(all, (before + 1..=newest).collect::<Vec<_>>(), "{}", site.name);
        // The connection breaks after two; the browser comes back with the last id it saw.
        let rest = site.events(&browser, &(before + 2).to_string(), newest).await;
        assert_eq!(rest, (before + 3..=newest).collect::<Vec<_>>(), "{}", site.name);
        let text = site.first_event(&browser, &(newest + 1_000).to_string()).await;
        assert!(text.contains("event: resync") && !text.contains("id:"), "{text}");
        let text = site.first_event(&browser, &newest.to_string()).await;
        assert!(text.contains("event: beat") && !text.contains("id:"), "{text}");
    }
}

impl Site {
    async fn stream(&self, browser: &Browser, last_id: &str) -> axum::body::BodyDataStream {
        let request = Request::get("/api/v1/changes")
            .header(header::COOKIE, &browser.cookie)
            .header("last-event-id", last_id)
            .body(Body::empty())
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        response.into_body().into_data_stream()
    }

    async fn first_event(&self, browser: &Browser, last_id: &str) -> String {
        let bytes = self.stream(browser, last_id).await.next().await.unwrap().unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Ids of the stream up to `last`.
    async fn events(&self, browser: &Browser, last_id: &str, last: i64) -> Vec<i64> {
        let mut stream = self.stream(browser, last_id).await;
        let mut ids = Vec::new();
        let read = async {
            while ids.last() != Some(&last) {
                let bytes = stream.next().await.unwrap().unwrap();
                let text = String::from_utf8_lossy(&bytes).into_owned();
                ids.extend(text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse::<i64>().ok()));
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), read).await.expect("the events come");
        ids
    }
}
