"""Trains one network on a stream of batches.

Every detector's `train.py` gives its stream; the network, the loss and the plan of the learning rate are the same.
"""

import argparse
import copy
import os
import time

import numpy as np
import torch

import network

SEED, BATCH = 11, 16
PEAK, WARM_UP, DECAY, AVERAGE = 2.5e-3, 60, 0.03, 0.995


def options(parser):
    parser.add_argument("steps", type=int)
    parser.add_argument("out", help="weights to write (.pt)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--start", help="begin with weights that were made before")
    parser.add_argument("--stop", type=int, help="ends at this step of the plan")
    parser.add_argument("--peak", type=float, default=PEAK, help="highest learning rate")
    return parser


def learn(stream, args, about):
    """`stream`: an iterable data set of (pictures [B, H, W, 3] bytes, list of [n, 5] tensors: label, corners in pixels).
    `about` is kept with the weights. The learning rate rises for WARM_UP steps and falls along a cosine until the last."""
    torch.manual_seed(SEED)
    torch.set_num_threads(args.threads)
    batches = iter(torch.utils.data.DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=6))
    net = network.Network().to(memory_format=torch.channels_last)
    if args.start:
        net.load_state_dict(torch.load(args.start)["weights"], strict=False)
    average = copy.deepcopy(net)
    print(f"{about}: {sum(p.numel() for p in net.parameters())} parameters", flush=True)
    heavy = [p for p in net.parameters() if p.dim() > 1]
    light = [p for p in net.parameters() if p.dim() <= 1]
    groups = [{"params": heavy, "weight_decay": DECAY}, {"params": light, "weight_decay": 0}]
    optimiser = torch.optim.AdamW(groups, lr=args.peak)
    began, parts = time.time(), []

    def save(step):
        torch.save({"weights": average.state_dict(), "steps": step, **about}, args.out + ".part")
        os.replace(args.out + ".part", args.out)

    last = args.stop or args.steps
    for step in range(1, last + 1):
        rate = args.peak * min(1, step / WARM_UP) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * (step - 1) / args.steps)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        pictures, truths = next(batches)
        x = pictures.permute(0, 3, 1, 2).float().div_(255)
        value, part = network.loss(net(x), truths, x.shape[-2:])
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        with torch.no_grad():
            keep = min(AVERAGE, step / (step + 10))
            for mine, new in zip(average.state_dict().values(), net.state_dict().values()):
                if mine.dtype.is_floating_point:
                    mine.lerp_(new, 1 - keep)
                else:
                    mine.copy_(new)
        parts.append(part)
        if step % 50 == 0:
            shown = " ".join(f"{v:.3f}" for v in np.mean(parts, 0))
            print(f"{step} {time.time() - began:.0f}s rate {rate:.5f} loss: cells, boxes, picture {shown}", flush=True)
            parts = []
        if step % 200 == 0:
            save(step)
    save(last)
    print(f"done: {last} steps in {time.time() - began:.0f} s", flush=True)


def arguments(description):
    return options(argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter))
