"""Drawn pictures (`simulate stills`) and the stream of training batches."""

import io
import json
import pathlib

import numpy as np
import torch
from PIL import Image

import pictures

LABELS = ("person", "vehicle")
KINDS = {"person": 0, "car": 1, "truck": 1, "bus": 1}
HEIGHT, WIDTH = 192, 320


def drawn(folder):
    """Of each picture: its JPEG bytes, its boxes (label, corners as shares)."""
    folder, held = pathlib.Path(folder), []
    for line in (folder / "truth.jsonl").read_text().splitlines():
        row = json.loads(line)
        boxes = [(KINDS[l], x, y, x + w, y + h) for l, x, y, w, h in row["boxes"] if l in KINDS]
        held.append(((folder / row["file"]).read_bytes(), boxes))
    return held


def opened(jpeg):
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))


def shrunk(picture, boxes, random):
    """Small in a corner over grey, as a picture of another shape lies in the input, or between bars."""
    canvas = np.full((HEIGHT, WIDTH, 3), 114 if random.random() < 0.7 else 0, np.uint8)
    high, wide = int(HEIGHT * random.uniform(0.5, 1)), int(WIDTH * random.uniform(0.5, 1))
    x, y = (0, 0) if random.random() < 0.6 else (random.integers(0, WIDTH - wide + 1), random.integers(0, HEIGHT - high + 1))
    canvas[y : y + high, x : x + wide] = np.asarray(Image.fromarray(picture).resize((wide, high), Image.BILINEAR))
    across, down = (lambda v: (x + v * wide) / WIDTH), (lambda v: (y + v * high) / HEIGHT)
    return canvas, [(l, across(x0), down(y0), across(x1), down(y1)) for l, x0, y0, x1, y1 in boxes]


class Stream(torch.utils.data.IterableDataset):
    """Batches without end."""

    def __init__(self, held, batch, seed):
        self.held, self.batch, self.seed = held, batch, seed

    def __iter__(self):
        random = np.random.default_rng(self.seed)
        while True:
            rows = [self.sample(random) for _ in range(self.batch)]
            scale = np.array([1, WIDTH, HEIGHT, WIDTH, HEIGHT], np.float32)
            truths = [torch.from_numpy(np.array(boxes, np.float32).reshape(-1, 5) * scale) for _, boxes in rows]
            yield torch.from_numpy(np.stack([picture for picture, _ in rows])), truths

    def sample(self, random):
        jpeg, boxes = self.held[random.integers(len(self.held))]
        picture, boxes = pictures.cut(opened(jpeg), boxes, (HEIGHT, WIDTH), random, 0.4, 1.4)
        if random.random() < 0.3:
            picture, boxes = shrunk(picture, boxes, random)
        if random.random() < 0.2:  # other colours: what is drawn has few
            picture = np.ascontiguousarray(picture[..., random.permutation(3)])
        if random.random() < 0.9:
            picture = pictures.lit(picture, random, 1.2)
        return pictures.worn(picture, random), pictures.clipped(boxes, 0.012, 0.3)
