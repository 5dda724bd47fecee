"""Filter banks as the recogniser computes them, and the training set made of them.

    python features.py DATA [COUNT]     writes DATA/features-N.npy, DATA/labels-N.json
"""

import json
import multiprocessing
import pathlib
import sys

import kaldi_native_fbank
import numpy as np
from scipy import signal

import speak
import text

BINS = 80
SEED = 20250
SHARD = 1000


def fbank(wave):
    """16 kHz samples to frames x 80: the settings that sherpa-onnx uses unless a model asks for others."""
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.snip_edges = False
    options.frame_opts.samp_freq = speak.RATE
    options.mel_opts.num_bins = BINS
    options.mel_opts.high_freq = -400
    bank = kaldi_native_fbank.OnlineFbank(options)
    bank.accept_waveform(speak.RATE, wave.tolist())
    bank.input_finished()
    return np.stack([bank.get_frame(i) for i in range(bank.num_frames_ready)])


def spoken(random, parts):
    """Sometimes the parts come apart, each with its own breath before it."""
    voice, speed, pitch = (random.choice(group) for group in (speak.TRAINING_VOICES, speak.TRAINING_SPEEDS, speak.TRAINING_PITCHES))
    if len(parts) > 1 and random.random() < 0.2:
        pieces = []
        for part in parts:
            pieces += [speak.say([part], voice, speed, pitch), np.zeros(int(random.uniform(0.2, 1.0) * speak.RATE))]
        return np.concatenate(pieces[:-1])
    return speak.say(parts, voice, speed, pitch)


def varied(random, wave):
    """Other throats, rooms and lines than espeak's own."""
    length = int(len(wave) * random.uniform(0.9, 1.1))
    wave = np.interp(np.linspace(0, len(wave) - 1, length), np.arange(len(wave)), wave)
    if random.random() < 0.25:
        tail = int(random.uniform(0.03, 0.25) * speak.RATE)
        echo = random.standard_normal(tail) * np.exp(-np.arange(tail) / (tail / 5)) * random.uniform(0.02, 0.12)
        echo[0] = 1
        wave = signal.fftconvolve(wave, echo)[: len(wave)]
    tilt = random.uniform(-0.5, 0.5)
    wave = signal.lfilter([1, tilt], [1], wave)
    return wave / np.abs(wave).max() * 10 ** random.uniform(-1.2, -0.1)


def example(job):
    """Features and text of one training utterance; each fiftieth is a line on which nobody speaks."""
    index, parts = job
    random = np.random.default_rng([SEED, index])
    if index % 50 == 0:
        parts, wave = [], speak.noise(random, 3 * speak.RATE) * 10 ** random.uniform(-4, -1.5)
    else:
        wave = varied(random, spoken(random, parts))
        before, after = (np.zeros(int(random.uniform(*span) * speak.RATE)) for span in ((0.03, 0.6), (0.25, 0.45)))
        wave = np.concatenate([before, wave, after])
        noisy = random.random()
        if noisy < 0.75:
            wave = speak.with_noise(random, wave, random.uniform(5, 20) if noisy < 0.4 else random.uniform(20, 45))
    if random.random() < 0.75:
        wave = speak.upsampled(speak.telephone(random, wave, random.choice([0, 0, 0.01, 0.03])))
    return fbank(wave).astype(np.float16), "".join(parts)


def main(data, count=10000):
    data = pathlib.Path(data)
    data.mkdir(parents=True, exist_ok=True)
    writer = text.Writer(SEED)
    jobs = [(index, writer.training()) for index in range(count)]
    with multiprocessing.Pool(2) as pool:
        for start in range(0, count, SHARD):
            made = pool.map(example, jobs[start : start + SHARD], chunksize=20)
            name = f"{start // SHARD:02}"
            np.save(data / f"features-{name}.npy", np.concatenate([features for features, _ in made]))
            labels = [{"frames": len(features), "text": words} for features, words in made]
            (data / f"labels-{name}.json").write_text(json.dumps(labels, ensure_ascii=False))
            print(name, sum(label["frames"] for label in labels) / 360000, "hours", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
