"""Pictures made by rule: flames and smoke with an alpha channel, and scenes that only look like them."""

import numpy as np
from PIL import Image


def noise(random, side, cells, octaves=4, stretch=1.0):
    """Several octaves of smooth noise between 0 and 1."""
    total = np.zeros((side, side), np.float32)
    for octave in range(octaves):
        n = max(2, int(cells * 2**octave))
        m = max(2, int(n / stretch))
        small = random.random((min(m, side), min(n, side))).astype(np.float32)
        total += np.asarray(Image.fromarray(small).resize((side, side), Image.BICUBIC)) * 0.5**octave
    low, high = np.percentile(total, (1, 99))
    return np.clip((total - low) / (high - low + 1e-6), 0, 1)


def smooth(x, low, high):
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


RAMPS = [
    [(60, 5, 0), (190, 40, 5), (250, 130, 20), (255, 220, 90), (255, 255, 220)],
    [(90, 15, 5), (225, 80, 15), (255, 170, 50), (255, 240, 160), (255, 255, 250)],
    [(70, 10, 40), (190, 60, 110), (245, 150, 190), (255, 225, 240), (255, 255, 255)],
    [(60, 20, 90), (150, 80, 190), (220, 170, 245), (250, 235, 255), (255, 255, 255)],
    [(60, 60, 60), (130, 130, 130), (200, 200, 200), (245, 245, 245), (255, 255, 255)],
    [(120, 60, 40), (230, 150, 110), (255, 220, 190), (255, 250, 240), (255, 255, 255)],
]


def ramp(random, heat):
    kind = RAMPS[random.choice(len(RAMPS), p=(0.3, 0.25, 0.13, 0.1, 0.07, 0.15))]
    colours = np.array(kind, np.float32) * random.uniform(0.85, 1.1, 3)
    places = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(heat, places, colours[:, c]) for c in range(3)], -1).clip(0, 255)


def warped(random, field, strength):
    side = len(field)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    x += (noise(random, side, 4, 3) - 0.5) * strength * side
    y += (noise(random, side, 4, 3) - 0.5) * strength * side
    return field[y.clip(0, side - 1).astype(int), x.clip(0, side - 1).astype(int)]


def tight(rgba, least=60):
    """Cut to what can be seen."""
    seen = rgba[..., 3] > least
    rows, columns = np.where(seen.any(1))[0], np.where(seen.any(0))[0]
    if len(rows) < 8 or len(columns) < 8:
        return None
    return np.ascontiguousarray(rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def flame(random, side=112):
    y, x = np.mgrid[:side, :side].astype(np.float32) / (side - 1)
    field = np.zeros((side, side), np.float32)
    for _ in range(random.integers(1, 5)):
        middle, foot = random.uniform(0.25, 0.75), random.uniform(0.8, 1.0)
        width, height = random.uniform(0.1, 0.3), random.uniform(0.4, 0.95)
        up = np.clip((foot - y) / height, 0, 1.2)
        body = 1 - ((x - middle - 0.1 * np.sin(up * 5 + middle * 9)) / (width * (1.05 - up).clip(0.05, 1) ** 0.6)) ** 2
        field = np.maximum(field, np.clip(body, 0, 1) * (1 - up).clip(0, 1) ** 0.4 * (y < foot + 0.03))
    field = warped(random, field, random.uniform(0.08, 0.3))
    heat = field * (0.45 + 0.85 * noise(random, side, random.uniform(3, 7), 4, random.uniform(1, 2.5)))
    heat = np.clip(heat * random.uniform(0.9, 1.5), 0, 1)
    low = random.uniform(0.08, 0.25)
    alpha = smooth(heat, low, low + random.uniform(0.1, 0.35)) * random.uniform(0.8, 1)
    return tight(np.dstack([ramp(random, heat), alpha * 255]).astype(np.uint8))


def smoke_colour(random):
    grey = random.choice([random.uniform(15, 70), random.uniform(70, 170), random.uniform(150, 250)], p=(0.25, 0.3, 0.45))
    return np.clip(grey * random.normal(1, 0.035, 3) + random.normal(0, 3, 3), 0, 255)


def smoke(random, side=128):
    y, x = np.mgrid[:side, :side].astype(np.float32) / (side - 1)
    kind = random.integers(3)
    if kind == 0:  # a plume, wider above
        lean = random.uniform(-0.4, 0.4)
        width = 0.08 + random.uniform(0.1, 0.4) * (1 - y)
        mask = 1 - np.abs((x - 0.5 - lean * (1 - y) ** 1.5) / width) ** 2
    elif kind == 1:  # a cloud
        mask = 1 - ((x - 0.5) / random.uniform(0.3, 0.5)) ** 2 - ((y - 0.5) / random.uniform(0.3, 0.5)) ** 2
    else:  # from one side
        mask = 1.2 - y * random.uniform(0.9, 1.8) if random.random() < 0.5 else y * random.uniform(1, 1.8) - 0.2
    mask = warped(random, np.clip(mask, 0, 1).astype(np.float32), random.uniform(0.1, 0.4))
    billow = noise(random, side, random.uniform(2, 6), 5)
    alpha = smooth(mask * (0.5 + 0.8 * billow), 0.1, random.uniform(0.4, 0.8)) * random.uniform(0.6, 1)
    shade = 1 + random.uniform(0.1, 0.6) * (noise(random, side, random.uniform(3, 8), 4) - 0.5)
    colour = np.clip(smoke_colour(random) * shade[..., None], 0, 255)
    return tight(np.dstack([colour, alpha * 255]).astype(np.uint8), 40)


def full_smoke(random, picture):
    """The whole picture in smoke, thick or thin."""
    side = len(picture)
    alpha = random.uniform(0.55, 1) + random.uniform(0, 0.35) * (noise(random, side, random.uniform(1, 4), 4) - 0.5)
    shade = 1 + random.uniform(0.02, 0.35) * (noise(random, side, random.uniform(1.5, 5), 3) - 0.5)
    y, x = np.mgrid[:side, :side].astype(np.float32) / side - 0.5
    shade = shade * (1 - random.uniform(-0.1, 0.6) * (x * x + y * y)) * (1 + random.uniform(-0.5, 0.5) * y)
    colour = np.clip(smoke_colour(random) * shade[..., None], 0, 255)
    alpha = np.clip(alpha, 0.4, 1)[..., None]
    return (picture * (1 - alpha) + colour * alpha).astype(np.uint8)


def full_flame(random, side):
    field = warped(random, noise(random, side, random.uniform(1.5, 4), 5, random.uniform(1, 2)), random.uniform(0.1, 0.4))
    return ramp(random, np.clip(field * random.uniform(0.8, 1.3) + random.uniform(-0.1, 0.3), 0, 1)).astype(np.uint8)


def blob(picture, x, y, radius, colour, power):
    side = len(picture)
    gy, gx = np.mgrid[:side, :side].astype(np.float32)
    d = np.sqrt((gx - x) ** 2 + (gy - y) ** 2) / radius
    core = np.clip(1.3 - d, 0, 1) + power * np.exp(-d * 0.7)
    picture += core[..., None] * np.asarray(colour, np.float32)


def lookalike(random, picture):
    """A scene without fire or smoke that has something of their colours; may be drawn over the picture given."""
    side = len(picture)
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    kind = random.integers(8)
    p = picture.astype(np.float32)
    if kind == 0:  # sunset or plain sky with clouds over dark ground
        top, low = ((70, 90, 150), (250, 150, 60)) if random.random() < 0.6 else ((80, 130, 210), (190, 210, 240))
        t = (y * random.uniform(1, 1.8)).clip(0, 1)[..., None]
        sky = np.array(top) * (1 - t) + np.array(low) * t
        sky += (smooth(noise(random, side, 2.5, 4, 0.4), 0.4, 0.9) * random.uniform(0, 70))[..., None]
        if random.random() < 0.5:
            blob(sky, random.uniform(0, side), side * random.uniform(0.4, 0.7), side * random.uniform(0.02, 0.07), (255, 230, 160), 0.3)
        edge = random.uniform(0.45, 0.8) + (noise(random, side, 8, 2)[0] - 0.5) * 0.1
        p = np.where((y > edge)[..., None], p * random.uniform(0.15, 0.8), sky)
    elif kind in (1, 2):  # lamps, headlights, tail lights at night
        p *= random.uniform(0.08, 0.5)
        for _ in range(random.integers(1, 9)):
            colour = [(255, 250, 235), (255, 200, 110), (255, 150, 60), (255, 40, 30), (230, 240, 255)][random.integers(5)]
            blob(p, *random.uniform(0, side, 2), side * random.uniform(0.008, 0.04), colour, random.uniform(0.05, 0.4))
    elif kind == 3:  # clothes, vans, signs in red, orange, yellow
        for _ in range(random.integers(1, 6)):
            w, h = random.uniform(0.03, 0.25, 2)
            cx, cy = random.random(2)
            body = (np.abs(x - cx) < w / 2) & (np.abs(y - cy) < h / 2)
            if random.random() < 0.4:
                body = ((x - cx) / w) ** 2 + ((y - cy) / h) ** 2 < 0.25
            colour = np.array([(200, 30, 25), (240, 120, 20), (250, 200, 30), (230, 70, 60), (240, 240, 240)][random.integers(5)])
            shade = 0.7 + 0.5 * noise(random, side, 6, 2)[..., None]
            p = np.where(body[..., None], colour * shade * random.uniform(0.4, 1.1), p)
    elif kind == 4:  # a bright wall with edges
        wall = np.array([235, 232, 225]) * random.uniform(0.6, 1.05) * (1 - random.uniform(0, 0.4) * x)[..., None]
        for _ in range(random.integers(3, 9)):
            a, b = sorted(random.random(2))
            band = (x > a) & (x < a + random.uniform(0.005, 0.12)) if random.random() < 0.5 else (y > b) & (y < b + random.uniform(0.005, 0.1))
            wall = np.where(band[..., None], wall * random.uniform(0.3, 0.9), wall)
        keep = random.uniform(0.3, 0.7)
        p = np.where((y < keep)[..., None], wall, p)
    elif kind == 5:  # a plain room: walls that meet, a floor, soft light, few things
        corner, floor = random.uniform(-0.2, 1.2), random.uniform(0.55, 1.1)
        tone = np.array([random.uniform(0.85, 1.05), 1, random.uniform(0.8, 1.05)]) * random.uniform(90, 235)
        left = (x < corner + random.uniform(-0.2, 0.2) * y)[..., None]
        p = np.where(left, tone, tone * random.uniform(0.75, 1.1))
        p = np.where((y > floor + random.uniform(-0.15, 0.15) * (x - 0.5))[..., None], tone * random.uniform(0.4, 1.1), p)
        p = p * (1 + random.uniform(-0.35, 0.35) * (x - 0.5) + random.uniform(-0.35, 0.35) * (y - 0.5))[..., None]
        for _ in range(random.integers(0, 7)):
            w, h = random.uniform(0.03, 0.4, 2)
            cx, cy = random.random(2)
            p = np.where(((np.abs(x - cx) < w / 2) & (np.abs(y - cy) < h / 2))[..., None], tone * random.uniform(0.1, 1.2, 3), p)
        p = p + random.normal(0, random.uniform(0, 4), p.shape)
    elif kind == 6:  # mist over a scene that can still be seen, or a dirty lens
        veil = random.uniform(0.1, 0.45) * (0.6 + 0.4 * (1 - y) ** random.uniform(0, 2))[..., None]
        p = p * (1 - veil) + random.uniform(150, 235) * veil
    else:  # a warm lamp's cast, or a sun glare
        blob(p, *random.uniform(-0.1, 1.1, 2) * side, side * random.uniform(0.1, 0.4), (random.uniform(60, 150), random.uniform(40, 90), 20), 0.2)
    return p.clip(0, 255).astype(np.uint8)
