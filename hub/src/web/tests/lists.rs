//! The list of cases, and words from outside on every page.

use axum::http::StatusCode;

use super::site::{CALL, HOSTILE, sites};
use crate::web::guard::percent;
use crate::web::view::Counts;

/// What a hostile installer or caller wrote comes out as text on every page, through the real intake.
#[tokio::test]
async fn hostile_names_are_text() {
    for mut site in sites().await {
        site.raise_camera("north", HOSTILE).await;
        let admin = site.log_in("admin").await;
        let camera_case = site.number(&admin).await;
        site.clock.advance_ms(1_000);
        site.raise_call(HOSTILE).await;
        let call_case = site.number(&admin).await;
        assert_ne!(camera_case, call_case);
        for path in [
            "/cases".to_owned(),
            format!("/cases?q={}", percent(HOSTILE)),
            format!("/cases/{camera_case}"),
            format!("/cases/{camera_case}/row"),
            format!("/cases/{call_case}"),
            format!("/calls/{CALL}?purpose={}", percent(HOSTILE)),
            "/devices/box-1?lang=en".to_owned(),
        ] {
            let answer = site.get(&path, Some(&admin)).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert!(!answer.text.contains("<script>alert") && !answer.text.contains("<img src=x"), "{path}");
            assert!(answer.header("content-security-policy").contains("script-src 'self'"), "{path}");
        }
    }
}

/// The list puts unacknowledged cases first and finds by words; languages and themes stay chosen.
#[tokio::test]
async fn the_list_and_the_choices() {
    for mut site in sites().await {
        site.raise_camera("north", "水厂西墙").await;
        site.raise_camera("south", "学校东门").await;
        let browser = site.log_in("chief").await;
        let page = site.get("/cases?lang=en&theme=dark", Some(&browser)).await;
        assert!(page.text.contains("Unacknowledged") && page.text.contains("data-theme=\"dark\""));
        let cookies: Vec<_> =
            page.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(
            cookies.iter().any(|c| c.starts_with("lang=en"))
                && cookies.iter().any(|c| c.starts_with("theme=dark"))
        );
        let found = site.get(&format!("/cases?q={}", percent("学校")), Some(&browser)).await;
        assert!(found.text.contains("学校东门") && !found.text.contains("水厂西墙"), "{}", site.name);
        let none = site.get("/cases?q=100%25", Some(&browser)).await;
        assert!(!none.text.contains("学校东门"), "a wildcard is a letter");
        assert_eq!(site.get("/cases/20000101-001", Some(&browser)).await.status, StatusCode::NOT_FOUND);
    }
}

/// More than a page counts is told as more.
#[test]
fn many_are_many() {
    let counts = |n| Counts { waiting: n, inhand: n, ended: n };
    assert_eq!((counts(0).waiting_shown(), counts(999).inhand_shown()), ("0".to_owned(), "999".to_owned()));
    assert_eq!(
        (counts(1000).inhand_shown(), counts(1000).ended_shown()),
        ("1000+".to_owned(), "1000+".to_owned())
    );
}

/// The numbers beside the list are those of all its pages, and of what was looked for; they are told anew as JSON.
#[tokio::test]
async fn numbers_count_every_page() {
    for mut site in sites().await {
        for at in 0..105 {
            site.raise_camera(&format!("camera-{at}"), if at < 3 { "水厂西墙" } else { "学校东门" }).await;
        }
        let chief = site.log_in("chief").await;
        let page = site.get("/cases", Some(&chief)).await.text;
        assert!(page.contains("id=\"n-waiting\">105<"), "{}", site.name);
        assert_eq!(page.matches("<li class=\"crow").count(), 100);
        let number = site.number(&chief).await;
        let form = format!("csrf={}", chief.csrf);
        site.post(&format!("/cases/{number}/acknowledge"), &chief, &form).await;
        let counts = site.get("/cases/counts", Some(&chief)).await.json();
        assert_eq!(counts, serde_json::json!({"waiting": 104, "inhand": 1, "ended": 0}), "{}", site.name);
        let words = percent("水厂");
        let found = site.get(&format!("/cases?q={words}"), Some(&chief)).await.text;
        assert!(
            found.contains("id=\"n-waiting\">3<")
                && found.contains(&format!("/cases?state=open&#38;q={words}"))
        );
        let open = site.get(&format!("/cases?state=open&q={words}"), Some(&chief)).await.text;
        assert!(open.contains("id=\"n-waiting\">3<") && open.contains("水厂西墙"));
        assert_eq!(open.matches("<li class=\"crow").count(), 3, "{}", site.name);
    }
}
