//! A model of a box that looks at pictures, as people read of it.

use protocol::{ModelHealth, ModelTask};

use crate::web::text::Lang;
use crate::web::view::ModelView;
use crate::web::words;

pub fn model(model: &ModelHealth, lang: Lang) -> ModelView {
    ModelView {
        wanted: model.wanted.clone(),
        task: match model.task {
            ModelTask::Detector => lang.model_detector(),
            ModelTask::Pose => lang.model_pose(),
            ModelTask::Unknown => "",
        },
        at_work: model.at_work.clone(),
        stand_in: model.stand_in,
        rate: format!("{:.1}", model.looks_per_second),
        reason: model.reason.as_deref().map(|reason| words::reason(reason, lang)),
    }
}
