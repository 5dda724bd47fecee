//! Sheets of users on both databases.

use protocol::{Clock as _, UtcMs};

use super::*;
use crate::admin::By;
use crate::db::testing::{TestDb, databases};
use crate::organisation::testing::import_areas;
use crate::user::testing::add;
use crate::user::{self, grants};

const T: &str = "t";
const NOW: UtcMs = UtcMs(1_773_815_480_000);
const AREAS: &str = "id,name,level,parent\nc,县,county,\nnorth,北镇,town,c\nsouth,南镇,town,c\n";

const SHEET: &str = "用户名,角色,区域,单位,电话,邮箱\n\
    zhang,网格管理员,north,,138-0000-0001,\n\
    li,handler,,police,,li@county.test\n\
    wang,派遣员,,,,\n\
    wang,operator,south,,,\n";

async fn counties() -> Vec<TestDb> {
    let all = databases().await;
    for test in &all {
        import_areas(&test.db, T, AREAS.as_bytes(), false).await.unwrap();
        organisation::store::seed_units(&test.db, T).await.unwrap();
        add(&test.db, T, &Chance::seeded(1), NOW, ("admin", "long-enough-password", Role::Administrator))
            .await
            .unwrap();
    }
    all
}

async fn take(
    test: &TestDb,
    sheet: &str,
    mode: Mode,
) -> (Result<Imported, ImportError>, Vec<(String, String)>) {
    let mut kept = Vec::new();
    let chance = Chance::seeded(7);
    let keep = |all: &[NewPassword]| {
        kept.extend(all.iter().map(|one| (one.name.clone(), one.password.clone())));
        Ok(())
    };
    let outcome = import(&test.db, T, &chance, (sheet.as_bytes(), mode), &By::cli(NOW), keep).await;
    (outcome, kept)
}

async fn roles(test: &TestDb, name: &str) -> Vec<String> {
    grants(&test.db, T, name).await.unwrap().iter().map(words).collect()
}

/// New users come with a password each, which opens; a dry run makes nobody and no password; the same sheet again changes
/// nothing.
#[tokio::test]
async fn users_come_with_passwords() {
    for test in counties().await {
        let (dry, kept) = take(&test, SHEET, Mode { dry_run: true, ..Mode::default() }).await;
        let dry = dry.unwrap();
        assert_eq!((dry.new.len(), dry.done, kept.len()), (3, false, 0), "{}: {:?}", test.name, dry.bad);
        assert_eq!(user::names(&test.db, T).await.unwrap(), ["admin"], "a dry run makes nobody");

        let (done, kept) = take(&test, SHEET, Mode::default()).await;
        assert!(done.unwrap().done);
        assert_eq!(kept.iter().map(|one| one.0.as_str()).collect::<Vec<_>>(), ["li", "wang", "zhang"]);
        let chance = Chance::seeded(9);
        for (name, password) in &kept {
            let pair = (name.as_str(), password.as_str());
            let opened = user::log_in(&test.db, T, &chance, NOW, pair, "192.0.2.1").await;
            assert!(opened.is_ok(), "{name}, {}", test.name);
        }
        assert_eq!(roles(&test, "zhang").await, ["grid_manager /c/north/"]);
        assert_eq!(roles(&test, "li").await, ["handler / police"]);
        assert_eq!(roles(&test, "wang").await, ["dispatcher /", "operator /c/south/"]);
        let reach: Vec<(String, String, String)> = test
            .db
            .fetch_all("select user_name, phone, mail from reach order by user_name", vec![])
            .await
            .unwrap();
        let text = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(reach, [text("li", "", "li@county.test"), text("zhang", "13800000001", "")]);
        let (again, kept) = take(&test, SHEET, Mode { replace: true, ..Mode::default() }).await;
        assert_eq!((again.unwrap().unchanged.len(), kept.len()), (3, 0), "{}", test.name);
    }
}

/// What a sheet says is added; only a sheet that replaces takes away, at once and from its own users alone; nobody locks the
/// last administrator out.
#[tokio::test]
async fn only_replacing_takes_away() {
    for test in counties().await {
        take(&test, SHEET, Mode::default()).await.0.unwrap();
        let sheet = "name,role,area\nwang,dispatcher,\nwang,shift_leader,\n";
        let added = take(&test, sheet, Mode::default()).await.0.unwrap();
        assert_eq!(added.changed, [("wang".to_owned(), vec!["+shift_leader /".to_owned()])], "{}", test.name);
        assert_eq!(roles(&test, "wang").await, ["dispatcher /", "operator /c/south/", "shift_leader /"]);
        let dry = Mode { dry_run: true, replace: true };
        let told = take(&test, sheet, dry).await.0.unwrap();
        assert_eq!(told.changed, [("wang".to_owned(), vec!["-operator /c/south/".to_owned()])]);
        assert_eq!(roles(&test, "wang").await.len(), 3, "{}: a dry run takes nothing away", test.name);
        take(&test, sheet, Mode { replace: true, ..Mode::default() }).await.0.unwrap();
        assert_eq!(roles(&test, "wang").await, ["dispatcher /", "shift_leader /"]);
        assert_eq!(roles(&test, "zhang").await.len(), 1, "who is not in the sheet keeps what he has");

        let sheet = "name,role\nadmin,auditor\n";
        let (refused, _) = take(&test, sheet, Mode { replace: true, ..Mode::default() }).await;
        assert!(matches!(refused, Err(ImportError::NoAdministrator)), "{}: {refused:?}", test.name);
        assert_eq!(roles(&test, "admin").await, ["administrator /"]);
        let clock = protocol::ManualClock::at(NOW);
        let session = user::log_in(
            &test.db,
            T,
            &Chance::seeded(11),
            clock.now(),
            ("admin", "long-enough-password"),
            "192.0.2.1",
        )
        .await;
        assert!(session.is_ok());
    }
}

/// Who is locked administers nothing: a sheet that takes the role from the last one who can log in is refused, dry or not,
/// and one that makes another is taken.
#[tokio::test]
async fn a_locked_administrator_is_none() {
    for test in counties().await {
        let deputy = ("deputy", "long-enough-password", Role::Administrator);
        add(&test.db, T, &Chance::seeded(1), NOW, deputy).await.unwrap();
        let mut tx = test.db.begin().await.unwrap();
        rows::set_locked(&mut tx, T, "deputy", Some(NOW)).await.unwrap();
        tx.commit().await.unwrap();
        for dry_run in [true, false] {
            let mode = Mode { dry_run, replace: true };
            let (refused, _) = take(&test, "name,role\nadmin,auditor\n", mode).await;
            assert!(matches!(refused, Err(ImportError::NoAdministrator)), "{}: {refused:?}", test.name);
            assert_eq!(roles(&test, "admin").await, ["administrator /"]);
        }
        let sheet = "name,role\nadmin,auditor\nchief,administrator\n";
        for dry_run in [true, false] {
            let taken = take(&test, sheet, Mode { dry_run, replace: true }).await.0.unwrap();
            assert_eq!((taken.new.as_slice(), taken.done), (["chief".to_owned()].as_slice(), !dry_run));
        }
    }
}

/// Each bad row is told with its line and column, nobody is made, and no password leaves.
#[tokio::test]
async fn bad_rows_are_told() {
    let sheet = "name,role,area,unit,phone,mail\n\
        good,operator,,,,\n\
        a b,operator,,,,\n\
        li,dispacher,,,,\n\
        li,grid_manager,,,,\n\
        li,town_officer,nroth,,,\n\
        li,handler,,,,\n\
        li,handler,,polcie,,\n\
        li,operator,,police,,\n\
        li,operator,,,12,\n\
        li,operator,,,,li@\n\
        good,operator,,,,\n\
        chen,operator,,,110,\n\
        chen,dispatcher,,,119,\n";
    for test in counties().await {
        let (outcome, kept) = take(&test, sheet, Mode::default()).await;
        let outcome = outcome.unwrap();
        let told: Vec<String> = outcome.bad.iter().map(ToString::to_string).collect();
        for part in [
            "line 3, column A (name): \"a b\" is no user name",
            "line 4, column B (role): \"dispacher\" is no role, did you mean dispatcher?",
            "line 5, column C (area): is empty, which is everywhere",
            "line 6, column C (area): there is no area \"nroth\", did you mean north?",
            "line 7, column D (unit): this role works in a unit; name it",
            "line 8, column D (unit): there is no unit \"polcie\", did you mean police?",
            "line 9, column D (unit): this role works in no unit",
            "line 10, column E (phone): is no telephone number",
            "line 11, column F (mail): \"li@\" is no mail address",
            "line 12, column B (role): the same user has this role in another row",
            "line 14, column E (phone): another row of the same user says otherwise",
        ] {
            assert!(told.iter().any(|line| line.starts_with(part)), "{part}: {told:#?}");
        }
        assert_eq!(told.len(), 11, "{told:#?}");
        assert!(!outcome.done && kept.is_empty(), "{}", test.name);
        assert_eq!(user::names(&test.db, T).await.unwrap(), ["admin"]);
    }
}

/// Where the passwords cannot be kept, nobody is made.
#[tokio::test]
async fn no_user_without_a_kept_password() {
    for test in counties().await {
        let full = |_: &[NewPassword]| Err(std::io::Error::other("the disk is full"));
        let sheet = (SHEET.as_bytes(), Mode::default());
        let refused = import(&test.db, T, &Chance::seeded(7), sheet, &By::cli(NOW), full).await;
        assert!(matches!(refused, Err(ImportError::Passwords(_))), "{refused:?}");
        assert_eq!(user::names(&test.db, T).await.unwrap(), ["admin"], "{}", test.name);
    }
}
