//! Whoever puts up a camera says what it watches: a zone drawn with the mouse and one with keys, tried on what the box remembers,
//! sent, and walked through. The camera and the box are real; who walks is drawn.

use std::time::Duration;

use world::browser::key;
use world::scene::Scene;
use world::{CameraPlan, DatabaseKind, World, drawn_clip};

use crate::county::County;
use crate::person::Person;

/// The box answers, on a machine with two busy cores.
const BOX: Duration = Duration::from_secs(90);
const PATH: &str = "/devices/box-1/cameras/gate";
const LEFT: &str = "\u{e012}";
const UP: &str = "\u{e013}";

on_both_databases!(story);

async fn story(database: DatabaseKind) {
    let folder = tempfile::tempdir().unwrap();
    let (clip, _) = drawn_clip(&Scene::standard(20, 3), folder.path()).unwrap();
    let camera =
        CameraPlan { id: "gate".into(), place: "Gate".into(), clip, zone: Vec::new(), masks: Vec::new() };
    let world = World::builder().database(database).camera(camera).start().await.unwrap();
    let county = County::settle_with(world, &["installer"]).await;
    let person = Person::sits(&county, "installer").await;
    person.go(PATH).await;
    person.live().await;
    // What the box has is not known to the hub before somebody asks.
    person.push("读取现行配置").await;
    person.wait_for(BOX, "the camera's rules", "return !!document.getElementById('watch')").await;
    drawn_by_mouse(&person).await;
    drawn_by_keys(&person).await;
    tried_and_sent(&person).await;
    walked_through(&person).await;
    person.is_content().await;
}

/// The points of a zone, as its field has them.
async fn zone(person: &Person<'_>, name: &str) -> Vec<(f64, f64)> {
    let field = format!(
        "const own = [...document.querySelectorAll('[data-shape=zone]')].find((one) => \
         one.querySelector('[name$=\".id\"]').value === '{name}'); \
         return own?.querySelector('[data-points]').value"
    );
    let text = person.wait(name, &field).await;
    let pair = |pair: &str| {
        let (x, y) = pair.split_once(',').unwrap();
        (x.parse().unwrap(), y.parse().unwrap())
    };
    text.as_str().unwrap().split(' ').map(pair).collect()
}

fn is_near(points: &[(f64, f64)], wanted: &[(f64, f64)]) -> bool {
    let near = |(a, b): (&(f64, f64), &(f64, f64))| (a.0 - b.0).abs() < 0.01 && (a.1 - b.1).abs() < 0.01;
    points.len() == wanted.len() && points.iter().zip(wanted).all(near)
}

/// Four clicks, and one more on the first point.
async fn drawn_by_mouse(person: &Person<'_>) {
    let stage = "document.getElementById('stage').scrollIntoView({ block: 'start', behavior: 'instant' }); scrollBy(0, -60); \
        const box = document.getElementById('drawing').getBoundingClientRect(); \
        return [box.left, box.top, box.width, box.height]";
    person.push_in("[role=toolbar]", "区域").await;
    let at: Vec<f64> = serde_json::from_value(person.run(stage).await).unwrap();
    let corners = [(0.05, 0.3), (0.95, 0.3), (0.95, 0.95), (0.05, 0.95)];
    let mut clicks: Vec<_> = corners.iter().map(|(x, y)| (at[0] + x * at[2], at[1] + y * at[3])).collect();
    clicks.push(clicks[0]);
    person.browser.click_at(&clicks).await.unwrap();
    let drawn = zone(person, "zone-1").await;
    assert!(is_near(&drawn, &corners), "{drawn:?}");
}

/// Arrows carry the point, Space puts it down, Enter ends.
async fn drawn_by_keys(person: &Person<'_>) {
    person.run("document.activeElement?.blur()").await;
    person.press("z").await;
    let far = |arrow: &str, steps: usize| format!("{}{}", key::SHIFT, arrow.repeat(steps));
    for step in [far(LEFT, 3), " ".to_owned(), far(key::RIGHT, 2), " ".to_owned(), far(UP, 2), " ".to_owned()]
    {
        person.press(&step).await;
    }
    person.press(key::ENTER).await;
    let drawn = zone(person, "zone-2").await;
    assert!(is_near(&drawn, &[(0.2, 0.5), (0.4, 0.5), (0.4, 0.3)]), "{drawn:?}");
}

/// The rule watches the first zone from now on. What it would have raised is told before it is sent, and the box takes it.
async fn tried_and_sent(person: &Person<'_>) {
    let open = "const set = document.querySelector('#rules .rule__set'); set.open = true; return true";
    person.wait("the rule's own fields", open).await;
    person.write_in("#rules .rule", "区域（空为全画面）", "zone-1").await;
    person.run("document.activeElement.blur()").await;
    person.press("r").await;
    let tried = "const part = document.querySelector('[data-live=trial]'); \
        return part.innerText.includes('改后') && !/正在试/.test(part.innerText) && !!part.querySelector('.load')";
    person.wait_for(BOX, "what the changed rules come to", tried).await;
    // Both the rules in force and the changed ones were tried, and each says as many times as it lists.
    let told = person
        .run(
            "return [...document.querySelectorAll('[data-live=trial] .lane')].map((lane) => { \
             let rows = 0; \
             for (let next = lane.nextElementSibling; next && !next.matches('.lane'); next = next.nextElementSibling) \
               if (next.matches('.wide')) rows += next.querySelectorAll('tbody tr').length; \
             return [Number(lane.querySelector('b').textContent), rows]; })",
        )
        .await;
    let told: Vec<(u32, u32)> = serde_json::from_value(told).unwrap();
    assert!(told.len() == 2 && told.iter().all(|(count, rows)| count == rows), "{told:?}");

    person.write_in(".savebox", "目的（登记在案）", "the forecourt alone").await;
    person.write_in(".savebox", "超过上限或没有试过时", "few are on duty").await;
    person.press(&format!("{}s", key::CONTROL)).await;
    person
        .wait_for(BOX, "the box to have it in force", "return !!document.querySelector('[data-saved]')")
        .await;
    person.go(PATH).await;
    person
        .wait("nothing to be left over", "return document.getElementById('n-changes')?.textContent === '0'")
        .await;
    assert_eq!(zone(person, "zone-1").await.len(), 4);
    assert_eq!(zone(person, "zone-2").await.len(), 3);
    let version = person.browser.text(".line3").await.unwrap().unwrap();
    assert!(version.contains("现行配置") && version.contains(" v"), "{version}");
}

/// Somebody walks through the zone, and the page tells what would have been raised.
async fn walked_through(person: &Person<'_>) {
    person.press("t").await;
    person.reads("[data-live=walk]", "进行到").await;
    let seen = "const part = document.querySelector('[data-live=walk]'); \
        return part.innerText.includes('会报的') && part.innerText.includes('forecourt')";
    person.wait_for(BOX, "who walks to be told of", seen).await;
    person.push("结束").await;
    person.reads("[data-live=walk]", "已结束于").await;
}
