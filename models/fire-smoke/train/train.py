"""Trains one network.

    python train.py FOLD STEPS OUT.pt [--threads 2] [--minutes M] [--cache PICTURES.pkl] [--start WEIGHTS.pt]
        [--peak RATE] [--sides 128,160,160,192] [--stop STEP]

FOLD is the fold that is held out (0 to 3), or -1: train on everything. SHAODIAN_DATA names the folder with images/ and video/.
With --minutes the plan of the learning rate ends then at the latest; the steps that were made are printed and kept. --stop
ends at that step of the plan, --start begins with weights that were made before.
"""

import argparse
import copy
import os
import time

import numpy as np
import torch

import data
import network

SEED, BATCH = 11, 16
PEAK, WARM_UP, DECAY, AVERAGE = 2.5e-3, 60, 0.03, 0.995


def main(fold, steps, out, threads, minutes, start, cache, peak, sides, stop):
    torch.manual_seed(SEED)
    torch.set_num_threads(threads)
    store = data.Store(os.environ["SHAODIAN_DATA"], fold, cache)
    stream = data.Stream(store, BATCH, sides, SEED + fold)
    batches = iter(torch.utils.data.DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=6))
    net = network.Network().to(memory_format=torch.channels_last)
    if start:
        net.load_state_dict(torch.load(start)["weights"], strict=False)
    average = copy.deepcopy(net)
    print(f"fold {fold}: {len(store.names)} sources, {sum(p.numel() for p in net.parameters())} parameters", flush=True)
    heavy = [p for p in net.parameters() if p.dim() > 1]
    light = [p for p in net.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW([{"params": heavy, "weight_decay": DECAY}, {"params": light, "weight_decay": 0}], lr=peak)
    began, parts, step = time.time(), [], 0

    def save():
        torch.save({"weights": average.state_dict(), "steps": step, "fold": fold}, out + ".part")
        os.replace(out + ".part", out)

    while step < stop:
        done = max(step / steps, (time.time() - began) / (minutes * 60) if minutes else 0)
        if done >= 1:
            break
        rate = peak * min(1, (step + 1) / WARM_UP) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * done)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        pictures, truths = next(batches)
        x = pictures.permute(0, 3, 1, 2).float().div_(255)
        value, part = network.loss(net(x), truths, x.shape[-1])
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        step += 1
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
            save()
    save()
    print(f"done: {step} steps in {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("fold", type=int)
    parser.add_argument("steps", type=int)
    parser.add_argument("out")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--start")
    parser.add_argument("--cache")
    parser.add_argument("--peak", type=float, default=PEAK)
    parser.add_argument("--sides", default="128,160,160,192")
    parser.add_argument("--stop", type=int, default=0)
    a = parser.parse_args()
    main(a.fold, a.steps, a.out, a.threads, a.minutes, a.start, a.cache, a.peak, [int(n) for n in a.sides.split(",")], a.stop or a.steps)
