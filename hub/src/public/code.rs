//! 查询码: with its number and this code whoever reported a matter asks what became of it.
//!
//! Eight characters of Crockford's alphabet, 40 bits. Read as people write them: in small letters, with hyphens, with O for
//! 0 and I or L for 1.

use protocol::{Chance, UtcMs};

use super::store;
use crate::app::App;
use crate::case::{Case, Source};
use crate::db::{self, Tx};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
pub(crate) const LENGTH: usize = 8;

/// A new code.
fn draw(chance: &Chance) -> String {
    chance
        .bytes::<LENGTH>()
        .map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]))
        .iter()
        .collect()
}

/// What somebody typed as it is kept; nothing for what cannot be a code.
pub(super) fn read(text: &str) -> Option<String> {
    let mut code = String::with_capacity(LENGTH);
    for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        let c = match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        };
        if !c.is_ascii() || !ALPHABET.contains(&(c as u8)) || code.len() == LENGTH {
            return None;
        }
        code.push(c);
    }
    (code.len() == LENGTH).then_some(code)
}

/// In two halves, as it is shown.
pub(crate) fn shown(code: &str) -> String {
    code.split_at_checked(LENGTH / 2).map_or_else(|| code.to_owned(), |(a, b)| format!("{a}-{b}"))
}

/// Whether somebody outside may ask after such a case: nobody reported what a camera or the hub itself found.
fn has_one(source: &str, drill: i64) -> bool {
    let outside = [Source::Call, Source::Worker, Source::Citizen, Source::Platform];
    drill == 0 && Source::parse(source).is_some_and(|source| outside.contains(&source))
}

/// The code of a case, made when it is first asked for; nothing for one that nobody outside asks after.
pub async fn of_case(app: &App, case: &Case) -> db::Result<Option<String>> {
    if !has_one(&case.source, case.drill) {
        return Ok(None);
    }
    let tenant = app.tenant().as_str();
    if let Some(code) = store::code(&app.db, tenant, &case.case_id).await? {
        return Ok(Some(code));
    }
    // Of two who ask at once, both are told what the first has kept.
    store::put_code(&app.db, tenant, &case.case_id, &draw(&app.chance), app.clock.now()).await?;
    store::code(&app.db, tenant, &case.case_id).await
}

/// The same in the transaction that opens the case.
pub(crate) async fn of_new(tx: &mut Tx, app: &App, case: &Case, now: UtcMs) -> db::Result<String> {
    let code = draw(&app.chance);
    store::put_code_in(tx, app.tenant().as_str(), &case.case_id, &code, now).await?;
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A code reads back as it is shown and as people write it; anything else is none.
    #[test]
    fn codes_read_back() {
        let chance = Chance::seeded(5);
        for _ in 0..200 {
            let code = draw(&chance);
            assert!(code.len() == LENGTH && code.bytes().all(|b| ALPHABET.contains(&b)), "{code}");
            assert!(!code.contains(['I', 'L', 'O', 'U']), "{code}");
            assert_eq!(read(&shown(&code)).as_deref(), Some(code.as_str()));
            assert_eq!(read(&code.to_lowercase()).as_deref(), Some(code.as_str()));
        }
        assert_eq!(read(" oil0-7yzk ").as_deref(), Some("01107YZK"));
        assert_eq!(shown("01107YZK"), "0110-7YZK");
        for none in
            ["", "0110-7YZ", "0110-7YZKK", "0110-7YZU", "０１１０7YZK", "东关东关东关东关", "0110_7YZK"]
        {
            assert_eq!(read(none), None, "{none}");
        }
    }

    /// Every character comes about as often as every other: no bit of a code is known before.
    #[test]
    fn codes_are_even() {
        let chance = Chance::seeded(6);
        let mut seen = std::collections::BTreeMap::<char, u32>::new();
        for _ in 0..4_000 {
            draw(&chance).chars().for_each(|c| *seen.entry(c).or_default() += 1);
        }
        assert_eq!(seen.len(), 32);
        assert!(seen.values().all(|count| (800..1_200).contains(count)), "{seen:?}");
    }

    /// Only what somebody outside reported has one.
    #[test]
    fn what_nobody_reported_has_none() {
        assert!(
            has_one("call", 0) && has_one("citizen", 0) && has_one("worker", 0) && has_one("platform", 0)
        );
        assert!(!has_one("camera", 0) && !has_one("device", 0) && !has_one("call", 1) && !has_one("", 0));
    }
}
