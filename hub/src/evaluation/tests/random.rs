//! Random ways of many cases: sums hold however a table is cut, and the past does not change.

use protocol::Chance;

use super::*;
use crate::workflow::Satisfaction;

/// Steps that could come now, most of them sensible.
fn any_step(story: &Story, pick: &impl Fn(usize) -> usize) -> Step {
    let x = || text("x");
    let units = ["housing", "police", "land"];
    let waits = story.dossier.requests.iter().find(|one| one.decision.is_none());
    let request = waits.map_or_else(x, |request| request.id.clone());
    let co: &[&str] = if pick(2) == 0 { &["transport"] } else { &[] };
    let all = [
        file(),
        file(),
        dispatch(units[pick(3)], co),
        dispatch(units[pick(3)], co),
        Step::Accept {},
        Step::Accept {},
        Step::FinishPart { result: x() },
        report(),
        report(),
        check(),
        Step::Rework { reason: x() },
        close_it(),
        close_it(),
        Step::Reopen { reason: x() },
        Step::HandleHere { result: x() },
        Step::PassUp { to: None, reason: x() },
        Step::Void { reason: VoidReason::FalseAlarm, note: x() },
        Step::Withdraw { reason: x() },
        Step::AskReturn { reason: x() },
        Step::AskExtension { by: "3 working days".parse().unwrap(), reason: x() },
        Step::AskSuspension { until: story.now.plus_ms(40 * 86_400_000), reason: x() },
        Step::Decide { request: request.clone(), grant: true, reason: x() },
        Step::Decide { request, grant: true, reason: x() },
        Step::Resume { reason: x() },
        Step::Waive { unit: text("transport"), reason: x() },
        Step::CallBack { reached: true, satisfaction: Some(Satisfaction::ALL[pick(3)]), note: String::new() },
    ];
    all[pick(all.len())].clone()
}

/// Cases of March and April.
pub(super) fn stories(seed: u64, count: u32) -> Vec<Story> {
    let chance = Chance::seeded(seed);
    let pick = |most: usize| usize::from(u16::from_le_bytes(chance.bytes::<2>())) % most;
    let areas = [GRID, "/county/north/", "/county/south/x/", "/county/", "/"];
    let one = |nth| {
        let opened = at("03-01 00:00").plus_ms(i64::try_from(pick(60 * 24)).unwrap() * 3_600_000);
        let source = Source::ALL[pick(6)];
        let mut story = Story::of(nth, opened, Level::ALL[pick(4)], areas[pick(5)], source);
        for _ in 0..pick(120) {
            story.now = story.now.plus_ms(i64::try_from(pick(16 * 60)).unwrap() * 60_000);
            let step = any_step(&story, &pick);
            let before = story.dossier.clone();
            if story.try_to(&step).is_err() {
                assert_eq!(story.dossier, before);
            }
        }
        story
    };
    (1..=count).map(one).collect()
}

/// In every table the rows add up to the total, and the total is the same however the table is cut; no figure is less than
/// nothing, none above the line is more than below it; where a moment puts a point into the period it lies in it.
#[test]
fn sums_hold() {
    let stories = stories(5, 300);
    for span in [month(3), month(4), Span { from: month(3).from, ..month(5) }] {
        let tables: Vec<Table> = By::ALL.iter().map(|by| tally(&stories, *by, span)).collect();
        for table in &tables {
            assert_eq!(table.total, tables[0].total, "{}", table.by);
            for measure in Measure::ALL {
                let of = |figures: &Figures| {
                    let one = figures.get(*measure);
                    [one.n, one.d, one.working_min, one.natural_min]
                };
                let mut sum = [0; 4];
                for row in &table.rows {
                    let own = of(&row.figures);
                    assert!(own.iter().all(|figure| *figure >= 0), "{}: {measure}", row.key);
                    assert!(measure.shape() != Shape::Rate || own[0] <= own[1], "{}: {measure}", row.key);
                    sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
                }
                assert_eq!(sum, of(&table.total), "{}: {measure}", table.by);
            }
        }
        let total = &tables[0].total;
        let (n, d) = (|m| total.get(m).n, |m| total.get(m).d);
        assert_eq!(n(Measure::Filed), d(Measure::FilingOnTime));
        assert_eq!(n(Measure::DueToHandle), d(Measure::HandlingOnTime));
        assert_eq!(n(Measure::DueToClose), d(Measure::ClosingOnTime));
        assert_eq!(n(Measure::Closed) + n(Measure::Rework), d(Measure::ReworkRate));
        assert_eq!(n(Measure::Rework), n(Measure::ReworkRate));
        assert_eq!(n(Measure::HandledHere) + n(Measure::Filed), d(Measure::HandledHereRate));
        assert!(n(Measure::ClosingOnTime) <= n(Measure::ClosingRate), "closed on time is closed");
        assert!(n(Measure::HandledLate) <= n(Measure::Handled));
        assert!(n(Measure::UnhandledLate) <= n(Measure::Unhandled));
    }
    let all = tally(&stories, By::Source, Span { from: month(3).from, ..month(5) }).total;
    for measure in Measure::ALL {
        let figure = all.get(*measure);
        assert!(figure.n + figure.d > 0, "{measure} is never more than nothing: the stories are too tame");
    }
}

/// The text of a month does not depend on what came after it, nor on the order in which cases are read.
#[test]
fn the_past_does_not_change() {
    let stories = stories(6, 120);
    let early: Vec<Story> = stories
        .iter()
        .filter(|story| story.dossier.facts.opened_at < month(3).to)
        .map(|story| {
            let rows = story.rows.iter().take_while(|row| row.at < month(3).to).cloned().collect();
            Story {
                dossier: story.dossier.clone(),
                policy: policy(),
                units: Vec::new(),
                now: story.now,
                rows,
            }
        })
        .collect();
    let rows = |all: &[Story]| all.iter().map(|story| story.rows.len()).sum::<usize>();
    assert!(early.len() > 20 && rows(&stories) > rows(&early));
    for by in By::ALL {
        let (now, then) = (tally(&stories, by, month(3)), tally(early.iter().rev(), by, month(3)));
        assert_eq!(now.text(), then.text(), "{by}");
    }
}
