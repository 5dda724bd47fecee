use protocol::UtcMs;

use super::super::import::{ImportError, MOST_ENTRIES};
use super::super::{Mode, Outcome, Shelf, cli, import, list};
use super::DEMO;
use crate::admin::By;
use crate::db::Db;
use crate::db::testing::databases;

const TODAY: &str = "2026-03-18";
const HEADINGS: &str = "id,title,text,categories,words,unit,valid_until\n";
const PLAIN: Mode = Mode { dry_run: false, replace: false, skip_bad: false };

async fn take(db: &Db, sheet: &str, mode: Mode, at: i64) -> Outcome {
    import(db, "t", sheet.as_bytes(), mode, TODAY, &By::cli(UtcMs(at))).await.unwrap()
}

async fn known(db: &Db) -> Vec<String> {
    list(db, "t").await.unwrap().into_iter().map(|entry| entry.id).collect()
}

/// The demo's sheet goes in whole; a second time nothing changes, and what keeps the entries in memory reads nothing anew. A
/// change is told by its fields, with its time; what is missing stays or is removed, as asked; a dry run changes nothing;
/// another tenant has nothing of it.
#[tokio::test]
async fn a_sheet_becomes_entries() {
    for test in databases().await {
        let (db, shelf) = (&test.db, Shelf::default());
        let text = std::str::from_utf8(DEMO).unwrap();
        assert!(shelf.index(db, "t").await.unwrap().entries().is_empty());
        let dry = take(db, text, Mode { dry_run: true, ..PLAIN }, 5).await;
        assert!(
            dry.new.len() >= 12 && dry.bad.is_empty() && !dry.done && known(db).await.is_empty(),
            "{dry:?}"
        );
        let first = take(db, text, PLAIN, 10).await;
        assert_eq!(first, Outcome { done: true, ..dry }, "{}", test.name);
        let kept = shelf.index(db, "t").await.unwrap();
        assert_eq!(kept.entries(), list(db, "t").await.unwrap());
        // With the mark of a spreadsheet, and its ends of lines.
        let excel = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        let again = take(db, &excel, PLAIN, 20).await;
        assert_eq!((again.unchanged.len(), again.new.len(), again.changed.len()), (first.new.len(), 0, 0));
        assert!(std::sync::Arc::ptr_eq(&kept, &shelf.index(db, "t").await.unwrap()), "read anew for nothing");

        let one =
            format!("{HEADINGS}street-lamp,路灯不亮找谁,打热线,street_facility,路灯,城管局,2026-01-31\n");
        let changed = take(db, &one, PLAIN, 30).await;
        let fields = vec!["title", "text", "words", "unit", "valid_until"];
        assert_eq!(changed.changed, [("street-lamp".to_owned(), fields)]);
        assert_eq!(changed.expired, ["street-lamp"]);
        let all = list(db, "t").await.unwrap();
        let at = |id: &str| all.iter().find(|entry| entry.id == id).unwrap().updated_at_ms;
        assert_eq!((all.len(), at("street-lamp"), at("gas-smell")), (first.new.len(), 30, 10));
        assert_eq!(shelf.index(db, "t").await.unwrap().entries(), all);

        let replaced = take(db, &one, Mode { replace: true, ..PLAIN }, 40).await;
        assert_eq!(
            (replaced.removed.len(), known(db).await),
            (first.new.len() - 1, vec!["street-lamp".to_owned()])
        );
        assert_eq!(shelf.index(db, "t").await.unwrap().entries().len(), 1, "{}", test.name);
        assert_eq!(list(db, "other").await.unwrap(), []);
        assert!(shelf.index(db, "other").await.unwrap().entries().is_empty());
    }
}

/// Every kind of bad row is told with line, row and column, what is wrong and what to do, all of them at once, and nothing
/// is imported.
#[tokio::test]
async fn bad_rows_are_named() {
    let long = "长".repeat(10_001);
    let rows = [
        (",t,x,,,u,", "A (id): is empty; give the entry an id"),
        ("Gas Smell,t,x,,,u,", "A (id): \"Gas Smell\" is no id; write"),
        ("good,t,x,,,u,", "A (id): \"good\" stands in line 2 too; give one of them another id"),
        ("a1,,x,,,u,", "B (title): is empty; write it"),
        ("a2,\"t\nu\",x,,,u,", "B (title): has a line break"),
        (&format!("a3,{},x,,,u,", "长".repeat(201)), "B (title): has 201 characters; 200 are the most"),
        ("a4,t,,,,u,", "C (text): is empty; write what"),
        ("a5,t,x\u{0},,,u,", "C (text): has a control character; leave it out"),
        (&format!("a6,t,{long},,,u,"), "C (text): has 10001 characters; 10000 are the most"),
        (
            "a7,t,x,utilitys,,u,",
            "D (categories): \"utilitys\" is no category, did you mean utilities?; take ids",
        ),
        ("a8,t,x,,气,u,", "E (words): \"气\" is too short; a key word has two"),
        (&format!("a9,t,x,,{},u,", "长".repeat(31)), "has 31 characters; 30 are the most"),
        (
            &format!("b1,t,x,,{},u,", (0..101).map(|n| format!("词语{n}")).collect::<Vec<_>>().join("、")),
            "E (words): there are 101 key words; 100",
        ),
        ("b2,t,x,,,,", "F (unit): is empty; write it"),
        ("b3,t,x,,,u,2026-02-30", "G (valid_until): \"2026-02-30\" is no date; write it as 2026-12-31"),
        ("b4,t,x,,,u,,more", "H (no heading): a cell without a heading; put text with commas"),
        ("b5,\"t\"t,x,,,u,", "B (a cell): \"t\" stands after the closing quotation mark; write"),
    ];
    for test in databases().await {
        let mut sheet = format!("{HEADINGS}good,t,x,消防隐患、utilities,煤气 味道,u,2026/12/31\n");
        let mut lines = Vec::new();
        for (row, _) in &rows {
            lines.push(1 + sheet.matches('\n').count());
            sheet += &format!("{row}\n");
        }
        let outcome = take(&test.db, &sheet, PLAIN, 1).await;
        let told: Vec<String> = outcome.bad.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), rows.len(), "{told:#?}");
        for ((told, line), (at, (_, words))) in told.iter().zip(lines).zip(rows.iter().enumerate()) {
            let place = if line == at + 3 {
                format!("line {line}, column ")
            } else {
                format!("line {line} (row {}), column ", at + 3)
            };
            assert!(told.starts_with(&place) && told.contains(words), "{told}\n is not {place}{words}");
        }
        assert!(!outcome.done && known(&test.db).await.is_empty());
        let report = cli::report(&outcome, PLAIN);
        assert!(
            report.starts_with("new            1  good\nchanged        0\n")
                && report.contains("bad rows      17\n"),
            "{report}"
        );

        let skipped = take(&test.db, &sheet, Mode { skip_bad: true, ..PLAIN }, 2).await;
        assert!(skipped.done && skipped.bad.len() == rows.len());
        let all = list(&test.db, "t").await.unwrap();
        assert_eq!((all.len(), all[0].valid_until.as_deref()), (1, Some("2026-12-31")));
        assert_eq!(
            (&all[0].categories, &all[0].words),
            (&vec!["fire_hazard".into(), "utilities".into()], &vec!["煤气".into(), "味道".into()])
        );
    }
}

/// Where a sheet replaces everything, an entry whose row is bad and left out stays as it was.
#[tokio::test]
async fn a_bad_row_removes_nothing() {
    for test in databases().await {
        take(&test.db, &format!("{HEADINGS}a,t,x,,,u,\nb,t,x,,,u,\nc,t,x,,,u,\n"), PLAIN, 1).await;
        let mode = Mode { replace: true, skip_bad: true, ..PLAIN };
        let outcome = take(&test.db, &format!("{HEADINGS}a,t,x,,,u,\nb,,x,,,u,\n"), mode, 2).await;
        assert_eq!(
            (outcome.removed, known(&test.db).await),
            (vec!["c".to_owned()], vec!["a".to_owned(), "b".to_owned()])
        );
    }
}

/// What is wrong with the whole file is told, and nothing can be left out of it.
#[tokio::test]
async fn files_that_are_no_sheets_are_refused() {
    let many: Vec<String> = (0..=MOST_ENTRIES).map(|n| format!("e{n},t,x,,,u,\n")).collect();
    for test in databases().await {
        let (_, mode) = (&test.db, Mode { skip_bad: true, replace: true, ..PLAIN });
        for (sheet, words) in [
            ("", "the file is empty"),
            (HEADINGS, "headings and no entry"),
            ("编号,标题,内容\nx,t,x\n", "headings are missing: unit"),
            ("id,titel,text,unit\n", "line 1, column B (titel): no such heading, did you mean title?"),
            ("id,title,text,unit,ID\n", "column E (ID): this heading stands there twice"),
            (
                "id,title,text,unit\nx,\"t,x,u\n",
                "line 2, column B (a cell): the quotation mark that opens here",
            ),
            (&format!("{HEADINGS}{}", many.concat()), "there would be 10001 entries"),
        ] {
            let error =
                import(&test.db, "t", sheet.as_bytes(), mode, TODAY, &By::cli(UtcMs(1))).await.unwrap_err();
            assert!(!matches!(error, ImportError::Db(_)) && error.to_string().contains(words), "{error}");
        }
        assert!(known(&test.db).await.is_empty(), "{}", test.name);
        let chinese = "编号;标题;内容;承办单位;有效期至\nx;\"一;二\";\"一\n\n二\";民政局;2026年12月31日\n";
        take(&test.db, chinese, PLAIN, 1).await;
        let entry = list(&test.db, "t").await.unwrap().remove(0);
        assert_eq!((entry.title.as_str(), entry.text.as_str()), ("一;二", "一\n\n二"));
    }
}
