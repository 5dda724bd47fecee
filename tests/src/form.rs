//! Reads a form out of one of the hub's pages and fills it as a person would: what the page brings (hidden
//! fields, preset values) is sent back, what the person types replaces it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

/// A form as it stands on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    pub action: String,
    pub method: String,
    pub fields: BTreeMap<String, String>,
    /// Names of every control, and for choices what may be chosen.
    choices: BTreeMap<String, Vec<String>>,
}

impl Form {
    /// The form whose `id` is `id`.
    pub fn find(html: &str, id: &str) -> Result<Self> {
        let mut form: Option<Self> = None;
        let mut select: Option<String> = None;
        let mut rest = html;
        while let Some((tag, text, after)) = next_tag(rest) {
            rest = after;
            let attributes = attributes(tag);
            let get = |name: &str| attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
            let name = tag.split([' ', '\n', '/', '>']).next().unwrap_or_default();
            match (name, form.as_mut()) {
                ("form", None) if get("id").as_deref() == Some(id) => {
                    form = Some(Self {
                        action: get("action").unwrap_or_default(),
                        method: get("method").unwrap_or_else(|| "get".into()).to_lowercase(),
                        fields: BTreeMap::new(),
                        choices: BTreeMap::new(),
                    });
                }
                ("", Some(_)) if tag.starts_with("/form") => break,
                ("", Some(_)) if tag.starts_with("/select") => select = None,
                ("input", Some(form)) => {
                    form.input(get("name"), get("type"), get("value"), get("checked").is_some());
                }
                ("textarea", Some(form)) => {
                    if let Some(name) = get("name") {
                        form.choices.entry(name.clone()).or_default();
                        form.fields.insert(name, unescape(text));
                    }
                }
                ("select", Some(form)) => {
                    select = get("name");
                    form.choices.entry(select.clone().unwrap_or_default()).or_default();
                }
                ("option", Some(form)) => {
                    let (Some(field), Some(value)) = (&select, get("value")) else { continue };
                    form.choices.entry(field.clone()).or_default().push(value.clone());
                    if get("selected").is_some() {
                        form.fields.insert(field.clone(), value);
                    }
                }
                _ => {}
            }
        }
        form.with_context(|| format!("the page has no form {id:?}; its title is {:?}", title(html)))
    }

    fn input(&mut self, name: Option<String>, kind: Option<String>, value: Option<String>, checked: bool) {
        let Some(name) = name else { return };
        let choices = self.choices.entry(name.clone()).or_default();
        let value = value.unwrap_or_default();
        match kind.as_deref() {
            Some("radio" | "checkbox") => {
                choices.push(value.clone());
                if checked {
                    self.fields.insert(name, value);
                }
            }
            _ => {
                self.fields.insert(name, value);
            }
        }
    }

    /// Types or chooses; a field the page does not have, or a choice it does not offer, is an error.
    pub fn fill(mut self, name: &str, value: &str) -> Result<Self> {
        let Some(choices) = self.choices.get(name) else {
            bail!("the form {} has no field {name:?}; it has {:?}", self.action, self.choices.keys());
        };
        ensure!(
            choices.is_empty() || choices.iter().any(|c| c == value),
            "{name:?} offers {choices:?}, not {value:?}"
        );
        self.fields.insert(name.to_owned(), value.to_owned());
        Ok(self)
    }

    /// What may be chosen for a field; empty for free text.
    pub fn choices(&self, name: &str) -> &[String] {
        self.choices.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The page's title.
pub fn title(html: &str) -> &str {
    html.split_once("<title>").and_then(|(_, t)| t.split_once("</title>")).map_or("", |(t, _)| t)
}

/// The inside of the next tag, the text up to the tag after it, and what follows the tag.
fn next_tag(html: &str) -> Option<(&str, &str, &str)> {
    let (_, from) = html.split_once('<')?;
    let mut quoted = false;
    let end = from.find(|c| {
        quoted ^= c == '"';
        c == '>' && !quoted
    })?;
    let (tag, after) = (&from[..end], &from[end + 1..]);
    Some((tag, after.split('<').next().unwrap_or_default(), after))
}

/// `name="value"` pairs; a name alone has an empty value.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut rest = tag.split_once([' ', '\n']).map_or("", |(_, r)| r).trim_start();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ', '\n']).unwrap_or(rest.len());
        let name = rest[..end].to_lowercase();
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let (inside, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            value = unescape(inside);
            rest = after;
        } else if let Some(bare) = rest.strip_prefix('=') {
            let end = bare.find([' ', '\n']).unwrap_or(bare.len());
            value = unescape(&bare[..end]);
            rest = &bare[end..];
        }
        if !name.is_empty() && name != "/" {
            out.push((name, value));
        }
        rest = rest.trim_start();
    }
    out
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<title>T</title><form id="other"><input name="x" value="1"></form>
        <form class="f" method="post" action="/calls/1/ticket" id="ticket">
        <input type="hidden" name="csrf" value="a&amp;b"><input type="radio" name="matter" value="report" required>
        <input type="radio" name="matter" value="ask" checked><select name="category"><option value="">-</option>
        <option value="fire" selected>F</option><option value="noise">N</option></select>
        <input name="place" value="here"><textarea name="summary" rows="5">old &lt;words&gt;</textarea></form>"#;

    /// What the page brought is kept, what the person chose replaces it.
    #[test]
    fn a_form_is_read_and_filled() {
        let form = Form::find(PAGE, "ticket").unwrap();
        assert_eq!((form.action.as_str(), form.method.as_str()), ("/calls/1/ticket", "post"));
        assert_eq!(form.choices("matter"), ["report", "ask"]);
        let form = form.fill("matter", "report").unwrap().fill("summary", "new").unwrap();
        let fields: Vec<_> = form.fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            fields,
            [
                ("category", "fire"),
                ("csrf", "a&b"),
                ("matter", "report"),
                ("place", "here"),
                ("summary", "new")
            ]
        );
    }

    /// A field or a choice that is not on the page is refused, as a browser would.
    #[test]
    fn what_is_not_there_cannot_be_filled() {
        let form = Form::find(PAGE, "ticket").unwrap();
        assert!(form.clone().fill("colour", "red").unwrap_err().to_string().contains("no field"));
        assert!(form.fill("matter", "praise").unwrap_err().to_string().contains("offers"));
        assert!(Form::find(PAGE, "absent").unwrap_err().to_string().contains("\"T\""));
    }
}
