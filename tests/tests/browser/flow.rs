//! One case from the alarm to its end, by three people: with the keyboard alone, and with plain forms where scripts are
//! switched off.

use std::time::Duration;

use protocol::{IncidentKind, Severity};
use world::DatabaseKind;
use world::browser::{Browser, key};
use world::wait::until;

use crate::county::County;

const PAGE: Duration = Duration::from_secs(20);
/// Tabs from one place of a page to another: units to choose from are many.
const FAR: usize = 150;
/// Choices of a list.
const MANY: usize = 120;

/// One move, as a person makes it.
struct Move {
    role: &'static str,
    /// As its form is called on the page.
    name: &'static str,
    /// Opens its form; none: Tab goes there.
    key: &'static str,
    fields: &'static [(&'static str, What)],
    /// State of the case afterwards, and the row of its history.
    reached: (&'static str, &'static str),
}

#[derive(Clone, Copy)]
enum What {
    Choose(&'static str),
    Check(&'static str),
    Write(&'static str),
}

use What::{Check, Choose, Write};

const WAY: [Move; 6] = [
    Move {
        role: "dispatcher",
        name: "file",
        key: "f",
        fields: &[("category", Choose("fire_hazard")), ("note", Write("seen twice"))],
        reached: ("filed", "filed"),
    },
    Move {
        role: "dispatcher",
        name: "dispatch",
        key: "d",
        fields: &[("lead", Check("work_safety")), ("note", Write("at once"))],
        reached: ("dispatched", "dispatched"),
    },
    Move { role: "handler", name: "accept", key: "s", fields: &[], reached: ("in_progress", "accepted") },
    Move {
        role: "handler",
        name: "report",
        key: "o",
        fields: &[("result", Write("the fire is out"))],
        reached: ("verifying", "reported"),
    },
    Move {
        role: "community_officer",
        name: "check",
        key: "c",
        fields: &[("agrees", Check("1")), ("note", Write("I have been there"))],
        reached: ("verifying", "checked"),
    },
    Move {
        role: "dispatcher",
        name: "close",
        key: "",
        fields: &[("note", Write("all of it is right"))],
        reached: ("closed", "closed"),
    },
];

/// Somebody at a browser who takes a case one step further.
struct Desk<'a> {
    county: &'a County,
    browser: &'a Browser,
    number: String,
    /// Who is logged in.
    sits: &'static str,
}

/// From the log-in to the last move nothing but keys: the find box, the list, the page's own keys, Tab and Enter.
#[tokio::test(flavor = "multi_thread")]
async fn a_case_goes_its_way_by_keys_alone() {
    let _calm = crate::NETWORK.read().await;
    let county = County::settle(DatabaseKind::Postgres).await;
    let number = county.alert("kitchen", IncidentKind::Smoke, Severity::Major, "dongguan-03").await;
    let browser = Browser::open(1366, 768, &county.world.logs()).await.unwrap();
    let mut desk = Desk { county: &county, browser: &browser, number, sits: "" };
    for step in &WAY {
        if desk.sits != step.role {
            desk.log_in_by_keys(step.role).await;
        }
        desk.open_by_keys().await;
        desk.step_by_keys(step).await;
        desk.is_reached(step).await;
    }
    desk.went_all_the_way().await;
    let mut complaints = browser.complaints().await.unwrap();
    // A map that was still being read when its reader logged out.
    complaints.retain(|one| !(one.contains("/api/v1/map/") && one.contains("status of 401")));
    assert_eq!(complaints, Vec::<String>::new());
}

/// The same with scripts switched off: every move is a form and every page comes from the hub whole. A form that asks for
/// more comes back with what was typed.
#[tokio::test(flavor = "multi_thread")]
async fn a_case_goes_its_way_without_scripts() {
    let _calm = crate::NETWORK.read().await;
    let county = County::settle(DatabaseKind::Sqlite).await;
    let number = county.alert("kitchen", IncidentKind::Smoke, Severity::Major, "dongguan-03").await;
    let browser = Browser::open(1366, 768, &county.world.logs()).await.unwrap();
    browser.scripts(false).await.unwrap();
    let mut desk = Desk { county: &county, browser: &browser, number, sits: "" };
    desk.log_in("dispatcher").await;
    desk.no_script_runs().await;
    // From the alarm's card on the wall, by its button.
    browser.go(&format!("{}/wall", county.world.https())).await.unwrap();
    browser.click(&format!("#ack-{}", desk.number)).await.unwrap();
    until(PAGE, "the alarm to be in hand", async || {
        Ok(county.case(&desk.number).await["acknowledged_by"].as_str().map(drop))
    })
    .await
    .unwrap();
    desk.a_refused_form_comes_back().await;
    for step in &WAY {
        if desk.sits != step.role {
            desk.log_in(step.role).await;
        }
        desk.step_by_form(step).await;
        desk.is_reached(step).await;
    }
    desk.went_all_the_way().await;
}

impl Desk<'_> {
    fn base(&self) -> String {
        self.county.world.https()
    }

    async fn wait(&self, what: &str, script: &str) {
        let tails = || self.county.world.tails();
        self.browser.wait(what, script, PAGE).await.unwrap_or_else(|e| panic!("{what}: {e:#}\n{}", tails()));
    }

    async fn is_open(&self, form: &str) -> bool {
        self.browser.run(&format!("return document.querySelector('{form}').open")).await.unwrap() == true
    }

    async fn is_reached(&self, step: &Move) {
        let (state, row) = step.reached;
        let what = format!("{} of {}", step.name, self.number);
        until(PAGE, &what, async || {
            let case = self.county.case(&self.number).await;
            let rows = case["history"].as_array().cloned().unwrap_or_default();
            Ok((case["state"] == state && rows.iter().any(|one| one["action"] == row)).then_some(()))
        })
        .await
        .unwrap_or_else(|e| panic!("{e:#}\n{}", self.county.world.tails()));
    }

    /// Each move was made once, by whom it was to be made.
    async fn went_all_the_way(&self) {
        let case = self.county.case(&self.number).await;
        let rows = case["history"].as_array().unwrap();
        for step in &WAY {
            let by = format!("user:{}", self.county.person(step.role).0);
            let own: Vec<_> = rows.iter().filter(|row| row["action"] == step.reached.1).collect();
            assert_eq!(own.len(), 1, "{} in {rows:#?}", step.reached.1);
            assert_eq!(own[0]["actor"], by.as_str(), "{} in {rows:#?}", step.reached.1);
        }
    }
}

/// By keys.
impl Desk<'_> {
    async fn log_in_by_keys(&mut self, role: &'static str) {
        self.browser.forget().await.unwrap();
        self.browser.go(&format!("{}/login", self.base())).await.unwrap();
        let (name, password) = self.county.person(role);
        self.wait("the cursor in the name", "return document.activeElement.id === 'name'").await;
        self.browser.type_here(&name).await.unwrap();
        self.browser.press(key::TAB).await.unwrap();
        self.browser.type_here(password).await.unwrap();
        self.browser.press(key::ENTER).await.unwrap();
        self.wait("the page after the login", "return !location.pathname.startsWith('/login')").await;
        self.sits = role;
    }

    /// Finds the case by its number, and opens it from the list.
    async fn open_by_keys(&self) {
        self.wait("the page to listen", "return document.readyState === 'complete'").await;
        self.browser.press("/").await.unwrap();
        self.wait("the cursor in the find box", "return document.activeElement.id === 'find'").await;
        self.browser.type_here(&self.number).await.unwrap();
        self.browser.press(key::ENTER).await.unwrap();
        let listed = format!(
            "return location.search.includes('{0}') && !!document.getElementById('case-{0}')",
            self.number
        );
        self.wait("the list", &listed).await;
        self.wait("the page to listen", "return document.readyState === 'complete'").await;
        self.browser.press("j").await.unwrap();
        self.browser.press(key::ENTER).await.unwrap();
        let open = format!(
            "return location.pathname === '/cases/{}' && document.readyState === 'complete'",
            self.number
        );
        self.wait("the case", &open).await;
    }

    async fn step_by_keys(&self, step: &Move) {
        let form = format!("#move-{}", step.name);
        if step.key.is_empty() {
            self.tab_to(&format!("{form} > summary")).await;
            // The next move stands open.
            if !self.is_open(&form).await {
                self.browser.press(key::ENTER).await.unwrap();
            }
        } else {
            self.browser.press(step.key).await.unwrap();
        }
        let within = format!(
            "const d = document.querySelector('{form}'); return d?.open && d.contains(document.activeElement)"
        );
        self.wait(step.name, &within).await;
        for (name, what) in step.fields {
            let field = format!("{form} [name={name}]");
            match what {
                Choose(value) => {
                    self.tab_to(&field).await;
                    self.choose(value).await;
                }
                Check(value) => {
                    self.tab_to(&format!("{field}[value=\"{value}\"]")).await;
                    self.browser.press(key::SPACE).await.unwrap();
                }
                Write(text) => {
                    self.tab_to(&field).await;
                    self.browser.type_here(text).await.unwrap();
                }
            }
        }
        self.tab_to(&format!("{form} form button")).await;
        self.browser.press(key::ENTER).await.unwrap();
    }

    /// Tab by Tab until something has the focus.
    async fn tab_to(&self, css: &str) {
        let has = format!("return document.activeElement.matches({css:?})");
        for _ in 0..FAR {
            if self.browser.run(&has).await.unwrap() == true {
                return;
            }
            self.browser.press(key::TAB).await.unwrap();
        }
        panic!("{FAR} Tabs do not lead to {css} for {}", self.sits);
    }

    /// Down the list that has the focus; from its end it is left by nobody, so from its beginning.
    async fn choose(&self, value: &str) {
        const HOME: &str = "\u{e011}";
        self.browser.press(HOME).await.unwrap();
        for _ in 0..MANY {
            let now = self.browser.run("return document.activeElement.value").await.unwrap();
            if now == value {
                return;
            }
            self.browser.press(key::DOWN).await.unwrap();
        }
        panic!("the list offers no {value}");
    }
}

/// Without scripts: WebDriver's own clicks and keys, and nothing that needs a page's script.
impl Desk<'_> {
    async fn log_in(&mut self, role: &'static str) {
        self.browser.forget().await.unwrap();
        self.browser.go(&format!("{}/login", self.base())).await.unwrap();
        let (name, password) = self.county.person(role);
        self.browser.keys("#name", &name).await.unwrap();
        self.browser.keys("#password", password).await.unwrap();
        self.browser.click("#login button").await.unwrap();
        until(PAGE, "the page after the login", async || {
            Ok((!self.browser.url().await?.contains("/login")).then_some(()))
        })
        .await
        .unwrap();
        self.sits = role;
    }

    /// The clock of the page stands where the hub drew it, and the word for the live feed is still its first.
    async fn no_script_runs(&self) {
        let word = self.browser.text("#live-word").await.unwrap().unwrap();
        assert_eq!(word, "连接中", "scripts run");
    }

    async fn fill_in(&self, step: &Move, leave_out: Option<&str>) {
        self.browser.go(&format!("{}/cases/{}", self.base(), self.number)).await.unwrap();
        let form = format!("#move-{}", step.name);
        if !self.is_open(&form).await {
            self.browser.click(&format!("{form} > summary")).await.unwrap();
        }
        for (name, what) in step.fields.iter().filter(|field| leave_out != Some(field.0)) {
            let field = format!("{form} [name={name}]");
            match what {
                Choose(value) => self.browser.click(&format!("{field} option[value={value}]")).await.unwrap(),
                Check(value) => self.browser.click(&format!("{field}[value=\"{value}\"]")).await.unwrap(),
                Write(text) => self.browser.keys(&field, text).await.unwrap(),
            }
        }
    }

    async fn step_by_form(&self, step: &Move) {
        self.fill_in(step, None).await;
        self.browser.click(&format!("#move-{} form button", step.name)).await.unwrap();
    }

    /// Filed with a category that is not chosen: the browser or the hub asks for it, nothing is done, and the note stays.
    async fn a_refused_form_comes_back(&self) {
        let file = &WAY[0];
        self.fill_in(file, Some("category")).await;
        let none = format!("#move-{} [name=category] option[value=\"\"]", file.name);
        self.browser.click(&none).await.unwrap();
        self.browser.click(&format!("#move-{} form button", file.name)).await.unwrap();
        let case = self.county.case(&self.number).await;
        assert_eq!(case["state"], "received", "{case}");
        let note = format!("#move-{} [name=note]", file.name);
        let typed = self.browser.value(&note).await.unwrap();
        assert_eq!(typed, "seen twice");
    }
}
