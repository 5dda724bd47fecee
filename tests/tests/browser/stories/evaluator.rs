//! Whoever judges a county looks at its league, its trends and its map, opens the cases behind each figure, prints the bulletin
//! and takes it along as a workbook.

use std::path::{Path, PathBuf};
use std::process::Command;

use protocol::{IncidentKind, Severity};
use serde_json::Value;
use world::DatabaseKind;
use world::process::run;
use world::wait::until;

use crate::person::{PAGE, Person};

/// Rows of all sheets of a workbook, as JSON; a cell is a text.
const READ: &str = r#"
import json, sys, zipfile
from xml.etree import ElementTree as tree
S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
text = lambda part: "".join(t.text or "" for t in part.iter(S + "t"))
with zipfile.ZipFile(sys.argv[1]) as book:
    assert book.testzip() is None
    names = sorted(book.namelist())
    shared = [text(i) for i in tree.fromstring(book.read("xl/sharedStrings.xml"))] if "xl/sharedStrings.xml" in names else []
    def cell(c):
        value = c.find(S + "v")
        if c.get("t") == "s":
            return shared[int(value.text)]
        return text(c) if value is None else value.text
    sheets = [tree.fromstring(book.read(n)) for n in names if n.startswith("xl/worksheets/sheet")]
    print(json.dumps([[cell(c) for c in row.iter(S + "c")] for sheet in sheets for row in sheet.iter(S + "row")]))
"#;

on_both_databases!(story);

async fn story(database: DatabaseKind) {
    let roles = ["evaluator", "dispatcher", "handler", "town_officer"];
    let county = super::county(database, &roles).await;
    // Of three kinds: the like from one place would be one case.
    for (camera, kind, to) in [
        ("market", IncidentKind::Smoke, "closed"),
        ("lane", IncidentKind::BlockedLane, "in_progress"),
        ("lift", IncidentKind::EbikeInLift, "verifying"),
    ] {
        let number = county.alert(camera, kind, Severity::Normal, "dongguan-03").await;
        county.go(&number, to).await;
    }
    let person = Person::sits(&county, "evaluator").await;
    the_league(&person).await;
    trends(&person).await;
    the_map(&person).await;
    the_bulletin(&person).await;
    person.is_content().await;
}

/// A figure is a door: as many cases stand behind it as it says, and each can be opened.
async fn opens(person: &Person<'_>, figure: &str) -> usize {
    let text = format!("return document.querySelector({figure:?})?.textContent");
    let count: usize = person.wait(figure, &text).await.as_str().unwrap().trim().parse().unwrap();
    behind(person, figure, count).await;
    count
}

async fn behind(person: &Person<'_>, door: &str, count: usize) {
    person.browser.click_found(&format!("return document.querySelector({door:?})")).await.unwrap();
    person.comes_to("/evaluation/cases").await;
    assert_eq!(person.run("return document.querySelectorAll('tr.jk').length").await, count, "{door}");
    person.browser.click_found("return document.querySelector('tr.jk a.no')").await.unwrap();
    person.comes_to("/cases/").await;
    person.run("history.go(-2)").await;
    person
        .wait(
            "the page before",
            "return location.pathname !== '/evaluation/cases' && location.pathname.startsWith('/evaluation')",
        )
        .await;
}

async fn the_league(person: &Person<'_>) {
    person.go("/evaluation?by=unit").await;
    person.reads(".league", "安监").await;
    assert_eq!(opens(person, ".league tbody td.r a.drill").await, 2);
}

async fn trends(person: &Person<'_>) {
    person.follow("趋势").await;
    person.comes_to("/evaluation/trends").await;
    let now = "return [...document.querySelectorAll('.heat tr.total td')].some((cell) => cell.textContent.trim() === '3')";
    person.wait("this month's cases", now).await;
    opens(person, ".heat tbody a.drill").await;
}

/// The grid in which all cases lie is the darkest, and says so many.
async fn the_map(person: &Person<'_>) {
    person.follow("密度图").await;
    person.comes_to("/evaluation/density").await;
    person.follow_in(".tools", "网格").await;
    person.wait("grids", "return new URLSearchParams(location.search).get('level') === 'grid'").await;
    person.comes_to("/evaluation/density").await;
    let area = person.run("return document.querySelectorAll('.density__map path').length").await;
    assert!(area.as_u64().unwrap() > 10, "{area} outlines");
    let darkest = "const all = [...document.querySelectorAll('.density__map path title')]; \
        return all.filter((title) => !title.textContent.endsWith(' 0')).map((title) => title.textContent)";
    let shown = person.run(darkest).await;
    let shown = shown.as_array().unwrap();
    assert!(shown.len() == 1 && shown[0].as_str().unwrap().ends_with(" 3"), "{shown:?}");
    behind(person, ".density__map a[href*=\"dongguan-03\"]", 3).await;
}

async fn the_bulletin(person: &Person<'_>) {
    person.follow("通报").await;
    person.comes_to("/evaluation/bulletin").await;
    person.reads(".bulletin__words", "上报 3 件").await;
    // On paper without what can only be pressed.
    person.browser.on_paper(true).await.unwrap();
    let bare = "return [...document.querySelectorAll('.topbar, .tools, button')].every((one) => !one.checkVisibility())";
    assert_eq!(person.run(bare).await, true, "what can be pressed is not printed");
    person.browser.on_paper(false).await.unwrap();
    let sheets = person.sheets().await;
    assert!((1..=4).contains(&sheets), "{sheets} sheets");

    let folder = person.county.world.path("downloads");
    std::fs::create_dir_all(&folder).unwrap();
    person.browser.downloads(&folder).await.unwrap();
    person.follow("XLSX").await;
    let book = until(PAGE, "the workbook", async || Ok(downloaded(&folder))).await.unwrap();
    let rows: Value = serde_json::from_str(&workbook(&book)).unwrap();
    let texts: Vec<String> = rows.as_array().unwrap().iter().map(ToString::to_string).collect();
    let reported = texts.iter().find(|row| row.contains("上报数"));
    assert!(reported.is_some_and(|row| row.contains("\"3\"")), "{texts:#?}");
}

/// Whole, under its own name.
fn downloaded(folder: &Path) -> Option<PathBuf> {
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.find(|file| file.extension().is_some_and(|ending| ending == "xlsx"))
}

fn workbook(book: &Path) -> String {
    let mut command = Command::new("python3");
    command.args(["-c", READ]).arg(book);
    run(command).unwrap()
}
