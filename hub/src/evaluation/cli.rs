//! `hub evaluate`.

use anyhow::{Context as _, Result};

use super::names::Names;
use super::table::{Figure, Figures};
use super::{By, Measure, Period, Question, Scope, Shape, close, tables};
use crate::app::App;
use crate::organisation;

/// What a table on the terminal shows; the page, the API and their files have every measure.
const COLUMNS: [Measure; 9] = [
    Measure::DueToHandle,
    Measure::Handled,
    Measure::HandledLate,
    Measure::UnhandledLate,
    Measure::HandlingOnTime,
    Measure::ClosingOnTime,
    Measure::ReworkRate,
    Measure::Satisfaction,
    Measure::TimeToClose,
];

/// Prints a table.
pub async fn show(app: &App, by: By, period: Option<Period>, area: &str) -> Result<()> {
    let period = match period {
        Some(period) => period,
        None => {
            Period::month_of(app.clock.now(), &app.zone).context("the machine's clock is out of range")?
        }
    };
    let area = match area {
        "" => String::new(),
        id => {
            let found = organisation::store::area(&app.db, app.tenant().as_str(), id).await?;
            found.with_context(|| format!("there is no area {id}; `hub area list` names them"))?.path
        }
    };
    let question = Question::new(app, period, Scope::everything(), &area);
    let shown = tables(app, &question, &[by]).await?.pop().context("one table was asked for")?;
    let names = Names::read(app).await?;
    let table = &shown.table;
    println!("{} by {}, {} cases, weights of policy {}", table.period, by.en(), table.cases, table.policy);
    match &shown.kept {
        Some(kept) => {
            let at = app.local_time(protocol::UtcMs(kept.made_at_ms));
            println!("closed {at}, history up to root {}, SHA-256 {}", kept.root, kept.hash);
        }
        None => println!("not closed: figures of now"),
    }
    if table.unread > 0 {
        println!("{} cases are not in it: their history does not say what they were then", table.unread);
    }
    let heads: Vec<&str> = COLUMNS.iter().map(|measure| measure.as_str()).collect();
    println!("rank\tscore\t{}\t{}", by.as_str(), heads.join("\t"));
    for row in &table.rows {
        let rank = row.rank.map_or("-".to_owned(), |rank| rank.to_string());
        let name = names.of(by, &row.key).0;
        println!("{rank}\t{}\t{name}\t{}", percent(row.score), line(&row.figures));
    }
    println!("\t\ttotal\t{}", line(&table.total));
    Ok(())
}

fn line(figures: &Figures) -> String {
    COLUMNS.iter().map(|measure| word(*measure, figures.get(*measure))).collect::<Vec<_>>().join("\t")
}

fn word(measure: Measure, figure: Figure) -> String {
    match measure.shape() {
        Shape::Count | Shape::Stock => figure.n.to_string(),
        Shape::Rate => match figure.rate() {
            Some(rate) => format!("{} ({}/{})", percent(Some(rate)), figure.n, figure.d),
            None => percent(None),
        },
        Shape::Length => figure
            .average()
            .map_or("—".to_owned(), |(working, natural)| format!("{working} min ({natural} min)")),
    }
}

/// Hundredths of a percent as percent.
fn percent(value: Option<i64>) -> String {
    value.map_or("—".to_owned(), |value| format!("{}.{:02}", value / 100, value % 100))
}

/// Makes the tables of a closed month again and says whether they are what was published.
pub async fn rebuild(app: &App, period: &Period) -> Result<()> {
    anyhow::ensure!(period.is_month(), "months are closed, such as 2026-10; {period} is none");
    let rebuilt = close::rebuild(app, period).await?;
    anyhow::ensure!(
        !rebuilt.is_empty(),
        "{period} is not closed; `hub evaluate show` has its figures of now"
    );
    for table in &rebuilt {
        match (&table.differs, table.whole) {
            (None, true) => println!("{}\tidentical", table.kind),
            (None, false) => println!("{}\tidentical, but its hash is not the one that was kept", table.kind),
            (Some(at), whole) => {
                let kept = if whole { "" } else { " (what is kept is not what was kept)" };
                println!("{}\tdiffers: {at}{kept}", table.kind);
            }
        }
    }
    let bad = rebuilt.iter().filter(|table| !table.is_good()).count();
    anyhow::ensure!(
        bad == 0,
        "{bad} of {} tables of {period} are not as they were published; `hub verify-history` says whether the history is whole",
        rebuilt.len()
    );
    println!("{period} is as it was published, byte by byte");
    Ok(())
}
