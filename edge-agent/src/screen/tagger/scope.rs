//! What is said under a "not", a "what if", a "last year": it tells what a call is about, but raises no alarm by itself.
//!
//! Letters in such a scope make features of their own for the alarm model, as in the tagging of negation for opinion
//! mining: 没着火 and 着火 share nothing there.

use super::thesaurus::{Word, class_names};
use crate::screen::reading::Reading;

/// Under what a letter is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    #[default]
    Plain,
    Past,
    Drill,
    Feared,
    Negated,
}

/// Class of the word that opens a scope, and how many letters it reaches at most.
const OPENERS: [(&str, Scope, usize); 5] = [
    ("not", Scope::Negated, 4),
    ("fear", Scope::Feared, 9),
    ("past", Scope::Past, 10),
    ("drill", Scope::Drill, 8),
    ("story", Scope::Drill, 10),
];

/// The scope of each letter. A mark ends a scope; of two that overlap the stronger counts.
pub(super) fn scopes(reading: &Reading, words: &[Word]) -> Vec<Scope> {
    let mut scopes = vec![Scope::Plain; reading.len()];
    for word in words {
        let name = &class_names()[usize::from(word.class)];
        let Some((_, scope, reach)) = OPENERS.iter().find(|(opener, ..)| opener == name) else { continue };
        let end = (word.to + reach).min(reading.len());
        let letters = scopes[word.to..end].iter_mut().zip(&reading.starts_clause[word.to..end]);
        for (letter, _) in letters.take_while(|(_, starts)| !**starts) {
            *letter = (*letter).max(*scope);
        }
    }
    scopes
}
