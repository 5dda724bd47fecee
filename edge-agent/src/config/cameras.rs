//! One `[[camera]]` with its zones, lines, masks and rules; the same in a scene file.

use std::sync::Arc;

use jiff::tz::TimeZone;
use protocol::Label;

use super::Watched;
use super::document::{Document, Section};
use crate::camera::CameraConfig;
use crate::rules::{
    Calendar, CalendarTable, Geometry, Line, LineTable, MaskTable, RuleConfig, RuleTable, Schedule,
    ScheduleTable, Zone, ZoneTable,
};

/// What rules are read against.
pub(super) struct Site {
    /// Labels that the configured detectors can name.
    pub(super) named: Vec<Label>,
    pub(super) calendar: Arc<Calendar>,
}

/// All mistakes are noted; `None` when the camera itself cannot be read.
pub(super) fn read<'a>(
    document: &mut Document<'a>,
    section: &mut Section<'a>,
    site: &Site,
) -> Option<Watched> {
    refuse_former_keys(document, section);
    let geometry = read_geometry(document, section);
    let mut masks = Vec::new();
    for mask in document.inner_list(section, "masks") {
        masks.extend(document.read::<MaskTable>(&mask).map(|mask| mask.polygon));
    }
    let rules = read_rules(document, section, &geometry, site);
    let camera = CameraConfig { masks, ..document.read::<CameraConfig>(section)? };
    for error in camera.validate() {
        document.wrong(section, &error.field, &error.problem);
    }
    Some(Watched { camera, rules })
}

/// The same tables without their camera, to be tried on what one saw: `[[camera.zones]]`, `[[camera.lines]]`,
/// `[[camera.rules]]`.
pub(super) fn read_trial(document: &mut Document<'_>, site: &Site) -> Vec<RuleConfig> {
    let Some(mut section) = document.section("camera") else {
        document.missing("there is no [[camera.rules]] table: nothing to try");
        return Vec::new();
    };
    refuse_former_keys(document, &mut section);
    let geometry = read_geometry(document, &mut section);
    let rules = read_rules(document, &mut section, &geometry, site);
    for key in section.keys() {
        document.wrong(&section, &key, "is not tried; leave it out: only zones, lines and rules are");
    }
    rules
}

/// What was written otherwise once. A reader who knows only that form learns the new one here.
fn refuse_former_keys<'a>(document: &mut Document<'a>, camera: &mut Section<'a>) {
    if camera.holds("rule") {
        let words = "is now written [[camera.rules]], and its outline as a [[camera.zones]] table (`id`, `polygon`) \
                     that the rule names: `zone = \"ID\"`";
        document.wrong(camera, "rule", words);
        camera.take("rule");
    }
    if camera.is_list("masks", true) {
        document.wrong(
            camera,
            "masks",
            "is now one [[camera.masks]] table with `polygon = [[x, y], …]` for each",
        );
        camera.take("masks");
    }
}

fn read_geometry<'a>(document: &mut Document<'a>, camera: &mut Section<'a>) -> Geometry {
    let mut geometry = Geometry::default();
    for section in document.inner_list(camera, "zones") {
        let Some(table) = document.read::<ZoneTable>(&section) else { continue };
        let zone = Zone::new(&table.polygon);
        if let Err(error) = &zone {
            document.wrong(&section, &error.field(), &error.to_string());
        }
        check_id(document, &section, &table.id, geometry.zones.contains_key(&table.id), "zone");
        geometry.zones.insert(table.id, zone.ok());
    }
    for section in document.inner_list(camera, "lines") {
        let Some(table) = document.read::<LineTable>(&section) else { continue };
        let line = Line::new(&table.points);
        if let Err(error) = &line {
            document.wrong(&section, &error.field(), &error.to_string());
        }
        check_id(document, &section, &table.id, geometry.lines.contains_key(&table.id), "line");
        geometry.lines.insert(table.id, line.ok());
    }
    geometry
}

fn check_id(document: &mut Document<'_>, section: &Section<'_>, id: &str, twice: bool, what: &str) {
    if twice {
        document.wrong(
            section,
            "id",
            &format!("{id} is used twice on this camera; give each {what} its own"),
        );
    }
    if id.is_empty() || id.chars().count() > 64 {
        document.wrong(section, "id", "has 1 to 64 characters");
    }
}

fn read_rules<'a>(
    document: &mut Document<'a>,
    camera: &mut Section<'a>,
    geometry: &Geometry,
    site: &Site,
) -> Vec<RuleConfig> {
    let mut rules: Vec<RuleConfig> = Vec::new();
    let mut ids = Vec::new();
    for mut section in document.inner_list(camera, "rules") {
        if section.is_list("zone", false) {
            let words = "names a zone: write its outline as a [[camera.zones]] table (`id`, `polygon`), and here \
                         `zone = \"ID\"`";
            document.wrong(&section, "zone", words);
            section.take("zone");
        }
        if section.holds("loiter_s") {
            document.wrong(&section, "loiter_s", "is now called dwell_s");
            section.take("loiter_s");
        }
        let stretches = document.one_or_many(&mut section, "schedule");
        let stretches: Vec<_> = stretches.iter().filter_map(|s| document.read::<ScheduleTable>(s)).collect();
        let schedule = Schedule::new(stretches, Arc::clone(&site.calendar));
        let Some(table) = document.read::<RuleTable>(&section) else { continue };
        if ids.contains(&table.id) {
            document.wrong(&section, "id", &format!("{} is used twice on this camera", table.id));
        }
        ids.push(table.id.clone());
        match table.compile(geometry, schedule, &site.named) {
            Ok(rule) => rules.push(rule),
            Err(errors) => errors.iter().for_each(|e| document.wrong(&section, &e.field, &e.problem)),
        }
    }
    rules
}

/// `[calendar]`, or China's time without holidays.
pub(super) fn read_calendar(document: &mut Document<'_>) -> Arc<Calendar> {
    let Some(section) = document.section("calendar") else { return Arc::default() };
    let table = document.read::<CalendarTable>(&section);
    let told = table.filter(|table| *table != CalendarTable::default());
    match told.map(|table| table.compile(time_zone)) {
        Some(Ok(calendar)) => Arc::new(calendar),
        Some(Err(wrong)) => {
            wrong.iter().for_each(|(key, problem)| document.wrong(&section, key, problem));
            Arc::default()
        }
        None => Arc::default(),
    }
}

/// A box without a database of time zones still knows China's.
fn time_zone(name: &str) -> Option<TimeZone> {
    let found = TimeZone::get(name).ok();
    found.or_else(|| (name == "Asia/Shanghai").then(|| TimeZone::fixed(jiff::tz::offset(8))))
}
