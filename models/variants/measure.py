#!/usr/bin/env python3
"""Which variant of YOLOX-nano is worth using on this machine?

    SHAODIAN_DATA=DIR measure.py [--every N] [--rounds N]

Builds variants (fp32 and int8 per channel x input 320 and 416), runs each with one and with two threads over the clips
with known people (PETS09 S2.L1, TUD-Campus), and beside them FastestDet. Prints AP50 of people per clip (all-point
interpolation), the time of one look, and the ratio to fp32 416 on one thread; a variant earns its place where it is at
least 1.15 times faster at no more than one point of AP less on either clip. Times are the median of looks taken in
turns, so that what else the machine does meets all alike.

Needs numpy, onnx, onnxruntime (versions: models/variants/requirements.txt) and ffmpeg.
"""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

STRIDES = (8, 16, 32)
CLIPS = {"PETS09": ("pets09-s2l1-a", 480, 360), "TUD-Campus": ("tud-campus", 640, 480)}
LEAST_SCORE, OVERLAP = 0.05, 0.45


def frames(data, name, width, height):
    """Frames of a clip: N x height x width x 3, blue, green, red, 0 to 255."""
    command = ["ffmpeg", "-v", "error", "-i", str(data / f"video/{name}.mp4"), "-f", "rawvideo", "-pix_fmt", "bgr24", "-"]
    raw = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def truth(data, name):
    """Frame number from 0 -> boxes as corners in pixels."""
    boxes = {}
    for line in (data / f"video/{name}.gt.txt").read_text().splitlines():
        frame, _, left, top, width, height, counted = (float(v) for v in line.split(",")[:7])
        if counted:
            boxes.setdefault(int(frame) - 1, []).append((left, top, left + width, top + height))
    return {frame: np.array(rows) for frame, rows in boxes.items()}


def resized(picture, width, height):
    """Bilinear, as the box samples."""
    rows = np.clip((np.arange(height) + 0.5) * picture.shape[0] / height - 0.5, 0, picture.shape[0] - 1)
    columns = np.clip((np.arange(width) + 0.5) * picture.shape[1] / width - 0.5, 0, picture.shape[1] - 1)
    y0, x0 = rows.astype(int), columns.astype(int)
    y1, x1 = np.minimum(y0 + 1, picture.shape[0] - 1), np.minimum(x0 + 1, picture.shape[1] - 1)
    dy, dx = (rows - y0)[:, None, None], (columns - x0)[None, :, None]
    p = picture.astype(np.float32)
    upper = p[y0][:, x0] * (1 - dx) + p[y0][:, x1] * dx
    lower = p[y1][:, x0] * (1 - dx) + p[y1][:, x1] * dx
    return upper * (1 - dy) + lower * dy


def yolox_input(picture, size):
    scale = min(size / picture.shape[1], size / picture.shape[0])
    width, height = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    out = np.full((size, size, 3), 114, np.float32)
    out[:height, :width] = resized(picture, width, height)
    return np.ascontiguousarray(out.transpose(2, 0, 1)[None]), scale


def yolox_people(rows, size, scale):
    """Corners in pixels of the picture, scores."""
    grids, steps = [], []
    for stride in STRIDES:
        cells = size // stride
        y, x = np.mgrid[:cells, :cells]
        grids.append(np.stack([x, y], -1).reshape(-1, 2))
        steps.append(np.full((cells * cells, 1), stride))
    grid, step = np.concatenate(grids), np.concatenate(steps)
    best = rows[:, 5:].argmax(1) == 0
    score = rows[:, 4] * rows[:, 5]
    keep = best & (score >= LEAST_SCORE)
    middle = (rows[:, :2] + grid) * step
    half = np.exp(rows[:, 2:4]) * step / 2
    return np.concatenate([middle - half, middle + half], 1)[keep] / scale, score[keep]


def fastestdet_people(planes, picture):
    cells = planes.shape[1]
    planes = planes.reshape(planes.shape[0], -1)
    y, x = np.mgrid[:cells, :cells].reshape(2, -1)
    best = planes[5:].argmax(0) == 0
    score = np.maximum(planes[0], 0) ** 0.6 * np.maximum(planes[5], 0) ** 0.4
    keep = best & (score >= LEAST_SCORE)
    middle = np.stack([np.tanh(planes[1]) + x, np.tanh(planes[2]) + y], 1) / cells
    half = 1 / (1 + np.exp(-planes[3:5].T)) / 2
    whole = np.array([picture.shape[1], picture.shape[0]] * 2)
    return (np.concatenate([middle - half, middle + half], 1) * whole)[keep], score[keep]


def iou(box, boxes):
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), 1)
    area = lambda b: np.prod(b[..., 2:] - b[..., :2], -1)
    return shared / (area(box) + area(boxes) - shared)


def suppressed(boxes, scores):
    order, kept = np.argsort(-scores), []
    while len(order):
        first, order = order[0], order[1:]
        kept.append(first)
        order = order[iou(boxes[first], boxes[order]) <= OVERLAP] if len(order) else order
    return boxes[kept], scores[kept]


def average_precision(found, known):
    """Of people at IoU 0.5 over all frames looked at."""
    total = sum(len(boxes) for boxes in known.values())
    hits = []
    for frame, (boxes, scores) in found.items():
        free = known.get(frame, np.zeros((0, 4))).copy()
        for at in np.argsort(-scores):
            overlaps = iou(boxes[at], free) if len(free) else np.zeros(0)
            hit = len(overlaps) > 0 and overlaps.max() >= 0.5
            if hit:
                free = np.delete(free, overlaps.argmax(), 0)
            hits.append((scores[at], hit))
    hits.sort(key=lambda h: -h[0])
    right = np.cumsum([hit for _, hit in hits])
    precision = right / (np.arange(len(hits)) + 1)
    recall = np.concatenate([[0], right / total])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * precision))


class Pictures(CalibrationDataReader):
    """Pictures of the calibration: none of a measured frame."""

    def __init__(self, name, pictures, size):
        self.feeds = iter([{name: yolox_input(picture, size)[0]} for picture in pictures])

    def get_next(self):
        return next(self.feeds, None)


def at_size(model, size, folder):
    """The same network with another input."""
    graph = onnx.load(model)
    for value, last in ((graph.graph.input[0], (size, size)), (graph.graph.output[0], None)):
        dims = value.type.tensor_type.shape.dim
        if last:
            dims[2].dim_value, dims[3].dim_value = last
        else:
            dims[1].dim_value = sum((size // stride) ** 2 for stride in STRIDES)
    del graph.graph.value_info[:]
    path = folder / f"fp32-{size}.onnx"
    onnx.save(graph, path)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=3, help="looks at every so many frames")
    parser.add_argument("--rounds", type=int, default=200, help="looks per variant that are timed")
    args = parser.parse_args()
    data = Path(os.environ["SHAODIAN_DATA"])
    pictures = {clip: frames(data, *source) for clip, source in CLIPS.items()}
    known = {clip: truth(data, source[0]) for clip, source in CLIPS.items()}
    folder = Path(tempfile.mkdtemp())
    variants = {}
    for size in (416, 320):
        plain = at_size(data / "models/yolox-nano/yolox_nano.onnx", size, folder)
        prepared, quantised = folder / f"prepared-{size}.onnx", folder / f"int8-{size}.onnx"
        quant_pre_process(str(plain), str(prepared))
        name = onnx.load(plain).graph.input[0].name
        # Frames between those that are measured.
        shown = [p for clip in pictures.values() for p in clip[1 :: args.every * 12]][:48]
        quantize_static(
            str(prepared), str(quantised), Pictures(name, shown, size), quant_format=QuantFormat.QOperator,
            per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )
        for kind, file in (("fp32", plain), ("int8", quantised)):
            for threads in (1, 2):
                variants[f"yolox-nano {kind} {size}, {threads} thread{'s' * (threads > 1)}"] = (file, size, threads)
    variants["fastestdet fp32 352, 1 thread"] = (data / "models/fastestdet/FastestDet.onnx", 352, 1)

    sessions, results = {}, {}
    for title, (file, size, threads) in variants.items():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        sessions[title] = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def shown(title, picture):
        size = variants[title][1]
        if title.startswith("fastestdet"):
            return np.ascontiguousarray(resized(picture, size, size).transpose(2, 0, 1)[None] / np.float32(255), np.float32), 1.0
        return yolox_input(picture, size)

    def look(title, value):
        session = sessions[title]
        return session.run(None, {session.get_inputs()[0].name: value})[0][0]

    for title in variants:
        # What the number of threads is does not change what is seen.
        if title.endswith("2 threads"):
            results[title] = results[title.replace("2 threads", "1 thread")]
            continue
        results[title] = {}
        for clip, all_frames in pictures.items():
            found = {}
            for frame in range(0, len(all_frames), args.every):
                picture = all_frames[frame]
                value, scale = shown(title, picture)
                answer = look(title, value)
                people = fastestdet_people(answer, picture) if title.startswith("fastestdet") else yolox_people(answer, variants[title][1], scale)
                found[frame] = suppressed(*people)
            looked = {frame: boxes for frame, boxes in known[clip].items() if frame in found}
            results[title][clip] = average_precision(found, looked)

    values = {title: shown(title, pictures["PETS09"][0])[0] for title in variants}
    times = {title: [] for title in variants}
    for _ in range(args.rounds):
        for title in variants:
            began = time.perf_counter()
            look(title, values[title])
            times[title].append(time.perf_counter() - began)
    first = "yolox-nano fp32 416, 1 thread"
    usual = np.median(times[first])
    print("| variant | ms a look (median) | times faster | AP50 PETS09 | AP50 TUD-Campus | earns its place |")
    print("|---|---|---|---|---|---|")
    for title in variants:
        ratio = float(np.median(np.array(times[first]) / np.array(times[title])))
        points = [100 * results[title][clip] for clip in CLIPS]
        lost = max(100 * results[first][clip] - at for clip, at in zip(CLIPS, points))
        earns = "-" if title == first else ("yes" if ratio >= 1.15 and lost <= 1.0 else "no")
        print(f"| {title} | {1e3 * np.median(times[title]):.1f} | {ratio:.2f} | {points[0]:.1f} | {points[1]:.1f} | {earns} |")


if __name__ == "__main__":
    main()
