//! What was said and what was read, aligned with as few edits as possible. Pure.

use std::fmt;

use serde::Serialize;

/// Edits of an alignment, in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::call::speech) struct Edits {
    pub(in crate::call::speech) characters: usize,
    pub(in crate::call::speech) substituted: usize,
    pub(in crate::call::speech) deleted: usize,
    pub(in crate::call::speech) inserted: usize,
}

impl Edits {
    pub(in crate::call::speech) fn add(&mut self, other: Self) {
        self.characters += other.characters;
        self.substituted += other.substituted;
        self.deleted += other.deleted;
        self.inserted += other.inserted;
    }

    /// Character error rate; above 1 when more was added than said.
    pub(in crate::call::speech) fn rate(&self) -> f64 {
        (self.substituted + self.deleted + self.inserted) as f64 / self.characters.max(1) as f64
    }
}

impl fmt::Display for Edits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { characters, substituted, deleted, inserted } = self;
        let rate = self.rate() * 100.0;
        write!(f, "CER {rate:.2} % of {characters} (S {substituted}, D {deleted}, I {inserted})")
    }
}

/// Letters and digits, without case.
pub(in crate::call::speech) fn spoken(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Levenshtein's alignment, row by row; each cell counts the edits on its best way.
pub(in crate::call::speech) fn edits(said: &[char], read: &[char]) -> Edits {
    let cost = |e: &Edits| e.substituted + e.deleted + e.inserted;
    let mut row: Vec<Edits> =
        (0..=read.len()).map(|inserted| Edits { inserted, ..Edits::default() }).collect();
    for (deleted, said_char) in said.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], Edits { deleted: deleted + 1, ..Edits::default() });
        for (column, read_char) in read.iter().enumerate() {
            let above = row[column + 1];
            let mut same = diagonal;
            same.substituted += usize::from(said_char != read_char);
            let (mut left, mut gone) = (row[column], above);
            left.inserted += 1;
            gone.deleted += 1;
            let best = [same, gone, left].into_iter().min_by_key(cost);
            row[column + 1] = best.expect("one of three");
            diagonal = above;
        }
    }
    let best = row.last().copied().unwrap_or_default();
    Edits { characters: said.len(), ..best }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(said: &str, read: &str) -> (usize, usize, usize, usize) {
        let Edits { characters, substituted, deleted, inserted } = edits(&spoken(said), &spoken(read));
        (characters, substituted, deleted, inserted)
    }

    /// Counted by hand.
    #[test]
    fn counts_edits() {
        assert_eq!(of("煤气漏了。", "煤气漏了"), (4, 0, 0, 0));
        assert_eq!(of("煤气漏了", "棋漏了"), (4, 1, 1, 0));
        assert_eq!(of("着火", "没有着火了"), (2, 0, 0, 3));
        assert_eq!(of("", "嗯"), (0, 0, 0, 1));
        assert_eq!(of("OK 好", "ok好"), (3, 0, 0, 0));
        let mut total = edits(&spoken("着火"), &spoken("着火"));
        total.add(edits(&spoken("一二三四五六七八"), &spoken("一二三四五六七")));
        assert!((total.rate() - 0.1).abs() < 1e-9);
        assert_eq!(total.to_string(), "CER 10.00 % of 10 (S 0, D 1, I 0)");
    }

    proptest! {
        /// As many edits as another implementation of the distance finds; none against itself.
        #[test]
        fn agrees_with_another(a in "[一二三]{0,12}", b in "[一二三]{0,12}") {
            let e = edits(&spoken(&a), &spoken(&b));
            prop_assert_eq!(e.substituted + e.deleted + e.inserted, strsim::levenshtein(&a, &b));
            prop_assert_eq!(e.characters + e.inserted - e.deleted, b.chars().count());
            let characters = a.chars().count();
            prop_assert_eq!(edits(&spoken(&a), &spoken(&a)), Edits { characters, ..Edits::default() });
        }
    }
}
