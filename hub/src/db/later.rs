//! Rows that a transaction writes at its commit, many in one statement.
//!
//! For rows that are only ever added and that the transaction itself does not read back. A message needs several
//! of them; one statement each would cost a trip to the database each, which is what an intake on PostgreSQL
//! spends its time on.

use super::Arg;

/// Rows in one statement. Counts are powers of two up to it, so that few different texts are prepared.
const MOST: usize = 32;

/// Where rows go: `insert into t (a, b)` and what follows the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insert {
    pub into: &'static str,
    pub tail: &'static str,
}

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

    pub(super) fn statements(self) -> Vec<(String, Vec<Arg>)> {
        let mut all = Vec::new();
        for (insert, mut rows) in self.0 {
            while !rows.is_empty() {
                let count = MOST.min(1 << rows.len().ilog2());
                let columns = rows[0].len();
                let part: Vec<Arg> = rows.drain(..count).flatten().collect();
                all.push((text(insert, count, columns), part));
            }
        }
        all
    }
}

fn text(insert: Insert, count: usize, columns: usize) -> String {
    let rows: Vec<String> = (0..count).map(|row| placeholders(row * columns + 1, columns)).collect();
    format!("{} values {} {}", insert.into, rows.join(", "), insert.tail)
}

/// `($3, $4, $5)` for `first` 3 and `count` 3.
pub fn placeholders(first: usize, count: usize) -> String {
    let names: Vec<String> = (first..first + count).map(|at| format!("${at}")).collect();
    format!("({})", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    /// Eleven rows are 8 + 2 + 1, each with its own placeholders, none lost and in order.
    #[test]
    fn rows_are_grouped() {
        let into = Insert { into: "insert into t (a, b)", tail: "" };
        let mut later = Later::default();
        for row in 0..11_i64 {
            later.push(into, args![row, "x"]);
        }
        let statements = later.statements();
        assert_eq!(statements.iter().map(|(_, args)| args.len()).collect::<Vec<_>>(), [16, 4, 2]);
        assert_eq!(statements[1].0, "insert into t (a, b) values ($1, $2), ($3, $4) ");
        let first: Vec<Arg> = statements.into_iter().flat_map(|(_, args)| args).step_by(2).collect();
        assert_eq!(first, (0..11_i64).map(Arg::from).collect::<Vec<_>>());
    }
}
