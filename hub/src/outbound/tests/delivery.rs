//! Retry, order, and no doubles, whoever fails.

use std::collections::HashSet;

use protocol::{Chance, ManualClock};
use tokio_util::sync::CancellationToken;

use super::super::store::looking;
use super::super::store::sending::{self, Claim};
use super::*;
use crate::db::testing::databases;
use crate::web::tests::site::{START, sites};

fn group(name: &str, url: &str) -> String {
    format!("[[channel]]\nname = \"{name}\"\nform = \"wecom\"\nurl = \"{url}\"\n")
}

fn hook(url: &str) -> String {
    format!("[[channel]]\nname = \"hook\"\nform = \"cloudevents\"\nurl = \"{url}\"\nsecret = \"s\"\n")
}

/// A receiver that fails and then works is told once more, under the same id, and then no more.
#[tokio::test]
async fn a_failure_comes_again() {
    for mut site in sites().await {
        let to = Receiver::start().await;
        let sender = site.channels(&hook(&to.url("/"))).await;
        to.answer(500, "oh");
        site.raise_camera("north", "北口").await;
        assert_eq!(sender.drain().await, 1);
        let rows = site.rows().await;
        assert_eq!(
            (rows[0].state.as_str(), rows[0].tries, rows[0].reason.as_str()),
            ("waiting", 1, "500 oh")
        );
        assert_eq!(sender.drain().await, 0, "not at once, {}", site.name);
        site.clock.advance_ms(60_000);
        assert_eq!(sender.drain().await, 1);
        assert_eq!(site.rows().await[0].state, "sent");
        site.clock.advance_ms(24 * 3_600_000);
        assert_eq!(sender.drain().await, 0);
        let got = to.got();
        assert_eq!(got.len(), 2);
        assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
        assert_eq!(got[0].body, got[1].body);
        let text = site.app.metrics.text();
        for line in [
            "shaodian_hub_outbound_sent_total{channel=\"hook\"} 1",
            "shaodian_hub_outbound_retried_total{channel=\"hook\"} 1",
            "shaodian_hub_outbound_waiting{channel=\"hook\"} 0",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}

/// What one case becomes is told in order, whatever fails in between; other cases do not wait for it.
#[tokio::test]
async fn the_order_of_a_case() {
    for mut site in sites().await {
        let to = Receiver::start().await;
        let sender = site.channels(&hook(&to.url("/"))).await;
        site.raise_camera("north", "北口").await;
        let number = site.number(&site.log_in("admin").await).await;
        to.answer(503, "");
        assert_eq!(sender.drain().await, 1, "the first of the case, once");
        site.give_to(&number, "police").await;
        site.raise_camera("south", "南口").await;
        assert_eq!(sender.drain().await, 0, "the channel rests, {}", site.name);
        site.clock.advance_ms(20_000);
        assert_eq!(sender.drain().await, 1, "the other case tries whether it works again");
        site.clock.advance_ms(60_000);
        assert_eq!(sender.drain().await, 3);
        let told: Vec<(String, String)> = to.got()[1..]
            .iter()
            .map(|got| {
                let data = got.json()["data"].clone();
                (data["place"].as_str().unwrap().to_owned(), data["action"].as_str().unwrap().to_owned())
            })
            .collect();
        let wanted = [("南口", "opened"), ("北口", "opened"), ("北口", "filed"), ("北口", "dispatched")];
        assert_eq!(told, wanted.map(|(place, action)| (place.to_owned(), action.to_owned())));
        assert_eq!(states(&site.rows().await), ["sent"; 4]);
    }
}

/// A receiver that is away is not asked for every message: the rest waits with the first few, and one at a time tries.
#[tokio::test]
async fn a_channel_rests() {
    for mut site in sites().await {
        let to = Receiver::start().await;
        let sender = site.channels(&group("g", &to.url("/"))).await;
        to.answers(503, "down");
        for _ in 0..30 {
            site.tells("", everybody()).await;
        }
        assert_eq!(sender.drain().await, 8, "those that were on their way, {}", site.name);
        assert_eq!(sender.drain().await, 0);
        for asked in [9, 10, 11] {
            site.clock.advance_ms(60_000);
            sender.drain().await;
            assert_eq!(to.count(), asked, "one tries");
        }
        to.answers(200, r#"{"errcode":0}"#);
        site.clock.advance_ms(400_000);
        sender.drain().await;
        assert_eq!(states(&site.rows().await), ["sent"; 30]);
        assert_eq!(to.count(), 11 + 30);
    }
}

/// One receiver that takes requests and never answers holds up nobody else.
#[tokio::test]
async fn a_hanging_receiver() {
    for mut site in sites().await {
        let (slow, quick) = (Receiver::start().await, Receiver::start().await);
        slow.hang();
        let toml = group("a-slow", &slow.url("/")) + "timeout_s = 2\n" + &group("quick", &quick.url("/"));
        let sender = site.channels(&toml).await;
        let stop = CancellationToken::new();
        let running = tokio::spawn(sender.run(stop.clone()));
        for _ in 0..20 {
            site.tells("", everybody()).await;
        }
        wait("the other gets all", async || quick.count() == 20).await;
        wait("all are noted", async || {
            let rows = site.rows().await;
            rows.iter().filter(|row| row.channel == "quick" && row.state == "sent").count() == 20
        })
        .await;
        let of_slow = async || {
            let rows = site.rows().await;
            rows.into_iter().filter(|row| row.channel == "a-slow").collect::<Vec<_>>()
        };
        assert_eq!(states(&of_slow().await), ["waiting"; 20], "{}", site.name);
        wait("silence is noted", async || {
            of_slow().await.iter().any(|row| row.reason.contains("no answer in time"))
        })
        .await;
        stop.cancel();
        running.await.unwrap();
    }
}

/// Two hubs on one database send two hundred messages, each once.
#[tokio::test]
async fn two_hubs_make_no_doubles() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for test in databases().await {
        let to = Receiver::start().await;
        let toml = format!(
            "[[channel]]\nname = \"text\"\nform = \"sms\"\nurl = \"{}\"\nbody = {{ a = \"{{phone}} {{text}} {{id}}\" }}\n",
            to.url("/")
        );
        let clock = Arc::new(ManualClock::at(START));
        let mut hubs = Vec::new();
        for replica in [1_u64, 2] {
            let mut config = crate::config::Config::default();
            config.hub.data_dir = test.folder.join(format!("hub-{replica}"));
            std::fs::create_dir_all(&config.hub.data_dir).unwrap();
            config.outbound = toml::from_str(&toml).unwrap();
            // Each with connections of its own.
            let db = Db::connect(test.url.as_deref(), &test.folder.join("hub.db")).await.unwrap();
            let chance = Arc::new(Chance::seeded(replica));
            hubs.push(App::with_db(config, db, clock.clone(), chance).unwrap().0);
        }
        let app = &hubs[0];
        let tenant = app.tenant().as_str();
        user::testing::add(
            &app.db,
            tenant,
            &app.chance,
            START,
            ("li", "correct horse battery", Role::Commander),
        )
        .await
        .unwrap();
        let change = cli::Change { phone: Some("13800000000".into()), ..cli::Change::default() };
        cli::reach(app, "li", &change).await.unwrap();
        let senders = [Sender::open(&hubs[0]).await.unwrap(), Sender::open(&hubs[1]).await.unwrap()];
        let mut tx = app.db.begin().await.unwrap();
        tx.lock_tenant(tenant).await.unwrap();
        for _ in 0..200 {
            let id = app.new_id();
            assert!(notice::tell(&mut tx, tenant, &id, &notice(&id, "", everybody()), START).await.unwrap());
        }
        tx.commit().await.unwrap();
        let stop = CancellationToken::new();
        let running = senders.map(|sender| tokio::spawn(sender.run(stop.clone())));
        wait("all are sent", async || {
            let rows = rows(app).await;
            rows.iter().filter(|row| row.state == "sent").count() == 200
        })
        .await;
        stop.cancel();
        for one in running {
            one.await.unwrap();
        }
        let ids: Vec<String> = to.got().iter().map(|got| got.header("idempotency-key").to_owned()).collect();
        assert_eq!(ids.len(), 200, "{}", test.name);
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 200);
        let count = |app: &App| {
            let text = app.metrics.text();
            let line = text.lines().find(|line| line.starts_with("shaodian_hub_outbound_sent_total{"));
            line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        };
        let shares = [count(&hubs[0]), count(&hubs[1])];
        assert_eq!(shares.iter().sum::<u64>(), 200, "{shares:?}");
    }
}

/// A hub that dies between claim and sending leaves its row to another one, after its lease and not before; what it would
/// note afterwards changes nothing.
#[tokio::test]
async fn a_dead_hub() {
    for mut site in sites().await {
        let to = Receiver::start().await;
        let sender = site.channels(&group("g", &to.url("/"))).await;
        site.tells("", everybody()).await;
        let (db, now) = (site.app.db.clone(), site.clock.now());
        let dead = Claim { tenant: "main", channel: "g", token: "dead" };
        let claimed = sending::claim(&db, dead, now, now.plus_ms(sender::LEASE_MS), 8).await.unwrap();
        assert_eq!(claimed.len(), 1);
        assert_eq!(sender.drain().await, 0, "it is the dead one's");
        site.clock.advance_ms(sender::LEASE_MS);
        assert_eq!(sender.drain().await, 0, "to the last moment, {}", site.name);
        site.clock.advance_ms(1);
        assert_eq!(sender.drain().await, 1);
        assert!(!sending::sent(&db, dead, &claimed[0], site.clock.now()).await.unwrap());
        assert!(!sending::give_up(&db, dead, &claimed[0], "late", site.clock.now()).await.unwrap());
        let rows = site.rows().await;
        assert_eq!((rows[0].state.as_str(), rows[0].tries), ("sent", 1));
        assert_eq!(to.count(), 1);
    }
}

/// What a transaction would have told is not told when it is rolled back; and one cause never makes two rows.
#[tokio::test]
async fn as_its_cause() {
    for mut site in sites().await {
        let to = Receiver::start().await;
        let toml = group("g", &to.url("/")) + &hook(&to.url("/"));
        let sender = site.channels(&toml).await;
        site.raise_camera("north", "北口").await;
        let number = site.number(&site.log_in("admin").await).await;
        let before = site.rows().await.len();
        assert_eq!(before, 1, "opened");
        let (app, now) = (&site.app, site.clock.now());
        let case = crate::case::store::by_number(&app.db, "main", "", &number).await.unwrap().unwrap();
        let cause = |id: &str| notice(id, &number, everybody());
        for commits in [false, true] {
            let mut tx = app.db.begin().await.unwrap();
            tx.lock_tenant("main").await.unwrap();
            assert!(notice::tell(&mut tx, "main", "n1", &cause("once"), now).await.unwrap());
            assert!(!notice::tell(&mut tx, "main", "n2", &cause("once"), now).await.unwrap());
            let detail = serde_json::json!({});
            crate::case::store::append(&mut tx, "main", &case.case_id, now, "hub", "reminded", &detail)
                .await
                .unwrap();
            if commits {
                tx.commit().await.unwrap();
            } else {
                drop(tx);
                assert_eq!(site.rows().await.len(), before, "{}", site.name);
            }
        }
        let mut tx = app.db.begin().await.unwrap();
        tx.lock_tenant("main").await.unwrap();
        assert!(!notice::tell(&mut tx, "main", "n3", &cause("once"), now).await.unwrap());
        tx.commit().await.unwrap();
        let kinds: Vec<String> = site.rows().await.into_iter().map(|row| row.kind).collect();
        assert_eq!(kinds, ["overdue", "opened", "reminded"]);
        sender.drain().await;
        assert_eq!(to.count(), 3);
    }
}

/// What will not heal is given up at once and what does not in the end, each with its reason, in sight; it can be sent
/// again, and then is.
#[tokio::test]
async fn given_up_and_sent_again() {
    for mut site in sites().await {
        let to = Receiver::start().await;
        let toml = group("g", &to.url("/")) + &hook(&to.url("/"));
        let sender = site.channels(&toml).await;
        to.answers(404, "no such robot");
        site.tells("", everybody()).await;
        assert_eq!(sender.drain().await, 1);
        to.answers(500, "broken");
        site.raise_camera("north", "北口").await;
        for _ in 0..30 {
            site.clock.advance_ms(3 * 3_600_000);
            sender.drain().await;
        }
        assert_eq!(to.count(), 1 + 16, "sixteen tries, {}", site.name);
        let failed = looking::given_up(&site.app.db, "main").await.unwrap();
        let reasons: Vec<(&str, &str, i64)> =
            failed.iter().map(|row| (row.channel.as_str(), row.reason.as_str(), row.tries)).collect();
        assert_eq!(reasons, [("hook", "tried 16 times: 500 broken", 16), ("g", "404 no such robot", 1)]);
        let text = site.app.metrics.text();
        assert!(text.contains("shaodian_hub_outbound_given_up_total{channel=\"hook\"} 1"), "{text}");
        let states_now = looking::states(&site.app.db, "main").await.unwrap();
        assert_eq!(
            (states_now[0].given_up, states_now[0].last_error.as_deref()),
            (1, Some("404 no such robot"))
        );

        to.answers(200, r#"{"errcode":0}"#);
        let unknown = cli::retry(&site.app, Some("nothing")).await.unwrap_err().to_string();
        assert!(unknown.contains("hub outbound failed"), "{unknown}");
        assert_eq!(cli::retry(&site.app, Some(&failed[1].outbox_id)).await.unwrap(), 1);
        sender.drain().await;
        assert_eq!(cli::retry(&site.app, None).await.unwrap(), 1, "the other one");
        site.clock.advance_ms(3_600_000);
        sender.drain().await;
        assert_eq!(states(&site.rows().await), ["sent", "sent"]);
        assert!(looking::given_up(&site.app.db, "main").await.unwrap().is_empty());
    }
}

/// What nobody could be told for a day is not told; what a channel was to get that is gone is given up and can be sent when
/// the channel is there again; what was sent is forgotten after its time.
#[tokio::test]
async fn old_rows() {
    for mut site in sites().await {
        let to = Receiver::start().await;
        to.answers(503, "");
        let sender = site.channels(&group("g", &to.url("/"))).await;
        site.tells("", everybody()).await;
        sender.drain().await;
        let asked = to.count();
        site.clock.advance_ms(24 * 3_600_000 + 1);
        to.answers(200, r#"{"errcode":0}"#);
        assert_eq!(sender.drain().await, 0, "{}", site.name);
        assert_eq!((site.rows().await[0].reason.as_str(), to.count()), ("it waited for a day: 503", asked));

        site.tells("", everybody()).await;
        site.channels(&group("another", &to.url("/"))).await;
        let states_now: Vec<String> =
            site.rows().await.into_iter().filter(|row| row.channel == "g").map(|row| row.reason).collect();
        assert!(states_now.iter().any(|reason| reason.contains("no such channel")), "{states_now:?}");
        assert_eq!(cli::retry(&site.app, None).await.unwrap(), 0, "there is no channel for it");
        let sender = site.channels(&group("g", &to.url("/"))).await;
        assert_eq!(cli::retry(&site.app, None).await.unwrap(), 2);
        assert_eq!(sender.drain().await, 2);
        assert_eq!(prune(&site.app.db, site.clock.now()).await.unwrap(), 0);
        let later = site.clock.now().plus_ms(KEEP_SENT_MS + 1);
        assert_eq!(prune(&site.app.db, later).await.unwrap(), 2);
        assert!(site.rows().await.is_empty());
    }
}

/// A channel for which as much waits as may takes nothing more, counts what it left out, and takes again afterwards.
#[tokio::test]
async fn a_full_channel() {
    for mut site in sites().await {
        let to = Receiver::start().await;
        let sender = site.channels(&(group("g", &to.url("/")) + &hook(&to.url("/")))).await;
        for channel in ["g", "hook"] {
            sending::set_full(&site.app.db, "main", channel, true).await.unwrap();
        }
        site.raise_camera("north", "北口").await;
        site.tells("", everybody()).await;
        assert!(site.rows().await.is_empty(), "{}", site.name);
        let dropped: Vec<i64> =
            looking::states(&site.app.db, "main").await.unwrap().iter().map(|state| state.dropped).collect();
        assert_eq!(dropped, [1, 1]);
        sender.drain().await;
        site.tells("", everybody()).await;
        assert_eq!(sender.drain().await, 1, "its care has found room");
    }
}
