"""The sources of the data set: which pictures come from one video or one scene.

    python sources.py SHEETS      draws a contact sheet of every source, to be looked at

The pictures of the data set carry a name and a number. Neighbours in number are mostly frames of one video, but numbers are
used twice and some clips are there once by number and once by name. So the table was made from clusters of small thumbnails
(mean difference of 8 x 8 colours below 18 grey levels joins two pictures) and from looking at the sheets. What could be one
video is one source, so that no video is on both sides of a fold.
"""

import os
import pathlib
import re
import sys

import numpy as np
from PIL import Image, ImageDraw

HAND = {"61-", "62--2--", "63--2--", "71--2--", "206-"}
CELLAR = {"50-", "52--2--", "53--2--", "54--2--", "55--2--", "59-"} | {f"{n}-" for n in range(72, 81)} | {"200-", "201-", "203-", "205-"}
# First and last number, labels (None: any), source. The first row that fits counts.
NUMBERED = [
    (1, 29, "n", "garden"), (5, 24, "s", "window"), (100, 102, "n", "window"), (51, 51, "n", "queue"), (501, 503, "n", "queue"),
    (202, 202, "n", "queue"), (204, 204, "s", "queue"), (503, 503, "s", "queue"), (59, 80, "s", "queue"), (50, 80, "n", "kitchen"),
    (81, 81, "s", "pink-room"), (82, 97, None, "pink-room"), (103, 106, "s", "shed"), (113, 117, "s", "dark-window"),
    (103, 118, None, "night-blaze"), (225, 263, None, "test2"), (361, 362, "s", "riot-smoke"), (335, 399, None, "bag-wall"),
    (414, 436, "s", "bag-wall"), (455, 455, "s", "bag-wall"), (471, 497, None, "bag-wall"), (519, 543, None, "bag-wall"),
    (400, 457, None, "street-night"), (500, 506, "s", "street-night"), (601, 669, None, "highway"), (700, 786, None, "door"),
    (800, 820, "s", "eruption"), (821, 828, "s", "wildfire"), (920, 935, "n", "office"), (971, 975, "n", "office"),
    (900, 986, None, "fog-machine"),
]  # fmt: skip
NAMED = {"smoke1": "window", "smoke2": "queue", "fire1": "pink-room", "test2": "test2", "newsmoke2": "fog-machine"}
FOLDS = [
    ["street-night", "test2", "window", "wildfire", "shed", "garden"],
    ["door", "night-blaze", "fog-machine", "hand", "cellar"],
    ["bag-wall", "pink-room", "queue", "riot-smoke", "kitchen", "balcony"],
    ["highway", "pexels", "eruption", "dark-window", "office"],
]


def labels_of(path):
    """Boxes of the two labels: 0 fire, 1 smoke; x, y, width, height as shares of the picture, from the middle."""
    rows = [[float(v) for v in line.split()] for line in path.read_text().splitlines() if line.strip()]
    return [(0 if row[0] == 0 else 1, *row[1:5]) for row in rows if row[0] != 1]


def source_of(name, boxes):
    kinds = "".join(sorted({"fs"[b[0]] for b in boxes})) or "n"
    if not name.startswith("img_"):
        if re.match(r"fire1_mp4-3[23]-", name):
            return "balcony"
        return NAMED.get(name.split("_")[0], "pexels")
    rest = name[4:-6]
    if kinds == "n" and rest in HAND:
        return "hand"
    if kinds == "n" and rest in CELLAR:
        return "cellar"
    number = int(re.match(r"\d+", rest).group())
    return next(source for low, high, fits, source in NUMBERED if low <= number <= high and fits in (None, kinds))


def pictures(folder):
    """Path, boxes and source of every picture, by name."""
    folder = pathlib.Path(folder)
    held = []
    for path in sorted((folder / "images").glob("*.jpg")):
        boxes = labels_of(folder / "labels" / (path.stem + ".txt"))
        held.append((path, boxes, source_of(path.stem, boxes)))
    return held


def fold_of(source):
    return next(i for i, fold in enumerate(FOLDS) if source in fold)


def sheet(rows, path, side=64, across=30):
    canvas = Image.new("RGB", (across * (side + 2), (len(rows) + across - 1) // across * (side + 2)))
    draw = ImageDraw.Draw(canvas)
    for place, (picture, boxes, _) in enumerate(rows):
        x, y = place % across * (side + 2), place // across * (side + 2)
        canvas.paste(Image.open(picture).convert("RGB").resize((side, side), Image.BOX), (x, y))
        for label, *box in boxes:
            cx, cy, w, h = (v * side for v in box)
            draw.rectangle([x + cx - w / 2, y + cy - h / 2, x + cx + w / 2, y + cy + h / 2], outline=("red", "cyan")[label])
    canvas.save(path)


if __name__ == "__main__":
    held = pictures(pathlib.Path(os.environ["SHAODIAN_DATA"]) / "images" / "fire-smoke")
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for source in sorted({row[2] for row in held}):
        rows = [row for row in held if row[2] == source]
        counts = np.bincount([2 if not row[1] else max(b[0] for b in row[1]) for row in rows], minlength=3)
        print(f"fold {fold_of(source)} {source}: {len(rows)} pictures, {counts[0]} fire, {counts[1]} smoke, {counts[2]} neither")
        sheet(rows, out / (source + ".png"))
