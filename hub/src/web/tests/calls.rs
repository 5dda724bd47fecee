//! The page of a call: its recording, its words, its ticket.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use protocol::hotline::{Alarm, CallReading, Offer, ToldPlace};
use protocol::{Clock as _, Event, IncidentKind, Leg, Phase, Severity, Subject, Transcript};

use super::site::{Browser, CALL, DEVICE_TOKEN, START, Site, call, sites};

/// An incomplete ticket changes nothing and keeps what was typed; a whole one moves the case to filed, once, with
/// its history row; a correction is one more row.
#[tokio::test]
async fn filing_a_ticket_moves_the_case() {
    for mut site in sites().await {
        site.raise_call("03").await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        let url = format!("/calls/{CALL}/ticket");
        let partial =
            format!("csrf={}&matter=request&place=%E4%B8%9C%E5%85%B3&summary=kept+words", seat.csrf);
        let answer = site.post(&url, &seat, &partial).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains("kept words") && answer.text.contains("请选择类别"));
        let state =
            async |site: &Site| site.get(&format!("/api/v1/cases/{number}"), Some(&seat)).await.json();
        assert_eq!(state(&site).await["state"], "received", "{}", site.name);

        let whole = format!("{partial}&category=noise&urgency=normal");
        // Handed in twice, in the same moment and later on, the same form is one ticket and answers alike.
        let (one, other) = tokio::join!(site.post(&url, &seat, &whole), site.post(&url, &seat, &whole));
        site.clock.advance_ms(60_000);
        let again = site.post(&url, &seat, &format!("{whole}&known=0")).await;
        for answer in [one, other, again] {
            let told = (answer.status, answer.header("location"));
            assert_eq!(told, (StatusCode::SEE_OTHER, format!("/calls/{CALL}").as_str()), "{}", answer.text);
        }
        // Another form, opened before that, does not replace it unseen, nor does the same one of somebody else; filed again,
        // knowing of it, it corrects.
        let admin = site.log_in("admin").await;
        let of_admin = site.post(&url, &admin, &whole.replace(&seat.csrf, &admin.csrf)).await;
        assert_eq!(of_admin.status, StatusCode::CONFLICT, "{}", site.name);
        let other = whole.replace("kept+words", "other+words");
        let late = site.post(&url, &seat, &format!("{other}&known=0")).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", site.name);
        assert!(late.text.contains("没有覆盖") && late.text.contains("other words"), "{}", late.text);
        let known = late.text.split("name=\"known\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let again = format!("{whole}&known={known}");
        assert_eq!(site.post(&url, &seat, &again).await.status, StatusCode::SEE_OTHER);
        let case = state(&site).await;
        assert_eq!((&case["state"], &case["ticket"]["category"]), (&"filed".into(), &"noise".into()));
        let actions: Vec<_> =
            case["history"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["opened", "ticket", "filed", "corrected"], "{}", site.name);
        let page = site.get(&format!("/calls/{CALL}"), Some(&seat)).await;
        assert!(page.text.contains("噪声扰民") && page.text.contains("kept words"));
        let page = site.get(&format!("/cases/{number}"), Some(&seat)).await;
        assert!(page.text.contains("首尾相连"), "the chain holds");
    }
}

/// What the box has read stands in the form, with the dangers beside it. A ticket that says less is told so, and one that is
/// tagged otherwise goes back to the box to be learnt; an emergency lifts its case.
#[tokio::test]
async fn a_call_brings_its_ticket() {
    for mut site in sites().await {
        let offer = |id: &str, percent| Offer { id: id.into(), percent, words: vec!["着火了".into()] };
        let Subject::Call(mut told) = call(CALL, "03", Transcript::Silent) else { unreachable!() };
        told.reading = Some(CallReading {
            title: "凤鸣路菜市场：仓库着火了".into(),
            summary: "仓库着火了，烟特别大".into(),
            matters: vec![offer("report", 90)],
            categories: vec![offer("fire_hazard", 97), offer("noise", 2)],
            urgencies: vec![offer("emergency", 99)],
            alarms: vec![Alarm {
                id: "fire".into(),
                words: vec!["着火了".into()],
                at_ms: 5_000,
                holds: true,
            }],
            place: Some(ToldPlace {
                text: "凤鸣路菜市场".into(), grid: Some("东关社区第03网格".into())
            }),
        });
        let mut incident = site.incident(Subject::Call(told), IncidentKind::Hotline, "热线");
        incident.severity = Severity::Normal;
        site.hand_in(Event::Incident(incident)).await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        let page = site.get(&format!("/calls/{CALL}"), Some(&seat)).await.text;
        let offered = [
            "听到险情：火情",
            "data-pick=\"fire_hazard\"",
            "97%",
            "凤鸣路菜市场（东关社区第03网格）",
            ">仓库着火了，烟特别大<",
        ];
        for words in offered {
            assert!(page.contains(words), "{}: {words} is not in {page}", site.name);
        }
        let url = format!("/calls/{CALL}/ticket");
        let form = format!("csrf={}&matter=report&category=noise&place=x&summary=y", seat.csrf);
        let filed = site.post(&url, &seat, &format!("{form}&urgency=urgent&known=0")).await;
        assert_eq!(filed.status, StatusCode::SEE_OTHER);
        let case = site.get(&format!("/api/v1/cases/{number}"), Some(&seat)).await.json();
        let actions: Vec<_> =
            case["history"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["opened", "raised", "ticket", "filed", "command"], "{}", site.name);
        assert_eq!(case["severity"], "major");
        let page = site.get(&format!("/calls/{CALL}"), Some(&seat)).await.text;
        for words in ["工单却没有定为紧急：火情", "通话更像另一类：消防隐患", "没有写进工单：凤鸣路菜市场"]
        {
            assert!(page.contains(words), "{}: {words} is not in {page}", site.name);
        }
    }
}

/// A correction that makes a ticket more urgent is answered with the case as it then is.
#[tokio::test]
async fn a_lifted_case_is_answered_as_lifted() {
    for mut site in sites().await {
        let mut incident = site.incident(call(CALL, "03", Transcript::Silent), IncidentKind::Hotline, "东关");
        incident.severity = Severity::Normal;
        site.hand_in(Event::Incident(incident)).await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        for (urgency, severity) in [("normal", "normal"), ("urgent", "major"), ("emergency", "emergency")] {
            let ticket = format!(
                r#"{{"matter":"report","category":"noise","urgency":"{urgency}","place":"x","summary":"y"}}"#
            );
            let request = Request::put(format!("/api/v1/cases/{number}/ticket"))
                .header(header::COOKIE, &seat.cookie)
                .header("x-csrf-token", &seat.csrf)
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(ticket))
                .unwrap();
            let case = site.send(request).await.json();
            assert_eq!(case["severity"], severity, "{}: {case}", site.name);
        }
    }
}

/// Two calls with the same bytes as recording: what one call's request released plays for that call alone, on page and
/// API; the register says whose call was heard; a request about one call cannot be booked on another's case.
#[tokio::test]
async fn equal_recordings_are_released_call_by_call() {
    const CALLS: [&str; 2] = [CALL, "0195a1c2-0000-7000-8000-0000000000c2"];
    for mut site in sites().await {
        let content = b"RIFF silence, twice the same".as_slice();
        let sha256 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(content));
        let file = protocol::Evidence {
            sha256: sha256.parse().unwrap(),
            kind: protocol::EvidenceKind::Recording,
            media_type: "audio/wav".into(),
            size_bytes: content.len() as u64,
            delivery: protocol::Delivery::OnRequest,
            starts_at: START,
            duration_ms: Some(1_000),
            masked: false,
            blurred: false,
            footage: None,
        };
        for id in CALLS {
            let mut incident =
                site.incident(call(id, "03", Transcript::Silent), IncidentKind::Hotline, "东关");
            incident.evidence.push(file.clone());
            site.hand_in(Event::Incident(incident)).await;
        }
        let seat = site.log_in("seat03").await;
        let mut numbers = Vec::new();
        for id in CALLS {
            let list = site.get("/api/v1/cases", Some(&seat)).await.json();
            let case = list["cases"].as_array().unwrap().iter().find(|case| case["call_id"] == id).unwrap();
            assert_eq!(case["evidence"][0]["available"], false);
            numbers.push(case["number"].as_str().unwrap().to_owned());
        }
        site.upload(&file, content).await;

        let listen = async |site: &Site, at: usize| {
            let url = format!("/api/v1/cases/{}/evidence/{sha256}?purpose=check", numbers[at]);
            site.get(&url, Some(&seat)).await
        };
        let (bare, register) =
            (format!("/api/v1/evidence/{sha256}"), format!("/api/v1/evidence/{sha256}/register"));
        assert_eq!(listen(&site, 0).await.status, StatusCode::NOT_FOUND, "here, but nobody asked for it");
        assert_eq!(site.get(&format!("{bare}?purpose=x"), Some(&seat)).await.status, StatusCode::NOT_FOUND);

        site.release(&seat, CALLS[0], &file).await;
        assert_eq!(listen(&site, 0).await.text.as_bytes(), content, "{}", site.name);
        assert_eq!(listen(&site, 1).await.status, StatusCode::NOT_FOUND, "{}", site.name);
        assert_eq!(site.get(&format!("{bare}?purpose=x"), Some(&seat)).await.status, StatusCode::OK);
        let available = async |site: &Site, at: usize| {
            let case = site.get(&format!("/api/v1/cases/{}", numbers[at]), Some(&seat)).await.json();
            case["evidence"][0]["available"] == true
        };
        assert!(available(&site, 0).await && !available(&site, 1).await);
        let page = site.get(&format!("/calls/{}", CALLS[0]), Some(&seat)).await.text;
        assert!(page.contains("<audio") && page.contains(&format!("/api/v1/cases/{}/evidence/", numbers[0])));
        let page = site.get(&format!("/calls/{}?purpose=check", CALLS[1]), Some(&seat)).await.text;
        assert!(!page.contains("<audio") && page.contains("recording-request"), "{}", site.name);

        let crossed = format!(
            r#"{{"command":"recording","call_id":"{}","case_number":"{}","purpose":"check"}}"#,
            CALLS[0], numbers[1]
        );
        let request = Request::post("/api/v1/devices/box-1/commands")
            .header(header::COOKIE, &seat.cookie)
            .header("x-csrf-token", &seat.csrf)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(crossed))
            .unwrap();
        assert_eq!(site.send(request).await.status, StatusCode::NOT_FOUND);

        site.release(&seat, CALLS[1], &file).await;
        assert_eq!(listen(&site, 1).await.text.as_bytes(), content);
        let answer = site.get(&format!("{bare}?purpose=x"), Some(&seat)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "whose? {}", answer.text);
        let rows = site.get(&register, Some(&seat)).await.json()["accesses"].as_array().unwrap().clone();
        let heard: Vec<_> = rows.iter().rev().map(|row| (&row["case_number"], &row["call_id"])).collect();
        let (a, b) = ((&numbers[0], CALLS[0]), (&numbers[1], CALLS[1]));
        let said: Vec<_> =
            heard.iter().map(|(case, call)| (case.as_str().unwrap(), call.as_str().unwrap())).collect();
        assert_eq!(said, [a, a, b].map(|(case, call)| (case.as_str(), call)), "{}", site.name);
    }
}

/// A box that knows of private numbers in a recording answers with a copy without them: that is what plays, and the page
/// says so; the recording itself stays where it is.
#[tokio::test]
async fn a_bleeped_copy_plays_instead_of_its_recording() {
    for mut site in sites().await {
        let file = |content: &[u8], masked| protocol::Evidence {
            sha256: hex::encode(<sha2::Sha256 as sha2::Digest>::digest(content)).parse().unwrap(),
            kind: protocol::EvidenceKind::Recording,
            media_type: "audio/wav".into(),
            size_bytes: content.len() as u64,
            delivery: if masked { protocol::Delivery::Automatic } else { protocol::Delivery::OnRequest },
            starts_at: START,
            duration_ms: Some(1_000),
            masked,
            blurred: false,
            footage: None,
        };
        let (whole, copy) = (file(b"RIFF with a number", false), file(b"RIFF with a tone", true));
        let mut incident = site.incident(call(CALL, "03", Transcript::Silent), IncidentKind::Hotline, "东关");
        incident.evidence.push(whole.clone());
        site.hand_in(Event::Incident(incident)).await;
        let seat = site.log_in("seat03").await;
        site.release(&seat, CALL, &copy).await;
        site.upload(&copy, b"RIFF with a tone").await;
        let page = site.get(&format!("/calls/{CALL}"), Some(&seat)).await.text;
        assert!(page.contains(&format!("evidence/{}?purpose=check", copy.sha256)), "{}: {page}", site.name);
        assert!(page.contains("私人号码已消音") && !page.contains(whole.sha256.as_str()), "{}", site.name);
    }
}

impl Site {
    pub(crate) async fn upload(&self, file: &protocol::Evidence, content: &[u8]) {
        use base64::Engine as _;
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let metadata = format!(
            "sha256 {},kind {},filetype {}",
            encode(file.sha256.as_str()),
            encode(file.kind.as_str()),
            encode(&file.media_type)
        );
        let begin = Request::post("/api/v1/uploads")
            .header(header::AUTHORIZATION, format!("Bearer {DEVICE_TOKEN}"))
            .header("tus-resumable", "1.0.0")
            .header("upload-length", content.len())
            .header("upload-metadata", metadata)
            .body(Body::empty())
            .unwrap();
        let begun = self.send(begin).await;
        let fill = Request::patch(begun.header("location"))
            .header(header::AUTHORIZATION, format!("Bearer {DEVICE_TOKEN}"))
            .header("tus-resumable", "1.0.0")
            .header("upload-offset", 0)
            .header(header::CONTENT_TYPE, "application/offset+octet-stream")
            .body(Body::from(content.to_vec()))
            .unwrap();
        assert_eq!(self.send(fill).await.status, StatusCode::NO_CONTENT);
    }

    /// Asks for the recording on the call's page, and answers as the box.
    pub(crate) async fn release(&mut self, browser: &Browser, call_id: &str, file: &protocol::Evidence) {
        let form = format!("csrf={}&command=recording&call_id={call_id}&purpose=check", browser.csrf);
        let answer = self.post("/devices/box-1/commands", browser, &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        self.clock.advance_ms(1_000);
        let list = self.get("/api/v1/commands", Some(browser)).await.json();
        let waiting = |row: &&serde_json::Value| row["state"] == "waiting";
        let id = list["commands"].as_array().unwrap().iter().find(waiting).unwrap()["command_id"].clone();
        self.hand_in(Event::Answer(protocol::Answer {
            command_id: id.as_str().unwrap().parse().unwrap(),
            outcome: protocol::Outcome::Done { evidence: vec![file.clone()] },
            answered_at: self.clock.now(),
        }))
        .await;
    }
}

/// The words of a call and its place may come with a later revision: page and form show them, and that the box stopped
/// recording meanwhile; the case is renamed, and what was filed already is not touched.
#[tokio::test]
async fn a_late_transcript_reaches_the_call_page() {
    for mut site in sites().await {
        let mut incident = site.incident(call(CALL, "03", Transcript::Waiting), IncidentKind::Hotline, "");
        site.hand_in(Event::Incident(incident.clone())).await;
        let seat = site.log_in("seat03").await;
        let url = format!("/calls/{CALL}");
        let page = site.get(&url, Some(&seat)).await.text;
        assert!(page.contains("name=\"place\" value=\"\"") && !page.contains("井盖"));
        assert!(!page.contains("id=\"interrupted\""), "{}", site.name);
        incident.revision = 2;
        incident.phase = Phase::Updated;
        incident.place =
            Some(protocol::Place { name: "南桥路12号".into(), latitude: None, longitude: None });
        incident.subject = call(
            CALL,
            "03",
            Transcript::Done {
                left_out: 0,
                segments: vec![protocol::Segment {
                    leg: Leg::Caller,
                    start_ms: 0,
                    end_ms: 900,
                    text: "路口的井盖没了".into(),
                }],
                model: "m".into(),
            },
        );
        let Subject::Call(told) = &mut incident.subject else { panic!("a call") };
        told.interrupted = true;
        let before = site.app.changes.newest(site.app.tenant().as_str()).await.unwrap();
        site.hand_in(Event::Incident(incident.clone())).await;
        assert!(
            site.app.changes.newest(site.app.tenant().as_str()).await.unwrap() > before,
            "pages are told"
        );
        let page = site.get(&url, Some(&seat)).await.text;
        assert!(page.contains("路口的井盖没了") && page.contains("name=\"place\" value=\"南桥路12号\""));
        assert!(page.contains("id=\"interrupted\""), "{}", site.name);
        let number = site.number(&seat).await;
        let form = format!(
            "csrf={}&matter=request&category=noise&urgency=normal&place=elsewhere&summary=typed",
            seat.csrf
        );
        assert_eq!(site.post(&format!("{url}/ticket"), &seat, &form).await.status, StatusCode::SEE_OTHER);
        incident.revision = 3;
        site.hand_in(Event::Incident(incident)).await;
        let case = site.get(&format!("/api/v1/cases/{number}"), Some(&seat)).await.json();
        assert_eq!((&case["state"], &case["ticket"]["place"]), (&"filed".into(), &"elsewhere".into()));
        assert_eq!(case["place"], "南桥路12号", "{}", site.name);
    }
}
