//! A TOML text with environment overrides, read section by section. Every mistake is collected with its place
//! in the file, not only the first, so that an installer mends all of them in one go.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

/// Prefix of environment variables that override keys: `SHAODIAN_EDGE__HUB__MQTT_PORT=8883`.
pub const ENV_PREFIX: &str = "SHAODIAN_EDGE__";

/// One mistake: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `file:line:column`, or the environment variable.
    pub place: String,
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

type Table<'a> = DeTable<'a>;
type Value<'a> = DeValue<'a>;
type Entry<'a> = (Spanned<DeString<'a>>, Spanned<Value<'a>>);

/// The text and what is still unread of it.
pub(super) struct Document<'a> {
    file: &'a str,
    text: &'a str,
    /// Names of overriding variables. Positions from `text.len() + 1` on stand for them.
    overrides: Vec<&'a str>,
    root: Table<'a>,
    problems: Vec<Problem>,
}

/// One table, with the keys that lead to it.
pub(super) struct Section<'a> {
    path: String,
    span: Range<usize>,
    table: Table<'a>,
    /// As it was before anything was taken out of it, to find places by key.
    whole: Table<'a>,
}

impl<'a> Section<'a> {
    fn new(path: String, span: Range<usize>, table: Table<'a>) -> Self {
        Self { path, span, whole: table.clone(), table }
    }

    pub(super) fn holds(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// What has not been taken out.
    pub(super) fn keys(&self) -> Vec<String> {
        self.table.keys().map(|key| key.get_ref().to_string()).collect()
    }

    /// Takes one key out, so that it is not read.
    pub(super) fn take(&mut self, key: &str) {
        self.table.remove(key);
    }

    /// What stands in a key, when that is text.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        Some(self.table.get(key)?.get_ref().as_str()?.to_owned())
    }

    /// Whether a key holds a list (of lists, when `nested`).
    pub(super) fn is_list(&self, key: &str, nested: bool) -> bool {
        let list = self.table.get(key).and_then(|value| value.get_ref().as_array());
        list.is_some_and(|list| !nested || list.iter().any(|item| item.get_ref().is_array()))
    }

    /// Position of a key such as `masks[1]` or `place.latitude`; the section's own when it is not written.
    fn locate(&self, key: &str) -> usize {
        let mut position = self.span.start;
        let mut table = &self.whole;
        for step in key.split('.') {
            let (name, index) = match step.split_once('[') {
                Some((name, rest)) => (name, rest.trim_end_matches(']').parse::<usize>().ok()),
                None => (step, None),
            };
            let Some((key, value)) = table.get_key_value(name) else { return position };
            position = key.span().start;
            let element = index.and_then(|at| value.get_ref().as_array()?.get(at));
            if let Some(element) = element {
                position = element.span().start;
            }
            match value.get_ref().as_table() {
                Some(inner) => table = inner,
                None => return position,
            }
        }
        position
    }
}

impl<'a> Document<'a> {
    /// Reads `text`; `environment` holds all variables, those with [`ENV_PREFIX`] override.
    pub(super) fn parse(file: &'a str, text: &'a str, environment: &'a [(String, String)]) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let root = root.into_inner();
        let mut this = Self { file, text, overrides: Vec::new(), root, problems: Vec::new() };
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            this.problem(at, format!("this is not TOML: {}", error.message()));
        }
        let mut variables: Vec<_> =
            environment.iter().filter(|(name, _)| name.starts_with(ENV_PREFIX)).collect();
        variables.sort();
        for (name, value) in variables {
            this.override_with(name, value);
        }
        this
    }

    fn override_with(&mut self, name: &'a str, value: &'a str) {
        let at = self.text.len() + 1 + self.overrides.len();
        let path: Vec<String> = name[ENV_PREFIX.len()..].split("__").map(str::to_lowercase).collect();
        self.overrides.push(name);
        let parsed = match DeValue::parse(value) {
            Ok(parsed) => parsed.into_inner(),
            // Not a TOML value: a bare word, such as a host name.
            Err(_) => DeValue::String(value.into()),
        };
        let parsed = moved(parsed, at);
        if let Err(why) = insert(&mut self.root, &path, parsed, at) {
            self.problem(at, why);
        }
    }

    fn place(&self, position: usize) -> String {
        if let Some(at) = position.checked_sub(self.text.len() + 1)
            && let Some(name) = self.overrides.get(at)
        {
            return format!("environment variable {name}");
        }
        let before = &self.text.as_bytes()[..position.min(self.text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        format!("{}:{line}:{column}", self.file)
    }

    fn problem(&mut self, position: usize, what: String) {
        let place = self.place(position);
        self.problems.push(Problem { place, what });
    }

    /// A mistake of the whole text.
    pub(super) fn missing(&mut self, what: &str) {
        self.problem(0, what.to_owned());
    }

    /// A mistake that only the meaning shows, in a key of a section.
    pub(super) fn wrong(&mut self, section: &Section<'_>, key: &str, what: &str) {
        let path = [section.path.as_str(), key].join(".");
        self.problem(section.locate(key), format!("{}: {what}", path.trim_matches('.')));
    }

    /// Takes `[name]` out of the document.
    pub(super) fn section(&mut self, name: &str) -> Option<Section<'a>> {
        let (key, value) = self.root.remove_entry(name)?;
        self.as_section(name.to_owned(), key.span(), value)
    }

    /// Takes `[[name]]` out of the document.
    pub(super) fn list(&mut self, name: &str) -> Vec<Section<'a>> {
        let entry = self.root.remove_entry(name);
        self.as_list("", name, entry)
    }

    /// Takes `[[outer.name]]` out of one section.
    pub(super) fn inner_list(&mut self, outer: &mut Section<'a>, name: &str) -> Vec<Section<'a>> {
        let entry = outer.table.remove_entry(name);
        self.as_list(&outer.path.clone(), name, entry)
    }

    /// Takes `[outer.name]` or `[[outer.name]]` out of one section.
    pub(super) fn one_or_many(&mut self, outer: &mut Section<'a>, name: &str) -> Vec<Section<'a>> {
        if outer.is_list(name, false) {
            return self.inner_list(outer, name);
        }
        let Some((key, value)) = outer.table.remove_entry(name) else { return Vec::new() };
        let path = format!("{}.{name}", outer.path);
        self.as_section(path, key.span(), value).into_iter().collect()
    }

    /// Takes one value out of the document.
    pub(super) fn value<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let (key, value) = self.root.remove_entry(name)?;
        let span = key.span();
        let mut table = Table::new();
        table.insert(key, value);
        let spanned = Spanned::new(span.clone(), table);
        let read = BTreeMap::<String, T>::deserialize(toml::de::Deserializer::from(spanned));
        match read {
            Ok(mut read) => read.remove(name),
            Err(error) => {
                self.problem(span.start, format!("{name}: {}", explain(error.message())));
                None
            }
        }
    }

    fn as_list(&mut self, outer: &str, name: &str, entry: Option<Entry<'a>>) -> Vec<Section<'a>> {
        let Some((key, value)) = entry else { return Vec::new() };
        let path = [outer, name].join(".").trim_start_matches('.').to_owned();
        match value.into_inner() {
            DeValue::Array(items) => items
                .into_iter()
                .enumerate()
                .filter_map(|(at, item)| {
                    let span = item.span();
                    self.as_section(format!("{path}[{at}]"), span, item)
                })
                .collect(),
            other => {
                let what = format!("{path} is a {}; write one [[{path}]] table for each", other.type_str());
                self.problem(key.span().start, what);
                Vec::new()
            }
        }
    }

    fn as_section(
        &mut self,
        path: String,
        at: Range<usize>,
        value: Spanned<Value<'a>>,
    ) -> Option<Section<'a>> {
        let span = if value.span().is_empty() { at } else { value.span() };
        match value.into_inner() {
            DeValue::Table(table) => Some(Section::new(path, span, table)),
            other => {
                self.problem(span.start, format!("{path} is a {}; write a [{path}] table", other.type_str()));
                None
            }
        }
    }

    /// Reads a section. Each key that does not fit is noted and left out, then the rest is read, so that all
    /// mistakes come to light. `None` when something is missing that has no default.
    pub(super) fn read<T: DeserializeOwned>(&mut self, section: &Section<'_>) -> Option<T> {
        let mut table = section.table.clone();
        let mut left_out = BTreeSet::new();
        loop {
            let spanned = Spanned::new(section.span.clone(), table.clone());
            let error = match T::deserialize(toml::de::Deserializer::from(spanned)) {
                Ok(read) => return left_out.is_empty().then_some(read),
                Err(error) => error,
            };
            let position = error.span().map_or(section.span.start, |span| span.start);
            let culprit = leave_out(&mut table, position);
            let words = explain(error.message());
            match culprit {
                Some(key) => {
                    // What is written there must not reach a log or the hub.
                    let secret = key.ends_with("password");
                    let words = if secret { "is not text in quotes" } else { words.as_str() };
                    self.problem(position, format!("{}.{key}: {words}", section.path));
                    left_out.insert(key.rsplit('.').next().unwrap_or(&key).to_owned());
                }
                None => {
                    // What is missing only because it was just left out needs no second word.
                    let missing = between_ticks(&words);
                    if !missing.is_some_and(|key| left_out.contains(key)) {
                        self.problem(section.span.start, format!("{}: {words}", section.path));
                    }
                    return None;
                }
            }
        }
    }

    /// Whatever was not taken is unknown. Returns all mistakes, in the order of the file.
    pub(super) fn finish(mut self, known: &[&str]) -> Vec<Problem> {
        let unknown: Vec<_> =
            self.root.keys().map(|key| (key.span().start, key.get_ref().to_string())).collect();
        for (position, name) in unknown {
            let what = format!("unknown section `{name}`{}", hint(&name, known.iter().copied()));
            self.problem(position, what);
        }
        let order = |problem: &Problem| -> (usize, usize) {
            let mut numbers = problem.place.rsplit(':').map(|n| n.parse().unwrap_or(usize::MAX));
            let column = numbers.next().unwrap_or(0);
            (numbers.next().unwrap_or(usize::MAX), column)
        };
        self.problems.sort_by_key(order);
        self.problems
    }
}

/// The value with every span at `at`.
fn moved(value: Value<'_>, at: usize) -> Value<'_> {
    let spot = at..at + 1;
    match value {
        DeValue::Array(items) => {
            let mut array = DeArray::new();
            for item in items {
                array.push(Spanned::new(spot.clone(), moved(item.into_inner(), at)));
            }
            DeValue::Array(array)
        }
        DeValue::Table(table) => DeValue::Table(
            table
                .into_iter()
                .map(|(key, value)| {
                    let value = Spanned::new(spot.clone(), moved(value.into_inner(), at));
                    (Spanned::new(spot.clone(), key.into_inner()), value)
                })
                .collect(),
        ),
        plain => plain,
    }
}

/// Puts a value at a path, making tables on the way; numbers choose existing elements of lists.
fn insert<'a>(table: &mut Table<'a>, path: &[String], value: Value<'a>, at: usize) -> Result<(), String> {
    let spot = at..at + 1;
    let Some((first, rest)) = path.split_first().filter(|(first, _)| !first.is_empty()) else {
        return Err("names no key; write SHAODIAN_EDGE__SECTION__KEY".to_owned());
    };
    if rest.is_empty() {
        table.remove(first.as_str());
        table.insert(Spanned::new(spot.clone(), first.clone().into()), Spanned::new(spot, value));
        return Ok(());
    }
    if !table.contains_key(first.as_str()) {
        let empty = Spanned::new(spot.clone(), DeValue::Table(Table::new()));
        table.insert(Spanned::new(spot, first.clone().into()), empty);
    }
    match table.get_mut(first.as_str()).map(Spanned::get_mut) {
        Some(DeValue::Table(inner)) => insert(inner, rest, value, at),
        Some(DeValue::Array(items)) => {
            let count = items.len();
            let element = rest[0].parse().ok().and_then(|n: usize| items.get_mut(n));
            match element.map(Spanned::get_mut) {
                Some(DeValue::Table(inner)) => insert(inner, &rest[1..], value, at),
                _ => Err(format!(
                    "`{first}` has no element {}; the file lists {count}, counted from 0",
                    rest[0]
                )),
            }
        }
        _ => Err(format!("`{first}` is a value, not a section")),
    }
}

/// Removes the innermost entry that holds `position` and returns its path.
fn leave_out(table: &mut Table<'_>, position: usize) -> Option<String> {
    let mut found = None;
    for (key, value) in table.iter_mut() {
        let name = key.get_ref().to_string();
        if key.span().contains(&position) {
            found = Some(name);
            break;
        }
        let inner = match value.get_mut() {
            DeValue::Table(inner) => leave_out(inner, position),
            _ => None,
        };
        if let Some(inner) = inner {
            return Some(format!("{name}.{inner}"));
        }
        if value.span().contains(&position) {
            found = Some(name);
            break;
        }
    }
    let name = found?;
    table.remove(name.as_str());
    Some(name)
}

/// Serde's words, with the nearest known key or value where there is one.
fn explain(message: &str) -> String {
    let message = message.trim();
    let mut words = message.split('`').skip(1).step_by(2);
    let unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    match (unknown, words.next()) {
        (true, Some(given)) => {
            let known: Vec<&str> = words.collect();
            let what = message.split(',').next().unwrap_or(message);
            format!("{what}{}", hint(given, known.iter().copied()))
        }
        _ => in_plain_words(message),
    }
}

/// The names of this program's number types mean nothing to an installer.
fn in_plain_words(message: &str) -> String {
    let (head, wanted) = message.rsplit_once("expected ").unwrap_or((message, ""));
    let words = match wanted {
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or more",
        "f32" | "f64" => "a number",
        _ => return message.to_owned(),
    };
    format!("{head}expected {words}")
}

fn between_ticks(text: &str) -> Option<&str> {
    text.starts_with("missing field").then(|| text.split('`').nth(1)).flatten()
}

/// `; did you mean …` for near ones, otherwise the whole list.
fn hint<'k>(given: &str, known: impl Iterator<Item = &'k str> + Clone) -> String {
    let near = nearest(given, known.clone());
    if near.is_empty() {
        format!("; known here: {}", known.collect::<Vec<_>>().join(", "))
    } else {
        near + "?"
    }
}

/// `; did you mean …` when one is near.
pub(crate) fn nearest<'k>(given: &str, known: impl Iterator<Item = &'k str>) -> String {
    let near = known
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .min()
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(2));
    near.map(|(_, name)| format!("; did you mean `{name}`")).unwrap_or_default()
}
