//! The page of a call that runs and is no case yet, on both databases.

use axum::http::StatusCode;
use protocol::hotline::{CallReading, Offer, ToldPlace};
use protocol::{Clock as _, Event, Leg, LiveCall};

use super::seat::OTHER;
use super::site::{CALL, Site, sites};
use crate::admin::By;
use crate::organisation;
use crate::ticket::knowledge::{self, Mode};
use crate::user::Role;

const AREAS: &str =
    "id,name,level,parent,rural\nc,青梧县,county,,\nt,青梧镇,town,c,\neast,东关社区,community,t,\n";
const PLACES: &str = "名称,别名,纬度,经度,区域,类型\n凤鸣路菜市场,凤鸣市场,34.5105,106.9315,east,地点\n";

fn offer(id: &str, percent: u8) -> Vec<Offer> {
    vec![Offer { id: id.into(), percent, words: vec!["一直在响".into()] }]
}

impl Site {
    fn begins(&self, device: &str, call: &str) {
        let at = self.clock.now().plus_ms(-20_000);
        self.tell(device, &LiveCall::Started { call_id: call.parse().unwrap(), seat: Some("03".into()), at });
    }

    fn reads(&self, call: &str, categories: Vec<Offer>) {
        let reading = CallReading {
            title: "凤鸣路菜市场：夜里一直在响".into(),
            summary: "夜里一直在响".into(),
            matters: offer("complaint", 90),
            categories,
            urgencies: offer("normal", 90),
            alarms: vec![],
            place: Some(ToldPlace { text: "凤鸣路菜市场".into(), grid: None }),
        };
        self.tell("box-1", &LiveCall::Read { call_id: call.parse().unwrap(), reading });
    }

    async fn kept_rows(&self) -> i64 {
        let mut all = 0;
        for sql in
            ["select count(*) from incidents", "select count(*) from cases", "select count(*) from tickets"]
        {
            let (count,): (i64,) = self.app.db.fetch_one(sql, vec![]).await.unwrap();
            all += count;
        }
        all
    }
}

/// From the seat's page somebody opens a calm call that runs: its form holds what its box has read so far, with tags and
/// places; knowledge follows the caller's words and no others; like cases stand there. A later word of the box changes it.
/// Nothing is stored. When it is filed its case stands under the same address.
#[tokio::test]
async fn a_calm_call_has_a_page_while_it_runs() {
    for mut site in sites().await {
        let (app, tenant, now) = (site.app.clone(), site.app.tenant().clone(), site.clock.now());
        organisation::testing::import_areas(&app.db, tenant.as_str(), AREAS.as_bytes(), false).await.unwrap();
        let sheet = (PLACES.as_bytes(), crate::gazetteer::Mode::default());
        let by = ("hub", "x", now);
        app.gazetteers.import(&app.db, tenant.as_str(), sheet, &app.grids, by).await.unwrap();
        let entries = include_str!("../../../../deploy/demo/knowledge.csv").as_bytes();
        let day = knowledge::today(now, &app.zone);
        let (mode, by) = (Mode::default(), By::cli(now));
        knowledge::import(&app.db, tenant.as_str(), entries, mode, &day, &by).await.unwrap();
        // A case that is like it.
        let mut like = site.call_that_ended(OTHER, "04");
        let protocol::Subject::Call(told) = &mut like.subject else { unreachable!() };
        told.reading = Some(CallReading {
            title: "凤鸣路菜市场：夜里一直在响".into(),
            ..CallReading::default()
        });
        site.hand_in(Event::Incident(like)).await;
        let seat = site.log_in("seat03").await;
        assert_eq!(site.files_ticket_by(&seat, OTHER, "").await.status, StatusCode::SEE_OTHER);
        let (before, newest) = (site.kept_rows().await, app.changes.newest(tenant.as_str()).await.unwrap());

        site.begins("box-1", CALL);
        let url = format!("/calls/{CALL}");
        let list = site.get("/seat?seat=03", Some(&seat)).await.text;
        assert!(list.contains(&format!("href=\"{url}\"")), "{}", site.name);
        let page = site.get(&url, Some(&seat)).await;
        assert_eq!(page.status, StatusCode::OK, "{}", site.name);
        assert!(page.text.contains("有了市民的话") && page.text.contains("通话进行中"), "{}", page.text);
        assert!(
            page.text.contains("id=\"file\" data-ctrl-key=\"Enter\" aria-describedby=\"file-when\" disabled")
        );

        site.say("box-1", CALL, Leg::Operator, 0, "您好是路灯不亮吗", true);
        site.say("box-1", CALL, Leg::Caller, 2_000, "不是我闻到很重的煤气味", true);
        site.reads(CALL, offer("utilities", 81));
        let page = site.get(&url, Some(&seat)).await.text;
        for words in [
            "data-pick=\"utilities\"",
            "<span class=\"num\">81%</span>",
            "value=\"凤鸣路菜市场\"",
            "data-name=\"凤鸣路菜市场\"",
            ">夜里一直在响</textarea>",
            "id=\"know-gas-smell\"",
            "<h3>相似未结 · 三天内</h3>",
            "like--best",
            "id=\"words\" data-call=\"",
        ] {
            assert!(page.contains(words), "{}: {words} is not in {page}", site.name);
        }
        assert!(!page.contains("know-street-lamp"), "{}: the operator's words find nothing", site.name);
        site.say("box-1", CALL, Leg::Caller, 6_000, "还有门口的路灯不亮", true);
        site.reads(CALL, offer("street_facility", 77));
        let page = site.get(&url, Some(&seat)).await.text;
        assert!(
            page.contains("know-street-lamp") && page.contains("data-pick=\"street_facility\""),
            "{page}"
        );
        assert!(!page.contains("data-pick=\"utilities\""), "{}: the later word counts", site.name);
        let places = site.get(&format!("{url}/places?q=凤鸣市场"), Some(&seat)).await;
        assert!(places.status == StatusCode::OK && places.text.contains("凤鸣路菜市场"), "{}", places.text);
        assert_eq!(
            (site.kept_rows().await, app.changes.newest(tenant.as_str()).await.unwrap()),
            (before, newest)
        );

        site.tell("box-1", &LiveCall::Ended { call_id: CALL.parse().unwrap(), at: site.clock.now() });
        let page = site.get(&url, Some(&seat)).await.text;
        assert!(page.contains("通话已结束，案件随后到达") && !page.contains("通话进行中"), "{page}");
        let incident = site.call_that_ended(CALL, "03");
        site.hand_in(Event::Incident(incident)).await;
        let page = site.get(&url, Some(&seat)).await.text;
        assert!(page.contains("data-topics=\"case:") && !page.contains("call-over"), "{page}");
        assert!(page.contains("data-live=\"file\"") && !page.contains("file-when"), "{page}");
        assert_eq!(site.files_ticket_by(&seat, CALL, "").await.status, StatusCode::SEE_OTHER);
    }
}

/// What is sent too early files nothing, and stays in the form; joining and the centre wait for the case as well.
#[tokio::test]
async fn nothing_is_filed_before_there_is_a_case() {
    for site in sites().await {
        let seat = site.log_in("seat03").await;
        site.begins("box-1", CALL);
        let before = site.kept_rows().await;
        for act in ["ticket", "join", "centre"] {
            let form = format!(
                "csrf={}&matter=praise&category=noise&urgency=urgent&place=x&summary=typed&known=0",
                seat.csrf
            );
            let answer = site.post(&format!("/calls/{CALL}/{act}"), &seat, &form).await;
            assert_eq!(answer.status, StatusCode::CONFLICT, "{}: {act}", site.name);
            assert!(
                answer.text.contains("没有提交") && answer.text.contains(">typed</textarea>"),
                "{}",
                answer.text
            );
            assert!(answer.text.contains("value=\"praise\" required checked"), "{}", answer.text);
        }
        assert_eq!(site.kept_rows().await, before, "{}", site.name);
    }
}

/// The page is for whoever files tickets where the box stands: nobody from elsewhere, nobody who files none, nobody who is not
/// logged in, and nobody for a name that nobody knows. Where another box claims the name of a call its words are not read
/// with it. A call that its box no longer tells of is forgotten.
#[tokio::test]
async fn a_running_call_is_for_its_own_operators() {
    for site in sites().await {
        site.put_box_in("/county/north/").await;
        let near = site.officer_at("near", Role::Operator, "/county/north/").await;
        let far = site.officer_at("far", Role::Operator, "/county/south/").await;
        let chief = site.log_in("chief").await;
        site.begins("box-1", CALL);
        site.say("box-1", CALL, Leg::Caller, 0, "煤气味", true);
        site.say("box-2", CALL, Leg::Caller, 3_000, "路灯不亮", true);
        let url = format!("/calls/{CALL}");
        let page = site.get(&url, Some(&near)).await;
        assert_eq!(page.status, StatusCode::OK, "{}", site.name);
        for (path, who) in [(&url, &far), (&url, &chief), (&format!("{url}/places?q=x"), &far)] {
            assert_eq!(
                site.get(path, Some(who)).await.status,
                StatusCode::NOT_FOUND,
                "{}: {path}",
                site.name
            );
        }
        assert_eq!(site.get(&url, None).await.status, StatusCode::SEE_OTHER, "{}: to the login", site.name);
        assert_eq!(site.get(&format!("/calls/{OTHER}"), Some(&near)).await.status, StatusCode::NOT_FOUND);
        let mut words = site.listen(&near, CALL).await;
        let told = words.next().await;
        let texts: Vec<&str> =
            told["lines"].as_array().unwrap().iter().map(|l| l["text"].as_str().unwrap()).collect();
        assert_eq!(texts, ["煤气味"], "{}", site.name);
        assert!(site.listen(&far, CALL).await.quiet().await, "{}", site.name);
        site.clock.advance_ms(11 * 60_000);
        site.app.running.forget_old();
        assert_eq!(site.get(&url, Some(&near)).await.status, StatusCode::NOT_FOUND, "{}", site.name);
    }
}

/// A call that has raised an alarm is a case while it runs: what its box has read so far stands on its page as well, and how
/// urgent it is stays the alarm's to say.
#[tokio::test]
async fn an_alarm_call_is_offered_tags_while_it_runs() {
    for mut site in sites().await {
        site.raise_call("03").await;
        let seat = site.log_in("seat03").await;
        let url = format!("/calls/{CALL}");
        assert!(!site.get(&url, Some(&seat)).await.text.contains("data-pick=\"noise\""), "{}", site.name);
        site.begins("box-1", CALL);
        site.reads(CALL, offer("noise", 81));
        let page = site.get(&url, Some(&seat)).await.text;
        assert!(
            page.contains("data-pick=\"noise\"") && page.contains("data-every=\"2\""),
            "{}: {page}",
            site.name
        );
    }
}
