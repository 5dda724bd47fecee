"""Trains the network on the features.

    python train.py DATA WEIGHTS.pkl
"""

import json
import pathlib
import pickle
import queue
import sys
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import network
import text

SEED = 7
STEPS, WARM_UP, PEAK_RATE = 7000, 300, 2e-3
SECONDS = 45
AVERAGE = 0.998
# Lengths of batches; every one costs the time of compiling it.
FRAMES = (200, 264, 328, 400, 480, 576, 704, 904)
EASY_STEPS, EASY_FRAMES = 400, 328


class Corpus:
    """Features in memory; labels as characters and as syllables."""

    def __init__(self, data):
        self.features, self.texts = [], []
        for labels in sorted(pathlib.Path(data).glob("labels-*.json")):
            frames = np.load(str(labels).replace("labels", "features").replace(".json", ".npy"))
            start = 0
            for label in json.loads(labels.read_text()):
                self.features.append(frames[start : start + label["frames"]])
                self.texts.append(label["text"])
                start += label["frames"]
        sample = np.concatenate(self.features[::20]).astype(np.float32)
        self.mean, self.deviation = sample.mean(0), sample.std(0)
        readings = [text.pinyin(words) for words in self.texts]
        self.characters = {c: i + 1 for i, c in enumerate(text.vocabulary())}
        self.syllables = {s: i + 1 for i, s in enumerate(sorted({s for r in readings for s in r}))}
        self.labels = [([self.characters[c] for c in words], [self.syllables[s] for s in r]) for words, r in zip(self.texts, readings)]

    def buckets(self, sizes):
        """Utterances by the least size that holds them; longer ones are left out."""
        held = {size: [] for size in sizes}
        for index, features in enumerate(self.features):
            if len(features) <= sizes[-1]:
                held[next(s for s in sizes if len(features) <= s)].append(index)
        return held


def varied(random, x):
    """Other throats (a warped frequency axis), other microphones (a smooth curve), lost bands and moments."""
    bins = np.arange(network.BINS)
    place = np.clip(bins * random.uniform(0.88, 1.12) + random.uniform(-1, 1), 0, network.BINS - 1.001)
    low = place.astype(int)
    x = x[:, low] * (1 - (place - low)) + x[:, low + 1] * (place - low)
    x = x + sum(random.normal(0, 0.2) * np.cos(np.pi * k * bins / network.BINS) for k in range(4))
    for _ in range(2):
        width, length = random.integers(0, 9), random.integers(0, 11)
        band, moment = random.integers(0, network.BINS - width), random.integers(0, max(1, len(x) - length))
        x[:, band : band + width] = 0
        x[moment : moment + length] = 0
    return x


def batches(corpus):
    """Batches of about so many seconds; short sentences first. Up to 0.15 s of the silence at the end is cut."""
    random = np.random.default_rng(SEED)
    buckets = corpus.buckets(FRAMES)
    longest = {size: max((len(corpus.texts[i]) for i in held), default=0) for size, held in buckets.items()}
    hands = {size: [] for size in buckets}
    for step in range(STEPS):
        weights = np.array([len(h) * size if step >= EASY_STEPS or size <= EASY_FRAMES else 0 for size, h in buckets.items()], float)
        size = random.choice(FRAMES, p=weights / weights.sum())
        count = max(1, int(SECONDS * 100 / size))
        while len(hands[size]) < count:
            hands[size] += random.permutation(buckets[size]).tolist()
        chosen, hands[size] = hands[size][:count], hands[size][count:]
        x = np.zeros((count, size, network.BINS), np.float32)
        lengths = np.zeros(count, np.int32)
        labels = np.zeros((2, count, longest[size]), np.int32)
        for row, index in enumerate(chosen):
            features = corpus.features[index].astype(np.float32)
            features = features[: len(features) - random.integers(0, 16)]
            features = varied(random, (features - corpus.mean) / corpus.deviation)
            x[row, : len(features)] = features
            lengths[row] = network.frames_out(len(features))
            for kind in range(2):
                labels[kind, row, : len(corpus.labels[index][kind])] = corpus.labels[index][kind]
        yield x, lengths, labels


def ahead(items):
    """The same items, made in a thread of their own."""
    held = queue.Queue(8)

    def fill():
        for item in items:
            held.put(item)
        held.put(None)

    threading.Thread(target=fill, daemon=True).start()
    return iter(held.get, None)


def loss(p, x, lengths, labels):
    streaming, final, syllables = network.apply(p, x, lengths)
    size = streaming.shape[-1]
    syllables = jnp.pad(syllables, ((0, 0), (0, 0), (0, size - syllables.shape[-1])), constant_values=-1e4)
    padded = (jnp.arange(streaming.shape[1]) >= lengths[:, None]).astype(jnp.float32)
    wanted = jnp.concatenate([labels[0], labels[0], labels[1]])
    each = optax.ctc_loss(
        jnp.concatenate([streaming, final, syllables]), jnp.tile(padded, (3, 1)), wanted, (wanted == 0).astype(jnp.float32)
    ).reshape(3, -1)
    count = (labels[0] != 0).sum() + 1
    parts = each.sum(1) / count
    return parts @ jnp.array([0.4, 0.35, 0.25]), parts


def main(data, weights):
    corpus = Corpus(data)
    p = network.initial(SEED, len(corpus.characters) + 1, len(corpus.syllables) + 1)
    print(len(corpus.texts), "utterances,", sum(map(len, corpus.features)) / 360000, "hours,", len(corpus.syllables), "syllables")
    print(sum(x.size for x in jax.tree.leaves(p)), "weights in training", flush=True)
    rate = optax.warmup_cosine_decay_schedule(0, PEAK_RATE, WARM_UP, STEPS, PEAK_RATE / 50)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, b2=0.98, weight_decay=1e-3))
    state, average = optimiser.init(p), p

    @jax.jit
    def update(p, state, average, x, lengths, labels):
        (_, parts), gradient = jax.value_and_grad(loss, has_aux=True)(p, x, lengths, labels)
        change, state = optimiser.update(gradient, state, p)
        p = optax.apply_updates(p, change)
        return p, state, jax.tree.map(lambda a, b: AVERAGE * a + (1 - AVERAGE) * b, average, p), parts

    def save():
        held = {"weights": jax.tree.map(np.asarray, average), "mean": corpus.mean, "deviation": corpus.deviation}
        pathlib.Path(weights).write_bytes(pickle.dumps(held))

    began, recent = time.time(), []
    for step, (x, lengths, labels) in enumerate(ahead(batches(corpus)), 1):
        p, state, average, parts = update(p, state, average, x, lengths, labels)
        recent.append(np.asarray(parts))
        if step % 50 == 0:
            shown = " ".join(f"{v:.3f}" for v in np.mean(recent, 0))
            print(f"{step} {time.time() - began:.0f}s loss a character: streaming, final, syllables {shown}", flush=True)
            recent = []
        if step % 250 == 0:
            save()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
