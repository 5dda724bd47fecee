//! A citizen's number on the hub: where it lies, who sees it, what is written down of that, and when it is gone.

mod sharing;

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use protocol::{
    Chance, ContactKey, ContactSecret, Event, Incident, IncidentKind, Sealed, Subject, Transcript,
};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::args;
use crate::db::dialect::Dialect;
use crate::reconcile;
use crate::web::tests::site::{Answer, Browser, CALL, Site, call, sites};

const NUMBER: &str = "13812346027";
const DAY_MS: i64 = 86_400_000;

fn seal(key: ContactKey, number: &str) -> Sealed {
    key.seal(number, &Chance::seeded(77)).unwrap()
}

fn with(mut incident: Incident, sealed: Sealed) -> Incident {
    if let Subject::Call(call) = &mut incident.subject {
        call.callback = Some(sealed);
    }
    incident
}

impl Site {
    /// A call that brings a number; as its box sent it.
    async fn called(&mut self, sealed: Sealed) -> Incident {
        let incident = self.incident(call(CALL, "03", Transcript::Silent), IncidentKind::Hotline, "东关");
        let incident = with(incident, sealed);
        self.hand_in(Event::Incident(incident.clone())).await;
        incident
    }

    fn sealed(&self, number: &str) -> Sealed {
        seal(self.app.contact_key.key(), number)
    }

    async fn api(&self, method: &str, number: &str, who: Option<&Browser>, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/v1/cases/{number}/contact"));
        if let Some(who) = who {
            request = request.header(header::COOKIE, &who.cookie).header("x-csrf-token", &who.csrf);
        }
        let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
        self.send(request.header(header::CONTENT_TYPE, "application/json").body(body).unwrap()).await
    }

    async fn look(&self, number: &str, who: &Browser) -> Answer {
        self.api("POST", number, Some(who), Some(json!({ "purpose": "回访" }))).await
    }

    /// `table.column` of everything in the database that holds this text.
    async fn holding(&self, text: &str) -> Vec<String> {
        let columns = match self.app.db.dialect() {
            Dialect::Sqlite => {
                "select m.name, c.name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'"
            }
            Dialect::Postgres => {
                "select table_name::text, column_name::text from information_schema.columns
                 where table_schema = current_schema()"
            }
        };
        let columns: Vec<(String, String)> = self.app.db.fetch_all(columns, args![]).await.unwrap();
        assert!(columns.len() > 100, "{}: {} columns", self.name, columns.len());
        let mut holding = Vec::new();
        let mut tx = self.app.db.begin().await.unwrap();
        for (table, column) in columns {
            let sql = format!(
                "select count(*) from {table} where cast(\"{column}\" as text) like '%' || $1 || '%'"
            );
            let rows: Vec<(i64,)> = tx.fetch_all(AssertSqlSafe(sql), args![text]).await.unwrap();
            if rows != [(0,)] {
                holding.push(format!("{table}.{column}"));
            }
        }
        holding
    }
}

fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if std::fs::read(&path).unwrap().windows(text.len()).any(|part| part == text.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// A number lies sealed in a table of its own and nowhere else, neither before nor after somebody saw it: no list, no
/// incident, no history, no register and no file has it.
#[tokio::test]
async fn a_number_is_kept_apart() {
    for mut site in sites().await {
        let sealed = site.sealed(NUMBER);
        site.called(sealed.clone()).await;
        assert_eq!(site.holding(sealed.as_str()).await, ["contacts.sealed"], "{}", site.name);
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        assert_eq!(site.look(&number, &seat).await.json()["number"], NUMBER, "{}", site.name);
        assert_eq!(site.holding(sealed.as_str()).await, ["contacts.sealed"], "{}", site.name);
        assert_eq!(site.holding(NUMBER).await, Vec::<String>::new(), "{}", site.name);
        let all = site.app.data_dir().parent().unwrap().to_owned();
        assert_eq!(files_with(&all, NUMBER), Vec::<String>::new());
        for page in [
            "/api/v1/cases",
            &format!("/api/v1/cases/{number}"),
            &format!("/api/v1/cases/{number}/contact"),
            "/cases",
            &format!("/cases/{number}"),
            &format!("/calls/{CALL}"),
        ] {
            let answer = site.get(page, Some(&seat)).await;
            assert_eq!(answer.status, StatusCode::OK, "{page}");
            assert!(!answer.text.contains(NUMBER) && !answer.text.contains(sealed.as_str()), "{page}");
        }
    }
}

/// Who speaks with citizens sees it, with a purpose; who sets up the system does not, nor does a stranger. Each look is a row
/// of the register and of the history, the second one too.
#[tokio::test]
async fn each_look_is_written_down() {
    for mut site in sites().await {
        let sealed = site.sealed(NUMBER);
        site.called(sealed).await;
        let (admin, seat, chief) =
            (site.log_in("admin").await, site.log_in("seat03").await, site.log_in("chief").await);
        let number = site.number(&seat).await;
        let purpose = json!({ "purpose": "回访" });
        assert_eq!(
            site.api("POST", &number, None, Some(purpose.clone())).await.status,
            StatusCode::UNAUTHORIZED
        );
        for method in ["POST", "DELETE"] {
            let refused = site.api(method, &number, Some(&admin), Some(purpose.clone())).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method}");
            assert!(refused.text.contains("Operator") && !refused.text.contains("Administrator"));
        }
        for empty in ["", "  "] {
            let refused = site.api("POST", &number, Some(&seat), Some(json!({ "purpose": empty }))).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(refused.text.contains("purpose"), "{}", refused.text);
        }
        let state = async |site: &Site| site.api("GET", &number, Some(&admin), None).await.json();
        assert_eq!(state(&site).await["accesses"], json!([]), "{}: nobody saw it", site.name);
        for who in [&seat, &seat, &chief] {
            let told = site.look(&number, who).await;
            assert_eq!((told.status, told.header("cache-control")), (StatusCode::OK, "no-store"));
            assert_eq!(told.json()["number"], NUMBER);
        }
        let seen = state(&site).await;
        assert_eq!(seen["kept"], true);
        let rows = seen["accesses"].as_array().unwrap();
        let mut by: Vec<_> = rows.iter().map(|row| row["user_name"].as_str().unwrap()).collect();
        by.sort_unstable();
        assert_eq!(by, ["chief", "seat03", "seat03"], "{}", site.name);
        for row in rows {
            assert_eq!(
                (&row["kind"], &row["act"], &row["purpose"]),
                (&json!("contact"), &json!("see"), &json!("回访"))
            );
            assert_eq!((&row["case_number"], &row["call_id"]), (&json!(number), &json!(CALL)));
        }
        let case = site.get(&format!("/api/v1/cases/{number}"), Some(&seat)).await.json();
        let looks = case["history"].as_array().unwrap().iter().filter(|row| row["action"] == "contact_seen");
        assert_eq!(looks.clone().count(), 3, "{}", site.name);
        assert!(looks.into_iter().all(|row| row["detail"] == json!({ "purpose": "回访" })));
        let page = site.get(&format!("/cases/{number}"), Some(&seat)).await.text;
        assert!(page.contains("查看回拨号码") && page.contains("首尾相连"), "the chain holds");
    }
}

/// On the page: a form for who may, the roles for who may not; the answer tells the number once and is kept by nobody; its
/// address leads back to the call.
#[tokio::test]
async fn the_page_tells_it_once() {
    for mut site in sites().await {
        let sealed = site.sealed(NUMBER);
        site.called(sealed).await;
        let (admin, seat) = (site.log_in("admin").await, site.log_in("seat03").await);
        let url = format!("/calls/{CALL}/contact");
        let page = site.get(&format!("/calls/{CALL}"), Some(&seat)).await.text;
        assert!(page.contains("id=\"contact-form\"") && page.contains("回拨号码"));
        let page = site.get(&format!("/calls/{CALL}"), Some(&admin)).await.text;
        assert!(!page.contains("contact-form") && page.contains("<b>坐席、指挥长、班长</b>"), "{page}");

        let form = |browser: &Browser, purpose: &str| format!("csrf={}&purpose={purpose}", browser.csrf);
        assert_eq!(site.post(&url, &seat, "purpose=x").await.status, StatusCode::FORBIDDEN, "no CSRF token");
        assert_eq!(site.post(&url, &admin, &form(&admin, "x")).await.status, StatusCode::FORBIDDEN);
        let answer = site.post(&url, &seat, &form(&seat, "+")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains("请写明用途") && !answer.text.contains(NUMBER));
        let answer = site.post(&url, &seat, &form(&seat, "why")).await;
        assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
        assert_eq!(answer.text.matches(NUMBER).count(), 1, "{}", answer.text);
        assert!(!answer.text.contains("data-position"), "no update asks for it again");
        let back = site.get(&url, Some(&seat)).await;
        assert_eq!(
            (back.status, back.header("location")),
            (StatusCode::SEE_OTHER, format!("/calls/{CALL}").as_str())
        );

        let delete = format!("{url}/delete");
        assert_eq!(site.post(&delete, &admin, &form(&admin, "")).await.status, StatusCode::FORBIDDEN);
        assert_eq!(site.post(&delete, &seat, &form(&seat, "")).await.status, StatusCode::SEE_OTHER);
        let page = site.get(&format!("/calls/{CALL}"), Some(&seat)).await.text;
        assert!(page.contains("回拨号码：已删除") && !page.contains("contact-form"), "{page}");
        let answer = site.post(&url, &seat, &form(&seat, "why")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(answer.text.contains("没有可查看的回拨号码"));
    }
}

/// What another key sealed, and what is damaged, is said in words, on page and API; nothing is written down as seen.
#[tokio::test]
async fn what_cannot_be_opened_is_said() {
    let other = ContactSecret::from_bytes(Chance::seeded(4).bytes()).key();
    let damaged = |site: &Site| {
        let text = site.sealed(NUMBER).as_str().to_owned();
        let (all_but_last, last) = text.split_at(text.len() - 1);
        Sealed::kept(&format!("{all_but_last}{}", if last == "0" { "1" } else { "0" })).unwrap()
    };
    for wrong in [true, false] {
        for mut site in sites().await {
            let sealed = if wrong { seal(other, NUMBER) } else { damaged(&site) };
            site.called(sealed).await;
            let seat = site.log_in("seat03").await;
            let number = site.number(&seat).await;
            let answer = site.look(&number, &seat).await;
            assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
            let (en, zh) = if wrong { ("another key", "另一把密钥") } else { ("damaged", "已损坏") };
            assert!(answer.text.contains(en), "{}", answer.text);
            let form = format!("csrf={}&purpose=why", seat.csrf);
            let answer = site.post(&format!("/calls/{CALL}/contact"), &seat, &form).await;
            assert_eq!(answer.status, StatusCode::CONFLICT);
            assert!(answer.text.contains(zh), "{}", answer.text);
            let state = site.api("GET", &number, Some(&seat), None).await.json();
            assert_eq!(state["accesses"], json!([]));
        }
    }
}

/// One number a case, that of the newest revision, in whatever order they come.
#[tokio::test]
async fn the_newest_number_is_kept() {
    for mut site in sites().await {
        let (first, second) = (site.sealed("13800000001"), site.sealed("13800000002"));
        let incident = site.called(first.clone()).await;
        let mut newer = with(incident.clone(), second.clone());
        newer.revision = 3;
        site.hand_in(Event::Incident(newer)).await;
        let mut older = incident;
        older.revision = 2;
        site.hand_in(Event::Incident(older)).await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        assert_eq!(site.look(&number, &seat).await.json()["number"], "13800000002", "{}", site.name);
        assert_eq!(site.holding(first.as_str()).await, Vec::<String>::new());
        assert_eq!(site.holding(second.as_str()).await, ["contacts.sealed"]);
    }
}

/// It is gone so many days after the case was opened, also for who asks before the periodic work has come by, and does not
/// come back with what the call still tells; no more does one that somebody deleted.
#[tokio::test]
async fn it_expires_and_is_deleted() {
    for mut site in sites().await {
        let sealed = site.sealed(NUMBER);
        let mut incident = site.called(sealed.clone()).await;
        let number = site.number(&site.log_in("seat03").await).await;
        site.clock.advance_ms(90 * DAY_MS - 1);
        reconcile::pass(&site.app).await;
        let seat = site.log_in("seat03").await;
        assert_eq!(site.look(&number, &seat).await.status, StatusCode::OK, "{}", site.name);
        site.clock.advance_ms(1);
        assert_eq!(site.look(&number, &seat).await.status, StatusCode::NOT_FOUND);
        assert_eq!(site.holding(sealed.as_str()).await, ["contacts.sealed"]);
        reconcile::pass(&site.app).await;
        assert_eq!(site.holding(sealed.as_str()).await, Vec::<String>::new(), "{}", site.name);
        incident.revision = 2;
        site.hand_in(Event::Incident(incident)).await;
        assert_eq!(site.holding(sealed.as_str()).await, Vec::<String>::new(), "{}", site.name);
    }
    for mut site in sites().await {
        let sealed = site.sealed(NUMBER);
        let incident = site.called(sealed.clone()).await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        assert_eq!(site.api("DELETE", &number, Some(&seat), None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(site.api("DELETE", &number, Some(&seat), None).await.status, StatusCode::NOT_FOUND);
        let again = site.sealed("13800000002");
        let mut incident = with(incident, again.clone());
        incident.revision = 2;
        site.hand_in(Event::Incident(incident)).await;
        for text in [sealed.as_str(), again.as_str()] {
            assert_eq!(site.holding(text).await, Vec::<String>::new(), "{}", site.name);
        }
        assert_eq!(site.look(&number, &seat).await.status, StatusCode::NOT_FOUND);
        let case = site.get(&format!("/api/v1/cases/{number}"), Some(&seat)).await.json();
        let rows = case["history"].as_array().unwrap();
        assert_eq!(rows.iter().filter(|row| row["action"] == "contact_deleted").count(), 1);
    }
}

/// Boxes that enrolled before there was a key get it by asking; it is that of the next start too.
#[tokio::test]
async fn boxes_are_told_the_key() {
    for site in sites().await {
        let told: ContactKey = site.get("/contact-key", None).await.text.parse().unwrap();
        assert_eq!(told, site.app.contact_key.key(), "{}", site.name);
        let again = super::open_key(&site.app.data_dir().join("pki"), &Arc::new(Chance::seeded(1))).unwrap();
        assert_eq!(again.key(), told);
    }
}
