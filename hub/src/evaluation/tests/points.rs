//! What a case counts for, by hand: each measure with a case that counts, and one that does not.

use super::*;
use crate::evaluation::table::Figure;
use crate::workflow::Satisfaction;

use Measure as M;

/// Filed, dispatched to two units, handled, looked at, closed, called back, each within its limit, all in March.
fn on_time() -> Story {
    let mut story = Story::new("03-18 10:00", Level::County);
    let call =
        Step::CallBack { reached: true, satisfaction: Some(Satisfaction::Mostly), note: String::new() };
    story
        .does("03-18 10:30", &file())
        .does("03-18 10:40", &dispatch("housing", &["police"]))
        .does("03-18 11:00", &Step::Accept {})
        .does("03-18 11:00", &Step::Accept {})
        .does("03-19 10:00", &Step::FinishPart { result: text("已围挡") })
        .does("03-20 10:00", &report())
        .does("03-20 15:00", &check())
        .does("03-20 16:00", &close_it())
        .does("03-21 10:00", &call);
    story
}

/// The worked example of docs/MEASURES.md: everything within its limit counts once, in the month in which it happened, and
/// nothing of it in the months around.
#[test]
fn a_case_on_time_counts_once() {
    let story = on_time();
    let march = story.figures(month(3));
    assert_figures(
        &march,
        &[
            (M::Reported, 1, 0),
            (M::TakenUp, 1, 0),
            (M::Filed, 1, 0),
            (M::Dispatched, 1, 0),
            (M::DueToHandle, 2, 0),
            (M::Handled, 2, 0),
            (M::DueToClose, 1, 0),
            (M::Closed, 1, 0),
            (M::TriageOnTime, 1, 1),
            (M::FilingOnTime, 1, 1),
            (M::DispatchOnTime, 1, 1),
            (M::HandlingOnTime, 2, 2),
            (M::CheckOnTime, 1, 1),
            (M::ClosingRate, 1, 1),
            (M::ClosingOnTime, 1, 1),
            (M::DispatchAccurate, 1, 1),
            (M::ReworkRate, 0, 1),
            (M::HandledHereRate, 0, 1),
            (M::Satisfaction, 1, 1),
            (M::TimeToClose, 1, 0),
        ],
        "March",
    );
    // Wednesday 10:00 to Friday 16:00: 6 hours of Wednesday, 7.5 of Thursday, 5.5 of Friday; 54 hours by day and night.
    let length = march.get(M::TimeToClose);
    assert_eq!((length.working_min, length.natural_min), (19 * 60, 54 * 60));
    for other in [2, 4] {
        assert_figures(&story.figures(month(other)), &[], "months around");
    }
}

/// Each unit has its own task; what the case did is the lead's; nobody led a case that was not dispatched.
#[test]
fn whose_it_is() {
    let story = on_time();
    let units = tally([&story], By::Unit, month(3));
    let of = |unit: &str, measure: Measure| {
        let figure = units.row(unit).unwrap_or_else(|| panic!("{unit}")).figures.get(measure);
        (figure.n, figure.d)
    };
    assert_eq!((of("housing", M::HandlingOnTime), of("police", M::HandlingOnTime)), ((1, 1), (1, 1)));
    assert_eq!((of("housing", M::Closed), of("police", M::Closed)), ((1, 0), (0, 0)));
    assert_eq!((of("housing", M::Reported), of("police", M::Dispatched)), ((1, 0), (0, 0)));
    assert_eq!(units.rows.len(), 2);
    let mut waiting = Story::new("03-18 10:00", Level::County);
    waiting.does("03-18 10:30", &file());
    let units = tally([&waiting], By::Unit, month(3));
    assert_eq!(units.rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), [""]);
    let filed = tally([&story, &waiting], By::Group, month(3));
    assert_eq!(filed.rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["city"]);
}

/// What is overdue is late in the month in which its time was over, and only there; done at last, it is handled late in the
/// month in which it is done. The limit of seven working days from 18 March ends on 27 March at 18:00.
#[test]
fn what_is_late_is_late_once() {
    let mut story = Story::new("03-18 10:00", Level::County);
    story
        .does("03-18 10:30", &file())
        .does("03-18 10:40", &dispatch("housing", &[]))
        .does("03-18 11:00", &Step::Accept {});
    let begun = [
        (M::Reported, 1, 0),
        (M::TakenUp, 1, 0),
        (M::Filed, 1, 0),
        (M::Dispatched, 1, 0),
        (M::TriageOnTime, 1, 1),
        (M::FilingOnTime, 1, 1),
        (M::DispatchOnTime, 1, 1),
        (M::DispatchAccurate, 1, 1),
        (M::HandledHereRate, 0, 1),
    ];
    let mut wanted = begun.to_vec();
    wanted.extend([
        (M::DueToHandle, 1, 0),
        (M::HandlingOnTime, 0, 1),
        (M::Unhandled, 1, 0),
        (M::UnhandledLate, 1, 0),
        (M::DueToClose, 1, 0),
        (M::ClosingRate, 0, 1),
        (M::ClosingOnTime, 0, 1),
    ]);
    assert_figures(&story.figures(month(3)), &wanted, "overdue at the end of March");
    // A week before, nothing was over yet.
    let mut early = begun.to_vec();
    early.push((M::Unhandled, 1, 0));
    let mid = Span { to: at("03-25 00:00"), seen: at("03-25 00:00"), ..month(3) };
    assert_figures(&story.figures(mid), &early, "on 25 March");
    story.does("04-02 10:00", &report()).does("04-02 11:00", &check()).does("04-02 12:00", &close_it());
    assert_figures(&story.figures(month(3)), &wanted, "March does not change");
    let april = [
        (M::Handled, 1, 0),
        (M::HandledLate, 1, 0),
        (M::Closed, 1, 0),
        (M::CheckOnTime, 1, 1),
        (M::ReworkRate, 0, 1),
        (M::TimeToClose, 1, 0),
    ];
    assert_figures(&story.figures(month(4)), &april, "April");
    // Over both months it counts once, as what it came to.
    let both = Span { to: month(4).to, seen: month(4).seen, ..month(3) };
    let all = story.figures(both);
    let pair = |measure: Measure| (all.get(measure).n, all.get(measure).d);
    assert_eq!(
        (pair(M::HandlingOnTime), pair(M::ClosingRate), pair(M::ClosingOnTime)),
        ((0, 1), (1, 1), (0, 1))
    );
    assert_eq!((pair(M::UnhandledLate), pair(M::HandledLate)), ((0, 0), (1, 0)));
}

/// Triage that waits too long is late when its hour is over; it is not among the filings before it is filed.
#[test]
fn triage_and_filing() {
    let mut story = Story::new("03-18 10:00", Level::County);
    let waits = story.figures(month(3));
    let pair = |figures: &Figures, measure: Measure| (figures.get(measure).n, figures.get(measure).d);
    assert_eq!((pair(&waits, M::TriageOnTime), pair(&waits, M::FilingOnTime)), ((0, 1), (0, 0)));
    assert_eq!(pair(&waits, M::TakenUp), (0, 0));
    story.does("03-18 12:00", &file());
    let filed = story.figures(month(3));
    assert_eq!((pair(&filed, M::TriageOnTime), pair(&filed, M::FilingOnTime)), ((0, 1), (0, 1)));
    // Passed up twice, each level has its own hour; taken up once.
    let mut story = Story::new("03-18 10:00", Level::Grid);
    let up = Step::PassUp { to: None, reason: text("x") };
    story.does("03-18 10:10", &up).does("03-18 11:30", &up).does("03-18 11:40", &file());
    let passed = story.figures(month(3));
    assert_eq!((pair(&passed, M::TriageOnTime), pair(&passed, M::FilingOnTime)), ((2, 3), (1, 1)));
    assert_eq!(pair(&passed, M::TakenUp), (1, 0));
}

/// A level that closes a case by itself counts there, and is not among what is due to be closed; a false alarm is one; a
/// case that joined another was reported, and nothing else.
#[test]
fn what_is_not_filed() {
    let mut here = Story::new("03-18 10:00", Level::Grid);
    here.does("03-18 10:10", &Step::HandleHere { result: text("已劝离") });
    let on_record = [(M::Reported, 1, 0), (M::TriageOnTime, 1, 1)];
    let mut wanted = on_record.to_vec();
    wanted.extend([(M::TakenUp, 1, 0), (M::HandledHere, 1, 0), (M::HandledHereRate, 1, 1)]);
    assert_figures(&here.figures(month(3)), &wanted, "handled here");
    let mut alarm = Story::new("03-18 10:00", Level::County);
    alarm.does("03-18 10:10", &Step::Void { reason: VoidReason::FalseAlarm, note: text("x") });
    let mut wanted = on_record.to_vec();
    wanted.push((M::FalseAlarm, 1, 0));
    assert_figures(&alarm.figures(month(3)), &wanted, "a false alarm");
    let mut joined = Story::new("03-18 10:00", Level::County);
    joined.does("03-18 10:10", &Step::Join { into: text("20260318-002"), note: text("x") });
    assert_figures(&joined.figures(month(3)), &on_record, "joined");
    // Filed and void before it was dispatched: nobody is judged by a dispatch that was not to be.
    let mut void = Story::new("03-18 10:00", Level::County);
    void.does("03-18 10:10", &file())
        .does("03-18 15:00", &Step::Void { reason: VoidReason::NotOurs, note: text("x") });
    let figures = void.figures(month(3));
    assert_eq!((figures.get(M::DispatchOnTime).d, figures.get(M::DueToClose).n), (0, 0));
    assert_eq!(figures.get(M::Filed).n, 1);
}

/// A return that is granted: the dispatch was wrong, and nothing is held against the unit; a dispatch withdrawn before
/// anybody acted was none.
#[test]
fn dispatches_that_were_taken_back() {
    let mut story = Story::new("03-18 10:00", Level::County);
    story
        .does("03-18 10:10", &file())
        .does("03-18 10:20", &dispatch("education", &[]))
        .does("03-18 10:25", &Step::Withdraw { reason: text("x") })
        .does("03-18 10:30", &dispatch("police", &["land"]))
        .does("03-18 11:00", &Step::Accept {})
        .does("04-20 10:00", &Step::AskReturn { reason: text("不属本单位") })
        .granted("04-20 11:00")
        .does("04-20 11:10", &dispatch("housing", &[]));
    let all = Span { from: month(3).from, ..month(4) };
    let units = tally([&story], By::Unit, all);
    assert_eq!(units.rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["housing", "police"]);
    let of = |unit: &str, measure: Measure| {
        let figure = units.row(unit).unwrap().figures.get(measure);
        (figure.n, figure.d)
    };
    assert_eq!((of("police", M::DispatchAccurate), of("housing", M::DispatchAccurate)), ((0, 1), (1, 1)));
    assert_eq!((of("police", M::HandlingOnTime), of("police", M::Unhandled)), ((0, 0), (0, 0)));
    assert_eq!(of("housing", M::Unhandled), (1, 0));
    assert_eq!(of("housing", M::Reported), (1, 0), "the case is whose it is now");
    assert_eq!(units.total.get(M::Dispatched).n, 2);
    // At the end of March nobody had said yet that it was wrong: it was overdue, and the past keeps that.
    let march = tally([&story], By::Unit, month(3));
    let late = |unit: &str| march.row(unit).map(|row| row.figures.get(M::UnhandledLate).n);
    assert_eq!((late("police"), late("land"), late("housing")), (Some(1), Some(1), None));
}

/// While a case is suspended it is neither handled nor not handled, and its time stands still; a part that was waived
/// counts nowhere.
#[test]
fn suspended_and_waived() {
    let mut story = Story::new("03-18 10:00", Level::County);
    story
        .does("03-18 10:10", &file())
        .does("03-18 10:20", &dispatch("housing", &["police"]))
        .does("03-18 11:00", &Step::Accept {})
        .does("03-18 12:00", &Step::Waive { unit: text("police"), reason: text("x") })
        .does("03-19 09:00", &Step::AskSuspension { until: at("05-01 00:00"), reason: text("等招标") })
        .granted("03-20 10:00");
    let march = story.figures(month(3));
    let suspended =
        [M::Suspended, M::Unhandled, M::UnhandledLate, M::DueToHandle].map(|one| march.get(one).n);
    assert_eq!(suspended, [1, 0, 0, 0]);
    story
        .does("04-20 10:00", &Step::Resume { reason: text("x") })
        .does("04-22 10:00", &report())
        .does("04-22 11:00", &check())
        .does("04-22 12:00", &close_it());
    let april = story.figures(month(4));
    assert_eq!(
        (april.get(M::Suspended).n, april.get(M::HandlingOnTime)),
        (0, Figure { n: 1, d: 1, ..Figure::default() })
    );
    let length = april.get(M::TimeToClose);
    // 18 March from 10:00, the 19th, the 20th to 10:00; 20 April from 10:00, the 21st, the 22nd to 12:00.
    assert_eq!(length.working_min, (60 * 6) + 450 + 90 + (60 * 6) + 450 + 210);
    assert_eq!(length.natural_min, 60 * (35 * 24 + 2));
}

/// Sent back once and closed then: one of two verdicts; the unit goes on with its time, and the verification that sent back
/// judges nobody. Reopened, the case goes another way, which counts by itself.
#[test]
fn sent_back_and_reopened() {
    let mut story = Story::new("03-18 10:00", Level::County);
    story
        .does("03-18 10:10", &file())
        .does("03-18 10:20", &dispatch("housing", &[]))
        .does("03-18 11:00", &Step::Accept {})
        .does("03-19 10:00", &report())
        .does("03-24 10:00", &Step::Rework { reason: text("仍在") });
    let back = story.figures(month(3));
    assert_eq!((back.get(M::Handled).n, back.get(M::Unhandled).n, back.get(M::Rework).n), (0, 1, 1));
    story.does("03-25 10:00", &report()).does("03-25 11:00", &check()).does("03-25 12:00", &close_it());
    let march = story.figures(month(3));
    let pair = |figures: &Figures, measure: Measure| (figures.get(measure).n, figures.get(measure).d);
    assert_eq!((pair(&march, M::ReworkRate), pair(&march, M::CheckOnTime)), ((1, 2), (1, 1)));
    assert_eq!((pair(&march, M::HandlingOnTime), pair(&march, M::ClosingOnTime)), ((1, 1), (1, 1)));
    story
        .does("04-02 10:00", &Step::Reopen { reason: text("又坏了") })
        .does("04-02 10:10", &file())
        .does("04-02 10:20", &dispatch("police", &[]))
        .does("04-02 11:00", &Step::Accept {})
        .does("04-02 15:00", &report())
        .does("04-02 16:00", &check())
        .does("04-02 17:00", &close_it());
    assert_eq!(story.figures(month(3)), march, "March does not change");
    let april = story.figures(month(4));
    assert_eq!(
        (pair(&april, M::Reported), pair(&april, M::Filed), pair(&april, M::Closed)),
        ((0, 0), (1, 0), (1, 0))
    );
    assert_eq!(april.get(M::TimeToClose).natural_min, 7 * 60, "from when it was opened again");
    let both = tally([&story], By::Unit, Span { from: month(3).from, ..month(4) });
    let closed = |unit: &str| both.row(unit).map(|row| row.figures.get(M::Closed).n);
    assert_eq!((closed("housing"), closed("police")), (Some(1), Some(1)), "each by who led then");
}

/// An extension that is granted in time moves the end; one that comes after the month is over does not change what the
/// month said.
#[test]
fn extensions() {
    let more = Step::AskExtension { by: "5 working days".parse().unwrap(), reason: text("下雨") };
    let begun = || {
        let mut story = Story::new("03-18 10:00", Level::County);
        story
            .does("03-18 10:10", &file())
            .does("03-18 10:20", &dispatch("housing", &[]))
            .does("03-18 11:00", &Step::Accept {});
        story
    };
    let pair = |figures: &Figures, measure: Measure| (figures.get(measure).n, figures.get(measure).d);
    // In time: 27 March becomes 3 April.
    let mut story = begun();
    story.does("03-26 10:00", &more).granted("03-26 11:00").does("04-02 10:00", &report());
    assert_eq!(pair(&story.figures(month(3)), M::HandlingOnTime), (0, 0));
    assert_eq!(pair(&story.figures(month(4)), M::HandlingOnTime), (1, 1));
    // Too late for March.
    let mut story = begun();
    story.does("04-01 10:00", &more).granted("04-01 11:00").does("04-02 10:00", &report());
    assert_eq!(pair(&story.figures(month(3)), M::HandlingOnTime), (0, 1));
    assert_eq!(pair(&story.figures(month(4)), M::HandlingOnTime), (1, 1));
}

/// Who was not reached said nothing; of what a citizen says the last word in the period counts.
#[test]
fn the_last_word_counts() {
    let mut story = on_time();
    let call = |satisfaction: Option<Satisfaction>| Step::CallBack {
        reached: satisfaction.is_some(),
        satisfaction,
        note: String::new(),
    };
    story
        .does("03-22 10:00", &call(Some(Satisfaction::Unsatisfied)))
        .does("03-23 10:00", &call(None))
        .does("04-01 10:00", &call(Some(Satisfaction::Satisfied)));
    let said =
        |span| (story.figures(span).get(M::Satisfaction).n, story.figures(span).get(M::Satisfaction).d);
    assert_eq!((said(month(3)), said(month(4)), said(month(5))), ((0, 1), (1, 1), (0, 0)));
}

/// Rows with too few cases stand below the line; equal scores share a place; what has no unit is last and has none.
#[test]
fn ranking() {
    let mut stories = Vec::new();
    let mut nth = 0;
    let mut add = |unit: &str, on_time: u32, late: u32| {
        for index in 0..on_time + late {
            nth += 1;
            let opened = at("03-02 10:00");
            let mut story = Story::of(nth, opened, Level::County, GRID, Source::Worker);
            story
                .does("03-02 10:10", &file())
                .does("03-02 10:20", &dispatch(unit, &[]))
                .does("03-02 11:00", &Step::Accept {})
                .does(if index < on_time { "03-03 10:00" } else { "03-20 10:00" }, &report());
            stories.push(story);
        }
    };
    add("housing", 5, 0);
    add("police", 6, 0);
    add("land", 3, 3);
    add("education", 4, 0);
    let mut nobodys = Story::of(99, at("03-02 10:00"), Level::County, GRID, Source::Worker);
    nobodys.does("03-02 10:10", &file());
    stories.push(nobodys);
    let table = tally(&stories, By::Unit, month(3));
    let found: Vec<_> = table.rows.iter().map(|row| (row.key.as_str(), row.rank, row.score)).collect();
    let wanted = [
        ("police", Some(1), Some(10_000)),
        ("housing", Some(1), Some(10_000)),
        ("land", Some(3), Some(5_000)),
        ("education", None, Some(10_000)),
        ("", None, None),
    ];
    assert_eq!(found, wanted);
    let sources = tally(&stories, By::Source, month(3));
    assert!(
        sources.rows.iter().all(|row| row.rank.is_none() && row.score.is_none()),
        "sources do not compete"
    );
    // The text of a table reads back, and says where two differ.
    let mut other = Table::read(&table.text()).unwrap();
    assert_eq!(other, table);
    assert_eq!(table.difference(&other), None);
    other.rows.swap(0, 1);
    assert_eq!(table.difference(&other).unwrap(), "row 1: \"police\" stands there, and \"housing\" here");
    other.rows.swap(0, 1);
    other.rows.pop();
    assert_eq!(table.difference(&other).unwrap(), "row 5 (\"\") is missing");
    assert_eq!(other.difference(&table).unwrap(), "row 5 (\"\") is one more");
}
