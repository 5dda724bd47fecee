//! An operator takes a call while it runs: its danger is marked, the ticket is filled and filed without a mouse and the command
//! centre is called. Afterwards the recording is heard from a line of it, and the place is put right on the map.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;
use world::browser::key;
use world::line::Line;
use world::speech::{Dialogue, FIRE, RATE};
use world::wait::until;
use world::{DatabaseKind, World};

use crate::county::County;
use crate::person::{PAGE, Person};

/// A model is loaded, words come back, on a machine with two busy cores.
const WORDS: Duration = Duration::from_secs(120);
const GRID: &str = "dongguan-03";

on_both_databases!(story);

async fn story(database: DatabaseKind) {
    let world = World::builder().database(database).hears().start().await.unwrap();
    let county = County::settle_with(world, &["operator"]).await;
    places(&county);
    hears(&county).await;
    let person = Person::sits(&county, "operator").await;
    person.go("/seat").await;
    person.live().await;

    let call = Running::begin(&county).await;
    // The seat opens it by itself.
    person.comes_to(&format!("/calls/{}", call.id)).await;
    let number = a_danger_is_marked(&person).await;
    filed_by_keys(&person, &number).await;
    call.hang_up().await;
    heard_again(&person).await;
    put_right_on_the_map(&person, &number).await;
    person.is_content().await;
}

/// Two places that the words may mean.
fn places(county: &County) {
    let (longitude, latitude) = county.middle(GRID);
    let sheet = format!(
        "name,aliases,latitude,longitude,area,kind\n凤鸣路菜市场,凤鸣市场,{latitude},{longitude},{GRID},地点\n\
         凤鸣路菜市场北门,,{},{longitude},{GRID},地点\n",
        latitude + 0.0004
    );
    let file = county.world.path("places.csv");
    std::fs::write(&file, sheet).unwrap();
    county.hub(&["gazetteer", "import", file.to_str().unwrap(), "--note", "for tests"]);
}

async fn hears(county: &County) {
    let log = county.world.logs().join("edge-agent.log");
    let ready = until(WORDS, "the box to give words while calls run", async || {
        Ok(std::fs::read_to_string(&log)?.contains("words are given while calls run").then_some(()))
    });
    ready.await.unwrap_or_else(|error| panic!("{error:#}\n{}", county.world.tails()));
}

/// Somebody tells of a fire, and stays on the line until the other side hangs up.
struct Running {
    id: Uuid,
    over: Arc<AtomicBool>,
    line: JoinHandle<()>,
}

impl Running {
    async fn begin(county: &County) -> Self {
        let told = Dialogue::synthesise(FIRE).unwrap();
        let (id, at) = (county.world.call().call_id, county.world.websocket().unwrap());
        let line = until(PAGE, "the box to take a call", async || Line::open(&at, id).await.map(Some));
        let mut line = line.await.unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let hung_up = Arc::clone(&over);
        let line = tokio::spawn(async move {
            line.play(&told.caller, &told.operator).await.unwrap();
            let silence = vec![1; RATE as usize / 5];
            while !hung_up.load(Ordering::Acquire) {
                line.play(&silence, &silence).await.unwrap();
            }
            line.hang_up().await.unwrap();
        });
        Self { id, over, line }
    }

    async fn hang_up(self) {
        self.over.store(true, Ordering::Release);
        self.line.await.unwrap();
    }
}

/// In the line in which it was said, and above; gives the number of the case.
async fn a_danger_is_marked(person: &Person<'_>) -> String {
    let marked = "return [...document.querySelectorAll('#words .say--alarm')].some((line) => \
        [...line.querySelectorAll('mark')].some((word) => word.textContent.includes('着火')) && line.innerText.includes('火情'))";
    person.wait_for(WORDS, "the danger in its line", marked).await;
    person.reads("[data-live=alarms]", "听到险情：火情").await;
    let number = person.wait("its case", "return document.querySelector('.ticket .no')?.textContent").await;
    number.as_str().unwrap().to_owned()
}

/// One key each: the offered tag, the matter, the second of two places, and straight to the command centre.
async fn filed_by_keys(person: &Person<'_>, number: &str) {
    let offered = "return !!document.querySelector('[data-pick=fire_hazard][data-key=\"1\"]') \
        && document.querySelectorAll('[data-alt-key]').length > 1 \
        && document.getElementById('summary').value !== ''";
    person.wait_for(WORDS, "tags, places and a summary", offered).await;
    let began = Instant::now();
    person.press("1").await;
    person.press("6").await;
    person.press(&format!("{}2", key::ALT)).await;
    let filled = "const { category, matter, entry } = document.getElementById('ticket').elements; \
        const at = document.querySelector('#places input:checked'); \
        return [category.value, matter.value, at?.dataset.name].join('|')";
    assert_eq!(person.run(filled).await, "fire_hazard|request|凤鸣路菜市场北门");
    person.press(key::F2).await;
    person.wait("the ticket to be filed", "return !!document.getElementById('filed')").await;
    println!("filed and told after {} ms", began.elapsed().as_millis());

    let case = person.county.case(number).await;
    assert_eq!((&case["state"], &case["severity"]), (&"filed".into(), &"emergency".into()), "{case}");
    let rows = case["history"].as_array().unwrap();
    for action in ["ticket", "centre_called", "filed"] {
        let mut own = rows.iter().filter(|row| row["action"] == action);
        assert_eq!(own.next().unwrap()["actor"], "user:operator-1", "{action}: {rows:#?}");
        assert!(own.next().is_none(), "{action} twice: {rows:#?}");
    }
    person.reads("#centre", "已直报指挥中心").await;
    person.reads("#filed", "凤鸣路菜市场").await;
    let (_, latitude) = person.county.middle(GRID);
    assert!((point(&case).0 - latitude - 0.0004).abs() < 1e-5, "the second place: {case}");
}

/// What the case says of where it is: latitude, longitude.
fn point(case: &Value) -> (f64, f64) {
    let axis = |name: &str| case["location"][name].as_f64().unwrap_or_else(|| panic!("no {name}: {case}"));
    (axis("latitude"), axis("longitude"))
}

/// The recording stays on the box until somebody asks for it and says why. A click on a line plays from there.
async fn heard_again(person: &Person<'_>) {
    person
        .wait_for(WORDS, "the transcript", "return document.querySelectorAll('#said .say').length > 1")
        .await;
    person.write("用途", "复核险情").await;
    person.push("调取录音").await;
    let here = "return !!document.getElementById('recording')";
    person.wait_for(WORDS, "the recording to arrive", here).await;
    let hears = "return document.querySelectorAll('#said .say--hears').length > 1";
    person.wait("lines that can be heard", hears).await;
    let last = "return [...document.querySelectorAll('#said .say--hears')].at(-1)";
    let start_s = person.run(&format!("{last}.dataset.start / 1000")).await.as_f64().unwrap();
    assert!(start_s > 2.0, "the last line begins at {start_s} s");
    person.browser.click_found(last).await.unwrap();
    let plays = format!(
        "const audio = document.getElementById('recording'); \
         return audio.currentTime >= {start_s} && audio.currentTime < {start_s} + 20 && !audio.error"
    );
    person.wait("the recording from that line", &plays).await;
    // Columns of both sides: a line alone would be drawn of silence too.
    let drawn = "const wave = document.getElementById('wave'), canvas = wave.querySelector('canvas'); \
        if (wave.hidden || !canvas.width) return 0; \
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height); \
        let dots = 0; for (let at = 3; at < data.length; at += 4) if (data[at] > 0) dots += 1; \
        return dots > canvas.width * 4";
    person.wait("the waveform", drawn).await;
}

/// A click on the map takes that point for the place.
async fn put_right_on_the_map(person: &Person<'_>, number: &str) {
    let before = point(&person.county.case(number).await);
    person.follow("更正").await;
    let map = "const map = document.querySelector('#place-map canvas'); \
        map?.scrollIntoView({ block: 'center', behavior: 'instant' }); \
        const box = map?.getBoundingClientRect(); \
        return box?.width > 100 && [box.left + box.width / 3, box.top + box.height / 3]";
    let mut at = person.wait("the map", map).await;
    let picked = "return document.getElementById('ticket').elements.point.value";
    until(PAGE, "a point of the map", async || {
        let (x, y) = (at[0].as_f64().unwrap_or_default(), at[1].as_f64().unwrap_or_default());
        person.browser.click_at(&[(x, y)]).await?;
        at = person.browser.run(map).await?;
        Ok(person.browser.run(picked).await?.as_str().filter(|point| !point.is_empty()).map(drop))
    })
    .await
    .unwrap();
    let told = person.run(picked).await;
    let (latitude, longitude) = told.as_str().unwrap().split_once(',').unwrap();
    let wanted: (f64, f64) = (latitude.parse().unwrap(), longitude.parse().unwrap());
    person.press(&format!("{}{}", key::CONTROL, key::ENTER)).await;
    let moved = until(PAGE, "the place to be put right", async || {
        let now = point(&person.county.case(number).await);
        Ok((now != before).then_some(now))
    });
    let now = moved.await.unwrap();
    assert!((now.0 - wanted.0).abs() < 1e-5 && (now.1 - wanted.1).abs() < 1e-5, "{now:?}, not {wanted:?}");
}
