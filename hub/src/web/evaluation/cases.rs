//! The cases behind a figure, or behind a part of it.

use axum::extract::State;
use axum::response::Html;

use super::{Links, behind, pick};
use crate::app::App;
use crate::evaluation::asked::{self, AskError, Asked};
use crate::evaluation::names::Names;
use crate::evaluation::{By, Narrow, Part, Place, Shape};
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{Fields, Viewer};
use crate::web::shell::{local, render, shell};
use crate::web::text::Lang;
use crate::web::view::{EvaluationCasesPage, Nav};

/// Cases of one page.
const PAGE: usize = 200;

pub(in crate::web) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::Evaluate)?;
    let frame = shell(&app, &viewer, Nav::Evaluation).await?;
    let lang = frame.lang;
    let shown = |error: AskError| PageError::from(error).shown(&viewer);
    let asked = Asked::read(&app, &fields, &viewer.session).await.map_err(shown)?;
    let place = Place::read(&fields, asked.by).map_err(shown)?;
    let narrow = Narrow::read(&fields).map_err(shown)?;
    let after = fields.get("after").parse().unwrap_or(0);
    let found = asked::page(&app, &asked, (&place, &narrow), &viewer.session.user, (after, PAGE)).await;
    let found = found.map_err(shown)?;
    let names = Names::read(&app).await.map_err(|error| PageError::from(error).shown(&viewer))?;
    let local = local(&app);
    let period = asked.question.period.to_string();
    let links = Links { by: asked.by, period: period.clone(), area: &asked.area, lang };
    let own = links.behind_part(place.measure, place.part, place.key.as_deref(), &narrow);
    let file =
        |ending: &str| own.replacen("/evaluation/cases", &format!("/api/v1/evaluation/cases.{ending}"), 1);
    let page = EvaluationCasesPage {
        measure: lang.pick(place.measure.zh(), place.measure.en()),
        row: match &place.key {
            Some(key) => pick(names.of(asked.by, key), lang),
            None => lang.pick("合计", "Total").to_owned(),
        },
        part: match (place.measure.shape(), place.part) {
            (Shape::Rate, Part::Numerator) => lang.pick("分子", "of which"),
            (Shape::Rate, Part::Denominator) => lang.pick("分母", "of all"),
            (_, Part::Missed) => lang.ev_missed(),
            _ => "",
        },
        narrow: in_words(&narrow, &names, lang),
        count: found.count,
        hidden: found.hidden,
        rows: found.rows.iter().map(|row| behind(row, &names, &local, lang)).collect(),
        back: links.table(asked.by, &period),
        next: found.next.map(|next| format!("{own}&after={next}")),
        csv: file("csv"),
        xlsx: file("xlsx"),
        period,
        shell: &frame,
    };
    render(&page, &viewer)
}

/// Which part of the figure it is.
fn in_words(narrow: &Narrow, names: &Names, lang: Lang) -> Vec<String> {
    let named = |id: &str, none: &str, name: (String, String)| {
        if id.is_empty() { none.to_owned() } else { pick(name, lang) }
    };
    let category =
        narrow.category.as_deref().map(|id| named(id, lang.ev_unfiled(), names.of(By::Category, id)));
    let community =
        narrow.community.as_deref().map(|path| named(path, lang.ev_no_community(), names.area(path)));
    let cause = narrow.cause.map(|cause| lang.pick(cause.zh(), cause.en()).to_owned());
    let weekday =
        narrow.weekday.and_then(|nth| usize::try_from(nth).ok()).map(|nth| lang.weekday(nth).to_owned());
    let hour = narrow.hour.map(|hour| format!("{hour:02} {}", lang.ev_hour()));
    [category, community, cause, weekday, hour].into_iter().flatten().collect()
}
