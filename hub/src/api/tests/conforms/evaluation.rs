//! The evaluation's operations.

use super::{Reader, Who};
use crate::web::tests::site::Browser;

/// Tables, cases and bulletin, each as JSON and as files: for whom they are, for others, and asked wrongly.
pub(super) async fn evaluation(reader: &mut Reader<'_>, seat: &Browser, chief: &Browser) {
    let (seat, chief) = (Who::Browser(seat), Who::Browser(chief));
    for (path, query, wrong) in [
        ("/api/v1/evaluation", "by=category&period=2026-Q1", "period=odd"),
        ("/api/v1/evaluation/cases", "measure=reported", "measure=odd"),
        ("/api/v1/evaluation/bulletin", "month=2026-03", "month=odd"),
    ] {
        for form in ["", ".csv", ".xlsx"] {
            let path = format!("{path}{form}");
            let answer = reader.ask("GET", &path, &format!("{path}?{query}"), chief, None).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            for (who, query, status) in [(chief, wrong, 400), (seat, query, 403), (Who::Nobody, query, 401)] {
                let answer = reader.ask("GET", &path, &format!("{path}?{query}"), who, None).await;
                assert_eq!(answer.status, status, "{path}?{query}");
            }
        }
    }
    let path = "/api/v1/evaluation/series";
    for (who, query, status) in [
        (chief, "by=category&period=2026-03&count=3", 200),
        (chief, "count=0", 400),
        (chief, "count=99", 400),
        (seat, "", 403),
        (Who::Nobody, "", 401),
    ] {
        let answer = reader.ask("GET", path, &format!("{path}?{query}"), who, None).await;
        assert_eq!(answer.status, status, "{path}?{query}: {}", answer.text);
    }
}
