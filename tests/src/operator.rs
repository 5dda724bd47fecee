//! A scripted operator who uses the hub's pages over HTTP as a browser does: login form, cookie, hidden fields.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::form::Form;
use crate::wait::until;

pub struct Operator {
    http: reqwest::Client,
    base: String,
}

/// What is typed into the ticket form. Choices left empty take the first that the page offers.
#[derive(Clone, Debug, Default)]
pub struct Ticket {
    pub matter: String,
    pub category: String,
    pub urgency: String,
    pub place: String,
    pub summary: String,
}

impl Operator {
    /// Logs in through the ordinary form. `base` is `https://host:port` or `http://127.0.0.1:port`.
    pub async fn login(base: &str, ca: Option<&Path>, name: &str, password: &str) -> Result<Self> {
        let operator = Self { http: crate::http::browser(ca)?, base: base.trim_end_matches('/').to_owned() };
        let page = operator.page("/login").await?;
        let form = Form::find(&page, "login")?.fill("name", name)?.fill("password", password)?;
        let landed = operator.submit(&form).await?;
        ensure!(
            Form::find(&landed, "login").is_err(),
            "the hub did not take the name {name:?} with this password"
        );
        Ok(operator)
    }

    /// A page's HTML, after redirects.
    pub async fn page(&self, path: &str) -> Result<String> {
        self.read(self.http.get(format!("{}{path}", self.base)), path).await
    }

    /// JSON of the API, with this person's cookie.
    pub async fn api(&self, path: &str) -> Result<Value> {
        let text = self.read(self.http.get(format!("{}{path}", self.base)), path).await?;
        serde_json::from_str(&text).with_context(|| format!("{path} is not JSON: {text:.200}"))
    }

    /// Bytes, such as a piece of evidence, with their media type.
    pub async fn bytes(&self, path: &str) -> Result<(Vec<u8>, String)> {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await?;
        let status = answer.status();
        let kind =
            answer.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
        let bytes = answer.bytes().await?;
        ensure!(status.is_success(), "{path}: {status}: {:.300}", String::from_utf8_lossy(&bytes));
        Ok((bytes.to_vec(), kind))
    }

    /// Sends a form as its page says, and gives the page that follows.
    pub async fn submit(&self, form: &Form) -> Result<String> {
        let url = format!("{}{}", self.base, form.action);
        let request = match form.method.as_str() {
            "post" => self.http.post(url).form(&form.fields),
            _ => self.http.get(reqwest::Url::parse_with_params(&url, &form.fields)?),
        };
        self.read(request, &form.action).await
    }

    async fn read(&self, request: reqwest::RequestBuilder, path: &str) -> Result<String> {
        let answer = request.send().await.with_context(|| format!("asking {}{path}", self.base))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("reading {path}"))?;
        ensure!(status.is_success(), "{path}: {status}: {text:.400}");
        Ok(text)
    }

    /// Opens the page of a call and files the ticket through its form. Gives the case's number.
    pub async fn file(&self, call_id: &str, ticket: &Ticket) -> Result<String> {
        let page = self.page(&format!("/calls/{call_id}")).await?;
        let mut form = Form::find(&page, "ticket")?;
        for (field, value) in
            [("matter", &ticket.matter), ("urgency", &ticket.urgency), ("category", &ticket.category)]
        {
            let first = form.choices(field).iter().find(|c| !c.is_empty()).cloned();
            let offered = form.fields.get(field).filter(|value| !value.is_empty()).cloned();
            let kept = offered.or(first).unwrap_or_default();
            form = form.fill(field, if value.is_empty() { &kept } else { value })?;
        }
        for (field, value, otherwise) in [
            ("place", &ticket.place, "青松里社区二号楼北门"),
            ("summary", &ticket.summary, "小区门口消防通道被车辆堵塞，已两天，救护车无法进入。"),
        ] {
            let offered = form.fields.get(field).filter(|value| !value.is_empty()).cloned();
            let kept = offered.unwrap_or_else(|| otherwise.to_owned());
            form = form.fill(field, if value.is_empty() { &kept } else { value })?;
        }
        let landed = self.submit(&form).await?;
        ensure!(!landed.contains("id=\"ticket-wrong\""), "the hub found the ticket wrong: {landed:.2000}");
        let case = self.case_of_call(call_id).await?;
        ensure!(case["state"] == "filed", "the ticket was sent, but the case is {}", case["state"]);
        Ok(case["number"].as_str().unwrap_or_default().to_owned())
    }

    /// The case of a call, from the API.
    pub async fn case_of_call(&self, call_id: &str) -> Result<Value> {
        self.cases()
            .await?
            .into_iter()
            .find(|case| case["call_id"] == call_id)
            .with_context(|| format!("no case has call {call_id}"))
    }

    /// All cases the API lists on its first page.
    pub async fn cases(&self) -> Result<Vec<Value>> {
        let list = self.api("/api/v1/cases?limit=200").await?;
        Ok(list["cases"].as_array().context("the API's case list has no \"cases\"")?.clone())
    }

    /// Asks, with a purpose, for the recording of a call and waits until it can be played; again when the box says that it
    /// is too early. Gives its bytes.
    pub async fn recording(&self, call_id: &str, purpose: &str, bound: Duration) -> Result<Vec<u8>> {
        let path = format!("/calls/{call_id}");
        let form = Form::find(&self.page(&path).await?, "recording-form")?.fill("purpose", purpose)?;
        self.submit(&form).await?;
        let url = until(bound, "the recording to arrive", async || {
            let case = self.case_of_call(call_id).await?;
            let evidence = case["evidence"].as_array().cloned().unwrap_or_default();
            let found = evidence.iter().find(|e| e["kind"] == "recording" && e["available"] == true);
            let commands = self.api("/api/v1/commands").await?;
            let newest = commands["commands"].as_array().and_then(|all| {
                all.iter().find(|one| one["command"] == "recording" && one["case_number"] == case["number"])
            });
            if newest.is_some_and(|one| one["reason"].as_str().is_some_and(|why| why.contains("ask again"))) {
                self.submit(&form).await?;
            }
            Ok(found.and_then(|e| e["url"].as_str()).map(ToOwned::to_owned))
        })
        .await?;
        let with_purpose =
            reqwest::Url::parse_with_params(&format!("{}{url}", self.base), [("purpose", purpose)])?;
        let path = format!("{}?{}", with_purpose.path(), with_purpose.query().unwrap_or_default());
        Ok(self.bytes(&path).await?.0)
    }
}
