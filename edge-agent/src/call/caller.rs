//! The caller's number never leaves the box, nor reaches its disk, unmasked: what shows of it is masked, and what can be called
//! back is sealed to the hub's key, where that is known. The number itself is forgotten where it is read.

use std::sync::Arc;

use protocol::{Chance, Sealed};

use crate::contact::HubKey;

/// Seals numbers, where the configuration wants it and the hub's key is known.
#[derive(Debug)]
pub(super) struct Sealer {
    is_wanted: bool,
    key: Arc<HubKey>,
    chance: Arc<Chance>,
}

impl Sealer {
    pub(super) fn new(is_wanted: bool, key: Arc<HubKey>, chance: Arc<Chance>) -> Self {
        Self { is_wanted, key, chance }
    }

    /// Seals nothing.
    #[cfg(test)]
    pub(super) fn idle() -> Self {
        Self::new(false, Arc::new(HubKey::without_hub()), Arc::new(Chance::seeded(0)))
    }

    /// `None` also for what is no number.
    pub(super) fn seal(&self, number: &str) -> Option<Sealed> {
        if !self.is_wanted {
            return None;
        }
        self.key.known().ok()?.seal(&dialable(number)?, &self.chance)
    }

    /// Why no numbers are kept although they are wanted.
    pub(super) fn trouble(&self) -> Option<String> {
        self.key.known().err().filter(|_| self.is_wanted)
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted
    }
}

/// The one number in what an exchange sends, as it can be dialled: digits, `+` before them where it was said. `None` where
/// there is none, or more than one; a name's digits (`user123`) are none.
fn dialable(text: &str) -> Option<String> {
    let joins = |c: char| c.is_ascii_digit() || " +-().".contains(c);
    // Of a SIP address the user.
    let text = text.split('@').next().unwrap_or_default();
    let mut found = None;
    for run in text.split(|c: char| !joins(c)).filter(|run| run.contains(|c: char| c.is_ascii_digit())) {
        let at = run.as_ptr() as usize - text.as_ptr() as usize;
        let touches = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
        if touches(text[..at].chars().next_back()) || touches(text[at + run.len()..].chars().next()) {
            return None;
        }
        let run = run.trim_matches([' ', '-', '.', '(', ')']);
        let (plus, rest) = run.strip_prefix('+').map_or(("", run), |rest| ("+", rest));
        if found.is_some() || rest.contains('+') {
            return None;
        }
        found = Some(format!("{plus}{}", rest.chars().filter(char::is_ascii_digit).collect::<String>()));
    }
    found
}

/// `138****1234`. The shorter a number, the less of it is kept; whatever is not a digit is left out, so a
/// name that an exchange sends in place of a number cannot pass. `None` when there is no digit at all.
pub fn mask(number: &str) -> Option<String> {
    let mut digits: String = number.chars().filter(char::is_ascii_digit).collect();
    for country in ["0086", "86"] {
        let mobile = digits.strip_prefix(country).filter(|rest| rest.len() == 11 && rest.starts_with('1'));
        if let Some(rest) = mobile {
            digits = rest.to_owned();
            break;
        }
    }
    let (head, tail) = match digits.len() {
        0 => return None,
        1..=3 => (0, 0),
        4..=6 => (0, 1),
        7..=10 => (2, 2),
        _ => (3, 4),
    };
    Some(format!("{}****{}", &digits[..head], &digits[digits.len() - tail..]))
}

/// Whether this is what [`mask`] gives.
pub fn is_masked(text: &str) -> bool {
    let shown = text.replacen("****", "", 1);
    shown.len() < text.len() && shown.len() <= 7 && shown.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The forms exchanges really send.
    #[test]
    fn masks_known_forms() {
        for (given, want) in [
            ("13812341234", Some("138****1234")),
            ("+86 138-1234-1234", Some("138****1234")),
            ("008613812341234", Some("138****1234")),
            ("053512345678", Some("053****5678")),
            ("83456789", Some("83****89")),
            ("8001", Some("****1")),
            ("110", Some("****")),
            ("anonymous", None),
            ("", None),
            ("张三 13812341234", Some("138****1234")),
        ] {
            assert_eq!(mask(given).as_deref(), want, "{given:?}");
        }
    }

    /// Nothing that shows more passes for masked.
    #[test]
    fn knows_masked_ones() {
        assert!(is_masked("138****1234") && is_masked("****"));
        for bare in ["13812341234", "138****12345", "1381234****1234", "张三****", "", "***"] {
            assert!(!is_masked(bare), "{bare}");
        }
    }

    /// What can be dialled of the forms that exchanges really send; what is no number, or not one, is none.
    #[test]
    fn finds_the_number() {
        for (given, want) in [
            ("13812341234", Some("13812341234")),
            ("+86 138-1234-1234", Some("+8613812341234")),
            ("008613812341234", Some("008613812341234")),
            ("(0535) 12345678", Some("053512345678")),
            ("张三 13812341234", Some("13812341234")),
            ("8001", Some("8001")),
            ("sip:13812341234@192.0.2.5", Some("13812341234")),
            ("anonymous", None),
            ("", None),
            ("user123", None),
            ("7even", None),
            ("138****1234", None),
            ("13812341234;13912341234", None),
            ("1+1", None),
        ] {
            assert_eq!(dialable(given).as_deref(), want, "{given:?}");
        }
    }

    /// Only what is wanted, and only with a key, is sealed; why not is said unless nobody wants it.
    #[test]
    fn seals_where_it_may() {
        let secret = protocol::ContactSecret::from_bytes(Chance::seeded(1).bytes());
        let chance = Arc::new(Chance::seeded(2));
        let sealer = |wanted, key| Sealer::new(wanted, Arc::new(key), Arc::clone(&chance));
        let ready = sealer(true, HubKey::fixed(secret.key()));
        assert_eq!(secret.open(&ready.seal("+86 138 1234 1234").unwrap()), Ok("+8613812341234".to_owned()));
        assert_eq!((ready.seal("anonymous"), ready.seal("12"), ready.trouble()), (None, None, None));
        let alone = sealer(true, HubKey::without_hub());
        assert_eq!(alone.seal("13812341234"), None);
        assert!(alone.trouble().unwrap().contains("not enrolled"));
        let off = sealer(false, HubKey::fixed(secret.key()));
        assert_eq!((off.seal("13812341234"), off.trouble()), (None, None));
    }

    proptest! {
        /// What is found is digits of the text, and nothing ends the program.
        #[test]
        fn finds_digits_only(text in "\\PC{0,40}") {
            if let Some(number) = dialable(&text) {
                let user = text.split('@').next().unwrap_or_default();
                let digits: String = user.chars().filter(char::is_ascii_digit).collect();
                prop_assert_eq!(number.trim_start_matches('+'), digits);
            }
        }

        /// Whatever comes in, at most seven digits come out, and at least three (or all) stay hidden.
        #[test]
        fn never_tells_too_much(number in "\\PC{0,40}") {
            let digits = number.chars().filter(char::is_ascii_digit).count();
            if let Some(masked) = mask(&number) {
                let shown = masked.chars().filter(char::is_ascii_digit).count();
                prop_assert!(is_masked(&masked));
                prop_assert!(shown <= 7 && shown + digits.min(3) <= digits);
            } else {
                prop_assert_eq!(digits, 0);
            }
        }
    }
}
