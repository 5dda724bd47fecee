#!/usr/bin/env python3
"""Makes the toy detectors beside it: python3 make_toy_detectors.py (wants the packages onnx and numpy)

toy-crowd says of any picture that 300 things stand in it on a grid, each as sure as the picture is bright. It keeps to
the generic contract of docs/MODELS.md, and its batch is dynamic.

toy-fragile sees nobody, and fails at work as soon as anything in the picture is white: it then reaches beyond a table.

toy-pose says of anybody that he stands, as surely as the picture is bright.
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE, ACROSS, DOWN = 64, 20, 15

base = np.zeros((1, ACROSS * DOWN, 6), np.float32)
for n in range(ACROSS * DOWN):
    x, y = n % ACROSS / ACROSS * SIDE, n // ACROSS / DOWN * SIDE
    # x1, y1, x2, y2, score, class: the first row burns, all others are people.
    base[0, n] = [x, y, x + 2.5, y + 3.5, 0, 1 if n < ACROSS else 0]
score = np.zeros((1, 1, 6), np.float32)
score[0, 0, 4] = 1 / 255

graph = helper.make_graph(
    [
        helper.make_node("ReduceMean", ["picture", "axes"], ["mean"], keepdims=0),
        helper.make_node("Reshape", ["mean", "shape"], ["column"]),
        helper.make_node("Mul", ["column", "score"], ["scores"]),
        helper.make_node("Add", ["scores", "base"], ["found"]),
    ],
    "toy-crowd",
    [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
    [helper.make_tensor_value_info("found", TensorProto.FLOAT, ["n", ACROSS * DOWN, 6])],
    [
        numpy_helper.from_array(np.array([1, 2, 3], np.int64), "axes"),
        numpy_helper.from_array(np.array([-1, 1, 1], np.int64), "shape"),
        numpy_helper.from_array(score, "score"),
        numpy_helper.from_array(base, "base"),
    ],
)


def save(name, graph):
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], producer_name="make_toy_detectors"
    )
    model.ir_version = 9
    onnx.checker.check_model(model)
    onnx.save(model, pathlib.Path(__file__).parent / name / f"{name}.onnx")


save("toy-crowd", graph)

fragile = helper.make_graph(
    [
        helper.make_node("ReduceMax", ["picture"], ["brightest"], keepdims=0),
        helper.make_node("Greater", ["brightest", "white"], ["is_white"]),
        helper.make_node("Cast", ["is_white"], ["row"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "row"], ["found"], axis=0),
    ],
    "toy-fragile",
    [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
    [helper.make_tensor_value_info("found", TensorProto.FLOAT, [1, 1, 6])],
    [
        numpy_helper.from_array(np.array(200, np.float32), "white"),
        numpy_helper.from_array(np.zeros((1, 1, 1, 6), np.float32), "table"),
    ],
)
save("toy-fragile", fragile)

joints = np.zeros((1, 1, 17, 3), np.float32)
joints[..., 1] = 0.5
for height, pair in [(0.2, (5, 6)), (0.5, (11, 12)), (0.7, (13, 14)), (0.9, (15, 16))]:
    joints[0, 0, list(pair), 0] = height
sure = np.zeros((1, 1, 17, 3), np.float32)
sure[..., 2] = 1 / 255

pose = helper.make_graph(
    [
        helper.make_node("Cast", ["picture"], ["bright"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["bright"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "sure"], ["scores"]),
        helper.make_node("Add", ["scores", "joints"], ["found"]),
    ],
    "toy-pose",
    [helper.make_tensor_value_info("picture", TensorProto.UINT8, [1, 32, 32, 3])],
    [helper.make_tensor_value_info("found", TensorProto.FLOAT, [1, 1, 17, 3])],
    [numpy_helper.from_array(joints, "joints"), numpy_helper.from_array(sure, "sure")],
)
save("toy-pose", pose)
