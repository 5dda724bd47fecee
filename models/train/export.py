"""Writes the ONNX file, with the calibration inside.

    python export.py WEIGHTS.pt CALIBRATION.json OUT.onnx HEIGHT WIDTH

CALIBRATION holds for each label, in the order of the network's, `cell`, `picture`, `offset` and `edge`: a, b, c and d. The
score of the surest box is sigmoid(a x logit of its cell + b x logit of the picture + c); of every other box the logit is
less by d x what its cell's is less. Batch normalisation is folded into the convolutions.
"""

import json
import os
import sys

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import network


class Exported(nn.Module):
    def __init__(self, net, calibration, height, width):
        super().__init__()
        self.net, rows = net, list(calibration.values())
        self.register_buffer("corner", torch.tensor([width, height, width, height], dtype=torch.float32))
        for name in ("cell", "picture", "offset", "edge"):
            self.register_buffer(name, torch.tensor([row[name] for row in rows], dtype=torch.float32))

    def forward(self, images):
        logits, boxes, picture = self.net(images)
        most = logits.amax(1, keepdim=True)
        best = most * self.cell + (picture * self.picture + self.offset)[:, None]
        scores = (best + (logits - most) * self.edge).sigmoid()
        boxes = torch.minimum(boxes.clamp(min=0.0), self.corner)
        low, high = boxes[..., :2], boxes[..., 2:]
        return torch.cat([(low + high) / 2, high - low, scores], 2)


def folded(net):
    for module in net.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Sequential) and len(child) == 3 and isinstance(child[1], nn.BatchNorm2d):
                setattr(module, name, nn.Sequential(fuse_conv_bn_eval(child[0], child[1]), nn.ReLU()))
            elif isinstance(child, nn.Sequential):
                for i, inner in enumerate(child):
                    if isinstance(inner, nn.Sequential) and len(inner) == 3 and isinstance(inner[1], nn.BatchNorm2d):
                        child[i] = nn.Sequential(fuse_conv_bn_eval(inner[0], inner[1]), nn.ReLU())
    return net


def load(weights):
    net = network.Network()
    net.load_state_dict(torch.load(weights)["weights"])
    return net.eval()


def main(weights, calibration, out, height, width):
    with open(calibration) as file:
        module = Exported(folded(load(weights)), json.load(file), height, width).eval()
    example = torch.rand(1, 3, height, width)
    torch.onnx.export(
        module, (example,), out, input_names=["images"], output_names=["output"], opset_version=17, dynamo=False, do_constant_folding=True
    )
    import onnxruntime

    answer = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"]).run(None, {"images": example.numpy()})[0]
    with torch.no_grad():
        difference = abs(answer - module(example).numpy()).max()
    assert answer.dtype == "float32", answer.dtype
    print(out, os.path.getsize(out), "bytes", answer.shape, "largest difference", difference)


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:6]))
