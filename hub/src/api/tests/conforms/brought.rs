//! What is brought in: tickets of the platform above, pictures.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::json;

use super::{Reader, Who};
use crate::web::tests::site::Browser;

pub(super) async fn platform(reader: &mut Reader<'_>, seat: &Browser) {
    let key = crate::platform::add_key(&reader.site.app, "city").await.unwrap().expect("a good name");
    let (who, path) = (Who::Token(&key), "/api/v1/platform/tickets/{ticket}");
    let ticket = |revision: i64, title: &str| {
        Some(
            json!({"revision": revision, "title": title, "text": "不亮", "place": "东关", "category": "nothing known"}),
        )
    };
    for (address, who, body, status) in [
        ("/api/v1/platform/tickets/T1", who, ticket(1, "路灯"), 201),
        ("/api/v1/platform/tickets/T1", who, ticket(1, "路灯"), 200),
        ("/api/v1/platform/tickets/T1", who, ticket(1, "另一个"), 409),
        ("/api/v1/platform/tickets/T1", who, ticket(0, "路灯"), 422),
        ("/api/v1/platform/tickets/T1", who, Some(json!({"odd": 1})), 422),
        ("/api/v1/platform/tickets/T1", who, None, 415),
        ("/api/v1/platform/tickets/T1", Who::Browser(seat), ticket(1, "路灯"), 401),
    ] {
        let answer = reader.ask("PUT", path, address, who, body.clone()).await;
        assert_eq!(answer.status, status, "{body:?}: {}", answer.text);
    }
    let path = "/api/v1/platform/progress";
    let told = reader.ask("GET", path, path, who, None).await.json();
    assert_eq!((&told["progress"][0]["event"], &told["newest"]), (&json!("received"), &json!(1)));
    for wrong in ["after=x", "after=9", "limit=0"] {
        let answer = reader.ask("GET", path, &format!("{path}?{wrong}"), who, None).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    let path = "/api/v1/platform/progress/ack";
    for (body, status) in [
        (Some(json!({"position": 1})), 200),
        (Some(json!({"position": 2})), 400),
        (Some(json!({"position": "x"})), 422),
        (None, 415),
    ] {
        let answer = reader.ask("POST", path, path, who, body.clone()).await;
        assert_eq!(answer.status, status, "{body:?}: {}", answer.text);
    }
}

/// The body is a file, not JSON.
pub(super) async fn attachments(reader: &mut Reader<'_>, seat: &Browser, admin: &Browser) {
    const PATH: &str = "/api/v1/attachments";
    // The smallest PNG as far as its chunks go.
    let chunk =
        |kind: &[u8], body: &[u8]| [&(body.len() as u32).to_be_bytes()[..], kind, body, b"crc!"].concat();
    let head = chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]);
    let png = [&b"\x89PNG\r\n\x1a\n"[..], &head, &chunk(b"IDAT", b"x"), &chunk(b"IEND", b"")].concat();
    let large = vec![0; crate::attachment::MAX_BYTES + 1];
    for (who, body, status) in
        [(seat, png.clone(), 201), (seat, b"text".to_vec(), 415), (seat, large, 413), (admin, png, 403)]
    {
        let request = Request::post(PATH)
            .header(header::COOKIE, &who.cookie)
            .header("x-csrf-token", &who.csrf)
            .body(Body::from(body))
            .unwrap();
        let answer = reader.site.send(request).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        reader.compare("POST", PATH, &answer);
    }
}
