//! From servers that do what they should, and from others.

use std::cell::RefCell;
use std::time::Duration;

use super::server::{Answer, Request, Server};
use super::*;
use crate::record::{Record, Trust};

const ONE: &str = "\"one\"";
const TWO: &str = "\"two\"";

/// One fetch: what became of it, how long it would have waited, what it told.
struct Try {
    result: Result<Outcome, SupplyError>,
    waits: Vec<u64>,
    events: Vec<Event>,
}

async fn try_at(machine: &Machine, name: &str, url: &str, at: &str) -> Try {
    let _ = rustls::crypto::ring::default_provider().install_default();
    try_by(machine, name, &Way::new(Some(url)).unwrap(), at).await
}

async fn try_by(machine: &Machine, name: &str, way: &Way, at: &str) -> Try {
    let (waits, mut events) = (RefCell::new(Vec::new()), Vec::new());
    let pause = async |time: Duration| waits.borrow_mut().push(time.as_secs());
    let (shelf, store) = (machine.shelf(), machine.store());
    let mut on = |_: &str, event: Event| events.push(event);
    let fetched = fetch(&shelf, &store, name, way, at, &pause, &mut on);
    let result = tokio::time::timeout(Duration::from_secs(60), fetched).await.expect("it ends");
    Try { result, waits: waits.into_inner(), events }
}

async fn try_fetch(machine: &Machine, name: &str, server: &Server) -> Try {
    try_at(machine, name, &server.url(), AT).await
}

fn said(tried: &Try) -> String {
    tried.result.as_ref().unwrap_err().to_string()
}

/// Are the right bytes there?
fn installed(machine: &Machine) -> bool {
    fs::read(machine.store().find("m").unwrap().main_file()).unwrap() == right()
}

/// A connection that breaks in the middle is gone on from there: no byte is sent twice.
#[tokio::test]
async fn a_broken_connection_is_gone_on_from() {
    let server = Server::new(|request, number| match number {
        0 => Answer::good(request, &right(), ONE).cut(100_000),
        _ => Answer::good(request, &right(), ONE),
    });
    let machine = Machine::new();
    let tried = try_fetch(&machine, "m", &server).await;
    assert_eq!(tried.result.unwrap(), Outcome::Put(machine.folder().join("m/2")));
    assert!(installed(&machine));
    assert_eq!(server.sent(), LENGTH);
    let path = "/models/m/2/m.onnx".to_owned();
    let second = Request { path, range: Some("bytes=100000-".to_owned()), if_range: Some(ONE.to_owned()) };
    assert_eq!(server.requests()[1..], [second]);
    assert!(tried.events.contains(&Event::GoesOn { from_bytes: 100_000 }));
    assert_eq!(tried.waits, [1]);
    assert_eq!(machine.state("m"), State::Good { trust: Trust::Manifest, at: Some(AT.to_owned()) });
    // Once it is there nothing is fetched again.
    assert!(matches!(try_fetch(&machine, "m", &server).await.result, Ok(Outcome::There(_))));
    assert_eq!(server.requests().len(), 2);
}

/// What came stays over a fetch that gave up, and the next one goes on from it.
#[tokio::test]
async fn the_next_fetch_goes_on() {
    let server = Server::new(|request, number| match number {
        0 => Answer::good(request, &right(), ONE).cut(100_000),
        1..=5 => Answer::status("503 Service Unavailable"),
        _ => Answer::good(request, &right(), ONE),
    });
    let machine = Machine::new();
    let tried = try_fetch(&machine, "m", &server).await;
    let error = said(&tried);
    assert!(error.contains("503") && error.contains("100000 bytes are kept"), "{error}");
    assert_eq!(tried.waits, [1, 2, 4, 8]);
    assert_eq!(machine.state("m"), State::Absent);
    try_fetch(&machine, "m", &server).await.result.unwrap();
    assert_eq!((installed(&machine), server.sent()), (true, LENGTH));
    assert_eq!(machine.everything(), [".downloads", "m"]);
    assert_eq!(fs::read_dir(machine.folder().join(".downloads")).unwrap().count(), 0);
}

/// A server that goes silent, in the middle or before it has said a word, is waited for so long and no longer; the next try
/// goes on from what came, and where all tries end so, what came is kept and the reason is told.
#[tokio::test]
async fn a_server_that_goes_silent_is_left() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let impatient = |server: &Server| Way::patient(Some(&server.url()), Duration::from_secs(2)).unwrap();
    let server = Server::new(|request, number| match number {
        0 => Answer::good(request, &right(), ONE).silent(Some(100_000)),
        1 => Answer::good(request, &right(), ONE).silent(None),
        _ => Answer::good(request, &right(), ONE),
    });
    let machine = Machine::new();
    let tried = try_by(&machine, "m", &impatient(&server), AT).await;
    tried.result.as_ref().unwrap();
    assert_eq!((installed(&machine), server.sent()), (true, LENGTH), "no byte is sent twice");
    let ranges: Vec<Option<String>> = server.requests().into_iter().map(|request| request.range).collect();
    assert_eq!(ranges, [None, Some("bytes=100000-".to_owned()), Some("bytes=100000-".to_owned())]);
    let problems: Vec<&str> = tried
        .events
        .iter()
        .filter_map(|e| if let Event::Waits { problem, .. } = e { Some(problem.as_str()) } else { None })
        .collect();
    assert_eq!(problems, ["the server has gone silent: not a byte came for 2 s"; 2]);

    let server = Server::new(|request, number| match number {
        0 => Answer::good(request, &right(), ONE).silent(Some(100_000)),
        1..=5 => Answer::good(request, &right(), ONE).silent(None),
        _ => Answer::good(request, &right(), ONE),
    });
    let machine = Machine::new();
    let error = said(&try_by(&machine, "m", &impatient(&server), AT).await);
    assert!(error.contains("has gone silent") && error.contains("100000 bytes are kept"), "{error}");
    assert_eq!(machine.state("m"), State::Absent);
    try_by(&machine, "m", &impatient(&server), AT).await.result.unwrap();
    assert_eq!((installed(&machine), server.sent()), (true, LENGTH));
}

/// A server that knows no parts sends the whole again, and that is what is installed.
#[tokio::test]
async fn a_server_without_parts_begins_anew() {
    let server =
        Server::new(|_, number| Answer::whole(&right(), ONE).cut(if number == 0 { 100_000 } else { LENGTH }));
    let machine = Machine::new();
    let tried = try_fetch(&machine, "m", &server).await;
    tried.result.unwrap();
    assert_eq!((installed(&machine), server.sent()), (true, LENGTH + 100_000));
    assert!(tried.events.iter().any(|e| matches!(e, Event::Anew { .. })));
}

/// A file that changed between two attempts is not made of two halves, also where the server sends one.
#[tokio::test]
async fn a_file_that_changed_is_fetched_anew() {
    let other = bytes(9, LENGTH);
    let first = other.clone();
    let server = Server::new(move |request, number| match number {
        0 => Answer::good(request, &first, ONE).cut(100_000),
        _ => Answer::good(request, &right(), TWO),
    });
    let machine = Machine::new();
    try_fetch(&machine, "m", &server).await.result.unwrap();
    assert_eq!((installed(&machine), server.requests()[1].if_range.as_deref()), (true, Some(ONE)));

    let server = Server::new(move |_, number| match number {
        0 => Answer::whole(&other, ONE).cut(100_000),
        // It was asked for a part of "one" only.
        1 => Answer::part(&right(), 100_000, TWO),
        _ => Answer::whole(&right(), TWO),
    });
    let machine = Machine::new();
    try_fetch(&machine, "m", &server).await.result.unwrap();
    assert!(installed(&machine));

    // A date of change that stays although the file did not: the hash tells, and the whole is fetched once more.
    let dated = |mut answer: Answer| {
        answer.head = answer.head.replace("etag: \"one\"", "last-modified: Wed, 18 Mar 2026 06:31:20 GMT");
        answer
    };
    let server = Server::new(move |request, number| match number {
        0 => dated(Answer::whole(&bytes(9, LENGTH), ONE).cut(100_000)),
        1 if request.if_range.is_some() => dated(Answer::part(&right(), 100_000, ONE)),
        _ => dated(Answer::whole(&right(), ONE)),
    });
    let machine = Machine::new();
    try_fetch(&machine, "m", &server).await.result.unwrap();
    assert_eq!((installed(&machine), server.requests().len()), (true, 3));
}

/// Other bytes of the right length are refused with both hashes; nothing of them stays, and nobody asks twice.
#[tokio::test]
async fn other_bytes_are_refused() {
    let other = bytes(9, LENGTH);
    let hash = sha256(&other);
    let server = Server::new(move |request, _| Answer::good(request, &other, ONE));
    let machine = Machine::new();
    let error = said(&try_fetch(&machine, "m", &server).await);
    assert!(error.contains(&sha256(&right())) && error.contains(&hash), "{error}");
    assert!(error.contains("vouched for by the manifest"), "{error}");
    assert_eq!((server.requests().len(), machine.state("m")), (1, State::Absent));
    assert_eq!(fs::read_dir(machine.folder().join(".downloads")).unwrap().count(), 0);
}

/// No more is taken than the file is long, whether the server says so or not; nor is less taken for the whole.
#[tokio::test]
async fn no_more_and_no_less_is_taken() {
    let much = bytes(1, 40 * LENGTH);
    let told = Server::new({
        let much = much.clone();
        move |_, _| Answer::whole(&much, ONE)
    });
    let machine = Machine::new();
    let error = said(&try_fetch(&machine, "m", &told).await);
    assert!(error.contains("300000 bytes are expected and 12000000 found"), "{error}");

    let untold = |body: Vec<u8>| {
        Server::new(move |_, _| Answer {
            head: "HTTP/1.1 200 OK\r\n".to_owned(),
            cut: body.len(),
            body: body.clone(),
            silent: false,
        })
    };
    let server = untold(much);
    let tried = try_fetch(&machine, "m", &server).await;
    assert!(said(&tried).contains("300000 bytes are expected and more found"), "{}", said(&tried));
    let most = tried
        .events
        .iter()
        .filter_map(|e| if let Event::Bytes { done, .. } = e { Some(*done) } else { None });
    assert!(most.max().unwrap_or(0) <= LENGTH as u64);

    let server = untold(right()[..200_000].to_vec());
    let error = said(&try_fetch(&machine, "m", &server).await);
    assert!(error.contains("300000 bytes are expected and only 200000 found"), "{error}");
    assert_eq!(machine.state("m"), State::Absent);
    assert_eq!(fs::read_dir(machine.folder().join(".downloads")).unwrap().count(), 0);
}

/// What is not there is asked for once; what may be there later, five times.
#[tokio::test]
async fn what_is_not_there_is_given_up() {
    let server = Server::new(|_, _| Answer::status("404 Not Found"));
    let machine = Machine::new();
    let tried = try_fetch(&machine, "m", &server).await;
    assert!(said(&tried).contains("m/2/m.onnx answers 404"), "{}", said(&tried));
    assert_eq!((server.requests().len(), tried.waits.len()), (1, 0));
    let nobody = {
        let gone = Server::new(|_, _| Answer::status("500 Gone"));
        gone.url()
    };
    let tried = try_at(&machine, "m", &nobody, AT).await;
    assert!(said(&tried).contains("5 tries; is there a network"), "{}", said(&tried));
    assert_eq!(tried.waits, [1, 2, 4, 8]);
    assert_eq!(fs::read_dir(machine.folder().join(".downloads")).unwrap().count(), 0);
}

/// Nothing is fetched without `https` but from a site's own server, nor what has no address, nor for what has no room.
#[tokio::test]
async fn what_cannot_be_fetched_is_told_first() {
    let machine = Machine::new();
    for wrong in ["ftp://example.org", "file:///tmp", "example.org", ""] {
        let error = Way::new(Some(wrong)).unwrap_err().to_string();
        assert!(error.contains("begins with http:// or https://"), "{wrong}: {error}");
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let way = Way::new(None).unwrap();
    let refused = way.url("m", "2", "m.onnx", Some("http://127.0.0.1:9/m")).unwrap().unwrap_err().to_string();
    assert!(refused.contains("https://"), "{refused}");
    let pause = async |_: Duration| {};
    let made = fetch(&machine.shelf(), &machine.store(), "made", &way, AT, &pause, &mut |_, _| {}).await;
    let error = made.unwrap_err().to_string();
    assert!(error.contains("has to be made: sand") && error.contains("models import"), "{error}");
    // A site's own server may have it made.
    let server = Server::new(|request, _| Answer::good(request, &right(), ONE));
    try_fetch(&machine, "made", &server).await.result.unwrap();

    let huge = Server::new(|_, _| Answer {
        head: format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", 1_u64 << 60),
        body: vec![0; 1_000],
        cut: 1_000,
        silent: false,
    });
    let mut manifest = manifest();
    manifest.models[0].files[0].size_bytes = Some(1 << 60);
    let store = ModelStore::with_manifest(vec![machine.folder().to_owned()], manifest);
    let way = Way::new(Some(&huge.url())).unwrap();
    let fetched = fetch(&machine.shelf(), &store, "m", &way, AT, &pause, &mut |_, _| {}).await;
    let error = fetched.unwrap_err().to_string();
    assert!(error.contains("bytes free") && error.contains("make room"), "{error}");
}

/// An archive is unpacked and recorded, since nobody vouches for it; what is damaged afterwards is refused with both
/// hashes and replaced; what then comes must be what came the first time.
#[tokio::test]
async fn an_archive_is_recorded_at_its_first_fetch() {
    let server = Server::new(|request, number| match number {
        2 => Answer::good(request, &bytes(7, arc().len()), TWO),
        _ => Answer::good(request, &arc(), ONE),
    });
    let machine = Machine::new();
    try_fetch(&machine, "arc", &server).await.result.unwrap();
    let place = machine.folder().join("arc/2025");
    assert_eq!(machine.store().folder("arc").unwrap(), place);
    assert_eq!(machine.state("arc"), State::Good { trust: Trust::Recorded, at: Some(AT.to_owned()) });
    let record = Record::read(&place).unwrap().unwrap();
    let names: Vec<_> = record.files.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["model.int8.onnx", "tokens.txt", "test_wavs/0.wav"]);
    assert_eq!((record.archives[0].sha256.clone(), record.trust()), (sha256(&arc()), Trust::Recorded));
    for name in names {
        let path = place.join(name);
        let before = fs::read(&path).unwrap();
        flip_a_byte(&path);
        let error = machine.store().folder("arc").unwrap_err().to_string();
        let found = sha256(&fs::read(&path).unwrap());
        assert!(
            error.contains(&sha256(&before)) && error.contains(&found) && error.contains(name),
            "{error}"
        );
        assert!(error.contains(&format!("recorded at first fetch on {AT}")), "{error}");
        fs::write(&path, before).unwrap();
        assert!(machine.store().folder("arc").is_ok());
    }
    fs::write(place.join("stranger.onnx"), "x").unwrap();
    let error = machine.store().folder("arc").unwrap_err().to_string();
    assert!(error.contains("stranger.onnx does not belong to it"), "{error}");
    fs::remove_file(place.join("tokens.txt")).unwrap();
    // Damaged, so it is fetched again: the right one, then (damaged once more) another.
    try_at(&machine, "arc", &server.url(), LATER).await.result.unwrap();
    assert!(machine.store().folder("arc").is_ok() && !place.join("stranger.onnx").exists());
    flip_a_byte(&place.join("tokens.txt"));
    let error = said(&try_at(&machine, "arc", &server.url(), LATER).await);
    assert!(error.contains(&sha256(&arc())) && error.contains("recorded at first fetch on"), "{error}");
    assert!(machine.store().folder("arc").is_err(), "what is damaged stays refused");
}

/// A hash that the site pins decides where the manifest has none, for what comes and for what is there.
#[tokio::test]
async fn a_site_pins_a_hash() {
    let server = Server::new(|request, _| Answer::good(request, &arc(), ONE));
    let machine = Machine::new();
    let pins = |hash: &str| machine.put("SHA256SUMS", format!("{hash}  arc.tar.bz2\n").as_bytes());
    pins(&"0".repeat(64));
    let error = said(&try_fetch(&machine, "arc", &server).await);
    assert!(error.contains(&sha256(&arc())) && error.contains("pinned by the site"), "{error}");
    assert_eq!(machine.state("arc"), State::Absent);
    pins(&sha256(&arc()));
    try_fetch(&machine, "arc", &server).await.result.unwrap();
    assert_eq!(machine.state("arc"), State::Good { trust: Trust::Site, at: Some(AT.to_owned()) });
    pins(&"1".repeat(64));
    assert!(matches!(machine.state("arc"), State::Wrong(_)));
    let error = machine.store().folder("arc").unwrap_err().to_string();
    assert!(error.contains(&"1".repeat(64)), "{error}");
}
