#!/usr/bin/env python3
"""Public trackers and public measures beside ours; deploy/bench/track.sh calls this.

track.py quality MOT-PROGRAM VIDEO-FOLDER WORK-FOLDER    table of HOTA, DetA, AssA, IDF1
track.py crowd OBJECTS FILE                              writes boxes of so many things that walk about
track.py time PEER FILE                                  prints a peer's CPU ms per frame on such a file
"""

import contextlib
import io
import json
import math
import random
import subprocess
import sys
import time

# Clip, its ground truth, frames, and every how many-eth of them: the tracker's settings were chosen on the first row.
ROWS = [
    ("pets09-s2l1-a", 1, 300, 1),
    ("pets09-s2l1-a", 301, 530, 1),
    ("pets09-s2l1-a", 301, 530, 2),
    ("tud-campus", 1, 71, 1),
    ("tud-campus", 1, 71, 3),
    ("tud-campus", 1, 71, 5),
]
CHOSEN_ON = ROWS[0]


def read(path):
    """Rows of a MOT file by frame."""
    frames = {}
    for line in open(path):
        values = [float(v) for v in line.split(",")]
        frames.setdefault(int(values[0]), []).append(values[1:])
    return frames


def overlap(a, b):
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def measures(truth, found):
    """TrackEval's HOTA and Identity on lists of (identity, x, y, w, h) per frame."""
    import numpy as np
    from trackeval.metrics import HOTA, Identity

    def ids(frames):
        place = {name: at for at, name in enumerate(sorted({box[0] for frame in frames for box in frame}))}
        return len(place), [np.array([place[box[0]] for box in frame], int) for frame in frames]

    alike = [
        np.array([[overlap(t[1:], f[1:]) for f in fs] for t in ts]).reshape(len(ts), len(fs))
        for ts, fs in zip(truth, found)
    ]
    (true_count, true_ids), (found_count, found_ids) = ids(truth), ids(found)
    data = dict(
        num_timesteps=len(truth), gt_ids=true_ids, tracker_ids=found_ids, similarity_scores=alike,
        num_gt_dets=sum(map(len, truth)), num_tracker_dets=sum(map(len, found)),
        num_gt_ids=true_count, num_tracker_ids=found_count,
    )  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        hota, identity = HOTA().eval_sequence(data), Identity().eval_sequence(data)
    return [float(hota[name].mean()) for name in ("HOTA", "DetA", "AssA")] + [float(identity["IDF1"])]


def by_peer(make, seen):
    """A tracker of `trackers` on (x, y, w, h, score) per frame."""
    import numpy as np
    import supervision as sv

    tracker, told = make(), []
    for frame in seen:
        boxes = np.array(frame, float).reshape(-1, 5)
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:4]], 1)
        result = tracker.update(
            sv.Detections(xyxy=corners, confidence=boxes[:, 4], class_id=np.zeros(len(boxes), int))
        )
        told.append(
            [(int(i), b[0], b[1], b[2] - b[0], b[3] - b[1]) for i, b in zip(result.tracker_id, result.xyxy) if i >= 0]
        )
    return told


def by_us(program, seen, about, fps, work):
    file = f"{work}/thinned.txt"
    with open(file, "w") as out:
        for number, frame in enumerate(seen, 1):
            out.writelines(f"{number},-1,{x},{y},{w},{h},{s}\n" for x, y, w, h, s in frame)
    size = [str(fps), str(about["width"]), str(about["height"])]
    ran = subprocess.run([program, "follow", file, *size], capture_output=True, text=True, check=True)
    told = [[] for _ in seen]
    for line in ran.stdout.splitlines():
        values = line.split(",")
        told[int(values[0]) - 1].append((int(values[1]), *map(float, values[2:6])))
    return told


def quality(program, video, work):
    from trackers import ByteTrackTracker, CBIoUTracker, OCSORTTracker

    peers = {"ByteTrack": ByteTrackTracker, "OC-SORT": OCSORTTracker, "C-BIoU": CBIoUTracker}
    print("| clip, frames, rate | tracker | HOTA | DetA | AssA | IDF1 |\n|---|---|---|---|---|---|")
    clips, sums = {}, {}
    for row in ROWS:
        clip, first, last, step = row
        if clip not in clips:
            ran = subprocess.run([program, "see", f"{video}/{clip}.mp4"], capture_output=True, text=True, check=True)
            open(f"{work}/{clip}.txt", "w").write(ran.stdout)
            clips[clip] = json.loads(ran.stderr.splitlines()[-1])
        about, every = clips[clip], range(first, last + 1, step)
        truth, seen = read(f"{video}/{clip}.gt.txt"), read(f"{work}/{clip}.txt")
        truth = [[tuple(box[:5]) for box in truth.get(n, [])] for n in every]
        seen = [[tuple(box[1:6]) for box in seen.get(n, [])] for n in every]
        fps = about["fps"] / step
        told = {"**this one**": by_us(program, seen, about, fps, work)}
        told |= {name: by_peer(lambda: kind(frame_rate=fps), seen) for name, kind in peers.items()}
        note = ", settings chosen here" if row == CHOSEN_ON else ""
        for name, found in told.items():
            values = measures(truth, found)
            if row != CHOSEN_ON:
                sums.setdefault(name, []).append(values)
            cells = " | ".join(f"{v:.3f}" for v in values)
            print(f"| {clip} {first}–{last}, {fps:.1f} fps{note} | {name} | {cells} |")
    for name, rows in sums.items():
        cells = " | ".join(f"{sum(column) / len(column):.3f}" for column in zip(*rows))
        print(f"| mean of the others | {name} | {cells} |")


def crowd(objects, file):
    """Things of 40 × 110 pixels walk about in 1920 × 1080 at 5 frames a second; one in twelve sights is missed."""
    chance = random.Random(7)
    things = [
        (chance.uniform(0, 1800), chance.uniform(0, 950), chance.uniform(-9, 9), chance.uniform(-3, 3))
        for _ in range(int(objects))
    ]
    with open(file, "w") as out:
        for frame in range(1, 101):
            for x, y, dx, dy in things:
                if chance.random() < 1 / 12:
                    continue
                x, y = (x + dx * frame) % 1880, (y + dy * frame) % 970
                x, y = x + chance.gauss(0, 1.5), y + chance.gauss(0, 3)
                out.write(f"{frame},-1,{x:.1f},{y:.1f},40,110,{chance.uniform(0.65, 0.95):.2f}\n")


def timed(peer, file):
    import numpy as np

    frames = read(file)
    seen = [np.array(frames[n])[:, 1:6] for n in sorted(frames)]
    if peer == "bytetrack":
        import supervision as sv
        from trackers import ByteTrackTracker

        tracker = ByteTrackTracker(frame_rate=5)

        def step(boxes):
            corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:4]], 1)
            tracker.update(sv.Detections(xyxy=corners, confidence=boxes[:, 4], class_id=np.zeros(len(boxes), int)))
    else:
        from norfair import Detection, Tracker

        def distance(detection, tracked):
            """Of middles and sizes in sizes of the thing, one pair at a time, as recorders that use Norfair do."""
            (x1, y1), (x2, y2) = detection.points
            (a1, b1), (a2, b2) = tracked.estimate
            width, height = max(x2 - x1, 1), max(y2 - y1, 1)
            return math.hypot(
                (x1 + x2 - a1 - a2) / 2 / width, (y2 - b2) / height, (a2 - a1) / width - 1, (b2 - b1) / height - 1
            )

        tracker = Tracker(distance_function=distance, distance_threshold=2.5)

        def step(boxes):
            tracker.update([Detection(points=np.array([[x, y], [x + w, y + h]])) for x, y, w, h, _ in boxes])

    for boxes in seen[:10]:
        step(boxes)
    rest = seen[10 : 20 if peer == "norfair" else None]
    begun = time.process_time()
    for boxes in rest:
        step(boxes)
    print((time.process_time() - begun) * 1000 / len(rest))


{"quality": quality, "crowd": crowd, "time": timed}[sys.argv[1]](*sys.argv[2:])
