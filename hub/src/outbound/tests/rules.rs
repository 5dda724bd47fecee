//! Who is told, and what is not.

use super::*;
use crate::web::tests::site::{HOSTILE, sites};

/// People are told where they are told in the hub, by the roles that they have there, and where they have an address;
/// groups when somebody of theirs is meant.
#[tokio::test]
async fn those_who_are_told() {
    for mut site in sites().await {
        site.person("near", (Role::Commander, "/fengxiang/", None)).await;
        site.person("far", (Role::Commander, "/elsewhere/", None)).await;
        site.person("worker", (Role::Handler, "/", Some("police"))).await;
        site.person("mute", (Role::Commander, "/fengxiang/", None)).await;
        let clear = cli::Change { clear: true, ..cli::Change::default() };
        cli::reach(&site.app, "mute", &clear).await.unwrap();
        site.put_box_in("/fengxiang/chengguan/").await;
        site.raise_camera("north", "北口").await;
        let number = site.number(&site.log_in("admin").await).await;
        let to = Receiver::start().await;
        let sms = |name: &str, more: &str| {
            let url = to.url("/?to={phone}&t={text}");
            format!(
                "[[channel]]\nname = \"{name}\"\nform = \"sms\"\nmethod = \"GET\"\nurl = \"{url}\"\n{more}\n"
            )
        };
        let group = |name: &str, more: &str| {
            format!("[[channel]]\nname = \"{name}\"\nform = \"wecom\"\nurl = \"{}\"\n{more}\n", to.url("/"))
        };
        let toml = [
            sms("all", ""),
            sms("chiefs", "for = [\"role:commander\"]"),
            sms("police", "for = [\"unit:police\"]"),
            sms("near-only", "for = [\"user:near\"]"),
            sms("elsewhere", "for = [\"area:elsewhere\"]"),
            sms("emergencies", "least_severity = \"emergency\""),
            sms("cards", "kinds = [\"card\"]"),
            group("g-police", "for = [\"unit:police\", \"area:chengguan\"]"),
            group("g-chiefs", "for = [\"role:commander\"]"),
            group("g-fire", "for = [\"unit:fire\"]"),
        ]
        .concat();
        site.channels(&toml).await;
        let told = async |audience: Vec<Audience>| {
            let before = site.rows().await.len();
            site.tells(&number, audience).await;
            let all = site.rows().await;
            assert!(all.len() >= before);
            let mut pairs: Vec<String> =
                all.iter().map(|row| format!("{}:{}", row.channel, row.receiver)).collect();
            site.app.db.execute("delete from outbox", crate::args![]).await.unwrap();
            pairs.sort();
            pairs
        };
        let area = "/fengxiang/chengguan/";
        assert_eq!(
            told(vec![Audience::role(Role::Commander, area)]).await,
            ["all:near", "chiefs:near", "g-chiefs:", "near-only:near"],
            "{}",
            site.name
        );
        assert_eq!(
            told(vec![Audience::unit("police")]).await,
            ["all:worker", "g-police:", "police:worker"],
            "{}",
            site.name
        );
        // Somebody on the roster: his group hears it.
        assert_eq!(
            told(vec![Audience::user("near"), Audience::user("mute")]).await,
            ["all:near", "chiefs:near", "g-chiefs:", "near-only:near"]
        );
        // A unit that has nobody here has its group.
        assert_eq!(told(vec![Audience::unit("fire")]).await, ["g-fire:"]);
    }
}

/// Drills go nowhere but where a channel asks for them, and say that they are drills.
#[tokio::test]
async fn drills() {
    for mut site in sites().await {
        let to = Receiver::start().await;
        let channel = |name: &str, form: &str, more: &str| {
            format!(
                "[[channel]]\nname = \"{name}\"\nform = \"{form}\"\nurl = \"{}\"\n{more}\n",
                to.url(&format!("/{name}"))
            )
        };
        let toml = [
            channel("a", "wecom", ""),
            channel("b", "wecom", "drills = true"),
            channel("c", "cloudevents", "secret = \"s\""),
            channel("d", "cloudevents", "secret = \"s\"\ndrills = true"),
        ]
        .concat();
        let sender = site.channels(&toml).await;
        let mut incident = site.camera_incident("north", "北口");
        incident.drill = true;
        site.hand_in(protocol::Event::Incident(incident)).await;
        let number = site.number(&site.log_in("admin").await).await;
        site.tells(&number, everybody()).await;
        sender.drain().await;
        let mut paths: Vec<String> = to.got().iter().map(|got| got.uri.path().to_owned()).collect();
        paths.sort();
        assert_eq!(paths, ["/b", "/d"], "{}", site.name);
        for got in to.got() {
            let said = got.json();
            let marked = said["data"]["drill"] == true || got.body.contains("【演练】");
            assert!(marked, "{said}");
        }
    }
}

/// Of a confidential case number and state leave and nothing else, also when it becomes so while something waits; of a call
/// nothing leaves that the caller said, nor who he is.
#[tokio::test]
async fn what_stays() {
    for mut site in sites().await {
        let to = Receiver::start().await;
        let toml = format!(
            "[[channel]]\nname = \"g\"\nform = \"wecom\"\nurl = \"{0}\"\n\
             [[channel]]\nname = \"h\"\nform = \"cloudevents\"\nurl = \"{0}\"\nsecret = \"s\"\n",
            to.url("/")
        );
        let sender = site.channels(&toml).await;
        let secret = "某小区三号楼";
        site.raise_camera("north", secret).await;
        let admin = site.log_in("admin").await;
        let number = site.number(&admin).await;
        site.tells(&number, everybody()).await;
        let rows = site.rows().await;
        assert_eq!(states(&rows), ["waiting", "waiting"]);
        // It becomes confidential while both wait, and stays so for what comes.
        site.app
            .db
            .execute("update cases set confidential = 1 where number = $1", crate::args![&number])
            .await
            .unwrap();
        site.give_to(&number, "police").await;
        site.tells(&number, everybody()).await;
        sender.drain().await;
        assert_eq!(to.count(), 5, "two notices, opened, filed, dispatched; {}", site.name);
        for got in to.got() {
            assert!(!got.body.contains(secret) && !got.body.contains("Intrusion"), "{}", got.body);
            assert!(got.body.contains(&number), "{}", got.body);
            let said = got.json();
            if said["specversion"].is_string() {
                let data = said["data"].as_object().unwrap();
                assert_eq!(data.keys().collect::<Vec<_>>(), ["number", "state"]);
                assert_eq!(said["type"], "cn.shaodian.case.changed.v1");
            } else {
                let text = said["markdown"]["content"].as_str().unwrap();
                assert!(text.contains("保密案件") && !text.contains("地点"), "{text}");
            }
        }

        site.raise_call(HOSTILE).await;
        let list = site.get("/api/v1/cases?kind=hotline", Some(&admin)).await.json();
        let call = list["cases"][0]["number"].as_str().unwrap().to_owned();
        site.tells(&call, everybody()).await;
        sender.drain().await;
        for got in to.got().iter().filter(|got| got.body.contains(&call)) {
            assert!(!got.body.contains("6027") && !got.body.contains("script"), "{}", got.body);
        }
        assert_eq!(to.got().iter().filter(|got| got.body.contains(&call)).count(), 2);
    }
}

/// A webhook gets the actions, areas and severities that it asks for.
#[tokio::test]
async fn what_a_webhook_asks_for() {
    for mut site in sites().await {
        let to = Receiver::start().await;
        let hook = |name: &str, more: &str| {
            let url = to.url(&format!("/{name}"));
            format!(
                "[[channel]]\nname = \"{name}\"\nform = \"cloudevents\"\nurl = \"{url}\"\nsecret = \"s\"\n{more}\n"
            )
        };
        let toml = [
            hook("town", "area = \"chengguan\""),
            hook("other", "area = \"biaojiao\""),
            hook("ends", "kinds = [\"dispatched\", \"closed\"]"),
            hook("all", "least_severity = \"emergency\""),
        ]
        .concat();
        let sender = site.channels(&toml).await;
        site.put_box_in("/fengxiang/chengguan/").await;
        site.raise_camera("north", "北口").await;
        let number = site.number(&site.log_in("admin").await).await;
        site.give_to(&number, "police").await;
        sender.drain().await;
        let count = |path: &str| to.got().iter().filter(|got| got.uri.path() == path).count();
        assert_eq!(["/town", "/other", "/ends", "/all"].map(count), [3, 0, 1, 3], "{}", site.name);
    }
}

/// An address is of somebody who is there; it is shown to whoever sets it, and gone when it is cleared, also for what waits.
#[tokio::test]
async fn addresses() {
    for mut site in sites().await {
        let app = site.app.clone();
        let change = |mail: &str, phone: &str| cli::Change {
            mail: Some(mail.to_owned()),
            phone: Some(phone.to_owned()),
            clear: false,
        };
        let unknown = cli::reach(&app, "ghost", &change("", "110")).await.unwrap_err().to_string();
        assert!(unknown.contains("hub user list"), "{unknown}");
        let set = cli::reach(&app, "chief", &change("chief@x.test", "138-0000-0000")).await.unwrap();
        assert_eq!(set, "chief\tchief@x.test\t13800000000");
        assert!(cli::reach(&app, "chief", &change("chief", "110")).await.is_err());
        assert_eq!(cli::reach(&app, "chief", &cli::Change::default()).await.unwrap(), set, "nothing changed");
        let only = cli::Change { mail: Some(String::new()), ..cli::Change::default() };
        assert_eq!(cli::reach(&app, "chief", &only).await.unwrap(), "chief\t\t13800000000");
        let to = Receiver::start().await;
        let url = to.url("/?to={phone}&t={text}");
        let toml = format!("[[channel]]\nname = \"t\"\nform = \"sms\"\nmethod = \"GET\"\nurl = \"{url}\"\n");
        let sender = site.channels(&toml).await;
        site.tells("", everybody()).await;
        let clear = cli::Change { clear: true, ..cli::Change::default() };
        assert_eq!(cli::reach(&app, "chief", &clear).await.unwrap(), "chief");
        sender.drain().await;
        let rows = site.rows().await;
        assert_eq!((rows[0].state.as_str(), to.count()), ("given_up", 0), "{}", site.name);
        assert!(rows[0].reason.contains("no such address"), "{rows:?}");
    }
}
