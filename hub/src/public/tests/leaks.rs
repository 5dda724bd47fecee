//! Markers in every private field, looked for in everything that is told without a login or to other systems.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::json;

use super::{reported, take, text};
use crate::open311;
use crate::web::tests::site::{Browser, Site, sites};
use crate::workflow::{Satisfaction, Step};

/// In each of them the marker.
const MARKER: &str = "秘密Xq7";

async fn ask(site: &Site, path: &str) -> String {
    let answer = site.get(path, None).await;
    format!("{path} {}: {}", answer.status, answer.text)
}

async fn post(site: &Site, path: &str, form: String) -> String {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap();
    let answer = site.send(request).await;
    format!("{path} {}: {}", answer.status, answer.text)
}

/// Everything that somebody without a login reads, once with a key that reported another case.
async fn everything(site: &Site, number: &str, code: &str, key: &str) -> Vec<String> {
    let mut all = Vec::new();
    for end in ["json", "xml"] {
        for path in ["discovery", "services", "services/noise", "requests", "servicerequestupdates"] {
            all.push(ask(site, &format!("/open311/v2/{path}.{end}")).await);
            all.push(ask(site, &format!("/open311/v2/{path}.{end}?api_key={key}&page_size=50")).await);
        }
        for path in [format!("requests/{number}.{end}"), format!("tokens/{number}.{end}")] {
            all.push(ask(site, &format!("/open311/v2/{path}")).await);
            all.push(ask(site, &format!("/open311/v2/{path}?api_key={key}")).await);
        }
        all.push(ask(site, &format!("/open311/v2/requests.{end}?service_request_id={number}")).await);
    }
    all.push(ask(site, &format!("/api/v1/public/status?number={number}&code={code}")).await);
    all.push(post(site, "/status", format!("number={number}&code={code}")).await);
    all.push(ask(site, "/status").await);
    all
}

/// Through the whole workflow with the marker in each text that somebody can write.
async fn whole_way(site: &Site, number: &str) {
    for step in [
        Step::File { category: text("noise"), note: text(MARKER) },
        Step::Dispatch { lead: text("environment"), co: vec![], note: text(MARKER) },
        Step::Accept {},
        Step::Progress { text: text(MARKER) },
        Step::Report { result: text(MARKER) },
        Step::Check { agrees: true, note: text(MARKER) },
        Step::Close { note: text(MARKER) },
        Step::CallBack { reached: true, satisfaction: Some(Satisfaction::Unsatisfied), note: text(MARKER) },
    ] {
        take(site, number, step).await;
    }
}

async fn with_marker(site: &Site, seat: &Browser, confidential: bool) -> (String, String) {
    let more = json!({"title": MARKER, "text": MARKER, "place": MARKER, "latitude": 34.512_345, "longitude": 107.412_345,
        "confidential": confidential});
    reported(site, seat, more).await
}

/// Of a confidential case nothing is told but its number, its state and its dates, and that only for its code. Of any other
/// case nothing that somebody wrote, and not to the metre where it is.
#[tokio::test]
async fn nothing_private_is_told_outside() {
    for site in sites().await {
        let seat = site.log_in("seat03").await;
        let key = open311::key::add(&site.app, "other", None, false).await.unwrap();
        let (hidden, hidden_code) = with_marker(&site, &seat, true).await;
        let (open, open_code) = with_marker(&site, &seat, false).await;
        for (number, code, confidential) in [(&hidden, &hidden_code, true), (&open, &open_code, false)] {
            let before = everything(&site, number, code, &key).await;
            whole_way(&site, number).await;
            let after = everything(&site, number, code, &key).await;
            for told in before.iter().chain(&after) {
                for private in [MARKER, "seat03", "34.512345", "107.412345", "user:", "13812346027"] {
                    assert!(!told.contains(private), "{private} in {told}");
                }
                let outside = told.starts_with("/open311/");
                // An address that names it says no more than that there is nothing.
                let named = told
                    .lines()
                    .next()
                    .is_some_and(|line| line.split(": ").next().unwrap().contains(number.as_str()));
                if confidential && outside && !named {
                    assert!(!told.contains(number.as_str()), "{told}");
                }
                if confidential && outside && named {
                    assert!(
                        told.contains("404")
                            || told.ends_with(": []")
                            || told.contains("<service_requests></service_requests>"),
                        "{told}"
                    );
                }
                if confidential && told.contains("status") && !outside {
                    for more in ["噪声扰民", "Noise", "环保", "一网格", "不满意", "Dongguan"] {
                        assert!(!told.contains(more), "{more} in {told}");
                    }
                }
            }
            let status = after.iter().find(|told| told.starts_with("/api/v1/public/status")).unwrap();
            assert!(status.contains("200") && status.contains("\"state\":\"closed\""), "{status}");
            assert_eq!(status.contains("噪声扰民"), !confidential, "{status}");
            let listed = after.iter().find(|told| told.starts_with("/open311/v2/requests.json ")).unwrap();
            assert_eq!(listed.contains(number.as_str()), !confidential, "{listed}");
        }
        // What goes to other systems that have a login keeps to it too.
        let chief = site.log_in("chief").await;
        let draft = site.get(&format!("/api/v1/cases/{hidden}/cap"), Some(&chief)).await;
        assert_eq!(draft.status, 409, "{}", draft.text);
        assert!(!draft.text.contains(MARKER));
    }
}
