//! Pictures from the telephone to the case, and who sees them, on both databases; who reported a matter, and who is told.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use crate::admin::By;
use crate::args;
use crate::organisation::testing::import_areas;
use crate::organisation::{self, AreaPath};
use crate::reconcile;
use crate::user::{self, Grant, Role};
use crate::web::tests::site::{Answer, Browser, START, Site, sites};

const AREAS: &str = "id,name,level,parent\nc,县,county,\nnorth,北镇,town,c\nsouth,南镇,town,c\n";
const SECRET: &[u8] = b"GPS 34.5105 N";
const DAY_MS: i64 = 86_400_000;

async fn town() -> Vec<Site> {
    let all = sites().await;
    for site in &all {
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        organisation::store::seed_units(&app.db, tenant).await.unwrap();
        import_areas(&app.db, tenant, AREAS.as_bytes(), false).await.unwrap();
        for (name, role, area, unit) in [
            ("north", Role::TownOfficer, "/c/north/", None),
            ("south", Role::TownOfficer, "/c/south/", None),
            ("dispatch", Role::Dispatcher, "/", None),
            ("housing", Role::Handler, "/", Some("housing")),
            ("evaluator", Role::Evaluator, "/", None),
        ] {
            let grant = Grant { role, area: AreaPath::kept(area.to_owned()), unit: unit.map(str::to_owned) };
            let one = (name, "correct horse battery", &grant);
            user::testing::add_with(&app.db, tenant, &app.chance, START, one).await.unwrap();
        }
    }
    all
}

/// A picture of 2 × 3 that tells where it was; another `number` is another picture.
fn photo(number: u8) -> Vec<u8> {
    let segment = |marker: u8, body: &[u8]| {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], body].concat()
    };
    let parts = [
        vec![0xff, 0xd8],
        segment(0xe1, &[b"Exif\0\0", SECRET].concat()),
        segment(0xdb, &[number; 65]),
        segment(0xc0, &[8, 0, 3, 0, 2, 1, 1, 0x11, 0]),
        segment(0xda, &[1, 1, 0, 0, 0x3f, 0]),
        vec![1, 2, 3, 0xff, 0xd9],
    ];
    parts.concat()
}

impl Site {
    async fn bring(&self, who: &Browser, bytes: Vec<u8>) -> Answer {
        let request = Request::post("/api/v1/attachments")
            .header(header::COOKIE, &who.cookie)
            .header("x-csrf-token", &who.csrf)
            .header(header::CONTENT_TYPE, "image/jpeg")
            .body(Body::from(bytes))
            .unwrap();
        self.send(request).await
    }

    /// Id and hash of a picture that is taken.
    async fn brought(&self, who: &Browser, number: u8) -> (String, String) {
        let answer = self.bring(who, photo(number)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let taken = answer.json();
        let text = |name: &str| taken[name].as_str().unwrap().to_owned();
        assert_eq!(text("media_type"), "image/jpeg");
        (text("attachment_id"), text("sha256"))
    }

    async fn put(&self, method: &str, path: &str, who: &Browser, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, &who.cookie)
            .header("x-csrf-token", &who.csrf)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }

    async fn moves(&self, number: &str, who: &Browser, body: Value) -> Answer {
        self.put("POST", &format!("/api/v1/cases/{number}/moves"), who, &body).await
    }

    fn file_of(&self, sha256: &str) -> bool {
        self.app.evidence.path(self.app.tenant(), &sha256.parse().unwrap()).exists()
    }

    async fn waiting(&self) -> i64 {
        let sql = "select count(*) from attachments where case_id is null";
        let (count,): (i64,) = self.app.db.fetch_one(sql, args![]).await.unwrap();
        count
    }
}

fn report(attachments: &Value) -> Value {
    json!({"title": "井盖破损", "text": "破了", "place": "巷口", "area": "north", "attachments": attachments})
}

/// A picture is nobody's before it is named; named with a report it is evidence of that case: those see it who see the case,
/// inert, without where it was taken, and each view is a row of the register.
#[tokio::test]
async fn a_picture_comes_with_a_report() {
    for site in town().await {
        let (north, south, seat) =
            (site.sign_in("north").await, site.sign_in("south").await, site.log_in("seat03").await);
        let (id, sha256) = site.brought(&north, 1).await;
        let alone = format!("/api/v1/evidence/{sha256}");
        for who in [&north, &seat] {
            assert_eq!(site.get(&alone, Some(who)).await.status, 404, "{}: nobody's yet", site.name);
        }
        let others = site.put("POST", "/api/v1/cases", &seat, &report(&json!([id]))).await;
        assert_eq!(others.status, 422, "{}", others.text);
        assert!(others.text.contains("there is no picture"), "{}", others.text);
        for wrong in [json!([id, id]), json!(["nothing"]), json!(vec!["x"; 11]), json!("x")] {
            let refused = site.put("POST", "/api/v1/cases", &north, &report(&wrong)).await;
            assert_eq!(refused.status, 422, "{wrong}");
        }
        let list = site.get("/api/v1/cases", Some(&seat)).await.json();
        assert_eq!(list["cases"], json!([]), "{}: nothing half-done stays", site.name);

        let made = site.put("POST", "/api/v1/cases", &north, &report(&json!([id]))).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let case = made.json();
        let number = case["number"].as_str().unwrap().to_owned();
        let actions: Vec<_> =
            case["history"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["told", "attached"]);
        assert_eq!(case["history"][1]["detail"], json!({"files": [sha256], "with": "told"}));
        let file = &case["evidence"][0];
        assert_eq!(
            (&file["kind"], &file["available"], &file["sha256"]),
            (&json!("attachment"), &json!(true), &json!(sha256))
        );
        let url = file["url"].as_str().unwrap().to_owned();
        let request = Request::get(&url).header(header::COOKIE, &seat.cookie).body(Body::empty()).unwrap();
        let seen = site.send(request).await;
        assert_eq!((seen.status.as_u16(), seen.header("content-type")), (200, "image/jpeg"));
        assert_eq!(seen.header("content-security-policy"), "default-src 'none'; sandbox");
        assert_eq!(seen.header("x-content-type-options"), "nosniff");
        assert!(!seen.text.contains("GPS"), "{}: it tells where it was", site.name);
        assert_eq!(site.get(&url, Some(&south)).await.status, 404, "{}: not theirs to see", site.name);
        assert_eq!(site.get(&alone, Some(&south)).await.status, 404);
        let register = site.get(&format!("{alone}/register"), Some(&seat)).await.json();
        let rows = register["accesses"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "{}: {rows:?}", site.name);
        assert_eq!((&rows[0]["kind"], &rows[0]["act"]), (&json!("attachment"), &json!("view")));
        assert_eq!((&rows[0]["user_name"], &rows[0]["case_number"]), (&json!("seat03"), &json!(number)));
        let page = site.get(&format!("/cases/{number}"), Some(&seat)).await.text;
        assert!(page.contains(&url) && page.contains("附图") && page.contains("首尾相连"), "{}", site.name);
        let again = site.put("POST", "/api/v1/cases", &north, &report(&json!([id]))).await;
        assert_eq!(again.status, 422, "{}: a picture is named once", site.name);
    }
}

/// Files that are no pictures, are too large, come from who may bring none, or are too many are refused and leave nothing.
#[tokio::test]
async fn other_files_are_refused() {
    for site in town().await {
        let (north, evaluator) = (site.sign_in("north").await, site.sign_in("evaluator").await);
        assert_eq!(site.bring(&evaluator, photo(1)).await.status, 403);
        for bytes in [b"<svg onload=alert(1)>".to_vec(), Vec::new(), photo(1)[..60].to_vec()] {
            let refused = site.bring(&north, bytes).await;
            assert_eq!(
                (refused.status.as_u16(), refused.header("content-type")),
                (415, "application/problem+json")
            );
        }
        assert_eq!(site.bring(&north, vec![0xff; super::MAX_BYTES + 1]).await.status, 413);
        let request = Request::post("/api/v1/attachments").body(Body::from(photo(1))).unwrap();
        assert_eq!(site.send(request).await.status, 401);
        let request = Request::post("/api/v1/attachments")
            .header(header::COOKIE, &north.cookie)
            .body(Body::from(photo(1)))
            .unwrap();
        assert_eq!(site.send(request).await.status, 403, "no CSRF token");
        assert_eq!(site.waiting().await, 0, "{}", site.name);
        let uploads = std::fs::read_dir(site.app.data_dir().join("uploads")).unwrap().count();
        assert_eq!(uploads, 0, "{}: nothing is left over", site.name);
        for number in 0..20 {
            site.brought(&north, number).await;
        }
        let refused = site.bring(&north, photo(20)).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        assert_eq!(site.waiting().await, 20, "{}", site.name);
        let uploads = std::fs::read_dir(site.app.data_dir().join("uploads")).unwrap().count();
        assert_eq!(uploads, 0);
    }
}

/// What nobody names is gone after a day, file and row; what a case has stays, also when somebody else brought the same.
#[tokio::test]
async fn what_nobody_names_is_gone() {
    for site in town().await {
        let (north, south) = (site.sign_in("north").await, site.sign_in("south").await);
        let (named, kept) = site.brought(&north, 1).await;
        let (_, lost) = site.brought(&north, 2).await;
        // The same picture by somebody else, who never names it.
        assert_eq!(site.brought(&south, 1).await.1, kept, "{}: one content is one file", site.name);
        let made = site.put("POST", "/api/v1/cases", &north, &report(&json!([named]))).await;
        assert_eq!(made.status, 201, "{}", made.text);
        site.clock.advance_ms(DAY_MS - 1);
        reconcile::pass(&site.app).await;
        assert_eq!((site.waiting().await, site.file_of(&lost)), (2, true), "{}", site.name);
        site.clock.advance_ms(1);
        reconcile::pass(&site.app).await;
        assert_eq!((site.waiting().await, site.file_of(&lost)), (0, false), "{}", site.name);
        assert!(site.file_of(&kept), "{}: the case has it", site.name);
        reconcile::pass(&site.app).await;
        assert!(site.file_of(&kept));
    }
}

/// Results, checks and reworks bring pictures; a rework needs one, its own or the field check's; other moves take none; who
/// may not move is told that first.
#[tokio::test]
async fn a_rework_needs_a_picture() {
    for site in town().await {
        let mut who = std::collections::HashMap::new();
        for name in ["north", "dispatch", "housing", "seat03"] {
            who.insert(name, site.sign_in(name).await);
        }
        let made = site.put("POST", "/api/v1/cases", &who["seat03"], &report(&json!([]))).await.json();
        let number = made["number"].as_str().unwrap().to_owned();
        let does = async |name: &str, body: Value| {
            let answer = site.moves(&number, &who[name], body.clone()).await;
            assert_eq!(answer.status, 200, "{body}: {}", answer.text);
            answer.json()
        };
        let (id, _) = site.brought(&who["seat03"], 9).await;
        let none = json!({"move": "file", "category": "street_facility", "attachments": [id]});
        let refused = site.moves(&number, &who["seat03"], none).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("takes no pictures"), "{}", refused.text);
        does("seat03", json!({"move": "file", "category": "street_facility"})).await;
        does("dispatch", json!({"move": "dispatch", "lead": "housing"})).await;
        does("housing", json!({"move": "accept"})).await;
        let (before, hash) = site.brought(&who["housing"], 1).await;
        let case =
            does("housing", json!({"move": "report", "result": "已换", "attachments": [before]})).await;
        let last = case["history"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(
            (&last["action"], &last["detail"]),
            (&json!("attached"), &json!({"files": [hash], "with": "report"}))
        );

        let rework = json!({"move": "rework", "reason": "没有换"});
        let refused = site.moves(&number, &who["north"], rework.clone()).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(refused.text.contains("a rework needs a picture"), "{}", refused.text);
        let other = site.moves(&number, &who["housing"], rework.clone()).await;
        assert_eq!(other.status, 403, "the law first: {}", other.text);
        let case = site.get(&format!("/api/v1/cases/{number}"), Some(&who["north"])).await.json();
        assert_eq!(case["state"], "verifying", "{}: a refusal changes nothing", site.name);
        let (own, _) = site.brought(&who["north"], 2).await;
        let case = does("north", json!({"move": "rework", "reason": "没有换", "attachments": [own]})).await;
        assert_eq!(case["state"], "in_progress", "{}", site.name);

        site.clock.advance_ms(60_000);
        does("housing", json!({"move": "report", "result": "真换了"})).await;
        let (seen, _) = site.brought(&who["north"], 3).await;
        does("north", json!({"move": "check", "agrees": false, "note": "仍破", "attachments": [seen]})).await;
        // The centre sends it back by what the field check shows.
        let case = does("dispatch", rework.clone()).await;
        assert_eq!(case["state"], "in_progress", "{}", site.name);
        site.clock.advance_ms(60_000);
        does("housing", json!({"move": "report", "result": "又换了"})).await;
        let refused = site.moves(&number, &who["dispatch"], rework).await;
        assert_eq!(
            refused.status, 422,
            "{}: an older check's picture says nothing of this result",
            site.name
        );
    }
}

/// A reporter's name and number are kept sealed, told with a purpose to who speaks with citizens, and gone in time; of a
/// confidential case not to people of the unit that it is about, or that handles it, whatever else they are.
#[tokio::test]
async fn who_reported_is_kept_apart() {
    const NAME: &str = "欧阳建国";
    for site in town().await {
        let seat = site.log_in("seat03").await;
        let with = |confidential: bool, contact: Value| {
            let mut body = report(&json!([]));
            body["confidential"] = json!(confidential);
            body["complained_of"] = json!("police");
            body["contact"] = contact;
            body
        };
        for (contact, field) in [
            (json!({"phone": "call me"}), "phone"),
            (json!({"name": "长".repeat(40)}), "name"),
            (json!({"mail": "x"}), "mail"),
        ] {
            let refused = site.put("POST", "/api/v1/cases", &seat, &with(true, contact)).await;
            assert_eq!(refused.status, 422);
            assert!(refused.text.contains(field) && !refused.text.contains("call me"), "{}", refused.text);
        }
        let mut odd = with(true, Value::Null);
        odd["complained_of"] = json!("nobody");
        let refused = site.put("POST", "/api/v1/cases", &seat, &odd).await;
        assert!(
            refused.status == 422 && refused.text.contains("there is no unit nobody"),
            "{}",
            refused.text
        );

        let contact = json!({"name": NAME, "phone": "138-1234 6027"});
        let made = site.put("POST", "/api/v1/cases", &seat, &with(true, contact.clone())).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let number = made.json()["number"].as_str().unwrap().to_owned();
        for told in [&made.text, &site.get(&format!("/api/v1/cases/{number}"), Some(&seat)).await.text] {
            assert!(!told.contains(NAME) && !told.contains("13812346027"), "{told}");
        }
        // An operator who also works in one of the units.
        for (name, unit) in
            [("of-police", "police"), ("of-housing", "housing"), ("of-education", "education")]
        {
            let (app, tenant) = (&site.app, site.app.tenant().as_str());
            let grant = Grant { role: Role::Operator, area: AreaPath::everything(), unit: None };
            let one = (name, "correct horse battery", &grant);
            user::testing::add_with(&app.db, tenant, &app.chance, START, one).await.unwrap();
            let grant =
                Grant { role: Role::Handler, area: AreaPath::everything(), unit: Some(unit.to_owned()) };
            user::people::grant(app, &By::cli(START), name, &grant).await.unwrap();
        }
        site.give_to(&number, "housing").await;
        let path = format!("/api/v1/cases/{number}/contact");
        let purpose = json!({"purpose": "回访"});
        for name in ["of-police", "of-housing"] {
            let refused = site.put("POST", &path, &site.sign_in(name).await, &purpose).await;
            assert_eq!(refused.status, 403, "{name}: {}", refused.text);
            assert!(refused.text.contains("confidential"), "{}", refused.text);
        }
        let other = site.sign_in("of-education").await;
        for who in [&seat, &other] {
            let told = site.put("POST", &path, who, &purpose).await.json();
            assert_eq!(
                (&told["name"], &told["number"]),
                (&json!(NAME), &json!("13812346027")),
                "{}",
                site.name
            );
        }
        let state = site.get(&path, Some(&seat)).await.json();
        let by: Vec<_> = state["accesses"].as_array().unwrap().iter().map(|row| &row["user_name"]).collect();
        assert_eq!(by.len(), 2, "{}: who was refused saw nothing: {by:?}", site.name);

        // A matter that is not confidential is told to whoever may call back; a name alone is enough.
        let made = site.put("POST", "/api/v1/cases", &seat, &with(false, json!({"name": NAME}))).await;
        let number = made.json()["number"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/cases/{number}/contact");
        let told = site.put("POST", &path, &site.sign_in("of-police").await, &purpose).await.json();
        assert_eq!((&told["name"], &told["number"]), (&json!(NAME), &Value::Null), "{}", site.name);
        site.clock.advance_ms(90 * DAY_MS);
        reconcile::pass(&site.app).await;
        let seat = site.log_in("seat03").await;
        assert_eq!(site.put("POST", &path, &seat, &purpose).await.status, 404, "{}: it expires", site.name);
        let (rows,): (i64,) = site.app.db.fetch_one("select count(*) from contacts", args![]).await.unwrap();
        assert_eq!(rows, 0);
    }
}
