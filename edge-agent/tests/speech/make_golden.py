#!/usr/bin/env python3
"""What the Python package `sherpa-onnx` reads with the toys: golden.json (needs `sherpa-onnx` 2.0.1 and `numpy`).

Each recording is given in pieces of 100 ms, decoded as far as possible after each; partial results are noted where
they change. Then 660 ms of silence and the end. Also makes tones-8k.wav, the recording with words for the toys.
"""

import json
import pathlib
import wave

import numpy as np
import sherpa_onnx

HERE = pathlib.Path(__file__).parent
RATE = 8_000
PIECE, TAIL = RATE // 10, RATE * 66 // 100
# Hz (0 = silence) and milliseconds; 0.37 s so that tones meet the ends of steps at many places.
TONES = [(0, 300), (500, 370), (0, 170), (2500, 370), (500, 230), (0, 370)]
TONES += [(500, 110), (0, 90), (500, 470), (2500, 640), (0, 250)]


def tones():
    sound = [np.sin(2 * np.pi * hz * np.arange(RATE * ms // 1000) / RATE) * 8_000 for hz, ms in TONES]
    with wave.open(str(HERE / "tones-8k.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.concatenate(sound).astype("<i2").tobytes())


def samples(name):
    with wave.open(str(HERE / name)) as file:
        assert file.getframerate() == RATE and file.getnchannels() == 1
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32_768


def streaming(recogniser, sound):
    stream, partials = recogniser.create_stream(), []

    def give(part):
        stream.accept_waveform(RATE, part)
        while recogniser.is_ready(stream):
            recogniser.decode_stream(stream)
        text = recogniser.get_result(stream)
        if text and (not partials or partials[-1] != text):
            partials.append(text)

    for start in range(0, len(sound), PIECE):
        give(sound[start : start + PIECE])
    stream.accept_waveform(RATE, np.zeros(TAIL, np.float32))
    stream.input_finished()
    while recogniser.is_ready(stream):
        recogniser.decode_stream(stream)
    times = [round(float(t), 2) for t in recogniser.timestamps(stream)]
    return {"partials": partials, "tokens": recogniser.tokens(stream), "times": times}


def finished(recogniser, sound):
    stream = recogniser.create_stream()
    stream.accept_waveform(RATE, sound)
    recogniser.decode_stream(stream)
    return {"tokens": stream.result.tokens, "times": [round(float(t), 2) for t in stream.result.timestamps]}


def main():
    tones()
    online, offline = sherpa_onnx.OnlineRecognizer, sherpa_onnx.OfflineRecognizer
    readers = {
        "toy-streaming-zipformer": (
            streaming,
            online.from_zipformer2_ctc(
                tokens=str(HERE / "toy-streaming-zipformer/tokens.txt"),
                model=str(HERE / "toy-streaming-zipformer/model.onnx"),
            ),
        ),
        "toy-pair/streaming": (
            streaming,
            online.from_nemo_ctc(tokens=str(HERE / "toy-pair/tokens.txt"), model=str(HERE / "toy-pair/streaming.onnx")),
        ),
        "toy-pair/final": (
            finished,
            offline.from_zipformer_ctc(
                tokens=str(HERE / "toy-pair/tokens.txt"), model=str(HERE / "toy-pair/final.onnx")
            ),
        ),
    }
    recordings = ["tones-8k.wav", "hello-8k.wav"]
    golden = {
        name: {recording: read(recogniser, samples(recording)) for recording in recordings}
        for name, (read, recogniser) in readers.items()
    }
    text = json.dumps(golden, ensure_ascii=False, indent=1)
    (HERE / "golden.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
