//! The dispatcher's queue, a unit's tasks and moves of many cases, by forms alone, on both databases.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::site::{Answer, Browser, Site, sites};
use super::workflow::people;
use crate::web::guard::percent;
use crate::workflow::{self, Actor, Step};

const MINUTE_MS: i64 = 60_000;

impl Site {
    /// A matter that somebody reports by hand; its number.
    pub(super) async fn reported(&self, who: &Browser, title: &str) -> String {
        let report = json!({"title": title, "text": title, "place": "东关巷口", "area": "g1"});
        let made = self.json("POST", "/api/v1/cases", who, &report).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["number"].as_str().unwrap().to_owned()
    }

    /// A move through the API, which is taken.
    pub(super) async fn moved(&self, number: &str, who: &Browser, body: Value) {
        let answer = self.json("POST", &format!("/api/v1/cases/{number}/moves"), who, &body).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text);
    }

    pub(super) async fn seen(&self, address: &str, who: &Browser) -> String {
        let page = self.get(address, Some(who)).await;
        assert_eq!(page.status, StatusCode::OK, "{address}, {}: {}", self.name, page.text);
        page.text
    }

    pub(super) async fn actions_seen_by(&self, number: &str, who: &Browser) -> Vec<String> {
        let case = self.get(&format!("/api/v1/cases/{number}"), Some(who)).await.json();
        let rows = case["history"].as_array().unwrap().iter();
        rows.map(|row| row["action"].as_str().unwrap().to_owned()).collect()
    }

    pub(super) async fn state_of(&self, number: &str, who: &Browser) -> String {
        let case = self.get(&format!("/api/v1/cases/{number}"), Some(who)).await.json();
        case["state"].as_str().unwrap().to_owned()
    }

    async fn bulk(&self, who: &Browser, cases: &[String], typed: &[(&str, &str)]) -> Answer {
        let own = [("csrf", who.csrf.as_str()), ("back", "/queue?part=dispatch")];
        let cases = cases.iter().map(|case| ("case", case.as_str()));
        let pairs = own.into_iter().chain(cases).chain(typed.iter().copied());
        let body: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", percent(value))).collect();
        self.post("/queue/bulk", who, &body.join("&")).await
    }
}

/// Numbers of the rows, top first.
pub(super) fn rows(page: &str) -> Vec<String> {
    let rows = page.split(" id=\"q-").skip(1);
    rows.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// What the box beside each row sends.
fn boxes(page: &str) -> Vec<String> {
    let boxes = page.split("name=\"case\" value=\"").skip(1);
    boxes.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

pub(super) fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
    rest.split(after).next().unwrap()
}

/// The number beside a part of the list.
fn count(page: &str, part: &str) -> String {
    let rest = between(page, &format!("href=\"/queue?part={part}\""), "</a>");
    between(rest, "<b class=\"num\">", "<").to_owned()
}

/// What came of each case: its class, by number.
fn results(page: &str) -> Vec<(String, String)> {
    let rows = page.split("<tr class=\"jk result--").skip(1);
    let read = |row: &str| {
        let class = row.split('"').next().unwrap().to_owned();
        (between(row, "id=\"r-", "\"").to_owned(), class)
    };
    rows.map(read).collect()
}

fn of(numbers: &[&String], classes: &[&str]) -> Vec<(String, String)> {
    numbers.iter().zip(classes).map(|(number, class)| ((*number).clone(), (*class).to_owned())).collect()
}

/// What is due first stands first, overdue ones on top under their own heading; of equals the one that was told first. The
/// numbers beside the parts are those of the rows. What is filed has left for the next part.
#[tokio::test]
async fn by_what_is_due_next() {
    for site in sites().await {
        people(&site).await;
        let (seat, dispatch) = (site.sign_in("seat03").await, site.sign_in("dispatch").await);
        let (first, tie) = (site.reported(&seat, "甲").await, site.reported(&seat, "乙").await);
        site.clock.advance_ms(10 * MINUTE_MS);
        let later = site.reported(&seat, "丙").await;
        let page = site.seen("/queue?part=triage", &dispatch).await;
        // Whoever reports has not taken it in hand.
        assert_eq!(rows(&page), [first.clone(), tie.clone(), later.clone()], "{}", site.name);
        assert_eq!((count(&page, "triage").as_str(), count(&page, "dispatch").as_str()), ("3", "0"));
        assert!(page.contains("一小时内 · <span class=\"num\">3</span>") && !page.contains("已超期 ·"));

        for (number, minutes) in [(&later, 1), (&tie, 5), (&first, 0)] {
            site.moved(number, &seat, json!({"move": "file", "category": "street_facility"})).await;
            site.clock.advance_ms(minutes * MINUTE_MS);
        }
        let page = site.seen("/queue", &dispatch).await;
        assert_eq!(rows(&page), [later.clone(), tie.clone(), first.clone()], "{}: {page}", site.name);
        assert!(page.contains("aria-current=\"page\">待派遣"), "the first part with cases is shown");
        assert!(page.contains("data-suggested=") && page.contains("由其承办"), "each with a unit and why");
        site.clock.advance_ms(55 * MINUTE_MS);
        let page = site.seen("/queue?part=dispatch", &dispatch).await;
        assert!(page.contains("已超期 · <span class=\"num\">2</span>"), "{}: {page}", site.name);
        assert_eq!(rows(&page), [later.clone(), tie.clone(), first.clone()]);
        let late = site.seen("/queue?part=late", &dispatch).await;
        assert_eq!((rows(&late), count(&late, "late").as_str()), (vec![later, tie], "2"));
        let none = site.seen("/queue?part=dispatch&severity=emergency", &dispatch).await;
        assert!(rows(&none).is_empty() && none.contains("没有等待您处理的案件"));
    }
}

/// Only what waits for one's own level and area: an officer has what is passed up to him, the centre what is at the county,
/// and nobody what lies elsewhere or is not his to see. Whoever has no queue is told who has.
#[tokio::test]
async fn everybody_has_his_own_queue() {
    for site in sites().await {
        people(&site).await;
        let manager = site.sign_in("manager").await;
        let (north, south) = (site.sign_in("north").await, site.sign_in("south").await);
        let dispatch = site.sign_in("dispatch").await;
        let number = site.reported(&manager, "井盖破损").await;
        for who in [&north, &south, &dispatch] {
            assert!(rows(&site.seen("/queue?part=triage", who).await).is_empty(), "it is the grid's");
        }
        site.moved(&number, &manager, json!({"move": "pass_up", "to": "town", "reason": "需要镇里"})).await;
        let page = site.seen("/queue", &north).await;
        assert_eq!(rows(&page), [number.clone()], "{}", site.name);
        assert!(
            !page.contains("part=dispatch\"") && !page.contains("name=\"lead\""),
            "he dispatches nothing"
        );
        assert!(rows(&site.seen("/queue?part=triage", &dispatch).await).is_empty());
        let elsewhere = site.seen("/queue?part=triage", &south).await;
        assert!(rows(&elsewhere).is_empty() && !elsewhere.contains(&number));
        assert!(!site.seen(&format!("/queue?case={number}"), &south).await.contains(&number));
        let hidden = site.bulk(&south, &[format!("{number}@1")], &[("act", "remind"), ("words", "x")]).await;
        assert_eq!(results(&hidden.text), of(&[&number], &["refused"]), "{}", hidden.text);
        assert!(!hidden.text.contains("井盖破损"), "not even its title");

        let seat = site.sign_in("seat03").await;
        let refused = site.get("/queue", Some(&seat)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.text.contains("派遣员"), "{}", refused.text);
        assert!(!site.seen("/cases", &seat).await.contains("href=\"/queue\""), "no link to a closed door");
    }
}

/// Several cases go to one unit at once: each by itself, one that has changed meanwhile is refused with what has changed and
/// stops none of the others. Sent twice it is done once.
#[tokio::test]
async fn many_at_once() {
    for site in sites().await {
        people(&site).await;
        let (seat, dispatch) = (site.sign_in("seat03").await, site.sign_in("dispatch").await);
        let chief = site.sign_in("chief").await;
        let mut numbers = Vec::new();
        for title in ["甲", "乙", "丙"] {
            let number = site.reported(&seat, title).await;
            site.moved(&number, &seat, json!({"move": "file", "category": "street_facility"})).await;
            numbers.push(number);
        }
        let all: Vec<&String> = numbers.iter().collect();
        let chosen = boxes(&site.seen("/queue?part=dispatch", &dispatch).await);
        assert_eq!(chosen.len(), 3);
        site.moved(&numbers[1], &chief, json!({"move": "remind", "text": "请先看现场"})).await;

        let typed = [("act", "dispatch"), ("lead", "housing"), ("words", "请尽快")];
        let done = site.bulk(&dispatch, &chosen, &typed).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        assert_eq!(results(&done.text), of(&all, &["done", "refused", "done"]), "{}", site.name);
        for words in ["请先看现场", "chief", "没有执行"] {
            assert!(done.text.contains(words), "{words} is not in {}", done.text);
        }
        let again = site.bulk(&dispatch, &chosen, &typed).await;
        assert_eq!(results(&again.text), of(&all, &["before", "refused", "before"]));
        assert_eq!(site.actions_seen_by(&numbers[0], &seat).await, ["told", "filed", "dispatched"]);
        assert_eq!(site.actions_seen_by(&numbers[1], &seat).await, ["told", "filed", "reminded"]);
        let left = site.seen("/queue?part=dispatch", &dispatch).await;
        assert_eq!(rows(&left), [numbers[1].clone()], "{}", site.name);

        // What the law refuses is refused in its words; the one that it lets through is done.
        let mixed = [format!("{}@9", numbers[0]), boxes(&left)[0].clone()];
        let voided = site
            .bulk(&dispatch, &mixed, &[("act", "void"), ("void", "unclear"), ("words", "查无此处")])
            .await;
        assert_eq!(results(&voided.text), of(&[&numbers[0], &numbers[1]], &["refused", "done"]));
        assert_eq!(site.state_of(&numbers[1], &seat).await, "void");
        assert_eq!(site.state_of(&numbers[0], &seat).await, "dispatched", "{}", site.name);
    }
}

/// A form of many that lacks something does nothing, says what, and keeps what was chosen and typed; without the session's
/// token it does nothing at all.
#[tokio::test]
async fn what_is_missing_does_nothing() {
    for site in sites().await {
        people(&site).await;
        let (seat, dispatch) = (site.sign_in("seat03").await, site.sign_in("dispatch").await);
        let number = site.reported(&seat, "甲").await;
        site.moved(&number, &seat, json!({"move": "file", "category": "noise"})).await;
        let chosen = boxes(&site.seen("/queue?part=dispatch", &dispatch).await);
        let many: Vec<String> = (0..51).map(|at| format!("20260318-{at:03}@1")).collect();
        let (remind, blank) = ([("act", "remind"), ("words", "快办")], [("act", "remind"), ("words", " ")]);
        let dispatching = [("act", "dispatch"), ("words", "快办")];
        let (voiding, odd) = ([("act", "void"), ("words", "快办")], [("act", "teleport")]);
        let unreadable = ["x".to_owned()];
        for (cases, typed, words) in [
            (&[][..], &remind[..], "没有选中任何案件"),
            (&many[..], &remind[..], "一次最多 50 件"),
            (&chosen[..], &dispatching[..], "请选择派遣给哪个单位"),
            (&chosen[..], &voiding[..], "请选择作废原因"),
            (&chosen[..], &blank[..], "请填写说明"),
            (&chosen[..], &odd[..], "表单读不懂"),
            (&unreadable[..], &remind[..], "表单读不懂"),
        ] {
            let answer = site.bulk(&dispatch, cases, typed).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{words}: {}", answer.text);
            assert!(answer.text.contains(words), "{words}: {}", answer.text);
            if cases == chosen {
                let own = between(&answer.text, &format!("value=\"{}\"", chosen[0]), ">");
                assert!(own.contains(" checked"), "{words}: {own}");
            }
            if typed.contains(&("words", "快办")) {
                assert!(answer.text.contains("name=\"words\" value=\"快办\""), "{words}");
            }
        }
        let blind = Browser { cookie: dispatch.cookie.clone(), csrf: "0".repeat(32) };
        let refused = site.bulk(&blind, &chosen, &[("act", "dispatch"), ("lead", "housing")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(site.actions_seen_by(&number, &seat).await, ["told", "filed"], "{}", site.name);
    }
}

/// The case that is picked shows to whom it may go, why, and what that unit has to do already; each number leads to just those
/// cases. What was dispatched can be withdrawn until the unit accepts it.
#[tokio::test]
async fn one_is_picked_dispatched_and_withdrawn() {
    for site in sites().await {
        people(&site).await;
        let (seat, dispatch) = (site.sign_in("seat03").await, site.sign_in("dispatch").await);
        let (old, number) = (site.reported(&seat, "甲").await, site.reported(&seat, "乙").await);
        for number in [&old, &number] {
            site.moved(number, &seat, json!({"move": "file", "category": "noise"})).await;
        }
        let page = site.seen(&format!("/queue?part=dispatch&case={number}"), &dispatch).await;
        let pick = between(&page, "id=\"pick\"", "</aside>");
        let unit = between(pick, "type=\"radio\" name=\"lead\" value=\"", "\"").to_owned();
        assert!(
            pick.contains("由其承办") && pick.contains("自派遣起算") && pick.contains(">0</a>"),
            "{pick}"
        );
        site.moved(&old, &dispatch, json!({"move": "dispatch", "lead": unit})).await;
        let page = site.seen(&format!("/queue?part=dispatch&case={number}"), &dispatch).await;
        let pick = between(&page, "id=\"pick\"", "</aside>");
        assert!(pick.contains(&format!("href=\"/queue?unit={unit}\">1</a>")), "{pick}");
        assert_eq!(rows(&site.seen(&format!("/queue?unit={unit}"), &dispatch).await), [old.clone()]);
        assert!(rows(&site.seen(&format!("/queue?unit={unit}&late=1"), &dispatch).await).is_empty());

        let position = between(pick, "name=\"position\" value=\"", "\"");
        let back = between(pick, "name=\"back\" value=\"", "\"").replace("&#38;", "&");
        // The list stands before the buttons, and nothing is chosen in it.
        let form = format!(
            "csrf={}&move=dispatch&position={position}&back={}&lead=&lead={unit}&note=",
            dispatch.csrf,
            percent(&back)
        );
        let sent = site.post(&format!("/cases/{number}/moves"), &dispatch, &form).await;
        assert_eq!(
            (sent.status, sent.header("location")),
            (StatusCode::SEE_OTHER, back.as_str()),
            "{}",
            sent.text
        );
        let page = site.seen(&back, &dispatch).await;
        let form = between(&page, "id=\"queue-done\"", "</form>");
        assert!(form.contains("data-key=\"z\"") && form.contains(&number), "{form}");
        let position = between(form, "name=\"position\" value=\"", "\"");
        let form = format!("csrf={}&move=withdraw&position={position}&back=/queue&reason=x", dispatch.csrf);
        let undone = site.post(&format!("/cases/{number}/moves"), &dispatch, &form).await;
        assert_eq!((undone.status, undone.header("location")), (StatusCode::SEE_OTHER, "/queue"));
        assert_eq!(site.state_of(&number, &dispatch).await, "filed", "{}", site.name);

        site.moved(&number, &dispatch, json!({"move": "dispatch", "lead": "housing"})).await;
        let housing = site.sign_in("housing").await;
        site.moved(&number, &housing, json!({"move": "accept"})).await;
        let page = site.seen(&back, &dispatch).await;
        let told = between(&page, "id=\"queue-done\"", "</div>");
        assert!(told.contains("不能撤回") && !told.contains("<form"), "{told}");
    }
}

/// A request stands before those who decide it alone, with the limit as it is and as it would be; decided in place it is gone.
/// A second extension that the unit's head has not endorsed can only be refused, and says so.
#[tokio::test]
async fn requests_are_decided_in_place() {
    for site in sites().await {
        people(&site).await;
        let (seat, dispatch) = (site.sign_in("seat03").await, site.sign_in("dispatch").await);
        let (leader, housing) = (site.sign_in("leader").await, site.sign_in("housing").await);
        let number = site.reported(&seat, "井盖破损").await;
        site.moved(&number, &seat, json!({"move": "file", "category": "street_facility"})).await;
        site.moved(&number, &dispatch, json!({"move": "dispatch", "lead": "housing"})).await;
        site.moved(&number, &housing, json!({"move": "accept"})).await;
        let ask = json!({"move": "ask_extension", "by": "1 working day", "reason": "等配件"});
        site.moved(&number, &housing, ask.clone()).await;
        let page = site.seen("/queue?part=requests", &dispatch).await;
        assert!(rows(&page).is_empty(), "an extension is for the leaders of the shift: {page}");
        let page = site.seen("/queue?part=requests", &leader).await;
        assert_eq!((rows(&page).len(), count(&page, "requests").as_str()), (1, "1"), "{}", site.name);
        let card = between(&page, "<article", "</article>").to_owned();
        for words in ["延时申请", "1个工作日", "等配件", "housing", "现时限", "批准后"] {
            assert!(card.contains(words), "{words} is not in {card}");
        }
        let (now, then) = (between(&card, "现时限</dt>", "</dd>"), between(&card, "批准后</dt>", "</dd>"));
        assert!(now.contains("处置 2026-03-") && then.contains("处置 2026-03-") && now != then, "{card}");

        let decide = |card: &str, grant: &str| {
            let field = |name: &str| between(card, &format!("name=\"{name}\" value=\""), "\"").to_owned();
            let (request, position) = (field("request"), field("position"));
            format!(
                "csrf={}&move=decide&request={request}&position={position}&back={}&reason=x&grant={grant}",
                leader.csrf,
                percent("/queue?part=requests")
            )
        };
        let path = format!("/cases/{number}/moves");
        let sent = site.post(&path, &leader, &decide(&card, "1")).await;
        assert_eq!(
            (sent.status, sent.header("location")),
            (StatusCode::SEE_OTHER, "/queue?part=requests"),
            "{}",
            sent.text
        );
        assert!(rows(&site.seen("/queue?part=requests", &leader).await).is_empty());

        site.moved(&number, &housing, ask).await;
        let page = site.seen("/queue?part=requests", &leader).await;
        let card = between(&page, "<article", "</article>");
        assert!(card.contains("须先由部门负责人同意") && card.contains("value=\"1\" disabled"), "{card}");
        assert_eq!(site.post(&path, &leader, &decide(card, "0")).await.status, StatusCode::SEE_OTHER);
        let told = site.actions_seen_by(&number, &seat).await;
        let decided: Vec<_> =
            told.iter().filter(|word| ["granted", "denied"].contains(&word.as_str())).collect();
        assert_eq!(decided, ["granted", "denied"], "{}", site.name);
    }
}

/// A unit has its own parts alone, by how far they have come: another one sees nothing of them. Several are accepted at once,
/// one that was withdrawn meanwhile is refused and stops none of the others. Work orders are printed together.
#[tokio::test]
async fn a_units_own_tasks() {
    for site in sites().await {
        people(&site).await;
        let (seat, dispatch) = (site.sign_in("seat03").await, site.sign_in("dispatch").await);
        let (housing, police) = (site.sign_in("housing").await, site.sign_in("police").await);
        let education = site.sign_in("education").await;
        let mut numbers = Vec::new();
        for title in ["甲", "乙", "丙"] {
            let number = site.reported(&seat, title).await;
            site.moved(&number, &seat, json!({"move": "file", "category": "street_facility"})).await;
            let co = if title == "甲" { json!(["police"]) } else { json!([]) };
            site.moved(&number, &dispatch, json!({"move": "dispatch", "lead": "housing", "co": co})).await;
            site.clock.advance_ms(MINUTE_MS);
            numbers.push(number);
        }
        let tasks = |page: &str| -> Vec<String> {
            let rows = page.split("<tr class=\"jk\" id=\"t-").skip(1);
            rows.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
        };
        let page = site.seen("/tasks", &housing).await;
        let own: Vec<String> = numbers.iter().map(|number| format!("to-accept-{number}")).collect();
        assert_eq!(tasks(&page), own, "{}: in the order of their limits", site.name);
        assert_eq!(tasks(&site.seen("/tasks", &police).await), [format!("to-accept-{}", numbers[0])]);
        let none = site.seen("/tasks", &education).await;
        assert!(tasks(&none).is_empty() && numbers.iter().all(|number| !none.contains(number.as_str())));
        assert!(none.contains("href=\"/evaluation?by=unit\"") && !page.contains("href=\"/evaluation"));
        assert_eq!(site.get("/tasks", Some(&dispatch)).await.status, StatusCode::FORBIDDEN);

        let chosen = boxes(&page);
        site.moved(&numbers[1], &dispatch, json!({"move": "withdraw", "reason": "派错"})).await;
        let form = |who: &Browser, cases: &[String]| {
            let cases = cases.iter().map(|case| format!("&case={}", percent(case)));
            format!("csrf={}{}", who.csrf, cases.collect::<String>())
        };
        let all: Vec<&String> = numbers.iter().collect();
        for classes in [["done", "refused", "done"], ["before", "refused", "before"]] {
            let done = site.post("/tasks/accept", &housing, &form(&housing, &chosen)).await;
            assert_eq!(results(&done.text), of(&all, &classes), "{}: {}", site.name, done.text);
        }
        let hidden = site.post("/tasks/accept", &education, &form(&education, &chosen)).await;
        assert_eq!(results(&hidden.text), of(&all, &["refused"; 3]), "what is not one's own is not there");
        let nothing = site.post("/tasks/accept", &housing, &form(&housing, &[])).await;
        assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(nothing.text.contains("没有选中任何案件"));
        let page = site.seen("/tasks", &housing).await;
        assert_eq!(tasks(&page), [format!("in-hand-{}", numbers[0]), format!("in-hand-{}", numbers[2])]);
        assert!(page.contains(&format!("/cases/{}#move-report", numbers[0])));

        let ask =
            json!({"move": "ask_suspension", "until": site.app.clock.now().0 + 86_400_000, "reason": "待料"});
        site.moved(&numbers[0], &housing, ask).await;
        site.moved(&numbers[2], &housing, json!({"move": "report", "result": "已更换"})).await;
        let page = site.seen("/tasks", &housing).await;
        assert_eq!(tasks(&page), [format!("asked-{}", numbers[0]), format!("reported-{}", numbers[2])]);
        let (app, id) = (&site.app, site.app.new_id());
        let step = Step::Rework { reason: "没有盖好".into() };
        let (db, tenant) = (&app.db, app.tenant().as_str());
        workflow::store::take(db, tenant, &numbers[2], &step, &Actor::hub(), app.step_with(&id))
            .await
            .unwrap();
        let page = site.seen("/tasks", &housing).await;
        assert_eq!(tasks(&page), [format!("sent-back-{}", numbers[2]), format!("asked-{}", numbers[0])]);

        let print = |numbers: &[String]| format!("/tasks/orders?numbers={},20200101-001", numbers.join(","));
        let sheets = site.seen(&print(&numbers), &housing).await;
        assert_eq!(
            sheets.matches("<article class=\"sheet\"").count(),
            2,
            "one is withdrawn, one is not there"
        );
        let none = site.seen(&print(&numbers), &education).await;
        assert!(!none.contains("<article") && none.contains("没有可打印的批办单"));
    }
}
