//! SQL of the knowledge base.

use super::Entry;
use crate::args;
use crate::db::from_row;
use crate::db::{Db, Error, Result, Tx};

#[derive(Debug)]
struct Row {
    id: String,
    title: String,
    body: String,
    categories: String,
    words: String,
    unit: String,
    valid_until: Option<String>,
    updated_at_ms: i64,
}

from_row!(Row: id, title, body, categories, words, unit, valid_until, updated_at_ms);

impl Row {
    fn entry(self) -> Result<Entry> {
        let texts = |json: &str| serde_json::from_str(json).map_err(|error| Error::Decode(error.into()));
        Ok(Entry {
            categories: texts(&self.categories)?,
            words: texts(&self.words)?,
            id: self.id,
            title: self.title,
            text: self.body,
            unit: self.unit,
            valid_until: self.valid_until,
            updated_at_ms: self.updated_at_ms,
        })
    }
}

const LIST: &str =
    "select id, title, body, categories, words, unit, valid_until, updated_at_ms from knowledge
     where tenant = $1";

/// By id, in the order of its bytes: the databases sort texts each in its own way.
fn sorted(rows: Vec<Row>) -> Result<Vec<Entry>> {
    let mut all = rows.into_iter().map(Row::entry).collect::<Result<Vec<_>>>()?;
    all.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(all)
}

/// All entries, those that are no longer valid too.
pub async fn list(db: &Db, tenant: &str) -> Result<Vec<Entry>> {
    sorted(db.fetch_all(LIST, args![tenant]).await?)
}

pub(super) async fn list_in(tx: &mut Tx, tenant: &str) -> Result<Vec<Entry>> {
    sorted(tx.fetch_all(LIST, args![tenant]).await?)
}

/// Another number after every import that changed something; 0 before the first.
pub(super) async fn revision(db: &Db, tenant: &str) -> Result<i64> {
    let row: Option<(i64,)> =
        db.fetch_optional("select revision from knowledge_state where tenant = $1", args![tenant]).await?;
    Ok(row.map_or(0, |(revision,)| revision))
}

pub(super) async fn next_revision(tx: &mut Tx, tenant: &str) -> Result<()> {
    tx.execute(
        "insert into knowledge_state (tenant, revision) values ($1, 1)
         on conflict (tenant) do update set revision = knowledge_state.revision + 1",
        args![tenant],
    )
    .await?;
    Ok(())
}

pub(super) async fn put(tx: &mut Tx, tenant: &str, entry: &Entry) -> Result<()> {
    tx.execute(
        "insert into knowledge (tenant, id, title, body, categories, words, unit, valid_until, updated_at_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (tenant, id) do update set title = excluded.title, body = excluded.body,
             categories = excluded.categories, words = excluded.words, unit = excluded.unit,
             valid_until = excluded.valid_until, updated_at_ms = excluded.updated_at_ms",
        args![
            tenant,
            &entry.id,
            &entry.title,
            &entry.text,
            serde_json::json!(entry.categories).to_string(),
            serde_json::json!(entry.words).to_string(),
            &entry.unit,
            entry.valid_until.clone(),
            entry.updated_at_ms
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx, tenant: &str, id: &str) -> Result<()> {
    tx.execute("delete from knowledge where tenant = $1 and id = $2", args![tenant, id]).await?;
    Ok(())
}
