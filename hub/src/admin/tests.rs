//! Administration on both databases: who may change whom, the audit, what waits to be confirmed, and the registers.

use protocol::{Clock as _, UtcMs};

use super::draft::{self, Confirmed};
use super::import::{Failure, Kind, Options, run};
use super::{By, audit, looks};
use crate::organisation::edit::{self, AreaNames, EditError, NewTurn, UnitWords};
use crate::organisation::{self, AreaPath, duty::Post};
use crate::user::people::{self, PeopleError};
use crate::user::{self, Access, Grant, Role, Session};
use crate::web::tests::site::{Site, sites};

const AREAS: &str =
    "id,name,level,parent\ncounty,县,county,\nnorth,北镇,town,county\nsouth,南镇,town,county\n";

fn at(role: Role, area: &str) -> Grant {
    Grant { role, area: AreaPath::kept(area.to_owned()), unit: None }
}

/// A county with two towns; `north` administers one of them, `li` works there, `wang` in the other.
async fn county(site: &Site) {
    let (app, tenant) = (&site.app, site.app.tenant().as_str());
    assert!(
        organisation::testing::import_areas(&app.db, tenant, AREAS.as_bytes(), false).await.unwrap().done
    );
    organisation::store::seed_units(&app.db, tenant).await.unwrap();
    for (name, grant) in [
        ("north", at(Role::Administrator, "/county/north/")),
        ("li", at(Role::TownOfficer, "/county/north/")),
        ("wang", at(Role::TownOfficer, "/county/south/")),
    ] {
        let one = (name, "correct horse battery", &grant);
        user::testing::add_with(&app.db, tenant, &app.chance, site.clock.now(), one).await.unwrap();
    }
}

async fn by(site: &Site, name: &str) -> By {
    let grants = user::grants(&site.app.db, site.app.tenant().as_str(), name).await.unwrap();
    let session = Session {
        user: name.to_owned(),
        role: grants[0].role,
        grants,
        csrf: String::new(),
        token_sha256: String::new(),
        must_change: false,
    };
    By::of(&session, site.clock.now())
}

async fn rows(site: &Site, viewer: &str) -> Vec<String> {
    let asked = audit::Asked { viewer: viewer.to_owned(), ..audit::Asked::default() };
    let (rows, _) = audit::page(&site.app.db, site.app.tenant().as_str(), &asked, 100).await.unwrap();
    let line = |row: &audit::Row| format!("{} {} {}", row.made_by, row.act, row.subject);
    // Areas come from the command line before anything is tested, and in between.
    rows.iter().map(line).filter(|line| !line.starts_with("cli import_areas ")).collect()
}

async fn names(site: &Site, by: &By) -> Vec<String> {
    let all = people::list(&site.app.db, site.app.tenant().as_str(), by).await.unwrap();
    all.into_iter().map(|person| person.name).collect()
}

/// A town's administrator sees and changes whom his town has, gives no role beyond it, and reads only its rows; what is
/// refused leaves none.
#[tokio::test]
async fn a_town_keeps_to_itself() {
    for site in sites().await {
        county(&site).await;
        let app = &site.app;
        let north = by(&site, "north").await;
        assert_eq!(names(&site, &north).await, ["li", "north"], "{}", site.name);
        for wider in ["/", "/county/", "/county/south/"] {
            let refused = people::grant(app, &north, "li", &at(Role::Operator, wider)).await;
            assert!(matches!(refused, Err(PeopleError::Outside)), "{wider}: {refused:?}");
            let refused = people::add(app, &north, "new", &at(Role::Operator, wider)).await;
            assert!(matches!(refused, Err(PeopleError::Outside)), "{wider}");
        }
        let police = Grant { unit: Some("police".to_owned()), ..at(Role::Handler, "/county/north/") };
        let refused = people::grant(app, &north, "li", &police).await;
        assert!(matches!(refused, Err(PeopleError::Outside)), "the police work in the whole county");
        for stranger in ["wang", "admin", "ghost"] {
            let all = [
                people::lock(app, &north, stranger, true).await,
                people::remove(app, &north, stranger).await,
                people::new_password(app, &north, stranger).await.map(drop),
                people::end_sessions(app, &north, stranger).await.map(drop),
                people::grant(app, &north, stranger, &at(Role::Operator, "/county/north/")).await,
            ];
            for refused in all {
                assert!(matches!(refused, Err(PeopleError::Unknown(_))), "{stranger}: {refused:?}");
            }
        }
        assert!(rows(&site, "admin").await.is_empty(), "what is refused is no change, {}", site.name);
        people::grant(app, &north, "li", &at(Role::Operator, "/county/north/")).await.unwrap();
        people::grant(app, &north, "li", &at(Role::Operator, "/county/north/")).await.unwrap();
        let chief = by(&site, "admin").await;
        people::grant(app, &chief, "wang", &at(Role::Operator, "/county/south/")).await.unwrap();
        assert_eq!(
            rows(&site, "admin").await,
            ["user:admin user_granted wang", "user:north user_granted li"],
            "what he had already is no row"
        );
        assert_eq!(rows(&site, "north").await, ["user:north user_granted li"], "{}", site.name);
        assert!(rows(&site, "seat03").await.is_empty(), "who neither administers nor audits reads nothing");
    }
}

/// Somebody stays who administers everything, and nobody strips himself; a second one may do it to the first.
#[tokio::test]
async fn the_last_administrator_stays() {
    for site in sites().await {
        county(&site).await;
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        let (chief, cli) = (by(&site, "admin").await, By::cli(site.clock.now()));
        let own = at(Role::Administrator, "/");
        people::grant(app, &cli, "admin", &at(Role::Operator, "/")).await.unwrap();
        for refused in [
            people::lock(app, &cli, "admin", true).await,
            people::remove(app, &cli, "admin").await,
            people::revoke(app, &cli, "admin", &own).await,
        ] {
            assert!(matches!(refused, Err(PeopleError::LastAdministrator(_))), "{}: {refused:?}", site.name);
        }
        people::add(app, &chief, "deputy", &own).await.unwrap();
        for refused in [
            people::lock(app, &chief, "admin", true).await,
            people::remove(app, &chief, "admin").await,
            people::revoke(app, &chief, "admin", &own).await,
            people::new_password(app, &chief, "admin").await.map(drop),
        ] {
            assert!(matches!(refused, Err(PeopleError::Oneself)), "{}: {refused:?}", site.name);
        }
        let deputy = by(&site, "deputy").await;
        people::lock(app, &deputy, "admin", true).await.unwrap();
        let last = people::remove(app, &cli, "deputy").await;
        assert!(matches!(last, Err(PeopleError::LastAdministrator(_))), "who is locked is none: {last:?}");
        people::remove(app, &deputy, "admin").await.unwrap();
        let again = people::add(app, &deputy, "admin", &at(Role::Operator, "/")).await;
        assert!(matches!(again, Err(PeopleError::Gone(_))), "a name is not given again: {again:?}");
        assert!(!user::names(&app.db, tenant).await.unwrap().contains(&"admin".to_owned()));
        let sheet = (b"name,role\nadmin,operator\n".as_slice(), user::import::Mode::default());
        let keep = |_: &[user::import::NewPassword]| Ok(());
        let taken = user::import::import(&app.db, tenant, &app.chance, sheet, &cli, keep).await.unwrap();
        assert!(!taken.done && taken.bad[0].to_string().contains("was removed"), "{taken:?}");
        let all = rows(&site, "deputy").await;
        assert_eq!(
            all,
            [
                "user:deputy user_removed admin",
                "user:deputy user_locked admin",
                "user:admin user_added deputy",
                "cli user_granted admin"
            ],
            "{}",
            site.name
        );
    }
}

/// What was shown is done, once; other bytes under the same kind, or a county that changed meanwhile, are shown anew and not
/// done.
#[tokio::test]
async fn what_was_shown_is_done() {
    for site in sites().await {
        county(&site).await;
        let (app, chief) = (&site.app, by(&site, "admin").await);
        let areas = async || {
            let all = organisation::store::areas(&app.db, app.tenant().as_str()).await.unwrap();
            all.into_iter().map(|area| format!("{} {}", area.area, area.name_zh)).collect::<Vec<_>>()
        };
        let look = async |text: &str| {
            let tried = (text.as_bytes().to_vec(), Options::default());
            draft::look(app, &chief, "admin", Kind::Areas, tried).await.unwrap()
        };
        let confirm =
            async |sha256: &str| draft::confirm(app, &chief, "admin", Kind::Areas, sha256).await.unwrap();
        let before = areas().await;
        let bad = look("id,name,level,parent\neast,东镇,town,nowhere\n").await;
        assert!(!bad.outcome.good && bad.outcome.faults[0].line == Some(2), "{:?}", bad.outcome);
        assert!(bad.outcome.faults[0].column.contains("parent"));
        assert_eq!(confirm(&bad.sha256).await, Confirmed::Gone, "what is bad cannot be confirmed");
        let one = look("id,name,level,parent\neast,东镇,town,county\n").await;
        let other = look("id,name,level,parent\nwest,西镇,town,county\n").await;
        assert!(one.outcome.good && one.sha256 != other.sha256);
        assert!(matches!(confirm(&one.sha256).await, Confirmed::Otherwise(_)), "other bytes wait there");
        assert_eq!(areas().await, before, "nothing was done, {}", site.name);
        // The county changes: what was new is known by another name.
        let sheet = "id,name,level,parent\nwest,西关镇,town,county\n".as_bytes();
        organisation::testing::import_areas(&app.db, app.tenant().as_str(), sheet, false).await.unwrap();
        let Confirmed::Otherwise(shown) = confirm(&other.sha256).await else { panic!("it was done") };
        assert!(areas().await.contains(&"west 西关镇".to_owned()), "{}", site.name);
        let Confirmed::Done(outcome) = confirm(&shown.sha256).await else { panic!("it was not done") };
        assert!(outcome.good && areas().await.contains(&"west 西镇".to_owned()), "{outcome:?}");
        assert_eq!(confirm(&shown.sha256).await, Confirmed::Gone, "sent twice, done once");
        assert_eq!(rows(&site, "admin").await, ["user:admin import_areas +0 ~1"], "{}", site.name);
    }
}

/// What rests on an outcome that somebody has seen is not done once the county has changed since, of whatever kind it is; its
/// own rows do not stand in its way.
#[tokio::test]
async fn what_is_overtaken_is_not_done() {
    for site in sites().await {
        county(&site).await;
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        let chief = by(&site, "admin").await;
        let seen = audit::position(&app.db, tenant).await.unwrap();
        people::grant(app, &chief, "li", &at(Role::Operator, "/county/north/")).await.unwrap();
        let sheets = [
            (Kind::Areas, "id,name,level,parent\neast,东镇,town,county\n"),
            (Kind::Units, "id,name,area,active\noffice,北镇政府,north,yes\n"),
            (Kind::Users, "name,role,area\nchen,operator,north\nzhao,operator,south\n"),
            (Kind::Duty, "user,post,area,from,to\nli,duty,north,2026-03-18 08:00,2026-03-18 20:00\n"),
            (Kind::Gazetteer, "name,latitude,longitude\n北门,34.52,107.38\n"),
        ];
        let options = Options::default();
        for (kind, text) in sheets {
            let late = run(app, &chief.resting_on(seen), kind, (text.as_bytes(), &options), false).await;
            let Err(Failure::Db(error)) = late else { panic!("{kind:?}, {}: {late:?}", site.name) };
            assert!(audit::is_overtaken(&error), "{kind:?}: {error}");
            let now = audit::position(&app.db, tenant).await.unwrap();
            let done = run(app, &chief.resting_on(now), kind, (text.as_bytes(), &options), false).await;
            assert!(done.as_ref().is_ok_and(|outcome| outcome.good), "{kind:?}, {}: {done:?}", site.name);
            assert!(audit::position(&app.db, tenant).await.unwrap() > now, "{kind:?}");
        }
    }
}

/// A town's administrator brings users and turns of his town; rows beyond it are bad, each at its place, and nothing is done.
#[tokio::test]
async fn sheets_keep_to_the_town() {
    for site in sites().await {
        county(&site).await;
        let (app, north) = (&site.app, by(&site, "north").await);
        for (kind, good, bad) in [
            (
                Kind::Users,
                "name,role,area\nchen,grid_manager,north\n",
                "name,role,area\nchen,operator,south\n",
            ),
            (Kind::Users, "name,role,area\nli,operator,north\n", "name,role,area\nwang,operator,north\n"),
            (
                Kind::Areas,
                "id,name,level,parent\nn1,一社区,community,north\n",
                "id,name,level,parent\nx,东镇,town,county\n",
            ),
            (
                Kind::Units,
                "id,name,area,active\noffice,北镇政府,north,yes\n",
                "id,name,area,active\npolice,公安,north,yes\n",
            ),
            (
                Kind::Duty,
                "user,post,area,from,to\nli,duty,north,2026-03-18 08:00,2026-03-18 20:00\n",
                "user,post,area,from,to\nli,duty,,2026-03-18 08:00,2026-03-18 20:00\n",
            ),
        ] {
            let look = async |text: &str| {
                let tried = (text.as_bytes().to_vec(), Options::default());
                draft::look(app, &north, "north", kind, tried).await.unwrap()
            };
            let refused = look(bad).await.outcome;
            assert!(!refused.good && refused.faults[0].what.contains("outside"), "{kind:?}: {refused:?}");
            let shown = look(good).await;
            assert!(shown.outcome.good, "{kind:?}: {:?}", shown.outcome);
            let done = draft::confirm(app, &north, "north", kind, &shown.sha256).await.unwrap();
            assert!(matches!(done, Confirmed::Done(_)), "{kind:?}");
        }
        assert!(!Kind::Policies.is_of(&north) && !Kind::Grids.is_of(&north));
        let all = rows(&site, "north").await;
        assert!(all.contains(&"user:north user_added chen".to_owned()), "{all:?}");
        assert!(all.contains(&"user:north import_users li".to_owned()), "{all:?}");
    }
}

/// One area, unit or turn is changed with its row; what is elsewhere is not there.
#[tokio::test]
async fn single_changes_are_on_record() {
    for site in sites().await {
        county(&site).await;
        let (app, north) = (&site.app, by(&site, "north").await);
        let names = AreaNames { zh: "北关镇", en: "Beiguan", rural: true };
        edit::area(app, &north, "north", names).await.unwrap();
        edit::area(app, &north, "north", names).await.unwrap();
        for id in ["south", "county", "ghost"] {
            assert!(matches!(edit::area(app, &north, id, names).await, Err(EditError::Unknown)), "{id}");
        }
        let words = UnitWords { zh: "公安", en: "", area: "north", active: true };
        assert!(matches!(edit::unit(app, &north, "police", words).await, Err(EditError::Unknown)));
        let chief = by(&site, "admin").await;
        edit::unit(app, &chief, "slot20", UnitWords { zh: "文旅", ..words }).await.unwrap();
        let (here, everywhere) = (AreaPath::kept("/county/north/".to_owned()), AreaPath::everything());
        let from = site.clock.now();
        let turn = NewTurn { user: "li", post: Post::Duty, area: &here, from, to: from.plus_ms(3_600_000) };
        edit::add_turn(app, &north, turn).await.unwrap();
        assert!(matches!(edit::add_turn(app, &north, turn).await, Err(EditError::Twice)));
        let odd = [(i64::MAX - 499, i64::MIN + 500), (i64::MAX - 9, i64::MAX), (-10, 10), (from.0, from.0)];
        for (from, to) in odd {
            let never = NewTurn { from: UtcMs(from), to: UtcMs(to), ..turn };
            assert!(matches!(edit::add_turn(app, &north, never).await, Err(EditError::Turn)), "{from} {to}");
        }
        let wide = NewTurn { area: &everywhere, ..turn };
        assert!(matches!(edit::add_turn(app, &north, wide).await, Err(EditError::Outside)));
        let ghost = NewTurn { user: "ghost", ..turn };
        assert!(matches!(edit::add_turn(app, &north, ghost).await, Err(EditError::User(_))));
        let planned = edit::planned(app, (from, from.plus_ms(1))).await.unwrap();
        assert_eq!(planned.len(), 1, "{}", site.name);
        edit::remove_turn(app, &north, &planned[0].duty_id).await.unwrap();
        assert!(matches!(edit::remove_turn(app, &north, &planned[0].duty_id).await, Err(EditError::Unknown)));
        assert_eq!(
            rows(&site, "north").await,
            [
                "user:north turn_removed li",
                "user:north turn_added li",
                "user:admin unit_changed slot20",
                "user:north area_changed north"
            ],
            "{}",
            site.name
        );
        // It leaves the town: whoever administers that reads of it, with where it was and where it is.
        edit::unit(app, &chief, "slot20", UnitWords { zh: "文旅", area: "south", ..words }).await.unwrap();
        let asked = audit::Asked { viewer: "north".to_owned(), ..audit::Asked::default() };
        let (told, _) = audit::page(&app.db, app.tenant().as_str(), &asked, 1).await.unwrap();
        assert_eq!((told[0].act.as_str(), told[0].area.as_str()), ("unit_changed", "/county/north/"));
        assert!(told[0].old_value.contains("/county/north/") && told[0].new_value.contains("/county/south/"));
    }
}

/// Looks at a case are told to those of its area, by person, case and page; others hear of none.
#[tokio::test]
async fn looks_are_told_where_the_case_lies() {
    for mut site in sites().await {
        county(&site).await;
        site.put_box_in("/county/north/").await;
        site.raise_camera("north", "北口").await;
        let admin = site.log_in("admin").await;
        let number = site.number(&admin).await;
        let (app, tenant) = (site.app.clone(), site.app.tenant().as_str().to_owned());
        for (n, (person, case)) in
            [("li", Some(&number)), ("seat03", Some(&number)), ("seat03", None)].into_iter().enumerate()
        {
            let now = site.clock.now().plus_ms(n as i64);
            let access = Access {
                at_ms: now.0,
                user_name: person.to_owned(),
                sha256: String::new(),
                kind: "contact".to_owned(),
                act: "see".to_owned(),
                purpose: "回访".to_owned(),
                case_number: case.cloned(),
                call_id: None,
            };
            let mut tx = app.db.begin().await.unwrap();
            user::register_each(&mut tx, &tenant, &app.chance, now, &access).await.unwrap();
            tx.commit().await.unwrap();
        }
        let told = async |asked: looks::Asked, most| {
            let (page, next) = looks::page(&app.db, &tenant, &asked, most).await.unwrap();
            (page.into_iter().map(|look| look.user_name).collect::<Vec<_>>(), next)
        };
        let of = |viewer: &str| looks::Asked { viewer: viewer.to_owned(), ..looks::Asked::default() };
        assert_eq!(told(of("admin"), 10).await.0, ["seat03", "seat03", "li"], "{}", site.name);
        assert_eq!(told(of("north"), 10).await.0, ["seat03", "li"], "a look at no case is the county's");
        assert!(told(of("wang"), 10).await.0.is_empty() && told(of("li"), 10).await.0.is_empty());
        let by_person = looks::Asked { person: "li".to_owned(), ..of("admin") };
        assert_eq!(told(by_person, 10).await.0, ["li"]);
        let by_case = looks::Asked { case_number: number.clone(), ..of("north") };
        assert_eq!(told(by_case, 10).await.0, ["seat03", "li"]);
        let (first, next) = told(of("north"), 1).await;
        let (second, end) = told(looks::Asked { after: next, ..of("north") }, 1).await;
        assert_eq!((first, second, end), (vec!["seat03".to_owned()], vec!["li".to_owned()], None));
        let late = looks::Asked { from: Some(site.clock.now().plus_ms(1)), ..of("north") };
        assert_eq!(told(late, 10).await.0, ["seat03"]);
    }
}
