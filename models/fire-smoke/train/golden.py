"""Draws the golden pictures, and writes down what the model answers on them.

    python golden.py MODEL.onnx FOLDER

The pictures are made by rule (made.py), nothing in them was photographed. They show that a file was loaded and is fed rightly;
they do not measure how good it is. Kept are boxes of at least 0.6: all of them must be found again, and no other of 0.6 and the tolerance or more.
"""

import json
import pathlib
import sys

import numpy as np
from PIL import Image

import data
import evaluate
import made
import measure

SIDE, SURE = 256, 0.6


def street(random):
    """A made-up street at dusk: sky, houses with windows, a road."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) / SIDE
    p = np.array([120, 140, 165]) * (1 - 0.4 * y)[..., None]
    p[y > 0.62] = (78, 78, 82)
    for left, right, top, grey in ((0, 0.34, 0.25, 105), (0.34, 0.62, 0.36, 88), (0.62, 1, 0.2, 120)):
        wall = (x >= left) & (x < right) & (y > top) & (y < 0.66)
        p[wall] = np.array([grey, grey * 0.95, grey * 0.88])
        glass = wall & ((x * 14) % 1 > 0.45) & ((y * 11) % 1 > 0.5)
        p[glass] = (50, 58, 70)
    p += random.uniform(9, 60) * (made.noise(random, SIDE, random.uniform(8, 60), 2)[..., None] - 0.5)
    return p.clip(0, 255).astype(np.uint8)


def crowded(random):
    """The street full of boxes in many colours."""
    p = street(random)
    for _ in range(random.integers(20, 120)):
        x, y = random.integers(0, SIDE, 2)
        w, h = random.integers(4, 50, 2)
        p[y : y + h, x : x + w] = random.integers(0, 200, 3)
    return p


def laid(picture, rgba, x, y, width, height):
    piece = np.asarray(Image.fromarray(rgba).resize((width, height), Image.BILINEAR)).astype(np.float32)
    alpha, out = piece[..., 3:] / 255, picture.astype(np.float32)
    out[y : y + height, x : x + width] = out[y : y + height, x : x + width] * (1 - alpha) + piece[..., :3] * alpha
    return out.astype(np.uint8)


def candidates(random):
    while True:
        flame, smoke = made.flame(random), made.smoke(random)
        if flame is not None and smoke is not None:
            return {
                "golden-fire.jpg": laid(made.full_flame(random, SIDE), flame, 40, 40, 180, 200),
                "golden-smoke.jpg": laid(street(random), smoke, 30, 10, 200, 200),
                "golden-haze.jpg": made.full_smoke(random, street(random)),
                "golden-nothing.jpg": crowded(random),
            }


WANTED = {"golden-fire.jpg": "fire", "golden-smoke.jpg": "smoke", "golden-haze.jpg": "smoke", "golden-nothing.jpg": None}


def rows(session, path):
    found = evaluate.detect(session, np.asarray(Image.open(path).convert("RGB")))
    return [
        {"label": name, "score": round(score, 3), "box": [round(float(v), 4) for v in (box[0], box[1], box[2] - box[0], box[3] - box[1])]}
        for name, boxes in zip(measure.LABELS, found) for score, box in boxes if score >= SURE
    ]  # fmt: skip


def main(model, folder):
    folder, session = pathlib.Path(folder), evaluate.opened(model)
    held = {}
    for seed in range(150):  # the first draw on which the model is clearly sure of exactly what was drawn
        for name, picture in candidates(np.random.default_rng(seed)).items():
            if name in held:
                continue
            path = folder / name
            Image.fromarray(picture).save(path, quality=88)
            best = [max([s for s, _ in boxes], default=0) for boxes in evaluate.detect(session, data.small(path, SIDE))]
            wanted = [WANTED[name] == label for label in measure.LABELS]
            found = rows(session, path)
            if all(b >= 0.6 if w else b <= 0.45 for b, w in zip(best, wanted)) and {f["label"] for f in found} == {WANTED[name]} - {None} and len(found) <= 4:
                held[name] = {"file": name, "seed": seed, "detections": found}
        if len(held) == len(WANTED):
            break
    for name in WANTED:
        if name not in held:
            (folder / name).unlink(missing_ok=True)
    golden = {
        "model": pathlib.Path(model).name,
        "about": "Pictures made by rule; what the model answers at a score of 0.6 or more after suppression at 0.45. Boxes: x, y, width, height as shares of the picture.",
        "threshold": SURE,
        "overlap": 0.45,
        "tolerance": {"score": 0.1, "iou": 0.8},
        "pictures": [held[n] for n in WANTED if n in held],
    }
    (folder / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
    print([(h["file"], h["seed"], h["detections"]) for h in golden["pictures"]])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
