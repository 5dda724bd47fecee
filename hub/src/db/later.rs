//! Many rows in one statement.
//!
//! A message needs several rows; one statement each would cost a trip to the database each, which is what an intake on
//! PostgreSQL would spend its time on. Rows that are only ever added, and that the transaction itself does not read back,
//! wait for its commit ([`Later`]).
//!
//! PostgreSQL takes them as one list for each column: the same statement, prepared once, for any number of rows. SQLite takes
//! them row by row, so many in one statement.

use super::{Arg, Dialect};

/// Rows in one statement of SQLite. Counts are powers of two up to it, so that few different texts are prepared.
const MOST: usize = 128;

/// Where rows go: `insert into t (a, b)` and what follows the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insert {
    pub into: &'static str,
    pub tail: &'static str,
}

/// What known rows get: `update t set b = v.column2` from values `v`, and which row each one is for: `where t.a = v.column1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    pub set: &'static str,
    pub of: &'static str,
}

type Statements = Vec<(String, Vec<Arg>)>;

/// Rows that wait for the commit, by table, in the order in which the tables were first named.
#[derive(Debug, Default)]
pub(super) struct Later(Vec<(Insert, Vec<Vec<Arg>>)>);

impl Later {
    pub(super) fn push(&mut self, insert: Insert, row: Vec<Arg>) {
        match self.0.iter_mut().find(|(known, _)| *known == insert) {
            Some((_, rows)) => rows.push(row),
            None => self.0.push((insert, vec![row])),
        }
    }

    pub(super) fn statements(self, dialect: Dialect) -> impl Iterator<Item = (String, Vec<Arg>)> {
        self.0.into_iter().flat_map(move |(insert, rows)| inserts(insert, rows, dialect))
    }
}

pub(super) fn inserts(insert: Insert, rows: Vec<Vec<Arg>>, dialect: Dialect) -> Statements {
    let Insert { into, tail } = insert;
    match dialect {
        Dialect::Sqlite => in_rows(rows, |values| format!("{into} values {values} {tail}")),
        Dialect::Postgres => in_columns(rows, |lists| format!("{into} select * from unnest({lists}) {tail}")),
    }
}

pub(super) fn updates(update: Update, rows: Vec<Vec<Arg>>, dialect: Dialect) -> Statements {
    let Update { set, of } = update;
    let names = |count: usize| (1..=count).map(|at| format!("column{at}")).collect::<Vec<_>>().join(", ");
    let named = names(rows.first().map_or(0, Vec::len));
    match dialect {
        Dialect::Sqlite => in_rows(rows, |values| format!("{set} from (values {values}) as v {of}")),
        Dialect::Postgres => {
            in_columns(rows, |lists| format!("{set} from unnest({lists}) as v ({named}) {of}"))
        }
    }
}

/// Placeholders without a name: SQLite finds one that has a name by going through all of them, and thousands take longer than
/// their rows.
fn in_rows(mut rows: Vec<Vec<Arg>>, text: impl Fn(&str) -> String) -> Statements {
    let mut all = Vec::new();
    while !rows.is_empty() {
        let count = MOST.min(1 << rows.len().ilog2());
        let rest = rows.split_off(count);
        let row = format!("({})", vec!["?"; rows[0].len()].join(", "));
        all.push((text(&vec![row; count].join(", ")), rows.into_iter().flatten().collect()));
        rows = rest;
    }
    all
}

fn in_columns(rows: Vec<Vec<Arg>>, text: impl Fn(&str) -> String) -> Statements {
    let Some(first) = rows.first() else { return Vec::new() };
    let mut columns: Vec<Arg> = first.iter().map(Arg::list).collect();
    let marks: Vec<String> = (1..=columns.len()).map(|at| format!("${at}")).collect();
    for row in rows {
        for (column, arg) in columns.iter_mut().zip(row) {
            column.push(arg);
        }
    }
    vec![(text(&marks.join(", ")), columns)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    const INTO: Insert = Insert { into: "insert into t (a, b)", tail: "" };
    const CHANGE: Update = Update { set: "update t set b = v.column2", of: "where t.a = v.column1" };

    /// On SQLite eleven rows are 8 + 2 + 1, none lost and in order.
    #[test]
    fn rows_are_grouped() {
        let mut later = Later::default();
        for row in 0..11_i64 {
            later.push(INTO, args![row, "x"]);
        }
        let statements: Vec<(String, Vec<Arg>)> = later.statements(Dialect::Sqlite).collect();
        assert_eq!(statements.iter().map(|(_, args)| args.len()).collect::<Vec<_>>(), [16, 4, 2]);
        assert_eq!(statements[1].0, "insert into t (a, b) values (?, ?), (?, ?) ");
        let first: Vec<Arg> = statements.into_iter().flat_map(|(_, args)| args).step_by(2).collect();
        assert_eq!(first, (0..11_i64).map(Arg::from).collect::<Vec<_>>());
        let changed = updates(CHANGE, vec![args![1, "x"]], Dialect::Sqlite);
        assert_eq!(
            changed[0].0,
            "update t set b = v.column2 from (values (?, ?)) as v where t.a = v.column1"
        );
    }

    /// On PostgreSQL they are one statement with a list for each column, nothing where there is no value.
    #[test]
    fn columns_are_lists() {
        let rows = vec![args![1, "x"], args![None::<i64>, None::<&str>], args![3, "z"]];
        let lists = vec![
            Arg::Ints(vec![Some(1), None, Some(3)]),
            Arg::Texts(vec![Some("x".into()), None, Some("z".into())]),
        ];
        let statements = inserts(INTO, rows.clone(), Dialect::Postgres);
        assert_eq!(
            statements,
            [("insert into t (a, b) select * from unnest($1, $2) ".into(), lists.clone())]
        );
        let text =
            "update t set b = v.column2 from unnest($1, $2) as v (column1, column2) where t.a = v.column1";
        assert_eq!(updates(CHANGE, rows, Dialect::Postgres), [(text.to_owned(), lists)]);
        assert!(inserts(INTO, Vec::new(), Dialect::Postgres).is_empty());
    }
}
