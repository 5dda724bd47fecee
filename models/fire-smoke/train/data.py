"""Pictures in memory and the stream of training batches."""

import pathlib
import pickle
import subprocess

import numpy as np
import torch
from PIL import Image

import augment
import made
import pictures
import sources

KEPT = 400  # the longer side in memory
TRAIN_CLIPS = {"pets09-s2l1-a.mp4": 10, "pets09-s2l1-fullres.mp4": 6, "car-detection.mp4": 12, "highway-a.avi": 12, "aboda-video4.avi": 12, "towncentre-96f.mp4": 5}
TEST_CLIPS = ["pets2001-d3c1-a.mp4", "tud-campus.mp4", "one-by-one-person-detection.mp4"]


def small(path, side=KEPT):
    image = Image.open(path)
    image.draft("RGB", (side, side))
    image = image.convert("RGB")
    scale = side / max(image.size)
    return np.asarray(image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.BOX if scale < 0.5 else Image.BILINEAR))


def frames(path, every=1, count=None, side=None):
    """Frames of a clip as RGB arrays."""
    probe = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height", "-of", "csv=p=0", str(path)]
    width, height = map(int, subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip().split(",")[:2])
    filters = [f"select=not(mod(n\\,{every}))"]
    if side:
        scale = side / max(width, height)
        width, height = round(width * scale), round(height * scale)
        filters.append(f"scale={width}:{height}:flags=area")
    command = ["ffmpeg", "-v", "error", "-threads", "1", "-i", str(path), "-vf", ",".join(filters), "-vsync", "0", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        done = 0
        while count is None or done < count:
            raw = process.stdout.read(width * height * 3)
            if len(raw) < width * height * 3:
                break
            yield np.frombuffer(raw, np.uint8).reshape(height, width, 3)
            done += 1
        process.kill()


def corners(boxes):
    return [(l, x - w / 2, y - h / 2, x + w / 2, y + h / 2) for l, x, y, w, h in boxes]


class Store:
    """All training pictures but those of one fold, by source, and the scenes without fire and smoke."""

    def __init__(self, data, fold, cache=None):
        data = pathlib.Path(data)
        self.by_source, self.empty = {}, []
        if cache and pathlib.Path(cache).exists():
            held, empty = pickle.loads(pathlib.Path(cache).read_bytes())
        else:
            held = [(small(path), corners(boxes), source) for path, boxes, source in sources.pictures(data / "images" / "fire-smoke")]
            empty = self.scenes(data)
            if cache:
                pathlib.Path(cache).write_bytes(pickle.dumps((held, empty)))
        self.empty += empty
        for picture, boxes, source in held:
            if sources.fold_of(source) != fold:
                self.by_source.setdefault(source, []).append((picture, boxes))
        for held in self.by_source.values():
            none = [picture for picture, boxes in held if not boxes]
            if none:
                self.empty.append(none)
        self.names = sorted(self.by_source)
        # A source counts by the root of its pictures, so that neither one video nor two pictures rule the training.
        self.weights = np.array([len(self.by_source[n]) ** 0.5 for n in self.names])
        self.weights /= self.weights.sum()
        weights = np.array([len(e) ** 0.5 for e in self.empty])
        self.empty_weights = weights / weights.sum()

    @staticmethod
    def scenes(data):
        """Pictures without fire and smoke, in groups of one origin."""
        empty = []
        vehicles = sorted((data / "images" / "vehicles").rglob("*.jpg"))
        others = [p for i, p in enumerate(vehicles) if i % 5] + sorted((data / "images" / "sample").rglob("*.jpg")) + sorted((data / "images" / "pose-coco").rglob("*.jpg"))
        empty.append([small(p) for p in others])
        for name, count in TRAIN_CLIPS.items():
            every = {"towncentre-96f.mp4": 19}.get(name, 30)
            empty.append([f.copy() for f in frames(data / "video" / name, every, count, KEPT)])
        return empty

    def one(self, random):
        held = self.by_source[self.names[random.choice(len(self.names), p=self.weights)]]
        return held[random.integers(len(held))]

    def nothing(self, random):
        held = self.empty[random.choice(len(self.empty), p=self.empty_weights)]
        return held[random.integers(len(held))]

    def labelled(self, label, random):
        for _ in range(50):
            picture, boxes = self.one(random)
            fits = [b for b in boxes if b[0] == label]
            if fits:
                return picture, fits[random.integers(len(fits))]
        return None, None


class Stream(torch.utils.data.IterableDataset):
    """Batches without end. The made flames and smoke come from a bank that is drawn once and renewed piece by piece."""

    def __init__(self, store, batch, sides, seed, bank=160):
        self.store, self.batch, self.sides, self.seed, self.bank = store, batch, sides, seed, bank

    def __iter__(self):
        random = np.random.default_rng(self.seed)
        bank = ([], [])
        while True:
            side = int(random.choice(self.sides))
            for label, make in enumerate((made.flame, made.smoke)):
                while True:
                    piece = make(random)
                    if piece is not None:
                        bank[label].append(piece)
                    if len(bank[label]) >= 12:
                        break
                del bank[label][: -self.bank]
            rows = [self.sample(random, side, bank) for _ in range(self.batch)]
            yield torch.from_numpy(np.stack([r[0] for r in rows])), [torch.tensor([(b[0], *(v * side for v in b[1:])) for b in r[1]], dtype=torch.float32).reshape(-1, 5) for r in rows]

    def sample(self, random, side, bank):
        store, kind = self.store, random.random()
        if kind < 0.46:
            picture, boxes = pictures.cut(*store.one(random), side, random)
        elif kind < 0.62:
            picture, boxes = pictures.mosaic([store.one(random) if random.random() < 0.75 else (store.nothing(random), []) for _ in range(4)], side, random)
        else:
            picture, boxes = pictures.cut(store.nothing(random), [], side, random)
            if random.random() < 0.25:
                picture = augment.swapped(picture, random)
            what = random.random()
            if what < 0.25:
                if random.random() < 0.6:
                    picture = made.lookalike(random, picture)
            elif what < 0.29:
                picture, boxes = made.full_flame(random, side), [(0, 0, 0, 1, 1)]
            elif what < 0.42:
                picture, boxes = made.full_smoke(random, picture), [(1, 0, 0, 1, 1)]
            else:
                if random.random() < 0.35:
                    picture = (picture * random.uniform(0.15, 0.7)).astype(np.uint8)
                if random.random() < 0.15:
                    picture = made.lookalike(random, picture)
                for label in [[1], [0], [1, 0], [0, 0], [0, 0, 0, 0]][random.choice(5, p=[0.34, 0.38, 0.12, 0.1, 0.06])]:
                    piece = None
                    if random.random() < 0.5:
                        source, box = store.labelled(label, random)
                        piece = augment.lifted(source, box, random) if source is not None else None
                    piece = bank[label][random.integers(len(bank[label]))] if piece is None else piece
                    picture, box = augment.put(picture, piece, label, random, (0.04, 0.15)[label], (0.8, 1.0)[label], glow=label == 0)
                    boxes.append(box)
        if random.random() < 0.2:
            picture, boxes = pictures.shrunk(picture, boxes, side, random)
        if random.random() < 0.75:
            picture = pictures.lit(picture, random, 1.0)
        return pictures.worn(picture, random), pictures.clipped(boxes, 0.015, 0.1)
