#!/usr/bin/env python3
"""Makes the two toy recognisers beside this file (needs the packages `onnx` and `numpy`).

They have the inputs, outputs and metadata of SenseVoice and of Paraformer as sherpa-onnx exports them, but know two
words: a low tone (mel bands 10 to 24, about 300 to 800 Hz) is written 低, a high one (bands 42 to 56, about 1900 to
3200 Hz) 高. Everything quieter is nothing. So a test can say exactly what a recording must read.
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
FRAMES, BANDS = 7, 80
QUIET = 18.0  # natural logarithm of band power, samples as 16-bit integers


def constant(name, value, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(value, dtype=dtype), name)


def tone(prefix, start, stop):
    """Loudest of the bands in each stacked frame: [N, T, 1]."""
    initializers = [
        constant(f"{prefix}_start", [start], np.int64),
        constant(f"{prefix}_stop", [stop], np.int64),
    ]
    nodes = [
        helper.make_node("Slice", ["bands", f"{prefix}_start", f"{prefix}_stop", "band_axis"], [f"{prefix}_bands"]),
        helper.make_node("ReduceMax", [f"{prefix}_bands"], [f"{prefix}_peak"], axes=[2, 3], keepdims=0),
        helper.make_node("Unsqueeze", [f"{prefix}_peak", "last_axis"], [prefix]),
    ]
    return nodes, initializers


def scores(speech, columns):
    """Scores per frame: `columns` names the tensors ([N, T, 1]) in the order of the vocabulary."""
    low_nodes, low_init = tone("low", 10, 25)
    high_nodes, high_init = tone("high", 42, 57)
    initializers = [
        constant("band_shape", [1, -1, FRAMES, BANDS], np.int64),
        constant("band_axis", [3], np.int64),
        constant("last_axis", [2], np.int64),
        constant("zero", 0.0),
        constant("quiet_level", QUIET),
        constant("never_level", -100.0),
        *low_init,
        *high_init,
    ]
    nodes = [
        helper.make_node("Reshape", [speech, "band_shape"], ["bands"]),
        *low_nodes,
        *high_nodes,
        helper.make_node("Mul", ["low", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "quiet_level"], ["quiet"]),
        helper.make_node("Add", ["nothing", "never_level"], ["never"]),
        helper.make_node("Concat", columns, ["frames"], axis=2),
    ]
    return nodes, initializers


def save(folder, graph, tokens, metadata):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    onnx.checker.check_model(model)
    folder.mkdir(exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    lines = "".join(f"{token} {index}\n" for index, token in enumerate(tokens))
    (folder / "tokens.txt").write_text(lines, encoding="utf-8")


def features():
    width = FRAMES * BANDS
    return {
        "lfr_window_size": FRAMES,
        "lfr_window_shift": 6,
        "neg_mean": ",".join(["0"] * width),
        "inv_stddev": ",".join(["1"] * width),
    }


def floats(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def ints(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.INT32, shape)


def sense_voice():
    tokens = ["<blank>", "<|zh|>", "<|NEUTRAL|>", "<|Speech|>", "<|withitn|>", "低", "高"]
    nodes, initializers = scores("x", ["quiet", "never", "never", "never", "never", "low", "high"])
    # SenseVoice answers its four questions (language, mood, sound, numerals) before the words.
    answers = np.full((1, 4, len(tokens)), -100.0)
    for index in range(4):
        answers[0, index, index + 1] = 100.0
    initializers.append(constant("answers", answers))
    nodes.append(helper.make_node("Concat", ["answers", "frames"], ["logits"], axis=1))
    graph = helper.make_graph(
        nodes,
        "toy_sense_voice",
        [floats("x", "N", "T", FRAMES * BANDS), ints("x_length", "N"), ints("language", "N"), ints("text_norm", "N")],
        [floats("logits", "N", "L", len(tokens))],
        initializers,
    )
    languages = {"lang_auto": 0, "lang_zh": 3, "lang_en": 4, "lang_yue": 7, "lang_ja": 11, "lang_ko": 12}
    metadata = features() | languages | {
        "model_type": "sense_voice_ctc",
        "vocab_size": len(tokens),
        "normalize_samples": 0,
        "with_itn": 14,
        "without_itn": 15,
    }
    save(HERE / "toy-sense-voice", graph, tokens, metadata)


def paraformer():
    tokens = ["<blank>", "<s>", "</s>", "低", "高"]
    # Paraformer gives one row per word and ends at </s>: the toy says one word for the first frame.
    nodes, initializers = scores("speech", ["never", "never", "quiet", "low", "high"])
    initializers += [
        constant("first", [0], np.int64),
        constant("second", [1], np.int64),
        constant("time_axis", [1], np.int64),
        constant("end", [[[-100.0, -100.0, 100.0, -100.0, -100.0]]]),
        constant("word_count", [2], np.int32),
    ]
    nodes += [
        helper.make_node("Slice", ["frames", "first", "second", "time_axis"], ["word"]),
        helper.make_node("Concat", ["word", "end"], ["logits"], axis=1),
        helper.make_node("Identity", ["word_count"], ["token_num"]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy_paraformer",
        [floats("speech", "N", "T", FRAMES * BANDS), ints("speech_lengths", "N")],
        [floats("logits", "N", "L", len(tokens)), ints("token_num", "N")],
        initializers,
    )
    save(HERE / "toy-paraformer", graph, tokens, features() | {"model_type": "paraformer", "vocab_size": len(tokens)})


if __name__ == "__main__":
    sense_voice()
    paraformer()
