use std::sync::mpsc::{Receiver, Sender, channel};

use protocol::{ManualClock, UtcMs};

use super::*;

/// Says that it is at work, and answers when it is let go.
struct Stuck {
    at_work: Sender<()>,
    let_go: Arc<Mutex<Receiver<()>>>,
}

impl Look for Stuck {
    type Says = ();

    fn name(&self) -> &'static str {
        "stuck 1"
    }

    fn labels(&self) -> &[Label] {
        &[]
    }

    fn note(&self) -> Option<&str> {
        None
    }

    fn batch(&self) -> usize {
        1
    }

    fn look(&mut self, pictures: &[&Picture]) -> Result<Vec<()>, DetectError> {
        let _ = self.at_work.send(());
        let _ = self.let_go.lock().unwrap().recv();
        Ok(vec![(); pictures.len()])
    }
}

struct Rig {
    clock: Arc<ManualClock>,
    lane: Lane<Stuck>,
    at_work: Receiver<()>,
    let_go: Sender<()>,
}

const LONG: Duration = Duration::from_secs(20);

impl Rig {
    fn new() -> Self {
        let (at_work, works) = channel();
        let (let_go, waits) = channel();
        let waits = Arc::new(Mutex::new(waits));
        let clock = Arc::new(ManualClock::at(UtcMs(0)));
        let loader: Loader<Stuck> =
            Box::new(move || Ok(Stuck { at_work: at_work.clone(), let_go: Arc::clone(&waits) }));
        let lane = Lane::start(clock.clone(), loader).unwrap();
        lane.await_loaded();
        Self { clock, lane, at_work: works, let_go }
    }

    /// Puts a picture in line; its answer comes through what is returned.
    fn ask(&self) -> Receiver<Part<()>> {
        let (reply, answer) = channel();
        let picture = Picture { width: 2, height: 2, y: vec![0; 4], u: vec![0], v: vec![0] };
        let now_ms = self.clock.uptime_ms();
        self.lane.submit(Job {
            camera_id: "c1".parse().unwrap(),
            picture: Arc::new(picture),
            since_ms: now_ms,
            due_ms: now_ms,
            served: Arc::default(),
            reply: Box::new(move |part| {
                let _ = reply.send(part);
            }),
        });
        answer
    }

    /// An inference that hangs: it is told of, and nobody waits for it.
    fn hang(&self) {
        let answer = self.ask();
        self.at_work.recv_timeout(LONG).unwrap();
        self.clock.advance_ms(HANGS_MS as i64 + 1);
        self.lane.watch();
        assert_eq!(answer.recv_timeout(LONG).unwrap(), Part::Missing);
        assert!(matches!(self.lane.condition(), Condition::Fails { .. }));
    }

    /// After [`RETRY`]; whether another thread works then.
    fn is_replaced(&self) -> bool {
        let was = self.lane.shared.lock().generation;
        self.clock.advance_ms(RETRY.as_millis() as i64);
        self.lane.watch();
        if self.lane.shared.lock().generation == was {
            return false;
        }
        until(|| matches!(self.lane.condition(), Condition::Works { .. }));
        true
    }
}

fn until(holds: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("it does not come about");
}

/// A thread that hangs is replaced, as often as it takes, as long as no more than a few stand there at one time: each
/// holds a model. Those that came back are not held against the next.
#[test]
fn a_hung_thread_is_replaced_again_and_again() {
    let rig = Rig::new();
    for round in 0..2 * LEFT_BEHIND {
        rig.hang();
        assert!(rig.is_replaced(), "round {round}");
        // The driver lets the old thread go: it ends.
        rig.let_go.send(()).unwrap();
        until(|| rig.lane.shared.lock().left_behind == 0);
    }
    for _ in 0..LEFT_BEHIND {
        rig.hang();
        assert!(rig.is_replaced());
    }
    rig.hang();
    assert!(!rig.is_replaced(), "a fourth beside three that stand");
    // One is let go: there is room, and the newest works.
    rig.let_go.send(()).unwrap();
    until(|| {
        let state = rig.lane.shared.lock();
        state.left_behind < LEFT_BEHIND || state.hangs_ms.is_none()
    });
    rig.lane.stop();
}

/// A first load that takes long, or for ever, holds neither whoever starts the lane for good, nor health.
#[test]
fn a_load_that_hangs_is_told_of() {
    let (let_go, waits) = channel::<()>();
    let loader: Loader<Stuck> = Box::new(move || {
        let _ = waits.recv();
        Err(DetectError::Off)
    });
    let lane = Lane::start(Arc::new(ManualClock::at(UtcMs(0))), loader).unwrap();
    let Condition::Fails { reason } = lane.condition() else { panic!("{:?}", lane.condition()) };
    assert_eq!(reason, "not loaded yet");
    lane.watch();
    lane.stop();
    drop(let_go);
}
