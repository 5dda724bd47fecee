//! A channel, ready to be used: its secrets read, its certificates loaded.

use std::fmt;
use std::path::Path;

use protocol::UtcMs;
use reqwest::{Client, Method, Url};
use serde_json::Value;

use super::config::{ChannelConfig, Content, Form, MailTls, OutboundConfig, SuccessConfig, good_url};
use super::event;
use super::form::mail::{Described, Server};
use super::form::push::Pusher;
use super::form::robot::Robot;
use super::form::sms::{self, Filling};
use super::form::{Outcome, http};
use super::rule::Rule;
use super::sign;
use super::words::Message;

/// Longest secret or address in a file, in bytes.
const MOST_SECRET: u64 = 64 << 10;

/// One channel.
pub struct Channel {
    pub(super) name: String,
    pub(super) rule: Rule,
    means: Means,
}

enum Means {
    Robot { robot: Robot, url: Url, secret: Option<String>, client: Client },
    Webhook { url: Url, key: Vec<u8>, client: Client },
    Gateway(Box<Gateway>),
    Mail(Box<Server>),
    Push(Box<Pusher>),
}

struct Gateway {
    url: String,
    method: Method,
    headers: Vec<(String, String)>,
    content: Content,
    body: Option<Value>,
    success: SuccessConfig,
    client: Client,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("name", &self.name).field("rule", &self.rule).finish_non_exhaustive()
    }
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Load<'a> {
    Notice {
        message: &'a Message,
        /// Mail address or number of whom it is for; nothing for a group.
        to: &'a str,
    },
    /// A CloudEvent.
    Event(&'a Value),
}

/// With what it is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp<'a> {
    /// The same whenever it is sent again.
    pub(super) id: &'a str,
    pub(super) made_at_ms: i64,
    pub(super) now: UtcMs,
}

impl Channel {
    /// All of them; everything that is wrong with them otherwise, a line each.
    pub fn open_all(config: &OutboundConfig) -> Result<Vec<Self>, String> {
        let opened: Vec<Result<Self, String>> = config
            .channel
            .iter()
            .map(|channel| {
                Self::open(channel).map_err(|what| format!("[[outbound.channel]] {}: {what}", channel.name))
            })
            .collect();
        let wrong: Vec<String> = opened.iter().filter_map(|one| one.as_ref().err().cloned()).collect();
        if wrong.is_empty() { Ok(opened.into_iter().flatten().collect()) } else { Err(wrong.join("\n")) }
    }

    fn open(config: &ChannelConfig) -> Result<Self, String> {
        let form = config.form.ok_or("form is missing")?;
        let means = match form {
            Form::WeCom => robot(Robot::WeCom, config)?,
            Form::DingTalk => robot(Robot::DingTalk, config)?,
            Form::Feishu => robot(Robot::Feishu, config)?,
            Form::CloudEvents => {
                let url = url(config)?;
                let key = sign::webhook_key(&secret(config)?.ok_or("secret is missing")?)?;
                Means::Webhook { client: client(config, &url)?, url, key }
            }
            Form::Sms => Means::Gateway(Box::new(gateway(config)?)),
            Form::Smtp => Means::Mail(Box::new(mail(config)?)),
            Form::WebPush => Means::Push(Box::new(push(config)?)),
        };
        Ok(Self { name: config.name.clone(), rule: Rule::of(config, form)?, means })
    }

    /// What writes to browsers, where this is a channel to them.
    pub(super) fn pusher(&self) -> Option<&Pusher> {
        if let Means::Push(pusher) = &self.means { Some(pusher) } else { None }
    }

    /// One try; what came of it.
    pub(super) async fn send(&self, load: Load<'_>, stamp: Stamp<'_>) -> Outcome {
        match (&self.means, load) {
            (Means::Robot { robot, url, secret, client }, Load::Notice { message, .. }) => {
                let (url, body) = robot.request(url, secret.as_deref(), message, stamp.now.0);
                match http::send(client.post(url).json(&body)).await {
                    Err(outcome) => outcome,
                    Ok(answer) => answer.setback().unwrap_or_else(|| robot.outcome(&answer.text)),
                }
            }
            (Means::Webhook { url, key, client }, Load::Event(told)) => {
                let (id, at_s, body) =
                    (told["id"].as_str().unwrap_or(stamp.id), http::seconds(stamp.now), told.to_string());
                let request = client
                    .post(url.clone())
                    .header("content-type", event::MEDIA_TYPE)
                    .header("webhook-id", id)
                    .header("webhook-timestamp", at_s)
                    .header("webhook-signature", sign::webhook(key, id, at_s, &body))
                    .body(body);
                match http::send(request).await {
                    Err(outcome) => outcome,
                    Ok(answer) => answer.setback().unwrap_or_else(|| Outcome::Sent(answer.in_words())),
                }
            }
            (Means::Gateway(gateway), Load::Notice { message, to }) => {
                gateway.send(Filling { phone: to, text: &message.short(), id: stamp.id }).await
            }
            (Means::Mail(server), Load::Notice { message, to }) => {
                match server.letter(to, message, (stamp.id, stamp.made_at_ms)) {
                    Ok(letter) => server.send(&letter).await,
                    Err(why) => Outcome::refused(why),
                }
            }
            (Means::Webhook { .. }, Load::Notice { .. }) => {
                Outcome::refused("a webhook is told of cases only")
            }
            (Means::Push(_), Load::Notice { .. }) => {
                Outcome::refused("a browser is told by its subscription only")
            }
            (_, Load::Event(_)) => Outcome::refused("only a webhook is told of cases"),
        }
    }
}

impl Gateway {
    async fn send(&self, filling: Filling<'_>) -> Outcome {
        let url = match Url::parse(&filling.url(&self.url)) {
            Ok(url) => url,
            Err(error) => return Outcome::refused(format!("the address, filled in: {error}")),
        };
        let mut request = self.client.request(self.method.clone(), url).header("idempotency-key", filling.id);
        for (name, value) in &self.headers {
            request = request.header(name, filling.header(value));
        }
        request = match (&self.body, self.content) {
            (None, _) => request,
            (Some(body), Content::Json) => request.json(&filling.json(body)),
            (Some(body), Content::Form) => request.form(&filling.form(body)),
        };
        match http::send(request).await {
            Err(outcome) => outcome,
            Ok(answer) => sms::outcome(&self.success, &answer),
        }
    }
}

fn robot(robot: Robot, config: &ChannelConfig) -> Result<Means, String> {
    let url = url(config)?;
    let client = client(config, &url)?;
    Ok(Means::Robot { robot, url, secret: secret(config)?, client })
}

fn gateway(config: &ChannelConfig) -> Result<Gateway, String> {
    let template = address(config)?;
    let url = good_url(&template, config.insecure).map_err(|what| format!("url {what}"))?;
    let method = config.method.as_deref().unwrap_or("POST");
    Ok(Gateway {
        client: client(config, &url)?,
        url: template,
        method: method.parse().map_err(|_| format!("method {method:?} is none of HTTP"))?,
        headers: config.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        content: config.content.unwrap_or_default(),
        body: config.body.clone(),
        success: config.success.clone().unwrap_or_default(),
    })
}

fn mail(config: &ChannelConfig) -> Result<Server, String> {
    let ca = ca(config)?;
    let login = config.user.clone().zip(secret(config)?);
    Server::open(&Described {
        host: config.host.as_deref().unwrap_or_default(),
        port: config.port,
        tls: config.tls.unwrap_or(MailTls::Starttls),
        ca: ca.as_deref(),
        login,
        from: config.from.as_deref().unwrap_or_default(),
        timeout: config.timeout(),
    })
}

fn push(config: &ChannelConfig) -> Result<Pusher, String> {
    let ca = ca(config)?;
    Pusher::open(config.contact.clone(), config.insecure, ca.as_deref(), config.timeout())
        .map_err(|error| no_tls(&error))
}

fn client(config: &ChannelConfig, url: &Url) -> Result<Client, String> {
    let ca = ca(config)?;
    http::client(url, ca.as_deref(), config.timeout()).map_err(|error| no_tls(&error))
}

fn no_tls(error: &reqwest::Error) -> String {
    let why = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    format!("preparing TLS: {why}; name the receiver's authority at ca")
}

fn address(config: &ChannelConfig) -> Result<String, String> {
    let written =
        config.url.clone().map_or_else(|| file("url_file", config.url_file.as_deref()), |url| Ok(Some(url)));
    Ok(written?.ok_or("url is missing")?.trim().to_owned())
}

fn url(config: &ChannelConfig) -> Result<Url, String> {
    good_url(&address(config)?, config.insecure).map_err(|what| format!("url {what}"))
}

fn secret(config: &ChannelConfig) -> Result<Option<String>, String> {
    match &config.secret {
        Some(secret) => Ok(Some(secret.clone())),
        None => file("secret_file", config.secret_file.as_deref()),
    }
}

fn ca(config: &ChannelConfig) -> Result<Option<Vec<u8>>, String> {
    Ok(file("ca", config.ca.as_deref())?.map(String::into_bytes))
}

/// The text of a file, without the end of line that editors put there.
fn file(key: &str, path: Option<&Path>) -> Result<Option<String>, String> {
    let Some(path) = path else { return Ok(None) };
    let wrong = |what: &dyn fmt::Display| format!("{key} {}: {what}", path.display());
    let size = std::fs::metadata(path).map_err(|error| wrong(&error))?.len();
    if size > MOST_SECRET {
        return Err(wrong(&"is too long to be what it should be"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() { Err(wrong(&"is empty")) } else { Ok(Some(text.to_owned())) }
}
