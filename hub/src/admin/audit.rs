//! What administrators changed: a row a change, in the transaction that makes it. Append-only.

use protocol::UtcMs;

use super::{By, Cursor, store};
use crate::db::{Db, Error, Result, Tx};
use crate::organisation::AreaPath;

/// Longest account of how something was and is, in characters.
const MOST_VALUE: usize = 1_000;
/// Rows of one page.
pub const PAGE: usize = 100;
/// Rows of a download.
pub const MOST_CSV: usize = 20_000;

macro_rules! deeds {
    ($($name:ident = $word:literal, $zh:literal, $en:literal;)*) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Deed { $($name,)* }

        impl Deed {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in the database.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            pub fn zh(self) -> &'static str {
                match self { $(Self::$name => $zh,)* }
            }

            pub fn en(self) -> &'static str {
                match self { $(Self::$name => $en,)* }
            }
        }
    };
}

deeds! {
    UserAdded = "user_added", "新增用户", "User added";
    UserGranted = "user_granted", "授予角色", "Role given";
    UserRevoked = "user_revoked", "收回角色", "Role taken away";
    UserPassword = "user_password", "重设密码", "New password";
    UserLocked = "user_locked", "锁定用户", "User locked";
    UserUnlocked = "user_unlocked", "解锁用户", "User unlocked";
    UserSessions = "user_sessions", "结束会话", "Sessions ended";
    UserRemoved = "user_removed", "移除用户", "User removed";
    UserReach = "user_reach", "修改联系方式", "Address changed";
    AreaChanged = "area_changed", "修改区域", "Area changed";
    UnitChanged = "unit_changed", "修改单位", "Unit changed";
    TurnAdded = "turn_added", "排班", "Turn added";
    TurnRemoved = "turn_removed", "撤班", "Turn removed";
    Areas = "import_areas", "导入区域", "Areas imported";
    Units = "import_units", "导入单位", "Units imported";
    Users = "import_users", "导入用户", "Users imported";
    Duty = "import_duty", "导入值班表", "Roster imported";
    Categories = "import_categories", "导入类别", "Categories imported";
    Gazetteer = "import_gazetteer", "导入地名", "Gazetteer imported";
    Knowledge = "import_knowledge", "导入知识库", "Knowledge imported";
    Grids = "import_grids", "导入网格图", "Map of grids imported";
    Policy = "import_policies", "启用规则", "Policy put in force";
    BoxPlace = "box_place", "设备位置", "Place of a box";
    BaseMap = "import_basemap", "导入底图", "Base map imported";
    BaseMapRemoved = "basemap_removed", "移除底图", "Base map removed";
}

impl Deed {
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|deed| deed.as_str() == word)
    }
}

/// One change.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    pub deed: Deed,
    /// What it was done to: a name or an id.
    pub subject: &'a str,
    /// Where that lies.
    pub area: &'a AreaPath,
    pub before: String,
    pub after: String,
}

/// The county was changed after somebody saw what would come of his change.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the county was changed meanwhile")]
pub struct Overtaken;

/// Whether a change failed since the county was changed meanwhile.
pub fn is_overtaken(error: &Error) -> bool {
    matches!(error, Error::AnyDriverError(inner) if inner.is::<Overtaken>())
}

/// What this transaction has learned: its change rests on the newest row.
const CHECKED: &str = "audit";

/// The newest row; 0 before the first.
pub(super) async fn position(db: &Db, tenant: &str) -> Result<i64> {
    store::position(db, tenant).await
}

/// Refuses what rests on an older state of the county than the one that this transaction finds.
async fn refuse_overtaken(tx: &mut Tx, tenant: &str, by: &By) -> Result<()> {
    let Some(since) = by.since() else { return Ok(()) };
    // Rows that it has written itself follow the first look.
    if tx.known(CHECKED, tenant).is_some() {
        return Ok(());
    }
    if store::position_in(tx, tenant).await? != since {
        return Err(Error::AnyDriverError(Box::new(Overtaken)));
    }
    tx.learn(CHECKED, tenant, since);
    Ok(())
}

/// Writes the row of a change. The caller holds the tenant's lock and commits both, or neither.
pub async fn note(tx: &mut Tx, tenant: &str, by: &By, change: &Change<'_>) -> Result<()> {
    refuse_overtaken(tx, tenant, by).await?;
    let cut = |text: &str| text.chars().take(MOST_VALUE).collect::<String>();
    let (before, after) = (cut(&change.before), cut(&change.after));
    store::add_audit(tx, tenant, by, change, (&before, &after)).await
}

/// The row of an import that concerns everything.
pub async fn note_import(
    tx: &mut Tx,
    tenant: &str,
    by: &By,
    deed: Deed,
    (subject, after): (&str, String),
) -> Result<()> {
    let area = AreaPath::everything();
    note(tx, tenant, by, &Change { deed, subject, area: &area, before: String::new(), after }).await
}

/// A row as it is read.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = AuditRow)]
pub struct Row {
    /// Counted from 1; none is missing.
    pub audit_id: i64,
    pub made_at_ms: i64,
    /// `user:NAME`, or `cli`.
    pub made_by: String,
    pub act: String,
    pub subject: String,
    /// Path of the area that it concerns.
    pub area: String,
    pub old_value: String,
    pub new_value: String,
}

crate::db::from_row!(Row: audit_id, made_at_ms, made_by, act, subject, area, old_value, new_value);

/// Which rows are asked for; nothing in a field is all.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Who asks: he sees what concerns the areas that he administers or audits.
    pub viewer: String,
    /// `user:NAME` or `cli`
    pub by: String,
    pub subject: String,
    pub act: Option<Deed>,
    pub from: Option<UtcMs>,
    pub to: Option<UtcMs>,
    pub after: Option<Cursor>,
}

/// Rows of one page, the newest first, and where the next one begins.
pub async fn page(db: &Db, tenant: &str, asked: &Asked, most: usize) -> Result<(Vec<Row>, Option<Cursor>)> {
    let mut rows = store::audit(db, tenant, asked, most as i64 + 1).await?;
    let more = rows.len() > most;
    rows.truncate(most);
    let last = rows.last().filter(|_| more);
    let next = last.map(|row| Cursor { at_ms: row.made_at_ms, id: row.audit_id.to_string() });
    Ok((rows, next))
}

/// When something was done last, and by whom.
pub async fn newest(db: &Db, tenant: &str, deed: Deed) -> Result<Option<(i64, String)>> {
    store::newest(db, tenant, deed).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words read back, and no two are alike.
    #[test]
    fn words_read_back() {
        for deed in Deed::ALL {
            assert_eq!(Deed::read(deed.as_str()), Some(*deed));
            assert!(!deed.zh().is_empty() && deed.zh() != deed.en());
        }
        assert_eq!(Deed::read("odd"), None);
    }
}
