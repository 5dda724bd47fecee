//! A person at the hub's pages, in Chromium: what keys do, what is typed and stays, and what the screen says when an
//! acknowledgement, a login or the connection fails.

use std::time::Duration;

use edge_agent::identity::Enrolled;
use protocol::envelope::Stamp;
use protocol::hotline::{Alarm, CallReading, Offer};
use protocol::{
    BootId, Clock as _, Envelope, Event, Incident, Leg, MessageId, Phase, Place, Segment, Subject, Transcript,
};
use serde_json::{Value, json};
use sqlx::Connection as _;
use world::World;
use world::browser::Browser;
use world::operator::Operator;
use world::speech::{Dialogue, FIRE};
use world::wait::until;

const CASE: Duration = Duration::from_secs(60);
const PAGE: Duration = Duration::from_secs(20);
/// Ten seconds of silence, and the way back.
const CONNECTION: Duration = Duration::from_secs(60);

/// WebDriver's code points of keys.
const ENTER: &str = "\u{e007}";
const CONTROL_ENTER: &str = "\u{e009}\u{e007}\u{e000}";
const ALT_6: &str = "\u{e00a}6\u{e000}";

struct Desk {
    world: World,
    person: Operator,
    browser: Browser,
    password: String,
}

impl Desk {
    async fn open() -> Self {
        Self::open_at(World::builder().start().await.unwrap()).await
    }

    async fn open_at(world: World) -> Self {
        let person = world.operator().await.unwrap();
        let browser = Browser::open(1366, 768, &world.logs()).await.unwrap();
        let password = world.password().unwrap();
        browser.login(&world.https(), "admin", &password).await.unwrap();
        Self { world, person, browser, password }
    }

    /// A short call; gives its case.
    async fn call(&self) -> Value {
        let mut call = self.world.call();
        call.speed = 4.0;
        let tone: Vec<i16> = (0..4_000).map(|n| ((f64::from(n) * 0.35).sin() * 9_000.0) as i16).collect();
        call.place(&tone, &tone, &self.world.chance, &self.world.clock).await.unwrap();
        let id = call.call_id.to_string();
        until(CASE, "the case of a call", async || self.person.case_of_call(&id).await.map(Some))
            .await
            .unwrap_or_else(|e| panic!("{e:#}\n{}", self.world.tails()))
    }

    async fn go(&self, path: &str) {
        self.browser.go(&format!("{}{path}", self.world.https())).await.unwrap();
    }

    async fn run(&self, script: &str) -> Value {
        self.browser.run(script).await.unwrap()
    }

    async fn wait(&self, what: &str, script: &str) {
        self.browser
            .wait(what, script, PAGE)
            .await
            .unwrap_or_else(|e| panic!("{e:#}\n{}", self.world.tails()));
    }

    /// Waits for the live feed: what happens from here on reaches the page.
    async fn live(&self) {
        let on = "const l = document.getElementById('live'); return l && l.className === 'live'";
        self.wait("the live feed", on).await;
    }

    async fn state(&self, number: &str) -> Value {
        self.person.api(&format!("/api/v1/cases/{number}")).await.unwrap()
    }

    /// As when a session ends by itself: the browser keeps its cookie.
    async fn end_sessions(&self) {
        let mut hub = sqlx::SqliteConnection::connect(&self.world.hub_database()).await.unwrap();
        sqlx::query("delete from sessions").execute(&mut hub).await.unwrap();
    }

    /// On the login page, told why; logs in.
    async fn log_in_again(&self) {
        self.wait("the login", "return location.pathname === '/login'").await;
        let text = self.browser.text("main").await.unwrap().unwrap();
        assert!(text.contains("登录已过期"), "{text}");
        self.browser.keys("#name", "admin").await.unwrap();
        self.browser.keys("#password", &self.password).await.unwrap();
        self.browser.keys("#password", ENTER).await.unwrap();
        self.wait("the page after the login", "return location.pathname !== '/login'").await;
    }
}

fn text_of<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap()
}

/// Keys alone acknowledge a case. One that was not acknowledged says so in its row, whether the hub refuses or is away;
/// the connection that was lost and is back says so too.
#[tokio::test(flavor = "multi_thread")]
async fn acknowledging_by_key_and_in_vain() {
    let mut desk = Desk::open().await;
    let (one, two) = (desk.call().await, desk.call().await);
    let (one, two) = (text_of(&one, "number").to_owned(), text_of(&two, "number").to_owned());
    desk.go("/cases").await;
    desk.live().await;
    assert_eq!(desk.run("return document.title").await, "(2) 案件 · 哨点");
    desk.browser.keys("body", "ja").await.unwrap();
    desk.wait("the first to be in hand", &format!("return document.querySelector('#inhand #case-{one}')"))
        .await;
    desk.wait("the number", "return document.getElementById('n-waiting').textContent === '1'").await;
    assert_eq!(desk.state(&one).await["acknowledged_by"], "admin");
    assert_eq!(desk.run("return document.title").await, "(1) 案件 · 哨点");

    let button = format!("#case-{two} button");
    desk.run(&format!("document.querySelector('#case-{two} [name=csrf]').value = 'wrong'")).await;
    desk.browser.click(&button).await.unwrap();
    let said = |words: &str| {
        format!("return document.querySelector('#case-{two} .crow__failed')?.textContent.includes('{words}')")
    };
    desk.wait("the refusal in the row", &said("确认没有成功")).await;
    assert_eq!(desk.state(&two).await["acknowledged_by"], Value::Null);

    desk.go("/cases").await;
    desk.live().await;
    desk.world.kill_hub();
    desk.browser.click(&button).await.unwrap();
    desk.wait("the failure in the row", &said("没有送到中心")).await;
    let stale = "return !document.getElementById('stale').hidden && document.body.matches('.is-stale')";
    desk.browser.wait("the banner", stale, CONNECTION).await.unwrap();
    let banner = desk.browser.text("#stale").await.unwrap().unwrap();
    assert!(banner.contains("画面停在") && banner.contains("值班电话"), "{banner}");
    let age = "return document.querySelector('[data-age]').textContent";
    let frozen = desk.run(age).await;
    desk.world.start_hub().await.unwrap();
    let back = "return document.getElementById('stale').hidden && !document.body.matches('.is-stale')";
    desk.browser.wait("the screen to live again", back, CONNECTION).await.unwrap();
    assert_ne!(desk.run(age).await, frozen, "ages go on");
    desk.browser.click(&button).await.unwrap();
    desk.wait("the second to be in hand", &format!("return document.querySelector('#inhand #case-{two}')"))
        .await;
    assert_eq!(desk.state(&two).await["acknowledged_by"], "admin");

    // A hand is on the list: what is new is said, and waits behind its key.
    desk.browser.keys("body", "j").await.unwrap();
    let three = desk.call().await;
    let three = text_of(&three, "number");
    desk.wait("the word", "return document.getElementById('say').textContent.startsWith('新案件：一般')")
        .await;
    let waits = format!(
        "return !document.getElementById('show-new').hidden && !document.getElementById('case-{three}')"
    );
    desk.wait("the new one behind its button", &waits).await;
    desk.browser.keys("body", "u").await.unwrap();
    desk.wait("the new one", &format!("return !!document.querySelector('#waiting #case-{three}')")).await;
    desk.wait("the button gone", "return document.getElementById('show-new').hidden").await;
}

/// A login that ends under the hand leads to the login and back, to the same list, and out of a form to the page with what
/// was typed; whoever logs out by hand leaves nothing behind.
#[tokio::test(flavor = "multi_thread")]
async fn an_ended_login_loses_nothing() {
    let desk = Desk::open().await;
    let call = desk.call().await;
    let (number, page) = (text_of(&call, "number"), format!("/calls/{}", text_of(&call, "call_id")));
    desk.go("/cases?kind=call").await;
    desk.live().await;
    desk.end_sessions().await;
    desk.browser.click(&format!("#case-{number} button")).await.unwrap();
    desk.log_in_again().await;
    assert!(desk.browser.url().await.unwrap().ends_with("/cases?kind=call"));

    desk.go(&page).await;
    desk.browser.keys("#summary", "井盖没了").await.unwrap();
    desk.browser.keys("#summary", ALT_6).await.unwrap();
    let chosen = "return document.querySelector('[name=matter]:checked')?.value";
    assert_eq!(desk.run(chosen).await, "request", "a digit with Alt chooses while typing");
    assert_eq!(desk.run("return document.activeElement.id").await, "summary");
    desk.browser.keys("#place", "南桥路").await.unwrap();
    desk.run("document.getElementById('category').value = 'noise'; document.querySelector('[name=urgency]').click()").await;
    desk.end_sessions().await;
    desk.browser.keys("#summary", CONTROL_ENTER).await.unwrap();
    desk.log_in_again().await;
    assert!(desk.browser.url().await.unwrap().ends_with(&page), "{}", desk.browser.url().await.unwrap());
    let typed =
        "return [document.getElementById('summary').value, document.getElementById('place').value].join('|')";
    assert_eq!(desk.run(typed).await, "井盖没了|南桥路");
    assert_eq!(desk.run(chosen).await, "request");

    let drafts = "return Object.keys(sessionStorage).filter((key) => key.startsWith('draft:')).length";
    assert_eq!(desk.run(drafts).await, 1);
    desk.browser.click("#logout button").await.unwrap();
    desk.wait("the login", "return location.pathname === '/login'").await;
    assert_eq!(desk.run(drafts).await, 0, "what was typed about people stays in the browser");
}

/// What the box tells late of a call comes to the open page: its words are shown, its place goes into a field nobody has
/// touched, and what the operator typed stays, with the cursor in it.
#[tokio::test(flavor = "multi_thread")]
async fn late_words_leave_typed_ones_alone() {
    let desk = Desk::open().await;
    let call = desk.call().await;
    let page = format!("/calls/{}", text_of(&call, "call_id"));
    desk.go(&page).await;
    desk.live().await;
    desk.browser.keys("#summary", "我打的字").await.unwrap();
    tell(&desk, &call, 100, "南桥路12号", "路口的井盖没了", None).await;
    desk.wait("the words", "return document.querySelector('.lines').textContent.includes('路口的井盖没了')")
        .await;
    desk.wait("the place", "return document.getElementById('place').value === '南桥路12号'").await;
    let summary = "return [document.getElementById('summary').value, document.activeElement.id].join('|')";
    assert_eq!(desk.run(summary).await, "我打的字|summary");
    assert_eq!(desk.run("return document.getElementById('place').className").await, "input input--auto");

    desk.browser.keys("#place", "旁边").await.unwrap();
    tell(&desk, &call, 101, "<img src=x onerror=alert(1)>", "<script>window.hurt = true</script>", None)
        .await;
    desk.wait("the new words", "return document.querySelector('.lines').textContent.includes('window.hurt')")
        .await;
    assert_eq!(desk.run("return document.getElementById('place').value").await, "南桥路12号旁边");
    assert_eq!(desk.run("return window.hurt ?? null").await, Value::Null, "words are words");
    assert_eq!(desk.run("return document.querySelectorAll('main img').length").await, json!(0));
    assert_eq!(desk.browser.complaints().await.unwrap(), Vec::<String>::new());
}

/// What a box reads comes into the open form where nobody has chosen, and leaves alone what was: clicked on, brought back
/// by a reload, or just under the hand. The tags, and what a filed ticket leaves out, come to a page that opened without.
#[tokio::test(flavor = "multi_thread")]
async fn suggestions_leave_choices_alone() {
    let desk = Desk::open().await;
    let call = desk.call().await;
    desk.go(&format!("/calls/{}", text_of(&call, "call_id"))).await;
    desk.live().await;
    let offers = "return getComputedStyle(document.getElementById('offers')).display !== 'none'";
    assert_eq!(desk.run(offers).await, false, "nothing is offered yet");
    let choose = |name: &str, value: &str| {
        format!("document.querySelector('#ticket [name={name}][value={value}]').click()")
    };
    desk.run(&choose("matter", "complaint")).await;
    desk.run("const c = document.getElementById('category'); c.value = 'noise'; c.dispatchEvent(new Event('input', { bubbles: true }))")
        .await;
    desk.run("document.getElementById('summary').focus()").await;
    let said = async |revision, matter, category, urgency| {
        let reading = read(matter, category, urgency, "仓库着火了");
        tell(&desk, &call, revision, "南桥路", "仓库着火了", Some(reading)).await;
        let there = format!(
            "return !document.getElementById('offers').hidden && !!document.querySelector('[data-pick={category}]')"
        );
        desk.wait("the tags", &there).await;
    };
    let form = "return ['matter', 'category', 'urgency', 'summary'].map((name) => document.getElementById('ticket').elements[name].value).join('|')";
    said(100, "report", "fire_hazard", "emergency").await;
    assert_eq!(desk.run(offers).await, true);
    assert_eq!(desk.run(form).await, "complaint|noise|emergency|", "the cursor is in the summary");
    desk.run("document.getElementById('place').focus()").await;
    desk.wait("the summary", "return document.getElementById('summary').value === '仓库着火了'").await;

    said(101, "praise", "pollution", "normal").await;
    assert_eq!(desk.run(form).await, "complaint|noise|normal|仓库着火了", "what nobody chose goes on");
    // Chosen as it was suggested: that, too, is a choice.
    desk.run(&choose("urgency", "normal")).await;
    said(102, "enquiry", "power", "urgent").await;
    assert_eq!(desk.run(form).await, "complaint|noise|normal|仓库着火了");

    desk.browser.run("location.reload()").await.unwrap();
    desk.live().await;
    assert_eq!(desk.run(form).await, "complaint|noise|normal|仓库着火了", "the draft is back");
    said(103, "report", "land", "emergency").await;
    assert_eq!(desk.run(form).await, "complaint|noise|normal|仓库着火了");

    desk.browser.keys("#summary", CONTROL_ENTER).await.unwrap();
    desk.wait("the ticket to be filed", "return !!document.getElementById('filed')").await;
    desk.live().await;
    let mut reading = read("complaint", "noise", "normal", "仓库着火了");
    tell(&desk, &call, 104, "南桥路", "仓库着火了", Some(reading.clone())).await;
    desk.wait("the same said again", "return document.getElementById('audit').hidden").await;
    reading.alarms = vec![Alarm { id: "fire".into(), words: vec!["着火".into()], at_ms: 0, holds: true }];
    tell(&desk, &call, 105, "南桥路", "仓库着火了", Some(reading)).await;
    desk.wait("what is left out", "return document.getElementById('audit').innerText.includes('火情')").await;
    assert_eq!(desk.browser.complaints().await.unwrap(), Vec::<String>::new());
}

/// The words of both sides come to the page while somebody speaks, and a danger is marked in its line; what is typed stays with
/// the cursor in it, and a reader stays where he reads: at the end, or further up. When the call is over its transcript
/// takes their place.
#[tokio::test(flavor = "multi_thread")]
async fn words_appear_while_the_call_runs() {
    let desk = Desk::open_at(World::builder().hears().start().await.unwrap()).await;
    until(CASE, "the box to hear", async || {
        Ok(desk.world.tails().contains("words are given while calls run").then_some(()))
    })
    .await
    .unwrap_or_else(|e| panic!("{e:#}\n{}", desk.world.tails()));
    let Dialogue { mut caller, mut operator, .. } = Dialogue::synthesise(FIRE).unwrap();
    // All of it twice, with time between: the second time comes to a page that is open.
    for leg in [&mut caller, &mut operator] {
        let once = leg.clone();
        leg.extend(vec![0; 8 * 8_000]);
        leg.extend(once);
    }
    let call = desk.world.call();
    let id = call.call_id.to_string();
    let read_along = async {
        until(CASE, "the case of a running call", async || desk.person.case_of_call(&id).await.map(Some))
            .await
            .unwrap_or_else(|e| panic!("{e:#}\n{}", desk.world.tails()));
        desk.go(&format!("/calls/{id}")).await;
        desk.wait("the words", "return !!document.querySelector('.lines')").await;
        // A low window: few lines fill it.
        desk.run(
            "const b = document.querySelector('.lines'); b.style.flex = 'none'; b.style.height = '90px'",
        )
        .await;
        desk.live().await;
        let marked = "return [...document.querySelectorAll('#words .say--alarm')].some((l) => l.textContent.includes('着火') && l.querySelector('.sev').textContent === '火情')";
        desk.wait("the danger in its line", marked).await;
        desk.wait("the other side", "return !!document.querySelector('#words .say--seat')").await;
        let end = "const b = document.querySelector('.lines'); return b.scrollHeight > b.clientHeight && b.scrollHeight - b.scrollTop - b.clientHeight < 2";
        desk.wait("the end in sight", end).await;
        desk.browser.keys("#place", "菜市场后面").await.unwrap();
        desk.run("document.querySelector('.lines').scrollTop = 7").await;
        let count = "return document.querySelectorAll('#words .say').length";
        let before = desk.run(count).await.as_u64().unwrap();
        let now =
            "return document.querySelector('#words .say--now')?.textContent.includes('正在说') ?? false";
        desk.wait("a line that is being said", now).await;
        desk.wait(
            "more lines",
            &format!("return document.querySelectorAll('#words .say').length > {before}"),
        )
        .await;
        let place = "return [document.getElementById('place').value, document.activeElement.id, document.querySelector('.lines').scrollTop].join('|')";
        let typed = desk.run(place).await;
        assert!(typed.as_str().unwrap().ends_with("菜市场后面|place|7"), "{typed}");
    };
    let placed = call.place(&caller, &operator, &desk.world.chance, &desk.world.clock);
    let (placed, ()) = tokio::join!(placed, read_along);
    placed.unwrap();
    let whole = "return !document.getElementById('words') && document.querySelector('.lines').textContent.includes('着火')";
    desk.browser
        .wait("the transcript", whole, CASE)
        .await
        .unwrap_or_else(|e| panic!("{e:#}\n{}", desk.world.tails()));
    assert_eq!(desk.browser.complaints().await.unwrap(), Vec::<String>::new());
}

fn read(matter: &str, category: &str, urgency: &str, summary: &str) -> CallReading {
    let offer = |id: &str| vec![Offer { id: id.into(), percent: 70, words: vec![] }];
    CallReading {
        summary: summary.into(),
        matters: offer(matter),
        categories: offer(category),
        urgencies: offer(urgency),
        ..CallReading::default()
    }
}

/// `K` opens the first entry that answers the call. It stays open, with the cursor on it, while news brings others, and
/// even when it is no longer offered; what was typed stays too, and closing it lets it go.
#[tokio::test(flavor = "multi_thread")]
async fn an_opened_entry_stays_open() {
    let desk = Desk::open().await;
    let sheet = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/demo/knowledge.csv");
    let imported = desk.world.hub_command(&["knowledge", "import", sheet]).unwrap().output().unwrap();
    let printed = String::from_utf8_lossy(&imported.stdout);
    assert!(imported.status.success() && printed.starts_with("new           15  fire-call"), "{imported:?}");
    let call = desk.call().await;
    desk.go(&format!("/calls/{}", text_of(&call, "call_id"))).await;
    desk.live().await;
    let quiet = desk.browser.text(".know").await.unwrap().unwrap();
    assert!(quiet.contains("有了市民的话"), "{quiet}");
    desk.browser.keys("#summary", "我打的字").await.unwrap();
    tell(&desk, &call, 100, "南桥路", "路灯不亮了", None).await;
    desk.wait("the entry", "return !!document.getElementById('know-street-lamp')").await;
    desk.run("document.activeElement.blur()").await;
    desk.browser.keys("body", "k").await.unwrap();
    let state = "return [...document.querySelectorAll('.know details')].map((d) => d.id + (d.open ? '+' : '')).join(' ') \
                 + '|' + document.activeElement.id + '|' + document.getElementById('summary').value";
    assert_eq!(desk.run(state).await, "know-street-lamp+|know-street-lamp-title|我打的字");
    let text = desk.browser.text("#know-street-lamp").await.unwrap().unwrap();
    assert!(text.contains("说明是一盏不亮还是整条路不亮"), "{text}");

    tell(&desk, &call, 101, "南桥路", "路灯不亮了，路口的井盖没了", None).await;
    desk.wait("another entry", "return !!document.getElementById('know-manhole-cover')").await;
    let now = desk.run(state).await;
    let now = now.as_str().unwrap();
    assert!(now.contains("know-street-lamp+") && now.ends_with("|know-street-lamp-title|我打的字"), "{now}");
    tell(&desk, &call, 102, "南桥路", "路口的井盖没了", None).await;
    desk.wait("the newest words", "return !document.querySelector('.lines').textContent.includes('路灯')")
        .await;
    let kept = "know-manhole-cover know-street-lamp+|know-street-lamp-title|我打的字";
    assert_eq!(desk.run(state).await, kept);
    // Enter closes what has the cursor.
    desk.browser.keys("#know-street-lamp-title", ENTER).await.unwrap();
    tell(&desk, &call, 103, "南桥路", "路口的井盖丢了", None).await;
    desk.wait("what is closed to go", "return !document.getElementById('know-street-lamp')").await;
    assert_eq!(desk.browser.complaints().await.unwrap(), Vec::<String>::new());
}

/// A later revision of the call's incident, over HTTP with the box's own token.
async fn tell(
    desk: &Desk,
    call: &Value,
    revision: u32,
    place: &str,
    words: &str,
    reading: Option<CallReading>,
) {
    let case = desk.state(text_of(call, "number")).await;
    let mut incident: Incident = serde_json::from_value(case["incidents"][0]["data"].clone()).unwrap();
    let (chance, now) = (&desk.world.chance, desk.world.clock.now());
    (incident.revision, incident.phase, incident.updated_at) = (revision, Phase::Updated, now);
    incident.place = Some(Place { name: place.into(), latitude: None, longitude: None });
    let Subject::Call(subject) = &mut incident.subject else { panic!("not of a call: {case}") };
    let said = Segment { leg: Leg::Caller, start_ms: 0, end_ms: 900, text: words.into() };
    subject.transcript = Transcript::Done { segments: vec![said], model: "test".into(), left_out: 0 };
    subject.reading = reading;
    let enrolled = Enrolled::load(&desk.world.path("edge")).unwrap().unwrap();
    let stamp = Stamp {
        id: MessageId::new(chance, now),
        at: now,
        boot: BootId::new(chance, now),
        sequence: 1,
        uptime_ms: 1,
        clock_synced: true,
    };
    let message = Envelope::new(&enrolled.origin(), stamp, Event::Incident(incident)).encode().unwrap();
    let answer = enrolled
        .http()
        .unwrap()
        .post(format!("{}/api/v1/incidents", desk.world.https()))
        .bearer_auth(&enrolled.identity.token)
        .body(message)
        .send()
        .await
        .unwrap();
    let receipt: Value = answer.json().await.unwrap();
    assert_eq!(receipt["outcome"], "stored", "{receipt}");
}
