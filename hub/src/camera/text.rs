//! A camera's tables in the text of a whole configuration: read, changed in place, and taken out to be tried. Pure.
//!
//! The text stays its maker's: comments, order, what other cameras have, and keys that are not known here stay as they are.
//! Only a field that says something else than the text is written; an empty one takes its key away.

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::draft::{Draft, Rule, Shape, number, words};
use super::outline;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("the configuration cannot be read as TOML")]
    Unreadable,
    #[error("the configuration has no camera {0}")]
    NoCamera(String),
    #[error("`{0}` of the camera is no list of tables")]
    Odd(&'static str),
}

type Result<T> = std::result::Result<T, TextError>;

/// What a camera watches for.
pub fn read(toml: &str, camera: &str) -> Result<Draft> {
    let document = parse(toml)?;
    let camera = find(&document, camera)?;
    let shapes = |key, points| {
        let shape = |(at, table): (usize, &dyn TableLike)| read_shape(table, points, Some(at));
        list(camera, key).into_iter().enumerate().map(shape).collect::<Vec<_>>()
    };
    let rules = list(camera, "rules");
    Ok(Draft {
        zones: shapes("zones", "polygon"),
        lines: shapes("lines", "points"),
        masks: shapes("masks", "polygon"),
        rules: rules.into_iter().enumerate().map(|(at, table)| read_rule(table, Some(at))).collect(),
    })
}

/// Whether there is such a camera.
pub fn has(toml: &str, camera: &str) -> bool {
    parse(toml).is_ok_and(|document| find(&document, camera).is_ok())
}

/// The text with what the draft says of a camera. The draft is one in which nothing is wrong.
pub fn write(toml: &str, camera: &str, draft: &Draft) -> Result<String> {
    let mut document = parse(toml)?;
    if let Some(item) = document.get_mut("camera")
        && !item.is_array_of_tables()
    {
        *item = Item::ArrayOfTables(tables(std::mem::take(item), "camera")?);
    }
    let cameras = document.get_mut("camera").and_then(Item::as_array_of_tables_mut);
    let table = cameras
        .and_then(|cameras| cameras.iter_mut().find(|table| text_of(&**table, "id") == camera))
        .ok_or_else(|| TextError::NoCamera(camera.to_owned()))?;
    for (key, points, shapes) in [
        ("zones", "polygon", &draft.zones),
        ("lines", "points", &draft.lines),
        ("masks", "polygon", &draft.masks),
    ] {
        put_list(table, key, shapes.iter().map(|shape| shape.was), |table, at| {
            write_shape(table, points, &shapes[at]);
        })?;
    }
    put_list(table, "rules", draft.rules.iter().map(|rule| rule.was), |table, at| {
        write_rule(table, &draft.rules[at]);
    })?;
    Ok(document.to_string())
}

/// Zones, lines and rules alone, as a box tries them.
pub fn trial(toml: &str, camera: &str) -> Result<String> {
    let document = parse(toml)?;
    let watched = find(&document, camera)?;
    let mut table = Table::new();
    table.set_implicit(true);
    for key in ["zones", "lines", "rules"] {
        if let Some(item) = watched.get(key) {
            table.insert(key, item.clone());
        }
    }
    let mut alone = DocumentMut::new();
    alone.insert("camera", Item::Table(table));
    Ok(alone.to_string().trim_start().to_owned())
}

fn parse(toml: &str) -> Result<DocumentMut> {
    toml.parse().map_err(|_| TextError::Unreadable)
}

fn find<'a>(document: &'a DocumentMut, camera: &str) -> Result<&'a dyn TableLike> {
    let found = list(document.as_table(), "camera").into_iter().find(|table| text_of(*table, "id") == camera);
    found.ok_or_else(|| TextError::NoCamera(camera.to_owned()))
}

/// The tables of a list, in either way to write it.
fn list<'a>(table: &'a dyn TableLike, key: &str) -> Vec<&'a dyn TableLike> {
    match table.get(key) {
        Some(Item::ArrayOfTables(list)) => list.iter().map(|table| table as &dyn TableLike).collect(),
        Some(Item::Value(Value::Array(list))) => {
            let tables = list.iter().filter_map(Value::as_inline_table);
            tables.map(|table| table as &dyn TableLike).collect()
        }
        _ => Vec::new(),
    }
}

fn tables(item: Item, key: &'static str) -> Result<ArrayOfTables> {
    item.into_array_of_tables().map_err(|_| TextError::Odd(key))
}

/// Makes a list of these: each of its former table, where it had one, as `change` leaves it.
fn put_list(
    camera: &mut Table,
    key: &'static str,
    items: impl Iterator<Item = Option<usize>>,
    change: impl Fn(&mut Table, usize),
) -> Result<()> {
    let former = match camera.remove(key) {
        Some(item) => tables(item, key)?,
        None => ArrayOfTables::new(),
    };
    let mut fresh = ArrayOfTables::new();
    for (at, was) in items.enumerate() {
        let mut table = was.and_then(|was| former.get(was)).cloned().unwrap_or_else(Table::new);
        change(&mut table, at);
        fresh.push(table);
    }
    if !fresh.is_empty() {
        camera.insert(key, Item::ArrayOfTables(fresh));
    }
    Ok(())
}

fn read_shape(table: &dyn TableLike, key: &str, was: Option<usize>) -> Shape {
    Shape { was, id: text_of(table, "id"), points: points_of(table, key) }
}

fn write_shape(table: &mut Table, key: &str, shape: &Shape) {
    word(table, "id", &shape.id);
    if points_of(table, key) != shape.points {
        let points = outline::points(&shape.points).unwrap_or_default();
        let pair = |(x, y): (f64, f64)| Value::from([x, y].into_iter().collect::<Array>());
        put(table, key, Value::from(points.into_iter().map(pair).collect::<Array>()));
    }
}

fn read_rule(table: &dyn TableLike, was: Option<usize>) -> Rule {
    let text = |key| text_of(table, key);
    let number = |key| number_of(table, key);
    let schedule = table.get("schedule");
    let one = schedule.and_then(Item::as_table_like);
    let of_schedule = |key| one.map(|schedule| text_of(schedule, key)).unwrap_or_default();
    Rule {
        was,
        id: text("id"),
        kind: text("kind"),
        name: text("name"),
        name_en: text("name_en"),
        enabled: table.get("enabled").and_then(Item::as_bool).unwrap_or(true),
        zone: text("zone"),
        line: text("line"),
        direction: text("direction"),
        labels: words_of(table, "labels"),
        min_score: number("min_score"),
        min_size: number("min_size"),
        dwell_s: number("dwell_s"),
        count: number("count"),
        severity: text("severity"),
        cooldown_s: number("cooldown_s"),
        days: one.map(|schedule| words_of(schedule, "days")).unwrap_or_default(),
        from: of_schedule("from"),
        to: of_schedule("to"),
        holidays: of_schedule("holidays"),
        stretches: match schedule {
            None => 0,
            Some(_) if one.is_some() => 1,
            Some(_) => list(table, "schedule").len().max(2),
        },
    }
}

fn write_rule(table: &mut Table, rule: &Rule) {
    for (key, text) in [
        ("id", &rule.id),
        ("kind", &rule.kind),
        ("name", &rule.name),
        ("name_en", &rule.name_en),
        ("zone", &rule.zone),
        ("line", &rule.line),
        ("direction", &rule.direction),
        ("severity", &rule.severity),
    ] {
        word(table, key, text);
    }
    if table.get("enabled").and_then(Item::as_bool).unwrap_or(true) != rule.enabled {
        put(table, "enabled", Value::from(rule.enabled));
    }
    many(table, "labels", &rule.labels);
    for (key, text) in [
        ("min_score", &rule.min_score),
        ("min_size", &rule.min_size),
        ("dwell_s", &rule.dwell_s),
        ("count", &rule.count),
        ("cooldown_s", &rule.cooldown_s),
    ] {
        figure(table, key, text);
    }
    write_schedule(table, rule);
}

fn write_schedule(table: &mut Table, rule: &Rule) {
    let now = read_rule(table, None);
    let same = now.says_the_same(&Rule {
        days: rule.days.clone(),
        from: rule.from.clone(),
        to: rule.to.clone(),
        holidays: rule.holidays.clone(),
        ..now.clone()
    });
    if now.stretches > 1 || same {
        return;
    }
    if words(&rule.days).is_empty()
        && [&rule.from, &rule.to, &rule.holidays].iter().all(|text| text.is_empty())
    {
        table.remove("schedule");
        return;
    }
    if !table.contains_key("schedule") {
        table.insert("schedule", Item::Value(Value::InlineTable(InlineTable::new())));
    }
    let Some(schedule) = table.get_mut("schedule").and_then(Item::as_table_like_mut) else { return };
    many(schedule, "days", &rule.days);
    word(schedule, "from", &rule.from);
    word(schedule, "to", &rule.to);
    word(schedule, "holidays", &rule.holidays);
}

fn text_of(table: &dyn TableLike, key: &str) -> String {
    table.get(key).and_then(Item::as_str).unwrap_or_default().to_owned()
}

fn number_of(table: &dyn TableLike, key: &str) -> String {
    let Some(item) = table.get(key) else { return String::new() };
    let whole = item.as_integer().map(|number| number.to_string());
    whole.or_else(|| item.as_float().map(|number| number.to_string())).unwrap_or_default()
}

fn words_of(table: &dyn TableLike, key: &str) -> String {
    let list = table.get(key).and_then(Item::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn points_of(table: &dyn TableLike, key: &str) -> String {
    let share = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
    let pair = |value: &Value| {
        let pair = value.as_array()?;
        Some((share(pair.get(0)?)?, share(pair.get(1)?)?))
    };
    let list = table.get(key).and_then(Item::as_array);
    outline::text(&list.into_iter().flatten().filter_map(pair).collect::<Vec<_>>())
}

fn word(table: &mut dyn TableLike, key: &str, text: &str) {
    if text_of(table, key) == text {
        return;
    }
    if text.is_empty() {
        table.remove(key);
    } else {
        put(table, key, Value::from(text));
    }
}

fn figure(table: &mut dyn TableLike, key: &str, text: &str) {
    if number_of(table, key) == text {
        return;
    }
    let text = text.trim();
    match (text.parse::<i64>(), number(text)) {
        (Ok(whole), _) => put(table, key, Value::from(whole)),
        (_, Some(share)) => put(table, key, Value::from(share)),
        _ => {
            table.remove(key);
        }
    }
}

fn many(table: &mut dyn TableLike, key: &str, text: &str) {
    let (now, then) = (words_of(table, key), words(text));
    if words(&now) == then {
        return;
    }
    if then.is_empty() {
        table.remove(key);
    } else {
        put(table, key, Value::from(then.into_iter().collect::<Array>()));
    }
}

/// What was said beside the former value stays beside the new one.
fn put(table: &mut dyn TableLike, key: &str, mut value: Value) {
    match table.get_mut(key) {
        Some(item) => {
            if let Some(former) = item.as_value() {
                *value.decor_mut() = former.decor().clone();
            }
            *item = Item::Value(value);
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}
