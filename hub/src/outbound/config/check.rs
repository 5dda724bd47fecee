//! What is wrong with the section, with the line and the nearest word. Pure.

use reqwest::Url;
use serde_json::Value;

use super::Form::{CloudEvents, DingTalk, Feishu, Sms, Smtp, WeCom, WebPush};
use super::{ChannelConfig, Content, DEFAULT_TIMEOUT_S, Form, MailTls, OutboundConfig};
use crate::outbound::event;
use crate::outbound::rule::Whom;
use crate::sheet::nearest;

/// Channels of one hub.
const MOST_CHANNELS: usize = 64;
const MOST_NAME: usize = 40;
/// A claimed row is one's own for longer than all of this.
const MOST_TIMEOUT_S: u32 = 20;

/// Kinds of notices that people are told.
const NOTICES: [&str; 5] = ["due_soon", "overdue", "card", "emergency", "self_test"];

/// Something that cannot stand: under which key, and why.
type Wrong = (&'static str, String);

/// Keys that are not for every form, and for which they are.
const KEYS: [(&str, &[Form]); 17] = [
    ("area", &[CloudEvents]),
    ("url", &[WeCom, DingTalk, Feishu, Sms, CloudEvents]),
    ("url_file", &[WeCom, DingTalk, Feishu, Sms, CloudEvents]),
    ("secret", &[DingTalk, Feishu, Smtp, CloudEvents]),
    ("secret_file", &[DingTalk, Feishu, Smtp, CloudEvents]),
    ("ca", &[WeCom, DingTalk, Feishu, Smtp, Sms, CloudEvents, WebPush]),
    ("host", &[Smtp]),
    ("port", &[Smtp]),
    ("tls", &[Smtp]),
    ("user", &[Smtp]),
    ("from", &[Smtp]),
    ("contact", &[WebPush]),
    ("method", &[Sms]),
    ("headers", &[Sms]),
    ("content", &[Sms]),
    ("body", &[Sms]),
    ("success", &[Sms]),
];

impl ChannelConfig {
    fn is_set(&self, key: &str) -> bool {
        match key {
            "area" => self.area.is_some(),
            "url" => self.url.is_some(),
            "url_file" => self.url_file.is_some(),
            "secret" => self.secret.is_some(),
            "secret_file" => self.secret_file.is_some(),
            "ca" => self.ca.is_some(),
            "host" => self.host.is_some(),
            "port" => self.port.is_some(),
            "tls" => self.tls.is_some(),
            "user" => self.user.is_some(),
            "from" => self.from.is_some(),
            "contact" => self.contact.is_some(),
            "method" => self.method.is_some(),
            "headers" => !self.headers.is_empty(),
            "content" => self.content.is_some(),
            "body" => self.body.is_some(),
            _ => self.success.is_some(),
        }
    }

    /// Everything that is wrong with it by itself.
    fn wrong(&self) -> Vec<Wrong> {
        let mut wrong: Vec<Wrong> = Vec::new();
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if self.name.is_empty() || self.name.len() > MOST_NAME || !self.name.chars().all(fits) {
            let what = format!("{:?} must be 1 to {MOST_NAME} of a-z, 0-9, - and _", self.name);
            wrong.push(("name", what));
        }
        let Some(form) = self.form else {
            let what = "is missing; it is wecom, dingtalk, feishu, smtp, sms, cloudevents or web_push";
            wrong.push(("form", what.to_owned()));
            return wrong;
        };
        for (key, forms) in KEYS {
            if self.is_set(key) && !forms.contains(&form) {
                let of: Vec<&str> = forms.iter().map(|form| form.as_str()).collect();
                wrong.push((key, format!("is not for {}, but for {}", form.as_str(), of.join(", "))));
            }
        }
        if !(1..=MOST_TIMEOUT_S).contains(&self.timeout_s.unwrap_or(DEFAULT_TIMEOUT_S)) {
            wrong.push(("timeout_s", format!("must be 1 to {MOST_TIMEOUT_S}")));
        }
        self.wrong_audience(form, &mut wrong);
        match form {
            Smtp => self.wrong_mail(&mut wrong),
            WebPush => self.wrong_contact(&mut wrong),
            _ => self.wrong_address(form, &mut wrong),
        }
        if form == Sms {
            self.wrong_gateway(&mut wrong);
        }
        wrong
    }

    fn wrong_audience(&self, form: Form, wrong: &mut Vec<Wrong>) {
        for word in &self.whom {
            match Whom::read(word) {
                Err(what) => wrong.push(("for", what)),
                Ok(Whom::Area(_)) => {}
                Ok(_) if form == CloudEvents => {
                    let what = format!("{word:?}: a webhook is told of cases, not of people; use area");
                    wrong.push(("for", what));
                }
                Ok(_) => {}
            }
        }
        let known: &[&str] = if form == CloudEvents { event::ACTIONS } else { &NOTICES };
        for kind in self.kinds.iter().filter(|kind| !known.contains(&kind.as_str())) {
            let near = nearest(kind, known.iter().copied());
            wrong.push(("kinds", format!("there is no {kind:?}{near}; known are {}", known.join(", "))));
        }
    }

    fn wrong_secret(&self, needed: bool, wrong: &mut Vec<Wrong>) {
        match (&self.secret, &self.secret_file) {
            (Some(_), Some(_)) => wrong.push(("secret", "leave this or secret_file out".to_owned())),
            (Some(secret), None) if secret.is_empty() => wrong.push(("secret", "is empty".to_owned())),
            (None, None) if needed => {
                wrong.push(("secret", "is missing; write it here, or name a file at secret_file".to_owned()));
            }
            _ => {}
        }
    }

    fn wrong_address(&self, form: Form, wrong: &mut Vec<Wrong>) {
        self.wrong_secret(form == CloudEvents, wrong);
        match (&self.url, &self.url_file) {
            (Some(_), Some(_)) => wrong.push(("url", "leave this or url_file out".to_owned())),
            (None, None) => {
                wrong.push(("url", "is missing; write it here, or name a file at url_file".to_owned()));
            }
            (Some(url), None) => {
                if let Err(what) = good_url(url, self.insecure) {
                    wrong.push(("url", what));
                }
            }
            (None, Some(_)) => {}
        }
    }

    fn wrong_mail(&self, wrong: &mut Vec<Wrong>) {
        self.wrong_secret(self.user.is_some(), wrong);
        if (self.secret.is_some() || self.secret_file.is_some()) && self.user.is_none() {
            wrong.push(("user", "is missing; the secret is its password".to_owned()));
        }
        let Some(host) = self.host.as_deref().filter(|host| !host.is_empty()) else {
            wrong.push(("host", "is missing; it names the mail server".to_owned()));
            return;
        };
        if self.tls == Some(MailTls::None) && !is_loopback(host) && !self.insecure {
            let what = "none sends mail and password readable for everybody on the way; use starttls or implicit, \
                        or say insecure = true";
            wrong.push(("tls", what.to_owned()));
        }
        match self.from.as_deref().map(str::parse::<lettre::message::Mailbox>) {
            None => {
                wrong.push(("from", "is missing; it is the sender, \"哨点 <hub@example.org>\"".to_owned()));
            }
            Some(Err(error)) => wrong.push(("from", format!("is no sender of mail: {error}"))),
            Some(Ok(_)) => {}
        }
    }

    fn wrong_contact(&self, wrong: &mut Vec<Wrong>) {
        let Some(contact) = &self.contact else { return };
        let mail = contact.strip_prefix("mailto:").is_some_and(|to| to.parse::<lettre::Address>().is_ok());
        let page = contact.starts_with("https://") && Url::parse(contact).is_ok();
        if !mail && !page {
            let what = "must be \"mailto:NAME@HOST\" or \"https://…\": where push services reach whoever runs the hub";
            wrong.push(("contact", what.to_owned()));
        }
    }

    fn wrong_gateway(&self, wrong: &mut Vec<Wrong>) {
        let method = self.method.as_deref().unwrap_or("POST");
        if !["GET", "POST", "PUT"].contains(&method) {
            wrong.push(("method", format!("{method:?} must be GET, POST or PUT")));
        }
        for (name, value) in &self.headers {
            let good = reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_ok()
                && value.chars().all(|c| (' '..='~').contains(&c));
            if !good {
                wrong.push(("headers", format!("{name:?} is no header that can be sent")));
            }
            if value.contains("{text}") {
                wrong.push(("headers", format!("{name}: {{text}} cannot stand in a header")));
            }
        }
        let flat = self.body.as_ref().and_then(Value::as_object).is_some_and(|fields| {
            fields.values().all(|value| value.is_string() || value.is_number() || value.is_boolean())
        });
        if self.content == Some(Content::Form) && self.body.is_some() && !flat {
            wrong.push(("body", "of a form is a table of texts: { phone = \"{phone}\" }".to_owned()));
        }
        let all = [
            self.url.clone().unwrap_or_default(),
            self.body.as_ref().map(Value::to_string).unwrap_or_default(),
        ];
        for part in ["{phone}", "{text}"] {
            if self.url_file.is_none() && !all.iter().any(|text| text.contains(part)) {
                wrong.push(("body", format!("neither url nor body says where {part} goes")));
            }
        }
        let Some(success) = &self.success else { return };
        if success.value.is_none() != success.pointer.is_none() {
            wrong.push(("success", "pointer and value go together".to_owned()));
        }
        if success.pointer.as_deref().is_some_and(|pointer| !pointer.starts_with('/')) {
            wrong.push(("success", "a pointer begins with /, as in \"/result/code\"".to_owned()));
        }
        if !success.retry.is_empty() && success.pointer.is_none() {
            wrong.push(("success", "retry looks at the pointer; name one".to_owned()));
        }
    }
}

/// An address that may be spoken to: HTTPS, or HTTP on this machine, or whatever somebody has called insecure himself. The
/// complaint does not repeat it: it holds keys.
pub(crate) fn good_url(text: &str, insecure: bool) -> Result<Url, String> {
    // What stands for a number or a text must not be what makes it unreadable.
    let filled = text.replace("{phone}", "0").replace("{text}", "0").replace("{id}", "0");
    let url = Url::parse(filled.trim()).map_err(|error| format!("is no address: {error}"))?;
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(host) || insecure => Ok(url),
        "http" => Err(format!(
            "is plain http to {host}: everybody on the way could read and change it; use https, or say insecure = true"
        )),
        other => Err(format!("begins with {other}:; it must be https://…")),
    }
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl OutboundConfig {
    /// Whether a channel to browsers says nothing of who runs the hub.
    pub(crate) fn names_no_contact(&self) -> bool {
        self.channel.iter().any(|channel| channel.form == Some(WebPush) && channel.contact.is_none())
    }

    /// Everything that is wrong with the section, each with its line in `text` where it has one there.
    pub(crate) fn wrong(&self, text: &str, name: &str) -> Vec<String> {
        let mut all = Vec::new();
        let document = toml_edit::Document::parse(text).ok();
        let place = |at: usize, key: &str| {
            let line =
                document.as_ref().and_then(|document| line_of(document, text, at, &self.channel[at], key));
            line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"))
        };
        if self.channel.len() > MOST_CHANNELS {
            all.push(format!(
                "{name}: [outbound] has {} channels; {MOST_CHANNELS} may be",
                self.channel.len()
            ));
        }
        for (at, channel) in self.channel.iter().enumerate() {
            for (key, what) in channel.wrong() {
                all.push(format!(
                    "{}: [[outbound.channel]] {}: {key} {what}",
                    place(at, key),
                    called(channel, at)
                ));
            }
            if !channel.name.is_empty() && self.channel[..at].iter().any(|other| other.name == channel.name) {
                let what = "this name is taken by a channel above";
                all.push(format!("{}: [[outbound.channel]] {}: {what}", place(at, "name"), channel.name));
            }
        }
        all
    }
}

fn called(channel: &ChannelConfig, at: usize) -> String {
    if channel.name.is_empty() { format!("number {}", at + 1) } else { channel.name.clone() }
}

/// The line of a key of a channel, or of its heading; none for what the environment has put in its place.
fn line_of(
    document: &toml_edit::Document<&str>,
    text: &str,
    at: usize,
    channel: &ChannelConfig,
    key: &str,
) -> Option<usize> {
    let tables = document.as_item().get("outbound")?.get("channel")?.as_array_of_tables()?;
    let table = tables.get(at)?;
    let written = table.get("name").and_then(toml_edit::Item::as_str).unwrap_or_default();
    if written != channel.name {
        return None;
    }
    let span = table.key(key).and_then(toml_edit::Key::span).or_else(|| table.span())?;
    Some(text.get(..span.start)?.matches('\n').count() + 1)
}
