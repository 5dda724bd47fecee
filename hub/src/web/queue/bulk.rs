//! One move of many cases: each by itself, through the law, at the position of its history at which it was chosen. The answer
//! names each of them and what came of it; sent twice it is done once.

use std::collections::HashSet;

use askama::Template as _;
use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};

use super::{Again, refused};
use crate::app::App;
use crate::case;
use crate::web::error::PageError;
use crate::web::guard::{Fields, SafeForm, Viewer, local_path};
use crate::web::moves::{Made, NotMade, make_at, unit_name, why_not};
use crate::web::shell::{local, shell};
use crate::web::view::{BulkPage, BulkRow, Nav};
use crate::web::words;
use crate::workflow::{Step, VoidReason};
use crate::{db, organisation};

/// Cases of one form.
pub(crate) const MOST: usize = 50;
/// Rows that are told of a case that has changed since it was chosen.
const MOST_TOLD: usize = 5;

/// A case of a form, as it was when it was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Chosen {
    pub(in crate::web) number: String,
    pub(in crate::web) position: i64,
}

/// The cases that a form names, `NUMBER@POSITION` each, one of them once; nothing where one cannot be read.
pub(in crate::web) fn chosen(fields: &Fields) -> Option<Vec<Chosen>> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for (_, value) in fields.pairs().iter().filter(|(name, _)| name == "case") {
        let (number, position) = value.rsplit_once('@')?;
        let position = position.parse().ok()?;
        if seen.insert(number.to_owned()) {
            all.push(Chosen { number: number.to_owned(), position });
        }
    }
    Some(all)
}

/// What is to be done with them.
enum Act {
    Dispatch,
    Void,
    Remind,
}

pub(in crate::web) async fn submit(State(app): State<App>, form: SafeForm) -> Response {
    let (viewer, fields) = (&form.viewer, &form.fields);
    if let Err(error) = viewer.must(crate::user::Act::Queue) {
        return error.into_response();
    }
    let lang = viewer.preferences.lang;
    let back = Some(local_path(fields.get("back"))).filter(|back| back.starts_with("/queue"));
    let back = back.unwrap_or("/queue");
    let text = fields.get("words").replace("\r\n", "\n").trim().to_owned();
    let all = chosen(fields);
    let again = |problem: &'static str| Again {
        checked: all.iter().flatten().map(|one| one.number.clone()).collect(),
        unit: fields.get("lead").to_owned(),
        void: fields.get("void").to_owned(),
        words: fields.get("words").to_owned(),
        problem: Some(problem),
    };
    let act = match fields.get("act") {
        "dispatch" => Some(Act::Dispatch),
        "void" => Some(Act::Void),
        "remind" => Some(Act::Remind),
        _ => None,
    };
    let lead = fields.get("lead").trim().to_owned();
    let void = VoidReason::kept(fields.get("void")).filter(|reason| *reason != VoidReason::Joined);
    let step = match (&all, act) {
        (None, _) | (_, None) => Err(lang.queue_bulk_odd()),
        (Some(all), _) if all.is_empty() => Err(lang.queue_bulk_none()),
        (Some(all), _) if all.len() > MOST => Err(lang.queue_bulk_many()),
        (_, Some(Act::Dispatch)) if lead.is_empty() => Err(lang.queue_bulk_no_unit()),
        (_, Some(Act::Dispatch)) => Ok(Step::Dispatch { lead, co: Vec::new(), note: text }),
        (_, Some(Act::Void)) if void.is_none() => Err(lang.queue_bulk_no_reason()),
        (_, Some(_)) if text.is_empty() => Err(lang.queue_bulk_no_words()),
        (_, Some(Act::Void)) => {
            void.map(|reason| Step::Void { reason, note: text }).ok_or_else(|| lang.queue_bulk_no_reason())
        }
        (_, Some(Act::Remind)) => Ok(Step::Remind { text }),
    };
    let step = match step {
        Ok(step) => step,
        Err(problem) => return refused(&app, viewer, back, again(problem)).await,
    };
    let rows = run(&app, viewer, &all.unwrap_or_default(), &step).await;
    answer(&app, viewer, &step, rows, (Nav::Queue, back)).await
}

/// Makes the move of each, in their order; one that is refused stops none of the others.
pub(in crate::web) async fn run(
    app: &App,
    viewer: &Viewer,
    all: &[Chosen],
    step: &Step,
) -> db::Result<Vec<BulkRow>> {
    let (lang, local) = (viewer.preferences.lang, local(app));
    let (tenant, user) = (app.tenant().as_str(), &viewer.session.user);
    let mut rows = Vec::new();
    for one in all {
        let case = case::store::by_number(&app.db, tenant, user, &one.number).await?;
        let title = case.map(|case| lang.pick(&case.title_zh, &case.title_en).to_owned());
        let mut row = BulkRow {
            number: one.number.clone(),
            title: title.unwrap_or_default(),
            class: "refused",
            word: lang.queue_result_refused(),
            why: String::new(),
            changed: Vec::new(),
        };
        match make_at(app, viewer, (&one.number, one.position), step, &[]).await {
            Ok(Made::Now) => (row.class, row.word) = ("done", lang.queue_result_done()),
            Ok(Made::Before) => (row.class, row.word) = ("before", lang.queue_result_before()),
            Err(NotMade::Gone) => lang.queue_result_gone().clone_into(&mut row.why),
            Err(NotMade::Form(why)) => row.why = why,
            Err(NotMade::Refused(refused)) => row.why = why_not(app, &refused, lang).await?,
            Err(NotMade::Moved(changed)) => {
                lang.queue_result_moved().clone_into(&mut row.why);
                let from = changed.len().saturating_sub(MOST_TOLD);
                row.changed =
                    changed[from..].iter().map(|entry| words::history(entry, &local, lang)).collect();
            }
            // What was done before is committed, and told when the form is sent again.
            Err(NotMade::Db(error)) => return Err(error),
        }
        rows.push(row);
    }
    Ok(rows)
}

/// What came of it, case by case.
pub(in crate::web) async fn answer(
    app: &App,
    viewer: &Viewer,
    step: &Step,
    rows: db::Result<Vec<BulkRow>>,
    (nav, back): (Nav, &str),
) -> Response {
    // What was done before something failed is told to the others too.
    app.changes.wake();
    let page = async {
        let rows = rows?;
        let frame = shell(app, viewer, nav).await?;
        let lang = frame.lang;
        let kind = step.kind();
        let mut what = lang.pick(kind.zh(), kind.en()).to_owned();
        match step {
            Step::Dispatch { lead, .. } => {
                let units = organisation::store::units(&app.db, app.tenant().as_str()).await?;
                what = format!("{what} → {}", unit_name(&units, lead, lang));
            }
            Step::Void { reason, .. } => what = format!("{what} · {}", lang.pick(reason.zh(), reason.en())),
            _ => {}
        }
        let mut frame = frame;
        // The address of a form is not carried on.
        frame.here = format!("{back}{}", if back.contains('?') { "&" } else { "?" });
        let page = BulkPage { what, rows, back: back.to_owned(), shell: &frame };
        Ok::<_, PageError>(Html(page.render()?).into_response())
    };
    page.await.unwrap_or_else(|error: PageError| error.shown(viewer).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers hold dashes, positions are what comes last; one case is taken once, as it was named first.
    #[test]
    fn cases_of_a_form() {
        let of = |form: &str| chosen(&Fields::parse(form.as_bytes()));
        let one = |number: &str, position| Chosen { number: number.to_owned(), position };
        assert_eq!(
            of("case=20260318-001%4012&x=1&case=20260318-002%407&case=20260318-001%4099"),
            Some(vec![one("20260318-001", 12), one("20260318-002", 7)])
        );
        assert_eq!(of("act=void"), Some(vec![]));
        for odd in ["case=20260318-001", "case=20260318-001%40", "case=x%40y"] {
            assert_eq!(of(odd), None, "{odd}");
        }
    }
}
