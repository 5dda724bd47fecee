//! Several hubs on one database: what one of them has sealed the others open.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::*;
use crate::app::App;
use crate::config::Config;
use crate::contact::{ContactError, bring_key, look};
use crate::pki::Authority;
use crate::web::tests::site::START;

const OTHER: &str = "13900000001";

/// The folder of another hub, with the authority of this one or with one of its own, and without a key for numbers.
fn folder(site: &Site, name: &str, same_authority: bool) -> PathBuf {
    let data_dir = site.app.data_dir().with_file_name(name);
    std::fs::create_dir_all(data_dir.join("pki")).unwrap();
    for file in ["ca.pem", "ca.key"].iter().filter(|_| same_authority) {
        std::fs::copy(site.app.data_dir().join("pki").join(file), data_dir.join("pki").join(file)).unwrap();
    }
    data_dir
}

/// As a hub is started there.
async fn start(site: &Site, data_dir: &Path, seed: u64) -> App {
    let mut config = Config::default();
    config.hub.data_dir = data_dir.to_owned();
    let (pki, chance) = (data_dir.join("pki"), Arc::new(Chance::seeded(seed)));
    let authority = Authority::open(&pki, &config.hub.name, &chance, START).unwrap();
    bring_key(&site.app.db, &pki, &authority).await.unwrap();
    let (app, _ends) = App::with_db(config, site.app.db.clone(), site.clock.clone(), chance).unwrap();
    app.share_contact_key().await.unwrap();
    app
}

async fn told(app: &App, number: &str) -> Result<Option<String>, ContactError> {
    look(app, number, "seat03", "回访").await.map(|contact| contact.number)
}

/// A hub that comes to others takes their key over instead of making one: both tell boxes the same, and each opens what was
/// sealed for it. In the database the key lies sealed alone.
#[tokio::test]
async fn a_second_hub_takes_the_key_over() {
    for mut site in sites().await {
        site.app.share_contact_key().await.unwrap();
        let data_dir = folder(&site, "second", true);
        let second = start(&site, &data_dir, 21).await;
        assert_eq!(second.contact_key.key(), site.app.contact_key.key(), "{}", site.name);
        let file = data_dir.join("pki/contact.key");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let sealed = seal(second.contact_key.key(), NUMBER);
        site.called(sealed).await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        for app in [&site.app, &second] {
            assert_eq!(told(app, &number).await.unwrap().as_deref(), Some(NUMBER), "{}", site.name);
        }
        let secret = std::fs::read_to_string(&file).unwrap();
        assert_eq!(site.holding(secret.trim()).await, Vec::<String>::new(), "{}: in clear", site.name);
        let (rows,): (i64,) =
            site.app.db.fetch_one("select count(*) from contact_keys", args![]).await.unwrap();
        assert_eq!(rows, 1, "{}", site.name);
    }
}

/// Hubs that had made a key each before go on with both: what was sealed for either opens at each, also at one that was
/// started before the other's came; from the next start on all seal for the older one. A key file that is lost comes
/// back from the database.
#[tokio::test]
async fn hubs_with_keys_of_their_own_open_both() {
    for mut site in sites().await {
        let data_dir = folder(&site, "second", true);
        let own = crate::contact::open_key(&data_dir.join("pki"), &Chance::seeded(33)).unwrap().key();
        assert_ne!(own, site.app.contact_key.key());
        let incident = site.called(site.sealed(NUMBER)).await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        site.app.share_contact_key().await.unwrap();
        site.clock.advance_ms(1_000);
        let second = start(&site, &data_dir, 22).await;
        assert_eq!(told(&second, &number).await.unwrap().as_deref(), Some(NUMBER), "{}", site.name);
        assert_eq!(second.contact_key.key(), site.app.contact_key.key(), "{}: the older one", site.name);
        // A box that knows the second hub's former key.
        let mut later = with(incident, seal(own, OTHER));
        later.revision = 2;
        site.hand_in(Event::Incident(later)).await;
        for app in [&site.app, &second] {
            assert_eq!(told(app, &number).await.unwrap().as_deref(), Some(OTHER), "{}", site.name);
        }
        std::fs::remove_file(data_dir.join("pki/contact.key")).unwrap();
        let again = start(&site, &data_dir, 23).await;
        assert_eq!(told(&again, &number).await.unwrap().as_deref(), Some(OTHER), "{}", site.name);
    }
}

/// Whoever has the database without the authority's key gets no key from it: a hub of another authority makes one of its
/// own, opens nothing of the others, and is told why; a row that was changed is none.
#[tokio::test]
async fn the_database_alone_opens_nothing() {
    for mut site in sites().await {
        site.app.share_contact_key().await.unwrap();
        site.called(site.sealed(NUMBER)).await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        let stranger = start(&site, &folder(&site, "stranger", false), 24).await;
        assert_ne!(stranger.contact_key.key(), site.app.contact_key.key(), "{}", site.name);
        let refused = told(&stranger, &number).await;
        assert!(matches!(refused, Err(ContactError::Closed(..))), "{}: {refused:?}", site.name);
        assert_eq!(told(&site.app, &number).await.unwrap().as_deref(), Some(NUMBER));
        // The stranger's row is none of the first hub's authority, and keeps nobody from the rest.
        let second = start(&site, &folder(&site, "second", true), 25).await;
        assert_eq!(told(&second, &number).await.unwrap().as_deref(), Some(NUMBER), "{}", site.name);
        site.app
            .db
            .execute(
                "update contact_keys set public = '00' where public = $1",
                args![site.app.contact_key.key().to_string()],
            )
            .await
            .unwrap();
        let third = start(&site, &folder(&site, "third", true), 26).await;
        assert!(told(&third, &number).await.is_err(), "{}: another key's name", site.name);
    }
}
