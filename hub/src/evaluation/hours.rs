//! At which hour of which weekday something happens, of one period. Counts of moments: pure but for the reading.

use super::narrow::weekday_and_hour;
use super::reading::{Way, read};
use super::{Measure, Question, Shape, cut_of};
use crate::app::App;
use crate::db;

/// Monday first; hours from midnight, where the people are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hours(pub [[i64; 24]; 7]);

impl Hours {
    fn add(&mut self, (weekday, hour): (i8, i8)) {
        let cell = usize::try_from(weekday)
            .ok()
            .and_then(|day| self.0.get_mut(day))
            .and_then(|day| usize::try_from(hour).ok().and_then(|hour| day.get_mut(hour)));
        if let Some(cell) = cell {
            *cell += 1;
        }
    }

    pub fn total(&self) -> i64 {
        self.0.iter().flatten().sum()
    }

    pub fn most(&self) -> i64 {
        self.0.iter().flatten().copied().max().unwrap_or(0)
    }
}

/// Of a count of what happened; of anything else there are no hours, and so nothing is counted.
pub async fn hours(app: &App, question: &Question, measure: Measure) -> db::Result<Hours> {
    let mut hours = Hours::default();
    if measure.shape() != Shape::Count {
        return Ok(hours);
    }
    let cut = cut_of(app, question).await?;
    read(app, question, (cut, Way::Kept), |_, points| {
        let own = points.iter().filter(|point| point.measure == measure);
        own.filter_map(|point| weekday_and_hour(point.at, &app.zone)).for_each(|at| hours.add(at));
    })
    .await?;
    Ok(hours)
}
