#!/usr/bin/env python3
"""Makes the toy models for words while a call runs, beside this file (needs the packages `onnx` and `numpy`).

They have the inputs, outputs, caches and metadata of what they stand for, and know the same two tones as the toys of
`make_toy_models.py`: a low one (about 300 to 800 Hz) and a high one (about 1900 to 3200 Hz).

- `toy-streaming-zipformer`: streaming Zipformer2 CTC of icefall (T = 45, 32 frames a step, all six caches of one
  layer), writes 低 and 高.
- `toy-pair`: `streaming.onnx`, a streaming NeMo CTC model, writes 低 and 高; `final.onnx`, an offline Zipformer CTC
  model for finished speech, writes 矮 and 尖, so that a test sees which of the two spoke.
- `toy-punctuation`: a ct-transformer that puts 。 after the last character and nothing anywhere else.

In both streaming toys a frame counts half and the frame before it half. The frame before a step's first one is in a
cache: lose or mix the caches, and tones come out twice or not at all.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper

from make_toy_models import HERE, constant, floats, save

BANDS = 80
QUIET = -3.5  # natural logarithm of band power, samples as fractions of full scale
LOW, HIGH = (10, 25), (42, 57)


def int64(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.INT64, shape)


def peaks(features, frames):
    """`features` [N, T, 80], 4 to a frame, to `peaks` [N, frames, 2]: loudest low band, loudest high band."""
    initializers = [
        constant("frame_shape", [0, frames, 4, BANDS], np.int64),
        constant("band_axis", [3], np.int64),
        constant("last_axis", [2], np.int64),
    ]
    nodes = [helper.make_node("Reshape", [features, "frame_shape"], ["stacked"])]
    for name, (start, stop) in (("low", LOW), ("high", HIGH)):
        initializers += [constant(f"{name}_start", [start], np.int64), constant(f"{name}_stop", [stop], np.int64)]
        nodes += [
            helper.make_node("Slice", ["stacked", f"{name}_start", f"{name}_stop", "band_axis"], [f"{name}_bands"]),
            helper.make_node("ReduceMax", [f"{name}_bands"], [f"{name}_peak"], axes=[2, 3], keepdims=0),
            helper.make_node("Unsqueeze", [f"{name}_peak", "last_axis"], [name]),
        ]
    nodes.append(helper.make_node("Concat", ["low", "high"], ["peaks"], axis=2))
    return nodes, initializers


def with_past(past, kept):
    """Half of `peaks` and half of what was before; `past` and `kept` are [N, 2, 1]. Gives `spoken` [N, frames, 2]."""
    initializers = [
        constant("minus_one", [-1], np.int64),
        constant("no_end", [2**31], np.int64),
        constant("zero_index", [0], np.int64),
        constant("time_axis", [1], np.int64),
        constant("half", 0.5),
    ]
    nodes = [
        helper.make_node("Transpose", [past], ["before_first"], perm=[0, 2, 1]),
        helper.make_node("Slice", ["peaks", "zero_index", "minus_one", "time_axis"], ["before_others"]),
        helper.make_node("Concat", ["before_first", "before_others"], ["before"], axis=1),
        helper.make_node("Add", ["peaks", "before"], ["both"]),
        helper.make_node("Mul", ["both", "half"], ["spoken"]),
        helper.make_node("Slice", ["peaks", "minus_one", "no_end", "time_axis"], ["last"]),
        helper.make_node("Transpose", ["last"], [kept], perm=[0, 2, 1]),
    ]
    return nodes, initializers


def answer(spoken, output):
    """Logarithms of probabilities; nothing is said where both tones are quieter than `QUIET`."""
    initializers = [constant("quiet", QUIET), constant("none", 0.0)]
    initializers += [constant(name, [value], np.int64) for value, name in enumerate(("first", "one", "two"))]
    nodes = [
        helper.make_node("Slice", [spoken, "first", "one", "two"], ["one_tone"]),
        helper.make_node("Mul", ["one_tone", "none"], ["nothing"]),
        helper.make_node("Add", ["nothing", "quiet"], ["blank"]),
        helper.make_node("Concat", ["blank", spoken], ["scores"], axis=2),
        helper.make_node("LogSoftmax", ["scores"], [output], axis=2),
    ]
    return nodes, initializers


def streaming_zipformer():
    tokens = ["<blk>", "低", "高"]
    # Four encoder channels, one layer, one head of size 1, kernel 3: as small as the contract allows.
    dim, left, frames = 4, 2, 8
    caches = {
        "cached_key_0": [left, "N", 1],
        "cached_nonlin_attn_0": [1, "N", left, 3 * dim // 4],
        "cached_val1_0": [left, "N", 1],
        "cached_val2_0": [left, "N", 1],
        "cached_conv1_0": ["N", dim, 1],
        "cached_conv2_0": ["N", dim, 1],
        "embed_states": ["N", 128, 3, 19],
    }
    nodes, initializers = peaks("used", frames)
    past_nodes, past_initializers = with_past("two_channels", "kept")
    answer_nodes, answer_initializers = answer("spoken", "log_probs")
    initializers += past_initializers + answer_initializers
    initializers += [constant("used_frames", [32], np.int64), constant("step", 16, np.int64)]
    nodes = [
        helper.make_node("Slice", ["x", "zero_index", "used_frames", "time_axis"], ["used"]),
        helper.make_node("Slice", ["cached_conv1_0", "zero_index", "two", "time_axis"], ["two_channels"]),
        *nodes,
        *past_nodes,
        *answer_nodes,
        helper.make_node("Concat", ["kept", "kept"], ["new_cached_conv1_0"], axis=1),
        helper.make_node("Add", ["processed_lens", "step"], ["new_processed_lens"]),
    ]
    for name in caches:
        if name != "cached_conv1_0":
            nodes.append(helper.make_node("Identity", [name], [f"new_{name}"]))
    graph = helper.make_graph(
        nodes,
        "toy_streaming_zipformer",
        [floats("x", "N", 45, BANDS), *(floats(n, *s) for n, s in caches.items()), int64("processed_lens", "N")],
        [
            floats("log_probs", "N", frames, len(tokens)),
            *(floats(f"new_{n}", *s) for n, s in caches.items()),
            int64("new_processed_lens", "N"),
        ],
        initializers,
    )
    metadata = {
        "model_type": "zipformer2",
        "version": 1,
        "comment": "streaming ctc zipformer2",
        "decode_chunk_len": 32,
        "T": 45,
        "num_encoder_layers": 1,
        "encoder_dims": dim,
        "cnn_module_kernels": 3,
        "left_context_len": left,
        "query_head_dims": 1,
        "value_head_dims": 1,
        "num_heads": 1,
    }
    save(HERE / "toy-streaming-zipformer", graph, tokens, metadata)


def streaming_nemo(folder):
    frames, window = 2, 15
    channel, time = ["N", 1, 1, 1], ["N", 1, 2, 1]
    nodes, initializers = peaks("used", frames)
    past_nodes, past_initializers = with_past("past", "kept")
    answer_nodes, answer_initializers = answer("spoken", "logprobs")
    initializers += past_initializers + answer_initializers
    initializers += [constant("used_frames", [8], np.int64), constant("shift", 4, np.int64)]
    nodes = [
        helper.make_node("Transpose", ["audio_signal"], ["by_time"], perm=[0, 2, 1]),
        helper.make_node("Slice", ["by_time", "zero_index", "used_frames", "time_axis"], ["used"]),
        helper.make_node("Squeeze", ["cache_last_time", "time_axis"], ["past"]),
        *nodes,
        *past_nodes,
        *answer_nodes,
        helper.make_node("Unsqueeze", ["kept", "time_axis"], ["cache_last_time_next"]),
        helper.make_node("Div", ["length", "shift"], ["encoded_lengths"]),
        helper.make_node("Identity", ["cache_last_channel"], ["cache_last_channel_next"]),
        helper.make_node("Identity", ["cache_last_channel_len"], ["cache_last_channel_len_next"]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy_streaming_nemo",
        [
            floats("audio_signal", "N", BANDS, window),
            int64("length", "N"),
            floats("cache_last_channel", *channel),
            floats("cache_last_time", *time),
            int64("cache_last_channel_len", "N"),
        ],
        [
            floats("logprobs", "N", frames, 3),
            int64("encoded_lengths", "N"),
            floats("cache_last_channel_next", *channel),
            floats("cache_last_time_next", *time),
            int64("cache_last_channel_len_next", "N"),
        ],
        initializers,
    )
    caches = {"channel": channel, "time": time}
    dims = {f"cache_last_{cache}_dim{i}": shape[i] for cache, shape in caches.items() for i in (1, 2, 3)}
    metadata = {
        "model_type": "EncDecCTCModelBPE",
        "window_size": window,
        "chunk_shift": 8,
        "subsampling_factor": 4,
        "vocab_size": 2,
        "normalize_type": "",
        **dims,
    }
    keep(folder / "streaming.onnx", graph, metadata)


def final_zipformer(folder):
    nodes, initializers = peaks("used", -1)
    answer_nodes, answer_initializers = answer("peaks", "scores_of_tones")
    initializers += answer_initializers
    initializers += [
        constant("zero_index", [0], np.int64),
        constant("time_axis", [1], np.int64),
        constant("four", 4, np.int64),
        # Knows the other tokens of the shared table: 矮 and 尖 for 低 and 高.
        constant("never", np.full((1, 1, 2), -100.0)),
        constant("nil", 0.0),
        constant("tones_start", [1], np.int64),
        constant("tones_end", [3], np.int64),
    ]
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Slice", ["shape", "one", "two"], ["length"]),
        helper.make_node("Div", ["length", "four"], ["whole_frames"]),
        helper.make_node("Mul", ["whole_frames", "four"], ["whole"]),
        helper.make_node("Slice", ["x", "zero_index", "whole", "time_axis"], ["used"]),
        *nodes,
        *answer_nodes,
        helper.make_node("Slice", ["scores_of_tones", "zero_index", "one", "two"], ["blank_score"]),
        helper.make_node("Slice", ["scores_of_tones", "tones_start", "tones_end", "two"], ["tone_scores"]),
        helper.make_node("Mul", ["tone_scores", "nil"], ["nothing_again"]),
        helper.make_node("Add", ["nothing_again", "never"], ["not_these"]),
        helper.make_node("Concat", ["blank_score", "not_these", "tone_scores"], ["log_probs"], axis=2),
        helper.make_node("Div", ["x_lens", "four"], ["log_probs_lens"]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy_final_zipformer",
        [floats("x", "N", "T", BANDS), int64("x_lens", "N")],
        [floats("log_probs", "N", "L", 5), int64("log_probs_lens", "N")],
        initializers,
    )
    keep(folder / "final.onnx", graph, {"model_type": "zipformer2_ctc", "version": 1, "comment": "toy"})


def punctuation():
    tokens = ["<blank>", "低", "高", "<unk>"]
    marks = ["<unk>", "_", "，", "。", "？", "、"]
    # No mark anywhere but after the last character.
    quiet, stop = np.full((1, 1, 6), -10.0), np.full((1, 1, 6), -10.0)
    quiet[..., 1], stop[..., 3] = 10.0, 10.0
    nodes = [
        helper.make_node("Cast", ["inputs"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["numbers", "nil"], ["zeros"]),
        helper.make_node("Unsqueeze", ["zeros", "two"], ["column"]),
        helper.make_node("Add", ["column", "quiet"], ["marks"]),
        helper.make_node("Slice", ["marks", "first", "minus_one", "one"], ["before"]),
        helper.make_node("Slice", ["column", "minus_one", "no_end", "one"], ["end"]),
        helper.make_node("Add", ["end", "stop"], ["last"]),
        helper.make_node("Concat", ["before", "last"], ["logits"], axis=1),
    ]
    initializers = [
        constant("nil", 0.0),
        constant("two", [2], np.int64),
        constant("one", [1], np.int64),
        constant("first", [0], np.int64),
        constant("minus_one", [-1], np.int64),
        constant("no_end", [2**31], np.int64),
        constant("quiet", quiet),
        constant("stop", stop),
    ]
    int32 = TensorProto.INT32
    graph = helper.make_graph(
        nodes,
        "toy_punctuation",
        [
            helper.make_tensor_value_info("inputs", int32, ["N", "T"]),
            helper.make_tensor_value_info("text_lengths", int32, ["N"]),
        ],
        [floats("logits", "N", "T", len(marks))],
        initializers,
    )
    folder = HERE / "toy-punctuation"
    folder.mkdir(exist_ok=True)
    metadata = {
        "model_type": "ct_transformer",
        "tokens": "|".join(tokens),
        "vocab_size": len(tokens),
        "punctuations": "|".join(marks),
        "unk_symbol": "<unk>",
    }
    keep(folder / "model.onnx", graph, metadata)


def keep(path, graph, metadata):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


if __name__ == "__main__":
    streaming_zipformer()
    pair = HERE / "toy-pair"
    pair.mkdir(exist_ok=True)
    streaming_nemo(pair)
    final_zipformer(pair)
    shared = ["<blk>", "低", "高", "矮", "尖"]
    (pair / "tokens.txt").write_text("".join(f"{t} {i}\n" for i, t in enumerate(shared)), encoding="utf-8")
    punctuation()
