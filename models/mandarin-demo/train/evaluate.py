"""Character error rates and times of the exported files, by sherpa-onnx itself.

    python evaluate.py FOLDER [HUMAN...]      writes FOLDER/train/measured.json

HUMAN is a folder of recordings with transcripts.tsv (columns id, text), or one such folder and its file list
(FOLDER=FILE.tsv).
"""

import csv
import json
import pathlib
import re
import sys
import time
import wave

import numpy as np
import sherpa_onnx

import speak
import text

SEED, COUNT = 4711, 300
PIECE_MS, TAIL_MS = 100, 500
CONDITIONS = {
    "clean": (None, None, 0.0),
    "telephone": (30, "telephone", 0.0),
    "telephone, noise at 10 dB, 1 % loss": (10, "telephone", 0.01),
    "telephone, noise at 5 dB, 1 % loss": (5, "telephone", 0.01),
}


def recognisers(folder):
    tokens = str(folder / "tokens.txt")
    online = sherpa_onnx.OnlineRecognizer.from_zipformer2_ctc(model=str(folder / "streaming.onnx"), tokens=tokens, num_threads=1)
    offline = sherpa_onnx.OfflineRecognizer.from_zipformer_ctc(model=str(folder / "final.onnx"), tokens=tokens, num_threads=1)
    return online, offline


def stream(online, samples, rate):
    """The text, when each partial result came (in ms of sound heard), and seconds of work."""
    s, partials, before = online.create_stream(), [], ""
    samples = np.concatenate([samples, np.zeros(rate * TAIL_MS // 1000)]).astype(np.float32)
    piece = rate * PIECE_MS // 1000
    began = time.perf_counter()
    for start in range(0, len(samples), piece):
        s.accept_waveform(rate, samples[start : start + piece])
        while online.is_ready(s):
            online.decode_stream(s)
        now = online.get_result(s)
        if now != before:
            partials.append((start + piece) * 1000 // rate)
            before = now
    return before, partials, time.perf_counter() - began


def whole(offline, samples, rate):
    s = offline.create_stream()
    began = time.perf_counter()
    s.accept_waveform(rate, samples.astype(np.float32))
    offline.decode_stream(s)
    return s.result.text, time.perf_counter() - began


def errors(wanted, heard):
    """Edit distance in characters."""
    row = list(range(len(heard) + 1))
    for i, a in enumerate(wanted, 1):
        corner, row[0] = row[0], i
        for j, b in enumerate(heard, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (a != b))
    return row[-1]


class Tally:
    """Errors and times over many utterances."""

    def __init__(self, online, offline):
        self.online, self.offline = online, offline
        self.characters, self.wrong = 0, np.zeros(2, int)
        self.work, self.sound = np.zeros(2), 0.0
        self.first, self.last, self.examples = [], [], []

    def add(self, wanted, samples, rate, speech_ms=None):
        heard, partials, streaming_work = stream(self.online, samples, rate)
        final, final_work = whole(self.offline, samples, rate)
        self.characters += len(wanted)
        wrong = [errors(wanted, heard), errors(wanted, final)]
        self.wrong += wrong
        self.work += [streaming_work, final_work]
        self.sound += len(samples) / rate
        if speech_ms and partials:
            self.first.append(partials[0] - speech_ms[0])
            self.last.append(partials[-1] - speech_ms[1])
        if len(self.examples) < 4:
            self.examples.append({"said": wanted, "streaming": heard, "final": final})
        return wrong

    def report(self):
        speed = [round(float(work) / self.sound, 4) for work in self.work]
        found = {
            "characters": self.characters,
            "cer_percent": rates(self.wrong.tolist(), self.characters),
            "work_per_second_of_sound_one_thread": {"streaming": speed[0], "final": speed[1]},
            "examples": self.examples,
        }
        if self.first:
            found["first_partial_after_start_of_speech_ms"] = percentiles(self.first)
            found["last_partial_after_end_of_speech_ms"] = percentiles(self.last)
        return found


def rates(wrong, characters):
    return {name: round(100 * count / characters, 1) for name, count in zip(("streaming", "final"), wrong)}


def percentiles(values):
    return {f"p{p}": int(np.percentile(values, p)) for p in (50, 95)}


def spoken():
    """Sentences, voices, speeds and pitches that training never had, each said once for all conditions."""
    for index, parts in enumerate(text.Writer(SEED).test(COUNT)):
        random = np.random.default_rng([SEED, index])
        voice, speed, pitch = (random.choice(g) for g in (speak.UNSEEN_VOICES, speak.UNSEEN_SPEEDS, speak.UNSEEN_PITCHES))
        yield index, "".join(parts), voice, speak.say(parts, voice, speed, pitch) * random.uniform(0.3, 1.5)


def over_line(index, said, condition):
    """Samples and rate under a condition, after 300 ms of the line alone, and when speech starts and ends."""
    ratio, line, loss = CONDITIONS[condition]
    random = np.random.default_rng([SEED, index, 1])
    quiet = np.zeros(speak.RATE * 3 // 10)
    samples, rate = np.concatenate([quiet, said, quiet]), speak.RATE
    if ratio is not None:
        samples = speak.with_noise(random, samples, ratio)
    if line:
        samples, rate = speak.telephone(random, samples, loss), speak.LINE_RATE
    return samples, rate, (300, 300 + len(said) * 1000 // speak.RATE)


def recordings(source):
    """Human recordings: only Chinese characters of the transcript count, those outside the vocabulary too."""
    folder, _, names = str(source).partition("=")
    folder = pathlib.Path(folder)
    with open(names or folder / "transcripts.tsv", encoding="utf-8") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            path = folder / f"{row['id']}.wav"
            if path.exists():
                with wave.open(str(path)) as sound:
                    samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16) / 32768
                    yield "".join(re.findall("[\u4e00-\u9fff]", row["text"])), samples, sound.getframerate()


def main(folder, humans):
    folder = pathlib.Path(folder)
    online, offline = recognisers(folder)
    known = set(text.vocabulary())
    measured = {"sherpa_onnx": sherpa_onnx.__version__, "unseen": {}, "unseen_by_voice_on_telephone": {}, "human": {}}
    tallies, voices = {condition: Tally(online, offline) for condition in CONDITIONS}, {}
    for index, wanted, voice, said in spoken():
        for condition, tally in tallies.items():
            samples, rate, speech_ms = over_line(index, said, condition)
            wrong = tally.add(wanted, samples, rate, speech_ms)
            if condition == "telephone":
                voices.setdefault(voice, []).append([len(wanted), *wrong])
    for condition, tally in tallies.items():
        measured["unseen"][condition] = tally.report()
        print(condition, tally.report()["cer_percent"], flush=True)
    for voice, counts in sorted(voices.items()):
        characters, *wrong = np.sum(counts, 0).tolist()
        measured["unseen_by_voice_on_telephone"][voice] = {"characters": characters} | rates(wrong, characters)
    for source in humans:
        tally, outside = Tally(online, offline), 0
        for said, samples, rate in recordings(source):
            tally.add(said, samples, rate)
            outside += sum(c not in known for c in said)
        name = pathlib.Path(source.partition("=")[0]).name
        measured["human"][name] = tally.report() | {"outside_vocabulary_percent": round(100 * outside / tally.characters, 1)}
        print(name, measured["human"][name]["cer_percent"], flush=True)
    (folder / "train/measured.json").write_text(json.dumps(measured, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
