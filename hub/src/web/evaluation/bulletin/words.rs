//! The month in words. Pure: every number is one of the bulletin's own figures, so the text cannot say anything else than the
//! tables do. Of what there is nothing, nothing is said.

use super::{change, name_of};
use crate::evaluation::bulletin::{Bulletin, League, Line};
use crate::evaluation::names::Names;
use crate::evaluation::table::{Figure, TableRow};
use crate::evaluation::{By, Measure};
use crate::web::evaluation::share;
use crate::web::text::Lang;

/// Categories and places that a sentence names.
const NAMED: usize = 3;

/// Sentences, in the order in which a bulletin is read out.
pub(super) fn words(bulletin: &Bulletin, month: &str, names: &Names, lang: Lang) -> Vec<String> {
    let figures = Lines(&bulletin.lines);
    let mut all = vec![figures.course(month, lang)];
    all.extend(figures.closing(lang));
    all.extend(figures.quality(lang));
    all.extend(figures.left(lang));
    all.extend(categories(&bulletin.categories, names, lang));
    all.extend(bulletin.leagues.iter().filter_map(|own| league(own, names, lang)));
    all
}

struct Lines<'a>(&'a [Line]);

impl Lines<'_> {
    fn line(&self, measure: Measure) -> Option<&Line> {
        self.0.iter().find(|line| line.measure == measure)
    }

    fn now(&self, measure: Measure) -> Figure {
        self.line(measure).map_or(Figure::default(), |line| line.now)
    }

    fn n(&self, measure: Measure) -> i64 {
        self.now(measure).n
    }

    /// `按期结案率 90.3%，比上月 +2.3 个百分点`; nothing of nothing.
    fn rate(&self, measure: Measure, lang: Lang) -> Option<String> {
        let line = self.line(measure)?;
        let rate = share(Some(line.now.rate()?));
        let name = lang.pick(measure.zh(), measure.en());
        let moved = line.before.rate().map(|_| change(measure, line.now, line.before));
        Some(match (moved, lang.is_zh()) {
            (Some(moved), true) => format!("{name} {rate}%（比上月 {moved} 个百分点）"),
            (Some(moved), false) => format!("{name} {rate}% ({moved} points on the month before)"),
            (None, true) => format!("{name} {rate}%"),
            (None, false) => format!("{name} {rate}%"),
        })
    }

    fn rates(&self, measures: &[Measure], lang: Lang) -> Option<String> {
        let parts: Vec<String> = measures.iter().filter_map(|measure| self.rate(*measure, lang)).collect();
        (!parts.is_empty()).then(|| sentence(&parts.join(lang.pick("，", ", ")), lang))
    }

    fn course(&self, month: &str, lang: Lang) -> String {
        let [reported, taken_up, filed, closed] =
            [Measure::Reported, Measure::TakenUp, Measure::Filed, Measure::Closed].map(|one| self.n(one));
        if lang.is_zh() {
            format!("{month}上报 {reported} 件，受理 {taken_up} 件，立案 {filed} 件，结案 {closed} 件。")
        } else {
            format!("{month}: {reported} reported, {taken_up} taken up, {filed} filed, {closed} closed.")
        }
    }

    fn closing(&self, lang: Lang) -> Option<String> {
        let due = self.n(Measure::DueToClose);
        let rates = self.rates(&[Measure::ClosingRate, Measure::ClosingOnTime], lang)?;
        Some(if lang.is_zh() {
            format!("应结案 {due} 件，{rates}")
        } else {
            format!("{due} were due to be closed: {rates}")
        })
    }

    fn quality(&self, lang: Lang) -> Option<String> {
        let rates = [Measure::HandlingOnTime, Measure::DispatchAccurate, Measure::ReworkRate];
        let rates = self.rates(&rates, lang);
        let asked = self.now(Measure::Satisfaction).d;
        let said = self.rate(Measure::Satisfaction, lang).map(|said| {
            if lang.is_zh() {
                format!("回访到 {asked} 人，{said}。")
            } else {
                format!("{asked} citizens were reached: {said}.")
            }
        });
        let parts: Vec<String> = [rates, said].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(lang.pick("", " ")))
    }

    fn left(&self, lang: Lang) -> Option<String> {
        let [open, late, suspended] =
            [Measure::Unhandled, Measure::UnhandledLate, Measure::Suspended].map(|one| self.n(one));
        if open + suspended == 0 {
            return None;
        }
        Some(if lang.is_zh() {
            format!("月末未处置 {open} 件，其中超期 {late} 件；挂账 {suspended} 件。")
        } else {
            format!(
                "At the end of the month {open} are not handled, {late} of them overdue; {suspended} are suspended."
            )
        })
    }
}

fn sentence(text: &str, lang: Lang) -> String {
    format!("{text}{}", lang.pick("。", "."))
}

fn categories(rows: &[TableRow], names: &Names, lang: Lang) -> Option<String> {
    let part = |row: &TableRow| {
        let (name, count) = (name_of(names, By::Category, row, lang), row.figures.get(Measure::Filed).n);
        if lang.is_zh() { format!("{name} {count} 件") } else { format!("{name} ({count})") }
    };
    let parts: Vec<String> = rows.iter().take(NAMED).map(part).collect();
    (!parts.is_empty()).then(|| {
        let all = parts.join(lang.pick("、", ", "));
        sentence(&format!("{}{all}", lang.pick("立案最多的是", "Most were filed as ")), lang)
    })
}

fn league(league: &League, names: &Names, lang: Lang) -> Option<String> {
    let listed = |rows: &[TableRow]| {
        let part = |row: &TableRow| {
            let name = name_of(names, league.by, row, lang);
            if lang.is_zh() {
                format!("{name}（{}）", share(row.score))
            } else {
                format!("{name} ({})", share(row.score))
            }
        };
        rows.iter().take(NAMED).map(part).collect::<Vec<_>>().join(lang.pick("、", ", "))
    };
    if league.best.is_empty() {
        return None;
    }
    let what = lang.pick(league.by.zh(), league.by.en());
    let best = listed(&league.best);
    Some(match (league.worst.is_empty(), lang.is_zh()) {
        (true, true) => format!("{what}排名靠前的是{best}。"),
        (true, false) => format!("{what} league: {best} lead."),
        (false, true) => format!("{what}排名靠前的是{best}，靠后的是{}。", listed(&league.worst)),
        (false, false) => format!("{what} league: {best} lead, {} are last.", listed(&league.worst)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::table::Figures;

    fn line(measure: Measure, now: (i64, i64), before: (i64, i64)) -> Line {
        let figure = |(n, d)| Figure { n, d, ..Figure::default() };
        Line { measure, now: figure(now), before: figure(before), a_year_ago: Figure::default() }
    }

    fn row(key: &str, figures: Figures, score: Option<i64>) -> TableRow {
        TableRow { key: key.into(), rank: score.map(|_| 1), score, figures }
    }

    fn bulletin(lines: Vec<Line>) -> Bulletin {
        Bulletin {
            month: "2026-02".into(),
            kept: None,
            cases: 0,
            unread: 0,
            lines,
            leagues: vec![],
            overdue: vec![],
            overdue_count: 0,
            categories: vec![],
        }
    }

    /// By hand, in both languages: the numbers are those of the lines, changes in points with their sign.
    #[test]
    fn a_month_in_words() {
        let lines = vec![
            line(Measure::Reported, (700, 0), (650, 0)),
            line(Measure::TakenUp, (690, 0), (640, 0)),
            line(Measure::Filed, (640, 0), (600, 0)),
            line(Measure::Closed, (590, 0), (500, 0)),
            line(Measure::DueToClose, (614, 0), (520, 0)),
            line(Measure::ClosingOnTime, (554, 614), (458, 520)),
            line(Measure::Satisfaction, (345, 381), (0, 0)),
            line(Measure::Unhandled, (40, 0), (0, 0)),
            line(Measure::UnhandledLate, (17, 0), (0, 0)),
        ];
        let mut month = bulletin(lines);
        month.leagues = vec![League {
            by: By::Unit,
            ranked: 2,
            unranked: 0,
            best: vec![row("power", Figures::default(), Some(9_890))],
            worst: vec![row("telecom", Figures::default(), Some(7_670))],
        }];
        let names = Names::default();
        let said = words(&month, "2026年2月", &names, Lang::Zh);
        assert_eq!(
            said,
            [
                "2026年2月上报 700 件，受理 690 件，立案 640 件，结案 590 件。",
                "应结案 614 件，按期结案率 90.2%（比上月 +2.1 个百分点）。",
                "回访到 381 人，满意率 90.6%。",
                "月末未处置 40 件，其中超期 17 件；挂账 0 件。",
                "单位排名靠前的是power（98.9），靠后的是telecom（76.7）。",
            ]
        );
        let english = words(&month, "2026-02", &names, Lang::En).join(" ");
        assert!(english.contains("Closing on time 90.2% (+2.1 points on the month before)"), "{english}");
        assert!(english.is_ascii(), "{english}");
    }

    /// Of a month without cases only that is said.
    #[test]
    fn of_nothing_nothing_is_said() {
        let said = words(&bulletin(vec![]), "2026-02", &Names::default(), Lang::En);
        assert_eq!(said, ["2026-02: 0 reported, 0 taken up, 0 filed, 0 closed."]);
    }
}
