//! Lists of cases: whole by pages, and the worst of them first, on both databases.

use std::collections::BTreeSet;

use protocol::{Event, Severity};

use super::{World, worlds};
use crate::case::store::list;
use crate::case::{Case, CaseFilter, Cursor, Group, Source};

/// More than two pages, committed in few batches: many cases share one time.
const CASES: usize = 250;

async fn walked(world: &World, group: Group) -> Vec<Case> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let filter = CaseFilter { group, after, limit: 100, ..CaseFilter::default() };
        let page = list::list(&world.app.db, "main", &filter).await.unwrap();
        let Some(last) = page.last() else { return all };
        after = Some(Cursor::of(last));
        all.extend(page);
        assert!(all.len() <= CASES, "{}: a page repeats the one before", world.name);
    }
}

#[tokio::test]
async fn pages_lose_no_case_and_the_worst_comes_first() {
    for world in worlds().await {
        let (sender, mut receipts) = tokio::sync::mpsc::unbounded_channel();
        for n in 0..CASES {
            let mut incident = world.incident(&format!("r{n}"));
            // The only emergency is neither the oldest nor the newest.
            incident.severity = if n == 40 { Severity::Emergency } else { Severity::Normal };
            world.push(&world.envelope(n as u64 + 1, Event::Incident(incident)), &sender).await;
        }
        for _ in 0..CASES {
            receipts.recv().await.unwrap().expect("every incident gets a receipt");
        }

        for group in [Group::All, Group::Waiting] {
            let all = walked(&world, group).await;
            let numbers: BTreeSet<_> = all.iter().map(|case| &case.number).collect();
            assert_eq!((all.len(), numbers.len()), (CASES, CASES), "{}: {group:?}", world.name);
        }
        let waiting = walked(&world, Group::Waiting).await;
        assert_eq!(waiting[0].severity, "emergency", "{}", world.name);
        let newest = walked(&world, Group::All).await;
        assert!(newest[0].number.ends_with("-250") && newest[249].number.ends_with("-001"), "{}", world.name);

        let calls = CaseFilter { source: Some(Source::Call), ..CaseFilter::default() };
        assert!(list::list(&world.app.db, "main", &calls).await.unwrap().is_empty(), "{}", world.name);
        let previews = list::previews(&world.app.db, "main", &newest[..100]).await.unwrap();
        assert_eq!(previews.len(), 100, "{}: a row for each case asked for", world.name);
    }
}
