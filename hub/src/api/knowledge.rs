//! The county's knowledge base as JSON: read, not written.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadRequest, Failures};
use super::guard::Caller;
use crate::app::App;
use crate::ticket::knowledge::{self, Answer, Entry, Heard};
use crate::ticket::taxonomy;
use crate::web::guard::Fields;

/// Longest `q`, in characters.
const MOST_ASKED: usize = 500;
/// Entries of one answer.
const MOST: usize = 1_000;

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `list` reads it with errors that name the field")]
struct KnowledgeQuery {
    /// What somebody asks, in their own words: the entries that answer, best first, without those that are no longer valid.
    #[param(max_length = 500)]
    q: Option<String>,
    /// Only entries of this category of the taxonomy.
    category: Option<String>,
    /// At most this many; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// The `next` of the page before; without `q`.
    after: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct KnowledgeItem {
    /// The same from import to import.
    id: String,
    title: String,
    /// Plain text; an empty line separates paragraphs.
    text: String,
    /// Ids of the taxonomy.
    categories: Vec<String>,
    /// Key words.
    words: Vec<String>,
    /// The unit that answers for it.
    unit: String,
    /// The last local day on which it holds, `2026-12-31`.
    valid_until: Option<String>,
    expired: bool,
    updated_at: i64,
    /// How sure it is that this answers `q`, 50 to 99.
    percent: Option<u8>,
    /// What of `q` speaks for it.
    because: Vec<String>,
}

impl KnowledgeItem {
    fn new(entry: &Entry, today: &str) -> Self {
        Self {
            id: entry.id.clone(),
            title: entry.title.clone(),
            text: entry.text.clone(),
            categories: entry.categories.clone(),
            words: entry.words.clone(),
            unit: entry.unit.clone(),
            valid_until: entry.valid_until.clone(),
            expired: entry.valid_until.as_deref().is_some_and(|until| until < today),
            updated_at: entry.updated_at_ms,
            percent: None,
            because: vec![],
        }
    }

    fn answering(answer: &Answer<'_>, today: &str) -> Self {
        let (percent, because) = (Some(answer.percent), answer.words.clone());
        Self { percent, because, ..Self::new(answer.entry, today) }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct KnowledgeList {
    /// By id; those that answer `q` by how sure that is.
    entries: Vec<KnowledgeItem>,
    /// For `after`: where the next page begins; nothing on the last page.
    next: Option<String>,
}

/// Entries of the knowledge base, or those that answer a question.
#[utoipa::path(get, path = "/api/v1/knowledge", params(KnowledgeQuery), tag = "knowledge", responses(
    (status = 200, body = KnowledgeList),
    BadRequest, Failures))]
pub(super) async fn list(
    State(app): State<App>,
    _caller: Caller,
    fields: Fields,
) -> Result<Json<KnowledgeList>, ApiError> {
    let (asked, category, after) = (fields.get("q").trim(), fields.get("category"), fields.get("after"));
    let limit = match fields.get("limit") {
        "" => 100,
        text => text.parse().map_err(|error| ApiError::Input(format!("limit: {error}")))?,
    };
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::Input(format!("limit: {limit} is not between 1 and {MOST}")));
    }
    if asked.chars().count() > MOST_ASKED {
        return Err(ApiError::Input(format!("q: more than {MOST_ASKED} characters")));
    }
    if !category.is_empty() && taxonomy::category(category).is_none() {
        return Err(ApiError::Input(format!("category: {category:?} is not in the taxonomy")));
    }
    let today = knowledge::today(app.clock.now(), &app.zone);
    let index = app.knowledge.index(&app.db, app.tenant().as_str()).await?;
    let of_category =
        |entry: &Entry| category.is_empty() || entry.categories.iter().any(|own| own == category);
    if !asked.is_empty() {
        let heard = Heard { lines: vec![asked.to_owned()], ..Heard::default() };
        let found = index.find(&heard, &today, usize::MAX);
        let wanted = found.iter().filter(|answer| of_category(answer.entry)).take(limit);
        let entries = wanted.map(|answer| KnowledgeItem::answering(answer, &today)).collect();
        return Ok(Json(KnowledgeList { entries, next: None }));
    }
    let mut rest = index.entries().iter().filter(|entry| entry.id.as_str() > after && of_category(entry));
    let entries: Vec<_> = rest.by_ref().take(limit).map(|entry| KnowledgeItem::new(entry, &today)).collect();
    let next = rest.next().and_then(|_| entries.last()).map(|last| last.id.clone());
    Ok(Json(KnowledgeList { entries, next }))
}
