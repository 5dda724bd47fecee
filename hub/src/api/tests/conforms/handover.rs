//! The handover of a shift.

use serde_json::json;

use super::{Reader, Who};
use crate::web::tests::site::Browser;

pub(super) async fn handover(reader: &mut Reader<'_>, seat: &Browser, chief: &Browser, admin: &Browser) {
    const PATH: &str = "/api/v1/handovers";
    const TAKE: &str = "/api/v1/handovers/{id}/take";
    let (seat, chief, admin) = (Who::Browser(seat), Who::Browser(chief), Who::Browser(admin));
    for (who, body, status) in [
        (seat, None, 415),
        (seat, Some(json!({"odd": 1})), 422),
        (seat, Some(json!({"id": "No Id"})), 422),
        (seat, Some(json!({"area": "nowhere"})), 422),
        (seat, Some(json!({"from": 1})), 422),
        (admin, Some(json!({})), 403),
        (seat, Some(json!({"id": "h-1", "note": "夜班请留意"})), 201),
        (seat, Some(json!({"id": "h-1", "note": "夜班请留意"})), 201),
        (chief, Some(json!({"id": "h-1"})), 422),
        (Who::Nobody, Some(json!({})), 401),
    ] {
        let answer = reader.ask("POST", PATH, PATH, who, body.clone()).await;
        assert_eq!(answer.status, status, "{body:?}: {}", answer.text);
    }
    let list = reader.ask("GET", PATH, PATH, chief, None).await.json();
    assert_eq!(list["handovers"].as_array().map(Vec::len), Some(1), "sent twice it is one: {list}");
    for (who, status) in [(admin, 403), (Who::Nobody, 401)] {
        assert_eq!(reader.ask("GET", PATH, PATH, who, None).await.status, status);
    }
    let own = "/api/v1/handovers/h-1/take";
    for (address, who, status) in [
        ("/api/v1/handovers/odd/take", chief, 404),
        (own, admin, 403),
        (own, seat, 403),
        (own, chief, 200),
        (own, chief, 200),
        (own, Who::Nobody, 401),
    ] {
        let answer = reader.ask("POST", TAKE, address, who, None).await;
        assert_eq!(answer.status, status, "{address}: {}", answer.text);
    }
}
