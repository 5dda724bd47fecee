//! What the knowledge base has for a call, on its page and by the API.

use axum::http::StatusCode;
use protocol::hotline::{CallReading, Offer};
use protocol::{Event, IncidentKind, Leg, Phase, Segment, Subject, Transcript};

use super::site::{CALL, HOSTILE, call, sites};
use crate::admin::By;
use crate::ticket::knowledge::{Mode, import, today};

async fn fill(site: &super::site::Site, sheet: &str) {
    let (app, now) = (&site.app, site.app.clock.now());
    let day = today(now, &app.zone);
    let (mode, by) = (Mode::default(), By::cli(now));
    import(&app.db, app.tenant().as_str(), sheet.as_bytes(), mode, &day, &by).await.unwrap();
}

/// A quiet line while the call has no words; then the entries that answer them, each with its per cent, its reason and its
/// unit, closed, with its text within; a line where none does. What the operator says finds nothing.
#[tokio::test]
async fn entries_stand_beside_the_ticket() {
    for mut site in sites().await {
        let mut incident = site.incident(call(CALL, "03", Transcript::Waiting), IncidentKind::Hotline, "");
        site.hand_in(Event::Incident(incident.clone())).await;
        let seat = site.log_in("seat03").await;
        let url = format!("/calls/{CALL}");
        assert!(site.get(&url, Some(&seat)).await.text.contains("有了市民的话"));

        let said = |leg, text: &str| Segment { leg, start_ms: 0, end_ms: 900, text: text.into() };
        let mut tell = async |site: &mut super::site::Site, segments: Vec<Segment>, category: &str| {
            let done = Transcript::Done { segments, model: "m".into(), left_out: 0 };
            let Subject::Call(mut subject) = call(CALL, "03", done) else { unreachable!() };
            let offer = Offer { id: category.into(), percent: 97, words: vec![] };
            subject.reading = Some(CallReading { categories: vec![offer], ..CallReading::default() });
            incident.subject = Subject::Call(subject);
            incident.revision += 1;
            incident.phase = Phase::Updated;
            site.hand_in(Event::Incident(incident.clone())).await;
            site.get(&url, Some(&seat)).await.text
        };
        let gas = vec![said(Leg::Operator, "是路灯不亮吗"), said(Leg::Caller, "我家闻到很重的煤气味")];
        assert!(tell(&mut site, gas.clone(), "utilities").await.contains("知识库还是空的"));
        fill(&site, include_str!("../../../../deploy/demo/knowledge.csv")).await;
        let hostile = HOSTILE.replace('"', "\"\"");
        fill(&site, &format!("id,title,text,unit,words\nodd,\"{hostile}\",\"{hostile}\",u,煤气味\n")).await;
        let page = tell(&mut site, gas, "utilities").await;
        for words in [
            "<details class=\"like\" id=\"know-gas-smell\"><summary",
            "<b>闻到煤气味：关阀、开窗、离开</b>",
            "据“煤气味” · 类别 供水供气供热 97%",
            "住房和城乡建设局（燃气）",
            "屋里不开关任何电器",
            "data-live=\"knowledge\"",
        ] {
            assert!(page.contains(words), "{}: {words} is not in {page}", site.name);
        }
        assert!(!page.contains("know-street-lamp") && !page.contains("<details open"));
        assert!(page.contains("know-odd") && !page.contains("<script>alert"), "words are words");
        let page = tell(&mut site, vec![said(Leg::Caller, "想表扬一下网格员")], "other").await;
        assert!(
            page.contains("知识库里没有对得上的条目") && !page.contains("<details class=\"like\""),
            "{}",
            site.name
        );
    }
}

/// Whoever is logged in reads the entries, whatever the role, and nobody else; a question is answered best first, with why.
#[tokio::test]
async fn the_api_reads_entries() {
    for site in sites().await {
        fill(&site, include_str!("../../../../deploy/demo/knowledge.csv")).await;
        fill(&site, "id,title,text,unit,words,valid_until\nold,老年证,x,u,老年证,2026-03-17\n").await;
        for name in ["admin", "seat03", "chief"] {
            let reader = site.log_in(name).await;
            let list = site.get("/api/v1/knowledge", Some(&reader)).await.json();
            let expired = |id: &str| {
                let entries = list["entries"].as_array().unwrap();
                entries.iter().find(|entry| entry["id"] == id).map(|entry| entry["expired"] == true)
            };
            assert_eq!((expired("old"), expired("gas-smell")), (Some(true), Some(false)), "{name}");
        }
        let seat = site.log_in("seat03").await;
        let ids = async |query: &str| {
            let list = site.get(&format!("/api/v1/knowledge?{query}"), Some(&seat)).await.json();
            let entries = list["entries"].as_array().unwrap();
            let ids: Vec<String> = entries.iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect();
            (ids, list["next"].as_str().map(str::to_owned))
        };
        // 老年证
        let asked = "q=%E5%8A%9E%E8%80%81%E5%B9%B4%E8%AF%81";
        assert_eq!(ids(asked).await, (vec!["elder-card".to_owned()], None), "{}", site.name);
        assert_eq!(ids(&format!("{asked}&category=noise")).await.0, Vec::<String>::new());
        assert_eq!(ids("category=power").await.0, ["power-cut"]);
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let (page, next) = ids(&format!("limit=4&after={after}")).await;
            all.extend(page);
            match next {
                Some(next) => after = next,
                None => break,
            }
        }
        assert_eq!(all, ids("limit=1000").await.0, "pages leave nothing out and repeat nothing");
        assert_eq!(site.get("/api/v1/knowledge", None).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(site.post("/api/v1/knowledge", &seat, "").await.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}
