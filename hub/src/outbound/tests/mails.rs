//! Mail to people, by a server that speaks SMTP.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;

use super::receiver::Postbox;
use super::*;
use crate::web::tests::site::sites;

fn channel(port: u16, more: &str) -> String {
    format!(
        "[[channel]]\nname = \"mail\"\nform = \"smtp\"\nhost = \"127.0.0.1\"\nport = {port}\n\
         from = \"哨点 <hub@fengxiang.test>\"\n{more}\n"
    )
}

/// The text of a mail, whatever its transfer encoding.
fn text_of(letter: &str) -> String {
    use base64::Engine as _;
    let (head, body) = letter.split_once("\n\n").unwrap();
    if head.contains("Content-Transfer-Encoding: base64") {
        let coded: String = body.split_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(coded).unwrap();
        return String::from_utf8(bytes).unwrap();
    }
    assert!(head.contains("Content-Transfer-Encoding: quoted-printable"), "{head}");
    let body = body.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = body.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'=' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Each receiver gets a mail of his own, in both languages, under an id that stays; one that is refused for ever is given
/// up, one that is refused for now comes again, and neither holds up another.
#[tokio::test]
async fn one_mail_each() {
    for mut site in sites().await {
        site.raise_camera("north", "北口").await;
        let number = site.number(&site.log_in("admin").await).await;
        for name in ["li", "wang", "zhao"] {
            site.person(name, (Role::Commander, "/", None)).await;
        }
        let postbox = Postbox::start(None).await;
        postbox.refuse("wang@fengxiang.test", "550 5.1.1 no such user");
        postbox.refuse("zhao@fengxiang.test", "450 4.2.1 come back later");
        let sender = site.channels(&channel(postbox.port, "tls = \"none\"")).await;
        site.tells(&number, everybody()).await;
        assert_eq!(sender.drain().await, 3, "{}", site.name);
        let told: Vec<(String, String)> =
            site.rows().await.into_iter().map(|row| (row.receiver, row.state)).collect();
        let wanted = [("li", "sent"), ("wang", "given_up"), ("zhao", "waiting")];
        assert_eq!(told, wanted.map(|(who, state)| (who.to_owned(), state.to_owned())));
        assert!(site.rows().await[1].reason.contains("550"), "{:?}", site.rows().await);
        site.clock.advance_ms(60_000);
        assert_eq!(sender.drain().await, 1);
        let letters = postbox.letters();
        assert_eq!(
            letters.iter().map(|letter| letter.to.clone()).collect::<Vec<_>>(),
            [vec!["li@fengxiang.test".to_owned()], vec!["zhao@fengxiang.test".to_owned()],]
        );
        let id = |letter: &receiver::Letter| {
            let line = letter.text.lines().find(|line| line.starts_with("Message-ID: ")).unwrap();
            line.to_owned()
        };
        assert_ne!(id(&letters[0]), id(&letters[1]));
        assert!(id(&letters[0]).ends_with("@fengxiang.test>"));
        assert_eq!(letters[0].from, "hub@fengxiang.test");
        let text = text_of(&letters[0].text);
        for part in ["催办", "案件：", "Reminder", "Case: ", &number, "Matter: Intrusion · 北口"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("自由文字") && !letters[0].text.contains("wang@"), "{text}");
    }
}

/// A server that has taken a mail and never says goodbye has it: it is not sent again.
#[tokio::test]
async fn a_missing_goodbye_is_no_failure() {
    let mut site = sites().await.remove(0);
    site.person("li", (Role::Commander, "/", None)).await;
    let postbox = Postbox::start(None).await;
    postbox.stay();
    let sender = site.channels(&channel(postbox.port, "tls = \"none\"")).await;
    site.tells("", everybody()).await;
    sender.drain().await;
    assert_eq!(states(&site.rows().await), ["sent"]);
    assert_eq!(postbox.letters().len(), 1);
}

/// With STARTTLS, password and mail go sealed, to a server whose authority the channel names; a server that does not
/// seal gets neither.
#[tokio::test]
async fn starttls() {
    let mut site = sites().await.remove(0);
    site.person("li", (Role::Commander, "/", None)).await;
    let (ca, certificate, key) = authority(&site.app.data_dir().join("known"));
    let sealed = Postbox::start(Some(acceptor(&certificate, &key))).await;
    let login = format!("user = \"hub\"\nsecret = \"pass\"\nca = \"{}\"", ca.display());
    let sender = site.channels(&channel(sealed.port, &login)).await;
    site.tells("", everybody()).await;
    sender.drain().await;
    assert_eq!(states(&site.rows().await), ["sent"], "{:?}", site.rows().await);
    let letter = &sealed.letters()[0];
    // "\0hub\0pass"
    assert!(letter.sealed && letter.login == "AUTH PLAIN AGh1YgBwYXNz", "{letter:?}");

    let open = Postbox::start(None).await;
    let sender = site.channels(&channel(open.port, &login)).await;
    site.tells("", everybody()).await;
    sender.drain().await;
    let rows = site.rows().await;
    assert!(rows.iter().any(|row| row.state == "waiting" && row.reason.contains("STARTTLS")), "{rows:?}");
    assert!(open.letters().is_empty());
}

fn acceptor(certificate: &Path, key: &Path) -> TlsAcceptor {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let chain = CertificateDer::pem_file_iter(certificate).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}
