//! The moves of a case by forms alone, as a browser without script sends them, on both databases.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

use super::site::{Answer, Browser, START, Site, sites};
use super::workflow::people;
use crate::args;
use crate::organisation::AreaPath;
use crate::user::{self, Grant, Role};
use crate::web::guard::percent;

/// A small picture; another `number` is another one.
fn photo(number: u8) -> Vec<u8> {
    let segment = |marker: u8, body: &[u8]| {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], body].concat()
    };
    let parts = [
        vec![0xff, 0xd8],
        segment(0xdb, &[number; 65]),
        segment(0xc0, &[8, 0, 3, 0, 2, 1, 1, 0x11, 0]),
        segment(0xda, &[1, 1, 0, 0, 0x3f, 0]),
        vec![1, 2, 3, 0xff, 0xd9],
    ];
    parts.concat()
}

/// Several sites with the people of the workflow and the head of a unit, and a matter that an operator reported.
async fn desks() -> Vec<(Site, String)> {
    let mut all = Vec::new();
    for site in sites().await {
        people(&site).await;
        let unit = Some("housing".to_owned());
        let head = Grant { role: Role::DepartmentHead, area: AreaPath::everything(), unit };
        let app = &site.app;
        let one = ("head", "correct horse battery", &head);
        user::testing::add_with(&app.db, app.tenant().as_str(), &app.chance, START, one).await.unwrap();
        let seat = site.sign_in("seat03").await;
        let report = json!({"title": "井盖破损", "text": "巷口井盖破了", "place": "东关巷口", "area": "g1"});
        let made = site.json("POST", "/api/v1/cases", &seat, &report).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let number = made.json()["number"].as_str().unwrap().to_owned();
        all.push((site, number));
    }
    all
}

/// What a form on a page brings by itself: its hidden fields.
fn hidden(form: &str) -> Vec<(String, String)> {
    let inputs = form.split("<input type=\"hidden\" name=\"").skip(1);
    let read = |input: &str| {
        let (name, rest) = input.split_once("\" value=\"").unwrap();
        (name.to_owned(), rest.split('"').next().unwrap().to_owned())
    };
    inputs.map(read).collect()
}

/// The form of a move, whole.
fn form<'p>(page: &'p str, id: &str) -> &'p str {
    let rest = page
        .split_once(&format!("<details class=\"move\" id=\"{id}"))
        .or_else(|| page.split_once(&format!("<details class=\"move move--next\" id=\"{id}")));
    let (_, rest) = rest.unwrap_or_else(|| panic!("{id} has no form on {page}"));
    rest.split_once("</form>").unwrap().0
}

fn encoded<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs = pairs.into_iter().map(|(name, value)| format!("{name}={}", percent(value)));
    pairs.collect::<Vec<_>>().join("&")
}

impl Site {
    async fn casepage(&self, number: &str, who: &Browser) -> String {
        let page = self.get(&format!("/cases/{number}"), Some(who)).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        page.text
    }

    /// Fills in a form of the page and sends it; `id` is the beginning of its element's.
    async fn fills_in(&self, number: &str, who: &Browser, id: &str, typed: &[(&str, &str)]) -> Answer {
        let page = self.casepage(number, who).await;
        let brought = hidden(form(&page, id));
        let brought = brought.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let body = encoded(brought.chain(typed.iter().copied()));
        self.post(&format!("/cases/{number}/moves"), who, &body).await
    }

    /// The same, and it is done.
    async fn makes_move(&self, number: &str, who: &Browser, id: &str, typed: &[(&str, &str)]) {
        let answer = self.fills_in(number, who, id, typed).await;
        let told = (answer.status, answer.header("location").to_owned());
        let here = format!("/cases/{number}");
        assert_eq!(told, (StatusCode::SEE_OTHER, here), "{id}, {}: {}", self.name, answer.text);
    }

    /// A form as somebody writes it who has no such form: with the right token, at the position where the case is.
    async fn forces_move(&self, number: &str, who: &Browser, kind: &str, typed: &[(&str, &str)]) -> Answer {
        let position = self.rows_of(number).await.to_string();
        let own = [("csrf", who.csrf.as_str()), ("move", kind), ("position", position.as_str())];
        let body = encoded(own.into_iter().chain(typed.iter().copied()));
        self.post(&format!("/cases/{number}/moves"), who, &body).await
    }

    async fn rows_of(&self, number: &str) -> i64 {
        let sql = "select history_count from cases where number = $1";
        let (count,): (i64,) = self.app.db.fetch_one(sql, args![number]).await.unwrap();
        count
    }

    async fn case_now(&self, number: &str, who: &Browser) -> Value {
        self.get(&format!("/api/v1/cases/{number}"), Some(who)).await.json()
    }

    async fn done_to(&self, number: &str, who: &Browser) -> Vec<String> {
        let case = self.case_now(number, who).await;
        let rows = case["history"].as_array().unwrap().iter();
        rows.map(|row| row["action"].as_str().unwrap().to_owned()).collect()
    }

    /// A form with files; what is typed stands before them.
    async fn sends_files(
        &self,
        number: &str,
        who: &Browser,
        typed: &[(&str, &str)],
        files: &[Vec<u8>],
    ) -> Answer {
        let mut body = Vec::new();
        for (name, value) in typed {
            body.extend(
                format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
            );
        }
        for file in files {
            let head = "--b0\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"a.jpg\"\r\n\
                        Content-Type: image/jpeg\r\n\r\n";
            body.extend(head.bytes());
            body.extend(file);
            body.extend(b"\r\n");
        }
        body.extend(b"--b0--\r\n");
        let request = Request::post(format!("/cases/{number}/moves"))
            .header(header::COOKIE, &who.cookie)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b0")
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }

    /// The same with what the form brings.
    async fn fills_in_with(
        &self,
        number: &str,
        who: &Browser,
        id: &str,
        typed: &[(&str, &str)],
        files: &[Vec<u8>],
    ) -> Answer {
        let page = self.casepage(number, who).await;
        let own = form(&page, id);
        assert!(own.contains("enctype=\"multipart/form-data\"") && own.contains("type=\"file\""), "{own}");
        let brought = hidden(own);
        let brought = brought.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<(&str, &str)> = brought.chain(typed.iter().copied()).collect();
        self.sends_files(number, who, &all, files).await
    }

    async fn pictures_waiting(&self) -> i64 {
        let sql = "select count(*) from attachments where case_id is null";
        let (count,): (i64,) = self.app.db.fetch_one(sql, args![]).await.unwrap();
        count
    }

    /// Up to the lead unit's report.
    async fn up_to_the_report(&self, number: &str) {
        let (seat, dispatch) = (self.sign_in("seat03").await, self.sign_in("dispatch").await);
        let housing = self.sign_in("housing").await;
        self.makes_move(number, &seat, "move-file", &[("category", "street_facility")]).await;
        self.makes_move(number, &dispatch, "move-dispatch", &[("lead", "housing")]).await;
        self.makes_move(number, &housing, "move-accept", &[]).await;
        self.makes_move(number, &housing, "move-report", &[("result", "已更换井盖")]).await;
    }
}

/// A case goes its whole way by forms: filed by the operator, dispatched, accepted by two units, given more time twice (the
/// second one endorsed by the unit's head), reported with a picture, looked at, called back, closed.
#[tokio::test]
async fn the_whole_way_by_forms() {
    for (site, number) in desks().await {
        let mut who = std::collections::HashMap::new();
        for name in ["seat03", "dispatch", "leader", "housing", "police", "head", "manager"] {
            who.insert(name, site.sign_in(name).await);
        }
        let page = site.casepage(&number, &who["seat03"]).await;
        assert!(page.contains("class=\"move move--next\" id=\"move-file\""), "filing is next: {page}");
        site.makes_move(
            &number,
            &who["seat03"],
            "move-file",
            &[("category", "street_facility"), ("note", "先办")],
        )
        .await;

        let page = site.casepage(&number, &who["dispatch"]).await;
        let dispatch = form(&page, "move-dispatch");
        for words in ["自派遣起算", "class=\"pickcard\"", "近 90 天没有办过同类", "由其承办"]
        {
            assert!(dispatch.contains(words), "{words} is not in {dispatch}");
        }
        let typed = [("lead", "housing"), ("co", "police"), ("note", "请尽快")];
        site.makes_move(&number, &who["dispatch"], "move-dispatch", &typed).await;
        for name in ["housing", "police"] {
            site.makes_move(&number, &who[name], "move-accept", &[]).await;
        }
        let page = site.casepage(&number, &who["housing"]).await;
        assert!(page.contains("协办单位尚未办结：公安"), "it names who is awaited: {page}");

        let longer = [("count", "1"), ("unit", "working days"), ("reason", "等配件")];
        site.makes_move(&number, &who["housing"], "move-ask-extension", &longer).await;
        let page = site.casepage(&number, &who["leader"]).await;
        assert!(
            form(&page, "move-decide-").contains("1个工作日"),
            "what is asked stands beside its decision"
        );
        site.makes_move(&number, &who["leader"], "move-decide-", &[("grant", "1"), ("reason", "同意")]).await;
        site.makes_move(&number, &who["housing"], "move-ask-extension", &longer).await;
        let early = [("grant", "1"), ("reason", "同意二")];
        let refused = site.fills_in(&number, &who["leader"], "move-decide-", &early).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains("须先由部门负责人同意") && refused.text.contains(">同意二</textarea>"));
        site.makes_move(&number, &who["head"], "move-endorse-", &[("note", "情况属实")]).await;
        site.makes_move(&number, &who["leader"], "move-decide-", &early).await;

        site.makes_move(&number, &who["police"], "move-finish-part", &[("result", "已围挡")]).await;
        let result = [("result", "已更换井盖")];
        let reported =
            site.fills_in_with(&number, &who["housing"], "move-report", &result, &[photo(1), photo(2)]).await;
        assert_eq!(reported.status, StatusCode::SEE_OTHER, "{}", reported.text);
        let checked = [("agrees", "1"), ("note", "现场已恢复")];
        site.makes_move(&number, &who["manager"], "move-check", &checked).await;
        site.makes_move(&number, &who["seat03"], "move-call-back", &[("answer", "satisfied")]).await;
        let page = site.casepage(&number, &who["dispatch"]).await;
        assert!(page.contains("class=\"move move--next\" id=\"move-close\""), "closing is next");
        site.makes_move(&number, &who["dispatch"], "move-close", &[]).await;

        let expected = [
            "told",
            "filed",
            "dispatched",
            "accepted",
            "accepted",
            "asked",
            "granted",
            "asked",
            "endorsed",
            "granted",
            "part_done",
            "reported",
            "attached",
            "checked",
            "called_back",
            "closed",
        ];
        assert_eq!(site.done_to(&number, &who["seat03"]).await, expected, "{}", site.name);
        let case = site.case_now(&number, &who["seat03"]).await;
        assert_eq!(case["state"], "closed");
        assert_eq!(case["evidence"].as_array().unwrap().len(), 2);
        let page = site.casepage(&number, &who["seat03"]).await;
        assert!(form(&page, "move-reopen").contains("理由") && !page.contains("id=\"move-file\""));
    }
}

/// What somebody may not do, or cannot yet, is shown disabled with who could and what is missing; sent all the same it is
/// refused in the same words, and nothing changes.
#[tokio::test]
async fn what_is_not_ones_own() {
    for (site, number) in desks().await {
        site.up_to_the_report(&number).await;
        let (housing, dispatch) = (site.sign_in("housing").await, site.sign_in("dispatch").await);
        let before = site.done_to(&number, &dispatch).await;
        for (who, status, words) in [
            (&housing, StatusCode::FORBIDDEN, "“结案”由派遣员、班长、指挥长办理"),
            (&dispatch, StatusCode::UNPROCESSABLE_ENTITY, "尚无网格人员现场核查"),
        ] {
            let page = site.casepage(&number, who).await;
            let (_, own) = page.split_once("<div class=\"move move--not\" id=\"move-close\">").unwrap();
            let own = own.split_once("</div>").unwrap().0;
            assert!(own.contains("disabled") && own.contains(words), "{own}");
            let answer = site.forces_move(&number, who, "close", &[("note", "可以了")]).await;
            assert_eq!(answer.status, status, "{}: {}", site.name, answer.text);
            assert!(answer.text.contains("没有执行") && answer.text.contains(words), "{}", answer.text);
            assert!(answer.text.contains(">可以了</textarea>"), "what was typed is kept");
            assert!(answer.text.contains("id=\"refused\" tabindex=\"-1\" autofocus"), "the focus is on it");
        }
        let odd = site.forces_move(&number, &dispatch, "teleport", &[]).await;
        assert_eq!(odd.status, StatusCode::BAD_REQUEST);
        let form = format!("csrf={}&move=close", dispatch.csrf);
        let unplaced = site.post(&format!("/cases/{number}/moves"), &dispatch, &form).await;
        assert_eq!(unplaced.status, StatusCode::BAD_REQUEST, "a form knows how far the case had come");
        assert_eq!(site.done_to(&number, &dispatch).await, before, "{}", site.name);
    }
}

/// What is missing or wrong in a form is told beside it, with all that was typed and chosen.
#[tokio::test]
async fn what_was_typed_is_kept() {
    for (site, number) in desks().await {
        let seat = site.sign_in("seat03").await;
        let answer = site.fills_in(&number, &seat, "move-void", &[("void", ""), ("note", "树影 <b>")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", site.name);
        let own = form(&answer.text, "move-void");
        assert!(
            own.contains("请填写或选择：作废原因") && own.contains(">树影 &#60;b&#62;</textarea>"),
            "{own}"
        );
        assert!(own.contains("data-confirm"), "voiding is asked about");
        let answer =
            site.fills_in(&number, &seat, "move-void", &[("void", "false_alarm"), ("note", " ")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let own = form(&answer.text, "move-void");
        assert!(own.contains("请填写说明") && own.contains("value=\"false_alarm\" selected"), "{own}");
        let long = "长".repeat(2_001);
        let answer =
            site.fills_in(&number, &seat, "move-void", &[("void", "unclear"), ("note", &long)]).await;
        assert!(answer.text.contains("说明最多 2000 字") && answer.text.contains(&long));
        let nowhere = [("into", "20200101-001"), ("note", "同一起")];
        let answer = site.fills_in(&number, &seat, "move-join", &nowhere).await;
        let own = form(&answer.text, "move-join");
        assert!(own.contains("value=\"20200101-001\"") && own.contains("不能并入"), "{own}");
        assert!(answer.text.contains("data-self=\"/cases/"), "the page is read again where it is");
        let english = site.get(&format!("/cases/{number}?lang=en"), Some(&seat)).await.text;
        assert!(form(&english, "move-void").contains("Why it is void"));
        assert_eq!(site.done_to(&number, &seat).await, ["told"]);
    }
}

/// A form that is older than its case changes nothing: the page says what has happened, and keeps what was typed; drawn anew
/// it is taken. What a box only tells again makes no form old.
#[tokio::test]
async fn a_form_that_is_older_than_its_case() {
    for (mut site, number) in desks().await {
        let (seat, chief) = (site.sign_in("seat03").await, site.sign_in("chief").await);
        let drawn = site.casepage(&number, &seat).await;
        site.makes_move(&number, &chief, "move-remind", &[("text", "请抓紧受理")]).await;
        let late = |page: &str, note: &str| {
            let brought = hidden(form(page, "move-file"));
            let brought = brought.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            encoded(brought.chain([("category", "noise"), ("note", note)]))
        };
        let path = format!("/cases/{number}/moves");
        let answer = site.post(&path, &seat, &late(&drawn, "我写的话")).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{}", site.name);
        for words in ["案件在您填写期间已有变化", "请抓紧受理", "chief", ">我写的话</textarea>"]
        {
            assert!(answer.text.contains(words), "{words} is not in {}", answer.text);
        }
        assert!(form(&answer.text, "move-file").contains("value=\"noise\" selected"));
        assert_eq!(site.case_now(&number, &seat).await["state"], "received");

        // Filed by somebody else meanwhile: there is no such form any more, and the words are still there.
        site.makes_move(&number, &chief, "move-file", &[("category", "street_facility")]).await;
        let gone = site.post(&path, &seat, &late(&answer.text, "我写的话")).await;
        assert_eq!(gone.status, StatusCode::CONFLICT);
        assert!(gone.text.contains("这张表不再适用") && gone.text.contains("readonly>我写的话</textarea>"));
        assert_eq!(site.done_to(&number, &seat).await, ["told", "reminded", "filed"]);

        site.clock.advance_ms(1_000);
        site.raise_camera("north", "北口").await;
        let raised = site.number(&seat).await;
        assert_ne!(raised, number);
        let drawn = site.casepage(&raised, &seat).await;
        site.clock.advance_ms(1_000);
        site.raise_camera("north", "北口").await;
        let told = site.done_to(&raised, &seat).await;
        assert!(told.len() > 1, "the alarm came again: {told:?}");
        let taken = site.post(&format!("/cases/{raised}/moves"), &seat, &late(&drawn, "按原表")).await;
        assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}: {}", site.name, taken.text);
    }
}

/// A form that is sent twice is done once, at the same moment or later; other words of the old form are another move.
#[tokio::test]
async fn sent_twice_done_once() {
    for (site, number) in desks().await {
        let seat = site.sign_in("seat03").await;
        let page = site.casepage(&number, &seat).await;
        let brought = hidden(form(&page, "move-file"));
        let body = |note: &str| {
            let brought = brought.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            encoded(brought.chain([("category", "noise"), ("note", note)]))
        };
        let path = format!("/cases/{number}/moves");
        let same = body("夜间施工");
        let (one, other) = tokio::join!(site.post(&path, &seat, &same), site.post(&path, &seat, &same));
        assert_eq!(
            (one.status, other.status),
            (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER),
            "{}",
            site.name
        );
        assert_eq!(site.post(&path, &seat, &same).await.status, StatusCode::SEE_OTHER);
        assert_eq!(site.post(&path, &seat, &body("另一句")).await.status, StatusCode::CONFLICT);
        assert_eq!(site.done_to(&number, &seat).await, ["told", "filed"], "{}", site.name);
    }
}

/// Without the session's token nothing is done, and no file of such a form is kept; for people of another area the case is
/// not there, by page and by form.
#[tokio::test]
async fn strangers_move_nothing() {
    for (site, number) in desks().await {
        let (seat, south) = (site.sign_in("seat03").await, site.sign_in("south").await);
        let path = format!("/cases/{number}/moves");
        let blind = Browser { cookie: seat.cookie.clone(), csrf: "0".repeat(32) };
        let void = [("void", "unclear"), ("note", "x")];
        let refused = site.forces_move(&number, &blind, "void", &void).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
        assert!(refused.text.contains("页面已过期"));
        let typed =
            [("csrf", blind.csrf.as_str()), ("move", "handle_here"), ("position", "1"), ("result", "x")];
        let refused = site.sends_files(&number, &blind, &typed, &[photo(1)]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let foreign = Request::post(&path)
            .header(header::COOKIE, &seat.cookie)
            .header("sec-fetch-site", "cross-site")
            .body(Body::from(format!("csrf={}&move=void&position=1&void=unclear&note=x", seat.csrf)))
            .unwrap();
        assert_eq!(site.send(foreign).await.status, StatusCode::FORBIDDEN);
        assert_eq!(site.pictures_waiting().await, 0, "{}", site.name);

        assert_eq!(site.get(&format!("/cases/{number}"), Some(&south)).await.status, StatusCode::NOT_FOUND);
        assert_eq!(site.forces_move(&number, &south, "void", &void).await.status, StatusCode::NOT_FOUND);
        let chief = site.sign_in("chief").await;
        let nowhere = site.post("/cases/20200101-001/moves", &chief, &format!("csrf={}", chief.csrf)).await;
        assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
        assert_eq!(site.done_to(&number, &seat).await, ["told"]);
        let back = site.get(&path, Some(&seat)).await;
        assert_eq!(back.header("location"), format!("/cases/{number}"), "a form's address leads to its page");
    }
}

/// Pictures of a form that is refused wait with it, and go along when it is sent again; one that is no picture is told of,
/// and the others are kept. A rework needs one.
#[tokio::test]
async fn pictures_wait_with_their_form() {
    for (site, number) in desks().await {
        site.up_to_the_report(&number).await;
        let manager = site.sign_in("manager").await;
        let bare = site.fills_in(&number, &manager, "move-rework", &[("reason", "没有盖好")]).await;
        assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(bare.text.contains("返工须附现场照片") && bare.text.contains(">没有盖好</textarea>"));
        let files = [photo(1), b"no picture".to_vec(), Vec::new()];
        let reason = [("reason", "没有盖好")];
        let mixed = site.fills_in_with(&number, &manager, "move-rework", &reason, &files).await;
        assert_eq!(mixed.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", site.name);
        let own = form(&mixed.text, "move-rework");
        assert!(own.contains("不是 JPEG、PNG 或 WebP 照片"), "{own}");
        let kept = own.split("name=\"attachment\" value=\"").nth(1).expect("the good one waits");
        let kept = kept.split('"').next().unwrap().to_owned();
        assert_eq!(site.pictures_waiting().await, 1);
        let again = [("reason", "没有盖好"), ("attachment", kept.as_str())];
        let done = site.fills_in_with(&number, &manager, "move-rework", &again, &[]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
        assert_eq!(site.pictures_waiting().await, 0);
        let case = site.case_now(&number, &manager).await;
        assert_eq!(
            (&case["state"], &case["evidence"][0]["kind"]),
            (&json!("in_progress"), &json!("attachment"))
        );
        let seat = site.sign_in("seat03").await;
        let others =
            site.forces_move(&number, &seat, "remind", &[("text", "x"), ("attachment", kept.as_str())]).await;
        assert_eq!(others.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", others.text);
        assert!(others.text.contains("不附照片"));
    }
}

/// A source of emergencies is put aside by those who lead, for an hour at most, and taken back; sent twice it is done once.
#[tokio::test]
async fn a_source_is_put_aside_by_form() {
    for (mut site, _) in desks().await {
        site.clock.advance_ms(1_000);
        site.raise_camera("north", "北口").await;
        let (seat, chief) = (site.sign_in("seat03").await, site.sign_in("chief").await);
        let number = site.number(&seat).await;
        let page = site.casepage(&number, &seat).await;
        assert!(page.contains("<div class=\"move move--not\" id=\"move-shelve\">"), "{page}");
        let path = format!("/cases/{number}/shelf");
        let put = |who: &Browser, minutes: &str, reason: &str| {
            encoded([
                ("csrf", who.csrf.as_str()),
                ("move", "shelve"),
                ("minutes", minutes),
                ("reason", reason),
            ])
        };
        let refused = site.post(&path, &seat, &put(&seat, "30", "施工")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
        assert!(refused.text.contains("由本区域的班长或指挥长搁置"), "{}", refused.text);
        let long = site.post(&path, &chief, &put(&chief, "240", "施工围挡")).await;
        assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
        let own = form(&long.text, "move-shelve");
        assert!(own.contains("最多搁置 1 小时") && own.contains("value=\"施工围挡\""), "{own}");
        for _ in 0..2 {
            let done = site.post(&path, &chief, &put(&chief, "30", "施工围挡")).await;
            assert_eq!(done.status, StatusCode::SEE_OTHER, "{}: {}", site.name, done.text);
        }
        let page = site.casepage(&number, &chief).await;
        form(&page, "move-unshelve");
        let back = encoded([("csrf", chief.csrf.as_str()), ("move", "unshelve")]);
        for _ in 0..2 {
            assert_eq!(site.post(&path, &chief, &back).await.status, StatusCode::SEE_OTHER);
        }
        let told = site.done_to(&number, &chief).await;
        assert_eq!(told.iter().filter(|action| action.contains("shelve")).count(), 2, "{told:?}");
        let south = site.sign_in("south").await;
        assert_eq!(site.post(&path, &south, &put(&south, "30", "x")).await.status, StatusCode::FORBIDDEN);
    }
}
