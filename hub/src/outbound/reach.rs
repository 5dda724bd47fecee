//! How people are reached outside the hub. Whoever may run `hub` on the machine sets and sees it.

use anyhow::{Context as _, Result, bail};
use lettre::Address;

use super::store::reach::{self, Reach};
use crate::admin::By;
use crate::admin::audit::{self, Deed};
use crate::app::App;
use crate::{organisation, user};

/// Longest mail address, in bytes (RFC 5321).
const MOST_MAIL: usize = 254;
/// Digits of a telephone number (E.164 has 15 at most; short numbers have 3).
const DIGITS: std::ops::RangeInclusive<usize> = 3..=15;

/// What is to be changed.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Nothing for one removes it.
    pub mail: Option<String>,
    pub phone: Option<String>,
    /// Removes both.
    pub clear: bool,
}

/// Changes how a user is reached, where something is to be changed, from the command line; returns what holds then.
pub async fn set(app: &App, user: &str, change: &Change) -> Result<String> {
    set_by(app, &By::cli(app.clock.now()), user, change).await
}

/// The same by somebody whose the user is to change; to others he is not there.
pub async fn set_by(app: &App, by: &By, user: &str, change: &Change) -> Result<String> {
    let (db, tenant) = (&app.db, app.tenant().as_str());
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let (grants, units) = (
        user::grants_in(&mut tx, tenant, user).await?,
        organisation::store::units_in(&mut tx, tenant).await?,
    );
    if !user::is_there(&mut tx, tenant, user).await? || !by.manages(&grants, &units) {
        bail!("there is no user {user}; `hub user list` names them");
    }
    let before = reach::of_in(&mut tx, tenant, user).await?.unwrap_or_default();
    let mut known = if change.clear { Reach::default() } else { before.clone() };
    if let Some(mail) = &change.mail {
        known.mail = read_mail(mail)?;
    }
    if let Some(phone) = &change.phone {
        known.phone = read_phone(phone)?;
    }
    if known != before {
        if known == Reach::default() {
            reach::clear(&mut tx, tenant, user).await?;
        } else {
            reach::put(&mut tx, tenant, user, &known, by.at).await.context("keeping the address")?;
        }
        // Which of them there are, not what they are: a register is no address book.
        let told = |reach: &Reach| {
            let both = [("mail", &reach.mail), ("phone", &reach.phone)];
            let there = both.into_iter().filter(|(_, text)| !text.is_empty()).map(|(word, _)| word);
            there.collect::<Vec<_>>().join(", ")
        };
        let (area, before, after) = (user::people::around(&grants), told(&before), told(&known));
        let change = audit::Change { deed: Deed::UserReach, subject: user, area: &area, before, after };
        audit::note(&mut tx, tenant, by, &change).await?;
        tx.commit().await?;
    }
    let Reach { mail, phone } = known;
    Ok(format!("{user}\t{mail}\t{phone}").trim_end().to_owned())
}

fn read_mail(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    let address: Address = text.parse().with_context(|| format!("{text:?} is no mail address"))?;
    if text.len() > MOST_MAIL {
        bail!("{text:?} is longer than {MOST_MAIL} bytes");
    }
    Ok(address.to_string())
}

/// Digits, with a plus before them or without; blanks and hyphens between them are left out.
fn read_phone(text: &str) -> Result<String> {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let digits = text.strip_prefix('+').unwrap_or(&text);
    let good = digits.chars().all(|c| c.is_ascii_digit()) && DIGITS.contains(&digits.len());
    if !text.is_empty() && !good {
        bail!("{text:?} is no telephone number: 3 to 15 digits, with + before them or without");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers and addresses as people write them; what is none is refused.
    #[test]
    fn addresses() {
        assert_eq!(read_phone("+86 138-0000-0000").unwrap(), "+8613800000000");
        assert_eq!(read_phone("110").unwrap(), "110");
        assert_eq!(read_phone("").unwrap(), "");
        for bad in ["12", "abc", "1380000000a", "+", "1234567890123456"] {
            assert!(read_phone(bad).is_err(), "{bad}");
        }
        assert_eq!(read_mail(" li@fengxiang.test ").unwrap(), "li@fengxiang.test");
        for bad in ["li", "li@", "a b@c.d", "x@y\r\nBcc: z@z.z"] {
            assert!(read_mail(bad).is_err(), "{bad:?}");
        }
    }
}
