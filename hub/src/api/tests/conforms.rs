//! Real answers of every operation, held against the description: the status is a documented one, the media type too, and
//! the body has the fields it names, of their types, and no other.

mod admin;
mod brought;
mod cameras;
mod evaluation;
mod handover;
mod many;
mod map;
mod outside;
mod push;

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, header};
use protocol::{Delivery, Event, Evidence, EvidenceKind, IncidentKind, Subject, Transcript};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::web::tests::site::{Answer, Browser, CALL, DEVICE_TOKEN, START, Site, call, sites};

/// What `value` has that `schema` does not allow, and the other way round.
fn differences(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = resolve(root, schema);
    if let Some(choices) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array) {
        let fits = |choice: &&Value| {
            let mut own = Vec::new();
            differences(root, choice, value, at, &mut own);
            own.is_empty()
        };
        if !choices.iter().any(|choice| fits(&choice)) {
            found.push(format!("{at}: {value} is none of the choices"));
        }
        return;
    }
    let mut fields = serde_json::Map::new();
    let mut required = BTreeSet::new();
    let mut open = false;
    collect(root, schema, &mut fields, &mut required, &mut open);
    if let Some(object) = value.as_object().filter(|_| !fields.is_empty()) {
        for name in required.iter().filter(|name| !object.contains_key(*name)) {
            found.push(format!("{at}: {name} is missing"));
        }
        for (name, value) in object {
            match fields.get(name) {
                Some(schema) => differences(root, schema, value, &format!("{at}.{name}"), found),
                None if open => {}
                None => found.push(format!("{at}: {name} is not described")),
            }
        }
        return;
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let is = |kind: &str| match kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    if !kinds.iter().any(|kind| is(kind)) {
        found.push(format!("{at}: {value} is not {kinds:?}"));
    }
    if let Some(words) = schema["enum"].as_array().filter(|_| !value.is_null())
        && !words.contains(value)
    {
        found.push(format!("{at}: {value} is not one of {words:?}"));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        differences(root, &schema["items"], item, &format!("{at}[{index}]"), found);
    }
}

fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => root.pointer(&reference[1..]).expect("references resolve"),
        None => schema,
    }
}

/// Fields of an object, those of its `allOf` parts too.
fn collect(
    root: &Value,
    schema: &Value,
    fields: &mut serde_json::Map<String, Value>,
    required: &mut BTreeSet<String>,
    open: &mut bool,
) {
    let schema = resolve(root, schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(root, part, fields, required, open);
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        fields.insert(name.clone(), field.clone());
    }
    required.extend(
        schema["required"].as_array().into_iter().flatten().filter_map(|n| n.as_str().map(str::to_owned)),
    );
    *open |= schema.get("additionalProperties").is_some_and(|more| *more != json!(false));
}

/// Calls operations and compares.
struct Reader<'a> {
    site: &'a Site,
    description: Value,
    /// Operations that have answered well.
    done: BTreeSet<(String, String)>,
}

impl Reader<'_> {
    /// `path` is the template; the address is it with its names replaced, and a query.
    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        address: &str,
        who: Who<'_>,
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(address);
        match who {
            Who::Nobody => {}
            Who::Token(token) => request = request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            Who::Browser(browser) => {
                request =
                    request.header(header::COOKIE, &browser.cookie).header("x-csrf-token", &browser.csrf);
            }
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
        let answer = self.site.send(request.body(body).unwrap()).await;
        self.compare(method, path, &answer);
        answer
    }

    fn compare(&mut self, method: &str, path: &str, answer: &Answer) {
        let what = format!("{method} {path}: {}", answer.status);
        let operation = &self.description["paths"][path][method.to_lowercase()];
        let described = &operation["responses"][answer.status.as_str()];
        assert!(!described.is_null(), "{what} is not described; {}", answer.text);
        let contents = described["content"].as_object();
        let media = answer.header("content-type").split(';').next().unwrap_or_default();
        match contents.and_then(|contents| contents.get(media)) {
            Some(content) if media.ends_with("json") => {
                let mut found = Vec::new();
                differences(&self.description, &content["schema"], &answer.json(), "answer", &mut found);
                assert!(found.is_empty(), "{what}: {found:#?}");
            }
            // A file goes under its own type.
            None => assert!(
                contents.is_none_or(|all| all.contains_key("application/octet-stream")),
                "{what}: {media}"
            ),
            Some(_) => {}
        }
        if answer.status.is_success() {
            self.done.insert((method.to_owned(), path.to_owned()));
        }
    }
}

#[derive(Clone, Copy)]
enum Who<'a> {
    Nobody,
    Token(&'a str),
    Browser(&'a Browser),
}

/// A call with its recording released, and a camera's case.
async fn furnish(site: &mut Site, seat: &Browser) -> String {
    site.raise_camera("north", "水厂西墙").await;
    let content = b"RIFF of one call".as_slice();
    let file = Evidence {
        sha256: hex::encode(<sha2::Sha256 as sha2::Digest>::digest(content)).parse().unwrap(),
        kind: EvidenceKind::Recording,
        media_type: "audio/wav".into(),
        size_bytes: content.len() as u64,
        delivery: Delivery::OnRequest,
        starts_at: START,
        duration_ms: Some(1_000),
        masked: false,
        blurred: false,
        footage: None,
    };
    let mut subject = call(CALL, "03", Transcript::Silent);
    if let Subject::Call(call) = &mut subject {
        call.callback = site.app.contact_key.key().seal("13812346027", &site.app.chance);
    }
    let mut incident = site.incident(subject, IncidentKind::Hotline, "东关");
    incident.evidence.push(file.clone());
    site.hand_in(Event::Incident(incident)).await;
    site.upload(&file, content).await;
    site.release(seat, CALL, &file).await;
    file.sha256.to_string()
}

#[tokio::test]
async fn answers_are_as_described() {
    for mut site in sites().await {
        let (seat, chief, admin) =
            (site.log_in("seat03").await, site.log_in("chief").await, site.log_in("admin").await);
        let sha256 = furnish(&mut site, &seat).await;
        cameras::shown(&mut site).await;
        push::set_up(&mut site);
        crate::organisation::store::seed_units(&site.app.db, site.app.tenant().as_str()).await.unwrap();
        let description = serde_json::to_value(crate::api::openapi()).unwrap();
        let mut reader = Reader { site: &site, description, done: BTreeSet::new() };
        session(&mut reader, &seat).await;
        cases(&mut reader, &seat, &chief).await;
        moves(&mut reader, &seat, &chief).await;
        shelves(&mut reader, &seat, &chief).await;
        organisation(&mut reader, &seat, &admin).await;
        brought::attachments(&mut reader, &seat, &admin).await;
        brought::platform(&mut reader, &seat).await;
        notices(&mut reader, &seat).await;
        handover::handover(&mut reader, &seat, &chief, &admin).await;
        contact(&mut reader, &seat, &admin).await;
        evidence(&mut reader, &seat, &sha256).await;
        cameras::cameras(&mut reader, &seat, &admin).await;
        devices(&mut reader, &seat, &admin).await;
        knowledge(&mut reader, &seat).await;
        outside::outside(&mut reader, &seat, &chief).await;
        push::push(&mut reader, &seat).await;
        evaluation::evaluation(&mut reader, &seat, &chief).await;
        map::map(&mut reader, &seat, &admin).await;
        admin::admin(&mut reader, &seat, &admin).await;
        feed(&mut reader, &seat).await;
        let mut untried = Vec::new();
        for (path, item) in reader.description["paths"].as_object().unwrap() {
            let methods =
                item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone()));
            untried.extend(methods.filter(|operation| !reader.done.contains(operation)));
        }
        assert!(untried.is_empty(), "never answered well: {untried:?}");
    }
}

async fn session(reader: &mut Reader<'_>, seat: &Browser) {
    const PATH: &str = "/api/v1/session";
    let who = Who::Nobody;
    let right = json!({"name": "seat03", "password": "correct horse battery"});
    let token =
        reader.ask("POST", PATH, PATH, who, Some(right)).await.json()["token"].as_str().unwrap().to_owned();
    reader.ask("POST", PATH, PATH, who, Some(json!({"name": "seat03", "password": "guess"}))).await;
    reader.ask("POST", PATH, PATH, who, Some(json!({"name": 3}))).await;
    reader.ask("POST", PATH, PATH, who, None).await;
    for _ in 0..5 {
        reader.ask("POST", PATH, PATH, who, Some(json!({"name": "ghost", "password": "guess"}))).await;
    }
    reader.ask("GET", PATH, PATH, Who::Browser(seat), None).await;
    reader.ask("GET", PATH, PATH, who, None).await;
    reader.ask("DELETE", PATH, PATH, Who::Token(&token), None).await;
    reader.ask("DELETE", PATH, PATH, Who::Token(&token), None).await;
}

async fn cases(reader: &mut Reader<'_>, seat: &Browser, chief: &Browser) {
    const LIST: &str = "/api/v1/cases";
    let who = Who::Browser(seat);
    let list = reader.ask("GET", LIST, "/api/v1/cases?limit=1", who, None).await.json();
    let next = list["next"].as_str().expect("there is a second page").replace('~', "%7E");
    reader.ask("GET", LIST, &format!("{LIST}?limit=1&before={next}"), who, None).await;
    reader.ask("GET", LIST, "/api/v1/cases?limit=0", who, None).await;
    reader.ask("GET", LIST, "/api/v1/cases?state=odd", who, None).await;
    let all = reader.ask("GET", LIST, LIST, who, None).await.json();
    let cases = all["cases"].as_array().unwrap();
    let number = |of_call: bool| {
        let case = cases.iter().find(|case| case["call_id"].is_null() != of_call).unwrap();
        case["number"].as_str().unwrap().to_owned()
    };
    let (of_call, of_camera) = (number(true), number(false));
    for number in [&of_call, &of_camera, &"20000101-001".to_owned()] {
        reader.ask("GET", "/api/v1/cases/{number}", &format!("{LIST}/{number}"), who, None).await;
        let address = format!("{LIST}/{number}/acknowledge");
        reader.ask("POST", "/api/v1/cases/{number}/acknowledge", &address, who, None).await;
    }
    reader.ask("GET", "/api/v1/cases/{number}", &format!("{LIST}/{of_call}?history=x"), who, None).await;
    let path = "/api/v1/cases/{number}/ticket";
    let draft = json!({"matter": "request", "category": "noise", "urgency": "normal", "place": "东关", "summary": "噪声"});
    let address = format!("{LIST}/{of_call}/ticket");
    reader.ask("PUT", path, &address, Who::Browser(chief), Some(draft.clone())).await;
    reader.ask("PUT", path, &address, who, Some(json!({"matter": "odd"}))).await;
    reader.ask("PUT", path, &address, who, None).await;
    reader.ask("PUT", path, &address, who, Some(draft.clone())).await;
    reader.ask("PUT", path, &format!("{LIST}/{of_camera}/ticket"), who, Some(draft)).await;
    reader.ask("GET", "/api/v1/cases/{number}", &format!("{LIST}/{of_call}"), who, None).await;
    let path = "/api/v1/cases/{number}/centre";
    let (address, reason) = (format!("{LIST}/{of_call}/centre"), json!({"reason": "听到险情"}));
    for (who, address, body, status) in [
        (who, address.as_str(), None, 415),
        (who, &address, Some(json!({"reason": " "})), 422),
        (Who::Browser(chief), &address, Some(reason.clone()), 403),
        (who, &format!("{LIST}/{of_camera}/centre"), Some(reason.clone()), 409),
        (who, "/api/v1/cases/20000101-001/centre", Some(reason.clone()), 404),
        (who, &address, Some(reason.clone()), 200),
        (who, &address, Some(reason), 200),
    ] {
        let answer = reader.ask("POST", path, address, who, body.clone()).await;
        assert_eq!(answer.status, status, "{address} {body:?}: {}", answer.text);
    }
}

async fn moves(reader: &mut Reader<'_>, seat: &Browser, chief: &Browser) {
    let (list, who) = ("/api/v1/cases", Who::Browser(seat));
    let report = json!({"title": "井盖破损", "text": "东关巷口井盖破了", "place": "东关巷口", "latitude": 34.5, "longitude": 107.4});
    let made = reader.ask("POST", list, list, who, Some(report.clone())).await.json();
    assert_eq!(
        (made["workflow"]["source"].as_str(), made["state"].as_str()),
        (Some("citizen"), Some("received"))
    );
    for wrong in [None, Some(json!({"title": ""})), Some(json!({"title": "", "text": "x", "place": "x"}))] {
        reader.ask("POST", list, list, who, wrong).await;
    }
    let nowhere = json!({"title": "x", "text": "x", "place": "x", "area": "nowhere"});
    assert_eq!(reader.ask("POST", list, list, who, Some(nowhere)).await.status, 422);
    let (path, number) = ("/api/v1/cases/{number}/moves", made["number"].as_str().unwrap());
    let place = format!("{list}/{number}/place");
    for (address, body, status) in [
        (place.as_str(), Some(json!({"latitude": 34.51, "longitude": 107.41, "name": "巷口"})), 200),
        (&place, Some(json!({"place": "odd"})), 422),
        (&place, Some(json!({"latitude": "odd"})), 422),
        (&place, None, 415),
        ("/api/v1/cases/20000101-001/place", Some(json!({"area": "x"})), 404),
    ] {
        let answer = reader.ask("POST", "/api/v1/cases/{number}/place", address, who, body.clone()).await;
        assert_eq!(answer.status, status, "{body:?}: {}", answer.text);
    }
    let address = format!("{list}/{number}/moves");
    let moves = reader.ask("GET", path, &address, who, None).await.json();
    let file = moves["moves"].as_array().unwrap().iter().find(|one| one["move"] == "file").unwrap().clone();
    assert_eq!((file["allowed"].as_bool(), file["name"].as_str()), (Some(true), Some("立案")));
    reader.ask("GET", path, "/api/v1/cases/20000101-001/moves", who, None).await;
    let file = json!({"move": "file", "category": "street_facility"});
    let dispatch = json!({"move": "dispatch", "lead": "housing", "co": ["city_management"]});
    let (chief, odd) =
        (Who::Browser(chief), json!({"move": "file", "category": "street_facility", "odd": 1}));
    for (who, body, status) in [
        (who, Some(odd), 422),
        (who, Some(json!({"move": "jump"})), 422),
        (who, None, 415),
        (who, Some(json!({"move": "file", "category": "odd"})), 422),
        (who, Some(dispatch.clone()), 409),
        (who, Some(file), 200),
        (who, Some(dispatch.clone()), 403),
        (chief, Some(json!({"move": "dispatch", "lead": "nobody"})), 422),
        (chief, Some(dispatch), 200),
    ] {
        let answer = reader.ask("POST", path, &address, who, body.clone()).await;
        assert_eq!(answer.status, status, "{body:?}: {}", answer.text);
    }
    many::many(reader, chief, number).await;
    let unknown = "/api/v1/cases/20000101-001/moves";
    reader.ask("POST", path, unknown, who, Some(json!({"move": "accept"}))).await;
}

async fn shelves(reader: &mut Reader<'_>, seat: &Browser, chief: &Browser) {
    const SHELF: &str = "/api/v1/cases/{number}/shelf";
    let (seat, chief) = (Who::Browser(seat), Who::Browser(chief));
    let all = reader.ask("GET", "/api/v1/cases", "/api/v1/cases", seat, None).await.json();
    let number = |of_call: bool| {
        let mut cases = all["cases"].as_array().unwrap().iter();
        let case =
            cases.find(|case| case["call_id"].is_null() != of_call && case["kind"] != "report").unwrap();
        format!("/api/v1/cases/{}/shelf", case["number"].as_str().unwrap())
    };
    let (camera, call) = (number(false), number(true));
    let aside = |minutes: i64| Some(json!({"minutes": minutes, "reason": "焊接施工"}));
    for (method, address, who, body, status) in [
        ("POST", camera.as_str(), chief, None, 415),
        ("POST", &camera, chief, aside(100_000), 422),
        ("POST", &camera, chief, aside(30), 200),
        ("POST", &camera, chief, aside(30), 409),
        ("POST", &call, chief, aside(30), 409),
        ("POST", "/api/v1/cases/20000101-001/shelf", chief, aside(30), 404),
        ("DELETE", &camera, seat, None, 200),
        ("DELETE", &camera, seat, None, 409),
    ] {
        let answer = reader.ask(method, SHELF, address, who, body).await;
        assert_eq!(answer.status, status, "{method} {address}: {}", answer.text);
    }
    reader.ask("POST", SHELF, &camera, chief, aside(30)).await;
    let listed = reader.ask("GET", "/api/v1/shelves", "/api/v1/shelves", seat, None).await.json();
    assert_eq!(listed["shelves"].as_array().map(Vec::len), Some(1));
    let rules = "/api/v1/rules/precision";
    reader.ask("GET", rules, rules, seat, None).await;
    reader.ask("GET", rules, "/api/v1/rules/precision?from=x", seat, None).await;
}

async fn notices(reader: &mut Reader<'_>, seat: &Browser) {
    let (app, now) = (&reader.site.app, reader.site.app.clock.now());
    let notice = crate::notice::Notice {
        cause: "test".into(),
        kind: crate::notice::Kind::Emergency,
        severity: protocol::Severity::Emergency,
        case_number: "20260318-001".into(),
        text_zh: "无人确认".into(),
        text_en: "Nobody has it".into(),
        audience: vec![crate::notice::Audience::user("seat03")],
    };
    let mut tx = app.db.begin().await.unwrap();
    tx.lock_tenant(app.tenant().as_str()).await.unwrap();
    assert!(crate::notice::tell(&mut tx, app.tenant().as_str(), "n1", &notice, now).await.unwrap());
    assert!(!crate::notice::tell(&mut tx, app.tenant().as_str(), "n2", &notice, now).await.unwrap(), "once");
    tx.commit().await.unwrap();
    let (path, who) = ("/api/v1/notices", Who::Browser(seat));
    let list = reader.ask("GET", path, "/api/v1/notices?unread=1", who, None).await.json();
    assert_eq!(list["notices"][0]["notice_id"], "n1");
    reader.ask("GET", path, "/api/v1/notices?unread=odd", who, None).await;
    let path = "/api/v1/notices/{id}/read";
    for (id, status) in [("n1", 204), ("n1", 204), ("n2", 404)] {
        let answer = reader.ask("POST", path, &format!("/api/v1/notices/{id}/read"), who, None).await;
        assert_eq!(answer.status, status, "{id}");
    }
    let list = reader.ask("GET", "/api/v1/notices", "/api/v1/notices?unread=1", who, None).await.json();
    assert_eq!(list["notices"], json!([]));
}

async fn organisation(reader: &mut Reader<'_>, seat: &Browser, admin: &Browser) {
    let who = Who::Browser(seat);
    for path in
        ["/api/v1/basemaps", "/api/v1/areas", "/api/v1/units", "/api/v1/categories", "/api/v1/policies"]
    {
        reader.ask("GET", path, path, who, None).await;
    }
    for query in ["q=x", "q=x&limit=odd"] {
        reader.ask("GET", "/api/v1/places", &format!("/api/v1/places?{query}"), who, None).await;
    }
    let (path, text) = ("/api/v1/policies/{version}", crate::policy::DEFAULT);
    let kept = reader.ask("GET", path, "/api/v1/policies/1", who, None).await.json();
    assert_eq!(kept["text"], text);
    reader.ask("GET", path, "/api/v1/policies/99", who, None).await;
    reader.ask("GET", path, "/api/v1/policies/odd", who, None).await;
    let path = "/api/v1/policies";
    let new = |text: &str, note: &str| Some(json!({"text": text, "note": note}));
    reader.ask("POST", path, path, who, new(text, "the same")).await;
    let admin = Who::Browser(admin);
    for wrong in [None, Some(json!({})), new(text, ""), new("[limits]", "x")] {
        reader.ask("POST", path, path, admin, wrong).await;
    }
    let taken = reader.ask("POST", path, path, admin, new(text, "the same")).await.json();
    assert_eq!(taken["version"], 2);
    for (path, list) in [("/api/v1/audit", "audit"), ("/api/v1/access", "access")] {
        let all = reader.ask("GET", path, path, admin, None).await.json();
        assert!(all[list].is_array(), "{all}");
        reader.ask("GET", path, &format!("{path}?from=odd"), admin, None).await;
        reader.ask("GET", path, path, who, None).await;
    }
    let audit =
        reader.ask("GET", "/api/v1/audit", "/api/v1/audit?act=import_policies", admin, None).await.json();
    assert_eq!(
        (&audit["audit"][0]["subject"], &audit["audit"][0]["made_by"]),
        (&json!("2"), &json!("user:admin"))
    );
}

async fn contact(reader: &mut Reader<'_>, seat: &Browser, admin: &Browser) {
    let who = Who::Browser(seat);
    let case = reader.ask("GET", "/api/v1/cases", "/api/v1/cases?kind=hotline", who, None).await.json();
    let path = "/api/v1/cases/{number}/contact";
    let address = format!("/api/v1/cases/{}/contact", case["cases"][0]["number"].as_str().unwrap());
    let purpose = || Some(json!({"purpose": "check"}));
    reader.ask("POST", path, &address, Who::Browser(admin), purpose()).await;
    for wrong in [None, Some(json!({"purpose": ""})), Some(json!({}))] {
        reader.ask("POST", path, &address, who, wrong).await;
    }
    reader.ask("POST", path, &address, who, purpose()).await;
    reader.ask("GET", path, &address, who, None).await;
    reader.ask("DELETE", path, &address, who, None).await;
    for method in ["POST", "GET", "DELETE"] {
        reader.ask(method, path, &address, who, purpose()).await;
        reader.ask(method, path, "/api/v1/cases/20000101-001/contact", who, purpose()).await;
    }
}

async fn evidence(reader: &mut Reader<'_>, seat: &Browser, sha256: &str) {
    let who = Who::Browser(seat);
    let (path, file) = ("/api/v1/evidence/{sha256}", format!("/api/v1/evidence/{sha256}"));
    let unknown = format!("/api/v1/evidence/{}", "0".repeat(64));
    for address in [&format!("{file}?purpose=check"), &file, &unknown, &"/api/v1/evidence/odd".to_owned()] {
        reader.ask("GET", path, address, who, None).await;
    }
    reader.ask("GET", "/api/v1/evidence/{sha256}/register", &format!("{file}/register"), who, None).await;
    let case = reader.ask("GET", "/api/v1/cases", "/api/v1/cases?kind=hotline", who, None).await.json();
    let url = case["cases"][0]["evidence"][0]["url"].as_str().unwrap().to_owned();
    let path = "/api/v1/cases/{number}/evidence/{sha256}";
    reader.ask("GET", path, &format!("{url}?purpose=check"), who, None).await;
    for range in ["bytes=0-3", "bytes=999-"] {
        let request = Request::get(format!("{url}?purpose=check"))
            .header(header::COOKIE, &seat.cookie)
            .header(header::RANGE, range)
            .body(Body::empty())
            .unwrap();
        let answer = reader.site.send(request).await;
        assert!([206, 416].contains(&answer.status.as_u16()), "{range}: {}", answer.status);
        reader.compare("GET", path, &answer);
    }
}

async fn devices(reader: &mut Reader<'_>, seat: &Browser, admin: &Browser) {
    let who = Who::Browser(seat);
    reader.ask("GET", "/api/v1/devices", "/api/v1/devices", who, None).await;
    let (path, address) = ("/api/v1/devices/{id}/commands", "/api/v1/devices/box-1/commands");
    let still = json!({"command": "still", "camera_id": "north", "purpose": "check"});
    let asked = reader.ask("POST", path, address, who, Some(still.clone())).await.json();
    reader.ask("POST", path, "/api/v1/devices/box-9/commands", who, Some(still)).await;
    reader
        .ask(
            "POST",
            path,
            address,
            who,
            Some(json!({"command": "still", "camera_id": "north", "purpose": ""})),
        )
        .await;
    reader.ask("POST", path, address, who, Some(json!({"command": "odd", "purpose": "check"}))).await;
    for new in [
        json!({"command": "show_configuration", "purpose": "check"}),
        json!({"command": "replay", "camera_id": "north", "toml": "", "last_s": 300, "purpose": "check"}),
        json!({"command": "configuration", "toml": "", "based_on": 7, "purpose": "check"}),
    ] {
        let sent = reader.ask("POST", path, address, Who::Browser(admin), Some(new.clone())).await;
        assert_eq!(sent.status, 202, "{new}: {}", sent.text);
        assert_eq!(reader.ask("POST", path, address, who, Some(new)).await.status, 403);
    }
    let toml = json!({"command": "configuration", "toml": "", "purpose": "check"});
    reader.ask("POST", path, address, who, Some(toml.clone())).await;
    reader.ask("POST", path, address, Who::Browser(admin), Some(toml)).await;
    let (path, id) = ("/api/v1/commands/{id}", asked["command_id"].as_str().unwrap());
    reader.ask("GET", path, &format!("/api/v1/commands/{id}"), who, None).await;
    reader.ask("GET", path, "/api/v1/commands/odd", who, None).await;
    reader.ask("GET", "/api/v1/commands", "/api/v1/commands", who, None).await;

    let (path, boxed) = ("/api/v1/incidents", Who::Token(DEVICE_TOKEN));
    let id = protocol::MessageId::new(&reader.site.app.chance, START);
    let receipt = reader.ask("POST", path, path, boxed, Some(json!({"id": id, "odd": true}))).await.json();
    assert_eq!(receipt["outcome"], "quarantined");
    reader.ask("POST", path, path, boxed, Some(json!({"odd": true}))).await;
    reader.ask("POST", path, path, who, Some(json!({"id": id}))).await;
    let kept = reader.ask("GET", "/api/v1/quarantine", "/api/v1/quarantine", who, None).await.json();
    let id = kept["quarantine"][0]["quarantine_id"].as_str().unwrap();
    let path = "/api/v1/quarantine/{id}";
    reader.ask("GET", path, &format!("/api/v1/quarantine/{id}"), who, None).await;
    reader.ask("GET", path, "/api/v1/quarantine/odd", who, None).await;
}

async fn knowledge(reader: &mut Reader<'_>, seat: &Browser) {
    const PATH: &str = "/api/v1/knowledge";
    let sheet = include_bytes!("../../../../deploy/demo/knowledge.csv");
    let (app, now) = (&reader.site.app, reader.site.app.clock.now());
    let (mode, by) = (crate::ticket::knowledge::Mode::default(), crate::admin::By::cli(now));
    let tenant = app.tenant().as_str();
    crate::ticket::knowledge::import(&app.db, tenant, sheet, mode, "2026-03-18", &by).await.unwrap();
    let who = Who::Browser(seat);
    let list = reader.ask("GET", PATH, "/api/v1/knowledge?limit=2", who, None).await.json();
    assert!(list["next"].is_string() && list["entries"][0]["percent"].is_null(), "{list}");
    let asked = "/api/v1/knowledge?q=%E8%80%81%E5%B9%B4%E8%AF%81&category=civil_affairs";
    let list = reader.ask("GET", PATH, asked, who, None).await.json();
    assert_eq!(list["entries"][0]["because"], json!(["老年证"]), "{list}");
    for wrong in ["limit=0", "limit=x", "category=odd", &format!("q={}", "x".repeat(501))] {
        let answer = reader.ask("GET", PATH, &format!("{PATH}?{wrong}"), who, None).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    reader.ask("GET", PATH, PATH, Who::Nobody, None).await;
}

/// The stream never ends: its head is compared.
async fn feed(reader: &mut Reader<'_>, seat: &Browser) {
    const PATH: &str = "/api/v1/changes";
    reader.ask("GET", PATH, "/api/v1/changes?after=odd", Who::Browser(seat), None).await;
    let request = Request::get(PATH).header(header::COOKIE, &seat.cookie).body(Body::empty()).unwrap();
    let response = reader.site.router.clone().oneshot(request).await.unwrap();
    let described = &reader.description["paths"][PATH]["get"]["responses"]["200"]["content"];
    assert!(described["text/event-stream"].is_object(), "{described}");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    reader.done.insert(("GET".to_owned(), PATH.to_owned()));
}

/// An address that takes other methods says so as every other error.
#[tokio::test]
async fn wrong_methods_are_problems() {
    for site in sites().await {
        let seat = site.log_in("seat03").await;
        let answer = site.post("/api/v1/quarantine", &seat, "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (405, "application/problem+json")
        );
        assert_eq!(answer.header("allow"), "GET,HEAD");
    }
}
