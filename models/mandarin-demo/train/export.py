"""Writes the two ONNX files, tokens.txt and vocabulary.txt.

    python export.py WEIGHTS.pkl FOLDER

Large weights are kept in 8 bits with one scale an output; the runtime turns them into floats once, when it loads.
"""

import pathlib
import pickle
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import network
import text

# One frame of 80 ms at a time; 15 frames of 10 ms make it.
CHUNK_SHIFT, WINDOW = 8, 15
# sherpa-onnx takes every CTC model's frames to be 40 ms long, so each of ours is said twice.
REPEATS = 2
# Digital silence, put behind a recording so that the network can finish its last character.
SILENCE, SILENCE_FRAMES = float(np.log(np.finfo(np.float32).eps)), 32


class Graph:
    """Collects nodes and weights; each method returns the name of what it makes."""

    def __init__(self):
        self.nodes, self.weights = [], []

    def name(self):
        return f"n{len(self.nodes) + len(self.weights)}"

    def op(self, kind, *inputs, outputs=None, **attributes):
        outputs = outputs or [self.name()]
        self.nodes.append(helper.make_node(kind, list(inputs), outputs, **attributes))
        return outputs[0] if len(outputs) == 1 else outputs

    def constant(self, value, kind=np.float32):
        name = self.name()
        self.weights.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def weight(self, value, axis):
        """8 bits; one scale for each index of `axis`, the outputs."""
        others = tuple(i for i in range(value.ndim) if i != axis)
        scale = np.maximum(np.abs(value).max(others, keepdims=True), 1e-8) / 127
        whole = self.op("Cast", self.constant(np.round(value / scale), np.int8), to=TensorProto.FLOAT)
        return self.op("Mul", whole, self.constant(scale))

    def swish(self, x):
        return self.op("Mul", x, self.op("Sigmoid", x))

    def linear(self, x, weight, bias):
        return self.op("Add", self.op("MatMul", x, self.weight(weight, 1)), self.constant(bias))

    def front(self, x, held):
        """[batch, 80, time] to [batch, time / 8, width]."""
        shape = (1, network.BINS, 1)
        x = self.op("Mul", self.op("Sub", x, self.constant(held["mean"].reshape(shape))), self.constant(1 / held["deviation"].reshape(shape)))
        for name in ("first", "second", "third"):
            matrix = held["weights"][name]
            kernel = matrix.reshape(3, -1, matrix.shape[1]).transpose(2, 1, 0)
            bias = self.constant(held["weights"][name + "_bias"])
            x = self.swish(self.op("Conv", x, self.weight(kernel, 0), bias, strides=[2]))
        return self.op("Transpose", x, perm=[0, 2, 1])

    def block(self, x, p, before, past=None):
        """One residual block, with zeros around or with the frames of `past` before; also the frames for next time."""
        taps, width = p["time"].shape
        following = None
        h = self.op("Transpose", x, perm=[0, 2, 1])
        if past:
            h = self.op("Concat", past, h, axis=2)
            following = self.op("Slice", h, *[self.constant([v], np.int64) for v in (1 - taps, 2**31, 2)])
        kernel = self.constant(p["time"].T[:, None, :])
        h = self.op("Conv", h, kernel, group=width, pads=[0, 0] if past else [before, taps - 1 - before])
        h = self.op("Transpose", h, perm=[0, 2, 1])
        h = self.op("LayerNormalization", h, self.constant(p["scale"]), self.constant(p["shift"]), axis=-1, epsilon=1e-5)
        h = self.linear(self.swish(self.linear(h, p["up"], p["up_bias"])), p["down"], p["down_bias"])
        return self.op("Add", x, h), following

    def answer(self, x, head, output):
        """Logarithms of probabilities, each frame `REPEATS` times."""
        x = self.op("LogSoftmax", self.linear(x, head["out"], head["out_bias"]), axis=-1)
        x = self.op("Unsqueeze", x, self.constant([2], np.int64))
        x = self.op("Concat", *[x] * REPEATS, axis=2)
        self.op("Reshape", x, self.constant([0, -1, head["out"].shape[1]], np.int64), outputs=[output])

    def save(self, path, inputs, outputs, metadata):
        graph = helper.make_graph(self.nodes, path.stem, inputs, outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)


def tensor(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def counts(name):
    return tensor(name, ["batch"], TensorProto.INT64)


def streaming(held, path):
    """sherpa-onnx's contract of streaming Zipformer CTC models.

    Six states a layer: the four of its attention and the second of its convolutions hold nothing here, the first of its
    convolutions holds the frames before.
    """
    p, g = held["weights"], Graph()
    size, layers, width, before = p["streaming"]["out"].shape[1], len(p["causal"]), network.WIDTH, network.CAUSAL_TAPS - 1
    inputs, outputs = [tensor("x", ["batch", WINDOW, network.BINS])], [tensor("log_probs", ["batch", REPEATS, size])]

    def state(name, shape, kind=TensorProto.FLOAT, following=None):
        """A state and its successor, the same unless given."""
        inputs.append(tensor(name, shape, kind))
        outputs.append(tensor("new_" + name, shape, kind))
        g.op("Identity", following or name, outputs=["new_" + name])

    x = g.front(g.op("Transpose", "x", perm=[0, 2, 1]), held)
    for i, layer in enumerate(p["causal"]):
        x, kept = g.block(x, layer, before, f"cached_conv1_{i}")
        state(f"cached_key_{i}", [1, "batch", 1])
        state(f"cached_nonlin_attn_{i}", [1, "batch", 1, 3 * width // 4])
        state(f"cached_val1_{i}", [1, "batch", 1])
        state(f"cached_val2_{i}", [1, "batch", 1])
        state(f"cached_conv1_{i}", ["batch", width, before], following=kept)
        state(f"cached_conv2_{i}", ["batch", width, before])
    state("embed_states", ["batch", 128, 3, 19])
    state("processed_lens", ["batch"], TensorProto.INT64)
    g.answer(x, p["streaming"], "log_probs")
    g.save(path, inputs, outputs, {
        "model_type": "zipformer2", "T": WINDOW, "decode_chunk_len": CHUNK_SHIFT, "num_encoder_layers": layers, "encoder_dims": width,
        "cnn_module_kernels": 2 * before, "left_context_len": 1, "query_head_dims": 1, "value_head_dims": 1, "num_heads": 1,
    })  # fmt: skip


def final(held, path):
    """sherpa-onnx's contract of offline Zipformer CTC models: features and their lengths in, probabilities out."""
    p, g = held["weights"], Graph()
    size = p["final"]["out"].shape[1]
    behind = [g.constant(value, kind) for value, kind in (([0, 0, 0, 0, SILENCE_FRAMES, 0], np.int64), (SILENCE, np.float32))]
    x = g.front(g.op("Transpose", g.op("Pad", "x", *behind), perm=[0, 2, 1]), held)
    for one in p["causal"]:
        x, _ = g.block(x, one, network.CAUSAL_TAPS - 1)
    for one in p["symmetric"]:
        x, _ = g.block(x, one, network.SYMMETRIC_TAPS // 2)
    g.answer(x, p["final"], "log_probs")
    # (frames + silence - 7) / 8 frames of 80 ms.
    count = g.op("Add", "x_lens", g.constant([SILENCE_FRAMES - 7], np.int64))
    count = g.op("Div", count, g.constant([8], np.int64))
    g.op("Mul", count, g.constant([REPEATS], np.int64), outputs=["log_probs_lens"])
    inputs = [tensor("x", ["batch", "time", network.BINS]), counts("x_lens")]
    outputs = [tensor("log_probs", ["batch", "frames", size]), counts("log_probs_lens")]
    g.save(path, inputs, outputs, {"model_type": "zipformer2_ctc", "vocab_size": size})


def main(weights, folder):
    held = pickle.loads(pathlib.Path(weights).read_bytes())
    folder = pathlib.Path(folder)
    characters = text.vocabulary()
    (folder / "tokens.txt").write_text("".join(f"{c} {i}\n" for i, c in enumerate(["<blk>", *characters])))
    (folder / "vocabulary.txt").write_text("".join(f"{c}\n" for c in characters))
    streaming(held, folder / "streaming.onnx")
    final(held, folder / "final.onnx")
    for name in ("streaming.onnx", "final.onnx"):
        print(name, (folder / name).stat().st_size, "bytes")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
