//! Periods in a row are the tables of each period, however they are read; what lies behind a part of a figure is that part;
//! and what the history says of what was late.

use protocol::Clock as _;

use super::cache::{keep_all, mishap, tales, write};
use super::closing::furnish;
use super::*;
use crate::evaluation::close::pass;
use crate::evaluation::hours::hours;
use crate::evaluation::keep::Progress;
use crate::evaluation::late::{Cause, Late};
use crate::evaluation::series::series;
use crate::evaluation::{Shown, why};
use crate::user::{Grant, Role};
use crate::web::tests::site::{Site, sites};

fn asked(site: &Site, period: &str, scope: Scope, area: &str) -> Question {
    Question::new(&site.app, period.parse().unwrap(), scope, area)
}

fn head_of_housing() -> Scope {
    let everywhere = AreaPath::everything();
    Scope::of(&[Grant { role: Role::DepartmentHead, area: everywhere, unit: Some(text("housing")) }])
}

/// Each period of a row is byte by byte the table that is made of it alone, for every measure: with everything kept in short,
/// with nothing and with half of it; a closed month as it was published, cut at its root for those who see a part of it; running
/// periods, weeks and quarters as well.
#[tokio::test]
async fn a_row_of_periods_is_its_tables() {
    for site in sites().await {
        let mut tales = tales(31, 60, false);
        site.clock.set(at("04-01 00:30"));
        let now = site.clock.now();
        for (nth, tale) in tales.iter_mut().enumerate() {
            write(&site, tale, if nth % 3 == 0 { 12 } else { 5 }, now).await;
        }
        pass(&site.app).await;
        site.clock.set(at("06-10 12:00"));
        let now = site.clock.now();
        for tale in &mut tales {
            write(&site, tale, usize::MAX >> 1, now).await;
        }
        let all = Scope::everything;
        let questions = [
            (asked(&site, "2026-06", all(), ""), By::Unit, 5),
            (asked(&site, "2026-06", all(), ""), By::Category, 5),
            (asked(&site, "2026-06", head_of_housing(), ""), By::Unit, 5),
            (asked(&site, "2026-06", all(), "/county/north/"), By::Area(Level::Town), 5),
            (asked(&site, "2026-W16", all(), ""), By::Source, 4),
            (asked(&site, "2026-Q2", all(), ""), By::Unit, 3),
            (asked(&site, "2027-01", all(), ""), By::Unit, 2),
        ];
        let mut progress = Progress::default();
        for round in 0..3 {
            match round {
                0 => {}
                1 => keep_all(&site, &mut progress).await,
                _ => mishap(&site, 1).await,
            }
            for (question, by, count) in &questions {
                let found = series(&site.app, question, *by, *count).await.unwrap();
                assert_eq!(found.len(), *count, "{} {by}", question.period);
                for shown in &found {
                    let period: Period = shown.table.period.parse().unwrap();
                    let alone = Question::new(&site.app, period, question.scope.clone(), &question.area);
                    let alone = tables(&site.app, &alone, &[*by]).await.unwrap().pop().unwrap();
                    let place = (site.name, round, &question.period, by.as_str());
                    assert_eq!(shown.table.text(), alone.table.text(), "{place:?}: {}", alone.table.period);
                    assert_eq!(*shown, alone, "{place:?}");
                }
            }
        }
        let months = series(&site.app, &questions[0].0, By::Unit, 5).await.unwrap();
        let closed: Vec<&str> =
            months.iter().filter(|one| one.kept.is_some()).map(|one| one.table.period.as_str()).collect();
        assert_eq!(closed, ["2026-03"], "{}: one is published, the others are reckoned", site.name);
        let reported = |shown: &Shown| shown.table.total.get(Measure::Reported).n;
        let counts: Vec<i64> = months.iter().map(reported).collect();
        assert_eq!(counts[0], 0, "before the first case there is nothing");
        assert!(counts[1] > 5 && counts[2] > 5, "{counts:?}: the tales are too tame");
        assert!(months.iter().any(|one| one.table.unread > 0), "histories that say nothing are among them");
    }
}

/// A row is never longer than it may be, and never empty.
#[tokio::test]
async fn rows_have_an_end() {
    for site in sites().await {
        let question = asked(&site, "2026-03", Scope::everything(), "");
        let longest = series(&site.app, &question, By::Source, 1_000).await.unwrap();
        assert_eq!(longest.len(), crate::evaluation::series::MOST_PERIODS, "{}", site.name);
        assert_eq!(series(&site.app, &question, By::Source, 0).await.unwrap().len(), 1);
    }
}

/// What was late of a unit: the groups add up to what its rate counts below the line and not above it, and behind each stand
/// so many cases. Hours of the day add up to the count, and behind each stand so many as well.
#[tokio::test]
async fn parts_of_figures_have_their_cases() {
    for site in sites().await {
        let numbers = furnish(&site).await;
        site.clock.set(at("04-10 10:00"));
        let question = asked(&site, "2026-03", Scope::everything(), "");
        let table = tables(&site.app, &question, &[By::Unit]).await.unwrap().pop().unwrap().table;
        let rate = Measure::HandlingOnTime;
        let figure = table.row("housing").unwrap().figures.get(rate);
        let found = why(&site.app, &question, By::Unit, "housing", rate).await.unwrap();
        assert_eq!((found.count, figure.d - figure.n), (1, 1), "{}", site.name);
        let told: Vec<(&str, &str, i64)> = found
            .groups
            .iter()
            .map(|group| (group.category.as_str(), group.community.as_str(), group.count))
            .collect();
        assert_eq!(told, [("street_facility", "/county/north/dongguan/", 1)]);
        assert!(found.groups[0].over_min > 0 && found.causes.is_empty(), "{found:?}");
        let place = |part| Place { by: By::Unit, key: Some(text("housing")), measure: rate, part };
        let behind = async |part, narrow: Narrow| {
            let found = items_of(&site.app, &question, &place(part), &narrow).await.unwrap();
            found.into_iter().map(|item| item.number).collect::<Vec<_>>()
        };
        let group = |category: &str| Narrow {
            category: Some(text(category)),
            community: Some(text("/county/north/dongguan/")),
            ..Narrow::default()
        };
        assert_eq!(behind(Part::Missed, Narrow::default()).await, [numbers[4].clone()]);
        assert_eq!(behind(Part::Missed, group("street_facility")).await, [numbers[4].clone()]);
        assert_eq!(behind(Part::Missed, group("other")).await, Vec::<String>::new());
        assert_eq!(behind(Part::Denominator, Narrow::default()).await.len() as i64, figure.d);
        let returned = Narrow { cause: Some(Cause::Returned), ..Narrow::default() };
        assert_eq!(behind(Part::Missed, returned).await, Vec::<String>::new());
        let nobody = why(&site.app, &question, By::Unit, "education", rate).await.unwrap();
        assert_eq!((nobody.count, nobody.groups.len()), (0, 0));
        // Eight cases of one Wednesday, the first four an hour after each other.
        let found = hours(&site.app, &question, Measure::Reported).await.unwrap();
        let wanted = [(14, 1), (15, 1), (16, 1), (17, 1), (18, 4)];
        for (hour, count) in wanted {
            assert_eq!(found.0[2][hour], count, "{}: {hour}", site.name);
            let place =
                Place { by: By::Source, key: None, measure: Measure::Reported, part: Part::Numerator };
            let narrow = Narrow { weekday: Some(2), hour: i8::try_from(hour).ok(), ..Narrow::default() };
            let cases = items_of(&site.app, &question, &place, &narrow).await.unwrap();
            assert_eq!(cases.len() as i64, count, "{}: {hour}", site.name);
        }
        assert_eq!((found.total(), found.most()), (8, 4));
        let length = hours(&site.app, &question, Measure::TimeToClose).await.unwrap();
        assert_eq!(length.total(), 0, "an average has no hour");
    }
}

/// The late limits of a story in March, by unit.
fn late(story: &Story) -> Vec<(String, Late)> {
    let span = month(3);
    let facts = story.known(span.seen);
    let points = story.points(span);
    let own = points.iter().filter(|point| point.measure == Measure::HandlingOnTime && !point.hit);
    own.map(|point| (point.unit.clone().unwrap_or_default(), Late::of(&facts, point, span.seen))).collect()
}

/// What the history says of a unit that was late is that unit's: who came in by a later dispatch is told so, who led from the
/// start is not; a return, a rework and an extension are found; of a case that was merely late nothing is said.
#[test]
fn causes_by_hand() {
    let mut merely = Story::new("03-02 10:00", Level::County);
    merely
        .does("03-02 10:10", &file())
        .does("03-02 10:20", &dispatch("housing", &["police"]))
        .does("03-02 11:00", &Step::Accept {})
        .does("03-02 11:00", &Step::Accept {});
    let found = late(&merely);
    assert_eq!(found.len(), 2, "lead and co-handler are late");
    assert!(found.iter().all(|(_, late)| late.causes.is_empty() && late.over_min > 0), "{found:?}");
    assert!(found.iter().all(|(_, late)| late.community == "/county/north/dongguan/"), "{found:?}");

    let mut returned = Story::new("03-02 10:00", Level::County);
    returned
        .does("03-02 10:10", &file())
        .does("03-02 10:20", &dispatch("police", &[]))
        .does("03-02 10:30", &Step::AskReturn { reason: text("不属于我单位") })
        .granted("03-02 10:40")
        .does("03-02 10:50", &dispatch("housing", &["police"]))
        .does("03-02 11:00", &Step::Accept {})
        .does("03-02 11:00", &Step::Accept {});
    let found = late(&returned);
    let of = |unit: &str| &found.iter().find(|(own, _)| own == unit).unwrap().1.causes;
    assert_eq!(*of("housing"), [Cause::Returned]);
    assert_eq!(*of("police"), [Cause::CoLater, Cause::Returned]);

    let mut extended = Story::new("03-02 10:00", Level::County);
    extended
        .does("03-02 10:10", &file())
        .does("03-02 10:20", &dispatch("housing", &[]))
        .does("03-02 11:00", &Step::Accept {})
        .does(
            "03-03 10:00",
            &Step::AskExtension { by: "2 working days".parse().unwrap(), reason: text("等材料") },
        )
        .granted("03-03 11:00");
    let found = late(&extended);
    assert_eq!(found.iter().map(|(_, late)| late.causes.clone()).collect::<Vec<_>>(), [[Cause::Extended]]);
}
