"""Measures the exported file on drawn pictures that it never saw and, honestly, on real ones.

    SHAODIAN_DATA=DIR python evaluate.py MODEL.onnx PICTURES FIGURES.json

PICTURES: what `simulate stills --set reporting` draws. Without SHAODIAN_DATA only those are measured.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import onnxruntime
from PIL import Image

import data
import measure

CLIPS = {"PETS09 S2.L1": ("pets09-s2l1-a", 4), "TUD-Campus": ("tud-campus", 1)}
LEAST = 0.02


def opened(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def detect(session, picture):
    """Kept boxes of each label: (score, corners as shares of the picture)."""
    height, width = picture.shape[:2]
    scale = min(data.WIDTH / width, data.HEIGHT / height)
    wide, high = round(width * scale), round(height * scale)
    canvas = np.full((data.HEIGHT, data.WIDTH, 3), 114, np.uint8)
    canvas[:high, :wide] = np.asarray(Image.fromarray(picture).resize((wide, high), Image.BILINEAR))
    rows = session.run(None, {"images": canvas.transpose(2, 0, 1)[None].astype(np.float32) / 255})[0][0]
    half = rows[:, 2:4] / 2
    corners = np.concatenate([rows[:, :2] - half, rows[:, :2] + half], 1) / np.array([wide, high, wide, high])
    return [measure.kept(np.clip(corners, 0, 1), rows[:, 4 + label], LEAST, 60) for label in range(len(data.LABELS))]


def precision_recall(found, truths, label, threshold=0.5):
    hit = said = known = 0
    for boxes, rows in zip(found, truths):
        sure = np.array([box for score, box in boxes[label] if score >= threshold]).reshape(-1, 4)
        wanted = np.array([row[1:] for row in rows if row[0] == label], float).reshape(-1, 4)
        said, known = said + len(sure), known + len(wanted)
        for box in wanted:
            if len(sure) and (fit := measure.iou(box, sure)).max() >= 0.5:
                hit, sure = hit + 1, np.delete(sure, fit.argmax(), 0)
    return {"precision": round(hit / max(1, said), 3), "recall": round(hit / max(1, known), 3), "known": known}


def report(found, truths, labels):
    out = {"pictures": len(found)}
    for label in labels:
        ap = measure.average_precision(found, truths, label)
        out[data.LABELS[label]] = {"ap50": ap and round(ap, 3), **precision_recall(found, truths, label)}
    return out


def frames(path):
    probe = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height", "-of", "csv=p=0", str(path)]
    width, height = map(int, subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip().split(",")[:2])
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def clip(session, root, name, every):
    video = frames(root / "video" / f"{name}.mp4")
    height, width = video.shape[1:3]
    known = {}
    for line in (root / "video" / f"{name}.gt.txt").read_text().splitlines():
        frame, _, x, y, w, h, counted = (float(v) for v in line.split(",")[:7])
        if counted:
            known.setdefault(int(frame) - 1, []).append((0, x / width, y / height, (x + w) / width, (y + h) / height))
    picked = range(0, len(video), every)
    return report([detect(session, video[i]) for i in picked], [known.get(i, []) for i in picked], [0])


def vehicles(session, root):
    names = (root / "classes.txt").read_text().split()
    wanted = {i for i, name in enumerate(names) if name in ("car", "truck", "bus")}
    found, truths = [], []
    for path in sorted((root / "images").glob("*.jpg")):
        rows = [line.split() for line in (root / "labels" / (path.stem + ".txt")).read_text().splitlines() if line.strip()]
        boxes = [(int(r[0]), *map(float, r[1:5])) for r in rows]
        truths.append([(1, x - w / 2, y - h / 2, x + w / 2, y + h / 2) for c, x, y, w, h in boxes if c in wanted])
        found.append(detect(session, np.asarray(Image.open(path).convert("RGB"))))
    return report(found, truths, [1])


def main(model, folder, figures):
    session = opened(model)
    held = data.drawn(folder)
    out = {"drawn, unseen": report([detect(session, data.opened(jpeg)) for jpeg, _ in held], [boxes for _, boxes in held], [0, 1])}
    root = os.environ.get("SHAODIAN_DATA")
    if root:
        root = pathlib.Path(root)
        out |= {title: clip(session, root, *source) for title, source in CLIPS.items()}
        out["road pictures"] = vehicles(session, root / "images" / "vehicles")
    picture, times = data.opened(held[0][0]), []
    for _ in range(60):
        began = time.perf_counter()
        detect(session, picture)
        times.append((time.perf_counter() - began) * 1000)
    out["ms a look, one thread"] = {"median": round(float(np.median(times)), 1), "least": round(min(times), 1)}
    pathlib.Path(figures).write_text(json.dumps(out, indent=1) + "\n")
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:4])
