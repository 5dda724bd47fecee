use std::sync::mpsc;

use protocol::{ManualClock, NormBox, UtcMs};

use super::joint::join;
use super::*;
use crate::detector::lane::{HANGS_MS, MAX_WAIT_MS, Part};
use crate::detector::{Detect, DetectError, Looked, NAMED};
use crate::frame::Detection;

/// Notes the widths of the pictures it is shown together, after being let go by a message; fails when that says so, and
/// on width 8, panics on 6. Each look finds one thing of its first label.
struct Scripted {
    name: &'static str,
    labels: &'static [Label],
    batch: usize,
    go: mpsc::Receiver<bool>,
    shown: mpsc::Sender<Vec<usize>>,
}

impl Detect for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    fn labels(&self) -> &[Label] {
        self.labels
    }

    fn batch(&self) -> usize {
        self.batch
    }

    fn detect(&mut self, picture: &Picture) -> Result<Vec<Detection>, DetectError> {
        self.detect_batch(&[picture]).map(|mut found| found.remove(0))
    }

    fn detect_batch(&mut self, pictures: &[&Picture]) -> Result<Vec<Vec<Detection>>, DetectError> {
        let _ = self.shown.send(pictures.iter().map(|p| p.width).collect());
        let fails = self.go.recv() == Ok(false);
        for picture in pictures {
            assert_ne!(picture.width, 6, "a bug in a detector");
            if fails || picture.width == 8 {
                let (model, problem) = (self.name.to_owned(), "width 8".to_owned());
                return Err(DetectError::Contract { model, problem });
            }
        }
        Ok(pictures.iter().map(|_| vec![thing(self.labels[0])]).collect())
    }
}

/// The other ends of a scripted detector.
struct Hand {
    go: mpsc::Sender<bool>,
    shown: mpsc::Receiver<Vec<usize>>,
}

impl Hand {
    /// What it is shown next.
    fn sees(&self) -> Vec<usize> {
        self.shown.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    fn let_go(&self) {
        self.go.send(true).unwrap();
    }

    /// The look under way, or the next, fails.
    fn break_down(&self) {
        self.go.send(false).unwrap();
    }
}

const BURNS: &[Label] = &[Label::Fire, Label::Smoke];

fn scripted(name: &'static str, batch: usize) -> (Post, Hand) {
    scripted_for(name, NAMED, batch)
}

fn scripted_for(name: &'static str, labels: &'static [Label], batch: usize) -> (Post, Hand) {
    let ((go, gone), (show, shown)) = (mpsc::channel(), mpsc::channel());
    let mut once = Some(Scripted { name, labels, batch, go: gone, shown: show });
    let loader: Loader = Box::new(move || match once.take() {
        Some(scripted) => Ok(Box::new(scripted)),
        None => Err(DetectError::Off),
    });
    (Post::new(loader), Hand { go, shown })
}

fn start(posts: Vec<Post>) -> (Arc<ManualClock>, DetectorStation) {
    let clock = Arc::new(ManualClock::at(UtcMs(0)));
    let station = DetectorStation::start_all(Arc::clone(&clock) as Arc<dyn Clock>, posts).unwrap();
    (clock, station)
}

struct Bench {
    clock: Arc<ManualClock>,
    station: DetectorStation,
    hand: Hand,
}

fn bench(batch: usize) -> Bench {
    let (post, hand) = scripted("scripted 1", batch);
    let (clock, station) = start(vec![post]);
    Bench { clock, station, hand }
}

fn picture(width: usize) -> Arc<Picture> {
    let (y, uv) = (vec![0; width * 2], vec![0; width / 2]);
    Arc::new(Picture { width, height: 2, y, u: uv.clone(), v: uv })
}

fn thing(label: Label) -> Detection {
    Detection { label, score: 0.9, region: NormBox { x: 0.4, y: 0.4, w: 0.1, h: 0.2 } }
}

/// What scripted detectors of these names and labels say together, while these labels are looked for.
fn looked(parts: &[(&str, &[Label])], names: &[Label]) -> Looked {
    let mut looked = Looked::new("", names, Vec::new());
    let by: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
    looked.by = by.join(" + ").into();
    looked.detections = parts.iter().map(|(_, labels)| thing(labels[0])).collect();
    for (_, labels) in parts {
        let same: Vec<&str> = parts.iter().filter(|p| p.1[0] == labels[0]).map(|p| p.0).collect();
        looked.sources.insert(labels[0], same.join(" + ").into());
    }
    looked
}

fn found(by: &str) -> Answer {
    Answer::Found(looked(&[(by, NAMED)], NAMED))
}

/// Waits until the detector is seen to fail.
fn until_failing(station: &DetectorStation, count: usize) {
    let real = protocol::SystemClock::new();
    while station.failing().len() != count {
        assert!(real.uptime_ms() < 20_000, "{:?}", station.failing());
        std::thread::yield_now();
    }
}

/// While one frame is looked at, each camera waits with its newest frame, served in the order of waiting.
#[test]
fn cameras_are_served_in_turn_with_their_newest_frame() {
    let Bench { clock, station, hand } = bench(1);
    let [a, b] = ["a", "b"].map(|id| station.client(id.parse().unwrap()));
    let first = a.submit(picture(10));
    assert_eq!(hand.sees(), [10]);
    let old = a.submit(picture(12));
    clock.advance_ms(1);
    let other = b.submit(picture(20));
    let newer = a.submit(picture(14));
    assert_eq!(old.blocking_recv(), Ok(Answer::Busy));
    (0..3).for_each(|_| hand.let_go());
    for answer in [first, other, newer] {
        assert_eq!(answer.blocking_recv(), Ok(found("scripted 1")));
    }
    let mut then = [hand.sees(), hand.sees()].concat();
    then.sort_unstable();
    assert_eq!(then, [14, 20]);
    assert_eq!((a.skipped(), b.skipped()), (1, 0));
    assert_eq!((a.detected(), b.detected()), (2, 1));
    let stats = station.stats();
    assert_eq!((stats.detected, stats.skipped, stats.failed), (3, 1, 0));
}

/// Three looks a second for a camera of ten frames a second and one of a single frame: the slow one gets what it
/// wants, the fast one the rest, and what was skipped is counted.
#[test]
fn a_fast_camera_does_not_starve_a_slow_one() {
    let Bench { clock, station, hand } = bench(1);
    let fast = station.client("fast".parse().unwrap()).at_fps(10.0);
    let slow = station.client("slow".parse().unwrap()).at_fps(1.0);
    let mut waiting = vec![fast.submit(picture(10))];
    let mut looks = [0, 0];
    let mut busy_until = 0;
    for now in (0..30_000).step_by(100) {
        if now > 0 {
            waiting.push(fast.submit(picture(10)));
            if now % 1_000 == 500 {
                waiting.push(slow.submit(picture(20)));
            }
        }
        if now >= busy_until {
            let seen = hand.sees();
            looks[usize::from(seen == [20])] += 1;
            hand.let_go();
            busy_until = now + 333;
            // The answer is there before time goes on.
            let counted = |c: &DetectorClient| c.detected();
            let total = looks[0] + looks[1];
            while counted(&fast) + counted(&slow) < total {
                std::thread::yield_now();
            }
        }
        clock.advance_ms(100);
    }
    // A frame that is replaced by the next waits in the same place, so nothing but time decides.
    assert!(looks[1] >= 27, "{looks:?}");
    assert!(looks[0] >= 40, "{looks:?}");
    assert!(fast.skipped() > 150 && slow.skipped() <= 3, "{} {}", fast.skipped(), slow.skipped());
    hand.let_go();
}

/// What waits is looked at together, as many as the detector takes at once, and each camera gets its own answer.
#[test]
fn waiting_frames_go_in_batches() {
    let Bench { station, hand, .. } = bench(3);
    let cameras: Vec<_> = (0..6).map(|n| station.client(format!("c{n}").parse().unwrap())).collect();
    let mut answers = vec![cameras[0].submit(picture(10))];
    assert_eq!(hand.sees(), [10]);
    answers.extend(cameras[1..].iter().map(|camera| camera.submit(picture(20))));
    (0..3).for_each(|_| hand.let_go());
    assert_eq!((hand.sees().len(), hand.sees().len()), (3, 2));
    for answer in answers {
        assert_eq!(answer.blocking_recv(), Ok(found("scripted 1")));
    }
    assert_eq!(station.stats().detected, 6);
}

/// A frame whose turn comes too late is skipped and counted.
#[test]
fn stale_frames_are_skipped() {
    let Bench { clock, station, hand } = bench(1);
    let [a, b] = ["a", "b"].map(|id| station.client(id.parse().unwrap()));
    let _first = a.submit(picture(10));
    assert_eq!(hand.sees(), [10]);
    let late = b.submit(picture(20));
    clock.advance_ms(MAX_WAIT_MS as i64 + 1);
    hand.let_go();
    // Whether the first look counts as hung by then is a matter of who comes first.
    assert!([Answer::Busy, Answer::Missing].contains(&late.blocking_recv().unwrap()));
    drop(station);
    assert!(hand.shown.try_recv().is_err(), "nobody looked at it");
}

/// A detector that panics is one that fails: whoever waits is answered, and the station lives on.
#[test]
fn a_panic_is_a_failure() {
    let Bench { station, hand, .. } = bench(1);
    let [a, b] = ["a", "b"].map(|id| station.client(id.parse().unwrap()));
    let bad = a.submit(picture(6));
    assert_eq!(hand.sees(), [6]);
    let waiting = b.submit(picture(20));
    hand.let_go();
    assert_eq!((bad.blocking_recv(), waiting.blocking_recv()), (Ok(Answer::Missing), Ok(Answer::Missing)));
    assert!(matches!(station.health(), DetectorHealth::MotionOnly { .. }));
    assert_eq!(a.submit(picture(10)).blocking_recv(), Ok(Answer::Missing));
    assert_eq!(station.stats().failed, 1);
}

/// A failing detector answers everybody who waits, says why in its health, and later frames at once.
#[test]
fn failure_turns_to_motion_only() {
    let Bench { station, hand, .. } = bench(1);
    let [a, b] = ["a", "b"].map(|id| station.client(id.parse().unwrap()));
    let health = DetectorHealth::Model { name: "scripted 1".to_owned(), troubles: Vec::new() };
    assert_eq!(station.health(), health);
    let bad = a.submit(picture(8));
    assert_eq!(hand.sees(), [8]);
    let waiting = b.submit(picture(20));
    hand.let_go();
    assert_eq!(bad.blocking_recv(), Ok(Answer::Missing));
    assert_eq!(waiting.blocking_recv(), Ok(Answer::Missing));
    let DetectorHealth::MotionOnly { reason } = station.health() else { panic!("still trusted") };
    assert!(reason.contains("width 8"), "{reason}");
    assert_eq!(a.submit(picture(10)).blocking_recv(), Ok(Answer::Missing));
    assert_eq!(station.stats().failed, 1);
}

/// A look that does not end lets everybody go within three seconds and is told in health; when it ends after all, the
/// detector is trusted again.
#[test]
fn a_hanging_look_is_left_alone() {
    let Bench { clock, station, hand } = bench(1);
    let [a, b] = ["a", "b"].map(|id| station.client(id.parse().unwrap()));
    let hung = a.submit(picture(10));
    assert_eq!(hand.sees(), [10]);
    let waiting = b.submit(picture(20));
    clock.advance_ms(HANGS_MS as i64 + 1);
    // Health looks once a second.
    assert!(HANGS_MS + WATCH.as_millis() as u64 + 1_000 < 3_000);
    assert_eq!((hung.blocking_recv(), waiting.blocking_recv()), (Ok(Answer::Missing), Ok(Answer::Missing)));
    let DetectorHealth::MotionOnly { reason } = station.health() else { panic!("still trusted") };
    assert!(reason.contains("scripted 1") && reason.contains("1500 ms"), "{reason}");
    assert_eq!(a.submit(picture(12)).blocking_recv(), Ok(Answer::Missing));
    assert_eq!(station.failing().len(), 1);

    hand.let_go();
    let real = protocol::SystemClock::new();
    while !station.failing().is_empty() {
        assert!(real.uptime_ms() < 20_000, "never trusted again");
        std::thread::yield_now();
    }
    let again = a.submit(picture(14));
    assert_eq!(hand.sees(), [14]);
    hand.let_go();
    assert_eq!(again.blocking_recv(), Ok(found("scripted 1")));
    assert_eq!(station.stats().failed, 1);
}

/// Two detectors side by side: both look at each frame; when one fails, the other goes on, and motion stands in for
/// the one that named what moves.
#[test]
fn one_of_two_may_fail() {
    const VEHICLES: &[Label] = &[Label::Car];
    let ((people, people_hand), (vehicles, vehicles_hand)) =
        (scripted("people 1", 1), scripted_for("vehicles 2", VEHICLES, 1));
    let (_clock, station) = start(vec![people, vehicles]);
    let a = station.client("a".parse().unwrap());
    let both = a.submit(picture(10));
    assert_eq!((people_hand.sees(), vehicles_hand.sees()), (vec![10], vec![10]));
    people_hand.let_go();
    vehicles_hand.let_go();
    let parts: [(&str, &[Label]); 2] = [("people 1", NAMED), ("vehicles 2", VEHICLES)];
    assert_eq!(both.blocking_recv(), Ok(Answer::Found(looked(&parts, NAMED))));

    let bad = a.submit(picture(10));
    assert_eq!((people_hand.sees(), vehicles_hand.sees()), (vec![10], vec![10]));
    people_hand.break_down();
    vehicles_hand.let_go();
    let partly = Answer::Partly(looked(&parts[1..], VEHICLES));
    assert_eq!(bad.blocking_recv(), Ok(partly.clone()));
    vehicles_hand.let_go();
    assert_eq!(a.submit(picture(12)).blocking_recv(), Ok(partly), "and so in the next frame");
    assert_eq!((station.failing().len(), station.at_work().len()), (1, 1));
}

/// One for fire beside one for people is asked as seldom as it should be, and counts as looking all the time. When the
/// first fails, what burns is still seen, and motion stands in for people; when the second fails, the first goes on.
#[test]
fn fire_is_looked_for_aside() {
    let people_and_fire: Vec<Label> = NAMED.iter().chain(BURNS).copied().collect();
    let parts: [(&str, &[Label]); 2] = [("people 1", NAMED), ("fire 1", BURNS)];
    let ((people, people_hand), (fire, fire_hand)) =
        (scripted("people 1", 1), scripted_for("fire 1", BURNS, 1));
    let (clock, station) = start(vec![people, fire.every(1_000)]);
    let a = station.client("a".parse().unwrap());
    let mut told = Vec::new();
    for at_ms in (0..2_000).step_by(200) {
        let answer = a.submit(picture(10));
        assert_eq!(people_hand.sees(), [10]);
        if at_ms % 1_000 == 0 {
            assert_eq!(fire_hand.sees(), [10]);
            fire_hand.let_go();
            until_answered(&a, 1);
        }
        people_hand.let_go();
        told.push(answer.blocking_recv().unwrap());
        clock.advance_ms(200);
    }
    let by_both = Answer::Found(looked(&parts, &people_and_fire));
    let by_one = Answer::Found(looked(&parts[..1], &people_and_fire));
    let count = |answer: &Answer| told.iter().filter(|told| *told == answer).count();
    assert_eq!((count(&by_both), count(&by_one)), (2, 8), "{told:?}");

    let bad = a.submit(picture(10));
    assert_eq!((people_hand.sees(), fire_hand.sees()), (vec![10], vec![10]));
    people_hand.break_down();
    assert_eq!(bad.blocking_recv(), Ok(Answer::NotDue { names: BURNS.to_vec() }));
    fire_hand.let_go();
    until_answered(&a, 1);
    let next = a.submit(picture(10)).blocking_recv().unwrap();
    assert_eq!(next, Answer::Partly(looked(&parts[1..], BURNS)), "what came late is told with the next");
    clock.advance_ms(200);
    assert_eq!(a.submit(picture(10)).blocking_recv(), Ok(Answer::NotDue { names: BURNS.to_vec() }));
    clock.advance_ms(800);
    let last = a.submit(picture(10));
    assert_eq!(fire_hand.sees(), [10]);
    fire_hand.break_down();
    last.blocking_recv().unwrap();
    until_failing(&station, 2);
    assert_eq!(a.submit(picture(10)).blocking_recv(), Ok(Answer::Missing));
}

/// Waits until this detector has no frame of the camera left.
fn until_answered(camera: &DetectorClient, post: usize) {
    let real = protocol::SystemClock::new();
    while camera.counts.outstanding[post].load(Ordering::Relaxed) {
        assert!(real.uptime_ms() < 20_000, "detector {post} has not answered");
        std::thread::yield_now();
    }
}

/// A detector of fire that takes long or hangs keeps nobody waiting who looks for people, is not shown frame upon frame,
/// and what it says in the end is told with a later frame. One that hangs no longer counts as looking.
#[test]
fn a_slow_detector_aside_is_not_waited_for() {
    let people_and_fire: Vec<Label> = NAMED.iter().chain(BURNS).copied().collect();
    let parts: [(&str, &[Label]); 2] = [("people 1", NAMED), ("fire 1", BURNS)];
    let ((people, people_hand), (fire, fire_hand)) =
        (scripted("people 1", 1), scripted_for("fire 1", BURNS, 1));
    let (clock, station) = start(vec![people, fire]);
    let a = station.client("a".parse().unwrap());
    let by_people = Answer::Found(looked(&parts[..1], &people_and_fire));
    let frame = || {
        let answer = a.submit(picture(10));
        assert_eq!(people_hand.sees(), [10]);
        people_hand.let_go();
        clock.advance_ms(200);
        answer.blocking_recv().unwrap()
    };
    for _ in 0..3 {
        assert_eq!(frame(), by_people);
    }
    assert_eq!(fire_hand.sees(), [10]);
    assert!(fire_hand.shown.try_recv().is_err(), "it is shown one frame at a time");
    fire_hand.let_go();
    until_answered(&a, 1);
    assert_eq!(frame(), Answer::Found(looked(&parts, &people_and_fire)));
    assert_eq!(fire_hand.sees(), [10]);

    // It hangs from here on.
    clock.advance_ms(HANGS_MS as i64 + 1);
    until_failing(&station, 1);
    assert_eq!(frame(), Answer::Found(looked(&parts[..1], NAMED)), "nobody looks for fire");
    assert_eq!((a.skipped(), station.at_work().len()), (0, 1));
}

/// What was said of a frame of long ago is no news of this one.
#[test]
fn late_words_grow_old() {
    let ((people, people_hand), (fire, fire_hand)) =
        (scripted("people 1", 1), scripted_for("fire 1", BURNS, 1));
    let (clock, station) = start(vec![people, fire.every(60_000)]);
    let a = station.client("a".parse().unwrap());
    let first = a.submit(picture(10));
    assert_eq!((people_hand.sees(), fire_hand.sees()), (vec![10], vec![10]));
    people_hand.let_go();
    first.blocking_recv().unwrap();
    fire_hand.let_go();
    until_answered(&a, 1);
    clock.advance_ms(5_000);
    let next = a.submit(picture(10));
    people_hand.let_go();
    let Answer::Found(next) = next.blocking_recv().unwrap() else { panic!("people were looked for") };
    assert_eq!(&*next.by, "people 1");
}

/// A detector that was never there is told in health beside the one that works.
#[test]
fn health_names_who_looks_and_who_does_not() {
    let (people, hand) = scripted("people 1", 1);
    let missing = Post::new(Box::new(|| {
        Err(DetectError::Contract { model: "fire 1".to_owned(), problem: "no weights".to_owned() })
    }));
    let (_clock, station) = start(vec![people, missing]);
    let DetectorHealth::Model { name, troubles } = station.health() else { panic!("one works") };
    assert_eq!(name, "people 1");
    assert!(troubles.len() == 1 && troubles[0].contains("no weights"), "{troubles:?}");
    let a = station.client("a".parse().unwrap());
    let answer = a.submit(picture(10));
    assert_eq!(hand.sees(), [10]);
    hand.let_go();
    assert_eq!(
        answer.blocking_recv(),
        Ok(found("people 1")),
        "motion does not stand in for what nobody knows"
    );
}

/// One of fire alone leaves people to motion; whether it was its turn or not, it counts as looking for fire.
#[test]
fn fire_alone_is_due_now_and_then() {
    let (fire, fire_hand) = scripted_for("fire 1", BURNS, 1);
    let (clock, station) = start(vec![fire.every(1_000)]);
    let a = station.client("a".parse().unwrap());
    for at_ms in (0..2_000).step_by(200) {
        let answer = a.submit(picture(10));
        if at_ms % 1_000 == 0 {
            assert_eq!(fire_hand.sees(), [10]);
            fire_hand.let_go();
            assert_eq!(answer.blocking_recv(), Ok(Answer::Partly(looked(&[("fire 1", BURNS)], BURNS))));
        } else {
            assert_eq!(answer.blocking_recv(), Ok(Answer::NotDue { names: BURNS.to_vec() }));
        }
        clock.advance_ms(200);
    }
    assert_eq!((a.detected(), a.skipped()), (2, 0));
}

/// A model of which nothing was known when the box started is what it turns out to be once it is loaded.
#[test]
fn what_a_model_names_is_known_when_it_is_loaded() {
    let (people, people_hand) = scripted("people 1", 1);
    let (fire, fire_hand) = scripted_for("fire 1", BURNS, 1);
    let (_clock, station) = start(vec![people, fire]);
    let a = station.client("a".parse().unwrap());
    let answer = a.submit(picture(10));
    assert_eq!((people_hand.sees(), fire_hand.sees()), (vec![10], vec![10]));
    // It fails, and is still known to be nobody whom motion could stand in for.
    fire_hand.break_down();
    until_failing(&station, 1);
    people_hand.let_go();
    assert_eq!(answer.blocking_recv(), Ok(found("people 1")));
}

/// What is said together, in every combination that matters.
#[test]
fn answers_are_joined() {
    const PEOPLE: &[Label] = &[Label::Person];
    const VEHICLES: &[Label] = &[Label::Car];
    let part =
        |name: &str, labels: &[Label]| Some(Part::Found { by: name.into(), said: vec![thing(labels[0])] });
    let told = |posts: &[(Option<&[Label]>, Option<Part>)]| {
        let role = |labels: Option<&[Label]>, part: &Option<Part>| Role {
            works: labels.is_some() && *part != Some(Part::Missing),
            labels: labels.map(<[Label]>::to_vec),
        };
        let roles: Vec<Role> = posts.iter().map(|(labels, part)| role(*labels, part)).collect();
        join(&roles, &posts.iter().map(|(_, part)| part.clone()).collect::<Vec<_>>())
    };
    let (person, fire) = (part("a", PEOPLE), part("f", BURNS));
    let all = [PEOPLE, BURNS].concat();
    let by_a = |names: &[Label]| Answer::Found(looked(&[("a", PEOPLE)], names));
    let by_fire = Answer::Partly(looked(&[("f", BURNS)], BURNS));
    let (people, burns) = (Some(PEOPLE), Some(BURNS));
    assert_eq!(told(&[(people, person.clone()), (burns, Some(Part::Busy))]), by_a(&all));
    assert_eq!(told(&[(people, person.clone()), (burns, None)]), by_a(&all));
    assert_eq!(told(&[(people, person.clone()), (burns, Some(Part::Missing))]), by_a(PEOPLE));
    assert_eq!(told(&[(people, person.clone()), (None, Some(Part::Missing))]), by_a(PEOPLE));
    assert_eq!(told(&[(people, Some(Part::Busy)), (burns, fire.clone())]), Answer::Busy);
    assert_eq!(told(&[(people, Some(Part::Missing)), (burns, fire.clone())]), by_fire);
    assert_eq!(told(&[(None, Some(Part::Missing)), (burns, fire.clone())]), by_fire);
    assert_eq!(told(&[(burns, fire)]), by_fire);
    let vehicles = Answer::Partly(looked(&[("v", VEHICLES)], VEHICLES));
    assert_eq!(told(&[(None, Some(Part::Missing)), (Some(VEHICLES), part("v", VEHICLES))]), vehicles);
    let not_due = Answer::NotDue { names: BURNS.to_vec() };
    assert_eq!(told(&[(people, Some(Part::Missing)), (burns, Some(Part::Busy))]), not_due);
    assert_eq!(told(&[(burns, None)]), not_due);
    assert_eq!(told(&[(people, Some(Part::Missing))]), Answer::Missing);
    assert_eq!(told(&[]), Answer::Missing);
}
