//! The caller's number never leaves the box, nor reaches its disk, unmasked.

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

    proptest! {
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
