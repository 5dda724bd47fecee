//! Users on both databases.

use std::sync::atomic::{AtomicU64, Ordering};

use super::people::PeopleError;
use super::*;
use crate::admin::By;
use crate::db::testing::databases;
use crate::web::tests::site::sites;

const T: &str = "demo";
const START: UtcMs = UtcMs(1_773_815_480_000);

async fn with_admin(db: &Db) -> String {
    let chance = Chance::seeded(1);
    first_administrator(db, T, &chance, START).await.unwrap().expect("the first start makes one")
}

async fn try_login(
    db: &Db,
    now: UtcMs,
    name: &str,
    password: &str,
    address: &str,
) -> Result<LoggedIn, LoginError> {
    // A seed of its own for each login: tokens differ, as they do with chance from the machine.
    static SEED: AtomicU64 = AtomicU64::new(100);
    let chance = Chance::seeded(SEED.fetch_add(1, Ordering::SeqCst));
    log_in(db, T, &chance, now, (name, password), address).await
}

/// The first start makes `admin` and tells its password once; the second start makes nobody.
#[tokio::test]
async fn first_administrator_is_made_once() {
    for test in databases().await {
        let password = with_admin(&test.db).await;
        let again = first_administrator(&test.db, T, &Chance::seeded(2), START).await.unwrap();
        assert_eq!(again, None, "{}", test.name);
        let logged_in = try_login(&test.db, START, "admin", &password, "192.0.2.1").await.unwrap();
        assert_eq!(logged_in.role, Role::Administrator);
        assert!(
            session(&test.db, "other", &logged_in.token, START).await.unwrap().is_none(),
            "{}",
            test.name
        );
    }
}

/// A session lives while it is used, ends when idle, ends at its age, at logout and at a new password.
#[tokio::test]
async fn sessions_end() {
    for test in databases().await {
        let db = &test.db;
        let password = with_admin(db).await;
        let login = async |now| try_login(db, now, "admin", &password, "192.0.2.1").await.unwrap().token;
        let alive = async |token: &str, now| session(db, T, token, now).await.unwrap().is_some();

        let token = login(START).await;
        assert!(alive(&token, START.plus_ms(IDLE_MS - 1)).await, "{}", test.name);
        // That use counts: another idle time from there.
        assert!(alive(&token, START.plus_ms(2 * IDLE_MS - 2)).await, "{}", test.name);
        assert!(!alive(&token, START.plus_ms(3 * IDLE_MS)).await, "idle session lives, {}", test.name);

        let token = login(START).await;
        let mut now = START;
        while now.since_ms(START) < LIFE_MS - IDLE_MS / 2 {
            now = now.plus_ms(IDLE_MS / 2);
            assert_eq!(alive(&token, now).await, now.since_ms(START) < LIFE_MS);
        }
        assert!(!alive(&token, START.plus_ms(LIFE_MS)).await, "old session lives, {}", test.name);

        let token = login(START).await;
        let open = session(db, T, &token, START).await.unwrap().unwrap();
        log_out(db, T, &open).await.unwrap();
        assert!(!alive(&token, START).await, "logged-out session lives, {}", test.name);
    }
}

/// With a new password the sessions end that the old one opened.
#[tokio::test]
async fn a_new_password_ends_sessions() {
    for site in sites().await {
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        let login = async |password: &str| {
            log_in(&app.db, tenant, &app.chance, START, ("seat03", password), "192.0.2.1").await
        };
        let token = login("correct horse battery").await.unwrap().token;
        let password = people::new_password(app, &By::cli(START), "seat03").await.unwrap();
        let open = session(&app.db, tenant, &token, START).await.unwrap();
        assert_eq!(open, None, "session outlives its password, {}", site.name);
        assert!(login("correct horse battery").await.is_err());
        assert!(login(&password).await.is_ok());
    }
}

/// Guessing is stopped per name and address, the right user elsewhere still gets in, and the stop ends.
#[tokio::test]
async fn guessing_is_slowed() {
    for test in databases().await {
        let db = &test.db;
        let password = with_admin(db).await;
        for _ in 0..MAX_PAIR {
            let error = try_login(db, START, "admin", "guess", "192.0.2.66").await.unwrap_err();
            assert!(matches!(error, LoginError::Wrong), "{error}");
        }
        let error = try_login(db, START, "admin", &password, "192.0.2.66").await.unwrap_err();
        assert!(matches!(error, LoginError::TooMany), "{error}");
        assert!(try_login(db, START, "admin", &password, "192.0.2.1").await.is_ok(), "{}", test.name);
        let later = START.plus_ms(FAILURE_WINDOW_MS + 1);
        assert!(try_login(db, later, "admin", &password, "192.0.2.66").await.is_ok(), "{}", test.name);
        let nobody = try_login(db, START, "nobody", "guess", "192.0.2.2").await.unwrap_err();
        assert!(matches!(nobody, LoginError::Wrong));
    }
}

/// Odd names, taken and unknown ones are refused in words.
#[tokio::test]
async fn bad_users_are_refused() {
    for site in sites().await {
        let (by, operator) = (By::cli(START), Grant::everywhere(Role::Operator));
        let make = async |name: &str| people::add(&site.app, &by, name, &operator).await;
        make("seat04").await.unwrap();
        assert!(matches!(make("seat04").await, Err(PeopleError::Taken(_))));
        assert!(matches!(make("a b").await, Err(PeopleError::Name)));
        let unknown = people::new_password(&site.app, &by, "ghost").await;
        assert!(matches!(unknown, Err(PeopleError::Unknown(_))), "{}", site.name);
    }
}

/// A player's many ranges are one row; another user, purpose, case or a later time is another.
#[tokio::test]
async fn the_register_counts_views_not_ranges() {
    for test in databases().await {
        let chance = Chance::seeded(5);
        let sha = "ab".repeat(32);
        let look = async |user: &str, purpose: &str, case: &str, now: UtcMs| {
            let access = Access {
                at_ms: now.0,
                user_name: user.into(),
                sha256: sha.clone(),
                kind: "recording".into(),
                act: "listen".into(),
                purpose: purpose.into(),
                case_number: Some(case.into()),
                call_id: None,
            };
            register(&test.db, T, &chance, now, &access).await.unwrap();
        };
        look("a", "check", "1", START).await;
        look("a", "check", "1", START.plus_ms(5_000)).await;
        look("b", "check", "1", START).await;
        look("a", "court", "1", START).await;
        look("a", "check", "2", START).await;
        look("a", "check", "1", START.plus_ms(REGISTER_ONCE_MS + 1)).await;
        let rows = register_of(&test.db, T, &sha).await.unwrap();
        assert_eq!(rows.len(), 5, "{}: {rows:?}", test.name);
    }
}

/// Guesses made at once are stopped like guesses made one after the other.
#[tokio::test]
async fn parallel_guesses_are_counted() {
    for test in databases().await {
        let chance = Chance::seeded(6);
        testing::add(&test.db, T, &chance, START, ("seat03", "long-enough-password", Role::Operator))
            .await
            .unwrap();
        let guess = |_| log_in(&test.db, T, &chance, START, ("seat03", "wrong-password"), "192.0.2.1");
        let answers = futures_util::future::join_all((0..24).map(guess)).await;
        let tried = answers.iter().filter(|answer| matches!(answer, Err(LoginError::Wrong))).count() as i64;
        // Two are checked at a time.
        assert!((MAX_PAIR..=MAX_PAIR + 1).contains(&tried), "{}: {tried} were tried", test.name);
        let odd = log_in(&test.db, T, &chance, START, ("a\0b", "wrong-password"), "192.0.2.9").await;
        assert!(matches!(odd, Err(LoginError::Wrong)));
    }
}
