//! 通报, to be read and printed.

mod words;

use axum::extract::State;
use axum::response::Html;
use protocol::UtcMs;

use super::{Here, Links, behind, bulletin_url, kept, pick, share, tabs, tenths, text};
use crate::app::App;
use crate::case::store::seal;
use crate::evaluation::asked::{self, Asked};
use crate::evaluation::bulletin::{self, League, Line};
use crate::evaluation::names::Names;
use crate::evaluation::table::{Figure, TableRow};
use crate::evaluation::{By, Measure, Part, Period, Shape};
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{Fields, Viewer};
use crate::web::shell::{local, render, shell};
use crate::web::text::Lang;
use crate::web::view::{BulletinPage, LeagueView, LineView, Nav, SignedRootView};

/// `+3`, `−1.2`: a share in percentage points, everything else as it is counted; nothing to compare, nothing said.
fn change(measure: Measure, now: Figure, then: Figure) -> String {
    let signed = |change: i64, text: String| match change {
        0 => "0".to_owned(),
        1.. => format!("+{text}"),
        _ => format!("−{text}"),
    };
    let points = |now: Option<i64>, then: Option<i64>| {
        now.zip(then).map_or("—".to_owned(), |(now, then)| {
            let change = (now + 5) / 10 - (then + 5) / 10;
            signed(change, tenths(change.abs()))
        })
    };
    match measure.shape() {
        Shape::Count | Shape::Stock => signed(now.n - then.n, (now.n - then.n).abs().to_string()),
        Shape::Rate => points(now.rate(), then.rate()),
        Shape::Length => now.average().zip(then.average()).map_or("—".to_owned(), |(now, then)| {
            let change = (now.0 + 3) / 6 - (then.0 + 3) / 6;
            signed(change, tenths(change.abs()))
        }),
    }
}

pub(in crate::web) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::Evaluate)?;
    let frame = shell(&app, &viewer, Nav::Evaluation).await?;
    let lang = frame.lang;
    let asked =
        Asked::month(&app, &fields, &viewer.session).await.map_err(|e| PageError::from(e).shown(&viewer))?;
    let made = bulletin::bulletin(&app, &asked.question).await;
    let found = made.map_err(|error| PageError::from(error).shown(&viewer))?;
    let shown = |error: crate::db::Error| PageError::from(error).shown(&viewer);
    let names = Names::read(&app).await.map_err(shown)?;
    let overdue = found.overdue.clone();
    let seen = asked::seen(&app, overdue, &viewer.session.user).await.map_err(shown)?;
    let local = local(&app);
    let month = &asked.question.period;
    let links = Links { by: By::Unit, period: found.month.clone(), area: &asked.area, lang };
    let line = |line: &Line| LineView {
        name: lang.pick(line.measure.zh(), line.measure.en()),
        now: links.figure(line.measure, line.now, None),
        before: text(line.measure, line.before, lang),
        change: change(line.measure, line.now, line.before),
        a_year_ago: text(line.measure, line.a_year_ago, lang),
        year_change: change(line.measure, line.now, line.a_year_ago),
    };
    let categories = Links { by: By::Category, period: found.month.clone(), area: &asked.area, lang };
    let category = |row: &TableRow| {
        let filed = categories.figure(Measure::Filed, row.figures.get(Measure::Filed), Some(&row.key));
        (pick(names.of(By::Category, &row.key), lang), filed)
    };
    let neighbour =
        |period: Option<Period>| period.map(|period| bulletin_url(&period.to_string(), &asked.area));
    let month_words = if lang.is_zh() {
        format!("{}年{}月", month.from.year(), month.from.month())
    } else {
        found.month.clone()
    };
    let root = match &found.kept {
        None => None,
        Some(kept) => seal::root(&app.db, app.tenant().as_str(), kept.root).await.map_err(shown)?,
    };
    let page = BulletinPage {
        tabs: tabs(&links, month, Here::Bulletin),
        words: words::words(&found, &month_words, &names, lang),
        month: found.month.clone(),
        month_words,
        root: root.map(|root| SignedRootView {
            made: local.moment(UtcMs(root.at_ms)),
            hash: root.hash,
            signer: root.signer,
            signature: root.signature,
        }),
        kept: found.kept.as_ref().map(|vouched| kept(vouched, &local)),
        cases: found.cases,
        unread: found.unread,
        lines: found.lines.iter().map(line).collect(),
        leagues: found.leagues.iter().map(|one| league(one, &names, lang)).collect(),
        overdue: seen.0.iter().map(|row| behind(row, &names, &local, lang)).collect(),
        overdue_count: found.overdue_count,
        overdue_url: links.behind(Measure::UnhandledLate, Part::Numerator, None),
        categories: found.categories.iter().map(category).collect(),
        before: neighbour(month.before()),
        after: neighbour(month.after().filter(|after| after.span(&app.zone, local.now).from <= local.now)),
        csv: bulletin_url(&found.month, &asked.area).replacen(
            "/evaluation/bulletin",
            "/api/v1/evaluation/bulletin.csv",
            1,
        ),
        xlsx: bulletin_url(&found.month, &asked.area).replacen(
            "/evaluation/bulletin",
            "/api/v1/evaluation/bulletin.xlsx",
            1,
        ),
        shell: &frame,
    };
    render(&page, &viewer)
}

fn name_of(names: &Names, by: By, row: &TableRow, lang: Lang) -> String {
    pick(names.of(by, &row.key), lang)
}

fn league(league: &League, names: &Names, lang: Lang) -> LeagueView {
    let place = |row: &TableRow| {
        let rank = row.rank.map_or("—".to_owned(), |rank| rank.to_string());
        (rank, name_of(names, league.by, row, lang), share(row.score))
    };
    LeagueView {
        name: format!("{}{}", lang.pick(league.by.zh(), league.by.en()), lang.pick("排名", " league")),
        ranked: league.ranked,
        unranked: league.unranked,
        best: league.best.iter().map(place).collect(),
        worst: league.worst.iter().map(place).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: changes in points and with their sign; nothing to compare, nothing said.
    #[test]
    fn changes_by_hand() {
        let rate = |n, d| Figure { n, d, ..Figure::default() };
        assert_eq!(change(Measure::Satisfaction, rate(1, 2), rate(3, 4)), "−25.0");
        assert_eq!(change(Measure::Satisfaction, rate(1, 2), rate(0, 0)), "—");
        assert_eq!(change(Measure::Filed, rate(5, 0), rate(2, 0)), "+3");
        assert_eq!(change(Measure::Filed, rate(5, 0), rate(5, 0)), "0");
    }
}
