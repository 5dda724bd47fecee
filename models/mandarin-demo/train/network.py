"""The network: causal convolutions over 80 ms frames, and two blocks that look ahead for the final pass.

    fbank -> three strided convolutions (10 -> 80 ms) -> 6 causal blocks -> characters, streaming
                                                                       -> 2 symmetric blocks -> characters, final

A block is a convolution along time, one channel at a time, then a two-layer perceptron around which the input passes.
"""

import jax
import jax.numpy as jnp
import numpy as np

BINS, FIRST, WIDTH, HIDDEN = 80, 128, 256, 512
CAUSAL_BLOCKS, CAUSAL_TAPS = 6, 5
SYMMETRIC_BLOCKS, SYMMETRIC_TAPS = 2, 7
# The syllables are learnt here, below the characters, and only in training.
SYLLABLE_BLOCK = 3


def initial(seed, characters, syllables):
    random = np.random.default_rng(seed)

    def dense(rows, columns, gain=1.0):
        return (random.standard_normal((rows, columns)) * gain / np.sqrt(rows)).astype(np.float32)

    def zeros(size):
        return np.zeros(size, np.float32)

    def block(taps):
        time = random.standard_normal((taps, WIDTH)).astype(np.float32) / np.sqrt(taps)
        return {
            "time": time, "scale": np.ones(WIDTH, np.float32), "shift": zeros(WIDTH),
            "up": dense(WIDTH, HIDDEN), "up_bias": zeros(HIDDEN), "down": dense(HIDDEN, WIDTH, 0.5), "down_bias": zeros(WIDTH),
        }  # fmt: skip

    def head(size):
        return {"out": dense(WIDTH, size, 0.5), "out_bias": zeros(size)}

    return {
        "first": dense(3 * BINS, FIRST), "first_bias": zeros(FIRST), "second": dense(3 * FIRST, WIDTH), "second_bias": zeros(WIDTH),
        "third": dense(3 * WIDTH, WIDTH), "third_bias": zeros(WIDTH),
        "causal": [block(CAUSAL_TAPS) for _ in range(CAUSAL_BLOCKS)],
        "symmetric": [block(SYMMETRIC_TAPS) for _ in range(SYMMETRIC_BLOCKS)],
        "streaming": head(characters), "final": head(characters), "syllables": head(syllables),
    }  # fmt: skip


def strided(x, weight, bias):
    """Three frames to one, two further each time."""
    count = (x.shape[1] - 1) // 2
    three = jnp.concatenate([x[:, k : k + 2 * count : 2] for k in range(3)], axis=-1)
    return jax.nn.silu(three @ weight + bias)


def block(x, p, before):
    taps = p["time"].shape[0]
    padded = jnp.pad(x, ((0, 0), (before, taps - 1 - before), (0, 0)))
    h = sum(padded[:, k : k + x.shape[1]] * p["time"][k] for k in range(taps))
    h = h - h.mean(-1, keepdims=True)
    h = h * jax.lax.rsqrt((h * h).mean(-1, keepdims=True) + 1e-5) * p["scale"] + p["shift"]
    return x + jax.nn.silu(h @ p["up"] + p["up_bias"]) @ p["down"] + p["down_bias"]


def apply(p, x, lengths):
    """Normalised features to the logits of streaming characters, final characters and syllables."""
    for name in ("first", "second", "third"):
        x = strided(x, p[name], p[name + "_bias"])
    syllables = None
    for i, one in enumerate(p["causal"]):
        x = block(x, one, CAUSAL_TAPS - 1)
        if i == SYLLABLE_BLOCK:
            syllables = x @ p["syllables"]["out"] + p["syllables"]["out_bias"]
    streaming = x @ p["streaming"]["out"] + p["streaming"]["out_bias"]
    x = x * (jnp.arange(x.shape[1]) < lengths[:, None])[..., None]
    for one in p["symmetric"]:
        x = block(x, one, SYMMETRIC_TAPS // 2)
    final = x @ p["final"]["out"] + p["final"]["out_bias"]
    return streaming, final, syllables


def frames_out(frames):
    """How many frames of 80 ms come of so many of 10 ms; 15 make the first."""
    return (((frames - 1) // 2 - 1) // 2 - 1) // 2
