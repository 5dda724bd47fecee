//! 综合评价: the overview and the tables, the cases behind a figure, the density map, trends, and the bulletin.

pub(super) mod bulletin;
pub(super) mod cases;
pub(super) mod density;
mod overview;
pub(super) mod table;
mod trend;
pub(super) mod trends;

use protocol::UtcMs;

use super::error::PageError;
use super::guard::{Viewer, percent};
use super::moment::LocalTime;
use super::shell::shell;
use super::text::Lang;
use super::view::{
    AreaChoice, BehindView, EvaluationTabs, FigureView, FilterChoice, KeptView, MeasureView, Nav, PartsView,
    Shell,
};
use super::words;
use crate::app::App;
use crate::evaluation::asked::{AskError, Asked};
use crate::evaluation::names::Names;
use crate::evaluation::store::Behind;
use crate::evaluation::table::{Figure, Figures};
use crate::evaluation::{By, EvaluationError, Item, Kept, Measure, Narrow, Part, Period, Shape};
use crate::organisation;

/// Areas to choose from; more are reached by their address.
const MOST_AREAS: usize = 500;

impl From<AskError> for PageError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Input(why) => Self::Input(why),
            AskError::Db(error) => error.into(),
        }
    }
}

impl From<EvaluationError> for PageError {
    fn from(error: EvaluationError) -> Self {
        match error {
            EvaluationError::Tampered { .. } => Self::Internal(error.to_string()),
            EvaluationError::Db(error) => error.into(),
        }
    }
}

/// What pages of figures begin with.
struct Opening {
    frame: Shell,
    asked: Asked,
    names: Names,
    areas: Vec<AreaChoice>,
}

impl Opening {
    /// `asked`: what the address asks for; where that is nothing, the page says why.
    async fn of(app: &App, viewer: &Viewer, asked: Result<Asked, AskError>) -> Result<Self, PageError> {
        let shown = |error: PageError| error.shown(viewer);
        let frame = shell(app, viewer, Nav::Evaluation).await?;
        let asked = asked.map_err(|error| shown(error.into()))?;
        let names = Names::read(app).await.map_err(|error| shown(error.into()))?;
        let areas = areas(app, &asked.area, frame.lang).await.map_err(|error| shown(error.into()))?;
        Ok(Self { frame, asked, names, areas })
    }
}

/// The address of a table, and of what lies behind its figures.
struct Links<'a> {
    by: By,
    period: String,
    area: &'a str,
    lang: Lang,
}

impl Links<'_> {
    fn query(&self, by: By, period: &str) -> String {
        let (word, level) = by.words();
        let mut query = format!("by={word}&period={}", percent(period));
        for (name, value) in [("level", level), ("area", self.area)] {
            if !value.is_empty() {
                query += &format!("&{name}={}", percent(value));
            }
        }
        query
    }

    fn table(&self, by: By, period: &str) -> String {
        format!("/evaluation?{}", self.query(by, period))
    }

    /// `key`: of a row; nothing for the total.
    fn behind(&self, measure: Measure, part: Part, key: Option<&str>) -> String {
        let query = self.query(self.by, &self.period);
        let key = key.map_or(String::new(), |key| format!("&key={}", percent(key)));
        format!("/evaluation/cases?{query}&measure={measure}&part={}{key}", part.as_str())
    }

    /// The same of a part of the figure.
    fn behind_part(&self, measure: Measure, part: Part, key: Option<&str>, narrow: &Narrow) -> String {
        let texts = [("category", &narrow.category), ("community", &narrow.community)];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, percent(text.as_ref()?))));
        let cause = narrow.cause.map(|cause| ("cause", cause.to_string()));
        let numbers = [("weekday", narrow.weekday), ("hour", narrow.hour)];
        let numbers = numbers.into_iter().filter_map(|(name, number)| Some((name, number?.to_string())));
        let mut address = self.behind(measure, part, key);
        for (name, value) in texts.chain(cause).chain(numbers) {
            address += &format!("&{name}={value}");
        }
        address
    }

    /// The period before, this one and the one after; `url`: where each is shown.
    fn periods(&self, own: &Period, url: impl Fn(&Self, &str) -> String) -> Vec<FilterChoice> {
        let all = [
            (self.lang.pick("上一期", "Before"), own.before()),
            (self.lang.pick("本期", "This one"), Some(own.clone())),
            (self.lang.pick("下一期", "After"), own.after()),
        ];
        let choice = |(word, period): (&'static str, Option<Period>)| {
            let period = period?.to_string();
            let on = period == self.period;
            Some(FilterChoice { word, url: url(self, &period), on })
        };
        all.into_iter().filter_map(choice).collect()
    }

    /// Another page of the same period and area.
    fn page(&self, page: &str, period: &str) -> String {
        let area = if self.area.is_empty() { String::new() } else { format!("&area={}", percent(self.area)) };
        format!("/evaluation/{page}?period={}{area}", percent(period))
    }

    fn figure(&self, measure: Measure, figure: Figure, key: Option<&str>) -> FigureView {
        let part = if measure.shape() == Shape::Rate { Part::Denominator } else { Part::Numerator };
        let counts = figure.n > 0 || figure.d > 0;
        let parts = (measure.shape() == Shape::Rate && counts).then(|| PartsView {
            n: figure.n,
            n_url: (figure.n > 0).then(|| self.behind(measure, Part::Numerator, key)),
            d: figure.d,
            d_url: self.behind(measure, Part::Denominator, key),
        });
        FigureView {
            text: text(measure, figure, self.lang),
            url: counts.then(|| self.behind(measure, part, key)),
            parts,
        }
    }

    fn figures(&self, figures: &Figures, key: Option<&str>) -> Vec<FigureView> {
        Measure::ALL.iter().map(|measure| self.figure(*measure, figures.get(*measure), key)).collect()
    }
}

/// A figure as it is read: of nothing there is no rate and no average, which is not the same as a rate of 0.
fn text(measure: Measure, figure: Figure, lang: Lang) -> String {
    let nothing = || lang.pick("无", "none").to_owned();
    match measure.shape() {
        Shape::Count | Shape::Stock => figure.n.to_string(),
        Shape::Rate => figure.rate().map_or_else(nothing, |rate| share(Some(rate))),
        Shape::Length => {
            let both = figure.average();
            both.map_or_else(nothing, |(working, natural)| format!("{} / {}", hours(working), hours(natural)))
        }
    }
}

/// Hundredths of a percent as percent with one decimal.
fn share(value: Option<i64>) -> String {
    value.map_or("—".to_owned(), |value| tenths((value + 5) / 10))
}

/// Minutes as hours with one decimal.
fn hours(minutes: i64) -> String {
    tenths((minutes + 3) / 6)
}

fn tenths(value: i64) -> String {
    format!("{}.{}", value / 10, value % 10)
}

fn measures(lang: Lang) -> Vec<MeasureView> {
    let one = |measure: &Measure| MeasureView {
        name: lang.pick(measure.zh(), measure.en()),
        unit: match measure.shape() {
            Shape::Count | Shape::Stock => "",
            Shape::Rate => "%",
            Shape::Length => lang.pick("工作小时 / 自然小时", "working hours / hours"),
        },
    };
    Measure::ALL.iter().map(one).collect()
}

/// Which of the pages it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Here {
    League,
    Density,
    Trends,
    Bulletin,
}

fn tabs(links: &Links<'_>, period: &Period, here: Here) -> EvaluationTabs {
    EvaluationTabs {
        league: links.table(links.by, &links.period),
        density: links.page("density", &links.period),
        trends: links.page("trends", &links.period),
        bulletin: period.is_month().then(|| bulletin_url(&links.period, links.area)),
        here: match here {
            Here::League => "league",
            Here::Density => "density",
            Here::Trends => "trends",
            Here::Bulletin => "bulletin",
        },
    }
}

fn kept(kept: &Kept, local: &LocalTime) -> KeptView {
    let head: String = kept.hash.chars().take(4).collect();
    let tail = kept.hash.get(kept.hash.len().saturating_sub(4)..).unwrap_or_default();
    KeptView {
        made: local.moment(UtcMs(kept.made_at_ms)),
        hash_short: format!("{head}…{tail}"),
        hash: kept.hash.clone(),
        root: kept.root,
    }
}

fn pick((zh, en): (String, String), lang: Lang) -> String {
    if lang.is_zh() || en.is_empty() { zh } else { en }
}

fn bulletin_url(month: &str, area: &str) -> String {
    let area = if area.is_empty() { String::new() } else { format!("&area={}", percent(area)) };
    format!("/evaluation/bulletin?month={}{area}", percent(month))
}

async fn areas(app: &App, chosen: &str, lang: Lang) -> crate::db::Result<Vec<AreaChoice>> {
    let all = organisation::store::areas(&app.db, app.tenant().as_str()).await?;
    let choice = |area: organisation::Area| AreaChoice {
        on: area.area == chosen,
        name: pick((area.name_zh, area.name_en), lang),
        id: area.area,
    };
    Ok(all.into_iter().take(MOST_AREAS).map(choice).collect())
}

/// `得分 = 按期处置率 × 50% + …`
fn weights(weights: &std::collections::BTreeMap<String, u32>, penalty: u32, lang: Lang) -> String {
    let part = |(word, percent): (&String, &u32)| {
        let measure: Measure = word.parse().ok()?;
        let name = lang.pick(measure.zh(), measure.en());
        let name =
            if measure.is_fault() { format!("(100 − {penalty} × {name})") } else { name.to_owned() };
        Some(format!("{name} × {percent}%"))
    };
    let parts: Vec<String> = weights.iter().filter_map(part).collect();
    format!("{} = {}{}", lang.pick("得分", "Score"), parts.join(" + "), lang.pick("。", "."))
}

fn behind((item, behind): &(Item, Behind), names: &Names, local: &LocalTime, lang: Lang) -> BehindView {
    let category = behind.category.as_deref().filter(|category| !category.is_empty());
    BehindView {
        number: item.number.clone(),
        title: lang.pick(&behind.title_zh, &behind.title_en).to_owned(),
        at: local.moment(item.at),
        unit: item.unit.as_deref().map(|unit| pick(names.unit(unit), lang)).unwrap_or_default(),
        state: words::state(&behind.state, lang).word.to_owned(),
        area: pick(names.area(&behind.area), lang),
        category: category.map(|id| pick(names.of(By::Category, id), lang)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: shares and hours with one decimal, nothing of nothing.
    #[test]
    fn figures_as_they_are_read() {
        let rate = |n, d| Figure { n, d, ..Figure::default() };
        let zh = |measure, figure| text(measure, figure, Lang::Zh);
        assert_eq!(zh(Measure::Satisfaction, rate(2, 3)), "66.7");
        assert_eq!(zh(Measure::Satisfaction, rate(0, 0)), "无");
        assert_eq!(text(Measure::Satisfaction, rate(0, 0), Lang::En), "none");
        assert_eq!(zh(Measure::Satisfaction, rate(0, 4)), "0.0");
        assert_eq!(zh(Measure::Filed, rate(0, 0)), "0", "how many there are is never nothing");
        assert_eq!(zh(Measure::TimeToClose, rate(0, 0)), "无");
        let length = Figure { n: 2, working_min: 150, natural_min: 2_880, ..Figure::default() };
        assert_eq!(zh(Measure::TimeToClose, length), "1.3 / 24.0");
    }
}
