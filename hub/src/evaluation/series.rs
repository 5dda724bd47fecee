//! Tables of several periods in a row, each as [`super::tables`] would make it alone, in one reading.
//!
//! Closed months are shown as they were published and cost no reading at all; of the others each case is read once
//! ([`super::sweep`]).

use std::sync::Arc;

use super::reading::Cut;
use super::roster::{self, Entry};
use super::sweep::{Look, sweep};
use super::table::Tally;
use super::{
    By, EvaluationError, Period, Question, Shown, policy_of, published, roster_of_closed, roster_of_now,
    store,
};
use crate::app::App;
use crate::policy::Policy;

/// Longest row of periods.
pub const MOST_PERIODS: usize = 31;

/// By what a period that nobody published is reckoned.
#[derive(Clone)]
struct Basis {
    cut: Cut,
    policy: Arc<Policy>,
    roster: Option<Arc<Vec<Entry>>>,
}

/// The period of a question and those of its kind before it, `count` in all, the oldest first. Fewer where the calendar
/// begins.
pub async fn series(
    app: &App,
    question: &Question,
    by: By,
    count: usize,
) -> Result<Vec<Shown>, EvaluationError> {
    let mut periods: Vec<Period> = vec![question.period.clone()];
    while periods.len() < count.clamp(1, MOST_PERIODS) {
        let Some(before) = periods.last().and_then(Period::before) else { break };
        periods.push(before);
    }
    let questions: Vec<Question> = periods
        .into_iter()
        .rev()
        .map(|period| if period == question.period { question.clone() } else { question.of(app, period) })
        .collect();
    let mut shown: Vec<Option<Shown>> = Vec::with_capacity(questions.len());
    let (mut looks, mut bases): (Vec<Look>, Vec<Basis>) = (Vec::new(), Vec::new());
    let mut of_now: Option<Basis> = None;
    for question in &questions {
        let found = published(app, question, by).await?;
        if found.is_none() {
            let basis = basis(app, question, &mut of_now).await?;
            looks.push(Look { question: question.clone(), cut: basis.cut });
            bases.push(basis);
        }
        shown.push(found);
    }
    let mut made = made(app, by, &looks, &bases).await?.into_iter();
    Ok(shown.into_iter().filter_map(|one| one.or_else(|| made.next())).collect())
}

async fn basis(app: &App, question: &Question, of_now: &mut Option<Basis>) -> Result<Basis, EvaluationError> {
    let tenant = app.tenant().as_str();
    if let Some(closed) = store::closed(&app.db, tenant, &question.period.to_string()).await? {
        return Ok(Basis {
            cut: Cut::Root(closed.root),
            policy: policy_of(app, Some(closed.policy_version)).await?,
            roster: roster_of_closed(app, closed.roster).await?.map(Arc::new),
        });
    }
    if let Some(known) = of_now {
        return Ok(known.clone());
    }
    let roster = Some(Arc::new(roster_of_now(app).await?));
    let basis = Basis { cut: Cut::Now, policy: policy_of(app, None).await?, roster };
    *of_now = Some(basis.clone());
    Ok(basis)
}

async fn made(app: &App, by: By, looks: &[Look], bases: &[Basis]) -> Result<Vec<Shown>, EvaluationError> {
    if looks.is_empty() {
        return Ok(Vec::new());
    }
    let mut tallies: Vec<Tally> = looks.iter().map(|_| Tally::new(by)).collect();
    let unread = sweep(app, looks, |at, facts, points| tallies[at].add(facts, points)).await?;
    let finish = |((tally, unread), (look, basis)): ((Tally, i64), (&Look, &Basis))| {
        let question = &look.question;
        let asked = (&question.scope, question.area.as_str());
        let there = basis.roster.as_ref().map(|all| roster::there(all, by, question.span, asked));
        let weights = (basis.policy.version, &basis.policy.evaluation);
        let table = tally.finish(&question.period.to_string(), question.span, (unread, there), weights);
        Shown { table, kept: None }
    };
    Ok(tallies.into_iter().zip(unread).zip(looks.iter().zip(bases)).map(finish).collect())
}
