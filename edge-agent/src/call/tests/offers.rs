//! What a running call is read as, while it runs.

use protocol::hotline::CallReading;

use super::*;
use crate::call::speech::wire::Words;

fn said(leg: TapId, start_ms: u64, text: &str) -> Words {
    Words { leg, segment: 0, start_ms, end_ms: start_ms + 1_500, text: text.to_owned(), tokens: Vec::new() }
}

fn told(live: &mut mpsc::Receiver<LiveCall>) -> Vec<CallReading> {
    let mut all = Vec::new();
    while let Ok(word) = live.try_recv() {
        if let LiveCall::Read { reading, .. } = word {
            all.push(reading);
        }
    }
    all
}

/// With each finished line of the caller the box tells what the call comes to, and nothing where it comes to the same: not of
/// the operator's words, not of words that were none, and of a long call no more once its beginning is weighed. No private
/// number is quoted.
#[tokio::test]
async fn a_running_call_is_offered_tags() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(NOW));
    let (sender, mut live) = mpsc::channel(256);
    let (tap, _reports) = tap_telling(dir.path(), &clock, sender);
    let caller = lock(&tap.registry).open(Uuid::from_u128(1), 8, 0).unwrap();
    let operator = lock(&tap.registry).open(Uuid::from_u128(1), 8, 0).unwrap();
    let _ears = [tap.ear(caller), tap.ear(operator)];

    tap.final_words(said(operator, 0, "您好市民热线请讲"));
    assert_eq!(told(&mut live), []);
    tap.final_words(said(caller, 2_000, "我想问下办老年证要啥材料"));
    let first = told(&mut live);
    let [reading] = &first[..] else { panic!("{first:?}") };
    assert_eq!(
        (reading.categories[0].id.as_str(), reading.matters[0].id.as_str()),
        ("civil_affairs", "enquiry")
    );
    assert!(reading.title.contains("老年证"), "{}", reading.title);
    tap.final_words(said(caller, 4_000, ""));
    assert_eq!(told(&mut live), [], "no words");
    tap.final_words(said(caller, 6_000, "我的电话是幺三八幺二三四五六七八"));
    let second = told(&mut live);
    let text = serde_json::to_string(&second).unwrap();
    assert!(second.len() == 1 && !text.contains("三八幺二") && !text.contains("1381234"), "{text}");
    for n in 0..60 {
        tap.final_words(said(caller, 10_000 + n * 2_000, "我再给你说一遍办证的事情"));
    }
    let rest = told(&mut live).len();
    assert!((1..60).contains(&rest), "{rest}: the beginning alone is read");
}
