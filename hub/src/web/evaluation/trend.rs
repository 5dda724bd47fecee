//! Lines and bars over periods, drawn as SVG by the hub. Pure: numbers in, coordinates out.
//!
//! Nothing is inline but attributes of shapes, which the content-security policy allows; colours are classes.

use crate::web::view::{SparkView, TickView, TrendBarView, TrendDotView, TrendView};

/// The drawing is 452 × 190; this is its plot.
const LEFT: f64 = 34.0;
const RIGHT: f64 = 444.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 164.0;

/// The tallest bar, so that the line stands clear of most of them.
const TALLEST: f64 = 61.0;
const BAR_WIDTH: f64 = 18.0;

/// One period.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) label: String,
    /// In hundredths of a percent; nothing of nothing.
    pub(super) rate: Option<i64>,
    pub(super) count: i64,
}

/// `says`, `rows` and names are the caller's.
pub(super) fn trend(marks: &[Mark]) -> TrendView {
    let (floor, step) = scale(marks.iter().filter_map(|mark| mark.rate).min());
    let x = |at: usize| LEFT + (at as f64 + 0.5) * (RIGHT - LEFT) / marks.len().max(1) as f64;
    let y = |percent: f64| BOTTOM - (percent - floor as f64) / (100 - floor) as f64 * (BOTTOM - TOP);
    let percent = |rate: i64| rate as f64 / 100.0;
    let most = marks.iter().map(|mark| mark.count).max().unwrap_or(0);
    let tick = |value: i64| {
        let at = y(value as f64);
        TickView { y: coordinate(at), text_y: coordinate(at + 4.0), text: value.to_string() }
    };
    let bar = |(at, mark): (usize, &Mark)| {
        let height = if most > 0 { mark.count as f64 / most as f64 * TALLEST } else { 0.0 };
        let named = (at == 0 || at + 1 == marks.len()) && mark.count > 0;
        TrendBarView {
            x: coordinate(x(at) - BAR_WIDTH / 2.0),
            mid: coordinate(x(at)),
            y: coordinate(BOTTOM - height),
            height: coordinate(height),
            text: named.then(|| mark.count.to_string()),
            label: mark.label.clone(),
        }
    };
    let points: Vec<Option<(f64, f64)>> =
        marks.iter().enumerate().map(|(at, mark)| mark.rate.map(|rate| (x(at), y(percent(rate))))).collect();
    let last_at = points.iter().rposition(Option::is_some);
    let dot = |(at, point): (usize, &Option<(f64, f64)>)| {
        point.map(|(x, y)| TrendDotView {
            x: coordinate(x),
            y: coordinate(y),
            radius: if Some(at) == last_at { "4" } else { "2.5" },
        })
    };
    let last = last_at.and_then(|at| points[at].zip(marks[at].rate)).map(|((x, y), rate)| {
        // Where the line runs along the top, its figure stands below it.
        let text_y = if y - 10.0 < TOP { y + 18.0 } else { y - 10.0 };
        (coordinate(x), coordinate(text_y), super::share(Some(rate)))
    });
    TrendView {
        ticks: (floor..=100).step_by(step).map(tick).collect(),
        bars: marks.iter().enumerate().map(bar).collect(),
        line: path(&points),
        dots: points.iter().enumerate().filter_map(dot).collect(),
        last,
        ..TrendView::default()
    }
}

/// Where the axis begins, in percent, and how far apart its lines are.
fn scale(lowest: Option<i64>) -> (i64, usize) {
    // One line of room below the lowest, for the bars.
    let floor = lowest.map_or(0, |lowest| (lowest / 1_000 - 1).clamp(0, 9) * 10);
    if floor < 50 { (0, 25) } else { (floor, 10) }
}

/// A line through the points; where there is none it has a gap.
fn path(points: &[Option<(f64, f64)>]) -> String {
    let (mut path, mut draws) = (String::new(), false);
    for point in points {
        if let Some((x, y)) = point {
            path += &format!("{}{} {}", if draws { 'L' } else { 'M' }, coordinate(*x), coordinate(*y));
        }
        draws = point.is_some();
    }
    path
}

/// 74 × 20, each row on a scale of its own.
pub(super) fn spark(rates: &[Option<i64>], says: String) -> SparkView {
    let known = || rates.iter().flatten().copied();
    let (Some(least), Some(most)) = (known().min(), known().max()) else {
        return SparkView { says, ..SparkView::default() };
    };
    let y = |rate: i64| {
        if most == least { 10.0 } else { 17.0 - (rate - least) as f64 / (most - least) as f64 * 14.0 }
    };
    let x = |at: usize| 2.0 + at as f64 * 70.0 / rates.len().saturating_sub(1).max(1) as f64;
    let points: Vec<Option<(f64, f64)>> =
        rates.iter().enumerate().map(|(at, rate)| rate.map(|rate| (x(at), y(rate)))).collect();
    let last = points.last().copied().flatten();
    SparkView { path: path(&points), dot: last.map(|(x, y)| (coordinate(x), coordinate(y))), says }
}

/// One decimal, without one where it is whole.
pub(super) fn coordinate(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(rate: Option<i64>, count: i64) -> Mark {
        Mark { label: String::new(), rate, count }
    }

    /// By hand: two periods of 80 % and 100 % over 5 and 10 cases, on an axis from 70 %.
    #[test]
    fn a_trend_by_hand() {
        let view = trend(&[mark(Some(8_000), 5), mark(Some(10_000), 10)]);
        assert_eq!(view.line, "M136.5 113.3L341.5 12");
        let bars: Vec<(&str, &str, &str)> =
            view.bars.iter().map(|bar| (bar.x.as_str(), bar.y.as_str(), bar.height.as_str())).collect();
        assert_eq!(bars, [("127.5", "133.5", "30.5"), ("332.5", "103", "61")]);
        let ticks: Vec<&str> = view.ticks.iter().map(|tick| tick.text.as_str()).collect();
        assert_eq!(ticks, ["70", "80", "90", "100"]);
        assert_eq!(view.last, Some(("341.5".to_owned(), "30".to_owned(), "100.0".to_owned())));
        assert_eq!(view.dots.iter().map(|dot| dot.radius).collect::<Vec<_>>(), ["2.5", "4"]);
    }

    /// Where nothing was due there is a gap, not a zero; a poor period has an axis from nothing; no period draws nothing.
    #[test]
    fn gaps_are_gaps() {
        let view = trend(&[mark(Some(9_000), 1), mark(None, 0), mark(Some(9_500), 1), mark(Some(9_500), 1)]);
        assert_eq!(view.line.matches('M').count(), 2, "{}", view.line);
        assert_eq!((view.dots.len(), view.bars.len()), (3, 4));
        assert_eq!(view.bars[1].height, "0");
        let poor = trend(&[mark(Some(1_200), 3)]);
        assert_eq!(
            poor.ticks.iter().map(|tick| tick.text.as_str()).collect::<Vec<_>>(),
            ["0", "25", "50", "75", "100"]
        );
        let none = trend(&[]);
        assert_eq!((none.line.as_str(), none.last), ("", None));
        assert!(trend(&[mark(None, 0)]).dots.is_empty());
    }

    /// A small line takes all of its height; what never changes runs in the middle; a gap at the end has no dot.
    #[test]
    fn sparks_by_hand() {
        let of = |rates: &[Option<i64>]| spark(rates, String::new());
        assert_eq!(of(&[Some(0), Some(100), Some(50)]).path, "M2 17L37 3L72 10");
        assert_eq!(of(&[Some(7), Some(7)]).path, "M2 10L72 10");
        let gap = of(&[Some(1), Some(2), None]);
        assert_eq!((gap.path.as_str(), gap.dot), ("M2 17L37 3", None));
        assert_eq!(of(&[None, None]).path, "");
        assert_eq!(of(&[Some(1)]).dot, Some(("2".to_owned(), "10".to_owned())));
    }
}
