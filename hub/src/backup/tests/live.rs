//! A backup of a hub at work is of one moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use protocol::envelope::Stamp;
use protocol::{BootId, Envelope, Event, Incident, IncidentId, MessageId, Origin};

use super::super::restore;
use super::*;
use crate::app::App;

/// While incidents come in without a pause, three backups are made. Each is of one moment: every incident has its case,
/// every case its whole history, every message its incident, and no position of the live feed is ahead of its counter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_come_in_meanwhile() {
    for site in hubs().await {
        let incidents = (0..40).map(|n| site.camera_incident(&format!("c{n}"), "北口")).collect();
        let taken = Arc::new(AtomicUsize::new(0));
        let sender = tokio::spawn(send(site.app.clone(), site.origin(), incidents, taken.clone()));
        let mut before = 0;
        for nth in 0..3 {
            // The hub is at work when the backup begins.
            while taken.load(Ordering::SeqCst) <= before {
                assert!(!sender.is_finished(), "the sender has ended");
                tokio::task::yield_now().await;
            }
            let backup = back_up(&site, true, None).await;
            let data = backup.folder.path().join("data");
            restore(&config(&data), &backup.file, None, None, START, &mut |_| {}).await.unwrap();
            let db = Db::connect(None, &data.join("hub.db")).await.unwrap();
            let incidents = holds_together(&db, &site).await;
            assert!(incidents > before, "{incidents} incidents in backup {nth}, {before} before it");
            before = taken.load(Ordering::SeqCst);
        }
        sender.abort();
    }
}

/// One message after the other, for ever.
async fn send(app: App, origin: Origin, incidents: Vec<Incident>, taken: Arc<AtomicUsize>) {
    let boot = BootId::new(&app.chance, START);
    for (incident, sequence) in incidents.iter().cycle().zip(1..) {
        let incident = Incident { incident_id: IncidentId::new(&app.chance, START), ..incident.clone() };
        let id = MessageId::new(&app.chance, START);
        let stamp = Stamp { id, at: START, boot, sequence, uptime_ms: 1, clock_synced: true };
        let message = Envelope::new(&origin, stamp, Event::Incident(incident)).encode().unwrap();
        app.intake.submit(&origin, message.into()).await.unwrap();
        taken.fetch_add(1, Ordering::SeqCst);
    }
}

/// Returns how many incidents of the flood there are.
async fn holds_together(db: &Db, site: &Site) -> usize {
    for (what, sql) in [
        (
            "incidents without their case",
            "select count(*) from incidents i where not exists (
                 select 1 from cases c where c.tenant = i.tenant and c.case_id = i.case_id)",
        ),
        (
            "cases that count other incidents than they have",
            "select count(*) from cases c where c.incident_count <> (
                 select count(*) from incidents i where i.tenant = c.tenant and i.case_id = c.case_id)",
        ),
        (
            "cases whose history is not as long as they say",
            "select count(*) from cases c where c.history_count <> (
                 select count(*) from case_history h where h.tenant = c.tenant and h.case_id = c.case_id)",
        ),
        (
            "changes ahead of their counter",
            "select count(*) from changes n join tenants t on t.tenant = n.tenant where n.position > t.change_position",
        ),
        (
            "messages counted otherwise than they are",
            "select count(*) from device_boots b where b.received <> (
                 select count(*) from messages m where m.tenant = b.tenant and m.device_id = b.device_id and m.boot = b.boot)",
        ),
    ] {
        let (wrong,): (i64,) = db.fetch_one(sql, args![]).await.unwrap();
        assert_eq!(wrong, 0, "{what}, {}", site.name);
    }
    let app = &site.app;
    let trusted = [app.sealer.name()];
    let found = case::seal::check(db, app.tenant().as_str(), &trusted, app.sealer.last()).await.unwrap();
    assert_eq!(found.wrong, Vec::<String>::new(), "{}", site.name);
    let flood = "select count(*) from incidents where camera_id like 'c%'";
    let (incidents,): (i64,) = db.fetch_one(flood, args![]).await.unwrap();
    let (messages,): (i64,) =
        db.fetch_one("select count(*) from messages where type = 'incident'", args![]).await.unwrap();
    assert!(messages >= incidents, "{messages} messages of {incidents} incidents");
    usize::try_from(incidents).unwrap()
}
