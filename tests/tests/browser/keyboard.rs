//! Pages without a mouse: Tab reaches everything that can be pressed or filled in and is held nowhere, what has the focus
//! shows it, `?` tells the keys and Escape puts them away.

use serde_json::Value;
use world::browser::{Browser, key};

const PREPARE: &str = include_str!("focus.js");
/// Tabs at a time.
const STRIDE: usize = 25;
/// Controls of a player are stops of their own, and so is the browser's end of the page.
const SPARE: u64 = 60;

pub(crate) async fn walk(browser: &Browser) -> Vec<String> {
    let mut faults = Vec::new();
    let most = browser.run(PREPARE).await.unwrap().as_u64().unwrap() * 2 + SPARE;
    let stride = key::TAB.repeat(STRIDE);
    let mut pressed = 0;
    let missing = loop {
        browser.press(&stride).await.unwrap();
        pressed += STRIDE as u64;
        let missing = list(browser, "missing").await;
        if missing.is_empty() || pressed >= most {
            break missing;
        }
    };
    for (what, all) in [
        ("Tab does not come to", missing),
        ("nothing shows the focus of", list(browser, "bare").await),
        ("out of sight with the focus", list(browser, "away").await),
    ] {
        if !all.is_empty() {
            faults.push(format!("{what} {}", all.join(" | ")));
        }
    }
    faults.extend(help(browser).await);
    faults
}

async fn list(browser: &Browser, what: &str) -> Vec<String> {
    let all = browser.run(&format!("return window.tabs?.{what}() ?? ['the page went away']")).await.unwrap();
    let all = all.as_array().cloned().unwrap_or_default();
    all.iter().filter_map(|one| one.as_str().map(ToOwned::to_owned)).collect()
}

/// The keys of the page, by its own key.
async fn help(browser: &Browser) -> Option<String> {
    let has = "document.activeElement?.blur(); return !!document.getElementById('help')?.checkVisibility()";
    if browser.run(has).await.unwrap() != true {
        return None;
    }
    let state = "const k = document.getElementById('keys'); return [k.open, k.querySelectorAll('dt').length]";
    browser.press("?").await.unwrap();
    let open = browser.run(state).await.unwrap();
    browser.press(key::ESCAPE).await.unwrap();
    let shut = browser.run(state).await.unwrap();
    let is_right =
        open[0] == true && open[1].as_u64().is_some_and(|keys| keys >= 5) && shut[0] == Value::Bool(false);
    (!is_right).then(|| format!("? and Escape: {open}, then {shut}"))
}
