//! What axe-core has to say of a page: WCAG 2.1, levels A and AA.
//!
//! It is fetched for tests alone (`tests/package.json`) and handed to the page by WebDriver, which no policy of the page
//! holds back; nothing of it is in the product.

use serde_json::{Value, json};
use world::browser::Browser;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/axe-core/axe.min.js");
/// Places that are told of each rule.
const TOLD: usize = 4;

pub(crate) struct Axe(String);

impl Axe {
    pub(crate) fn load() -> Self {
        let text = std::fs::read_to_string(SCRIPT);
        Self(text.unwrap_or_else(|e| panic!("{SCRIPT}: {e}; deploy/setup.sh fetches it")))
    }

    /// What is wrong with the page as it stands, a rule a line.
    pub(crate) async fn judge(&self, browser: &Browser) -> Vec<String> {
        let rules = json!({
            "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
            "resultTypes": ["violations"],
        });
        let ask = "if (!window.axe) { %AXE% }\n\
             return axe.run(document, %RULES%).then((found) => [found.violations, found.passes.length]);";
        let ask = ask.replace("%AXE%", &self.0).replace("%RULES%", &rules.to_string());
        let found = browser.run(&ask).await.unwrap();
        assert!(found[1].as_u64().is_some_and(|passes| passes > 5), "axe looked at nothing: {found}");
        found[0].as_array().unwrap().iter().map(line).collect()
    }
}

fn line(violation: &Value) -> String {
    let nodes = violation["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let places: Vec<String> = nodes
        .iter()
        .take(TOLD)
        .map(|node| {
            let why = node["failureSummary"].as_str().unwrap_or_default().lines().nth(1).unwrap_or_default();
            format!("{} ({})", node["target"], why.trim())
        })
        .collect();
    format!("axe {}: {} places: {}", violation["id"].as_str().unwrap_or("?"), nodes.len(), places.join(" | "))
}
