//! What differs between two texts, line by line. Pure.

/// Lines around a difference that are shown with it.
const AROUND: usize = 2;
/// Pairs of lines that are compared; longer stretches are told as one that went and one that came.
const MOST_PAIRS: usize = 4_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Same,
    Gone,
    New,
    /// Lines that are the same are left out here.
    Gap,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub mark: Mark,
    pub text: String,
}

/// The differences with what stands around them; nothing where the texts are alike.
pub fn lines(old: &str, new: &str) -> Vec<Line> {
    let all = whole(&old.lines().collect::<Vec<_>>(), &new.lines().collect::<Vec<_>>());
    let near = |at: usize| {
        let from = at.saturating_sub(AROUND);
        all[from..(at + AROUND + 1).min(all.len())].iter().any(|line| line.mark != Mark::Same)
    };
    let mut shown: Vec<Line> = Vec::new();
    for (at, line) in all.iter().enumerate() {
        if near(at) {
            shown.push(line.clone());
        } else if shown.last().is_none_or(|last| last.mark != Mark::Gap) {
            shown.push(Line { mark: Mark::Gap, text: String::new() });
        }
    }
    if shown.iter().all(|line| line.mark == Mark::Gap) { Vec::new() } else { shown }
}

fn whole(old: &[&str], new: &[&str]) -> Vec<Line> {
    let alike = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (before, old, new) = (&old[..alike], &old[alike..], &new[alike..]);
    let alike = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, after) = old.split_at(old.len() - alike);
    let new = &new[..new.len() - alike];
    let line = |mark, text: &&str| Line { mark, text: (*text).to_owned() };
    let mut all: Vec<Line> = before.iter().map(|text| line(Mark::Same, text)).collect();
    if old.len() * new.len() > MOST_PAIRS {
        all.extend(old.iter().map(|text| line(Mark::Gone, text)));
        all.extend(new.iter().map(|text| line(Mark::New, text)));
    } else {
        all.extend(middle(old, new));
    }
    all.extend(after.iter().map(|text| line(Mark::Same, text)));
    all
}

/// By the longest common subsequence.
fn middle(old: &[&str], new: &[&str]) -> Vec<Line> {
    let width = new.len() + 1;
    // Lines that are common to what is left from here on.
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            common[a * width + b] = if old[a] == new[b] {
                common[(a + 1) * width + b + 1] + 1
            } else {
                common[(a + 1) * width + b].max(common[a * width + b + 1])
            };
        }
    }
    let (mut a, mut b, mut all) = (0, 0, Vec::new());
    while a < old.len() || b < new.len() {
        let is_same = a < old.len() && b < new.len() && old[a] == new[b];
        let goes =
            b == new.len() || (a < old.len() && common[(a + 1) * width + b] >= common[a * width + b + 1]);
        let (mark, text) = if is_same {
            (Mark::Same, old[a])
        } else if goes {
            (Mark::Gone, old[a])
        } else {
            (Mark::New, new[b])
        };
        a += usize::from(mark != Mark::New);
        b += usize::from(mark != Mark::Gone);
        all.push(Line { mark, text: text.to_owned() });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> String {
        let line = |line: &Line| match line.mark {
            Mark::Same => format!(" {}", line.text),
            Mark::Gone => format!("-{}", line.text),
            Mark::New => format!("+{}", line.text),
            Mark::Gap => "…".to_owned(),
        };
        lines(old, new).iter().map(line).collect::<Vec<_>>().join("|")
    }

    /// A line that changed stands with its neighbours, what is far from it is left out, equal texts have nothing.
    #[test]
    fn changes_stand_with_their_neighbours() {
        assert_eq!(shown("a\nb\nc", "a\nb\nc"), "");
        assert_eq!(shown("", ""), "");
        assert_eq!(shown("a\nb\nc\nd\ne\nf\ng", "a\nb\nc\nD\ne\nf\ng"), "…| b| c|-d|+D| e| f|…");
        assert_eq!(shown("a\nb", "a\nx\nb"), " a|+x| b");
        assert_eq!(shown("a\nx\nb", "a\nb"), " a|-x| b");
        assert_eq!(shown("", "a"), "+a");
        assert_eq!(shown("a\nb\nc", "c\na\nb"), "+c| a| b|-c");
    }

    /// What was taken out and put in, applied to the old text, gives the new one.
    #[test]
    fn differences_lead_to_the_new_text() {
        let (old, new) = (["a", "b", "c", "a", "d"], ["b", "a", "c", "c", "d", "e"]);
        let all = whole(&old, &new);
        let of = |not: Mark| -> Vec<&str> {
            all.iter().filter(|line| line.mark != not).map(|line| line.text.as_str()).collect()
        };
        assert_eq!(of(Mark::New), old);
        assert_eq!(of(Mark::Gone), new);
    }
}
