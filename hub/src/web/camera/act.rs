//! What the forms of a camera's page do.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use protocol::CommandBody;

use super::limit;
use super::{Typed, address, fields, find, refused};
use crate::app::App;
use crate::camera::diff::{self, Change, How, Part};
use crate::camera::{At, Draft, Standing, TextError, Unsaved, draft, text};
use crate::case;
use crate::command::{CommandError, MAX_PURPOSE};
use crate::db;
use crate::device::place::Place;
use crate::device::{self, Device};
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{SafeForm, Viewer};
use crate::web::shell::local;
use crate::web::text::Lang;
use crate::workflow::store::{StepError, take};
use crate::workflow::{Actor, Step, VoidReason};

/// Everything that one form stands for.
struct Sent<'a> {
    app: &'a App,
    at: &'a At,
    device: &'a Device,
    form: &'a SafeForm,
}

type Answer = Result<Response, PageError>;

pub(in crate::web) async fn act(
    State(app): State<App>,
    Path((id, camera)): Path<(String, String)>,
    form: SafeForm,
) -> Answer {
    let viewer = &form.viewer;
    let command = form.fields.get("command").to_owned();
    if command == "false_alarm" {
        return false_alarm(&app, &form, (&id, &camera)).await;
    }
    let needed = if command == "still" { Act::RequestStill } else { Act::Configure };
    viewer.must(needed)?;
    let area = device::store::area(&app.db, app.tenant().as_str(), &id).await;
    if let Some(area) = area.map_err(|error| PageError::from(error).shown(viewer))? {
        viewer.must_at(needed, &area)?;
    }
    let (at, device) = find(&app, viewer, &id, &camera).await?;
    let sent = Sent { app: &app, at: &at, device: &device, form: &form };
    match command.as_str() {
        "still" => {
            let purpose = form.fields.get("purpose").trim();
            sent.ask(CommandBody::Still { camera_id: at.camera.clone() }, purpose).await
        }
        "show_configuration" => {
            sent.ask(CommandBody::ShowConfiguration {}, sent.lang().cam_read_purpose()).await
        }
        "place" => sent.place().await,
        "draft" => sent.keep().await,
        "replay" => sent.try_rules().await,
        "configuration" => sent.save().await,
        "discard" => sent.done(at.drop_draft(&app, sent.user()).await),
        "rebase" => sent.rebase().await,
        "walk" => sent.walk().await,
        "look" => sent.look().await,
        "walk_end" => sent.done(at.end_walk(&app, sent.user()).await),
        _ => Err(PageError::Input(sent.lang().input_unreadable().to_owned()).shown(viewer)),
    }
}

/// What rules on trial would have told of was nothing: the case of it is void as a false alarm (误报), which counts against the
/// rule. The law is that of any other place where somebody says so.
async fn false_alarm(app: &App, form: &SafeForm, (id, camera): (&str, &str)) -> Answer {
    let viewer = &form.viewer;
    viewer.must(Act::Acknowledge)?;
    let (at, device) = find(app, viewer, id, camera).await?;
    let (tenant, session) = (app.tenant().as_str(), &viewer.session);
    let number = form.fields.get("number");
    let found = case::store::by_number(&app.db, tenant, &session.user, number).await;
    let case = found.map_err(|error| PageError::from(error).shown(viewer))?;
    let case = case.ok_or_else(|| PageError::NotFound.shown(viewer))?;
    viewer.must_at(Act::Acknowledge, &case.area)?;
    let note = form.fields.get("note").trim().to_owned();
    let step = Step::Void { reason: VoidReason::FalseAlarm, note };
    let (actor, step_id) = (Actor::user(&session.user, &session.grants), app.new_id());
    match take(&app.db, tenant, number, &step, &actor, app.step_with(&step_id)).await {
        Ok(_) => {
            app.changes.wake();
            Ok(form.done(&address(&at)))
        }
        Err(StepError::Unknown(_)) => Err(PageError::NotFound.shown(viewer)),
        Err(StepError::Db(error)) => Err(PageError::from(error).shown(viewer)),
        Err(StepError::Refused(why)) => {
            let typed = Typed { why: why.text(viewer.preferences.lang), ..Typed::default() };
            Ok(refused(app, viewer, &at, &device, typed).await)
        }
    }
}

impl Sent<'_> {
    fn viewer(&self) -> &Viewer {
        &self.form.viewer
    }

    fn user(&self) -> &str {
        &self.viewer().session.user
    }

    fn lang(&self) -> Lang {
        self.viewer().preferences.lang
    }

    fn back(&self) -> Response {
        self.form.done(&address(self.at))
    }

    fn shown(&self, error: impl Into<PageError>) -> PageError {
        error.into().shown(self.viewer())
    }

    fn done(&self, outcome: db::Result<()>) -> Answer {
        outcome.map(|()| self.back()).map_err(|error| self.shown(error))
    }

    async fn refuse(&self, typed: Typed) -> Answer {
        let field = |name| self.form.fields.get(name).trim().to_owned();
        let typed = Typed { purpose: field("purpose"), reason: field("reason"), ..typed };
        Ok(refused(self.app, self.viewer(), self.at, self.device, typed).await)
    }

    async fn refuse_words(&self, why: impl Into<String>) -> Answer {
        self.refuse(Typed { why: why.into(), ..Typed::default() }).await
    }

    async fn ask(&self, body: CommandBody, purpose: &str) -> Answer {
        let asked = self.at.ask(self.app, self.user(), body, purpose).await;
        match asked {
            Ok(_) => Ok(self.back()),
            Err(error) => self.not_asked(error, None).await,
        }
    }

    /// A request that was not kept; what was typed stays.
    async fn not_asked(&self, error: CommandError, draft: Option<(Draft, u64)>) -> Answer {
        let why = match error {
            CommandError::Purpose => self.lang().purpose_missing().to_owned(),
            CommandError::Db(error) => return Err(self.shown(error)),
            CommandError::Device(_) | CommandError::Case(_) => return Err(self.shown(PageError::NotFound)),
            error @ CommandError::TooLarge { .. } => error.to_string(),
        };
        self.refuse(Typed { draft, why, ..Typed::default() }).await
    }

    /// The draft of the form, and the version on which it stands. It is kept, whatever becomes of it.
    async fn draft(&self) -> Result<(Draft, u64), PageError> {
        let unreadable = || PageError::Input(self.lang().input_unreadable().to_owned()).shown(self.viewer());
        let based_on = self.form.fields.get("based_on").parse().map_err(|_| unreadable())?;
        let typed = fields::draft(&self.form.fields);
        let size_bytes = serde_json::to_vec(&typed).map_or(usize::MAX, |json| json.len());
        if size_bytes > draft::MOST_BYTES {
            return Err(PageError::Input(self.lang().input_too_large().to_owned()).shown(self.viewer()));
        }
        let kept = self.at.keep_draft(self.app, self.user(), &typed, based_on).await;
        kept.map_err(|error| self.shown(error))?;
        Ok((typed, based_on))
    }

    async fn standing(&self) -> Result<Standing, PageError> {
        Standing::read(self.app, self.user(), self.device).await.map_err(|error| self.shown(error))
    }

    /// Where the box stands, for maps; nothing written takes it back.
    async fn place(&self) -> Answer {
        let field = |name| self.form.fields.get(name).trim();
        let place = match (field("latitude"), field("longitude")) {
            ("", "") => None,
            (latitude, longitude) => match Place::read(latitude, longitude) {
                Ok(place) => Some(place),
                Err(_) => return self.refuse_words(self.lang().cam_place_wrong()).await,
            },
        };
        let (id, now) = (self.at.origin.device.as_str(), self.app.clock.now());
        match device::place::set(self.app, self.user(), id, place, now).await {
            Ok(true) => Ok(self.back()),
            Ok(false) => Err(self.shown(PageError::NotFound)),
            Err(error) => Err(self.shown(error)),
        }
    }

    async fn keep(&self) -> Answer {
        self.draft().await?;
        Ok(self.back())
    }

    /// Asks what the draft would have told of, and what is in force, on the same hour.
    async fn try_rules(&self) -> Answer {
        let (draft, based_on) = self.draft().await?;
        let standing = self.standing().await?;
        let purpose = self.lang().cam_try_purpose();
        match self.at.try_draft(self.app, self.user(), &standing, (&draft, based_on), purpose).await {
            Ok(_) => Ok(self.back()),
            Err(error) => self.unsaved(error, draft, based_on).await,
        }
    }

    async fn save(&self) -> Answer {
        let (draft, based_on) = self.draft().await?;
        let lang = self.lang();
        let field = |name| self.form.fields.get(name).trim();
        let (purpose, reason) = (field("purpose"), field("reason"));
        let standing = self.standing().await?;
        if let Some(drawn) = standing.text(based_on).filter(|_| standing.in_force == Some(based_on)) {
            match limit::needs_reason(self.app, self.user(), self.at, &drawn.toml, &draft).await {
                Err(error) => return Err(self.shown(error)),
                Ok(true) if reason.is_empty() => {
                    let why = lang.cam_save_reason_missing().to_owned();
                    return self
                        .refuse(Typed { draft: Some((draft, based_on)), why, ..Typed::default() })
                        .await;
                }
                Ok(_) => {}
            }
        }
        let both = if reason.is_empty() {
            purpose.to_owned()
        } else {
            format!("{purpose}{}{reason}", lang.cam_reason_word())
        };
        if purpose.is_empty() || both.chars().count() > MAX_PURPOSE {
            let why = lang.cam_save_purpose_missing().to_owned();
            return self.refuse(Typed { draft: Some((draft, based_on)), why, ..Typed::default() }).await;
        }
        let saved = self.at.save(self.app, self.user(), &standing, (&draft, based_on), &both).await;
        match saved {
            Ok(()) => Ok(self.back()),
            Err(error) => self.unsaved(error, draft, based_on).await,
        }
    }

    async fn unsaved(&self, error: Unsaved, draft: Draft, based_on: u64) -> Answer {
        let lang = self.lang();
        let mut typed = Typed { draft: Some((draft, based_on)), ..Typed::default() };
        match error {
            Unsaved::Wrong(wrong) => typed.wrong = wrong,
            Unsaved::Text(error) => typed.why = text_words(&error, lang),
            Unsaved::Unknown => lang.cam_save_unknown().clone_into(&mut typed.why),
            Unsaved::Same => lang.cam_save_same().clone_into(&mut typed.why),
            Unsaved::Changed { changes, .. } => {
                lang.cam_conflict().clone_into(&mut typed.why);
                typed.lines = change_words(&changes, lang);
                typed.may_rebase = true;
            }
            Unsaved::OnItsWay { by, at } => {
                typed.why = format!("{}{by} {}", lang.cam_save_on_its_way(), local(self.app).moment(at).text);
            }
            Unsaved::Command(error) => return self.not_asked(error, typed.draft).await,
            Unsaved::Db(error) => return Err(self.shown(error)),
        }
        self.refuse(typed).await
    }

    /// One's own changes on top of what is in force now.
    async fn rebase(&self) -> Answer {
        let (mine, based_on) = self.draft().await?;
        let standing = self.standing().await?;
        let camera = self.at.camera.as_str();
        let read = |toml: &str| text::read(toml, camera).ok();
        let (Some(base), Some(theirs)) = (standing.base(), standing.base().and_then(|base| read(&base.toml)))
        else {
            return self.refuse_words(self.lang().cam_save_unknown()).await;
        };
        let drawn = standing.text(based_on).and_then(|drawn| read(&drawn.toml)).unwrap_or_default();
        let merged = diff::merged(&mine, &drawn, &theirs);
        self.done(self.at.keep_draft(self.app, self.user(), &merged, base.version).await)
    }

    /// By the rules of the draft, where there is one that can be tried, else by those in force.
    async fn walk(&self) -> Answer {
        let lang = self.lang();
        let standing = self.standing().await?;
        let kept = self.at.draft(self.app, self.user()).await.map_err(|error| self.shown(error))?;
        let camera = self.at.camera.as_str();
        let of_draft = kept.and_then(|kept| {
            let drawn = standing.text(kept.based_on)?;
            self.at.prepared(&drawn.toml, &kept.draft).ok()
        });
        let written = of_draft.or_else(|| standing.base().map(|base| base.toml.clone()));
        let Some(rules) = written.and_then(|toml| text::trial(&toml, camera).ok()) else {
            return self.refuse_words(lang.cam_save_unknown()).await;
        };
        let minutes = self.form.fields.get("minutes").trim().parse().unwrap_or(3);
        let walk = self.at.begin_walk(self.app, self.user(), rules, minutes).await;
        let walk = walk.map_err(|error| self.shown(error))?;
        match self.at.look(self.app, self.user(), &walk, lang.cam_walk_purpose()).await {
            Ok(()) => Ok(self.back()),
            Err(error) => self.not_asked(error, None).await,
        }
    }

    async fn look(&self) -> Answer {
        let walk = self.at.walk(self.app, self.user()).await.map_err(|error| self.shown(error))?;
        // Once more after its end: what happened last is not told of yet.
        let late =
            |until: protocol::UtcMs| self.app.clock.now() > until.plus_ms(2 * crate::camera::LOOK_EVERY_MS);
        let Some(walk) = walk.filter(|walk| !late(walk.until)) else { return Ok(self.back()) };
        match self.at.look(self.app, self.user(), &walk, self.lang().cam_walk_purpose()).await {
            Ok(()) => Ok(self.back()),
            Err(error) if self.form.partial => {
                Ok((StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response())
            }
            Err(error) => self.not_asked(error, None).await,
        }
    }
}

fn text_words(error: &TextError, lang: Lang) -> String {
    format!("{}{error}", lang.cam_save_text())
}

/// One line for each thing that differs.
pub(super) fn change_words(changes: &[Change], lang: Lang) -> Vec<String> {
    if changes.is_empty() {
        return vec![lang.cam_conflict_none().to_owned()];
    }
    let line = |change: &Change| {
        let part = match change.part {
            Part::Zone => lang.cam_zone(),
            Part::Line => lang.cam_line(),
            Part::Mask => lang.cam_mask(),
            Part::Rule => lang.rule(),
        };
        let how = match change.how {
            How::Added => lang.cam_added(),
            How::Removed => lang.cam_removed(),
            How::Changed => lang.cam_changed(),
        };
        format!("{part} {}: {how}", change.id)
    };
    changes.iter().map(line).collect()
}
