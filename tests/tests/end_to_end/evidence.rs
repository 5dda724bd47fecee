//! Evidence as the hub gives it out: RTSP camera → box → hub → its API, decoded and looked at pixel by pixel. Of a
//! camera with masks nothing under a mask is in any picture; of one without, the clip is the camera's own bytes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use world::operator::Operator;
use world::rtsp::Clip;
use world::scene::{Scene, Spot, Stretch, Walker};
use world::wait::until;
use world::{CameraPlan, DEVICE, World, drawn_clip};

/// From cause to a clip at the hub.
const CLIP: Duration = Duration::from_secs(120);
const ANSWER: Duration = Duration::from_secs(60);
const SIZE: (usize, usize) = (640, 360);
/// Everybody walks through it. In shares of the picture.
const MASK: [[f32; 2]; 4] = [[0.45, 0.3], [0.7, 0.3], [0.7, 0.9], [0.45, 0.9]];

/// One picture: luma, and both chroma planes behind one another where they are known.
struct Shown {
    luma: Vec<u8>,
    chroma: Vec<u8>,
}

impl Shown {
    /// Per block of 16 × 16 wholly under the mask, by how much the light stripes of its hatch outshine the dark ones.
    fn hatch(&self) -> Vec<i32> {
        let [from, _, to, _] =
            MASK.map(|[x, y]| ((x * SIZE.0 as f32) as usize, (y * SIZE.1 as f32) as usize));
        let mut blocks = Vec::new();
        for y in (from.1 + 8..to.1 - 24).step_by(16) {
            for x in (from.0 + 8..to.0 - 24).step_by(16) {
                let mut sums = [(0, 0); 2];
                for (px, py) in (0..256).map(|n| (x + n % 16, y + n / 16)) {
                    let (sum, count) = &mut sums[((px / 8 + py / 8) >> 1) & 1];
                    *sum += i32::from(self.luma[py * SIZE.0 + px]);
                    *count += 1;
                }
                let [dark, light] = sums.map(|(sum, count)| sum / count);
                blocks.push(light - dark);
            }
        }
        assert!(blocks.len() > 40, "the mask has {} blocks", blocks.len());
        blocks
    }

    fn is_masked(&self) -> bool {
        self.hatch().iter().all(|contrast| *contrast > 14)
    }

    fn is_bare(&self) -> bool {
        let blocks = self.hatch();
        blocks.iter().filter(|contrast| contrast.abs() < 14).count() * 10 > blocks.len() * 8
    }
}

fn jpeg(bytes: &[u8]) -> Shown {
    let picture = image::load_from_memory(bytes).unwrap().to_luma8();
    assert_eq!(picture.dimensions(), (SIZE.0 as u32, SIZE.1 as u32));
    Shown { luma: picture.into_raw(), chroma: Vec::new() }
}

/// Samples of an MP4 that `line` makes of it.
fn pull(mp4: &Path, line: &str) -> Vec<Vec<u8>> {
    gst::init().unwrap();
    let line = format!("filesrc location={} ! {line} ! appsink name=out sync=false", mp4.display());
    let pipeline = gst::parse::launch(&line).unwrap().downcast::<gst::Pipeline>().unwrap();
    let sink = pipeline.by_name("out").unwrap().downcast::<AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut all = Vec::new();
    while let Ok(sample) = sink.pull_sample() {
        all.push(sample.buffer().unwrap().map_readable().unwrap().to_vec());
    }
    pipeline.set_state(gst::State::Null).unwrap();
    assert!(!all.is_empty(), "nothing in {line}");
    all
}

fn pictures(mp4: &Path) -> Vec<Shown> {
    let line =
        format!("decodebin ! videoconvert ! video/x-raw,format=I420,width={},height={}", SIZE.0, SIZE.1);
    let split = |mut bytes: Vec<u8>| {
        let chroma = bytes.split_off(SIZE.0 * SIZE.1);
        Shown { luma: bytes, chroma }
    };
    pull(mp4, &line).into_iter().map(split).collect()
}

/// The coded slices in a unit that has start codes (`None`) or lengths of so many bytes before each NAL unit.
fn slices(unit: &[u8], length_bytes: Option<usize>) -> Vec<Vec<u8>> {
    let mut nals: Vec<Vec<u8>> = Vec::new();
    if let Some(head) = length_bytes {
        let mut rest = unit;
        while rest.len() > head {
            let length = rest[..head].iter().fold(0, |n, b| n << 8 | usize::from(*b));
            nals.push(rest[head..head + length].to_vec());
            rest = &rest[head + length..];
        }
    } else {
        let starts: Vec<usize> = (2..unit.len()).filter(|i| unit[i - 2..=*i] == [0, 0, 1]).collect();
        for (n, start) in starts.iter().enumerate() {
            let end = starts.get(n + 1).map_or(unit.len(), |next| next - 2);
            let nal = &unit[start + 1..end];
            let length = nal.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
            nals.push(nal[..length].to_vec());
        }
    }
    nals.retain(|nal| nal.first().is_some_and(|head| (1..=5).contains(&(head & 0x1f))));
    nals
}

/// One person after the other through zone and mask.
fn passage(id: &str, masks: Vec<Vec<[f32; 2]>>, clip: &Arc<Clip>, zone: &[[f32; 2]]) -> CameraPlan {
    CameraPlan { id: id.into(), place: id.into(), clip: Arc::clone(clip), zone: zone.to_vec(), masks }
}

fn drawn() -> (Arc<Clip>, Vec<[f32; 2]>) {
    let walker = |name: &str, starts_s: f32, from: f32, to: f32| Walker {
        name: name.into(),
        starts_s,
        from: Spot { x: from, y: 500.0 },
        way: vec![Stretch { to: Spot { x: to, y: 500.0 }, pause_s: 0.0 }],
        stature: 1.0,
        pace: 1.2,
    };
    let cast = vec![walker("east", 1.0, 300.0, 980.0), walker("west", 9.0, 980.0, 300.0)];
    let scene = Scene { width: SIZE.0 as u32, height: SIZE.1 as u32, cast, ..Scene::empty(16, 12) };
    let folder = tempfile::tempdir().unwrap();
    let (clip, truth) = drawn_clip(&scene, folder.path()).unwrap();
    (clip, truth.zone)
}

/// The camera's case once it has snapshot and clip, and the bytes of all its evidence by kind.
async fn evidence(world: &World, person: &Operator, camera: &str, kinds: &[&str]) -> (Value, Files) {
    let what = format!("{kinds:?} of {camera}");
    let case = until(CLIP, &what, async || {
        let cases = person.cases().await?;
        let Some(case) = cases.into_iter().find(|c| c["camera_id"] == camera) else { return Ok(None) };
        let here = |kind: &&str| {
            let mut all = case["evidence"].as_array().into_iter().flatten();
            all.any(|e| e["kind"] == **kind && e["available"] == true)
        };
        Ok(kinds.iter().all(here).then_some(case))
    })
    .await
    .unwrap_or_else(|e| panic!("{e:#}\n{}", world.tails()));
    let mut files = Files::new();
    for e in case["evidence"].as_array().unwrap().iter().filter(|e| e["available"] == true) {
        let kind = e["kind"].as_str().unwrap().to_owned();
        let (bytes, _) = person.bytes(e["url"].as_str().unwrap()).await.unwrap();
        files.entry(kind).or_default().push(bytes);
    }
    (case, files)
}

type Files = BTreeMap<String, Vec<Vec<u8>>>;

/// Asks the box for a current picture, for the case: it becomes evidence of the case.
async fn ask_for_still(world: &World, camera: &str, case: &Value) {
    let http = world::http::browser(Some(&world.ca())).unwrap();
    let post = async |path: &str, token: Option<&str>, body: Value| -> Value {
        let request = http.post(format!("{}{path}", world.https())).json(&body);
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    };
    let login = json!({ "name": "admin", "password": world.password().unwrap() });
    let session = post("/api/v1/session", None, login).await;
    let token = session["token"].as_str().unwrap();
    let body = json!({ "command": "still", "camera_id": camera, "purpose": "核实现场情况", "case_number": case["number"] });
    let asked = post(&format!("/api/v1/devices/{DEVICE}/commands"), Some(token), body).await;
    let path = format!("{}/api/v1/commands/{}", world.https(), asked["command_id"].as_str().unwrap());
    let state = until(ANSWER, "the box's answer", async || {
        let answer: Value = http.get(&path).bearer_auth(token).send().await?.json().await?;
        Ok(answer["answered_at"].is_i64().then(|| answer["state"].clone()))
    });
    assert_eq!(state.await.unwrap(), "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn masks_hold_to_the_hub_and_other_clips_are_the_cameras_own() {
    let (clip, zone) = drawn();
    let world = World::builder()
        .camera(passage("masked", vec![MASK.to_vec()], &clip, &zone))
        .camera(passage("bare", Vec::new(), &clip, &zone))
        .start()
        .await
        .unwrap();
    let person = world.operator().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (camera, masked) in [("masked", true), ("bare", false)] {
        let (case, _) = evidence(&world, &person, camera, &["snapshot", "clip"]).await;
        ask_for_still(&world, camera, &case).await;
        let (_, files) = evidence(&world, &person, camera, &["snapshot", "clip", "still"]).await;
        let as_meant = |shown: &Shown| if masked { shown.is_masked() } else { shown.is_bare() };
        for kind in ["snapshot", "still"] {
            for bytes in &files[kind] {
                let shown = jpeg(bytes);
                assert!(as_meant(&shown), "{camera}, {kind}: {:?}", shown.hatch());
            }
        }
        for bytes in &files["clip"] {
            let mp4 = folder.path().join("clip.mp4");
            std::fs::write(&mp4, bytes).unwrap();
            let shown = pictures(&mp4);
            assert!(shown.len() >= 60, "{camera}: {} pictures in the clip", shown.len());
            for (n, shown) in shown.iter().enumerate() {
                assert!(as_meant(shown), "{camera}, picture {n} of the clip: {:?}", shown.hatch());
                assert_eq!(shown.chroma.len(), SIZE.0 * SIZE.1 / 2);
            }
            if !masked {
                assert_sent(&mp4, &clip);
            }
        }
    }
}

/// Every coded slice in the clip is one that the camera sent, bit by bit, in the same order without a hole.
fn assert_sent(mp4: &Path, clip: &Clip) {
    let sent: Vec<Vec<u8>> = clip.bytes().flat_map(|unit| slices(&unit, None)).collect();
    let kept: Vec<Vec<u8>> = pull(mp4, "qtdemux").iter().flat_map(|unit| slices(unit, Some(4))).collect();
    assert!(kept.len() >= 60 && sent.len() >= 100, "{} of {} slices", kept.len(), sent.len());
    // The camera plays its clip round and round.
    let run = |start: usize| kept.iter().zip(sent.iter().cycle().skip(start)).all(|(a, b)| a == b);
    assert!((0..sent.len()).any(run), "the clip is not what the camera sent");
}

/// The hub dies when a whole file has moved to its place and is not yet noted: the upload that it remembers cannot
/// go on. The box is told to begin anew, and then the file arrives; it is not refused for ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_outlives_a_hub_that_died_at_its_end() {
    let world = World::builder().start().await.unwrap();
    let identity = std::fs::read_to_string(world.path("edge/identity/identity.json")).unwrap();
    let identity: Value = serde_json::from_str(&identity).unwrap();
    let token = identity["token"].as_str().unwrap();
    let http = world::http::browser(Some(&world.ca())).unwrap();
    let content = b"a picture";
    let begin = async || {
        let word = |text: &str| STANDARD.encode(text);
        let sha256 = hex::encode(Sha256::digest(content));
        let told = [("sha256", sha256.as_str()), ("kind", "snapshot"), ("filetype", "image/jpeg")];
        let told: Vec<_> = told.iter().map(|(key, value)| format!("{key} {}", word(value))).collect();
        let request = http.post(format!("{}/api/v1/uploads", world.https())).bearer_auth(token);
        let request = request.header("tus-resumable", "1.0.0").header("upload-length", content.len());
        let answer = request.header("upload-metadata", told.join(",")).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        answer.headers()["location"].to_str().unwrap().to_owned()
    };
    let fill = async |place: &str| {
        let at = reqwest::Url::parse(&world.https()).unwrap().join(place).unwrap();
        let request = http.patch(at).bearer_auth(token).header("tus-resumable", "1.0.0");
        let request =
            request.header("upload-offset", 0).header("content-type", "application/offset+octet-stream");
        request.body(content.to_vec()).send().await.unwrap().status().as_u16()
    };
    let place = begin().await;
    let part = world.path("hub/uploads").join(place.rsplit('/').next().unwrap());
    std::fs::remove_file(&part).unwrap_or_else(|e| panic!("{}: {e}", part.display()));
    assert_eq!(fill(&place).await, 404);
    assert_eq!(fill(&begin().await).await, 204);
}
