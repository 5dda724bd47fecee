"""Measures the exported file on clips, and how fast it is.

    python evaluate.py MODEL.onnx FIGURES.json

False fires: every fifth frame of the clips that training never saw, every tenth of those of which it saw some frames, and the
road pictures that were kept out of training. fire-house6-a: every fifth frame against its boxes. No picture of the data set
is measured here; that is calibrate.py's, with the weights of the held-out folds.
"""

import csv
import json
import os
import pathlib
import sys
import time

import numpy as np
import onnxruntime

import calibrate
import data
import measure


def opened(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def detect(session, picture):
    """Kept boxes of each label: (score, corners as shares of the picture)."""
    side = session.get_inputs()[0].shape[2]
    rows = session.run(None, {"images": calibrate.fitted(picture, side)[None]})[0][0]
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    half = rows[:, 2:4] / 2
    corners = np.concatenate([rows[:, :2] - half, rows[:, :2] + half], 1) / (np.array([width, height] * 2) * scale)
    corners = np.clip(corners, 0, 1)
    return [measure.kept(corners, rows[:, 4 + label]) for label in (0, 1)]


def false_alarms(session, pictures):
    best = np.array([[max([s for s, _ in boxes], default=0) for boxes in detect(session, p)] for p in pictures])
    return {
        "looks": len(best), "false fires": int((best[:, 0] >= 0.5).sum()), "false smokes": int((best[:, 1] >= 0.5).sum()),
        "highest fire": round(float(best[:, 0].max()), 3), "highest smoke": round(float(best[:, 1].max()), 3),
    }  # fmt: skip


def house(session, folder, every=5):
    truths = {}
    with open(folder / "fire-house6-a.gt.csv") as file:
        for row in csv.DictReader(file):
            x, y, w, h = (float(row[k]) for k in "xywh")
            truths.setdefault(int(row["frame"]), []).append((0, x / 426, y / 240, (x + w) / 426, (y + h) / 240))
    found, truth, smoke = [], [], 0
    for index, picture in enumerate(data.frames(folder / "fire-house6-a.mp4", every)):
        boxes = detect(session, picture)
        found.append(boxes)
        truth.append(truths.get(index * every + 1, []))
        smoke += any(s >= 0.5 for s, _ in boxes[1])
    with_fire = np.array([bool(t) for t in truth])
    best = np.array([max([s for s, _ in f[0]], default=0) for f in found])
    inside, sure = 0, 0
    for boxes, rows in zip(found, truth):
        if boxes[0] and boxes[0][0][0] >= 0.5 and rows:
            sure += 1
            box = boxes[0][0][1]
            all_ = np.array([r[1:] for r in rows])
            hull = np.concatenate([all_[:, :2].min(0), all_[:, 2:].max(0)])
            middle = (box[:2] + box[2:]) / 2
            inside += bool((middle > hull[:2]).all() and (middle < hull[2:]).all())
    return {
        "looks": len(found), "with fire": int(with_fire.sum()), "fire said": int((best[with_fire] >= 0.5).sum()),
        "median score": round(float(np.median(best)), 3), "ap50 (flames boxed one by one)": round(measure.average_precision(found, truth, 0), 3),
        "best box within the hull of the flames": f"{inside} of {sure}", "smoke said": int(smoke),
    }  # fmt: skip


def speed(session, looks=60):
    side = session.get_inputs()[0].shape[2]
    x = np.random.default_rng(1).random((1, 3, side, side), np.float32)
    times = []
    for _ in range(looks):
        began = time.perf_counter()
        session.run(None, {"images": x})
        times.append((time.perf_counter() - began) * 1000)
    return {"median ms": round(float(np.median(times)), 1), "least ms": round(min(times), 1), "looks": looks, "threads": 1, "side": side}


def main(model, figures):
    root = pathlib.Path(os.environ["SHAODIAN_DATA"])
    session = opened(model)
    report = {"onnxruntime": onnxruntime.__version__, "speed": speed(session), "clips never seen in training": {}, "clips of which some frames were in training": {}}
    for name in data.TEST_CLIPS:
        report["clips never seen in training"][name] = false_alarms(session, data.frames(root / "video" / name, 2 if name.startswith("tud") else 5))
    for name in data.TRAIN_CLIPS:
        report["clips of which some frames were in training"][name] = false_alarms(session, data.frames(root / "video" / name, 10))
    roads = sorted((root / "images" / "vehicles").rglob("*.jpg"))[::5]
    report["road pictures kept out of training"] = false_alarms(session, [data.small(p, 640) for p in roads])
    report["fire-house6-a"] = house(session, root / "video")
    pathlib.Path(figures).write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
