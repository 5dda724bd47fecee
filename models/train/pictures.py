"""Training pictures of any detector: cut, mixed, recoloured, worn. Boxes are (label, x0, y0, x1, y1) as shares."""

import io

import numpy as np
from PIL import Image, ImageFilter

RESIZE = Image.BILINEAR


def flipped(picture, boxes, random):
    if random.random() < 0.5:
        picture = picture[:, ::-1]
        boxes = [(l, 1 - x1, y0, 1 - x0, y1) for l, x0, y0, x1, y1 in boxes]
    return picture, boxes


def clipped(boxes, least=0.02, kept=0.25):
    """Boxes cut to the picture; those of which little is left are dropped."""
    held = []
    for label, x0, y0, x1, y1 in boxes:
        area = (x1 - x0) * (y1 - y0)
        x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, 1), min(y1, 1)
        if x1 - x0 > least and y1 - y0 > least and (x1 - x0) * (y1 - y0) >= kept * area:
            held.append((label, x0, y0, x1, y1))
    return held


def extent(side):
    """Height and width: of a square where one number is given."""
    return (side, side) if isinstance(side, int) else side


def cut(picture, boxes, side, random, closest=0.45, squeeze=1.3):
    """A part of the picture, stretched to `side` (a number, or height and width)."""
    tall, wide = extent(side)
    picture, boxes = flipped(picture, boxes, random)
    height, width = picture.shape[:2]
    share = random.uniform(closest, 1.0) if random.random() < 0.6 else 1.0
    ratio = squeeze ** random.uniform(-1, 1)
    w, h = min(1, share * ratio**0.5), min(1, share / ratio**0.5)
    x, y = random.uniform(0, 1 - w), random.uniform(0, 1 - h)
    if boxes and random.random() < 0.7:  # a cut that keeps the middle of a box
        _, x0, y0, x1, y1 = boxes[random.integers(len(boxes))]
        cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
        x = np.clip(random.uniform(cx - 0.8 * w, cx - 0.2 * w), 0, 1 - w)
        y = np.clip(random.uniform(cy - 0.8 * h, cy - 0.2 * h), 0, 1 - h)
    image = Image.fromarray(np.ascontiguousarray(picture))
    image = image.resize((wide, tall), RESIZE, (x * width, y * height, (x + w) * width, (y + h) * height))
    boxes = clipped([(l, (x0 - x) / w, (y0 - y) / h, (x1 - x) / w, (y1 - y) / h) for l, x0, y0, x1, y1 in boxes])
    return np.asarray(image), boxes


def shrunk(picture, boxes, side, random):
    """Smaller than the canvas: fitted to a corner over grey, as the program does, or between black or grey bars."""
    canvas = np.full((side, side, 3), 114 if random.random() < 0.6 else random.choice([0, 255], p=[0.8, 0.2]), np.uint8)
    w, h = side, side
    if random.random() < 0.5:
        h = int(side * random.uniform(0.5, 0.9))
    else:
        w = int(side * random.uniform(0.5, 0.9))
    if random.random() < 0.2:
        w, h = int(w * random.uniform(0.6, 1)), int(h * random.uniform(0.6, 1))
    x, y = (0, 0) if random.random() < 0.6 else (random.integers(0, side - w + 1), random.integers(0, side - h + 1))
    canvas[y : y + h, x : x + w] = np.asarray(Image.fromarray(picture).resize((w, h), RESIZE))
    at = lambda v, o, s: (o + v * s) / side  # noqa: E731
    return canvas, [(l, at(x0, x, w), at(y0, y, h), at(x1, x, w), at(y1, y, h)) for l, x0, y0, x1, y1 in boxes]


def mosaic(four, side, random):
    canvas = np.empty((side, side, 3), np.uint8)
    mx, my = (int(side * random.uniform(0.3, 0.7)) for _ in range(2))
    boxes = []
    for place, (picture, own) in enumerate(four):
        x, w = (0, mx) if place % 2 == 0 else (mx, side - mx)
        y, h = (0, my) if place < 2 else (my, side - my)
        part, own = cut(picture, own, max(w, h), random, 0.6)
        canvas[y : y + h, x : x + w] = np.asarray(Image.fromarray(part).resize((w, h), RESIZE))
        boxes += [(l, (x + x0 * w) / side, (y + y0 * h) / side, (x + x1 * w) / side, (y + y1 * h) / side) for l, x0, y0, x1, y1 in own]
    return canvas, boxes


def lit(picture, random, strong):
    """Gain, gamma and contrast of each channel by one table; then colour strength."""
    levels = np.linspace(0, 1, 256, dtype=np.float32)
    gamma = 2 ** random.normal(0, 0.3 * strong)
    gain = 2 ** random.normal(0, 0.2 * strong)
    white = 2 ** random.normal(0, 0.12 * strong, 3)
    lift = random.normal(0, 0.03) * strong
    table = np.stack([np.clip((levels**gamma) * gain * w + lift, 0, 1) for w in white], 1)
    picture = np.stack([np.take(table[:, c], picture[..., c]) for c in range(3)], -1)
    colour = 0.0 if random.random() < 0.08 else random.uniform(0.55, 1.4)
    grey = picture.mean(-1, keepdims=True)
    return np.clip((grey + (picture - grey) * colour) * 255, 0, 255).astype(np.uint8)


def worn(picture, random):
    """Blur, low resolution, noise, JPEG."""
    tall, wide = picture.shape[:2]
    image = Image.fromarray(picture)
    if random.random() < 0.25:
        share = random.uniform(0.35, 0.85)
        image = image.resize((int(wide * share), int(tall * share)), RESIZE).resize((wide, tall), RESIZE)
    elif random.random() < 0.12:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.4, 1.5)))
    if random.random() < 0.3:
        held = io.BytesIO()
        image.save(held, "JPEG", quality=int(random.integers(15, 80)))
        image = Image.open(held).convert("RGB")
    picture = np.asarray(image)
    if random.random() < 0.25:
        grain = random.normal(0, random.uniform(2, 14), (tall, wide, 1 if random.random() < 0.5 else 3))
        picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    return picture
