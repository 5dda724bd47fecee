//! Somebody at a browser, who finds things by what they are called on the page and not by where they stand in it.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use world::browser::Browser;
use world::wait::until;

use crate::county::County;

/// Of a page, on a machine with two busy cores.
pub(crate) const PAGE: Duration = Duration::from_secs(30);
const NAMES: &str = include_str!("names.js");

pub(crate) struct Person<'a> {
    pub(crate) county: &'a County,
    pub(crate) browser: Browser,
}

impl<'a> Person<'a> {
    /// At a desk with a screen of the usual size, nobody yet.
    pub(crate) async fn anybody(county: &'a County) -> Self {
        let browser = Browser::open(1366, 768, &county.world.logs()).await.unwrap();
        Self { county, browser }
    }

    /// The same, logged in as somebody of this role.
    pub(crate) async fn sits(county: &'a County, role: &str) -> Self {
        let person = Self::anybody(county).await;
        person.becomes(role).await;
        person
    }

    /// Somebody else takes the seat.
    pub(crate) async fn becomes(&self, role: &str) {
        self.browser.forget().await.unwrap();
        let (name, password) = self.county.person(role);
        self.browser.login(&self.county.world.https(), &name, password).await.unwrap();
    }

    pub(crate) async fn go(&self, path: &str) {
        self.browser.go(&format!("{}{path}", self.county.world.https())).await.unwrap();
    }

    pub(crate) async fn run(&self, script: &str) -> Value {
        self.browser.run(script).await.unwrap()
    }

    pub(crate) async fn press(&self, keys: &str) {
        self.browser.press(keys).await.unwrap();
    }

    pub(crate) async fn wait_for(&self, bound: Duration, what: &str, script: &str) -> Value {
        match self.browser.wait(what, script, bound).await {
            Ok(value) => value,
            Err(error) => {
                let shown = self.browser.run("return `${location.href}\n${document.body.innerText}`").await;
                let shown = shown.unwrap_or_default();
                let (shown, tails) = (shown.as_str().unwrap_or_default(), self.county.world.tails());
                panic!("{what}: {error:#}\nthe page: {shown}\n{tails}")
            }
        }
    }

    pub(crate) async fn wait(&self, what: &str, script: &str) -> Value {
        self.wait_for(PAGE, what, script).await
    }

    /// Until the part of the page that `css` names says this.
    pub(crate) async fn reads(&self, css: &str, text: &str) {
        let says = format!(
            "return [...document.querySelectorAll({})].some((part) => part.innerText.includes({}))",
            json!(css),
            json!(text)
        );
        self.wait(&format!("{css} to say {text}"), &says).await;
    }

    /// Until the live feed is there: what happens from now on comes to the page.
    pub(crate) async fn live(&self) {
        self.wait("the live feed", "return document.getElementById('live')?.className === 'live'").await;
    }

    /// Presses a button. A page may put another in its place meanwhile; it is pressed once.
    pub(crate) async fn push(&self, name: &str) {
        self.click("button", name, "body").await;
    }

    pub(crate) async fn push_in(&self, part: &str, name: &str) {
        self.click("button", name, part).await;
    }

    pub(crate) async fn follow(&self, name: &str) {
        self.click("link", name, "body").await;
    }

    pub(crate) async fn follow_in(&self, part: &str, name: &str) {
        self.click("link", name, part).await;
    }

    /// Marks a radio button or a check box.
    pub(crate) async fn tick(&self, name: &str) {
        self.click("choice", name, "body").await;
    }

    async fn click(&self, kind: &str, name: &str, part: &str) {
        let script = find(kind, name, part);
        let what = format!("the {kind} {name}");
        let clicked = until(PAGE, &what, async || self.browser.click_found(&script).await.map(Some));
        self.or_tell(clicked.await).await;
    }

    /// Types into a field, in place of what stands there.
    pub(crate) async fn write(&self, name: &str, text: &str) {
        self.fill(name, "body", text, true).await;
    }

    pub(crate) async fn write_in(&self, part: &str, name: &str, text: &str) {
        self.fill(name, part, text, true).await;
    }

    /// Gives a field a file.
    pub(crate) async fn enclose(&self, name: &str, file: &std::path::Path) {
        self.fill(name, "body", file.to_str().unwrap(), false).await;
    }

    async fn fill(&self, name: &str, part: &str, text: &str, anew: bool) {
        let script = find("field", name, part);
        let what = format!("the field {name}");
        let filled =
            until(PAGE, &what, async || self.browser.keys_found(&script, text, anew).await.map(Some));
        self.or_tell(filled.await).await;
    }

    /// Chooses of a list what is called so.
    pub(crate) async fn choose(&self, part: &str, name: &str, option: &str) {
        let script = format!(
            "{} const list = named('field', {}, {}); \
             return [...list.options].find((one) => one.textContent.trim() === {})",
            NAMES,
            json!(name),
            json!(part),
            json!(option)
        );
        let what = format!("{option} in {name}");
        let chosen = until(PAGE, &what, async || self.browser.click_found(&script).await.map(Some));
        self.or_tell(chosen.await).await;
    }

    async fn or_tell(&self, done: anyhow::Result<()>) {
        if let Err(error) = done {
            let shown = self.browser.run("return `${location.href}\n${document.body.innerText}`").await;
            let shown = shown.unwrap_or_default();
            panic!(
                "{error:#}\nthe page: {}\n{}",
                shown.as_str().unwrap_or_default(),
                self.county.world.tails()
            );
        }
    }

    /// What stands at the beginning of a path that the page came to.
    pub(crate) async fn comes_to(&self, path: &str) {
        let there = format!(
            "return location.pathname.startsWith({}) && document.readyState === 'complete'",
            json!(path)
        );
        self.wait(path, &there).await;
    }

    /// The page said nothing to its console that somebody would have to mend.
    pub(crate) async fn is_content(&self) {
        let mut complaints = self.browser.complaints().await.unwrap();
        // What was still being read when its reader went on; and Chromium itself asks its maker where it is.
        complaints.retain(|one| !(one.contains("/api/v1/map/") && one.contains("status of 401")));
        complaints.retain(|one| !one.contains("Network location provider"));
        assert_eq!(complaints, Vec::<String>::new());
    }

    /// What was sent just now was refused with this status, and nothing else is wrong.
    pub(crate) async fn is_refused(&self, status: u16) {
        let complaints = self.browser.complaints().await.unwrap();
        let told = format!("status of {status}");
        assert!(complaints.len() == 1 && complaints[0].contains(&told), "{status}: {complaints:?}");
    }

    /// Sheets of paper that the page comes to.
    pub(crate) async fn sheets(&self) -> usize {
        let pdf = self.browser.print().await.unwrap();
        assert!(pdf.starts_with(b"%PDF-"), "{} bytes that are no PDF", pdf.len());
        let text = String::from_utf8_lossy(&pdf);
        text.matches("/Type /Page\n").count() + text.matches("/Type /Page ").count()
    }

    /// A photo on this machine.
    pub(crate) fn photo(&self) -> PathBuf {
        let file = self.county.world.path("photo.png");
        let drawn = image::RgbImage::from_fn(640, 480, |x, y| image::Rgb([(x / 3) as u8, (y / 2) as u8, 90]));
        drawn.save(&file).unwrap();
        file
    }
}

fn find(kind: &str, name: &str, part: &str) -> String {
    format!("{NAMES} return named({}, {}, {})", json!(kind), json!(name), json!(part))
}
