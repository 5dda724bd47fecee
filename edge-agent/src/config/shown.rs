//! The configuration as the hub may see it, and the way back: what is secret in it is [`HIDDEN`] on the way out, and put
//! in again where it comes back as it was shown. Pure.
//!
//! Passwords stand in `password` and in the addresses of cameras, and now and then in a comment. Sections that are the
//! installer's alone are left out.

use protocol::HIDDEN;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, TableLike, Value, value};

use super::{Config, Problem};
use crate::camera::Address;

/// Sections that the hub may set.
const SHOWN: [&str; 4] = ["camera", "detector", "calendar", "calls"];
/// Keys of a camera that hold an address.
const ADDRESSES: [&str; 2] = ["url", "sub_url"];
/// Comments that may tell an address or a password.
const TELLING: [&str; 7] = ["://", "@", "passw", "pwd", "secret", "密码", "口令"];

/// Shows a text that can be read; masks of the installer are added where a configuration of the hub lacks them, since they
/// are in force beside it.
pub(crate) fn shown(text: &str, config: &Config) -> Result<String, String> {
    let quiet = without_telling_comments(text);
    // The reason would quote what stands there.
    let mut document: DocumentMut = quiet.parse().map_err(|_| "it cannot be read".to_owned())?;
    let others: Vec<String> =
        document.iter().map(|(key, _)| key.to_owned()).filter(|key| !SHOWN.contains(&key.as_str())).collect();
    for key in others {
        document.remove(&key);
    }
    each_camera(&mut document, veil);
    if let Some(Item::ArrayOfTables(cameras)) = document.get_mut("camera") {
        cameras.iter_mut().for_each(|camera| add_masks(camera, config));
    }
    Ok(document.to_string())
}

/// The text with the secrets of `present`, the text in force, where it says [`HIDDEN`]. Refuses one that hides something
/// else, with its place by the camera.
pub(crate) fn restored(version: u64, toml: &str, present: &str) -> Result<String, Vec<Problem>> {
    if !toml.contains(HIDDEN) {
        return Ok(toml.to_owned());
    }
    // What cannot be read is told of by whoever reads it next, with its place.
    let Ok(mut document) = toml.parse::<DocumentMut>() else { return Ok(toml.to_owned()) };
    let known = present.parse::<DocumentMut>().map(secrets).unwrap_or_default();
    let mut problems = Vec::new();
    let mut changed = false;
    each_camera(&mut document, |camera| {
        let id = text_of(camera, "id").unwrap_or_default();
        // A password is sent to no other place than those that have it: whoever cannot read it cannot have it told either.
        let has_moved = ADDRESSES.into_iter().any(|key| {
            let said = text_of(camera, key).map(|said| Address::new(said).veiled());
            let stays = |said: String| {
                known.iter().any(|secret| secret.id == id && secret.key == key && secret.shown == said)
            };
            said.is_some_and(|said| !stays(said))
        });
        for key in ["password"].iter().chain(&ADDRESSES) {
            let Some(said) = text_of(camera, key).filter(|said| said.contains(HIDDEN)) else { continue };
            let is_kept = |secret: &&Secret| secret.id == id && secret.key == *key && secret.shown == said;
            let kept = known.iter().find(is_kept).filter(|_| *key != "password" || !has_moved);
            if let Some(secret) = kept {
                set(camera, key, &secret.whole);
                changed = true;
            } else {
                problems.push(Problem {
                    place: format!("configuration {version}, camera {id}"),
                    what: format!(
                        "{key}: {said:?} stands for something that this box does not have there; write it out"
                    ),
                });
            }
        }
    });
    match (problems.is_empty(), changed) {
        (true, true) => Ok(document.to_string()),
        (true, false) => Ok(toml.to_owned()),
        (false, _) => Err(problems),
    }
}

/// One key of one camera that is not shown as it is.
struct Secret {
    id: String,
    key: &'static str,
    shown: String,
    whole: String,
}

fn secrets(mut document: DocumentMut) -> Vec<Secret> {
    let mut found = Vec::new();
    each_camera(&mut document, |camera| {
        let id = text_of(camera, "id").unwrap_or_default();
        for key in ADDRESSES {
            let Some(whole) = text_of(camera, key) else { continue };
            let shown = Address::new(whole.clone()).veiled();
            found.push(Secret { id: id.clone(), key, shown, whole });
        }
        if let Some(whole) = text_of(camera, "password") {
            found.push(Secret { id, key: "password", shown: HIDDEN.to_owned(), whole });
        }
    });
    found
}

fn veil(camera: &mut dyn TableLike) {
    for key in ADDRESSES {
        let Some(whole) = text_of(camera, key) else { continue };
        let shown = Address::new(whole.clone()).veiled();
        if shown != whole {
            set(camera, key, &shown);
        }
    }
    // Whatever stands there, also what is no text.
    if camera.contains_key("password") {
        set(camera, "password", HIDDEN);
    }
}

fn add_masks(camera: &mut Table, config: &Config) {
    let Some(id) = text_of(camera, "id") else { return };
    let Some(watched) = config.cameras.iter().find(|watched| watched.camera.id.as_str() == id) else {
        return;
    };
    let written = camera.get("masks").map_or(0, |masks| match masks {
        Item::ArrayOfTables(list) => list.len(),
        other => other.as_array().map_or(0, Array::len),
    });
    // Those of the installer stand behind those of the text.
    let more = watched.camera.masks.get(written..).unwrap_or_default();
    if more.is_empty() {
        return;
    }
    let masks = camera.entry("masks").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let list = std::mem::take(masks).into_array_of_tables();
    let mut list = list.unwrap_or_else(|_| ArrayOfTables::new());
    for polygon in more {
        let points =
            polygon.iter().map(|[x, y]| Value::from([short(*x), short(*y)].into_iter().collect::<Array>()));
        let mut table = Table::new();
        table.insert("polygon", value(points.collect::<Array>()));
        table.decor_mut().set_prefix("\n# of the installer: it stays\n");
        list.push(table);
    }
    *masks = Item::ArrayOfTables(list);
}

/// 0.3 as a number of single precision is 0.30000001192…: as it was written.
fn short(share: f32) -> f64 {
    share.to_string().parse().unwrap_or_else(|_| f64::from(share))
}

fn each_camera(document: &mut DocumentMut, mut see: impl FnMut(&mut dyn TableLike)) {
    match document.get_mut("camera") {
        Some(Item::ArrayOfTables(list)) => list.iter_mut().for_each(|camera| see(camera)),
        Some(Item::Value(Value::Array(list))) => {
            list.iter_mut().filter_map(Value::as_inline_table_mut).for_each(|camera| see(camera));
        }
        _ => {}
    }
}

fn text_of(table: &dyn TableLike, key: &str) -> Option<String> {
    table.get(key)?.as_str().map(str::to_owned)
}

fn set(table: &mut dyn TableLike, key: &str, text: &str) {
    let Some(item) = table.get_mut(key) else { return };
    let decor = item.as_value().map(|old| old.decor().clone());
    let mut fresh = Value::from(text);
    if let Some(decor) = decor {
        *fresh.decor_mut() = decor;
    }
    *item = Item::Value(fresh);
}

/// Comments are for the installer; one that may hold a former address or a password says no more than that it was there.
fn without_telling_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // The quotes that would end the string that is open: one or three of its kind.
    let mut open: Option<&'static str> = None;
    while let Some(first) = rest.chars().next() {
        let taken = match open {
            Some(end) if rest.starts_with(end) => {
                open = None;
                end.len()
            }
            // An escaped quote ends nothing; between single quotes nothing is escaped.
            Some("\"" | "\"\"\"") if first == '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            Some("\"" | "'") if first == '\n' => {
                open = None;
                1
            }
            Some(_) => first.len_utf8(),
            None if first == '#' => {
                let end = rest.find('\n').unwrap_or(rest.len());
                let low = rest[..end].to_lowercase();
                if TELLING.iter().any(|word| low.contains(word)) {
                    out.push_str("# ");
                    out.push_str(HIDDEN);
                    rest = &rest[end..];
                    continue;
                }
                end
            }
            None => {
                let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| rest.starts_with(quote));
                open = quotes;
                quotes.map_or(first.len_utf8(), str::len)
            }
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
[agent]
name = "local"
# the old one: rtsp://admin:former@10.0.0.1/
[[camera]]
id = "gate" # at the north end
url = "rtsp://admin:hush#1@10.0.0.2:554/live?token=quiet"
sub_url = 'rtsp://10.0.0.2/small'
username = "keeper"
password = "also hush" # password of the maker: hush2

[[camera.rules]]
id = "in"
kind = "intrusion"
name = "a # b"

[health]
listen = "127.0.0.1:9464"
"#;

    fn config(text: &str) -> Config {
        Config::parse("edge.toml", text, []).unwrap()
    }

    /// Nothing secret leaves, in whatever part of the text it stood; the rest does, comments too.
    #[test]
    fn nothing_secret_is_shown() {
        let config = config(TEXT);
        let shown = shown(TEXT, &config).unwrap();
        for secret in ["hush", "quiet", "former", "admin", "agent", "health", "local"] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
        for kept in [
            "url = \"rtsp://***@10.0.0.2:554/live***\"",
            "sub_url = 'rtsp://10.0.0.2/small'",
            "password = \"***\"",
            "# at the north end",
            "name = \"a # b\"",
        ] {
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
    }

    /// What was shown comes back as it is, and the configuration is the same again; another address, or one of a camera that
    /// is not there, must be written out.
    #[test]
    fn what_was_hidden_is_put_in_again() {
        let before = config(TEXT);
        let sent = shown(TEXT, &before).unwrap().replace("\"intrusion\"", "\"intrusion\"\nmin_size = 0.1");
        let back = restored(3, &sent, TEXT).unwrap();
        let after = config(&back);
        assert_eq!(after.cameras[0].camera, before.cameras[0].camera);
        assert_ne!(after.cameras[0].rules, before.cameras[0].rules);
        for (from, to) in [
            ("10.0.0.2:554", "10.0.0.9:554"),
            ("id = \"gate\"", "id = \"roof\""),
            // Else the box would tell it to whoever answers there.
            ("10.0.0.2/small", "10.0.0.9/small"),
        ] {
            let problems = restored(3, &sent.replace(from, to), TEXT).unwrap_err();
            assert!(problems[0].what.contains("write it out"), "{problems:?}");
            assert!(problems.iter().all(|problem| !problem.what.contains("hush")), "{problems:?}");
        }
        // A new password is one that is written.
        let new = restored(3, &sent.replace("password = \"***\"", "password = \"new\""), TEXT).unwrap();
        assert!(new.contains("password = \"new\"") && new.contains("hush#1"), "{new}");
        assert_eq!(restored(3, "no toml: ***", TEXT).unwrap(), "no toml: ***", "told of by its reader");
    }

    /// The installer's masks are in force beside a text of the hub that lacks them, and are shown with it.
    #[test]
    fn masks_in_force_are_shown() {
        let text = "[[camera]]\nid = \"gate\"\nurl = \"test://\"\n";
        let mut config = config(text);
        config.cameras[0].camera.masks = vec![vec![[0.0, 0.0], [0.3, 0.0], [0.3, 0.3]]];
        let shown = shown(text, &config).unwrap();
        let again = Config::parse("x", &shown, []).unwrap();
        assert_eq!(again.cameras[0].camera.masks, config.cameras[0].camera.masks, "{shown}");
        assert!(shown.contains("0.3,") && !shown.contains("0.3000"), "{shown}");
    }

    /// Quotes of every kind are told from comments.
    #[test]
    fn comments_are_found() {
        let text = "a = \"x # p@q\" # at a@b\nb = 'y\\' # plain\nc = \"\"\"\n# in a text: p@q \\\" \"\"\" # passwd\n";
        let quiet = without_telling_comments(text);
        assert_eq!(
            quiet,
            "a = \"x # p@q\" # ***\nb = 'y\\' # plain\nc = \"\"\"\n# in a text: p@q \\\" \"\"\" # ***\n"
        );
    }
}
