//! The way to the hub: who this box is, whether its certificate holds, whether HTTPS and the broker take it.

use std::time::Duration;

use protocol::{Clock, SystemClock};
use reqwest::{Response, StatusCode};
use rumqttc::{AsyncClient, ConnectionError, Event, Packet};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::agent::Agent;
use super::{Finding, bad, good, warning};
use crate::config::Config;
use crate::identity::Enrolled;
use crate::uplink::Address;

/// A hub's clock this far from ours is worth a word.
const SKEW_MS: i64 = 5_000;
/// A certificate that ends sooner is worth a word.
const SOON_DAYS: i64 = 30;
const WAIT: Duration = Duration::from_secs(10);

pub(super) async fn examine(config: &Config, agent: &Agent) -> Vec<Finding> {
    let enrolled = match Enrolled::load(&config.agent.data_dir) {
        Ok(Some(enrolled)) => enrolled,
        Ok(None) => {
            let hint =
                "on the hub: hub device add NAME; here: edge-agent enrol --hub https://HOST:PORT --code CODE";
            return vec![bad("enrolment", "this box is not enrolled", hint)];
        }
        Err(error) => return vec![bad("enrolment", error.to_string(), "enrol this box again")],
    };
    let now_s = SystemClock::new().now().0 / 1_000;
    let mut findings = vec![good("enrolment", enrolled.origin().source()), certificate(&enrolled, now_s)];
    findings.extend(https(config, &enrolled).await);
    findings.push(broker(config, &enrolled, agent).await);
    findings
}

fn certificate(enrolled: &Enrolled, now_s: i64) -> Finding {
    let what = "certificate";
    let der = match enrolled.certificate().and_then(|der| enrolled.tls().map(|_| der)) {
        Ok(der) => der,
        Err(error) => return bad(what, error.to_string(), "enrol this box again"),
    };
    let Ok((_, certificate)) = X509Certificate::from_der(&der) else {
        return bad(what, "cannot be read", "enrol this box again");
    };
    let (from, to) =
        (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    if now_s < from {
        return bad(what, "is not valid yet by this machine's clock", "set the clock");
    }
    if now_s > to {
        return bad(what, "has expired", "enrol this box again (or set the clock)");
    }
    let days = (to - now_s) / 86_400;
    if days < SOON_DAYS {
        return warning(what, format!("expires in {days} days"), "enrol this box again soon");
    }
    good(what, format!("valid for {days} days"))
}

/// Reaches the hub by HTTPS, holds its clock against ours, and shows it this box's token.
async fn https(config: &Config, enrolled: &Enrolled) -> Vec<Finding> {
    let hub = config.hub.url.as_ref().unwrap_or(&enrolled.identity.hub_url).trim_end_matches('/').to_owned();
    let reach = async {
        let http = enrolled.http()?;
        let answer = http.get(format!("{hub}/healthz")).timeout(WAIT).send().await?;
        // An upload that cannot exist: the hub looks at who asks before it looks for what.
        let upload = http.head(format!("{hub}/api/v1/uploads/doctor")).timeout(WAIT);
        let upload = upload.bearer_auth(&enrolled.identity.token).header("tus-resumable", "1.0.0");
        anyhow::Ok((answer, upload.send().await?.status()))
    };
    let (answer, upload) = match reach.await {
        Ok(answers) => answers,
        Err(error) => {
            let hint = "check cable, address ([hub] url), firewall, and that the hub runs";
            return vec![bad("hub", format!("{hub} cannot be reached: {error:#}"), hint)];
        }
    };
    let mut findings = vec![match answer.status() {
        status if status.is_success() => good("hub", format!("{hub} answers")),
        status => bad("hub", format!("{hub} answers {status}"), "something else may listen there: [hub] url"),
    }];
    findings.extend(skew_ms(&answer).map(|skew_ms| clock(skew_ms, "the hub's clock")));
    findings.push(match upload {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            bad("token", "the hub does not know this box any more", "enrol this box again")
        }
        StatusCode::NOT_FOUND => good("token", "the hub takes this box's evidence"),
        status => warning(
            "token",
            format!("cannot be tried: the hub answers {status}"),
            "look into the hub's log; this box goes on trying",
        ),
    });
    findings
}

/// How far our clock is ahead of the answer's.
fn skew_ms(answer: &Response) -> Option<i64> {
    let date = answer.headers().get("date").and_then(|date| date.to_str().ok())?;
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_millisecond();
    Some(SystemClock::new().now().0 - theirs)
}

fn clock(skew_ms: i64, whose: &str) -> Finding {
    let what = "clock";
    if skew_ms.abs() <= SKEW_MS {
        return good(what, format!("agrees with {whose}"));
    }
    let way = if skew_ms > 0 { "ahead of" } else { "behind" };
    warning(
        what,
        format!("{} s {way} {whose}", skew_ms.abs() / 1_000),
        "set the clock of the box or of the hub; incidents carry the box's time",
    )
}

/// Connects as the agent will, with this box's certificate. A running agent is asked instead: the broker would put
/// the second connection in its place.
async fn broker(config: &Config, enrolled: &Enrolled, agent: &Agent) -> Finding {
    let what = "broker";
    let address = match Address::of(enrolled, &config.hub) {
        Ok(address) => address,
        Err(error) => return bad(what, error.to_string(), "enrol this box again"),
    };
    let place = format!("{}:{}", address.host, address.port);
    match agent {
        Agent::Running { .. } => match agent.broker_trouble() {
            None => return good(what, format!("the running agent is connected to {place}")),
            Some(why) => {
                return bad(
                    what,
                    format!("the running agent is not connected to {place}: {why}"),
                    BROKER_HINT,
                );
            }
        },
        Agent::Mute(_) => {
            return warning(what, "not tried: the agent holds the connection", "restart the agent");
        }
        Agent::Stopped => {}
    }
    match tokio::time::timeout(WAIT, connect(&address)).await {
        Ok(Ok(())) => good(what, format!("{place} takes this box's certificate")),
        Ok(Err(error)) => {
            let hint = match error {
                ConnectionError::ConnectionRefused(_) => {
                    "the hub does not admit this box: is it disabled there?"
                }
                ConnectionError::Tls(_) => "certificates do not fit together: set the clock, or enrol again",
                _ => BROKER_HINT,
            };
            bad(what, format!("{place}: {}", words(&error)), hint)
        }
        Err(_) => bad(what, format!("{place} does not answer"), "a firewall may swallow this port"),
    }
}

const BROKER_HINT: &str = "open this port towards the hub, or set [hub] mqtt_host and mqtt_port";

async fn connect(address: &Address) -> Result<(), ConnectionError> {
    let (client, mut eventloop) = AsyncClient::new(address.options(), 4);
    loop {
        if let Event::Incoming(Packet::ConnAck(_)) = eventloop.poll().await? {
            break;
        }
    }
    // A clean goodbye; the broker forgets this connection either way.
    if client.try_disconnect().is_ok() {
        // Some brokers leave the closing to us.
        let closed = async { while eventloop.poll().await.is_ok() {} };
        let _ = tokio::time::timeout(Duration::from_millis(500), closed).await;
    }
    Ok(())
}

/// The whole chain in one line.
fn words(error: &ConnectionError) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::super::Verdict;
    use super::*;

    /// A box with a certificate for 2030, judged at other times: too early, good, soon over, over.
    #[test]
    fn a_certificate_has_its_time() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["box".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2030, 1, 1), date_time_ymd(2031, 1, 1));
        let pem = params.self_signed(&key).unwrap().pem();
        let folder = Enrolled::folder(dir.path());
        std::fs::create_dir(&folder).unwrap();
        let identity =
            r#"{"tenant":"t","device":"b","hub_url":"https://h/","mqtt_host":"h","mqtt_port":1,"token":"x"}"#;
        for (name, text) in [
            ("identity.json", identity),
            ("certificate.pem", &pem),
            ("ca.pem", &pem),
            ("key.pem", &key.serialize_pem()),
        ] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let enrolled = Enrolled::load(dir.path()).unwrap().unwrap();
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
        for (time, verdict, words) in [
            ("2029-12-31T00:00:00Z", Verdict::Bad, "not valid yet"),
            ("2030-06-01T00:00:00Z", Verdict::Good, "valid for 214 days"),
            ("2030-12-20T00:00:00Z", Verdict::Warning, "expires in 12 days"),
            ("2031-01-02T00:00:00Z", Verdict::Bad, "has expired"),
        ] {
            let finding = certificate(&enrolled, at(time));
            assert_eq!(finding.verdict, verdict, "{time}: {finding:?}");
            assert!(finding.found.contains(words), "{time}: {finding:?}");
        }
        std::fs::write(folder.join("key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
        let foreign = Enrolled::load(dir.path()).unwrap().unwrap();
        assert_eq!(certificate(&foreign, at("2030-06-01T00:00:00Z")).verdict, Verdict::Bad);
    }

    /// Five seconds are let pass; more is said, with the direction.
    #[test]
    fn clocks_that_differ_are_told() {
        assert_eq!(clock(-4_900, "the hub's clock").verdict, Verdict::Good);
        let finding = clock(-3_600_000, "the hub's clock");
        assert_eq!(
            (finding.verdict, finding.found.as_str()),
            (Verdict::Warning, "3600 s behind the hub's clock")
        );
    }
}
