//! The whole way: discovery, services, a report, its progress, its updates.

use serde_json::Value;

use super::{Site, furnish, get, post, read, sites, take, text, xml};
use crate::workflow::{Step, VoidReason};

fn field(value: &Value, name: &str) -> String {
    text(&value[name])
}

/// Names of an object's fields.
fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> =
        value.as_object().unwrap_or_else(|| panic!("{value}")).keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

async fn walk(site: &Site, key: &str, end: &str) {
    let discovery = get(site, &format!("discovery.{end}")).await;
    let found = read(&discovery);
    let endpoint = &found["endpoints"][0];
    assert_eq!(field(endpoint, "specification"), "http://wiki.open311.org/GeoReport_v2");
    assert!(field(endpoint, "url").ends_with("/open311/v2"), "{found}");
    assert_eq!(endpoint["formats"].as_array().unwrap().len(), 2);

    let services = read(&get(site, &format!("services.{end}")).await);
    let services = services.as_array().unwrap();
    let noise = services.iter().find(|service| field(service, "service_code") == "noise").unwrap();
    assert_eq!(
        names(noise),
        ["description", "group", "keywords", "metadata", "service_code", "service_name", "type"]
    );
    assert_eq!((field(noise, "metadata").as_str(), field(noise, "type").as_str()), ("false", "realtime"));
    assert!(
        services.iter().all(|service| field(service, "service_code") != "camera_lost"),
        "what boxes raise"
    );
    let definition = read(&get(site, &format!("services/noise.{end}")).await);
    assert_eq!(
        (field(&definition, "service_code").as_str(), &definition["attributes"]),
        ("noise", &Value::Array(vec![]))
    );

    let fields = [
        ("api_key", key),
        ("service_code", "noise"),
        ("lat", "34.512345"),
        ("long", "107.412345"),
        ("address_string", "东关巷 3 号 <b>&"),
        ("description", "夜间施工 <script>alert(1)</script> & \"吵\"\n第二行"),
        ("phone", "138 1234 6027"),
        ("first_name", "建国"),
        ("last_name", "李"),
        ("email", "li@example.org"),
        ("media_url", "https://example.org/a.jpg"),
    ];
    let made = post(site, &format!("requests.{end}"), &fields, None).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = read(&made);
    let number = field(&made[0], "service_request_id");
    assert_eq!(names(&made[0]), ["account_id", "service_notice", "service_request_id"]);
    assert!(field(&made[0], "service_notice").contains(&number));

    let one = read(&get(site, &format!("requests/{number}.{end}")).await);
    let request = &one[0];
    assert_eq!(
        names(request),
        [
            "address",
            "address_id",
            "agency_responsible",
            "description",
            "expected_datetime",
            "lat",
            "long",
            "media_url",
            "requested_datetime",
            "service_code",
            "service_name",
            "service_notice",
            "service_request_id",
            "status",
            "status_notes",
            "updated_datetime",
            "zipcode"
        ]
    );
    assert_eq!(
        (field(request, "status").as_str(), field(request, "status_notes").as_str()),
        ("open", "待受理")
    );
    assert_eq!((field(request, "lat").as_str(), field(request, "long").as_str()), ("34.512", "107.412"));
    assert_eq!(field(request, "address"), "东关社区一网格");
    assert_eq!(field(request, "description"), "噪声扰民", "the words are not everybody's");
    assert_eq!(field(request, "requested_datetime"), "2026-03-18T14:31:20+08:00");
    let own = read(&get(site, &format!("requests/{number}.{end}?api_key={key}")).await);
    assert_eq!(field(&own[0], "description"), "夜间施工 <script>alert(1)</script> & \"吵\"\n第二行");
    assert_eq!(field(&own[0], "lat"), "34.512345");
    let token = read(&get(site, &format!("tokens/{number}.{end}")).await);
    assert_eq!(
        (field(&token[0], "service_request_id"), field(&token[0], "token")),
        (number.clone(), number.clone())
    );

    take(site, &number, Step::File { category: "noise".into(), note: String::new() }).await;
    take(site, &number, Step::Dispatch { lead: "environment".into(), co: vec![], note: String::new() }).await;
    let remark = [
        ("api_key", key),
        ("service_request_id", number.as_str()),
        ("update_id", "77"),
        ("status", "OPEN"),
        ("updated_datetime", "2026-03-18T15:00:00+08:00"),
        ("description", "昨夜又响了"),
    ];
    let added = post(site, &format!("servicerequestupdates.{end}"), &remark, None).await;
    assert_eq!(added.status, 201, "{}", added.text);
    let added = field(&read(&added)[0], "update_id");
    for step in [
        Step::Accept {},
        Step::Report { result: "已停工".into() },
        Step::Check { agrees: true, note: "x".into() },
        Step::CallBack { reached: false, satisfaction: None, note: String::new() },
    ] {
        take(site, &number, step).await;
    }
    let one = read(&get(site, &format!("requests/{number}.{end}")).await);
    assert_eq!(
        (field(&one[0], "status_notes").as_str(), field(&one[0], "agency_responsible").as_str()),
        ("核查", "环保")
    );
    let updates = read(&get(site, &format!("servicerequestupdates.{end}")).await);
    let updates: Vec<_> =
        updates.as_array().unwrap().iter().filter(|one| field(one, "service_request_id") == number).collect();
    let said: Vec<String> = updates.iter().map(|one| field(one, "description")).collect();
    assert_eq!(
        said,
        ["已收到", "已立案", "已派遣承办单位", "有补充说明", "承办单位已签收", "已反馈结果，待核查"],
        "{}",
        site.name
    );
    assert!(updates.iter().any(|one| field(one, "update_id") == added && field(one, "status") == "OPEN"));
    assert_eq!(
        names(updates[0]),
        ["description", "media_url", "service_request_id", "status", "update_id", "updated_datetime"]
    );
}

/// From the discovery to the last update, in both formats, by an application that knows only the standard.
#[tokio::test]
async fn the_whole_way_in_both_formats() {
    for site in sites().await {
        let key = furnish(&site).await;
        walk(&site, &key, "json").await;
        walk(&site, &key, "xml").await;
        for (path, root) in [
            ("discovery.xml", "discovery"),
            ("services.xml", "services"),
            ("services/noise.xml", "service_definition"),
            ("requests.xml", "service_requests"),
            ("servicerequestupdates.xml", "service_request_updates"),
            ("requests/odd.xml", "errors"),
        ] {
            assert_eq!(xml(&get(&site, path).await.text).0, root, "{path}");
        }
        // English for those who ask for it.
        let english = read(&get(&site, "services.json?locale=en").await);
        assert!(english.as_array().unwrap().iter().any(|service| service["service_name"] == "Noise"));
        let updates = get(&site, "servicerequestupdates.json?locale=en_GB").await;
        assert!(updates.text.contains("Filed") && !updates.text.contains("已立案"));
    }
}

async fn numbers(site: &Site, query: &str) -> Vec<String> {
    let answer = get(site, &format!("requests.json?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json().as_array().unwrap().iter().map(|one| field(one, "service_request_id")).collect()
}

async fn report(site: &Site, key: &str, code: &str) -> String {
    let fields = [("api_key", key), ("service_code", code), ("address_string", "东关")];
    field(&read(&post(site, "requests.json", &fields, None).await)[0], "service_request_id")
}

/// Lists by number, service, status, time and page; numbers override the rest; more than ninety days are refused.
#[tokio::test]
async fn lists_are_filtered() {
    for site in sites().await {
        let key = furnish(&site).await;
        let first = report(&site, &key, "noise").await;
        site.clock.advance_ms(3_600_000);
        let second = report(&site, &key, "pollution").await;
        site.clock.advance_ms(3_600_000);
        let third = report(&site, &key, "noise").await;
        take(&site, &third, Step::Void { reason: VoidReason::TakenBack, note: "x".into() }).await;
        // The newest first.
        let all = [third.clone(), second.clone(), first.clone()];
        let filters: [(&str, &[usize]); 17] = [
            ("", &[0, 1, 2]),
            ("service_code=noise", &[0, 2]),
            ("service_code=noise,pollution", &[0, 1, 2]),
            ("service_code=noise&service_code=pollution", &[0, 1, 2]),
            ("service_code=odd", &[]),
            ("status=open", &[1, 2]),
            ("status=closed", &[0]),
            ("status=open,closed", &[0, 1, 2]),
            ("start_date=2026-03-18T15:00:00%2B08:00", &[0, 1]),
            ("start_date=2026-03-18T15:00:00+08:00&end_date=2026-03-18T16:00:00+08:00", &[1]),
            ("end_date=2026-03-18T07:00:00Z", &[2]),
            ("start_date=2020-01-01T00:00:00Z&end_date=2020-02-01T00:00:00Z", &[]),
            ("page_size=2", &[0, 1]),
            ("page_size=2&page=2", &[2]),
            ("page_size=2&page=3", &[]),
            ("jurisdiction_id=main", &[0, 1, 2]),
            ("jurisdiction_id=", &[0, 1, 2]),
        ];
        for (query, wanted) in filters {
            let wanted: Vec<String> = wanted.iter().map(|at| all[*at].clone()).collect();
            assert_eq!(numbers(&site, query).await, wanted, "{query}, {}", site.name);
        }
        let named = format!("service_request_id={first},{third},20000101-001&status=open&start_date=x");
        assert_eq!(numbers(&site, &named).await, [third.clone(), first.clone()], "numbers override the rest");
        let closed = get(&site, &format!("requests/{third}.json")).await.json();
        assert_eq!(field(&closed[0], "status_notes"), "不予受理：反映人撤回");
        for (query, status, says) in [
            ("status=odd", 400, "status"),
            ("start_date=yesterday", 400, "start_date"),
            ("start_date=2026-01-01", 400, "start_date"),
            ("start_date=2025-01-01T00:00:00Z&end_date=2026-01-01T00:00:00Z", 400, "90 days"),
            ("start_date=2026-01-02T00:00:00Z&end_date=2026-01-01T00:00:00Z", 400, "before"),
            ("page_size=0", 400, "page_size"),
            ("page_size=1001", 400, "page_size"),
            ("page=x", 400, "page"),
            ("jurisdiction_id=elsewhere", 404, "jurisdiction_id"),
            ("api_key=guessed", 403, "api_key"),
        ] {
            for end in ["json", "xml"] {
                let answer = get(&site, &format!("requests.{end}?{query}")).await;
                let error = read(&answer)[0].clone();
                assert_eq!(
                    (answer.status.as_u16(), field(&error, "code")),
                    (status, status.to_string()),
                    "{query}"
                );
                assert!(field(&error, "description").contains(says), "{query}: {error}");
            }
        }
    }
}

/// What is not public is in no list and behind no address: alarms that nobody filed, false alarms, drills, boxes' own troubles,
/// calls before they are filed; of what is filed from a camera or a call not where it is.
#[tokio::test]
async fn only_what_is_public_is_read() {
    for mut site in sites().await {
        furnish(&site).await;
        let seat = site.log_in("seat03").await;
        let mut incident = site.camera_incident("north", "北口");
        incident.place =
            Some(protocol::Place { name: "北口".into(), latitude: Some(34.51), longitude: Some(107.41) });
        site.hand_in(protocol::Event::Incident(incident.clone())).await;
        let of_camera = site.number(&seat).await;
        site.raise_call("03").await;
        let of_call = site.number(&seat).await;
        assert_eq!(numbers(&site, "").await, Vec::<String>::new(), "nobody has filed anything");
        take(&site, &of_camera, Step::File { category: "intrusion".into(), note: String::new() }).await;
        take(&site, &of_call, Step::File { category: "noise".into(), note: String::new() }).await;
        assert_eq!(numbers(&site, "").await, [of_call.clone(), of_camera.clone()]);
        for number in [&of_camera, &of_call] {
            let one = get(&site, &format!("requests/{number}.json")).await.json();
            assert!(one[0]["lat"].is_null() && one[0]["long"].is_null(), "{one}");
            assert!(!one.to_string().contains("北口") && !one.to_string().contains("东关巷"), "{one}");
        }
        take(&site, &of_camera, Step::Void { reason: VoidReason::FalseAlarm, note: "猫".into() }).await;
        assert_eq!(numbers(&site, "").await, [of_call.clone()]);
        let gone = get(&site, &format!("requests/{of_camera}.json")).await;
        assert_eq!(gone.status, 404, "{}", gone.text);
        let updates = get(&site, "servicerequestupdates.json").await;
        assert!(!updates.text.contains(&of_camera) && updates.text.contains(&of_call), "{}", updates.text);
        // A drill goes the whole way and is told nowhere.
        let mut drill = site.camera_incident("south", "南口");
        drill.drill = true;
        site.hand_in(protocol::Event::Incident(drill)).await;
        let number = site.number(&seat).await;
        take(&site, &number, Step::File { category: "intrusion".into(), note: String::new() }).await;
        assert_eq!(numbers(&site, "").await, [of_call.clone()], "{}", site.name);
    }
}
