"""Averages the weights of two networks, one of which went on from where the other was.

    python average.py OUT.pt A.pt B.pt
"""

import sys

import torch

if __name__ == "__main__":
    out, first, second = sys.argv[1:4]
    a, b = torch.load(first), torch.load(second)
    weights = {k: (v + b["weights"][k]) / 2 if v.dtype.is_floating_point else v for k, v in a["weights"].items()}
    torch.save({**a, "weights": weights}, out)
