//! A real browser: headless Chromium through `chromedriver`, spoken to in plain WebDriver JSON.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;
use crate::wait::{free_port, until};

/// W3C WebDriver's name of an element reference.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const START: Duration = Duration::from_secs(30);

/// WebDriver's code points of keys.
pub mod key {
    pub const TAB: &str = "\u{e004}";
    pub const ENTER: &str = "\u{e007}";
    pub const SHIFT: char = '\u{e008}';
    pub const CONTROL: char = '\u{e009}';
    pub const ALT: char = '\u{e00a}';
    pub const ESCAPE: &str = "\u{e00c}";
    pub const RIGHT: &str = "\u{e014}";
    pub const SPACE: &str = " ";
    pub const DOWN: &str = "\u{e015}";
    pub const F2: &str = "\u{e032}";
}

pub struct Browser {
    http: reqwest::Client,
    session: String,
    // Dropped in this order: the driver (and Chromium in its group) before the profile it writes to.
    _driver: Process,
    _profile: TempDir,
}

impl Browser {
    /// A window of `width` × `height` in Chinese. Trusts every certificate: the hub's own authority is checked
    /// by the clients that carry it.
    pub async fn open(width: u32, height: u32, logs: &Path) -> Result<Self> {
        Self::open_with(width, height, logs, &[]).await
    }

    /// The same with more of Chromium's own arguments.
    pub async fn open_with(width: u32, height: u32, logs: &Path, more: &[String]) -> Result<Self> {
        let profile = tempfile::Builder::new().prefix("shaodian-browser-").tempdir()?;
        let port = free_port()?;
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).env("HOME", profile.path()).env("TMPDIR", profile.path());
        let mut driver = Process::spawn("chromedriver", command, logs)
            .context("a browser is needed (Debian packages chromium and chromium-driver)")?;
        driver.line("ChromeDriver was started successfully", START).await?;
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--disable-gpu".into(),
            "--disable-background-networking".into(),
            "--disable-dev-shm-usage".into(),
            "--no-first-run".into(),
            "--autoplay-policy=no-user-gesture-required".into(),
            "--lang=zh-CN".into(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().join("profile").display()),
        ];
        arguments.extend_from_slice(more);
        if rustix::process::geteuid().is_root() {
            // Chromium's sandbox refuses root, as in a container.
            arguments.push("--no-sandbox".into());
        }
        let http = crate::http::plain()?;
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "acceptInsecureCerts": true,
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let root = format!("http://127.0.0.1:{port}");
        let opened = send(&http, http.post(format!("{root}/session")).json(&wanted)).await?;
        let id = opened["sessionId"].as_str().context("chromedriver gave no session")?;
        let session = format!("{root}/session/{id}");
        Ok(Self { http, session, _driver: driver, _profile: profile })
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        send(&self.http, self.http.post(format!("{}/{path}", self.session)).json(&body)).await
    }

    async fn get(&self, path: &str) -> Result<Value> {
        send(&self.http, self.http.get(format!("{}/{path}", self.session))).await
    }

    pub async fn go(&self, url: &str) -> Result<()> {
        self.post("url", json!({"url": url})).await.map(drop)
    }

    pub async fn url(&self) -> Result<String> {
        Ok(self.get("url").await?.as_str().unwrap_or_default().to_owned())
    }

    /// Runs a function body in the page; `return` gives the value.
    pub async fn run(&self, script: &str) -> Result<Value> {
        self.post("execute/sync", json!({"script": script, "args": []})).await
    }

    async fn element(&self, css: &str) -> Result<String> {
        let found = self
            .post("element", json!({"using": "css selector", "value": css}))
            .await
            .with_context(|| format!("looking for {css}"))?;
        Ok(found[ELEMENT].as_str().context("WebDriver gave no element")?.to_owned())
    }

    /// Types into a field, as keys.
    pub async fn keys(&self, css: &str, text: &str) -> Result<()> {
        let id = self.element(css).await?;
        self.post(&format!("element/{id}/value"), json!({"text": text})).await.map(drop)
    }

    pub async fn click(&self, css: &str) -> Result<()> {
        let id = self.element(css).await?;
        self.post(&format!("element/{id}/click"), json!({})).await.map(drop)
    }

    /// The element that a script gives, told by what people call it rather than by where it stands.
    async fn found(&self, script: &str) -> Result<String> {
        let found = self.run(script).await?;
        Ok(found[ELEMENT].as_str().with_context(|| format!("no element but {found}"))?.to_owned())
    }

    /// Clicks the element that a script gives.
    pub async fn click_found(&self, script: &str) -> Result<()> {
        let id = self.found(script).await?;
        self.post(&format!("element/{id}/click"), json!({})).await.map(drop)
    }

    /// Types into the field that a script gives, as keys; with `anew` in place of what stands there.
    pub async fn keys_found(&self, script: &str, text: &str, anew: bool) -> Result<()> {
        let id = self.found(script).await?;
        if anew {
            self.post(&format!("element/{id}/clear"), json!({})).await?;
        }
        self.post(&format!("element/{id}/value"), json!({"text": text})).await.map(drop)
    }

    /// The mouse's main button, pressed once at each of these points of the window.
    pub async fn click_at(&self, points: &[(f64, f64)]) -> Result<()> {
        let mut steps = Vec::new();
        for (x, y) in points {
            let (x, y) = (x.round() as i64, y.round() as i64);
            steps.push(json!({"type": "pointerMove", "duration": 40, "origin": "viewport", "x": x, "y": y}));
            steps.push(json!({"type": "pointerDown", "button": 0}));
            steps.push(json!({"type": "pointerUp", "button": 0}));
        }
        let mouse = json!({
            "type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps,
        });
        self.post("actions", json!({"actions": [mouse]})).await.map(drop)
    }

    /// Types into what has the focus, as keys.
    pub async fn type_here(&self, text: &str) -> Result<()> {
        let active = self.get("element/active").await.context("looking for what has the focus")?;
        let id = active[ELEMENT].as_str().context("WebDriver gave no element")?;
        self.post(&format!("element/{id}/value"), json!({"text": text})).await.map(drop)
    }

    /// Presses keys one after the other, wherever the focus goes meanwhile; Shift, Control and Alt are held to the end.
    pub async fn press(&self, keys: &str) -> Result<()> {
        let is_held = |pressed: &char| [key::SHIFT, key::CONTROL, key::ALT].contains(pressed);
        let one = |kind: &str, pressed: char| json!({"type": kind, "value": pressed.to_string()});
        let mut steps = Vec::new();
        for pressed in keys.chars() {
            steps.push(one("keyDown", pressed));
            if !is_held(&pressed) {
                steps.push(one("keyUp", pressed));
            }
        }
        steps.extend(keys.chars().filter(is_held).map(|held| one("keyUp", held)));
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": steps});
        self.post("actions", json!({"actions": [keyboard]})).await.map(drop)
    }

    /// What a field holds; asked of the browser itself, so pages without scripts answer too.
    pub async fn value(&self, css: &str) -> Result<String> {
        let id = self.element(css).await?;
        let value = self.get(&format!("element/{id}/property/value")).await?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Text of the first element, `None` when there is none.
    pub async fn text(&self, css: &str) -> Result<Option<String>> {
        let found = self
            .run(&format!("const e = document.querySelector({}); return e ? e.innerText : null", json!(css)))
            .await?;
        Ok(found.as_str().map(ToOwned::to_owned))
    }

    /// Waits until a script gives something true.
    pub async fn wait(&self, what: &str, script: &str, bound: Duration) -> Result<Value> {
        until(bound, what, async || {
            let value = self.run(script).await?;
            let nothing =
                matches!(&value, Value::Null | Value::Bool(false)) || value == json!(0) || value == json!("");
            Ok((!nothing).then_some(value))
        })
        .await
    }

    /// Logs in through the form on the page.
    pub async fn login(&self, base: &str, name: &str, password: &str) -> Result<()> {
        self.go(&format!("{base}/login")).await?;
        self.keys("#name", name).await?;
        self.keys("#password", password).await?;
        self.click("#login button").await?;
        self.wait("the page after the login", "return !location.pathname.startsWith('/login')", START)
            .await
            .map(drop)
    }

    /// As after the last tab was closed: nobody is logged in, no language and no theme is chosen.
    pub async fn forget(&self) -> Result<()> {
        send(&self.http, self.http.delete(format!("{}/cookie", self.session))).await.map(drop)
    }

    /// A command of the DevTools protocol.
    pub async fn devtools(&self, command: &str, params: Value) -> Result<Value> {
        self.post("goog/cdp/execute", json!({"cmd": command, "params": params})).await
    }

    /// Whether it wants light or dark pages.
    pub async fn scheme(&self, dark: bool) -> Result<()> {
        let value = if dark { "dark" } else { "light" };
        self.wants("prefers-color-scheme", value).await
    }

    /// As somebody who asked for no motion: colours and places are at once what they will be.
    pub async fn still(&self) -> Result<()> {
        self.wants("prefers-reduced-motion", "reduce").await
    }

    /// One wish at a time: the next takes the place of this one.
    async fn wants(&self, feature: &str, value: &str) -> Result<()> {
        let params = json!({"features": [{"name": feature, "value": value}]});
        self.devtools("Emulation.setEmulatedMedia", params).await.map(drop)
    }

    /// Size of the page in CSS pixels; a window cannot be as narrow as a phone.
    pub async fn size(&self, width: u32, height: u32) -> Result<()> {
        let params = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", params).await.map(drop)
    }

    /// Whether pages may run scripts.
    pub async fn scripts(&self, may: bool) -> Result<()> {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": !may})).await.map(drop)
    }

    /// The page as it comes out of a printer: a PDF, on A4 unless the page says otherwise.
    pub async fn print(&self) -> Result<Vec<u8>> {
        let sheet = json!({"background": true, "shrinkToFit": true, "page": {"width": 21.0, "height": 29.7}});
        let printed = self.post("print", sheet).await?;
        let text = printed.as_str().context("WebDriver gave no sheet")?;
        base64::engine::general_purpose::STANDARD.decode(text).context("the sheet's base64")
    }

    /// What is downloaded from now on is put into `folder`.
    pub async fn downloads(&self, folder: &Path) -> Result<()> {
        let params = json!({"behavior": "allow", "downloadPath": folder});
        self.devtools("Browser.setDownloadBehavior", params).await.map(drop)
    }

    /// Pages may ask where they are, and are told this.
    pub async fn stands_at(&self, latitude: f64, longitude: f64) -> Result<()> {
        self.devtools("Browser.grantPermissions", json!({"permissions": ["geolocation"]})).await?;
        let place = json!({"latitude": latitude, "longitude": longitude, "accuracy": 8});
        self.devtools("Emulation.setGeolocationOverride", place).await.map(drop)
    }

    /// Whether pages look as they would on paper.
    pub async fn on_paper(&self, is_paper: bool) -> Result<()> {
        let media = if is_paper { "print" } else { "" };
        self.devtools("Emulation.setEmulatedMedia", json!({"media": media})).await.map(drop)
    }

    /// PNG of the window.
    pub async fn screenshot(&self, png: &Path) -> Result<()> {
        let shot = self.get("screenshot").await?;
        let text = shot.as_str().context("WebDriver gave no picture")?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).context("the picture's base64")?;
        std::fs::write(png, bytes).with_context(|| format!("writing {}", png.display()))
    }

    /// What the pages wrote to the console at level SEVERE since the last look: script errors, refused resources.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let entries = self.post("se/log", json!({"type": "browser"})).await?;
        let severe = entries.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(severe
            .iter()
            .filter(|e| e["level"] == "SEVERE")
            .filter_map(|e| e["message"].as_str().map(ToOwned::to_owned))
            .collect())
    }
}

async fn send(http: &reqwest::Client, request: reqwest::RequestBuilder) -> Result<Value> {
    let request = request.build().context("building a WebDriver request")?;
    let what = format!("{} {}", request.method(), request.url().path());
    let answer = http.execute(request).await.with_context(|| what.clone())?;
    let status = answer.status();
    let mut body: Value = answer.json().await.with_context(|| format!("{what}: not JSON"))?;
    if !status.is_success() {
        bail!("{what}: {}: {}", body["value"]["error"], body["value"]["message"]);
    }
    ensure!(body.get("value").is_some(), "{what}: no value in the answer");
    Ok(body["value"].take())
}
