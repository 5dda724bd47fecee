//! What differs between two drafts of one camera, and one person's changes put onto what somebody else has saved. Pure.

use super::draft::{Draft, Rule, Shape};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Zone,
    Line,
    Mask,
    Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Added,
    Removed,
    Changed,
}

/// One thing that differs; a mask has no name and is counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub part: Part,
    pub id: String,
    pub how: How,
}

/// From one to the other.
pub fn changes(from: &Draft, to: &Draft) -> Vec<Change> {
    let mut all = Vec::new();
    differ(&mut all, Part::Zone, &from.zones, &to.zones);
    differ(&mut all, Part::Line, &from.lines, &to.lines);
    differ(&mut all, Part::Mask, &named(&from.masks), &named(&to.masks));
    differ(&mut all, Part::Rule, &from.rules, &to.rules);
    all
}

/// Whether the rules would tell of something else: masks alone change no rule.
pub fn is_for_rules(changes: &[Change]) -> bool {
    changes.iter().any(|change| change.part != Part::Mask)
}

/// `mine`, which was made from `drawn`, as it is on top of `theirs`. What only one has changed is as that one has it; what
/// both have is as I have it.
pub fn merged(mine: &Draft, drawn: &Draft, theirs: &Draft) -> Draft {
    Draft {
        zones: merge(&mine.zones, &drawn.zones, &theirs.zones),
        lines: merge(&mine.lines, &drawn.lines, &theirs.lines),
        masks: merge(&mine.masks, &drawn.masks, &theirs.masks),
        rules: merge(&mine.rules, &drawn.rules, &theirs.rules),
    }
}

/// Something that stands in a list.
trait Listed: Clone {
    fn was(&self) -> Option<usize>;
    fn at(self, was: Option<usize>) -> Self;
    /// What it is found by.
    fn found_by(&self) -> &str;
    fn is_as(&self, other: &Self) -> bool;
}

impl Listed for Shape {
    fn was(&self) -> Option<usize> {
        self.was
    }

    fn at(self, was: Option<usize>) -> Self {
        Self { was, ..self }
    }

    fn found_by(&self) -> &str {
        if self.id.is_empty() { &self.points } else { &self.id }
    }

    fn is_as(&self, other: &Self) -> bool {
        self.says_the_same(other)
    }
}

impl Listed for Rule {
    fn was(&self) -> Option<usize> {
        self.was
    }

    fn at(self, was: Option<usize>) -> Self {
        Self { was, ..self }
    }

    fn found_by(&self) -> &str {
        &self.id
    }

    fn is_as(&self, other: &Self) -> bool {
        self.says_the_same(other)
    }
}

fn differ<T: Listed>(all: &mut Vec<Change>, part: Part, from: &[T], to: &[T]) {
    let change = |one: &T, how| Change { part, id: one.found_by().to_owned(), how };
    for one in from {
        match to.iter().find(|other| other.found_by() == one.found_by()) {
            None => all.push(change(one, How::Removed)),
            Some(other) if !one.is_as(other) => all.push(change(one, How::Changed)),
            Some(_) => {}
        }
    }
    all.extend(
        to.iter()
            .filter(|one| from.iter().all(|o| o.found_by() != one.found_by()))
            .map(|o| change(o, How::Added)),
    );
}

/// Masks by their place in the list.
fn named(masks: &[Shape]) -> Vec<Shape> {
    let named = |(at, mask): (usize, &Shape)| Shape { id: (at + 1).to_string(), ..mask.clone() };
    masks.iter().enumerate().map(named).collect()
}

fn merge<T: Listed>(mine: &[T], drawn: &[T], theirs: &[T]) -> Vec<T> {
    let place = |name: &str| theirs.iter().position(|one| one.found_by() == name);
    let mut all: Vec<T> = Vec::new();
    for one in mine {
        let was = one.was().and_then(|was| drawn.get(was));
        let there = place(was.map_or(one.found_by(), |was| was.found_by()));
        match (was, there) {
            // I left it alone: as they have it, or gone with them.
            (Some(was), _) if one.is_as(was) => {
                all.extend(there.map(|at| theirs[at].clone().at(Some(at))));
            }
            _ => all.push(one.clone().at(there)),
        }
    }
    // What they have added. What was there when I began and is not in mine, I took out.
    let new =
        theirs.iter().enumerate().filter(|(_, one)| drawn.iter().all(|was| was.found_by() != one.found_by()));
    for (at, one) in new {
        if all.iter().all(|mine| mine.found_by() != one.found_by()) {
            all.push(one.clone().at(Some(at)));
        }
    }
    all
}
