//! One mail to one receiver by SMTP.

use std::time::{Duration, SystemTime};

use lettre::Message as Letter;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use super::Outcome;
use crate::outbound::config::MailTls;
use crate::outbound::words::Message;

/// Leaving politely is not worth more.
const GOODBYE: Duration = Duration::from_secs(2);
/// 421: the server closes, whoever is written to.
const CLOSING: u16 = 421;

/// A mail server, ready to be spoken to.
#[derive(Clone)]
pub(in crate::outbound) struct Server {
    host: String,
    port: u16,
    tls: MailTls,
    parameters: Option<TlsParameters>,
    credentials: Option<Credentials>,
    from: Mailbox,
    timeout: Duration,
}

/// How a server is described.
#[derive(Clone, Debug)]
pub(in crate::outbound) struct Described<'a> {
    pub(in crate::outbound) host: &'a str,
    pub(in crate::outbound) port: Option<u16>,
    pub(in crate::outbound) tls: MailTls,
    pub(in crate::outbound) ca: Option<&'a [u8]>,
    pub(in crate::outbound) login: Option<(String, String)>,
    pub(in crate::outbound) from: &'a str,
    pub(in crate::outbound) timeout: Duration,
}

impl Server {
    pub(in crate::outbound) fn open(described: &Described<'_>) -> Result<Self, String> {
        let parameters = match described.tls {
            MailTls::None => None,
            MailTls::Starttls | MailTls::Implicit => {
                let mut builder = TlsParameters::builder(described.host.to_owned());
                if let Some(pem) = described.ca {
                    let ca = Certificate::from_pem(pem).map_err(|error| format!("ca: {error}"))?;
                    builder = builder.add_root_certificate(ca);
                }
                Some(builder.build().map_err(|error| error.to_string())?)
            }
        };
        let usual = match described.tls {
            MailTls::Starttls => 587,
            MailTls::Implicit => 465,
            MailTls::None => 25,
        };
        Ok(Self {
            host: described.host.to_owned(),
            port: described.port.unwrap_or(usual),
            tls: described.tls,
            parameters,
            credentials: described.login.clone().map(|(user, password)| Credentials::new(user, password)),
            from: described.from.parse::<Mailbox>().map_err(|error| format!("from: {error}"))?,
            timeout: described.timeout,
        })
    }

    /// The same bytes whenever it is sent: `Message-ID` and date are those of the row.
    pub(in crate::outbound) fn letter(
        &self,
        to: &str,
        message: &Message,
        (id, made_at_ms): (&str, i64),
    ) -> Result<Letter, String> {
        let to = to.parse::<Mailbox>().map_err(|error| format!("the address of the receiver: {error}"))?;
        let made_at = Duration::from_millis(u64::try_from(made_at_ms).unwrap_or(0));
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Letter::builder()
            .from(self.from.clone())
            .to(to)
            .subject(message.subject())
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .date(SystemTime::UNIX_EPOCH + made_at)
            // Nobody's absence is answered to.
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .singlepart(SinglePart::plain(message.letter()))
            .map_err(|error| error.to_string())
    }

    pub(in crate::outbound) async fn send(&self, letter: &Letter) -> Outcome {
        let speaking = tokio::time::timeout(self.timeout, self.speak(letter));
        let (mut connection, said) = match speaking.await {
            Ok(Ok(taken)) => taken,
            Ok(Err(outcome)) => return outcome,
            Err(_) => return Outcome::down("no answer in time"),
        };
        // The server has it: how the conversation ends changes nothing.
        let _ = tokio::time::timeout(GOODBYE, connection.abort()).await;
        Outcome::Sent(said)
    }

    async fn speak(&self, letter: &Letter) -> Result<(AsyncSmtpConnection, String), Outcome> {
        // Before a receiver is named, whatever fails would fail for everybody.
        let mut connection = self.connect().await.map_err(|error| Outcome::down(error.to_string()))?;
        match connection.send(letter.envelope(), &letter.formatted()).await {
            Ok(response) => {
                let said = response.message().collect::<Vec<_>>().join(" ");
                Ok((connection, format!("{} {said}", response.code())))
            }
            Err(error) => Err(refusal(&error)),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let me = ClientId::default();
        let wrapped = self.parameters.clone().filter(|_| self.tls == MailTls::Implicit);
        let address = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(self.timeout), &me, wrapped, None).await?;
        if let (MailTls::Starttls, Some(parameters)) = (self.tls, &self.parameters) {
            connection.starttls(parameters.clone(), &me).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }
}

/// A server may refuse a receiver for ever (550), for now (450), or everybody (421).
fn refusal(error: &Error) -> Outcome {
    let code = error.status().map(u16::from);
    let reason = error.to_string();
    match code {
        // What this server cannot carry at all: letters beyond ASCII in an address.
        None if error.is_client() => Outcome::refused(reason),
        Some(CLOSING) | None => Outcome::down(reason),
        Some(_) if error.is_permanent() => Outcome::refused(reason),
        Some(_) => Outcome::again(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::facts::sample;
    use super::super::super::words::{Told, look};
    use super::*;

    fn server() -> Server {
        let described = Described {
            host: "127.0.0.1",
            port: None,
            tls: MailTls::None,
            ca: None,
            login: None,
            from: "哨点 <hub@fengxiang.test>",
            timeout: Duration::from_secs(1),
        };
        Server::open(&described).unwrap()
    }

    /// A mail is the same, byte for byte, whenever it is sent again; it has one receiver, who is told by whom and that
    /// nobody need answer.
    #[test]
    fn letters() {
        let message = Told::of("card", &sample()).in_words(&look());
        let letter = || {
            let letter = server().letter("li@fengxiang.test", &message, ("ab12", 1_773_799_200_000)).unwrap();
            String::from_utf8(letter.formatted()).unwrap()
        };
        let text = letter();
        assert_eq!(text, letter());
        for line in [
            "To: li@fengxiang.test\r\n",
            "Message-ID: <ab12@fengxiang.test>\r\n",
            "Date: Wed, 18 Mar 2026 02:00:00 ",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "From: =?utf-8?b?",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert_eq!(server().port, 25);
        assert!(server().letter("nobody", &message, ("x", 0)).is_err());
    }
}
