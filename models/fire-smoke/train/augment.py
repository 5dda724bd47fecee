"""Flames and smoke put into pictures."""

import numpy as np
from PIL import Image

import made
from pictures import RESIZE


def swapped(picture, random):
    """Other colours for a scene without fire: what is blue or green becomes red, so that red alone is no sign of fire."""
    order = [(2, 1, 0), (1, 0, 2), (2, 0, 1), (1, 2, 0)][random.integers(4)]
    return np.ascontiguousarray(picture[..., order])


def put(picture, rgba, label, random, low, high, glow=False):
    """Lays a flame or a piece of smoke over the picture; returns its box."""
    side = len(picture)
    share = np.exp(random.uniform(np.log(low), np.log(high)))
    h = int(np.clip(share * side, 8, side))
    w = int(np.clip(h * rgba.shape[1] / rgba.shape[0] * random.uniform(0.7, 1.4), 6, side))
    if random.random() < 0.5:
        rgba = rgba[:, ::-1]
    piece = np.asarray(Image.fromarray(np.ascontiguousarray(rgba)).resize((w, h), RESIZE)).astype(np.float32)
    x, y = random.integers(0, side - w + 1), random.integers(0, side - h + 1)
    out = picture.astype(np.float32)
    if glow and random.random() < 0.6:
        gy, gx = np.mgrid[:side, :side].astype(np.float32)
        d = np.hypot(gx - x - w / 2, gy - y - h / 2) / (max(w, h) * random.uniform(0.5, 1.3))
        out += (random.uniform(10, 90) * np.exp(-d * d))[..., None] * np.array([1, 0.5, 0.25], np.float32)
    alpha = piece[..., 3:] / 255
    place = out[y : y + h, x : x + w]
    out[y : y + h, x : x + w] = place * (1 - alpha) + piece[..., :3] * alpha
    return out.clip(0, 255).astype(np.uint8), (label, x / side, y / side, (x + w) / side, (y + h) / side)


def lifted(picture, box, random):
    """A flame or a piece of smoke out of a picture, with an alpha of its own: brightness for flames, a soft edge for smoke."""
    height, width = picture.shape[:2]
    label, x0, y0, x1, y1 = box
    piece = picture[int(y0 * height) : int(np.ceil(y1 * height)), int(x0 * width) : int(np.ceil(x1 * width))].astype(np.float32)
    if min(piece.shape[:2]) < 8:
        return None
    h, w = piece.shape[:2]
    y, x = np.mgrid[:h, :w].astype(np.float32)
    edge = np.minimum(np.minimum(x + 1, w - x) / w, np.minimum(y + 1, h - y) / h)
    soft = made.smooth(edge, 0, random.uniform(0.05, 0.2))
    if label == 0:
        if w > 1.6 * h:  # a box around several flames: mostly what stands between them
            return None
        light = piece.max(-1) * 0.6 + (piece[..., 0] - piece[..., 2]).clip(0) * 0.4
        low, high = np.percentile(light, random.uniform(20, 45)), np.percentile(light, random.uniform(75, 92))
        alpha = made.smooth(light, low, max(high, low + 5)) * soft
    else:
        round_ = 1 - ((x / w - 0.5) / 0.55) ** 2 - ((y / h - 0.5) / 0.55) ** 2
        side = max(h, w)
        alpha = made.smooth(round_ + 0.7 * (made.noise(random, side, 3, 3)[:h, :w] - 0.5), 0, random.uniform(0.3, 0.7)) * random.uniform(0.6, 1)
    return made.tight(np.dstack([piece, alpha * 255]).astype(np.uint8), 50)
