//! Pictures of every console for people to look at: each in the sizes of a command centre's wall, of desks and of a telephone,
//! by day, by night and on the wall. Drawn only where `SHAODIAN_PICTURES` names a folder; nothing is judged here.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use world::browser::Browser;
use world::scene::Scene;
use world::wait::until;
use world::{CameraPlan, DEVICE, World, drawn_clip};

use crate::county::County;

const SIZES: [(u32, u32); 4] = [(3840, 2160), (1920, 1080), (1366, 768), (390, 844)];
const THEMES: [&str; 3] = ["light", "dark", "wall"];

/// Who looks, at what, and what it is called. `{case}` and `{call}` are a case and a call of the county.
const CONSOLES: [(&str, &str, &str); 27] = [
    ("", "/login", "login"),
    ("", "/report", "report"),
    ("", "/status", "status"),
    ("commander", "/wall", "wall"),
    ("commander", "/screen", "screen"),
    ("commander", "/map", "map"),
    ("commander", "/cases", "cases"),
    ("commander", "/cases/{case}", "case"),
    ("operator", "/seat", "seat"),
    ("operator", "/calls/{call}", "call"),
    ("dispatcher", "/queue", "queue"),
    ("shift_leader", "/queue?part=requests", "requests"),
    ("dispatcher", "/cases/{case}", "case-dispatcher"),
    ("dispatcher", "/handover", "handover"),
    ("handler", "/tasks", "tasks"),
    ("handler", "/cases/{case}/order", "order"),
    ("grid_manager", "/field", "field"),
    ("evaluator", "/evaluation", "evaluation"),
    ("evaluator", "/evaluation/trends", "trends"),
    ("evaluator", "/evaluation/density", "density"),
    ("evaluator", "/evaluation/bulletin", "bulletin"),
    ("installer", "/devices", "devices"),
    ("installer", "/devices/box-1", "device"),
    ("installer", "/devices/box-1/cameras/gate", "camera"),
    ("administrator", "/admin", "admin"),
    ("administrator", "/admin/users", "users"),
    ("administrator", "/admin/audit", "audit"),
];

/// Without a graphics card a map as large as a wall takes half a minute.
const DRAWING: Duration = Duration::from_secs(180);
/// What is drawn late: a map's last tile, a picture from the box.
const DRAWN: &str = "return document.readyState === 'complete' \
    && [...document.images].every((picture) => picture.complete) \
    && [...document.querySelectorAll('.map')].every((map) => map.querySelector('[data-note]').hidden || map.querySelector('[data-note]').textContent !== map.dataset.loading)";

#[tokio::test(flavor = "multi_thread")]
async fn every_console_is_drawn() {
    let Some(folder) = std::env::var_os("SHAODIAN_PICTURES").map(PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).unwrap();
    let _calm = crate::NETWORK.read().await;
    let clips = tempfile::tempdir().unwrap();
    let (clip, _) = drawn_clip(&Scene::standard(20, 3), clips.path()).unwrap();
    let camera =
        CameraPlan { id: "gate".into(), place: "Gate".into(), clip, zone: Vec::new(), masks: Vec::new() };
    let county = County::settle_in(World::builder().camera(camera).start().await.unwrap()).await;
    county.fill().await;
    for body in [
        json!({"command": "show_configuration", "purpose": "pictures"}),
        json!({"command": "still", "camera_id": "gate", "purpose": "pictures"}),
    ] {
        county.ask("administrator", &format!("/api/v1/devices/{DEVICE}/commands"), Some(body)).await;
    }
    let cases = county.cases().await;
    let find = |state: &str, part: &str| {
        let own = cases.iter().find(|case| case["state"] == state && !case[part].is_null());
        own.unwrap_or_else(|| panic!("no {state} case with a {part}: {cases:?}"))
    };
    let case = find("in_progress", "camera_id")["number"].as_str().unwrap();
    let call = find("received", "call_id")["call_id"].as_str().unwrap();
    // Only what is wanted, by the beginning of its name.
    let wanted = std::env::var("SHAODIAN_PICTURES_OF").unwrap_or_default();
    let browser = Browser::open(1366, 768, &county.world.logs()).await.unwrap();
    browser.still().await.unwrap();
    let mut sits = "";
    for (role, path, name) in CONSOLES.into_iter().filter(|one| one.2.starts_with(&wanted)) {
        if sits != role {
            let (user, password) = county.person(role);
            browser.forget().await.unwrap();
            browser.login(&county.world.https(), &user, password).await.unwrap();
            sits = role;
        }
        let path = path.replace("{case}", case).replace("{call}", call);
        for (width, height) in SIZES {
            browser.size(width, height).await.unwrap();
            browser.go(&format!("{}{path}", county.world.https())).await.unwrap();
            browser.wait(name, DRAWN, DRAWING).await.unwrap();
            for theme in THEMES {
                let wear = format!("document.documentElement.dataset.theme = '{theme}'; return true");
                browser.wait(theme, &wear, DRAWING).await.unwrap();
                let file = folder.join(format!("{name}-{width}x{height}-{theme}.png"));
                let shot = async || browser.screenshot(&file).await.map(Some);
                until(DRAWING, name, shot).await.unwrap();
            }
        }
    }
}
