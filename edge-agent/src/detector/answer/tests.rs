use std::borrow::Cow;

use models::manifest;

use super::*;

fn contract(name: &str) -> Contract {
    manifest().model(name).and_then(|m| m.detector.clone()).unwrap()
}

/// A contract of 100 × 100 pixels with classes 0 (person) and 2 (car).
fn boxes(answer: &str) -> Contract {
    let text = format!(
        "overlap = 0.5\n[picture]\nwidth = 100\nheight = 100\nchannels = 'rgb'\nfit = 'stretch'\n\
         [answer]\nkind = 'boxes'\n{answer}\n[labels]\nperson = [0]\ncar = [2]\n"
    );
    toml::from_str(&text).unwrap()
}

fn tensor<'a>(name: &'a str, shape: &[usize], values: Vec<f32>) -> Tensor<'a> {
    assert_eq!(shape.iter().product::<usize>(), values.len());
    Tensor { name, shape: shape.to_vec(), values: Cow::Owned(values) }
}

fn look(contract: &Contract, tensors: &[Tensor<'_>], pictures: usize) -> Result<Vec<Vec<Detection>>, String> {
    let classes = Classes::new(contract).unwrap();
    let letterbox = Letterbox::new(contract.picture.width, contract.picture.height, &contract.picture);
    decode(&contract.answer, &classes, tensors, &vec![letterbox; pictures])
}

/// An empty output of YOLOX-nano with some cells set: (index of cell, dx, dy, ln w, ln h, object, class, class score).
type Cell = (usize, f32, f32, f32, f32, f32, usize, f32);

fn yolox(set: &[Cell]) -> Vec<Detection> {
    let mut values = vec![0.0; 3_549 * 85];
    for &(cell, x, y, w, h, object, class, score) in set {
        let row = &mut values[cell * 85..][..85];
        row[..5].copy_from_slice(&[x, y, w, h, object]);
        row[5 + class] = score;
    }
    look(&contract("yolox-nano"), &[tensor("output", &[1, 3_549, 85], values)], 1).unwrap().remove(0)
}

/// Cell (3, 2) of the middle grid: centre (3.5, 2.25) × 16, size e^1 × 16 by e^2 × 16, score 0.8 × 0.9.
#[test]
fn one_cell_of_yolox_by_hand() {
    let cell = 52 * 52 + 2 * 26 + 3;
    let found = yolox(&[(cell, 0.5, 0.25, 1.0, 2.0, 0.8, 0, 0.9)]);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].label, found[0].score), (Label::Person, 0.72));
    let (w, h) = (1_f32.exp() * 16.0 / 416.0, 2_f32.exp() * 16.0 / 416.0);
    let (x, y) = (3.5 * 16.0 / 416.0 - w / 2.0, 2.25 * 16.0 / 416.0 - h / 2.0);
    let expected = protocol::NormBox { x, y: y.max(0.0), w, h: h.min(h + y) };
    assert!(found[0].region.iou(&expected) > 0.999, "{:?} {expected:?}", found[0].region);
}

/// Of two boxes on one person the surer stays; a bicycle in the same place stays too.
#[test]
fn suppression_is_per_label() {
    let cell = 52 * 52 + 10 * 26 + 10;
    let found = yolox(&[
        (cell, 0.5, 0.5, 1.0, 1.0, 0.6, 0, 1.0),
        (cell + 1, -0.4, 0.5, 1.0, 1.0, 0.9, 0, 1.0),
        (cell + 26, 0.5, -0.5, 1.0, 1.0, 0.7, 1, 1.0),
    ]);
    let told: Vec<_> = found.iter().map(|d| (d.label, d.score)).collect();
    assert_eq!(told, [(Label::Person, 0.9), (Label::Bicycle, 0.7)]);
}

/// Only what the manifest gives a label comes out: a chair (62) does not, a cat is an animal; a chair that a person
/// stands behind does not become the person.
#[test]
fn what_has_no_label_is_dropped() {
    let found = yolox(&[(0, 0.5, 0.5, 1.0, 1.0, 0.9, 62, 0.9), (30, 0.5, 0.5, 1.0, 1.0, 0.9, 15, 0.9)]);
    assert_eq!(found.iter().map(|d| d.label).collect::<Vec<_>>(), [Label::Animal]);
}

/// Labels outside the protocol's allow-list, and those that are no detector's to give, make a contract unusable.
#[test]
fn labels_are_the_protocols() {
    for name in ["face", "plate", "motion", "object", "picture"] {
        let mut contract = boxes("");
        contract.labels.insert(name.to_owned(), vec![1]);
        assert!(Classes::new(&contract).unwrap_err().contains(name));
    }
}

/// Garbage (NaN, infinities, wrong length) never panics and never leaves the picture.
#[test]
fn garbage_is_harmless() {
    let nan = f32::NAN;
    let set = [
        (5, nan, nan, nan, nan, nan, 0, nan),
        (7, nan, 0.5, 1.0, 1.0, 0.9, 0, 0.9),
        (8, 0.5, 0.5, 1.0, nan, 0.9, 0, 0.9),
        (9, 0.5, 0.5, 200.0, f32::INFINITY, 0.9, 0, 0.9),
        (10, 0.5, 0.5, 200.0, 1.0, 0.9, 0, 0.9),
    ];
    for detection in yolox(&set) {
        let r = detection.region;
        assert!(r.x >= 0.0 && r.y >= 0.0 && r.x + r.w <= 1.0 && r.y + r.h <= 1.0, "{r:?}");
    }
    let wrong = look(&contract("yolox-nano"), &[tensor("output", &[1, 100, 85], vec![0.0; 8_500])], 1);
    assert!(wrong.unwrap_err().contains("3549"));
    assert!(look(&contract("yolox-nano"), &[], 1).is_err());
}

/// One cell of FastestDet: row 5, column 7, half the picture wide, a quarter high.
#[test]
fn one_cell_of_fastestdet_by_hand() {
    let mut values = vec![-20.0_f32; 85 * 484];
    values[..484].fill(0.0);
    values[5 * 484..].fill(0.0);
    let cell = 5 * 22 + 7;
    let logit = |p: f32| (p / (1.0 - p)).ln();
    for (plane, value) in
        [(0, 0.9), (1, 0.5_f32.atanh()), (2, 0.0), (3, logit(0.5)), (4, logit(0.25)), (5 + 2, 0.8)]
    {
        values[plane * 484 + cell] = value;
    }
    let found =
        look(&contract("fastestdet"), &[tensor("output", &[1, 85, 22, 22], values)], 1).unwrap().remove(0);
    assert_eq!(found.len(), 1, "{found:?}");
    let score = (0.9_f32.powf(0.6) * 0.8_f32.powf(0.4) * 100.0).round() / 100.0;
    assert_eq!((found[0].label, found[0].score), (Label::Car, score));
    let expected = protocol::NormBox { x: 7.5 / 22.0 - 0.25, y: 5.0 / 22.0 - 0.125, w: 0.5, h: 0.25 };
    assert!(found[0].region.iou(&expected) > 0.999, "{:?}", found[0].region);
}

/// The same two boxes (a car at 0.9, a person at 0.6) in every form that the generic contract knows.
#[test]
fn every_form_of_boxes_says_the_same() {
    let car = [10.0, 20.0, 50.0, 60.0];
    let person = [70.0, 30.0, 80.0, 70.0];
    let rows = |tail: [&[f32]; 2]| [&car[..], tail[0], &person[..], tail[1]].concat();
    let shares = |v: Vec<f32>| v.into_iter().map(|v| v / 100.0).collect::<Vec<_>>();
    let both = [car, person].concat();
    let turned: Vec<f32> = {
        let rows = rows([&[0.1, 0.2, 0.9], &[0.6, 0.0, 0.1]]);
        (0..7).flat_map(|c| [rows[c], rows[7 + c]]).collect()
    };
    let forms: Vec<(&str, Vec<Tensor<'_>>)> = vec![
        ("", vec![tensor("o", &[1, 2, 6], rows([&[0.9, 2.0], &[0.6, 0.0]]))]),
        ("", vec![tensor("o", &[2, 6], rows([&[0.9, 2.0], &[0.6, 0.0]]))]),
        ("columns = 'class_score'", vec![tensor("o", &[1, 2, 6], rows([&[2.0, 0.9], &[0.0, 0.6]]))]),
        ("columns = 'scores'", vec![tensor("o", &[1, 2, 7], rows([&[0.1, 0.2, 0.9], &[0.6, 0.0, 0.1]]))]),
        (
            "columns = 'object_scores'",
            vec![tensor("o", &[1, 2, 8], rows([&[0.9, 0.1, 0.2, 1.0], &[0.6, 1.0, 0.0, 0.1]]))],
        ),
        ("columns = 'scores'\nturned = true", vec![tensor("o", &[1, 7, 2], turned)]),
        (
            "boxes = 'b'\nscores = 's'\nclasses = 'c'\nunit = 'shares'",
            vec![
                tensor("c", &[1, 2], vec![2.0, 0.0]),
                tensor("b", &[1, 2, 4], shares(both.clone())),
                tensor("s", &[1, 2], vec![0.9, 0.6]),
            ],
        ),
        (
            "scores = 's'\nform = 'corners_yx'",
            vec![
                tensor("b", &[2, 4], vec![20.0, 10.0, 60.0, 50.0, 30.0, 70.0, 70.0, 80.0]),
                tensor("s", &[2, 3], vec![0.1, 0.2, 0.9, 0.6, 0.0, 0.1]),
            ],
        ),
        (
            "form = 'centre'",
            vec![tensor(
                "o",
                &[1, 2, 6],
                vec![30.0, 40.0, 40.0, 40.0, 0.9, 2.0, 75.0, 50.0, 10.0, 40.0, 0.6, 0.0],
            )],
        ),
        (
            "form = 'size'",
            vec![tensor(
                "o",
                &[1, 2, 6],
                vec![10.0, 20.0, 40.0, 40.0, 0.9, 2.0, 70.0, 30.0, 10.0, 40.0, 0.6, 0.0],
            )],
        ),
        // A mere list of scores: everything is class 0. Boxes with their score, classes apart.
        (
            "classes = 'c'",
            vec![tensor("o", &[1, 2, 5], rows([&[0.9], &[0.6]])), tensor("c", &[2], vec![2.0, 0.0])],
        ),
    ];
    for (form, tensors) in forms {
        let found = look(&boxes(form), &tensors, 1).unwrap().remove(0);
        let told: Vec<_> = found.iter().map(|d| (d.label, d.score)).collect();
        assert_eq!(told, [(Label::Car, 0.9), (Label::Person, 0.6)], "{form}");
        let expected = protocol::NormBox { x: 0.1, y: 0.2, w: 0.4, h: 0.4 };
        assert!(found[0].region.iou(&expected) > 0.999, "{form}: {:?}", found[0].region);
    }
}

/// Each picture of a batch gets its own boxes, and an answer for another number of pictures is refused.
#[test]
fn batches_are_taken_apart() {
    let rows = vec![10.0, 20.0, 50.0, 60.0, 0.9, 2.0, 70.0, 30.0, 80.0, 70.0, 0.6, 0.0];
    let found = look(&boxes(""), &[tensor("o", &[2, 1, 6], rows.clone())], 2).unwrap();
    assert_eq!(found.iter().map(|f| f[0].label).collect::<Vec<_>>(), [Label::Car, Label::Person]);
    assert!(look(&boxes(""), &[tensor("o", &[2, 1, 6], rows.clone())], 3).is_err());
    let wrong = look(&boxes("scores = 'no such'"), &[tensor("o", &[2, 6], rows)], 1);
    assert!(wrong.unwrap_err().contains("no output \"no such\", but o"));
}

/// A crowd of 300: all of them come out. There is no cap.
#[test]
fn crowds_are_not_capped() {
    let person = |n: usize| {
        let (x, y) = ((n % 20) as f32 * 5.0, (n / 20) as f32 * 6.0);
        [x, y, x + 4.0, y + 5.5, 0.5 + (n % 40) as f32 / 100.0, 0.0]
    };
    let values: Vec<f32> = (0..300).flat_map(person).collect();
    let found = look(&boxes(""), &[tensor("o", &[1, 300, 6], values)], 1).unwrap().remove(0);
    assert_eq!(found.len(), 300);

    let cells: Vec<Cell> = (0..300).map(|n| (n * 9, 0.5, 0.5, 0.0, 0.0, 0.9, 0, 0.9)).collect();
    assert_eq!(yolox(&cells).len(), 300);
}
