//! Every page that links lead to, for every role, in one language or the other: it is there, says in which language it is and keeps
//! to it, asks for nothing that is missing, breaks no rule of its own policy, and holds what WCAG asks, on a desk and on a
//! telephone, by day and by night, with a mouse and without.
//!
//! Links are followed, forms are not: nothing is changed. Of pages of one shape (numbers and ids apart) a few are looked at.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;
use world::DatabaseKind;
use world::browser::Browser;

use crate::axe::Axe;
use crate::county::{CHINESE, County};
use crate::{keyboard, language};

const FACTS: &str = include_str!("facts.js");
const DEEPEST: usize = 5;
/// Pages of one shape that the first pair of eyes looks at; all others look at one.
const ALIKE: usize = 3;
/// Whose pages are looked at closely though others have seen their like: they may do little, and are told why.
const AGAIN: [&str; 3] = ["handler", "grid_manager", "auditor"];
/// Who looks in both languages each time: together they see every kind of page that others do not share.
const IN_BOTH: [&str; 4] = ["commander", "administrator", "handler", "nobody"];
/// Pages for one person in one language. More of them are a fault: something makes ever new addresses.
const MOST: usize = 120;
/// Width, height, theme.
const LOOKS: [(u32, u32, &str); 4] =
    [(1366, 768, "light"), (390, 844, "dark"), (1366, 768, "dark"), (390, 844, "light")];
/// The room with the large screen.
const WALL: [(u32, u32, &str); 1] = [(1920, 1080, "wall")];
const DESK: (u32, u32) = (1366, 768);

#[derive(Deserialize)]
struct Facts {
    status: u16,
    /// Where it ended, after redirects.
    path: String,
    links: Vec<Link>,
    faults: Vec<String>,
}

#[derive(Deserialize)]
struct Link {
    path: String,
    /// Marked as one to be saved.
    file: bool,
}

struct Crawl<'a> {
    county: &'a County,
    browser: &'a Browser,
    axe: Axe,
    faults: Vec<String>,
    /// Shapes that were looked at closely, by whomever.
    known: BTreeSet<String>,
    /// The same in English, and by those of [`AGAIN`].
    known_again: BTreeSet<String>,
    english: BTreeSet<String>,
    pages: usize,
    /// Time in pages, in keys, in looks: where this test spends it.
    spent: [Duration; 3],
}

/// Who looks, and in which language.
#[derive(Clone, Copy)]
struct Eyes<'a> {
    role: &'a str,
    lang: &'a str,
    /// A different look for each.
    turn: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_holds_for_every_role() {
    let _calm = crate::NETWORK.read().await;
    let county = County::settle(DatabaseKind::Sqlite).await;
    county.fill().await;
    let browser = Browser::open(DESK.0, DESK.1, &county.world.logs()).await.unwrap();
    browser.still().await.unwrap();
    let mut crawl = Crawl {
        county: &county,
        browser: &browser,
        axe: Axe::load(),
        faults: Vec::new(),
        known: BTreeSet::new(),
        known_again: BTreeSet::new(),
        english: language::english(),
        pages: 0,
        spent: [Duration::ZERO; 3],
    };
    let mut turn = 0;
    // By turns in one language and the other: everything in both takes a quarter of an hour (`SHAODIAN_SOAK=1`).
    let everything = std::env::var_os("SHAODIAN_SOAK").is_some();
    for (nth, role) in County::roles().chain(["nobody"]).enumerate() {
        let both = everything || IN_BOTH.contains(&role);
        for (at, lang) in ["zh", "en"].into_iter().enumerate() {
            if !both && at != nth % 2 {
                continue;
            }
            crawl.as_somebody(Eyes { role, lang, turn }).await;
            turn += 1;
        }
    }
    let [pages, keys, looks] = crawl.spent.map(|spent| spent.as_secs());
    println!("{} pages in {pages} s, keys {keys} s, looks {looks} s: {:#?}", crawl.pages, crawl.known);
    assert!(crawl.known.len() > 20, "the crawl came nowhere: {:?}", crawl.known);
    let faults = &crawl.faults;
    assert!(faults.is_empty(), "{} faults, as they stand above\n{}", faults.len(), county.world.tails());
}

impl Crawl<'_> {
    async fn as_somebody(&mut self, eyes: Eyes<'_>) {
        let base = self.county.world.https();
        self.browser.size(DESK.0, DESK.1).await.unwrap();
        self.browser.forget().await.unwrap();
        let mut queue: VecDeque<(String, usize)> = VecDeque::new();
        if eyes.role == "nobody" {
            queue.extend(["/login", "/status"].map(|path| (path.to_owned(), 1)));
        } else {
            let (name, password) = self.county.person(eyes.role);
            self.browser.login(&base, &name, password).await.unwrap();
            queue.push_back(("/".to_owned(), 0));
        }
        self.browser.go(&format!("{base}/status?lang={}", eyes.lang)).await.unwrap();
        // What came up to here is not the crawl's.
        self.browser.complaints().await.unwrap();
        let mut asked: BTreeSet<String> = queue.iter().map(|one| one.0.clone()).collect();
        let mut alike: BTreeMap<String, usize> = BTreeMap::new();
        let mut count = 0;
        while let Some((path, depth)) = queue.pop_front() {
            count += 1;
            if count > MOST {
                self.fault(eyes, &path, "there are ever more pages");
                break;
            }
            let links = self.look(eyes, &path).await;
            for link in links {
                let shape = shape(&link.path);
                if depth >= DEEPEST || is_of_looks(&link.path) || !asked.insert(link.path.clone()) {
                    continue;
                }
                let seen = alike.entry(shape).or_default();
                *seen += 1;
                if *seen > if eyes.turn == 0 { ALIKE } else { 1 } {
                    continue;
                }
                if link.file || is_file(&link.path) {
                    self.fetch(eyes, &path, &link.path).await;
                } else {
                    queue.push_back((link.path, depth + 1));
                }
            }
        }
        assert!(count > 1, "{} sees one page", eyes.role);
        self.pages += count;
    }

    /// One page; gives what it leads to.
    async fn look(&mut self, eyes: Eyes<'_>, path: &str) -> Vec<Link> {
        let began = Instant::now();
        self.browser.go(&format!("{}{path}", self.county.world.https())).await.unwrap();
        let ask = format!(
            "const LANG = {}, CHINESE = {}, ENGLISH = new Set({});\n{FACTS}",
            json!(eyes.lang),
            json!(CHINESE),
            json!(self.english)
        );
        let facts: Facts = serde_json::from_value(self.browser.run(&ask).await.unwrap()).unwrap();
        self.spent[0] += began.elapsed();
        if facts.status != 200 {
            self.fault(eyes, path, &format!("status {}", facts.status));
        }
        for fault in &facts.faults {
            self.fault(eyes, path, fault);
        }
        self.look_closely(eyes, path, &shape(&facts.path)).await;
        for complaint in self.browser.complaints().await.unwrap() {
            // Chromium itself asks a service of its maker where it is, which is not there on a closed network.
            if complaint.contains("Network location provider") {
                continue;
            }
            self.fault(eyes, path, &format!("console: {complaint}"));
        }
        facts.links
    }

    /// In every look and by keys where nobody has seen its like; in one look where it is in English or says why not.
    async fn look_closely(&mut self, eyes: Eyes<'_>, path: &str, shape: &str) {
        let is_new = self.known.insert(shape.to_owned());
        let is_other = eyes.lang == "en" || AGAIN.contains(&eyes.role);
        let again = format!("{shape} {} {}", eyes.lang, if eyes.lang == "en" { "" } else { eyes.role });
        let looks = if is_new {
            self.by_keys(eyes, path).await;
            LOOKS.iter().chain(WALL.iter().filter(|_| ["/wall", "/screen"].contains(&shape))).collect()
        } else if is_other && self.known_again.insert(again) {
            vec![&LOOKS[eyes.turn % LOOKS.len()]]
        } else {
            return;
        };
        let began = Instant::now();
        for look in looks {
            self.in_look(eyes, path, look).await;
        }
        self.browser.size(DESK.0, DESK.1).await.unwrap();
        self.spent[2] += began.elapsed();
    }

    async fn by_keys(&mut self, eyes: Eyes<'_>, path: &str) {
        let began = Instant::now();
        for fault in keyboard::walk(self.browser).await {
            self.fault(eyes, path, &fault);
        }
        // The keys may have opened and chosen things.
        self.browser.go(&format!("{}{path}", self.county.world.https())).await.unwrap();
        self.spent[1] += began.elapsed();
    }

    async fn in_look(&mut self, eyes: Eyes<'_>, path: &str, (width, height, theme): &(u32, u32, &str)) {
        self.browser.size(*width, *height).await.unwrap();
        let wear = format!(
            "document.documentElement.dataset.theme = '{theme}'; \
             const wide = document.scrollingElement.scrollWidth; return wide > innerWidth + 1 ? wide : 0"
        );
        let too_wide = self.browser.run(&wear).await.unwrap();
        if too_wide != 0 {
            self.fault(eyes, path, &format!("{width}×{height}: {too_wide} pixels wide"));
        }
        for fault in self.axe.judge(self.browser).await {
            self.fault(eyes, path, &format!("{width}×{height} {theme}: {fault}"));
        }
    }

    /// A file that a page leads to is there.
    async fn fetch(&mut self, eyes: Eyes<'_>, from: &str, path: &str) {
        let ask = format!("return fetch({}).then((answer) => answer.status)", json!(path));
        let status = self.browser.run(&ask).await.unwrap();
        if status != 200 {
            self.fault(eyes, from, &format!("{path}: status {status}"));
        }
    }

    fn fault(&mut self, eyes: Eyes<'_>, path: &str, what: &str) {
        let fault = format!("{} {} {path}: {what}", eyes.role, eyes.lang);
        // At once: a crawl that is ended has told what it saw.
        println!("{fault}");
        self.faults.push(fault);
    }
}

/// Its path with `*` for numbers and ids, and the names in its query.
fn shape(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let part = |part: &str| if part.contains(|c: char| c.is_ascii_digit()) { "*" } else { part }.to_owned();
    let mut shape = path.split('/').map(part).collect::<Vec<_>>().join("/");
    let names: BTreeSet<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    for name in names.into_iter().filter(|name| !name.is_empty()) {
        shape += &format!(" {name}");
    }
    shape
}

/// Links that change how pages look, not which.
fn is_of_looks(path: &str) -> bool {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| pair.starts_with("lang=") || pair.starts_with("theme="))
}

fn is_file(path: &str) -> bool {
    let (path, _) = path.split_once('?').unwrap_or((path, ""));
    let folders = ["/api/", "/assets/", "/basemap/", "/open311/"];
    let endings = [".csv", ".xlsx", ".json", ".geojson", ".xml", ".pdf", ".ics", ".txt", ".zip", ".toml"];
    folders.iter().any(|folder| path.starts_with(folder))
        || endings.iter().any(|ending| path.ends_with(ending))
}

/// Addresses of one kind have one shape; files and switches of the looks are told from pages.
#[test]
fn addresses_are_told_apart() {
    assert_eq!(shape("/cases/20260318-029"), "/cases/*");
    assert_eq!(shape("/cases?kind=call&state=open"), "/cases kind state");
    assert_eq!(shape("/cases"), shape("/cases?"));
    assert!(is_file("/evaluation/cases.csv?by=unit") && is_file("/api/v1/evidence/ab"));
    assert!(!is_file("/cases?q=a.csv"));
    assert!(is_of_looks("/cases?kind=call&lang=en") && !is_of_looks("/cases?q=theme"));
}
