//! Who reported a matter, as he or she says. Sealed before anything is kept, like a caller's number.

use protocol::contact::MAX_NAME_BYTES;
use serde::Deserialize;

use super::store;
use crate::app::App;
use crate::db::{Result, Tx};

/// What whoever reports leaves; either part may be empty.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reporter {
    #[serde(default)]
    pub name: String,
    /// As people write numbers: blanks, hyphens and brackets are left out.
    #[serde(default)]
    pub phone: String,
}

/// Neither reaches a log.
impl std::fmt::Debug for Reporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reporter(..)")
    }
}

impl Reporter {
    pub fn is_empty(&self) -> bool {
        self.name.trim().is_empty() && self.phone.trim().is_empty()
    }

    /// Why it cannot be kept, naming the field and never what stands in it.
    pub fn wrong(&self) -> Option<String> {
        let name = self.name.trim();
        if name.len() > MAX_NAME_BYTES || name.contains(char::is_control) {
            return Some(format!("name: one line of at most {} Chinese characters", MAX_NAME_BYTES / 3));
        }
        let digits = digits(&self.phone);
        let count = digits.trim_start_matches('+').len();
        let is_number = digits.chars().all(|c| c.is_ascii_digit() || c == '+')
            && digits.rfind('+').is_none_or(|at| at == 0)
            && (3..=20).contains(&count);
        (!digits.is_empty() && !is_number).then(|| {
            "phone: 3 to 20 digits, with or without + before them; leave it out if there is none".to_owned()
        })
    }
}

/// Digits as they are dialled: half-width, without what people put between them.
fn digits(phone: &str) -> String {
    let plain = |c: char| match c {
        '\u{ff10}'..='\u{ff19}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{ff0b}' => '+',
        c => c,
    };
    phone.chars().map(plain).filter(|c| !c.is_whitespace() && !"-()（）－".contains(*c)).collect()
}

/// Seals what was left and keeps it with the case, in the transaction that opens it. What is not [`Reporter::wrong`] can
/// be sealed; one that is empty keeps nothing.
pub(crate) async fn keep(app: &App, tx: &mut Tx, case_id: &str, reporter: &Reporter) -> Result<()> {
    let (key, name) = (app.contact_key.key(), reporter.name.trim());
    let number = key.seal(&digits(&reporter.phone), &app.chance);
    let name = key.seal_name(name, &app.chance);
    if number.is_none() && name.is_none() {
        return Ok(());
    }
    let (now, life_ms) = (app.clock.now(), app.config.contact.life_ms());
    let both = (number.as_ref(), name.as_ref());
    store::keep_reporter(tx, app.tenant().as_str(), case_id, both, now, life_ms).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(name: &str, phone: &str) -> Option<String> {
        Reporter { name: name.to_owned(), phone: phone.to_owned() }.wrong()
    }

    /// Numbers as people write them are taken; what is none is refused by its field, without repeating it.
    #[test]
    fn what_can_be_kept() {
        for (name, phone) in
            [("", ""), ("李建国", "138-1234 6027"), ("", "（0917）7212345"), ("x", "＋８６ 138"), ("李", "")]
        {
            assert_eq!(wrong(name, phone), None, "{name} {phone}");
        }
        for (name, phone, field) in [
            ("", "12", "phone"),
            ("", "call me", "phone"),
            ("", "138+12", "phone"),
            ("", "123456789012345678901", "phone"),
            ("a\nb", "", "name"),
            (&"长".repeat(33), "", "name"),
        ] {
            let told = wrong(name, phone).unwrap_or_else(|| panic!("{name} {phone} is taken"));
            assert!(told.starts_with(field), "{told}");
            assert!(phone.is_empty() || !told.contains(phone));
        }
        assert!(Reporter::default().is_empty() && !format!("{:?}", Reporter::default()).contains("phone"));
        assert_eq!(digits(" ０９１７-7212 345"), "09177212345");
    }
}
