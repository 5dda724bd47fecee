"""Speech by espeak-ng, and what a telephone line makes of it."""

import subprocess

import numpy as np
from scipy import signal

import text

RATE = 16000
LINE_RATE = 8000
ESPEAK_RATE = 22050

# Variants of espeak-ng's voice. A family (edward, edward2) is wholly on one side.
TRAINING_VOICES = (
    "m1 m2 m4 m5 m6 m7 f1 f3 f4 Alex Alicia Andy Annie Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Mike Nguyen adam anika antonio "
    "aunty benjamin boris caleb croak david ed gustave john klatt klatt2 klatt4 linda marcelo miguel pablo paul pedro quincy rob robert sandro shelby "
    "travis victor zac"
).split()
UNSEEN_VOICES = "m3 m8 f2 f5 Andrea edward edward2 iven iven2 klatt3 max norbert belinda steph steph2 michel".split()
TRAINING_SPEEDS, UNSEEN_SPEEDS = (130, 150, 170, 190, 210, 230, 250), (140, 160, 180, 200, 220)
TRAINING_PITCHES, UNSEEN_PITCHES = (20, 30, 40, 50, 60, 70, 80), (25, 35, 45, 55, 65)


def say(parts, voice, speed, pitch):
    """Float samples at 16 kHz without silence around them."""
    words = ", ".join(" ".join(text.pinyin(part)) for part in parts)
    command = ["espeak-ng", "-v", f"cmn-latn-pinyin+{voice}", "-s", str(speed), "-p", str(pitch), "--stdout", words]
    riff = subprocess.run(command, capture_output=True, check=True).stdout
    wave = np.frombuffer(riff[44:], np.int16) / 32768
    loud = np.flatnonzero(np.abs(wave) > 0.01)
    wave = signal.resample_poly(wave[loud[0] : loud[-1] + 1], 320, 441)
    return wave / max(np.abs(wave).max(), 1e-3) * 0.5


def noise(random, length, kind=None):
    """One of four kinds at unit power: white, like rain; pink; the rumble of a street; mains hum with hiss."""
    kind = kind or random.choice(["white", "pink", "street", "hum"])
    white = random.standard_normal(length)
    if kind == "pink":
        spectrum = np.fft.rfft(white) / np.sqrt(np.maximum(np.arange(length // 2 + 1), 20))
        white = np.fft.irfft(spectrum, length)
    elif kind == "street":
        swell = 1 + 0.7 * np.sin(np.arange(length) / RATE * random.uniform(2, 9) + random.uniform(0, 6))
        white = signal.lfilter([1], [1, -0.95], white) * swell
    elif kind == "hum":
        time = np.arange(length) / RATE
        white = 0.3 * white + sum(np.sin(2 * np.pi * 50 * k * time) / k for k in (1, 2, 3, 5, 7, 9))
    return white / (np.sqrt(np.mean(white**2)) + 1e-9)


def with_noise(random, wave, ratio_db, kind=None):
    power = np.sqrt(np.mean(wave[np.abs(wave) > 0.01] ** 2))
    return wave + noise(random, len(wave), kind) * power * 10 ** (-ratio_db / 20)


BAND = signal.butter(4, [300, 3400], "bandpass", fs=LINE_RATE, output="sos")


def telephone(random, wave, loss=0.0):
    """16 kHz samples as they leave an 8 kHz line: 300-3400 Hz, lost packets of 20 ms, G.711 A-law."""
    line = signal.sosfilt(BAND, signal.resample_poly(wave, 1, 2))
    packet = LINE_RATE // 50
    for start in range(packet, len(line), packet):
        if random.random() < loss:
            line[start : start + packet] = 0
    return a_law(line)


def a_law(wave):
    """Coded and decoded: 13 segments, 4 bits in each."""
    size = np.clip(np.abs(wave) * 4096, 0, 4095)
    exponent = np.maximum(np.floor(np.log2(np.maximum(size, 1))), 5)
    step = 2 ** (exponent - 4)
    return np.sign(wave) * (np.floor(size / step) + 0.5) * step / 4096


def upsampled(line):
    """8 to 16 kHz by the recogniser's own resampler: a windowed sinc, 6 zero crossings wide."""
    cutoff, zeros = 0.99 * 0.5 * LINE_RATE, 6
    half = int(zeros / (2 * cutoff) * RATE)
    time = np.arange(-half, half + 1) / RATE
    window = 0.5 * (1 + np.cos(2 * np.pi * cutoff / zeros * time))
    taps = window * 2 * cutoff * np.sinc(2 * cutoff * time) / LINE_RATE
    return signal.upfirdn(taps, line, up=2)[half : half + 2 * len(line)]
