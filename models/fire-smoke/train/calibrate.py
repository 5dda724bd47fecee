"""From the held-out folds: the scale of the scores, and the figures of the held-out folds.

    python calibrate.py CALIBRATION.json FIGURES.json WEIGHTS0.pt [WEIGHTS1.pt ...]

Every file of weights knows the fold that it never saw. For each label a logistic regression on the best cell's logit and the
picture's logit is fitted to the pictures of these folds, and moved so that the best F1 over all of them lies at 0.5. Figures
with "nested" come from a scale that was fitted to the other folds alone.
"""

import json
import os
import pathlib
import sys

import numpy as np
import torch

import data
import export
import measure
import sources

SIDE = 256
# How much less sure than the best box of a picture the others are, beside what their cells say: as they are for 1. The greater, the
# less do boxes of one sure picture go before the best ones of others.
EDGE = 2.0


def look(net, pictures, side):
    """Raw answers: cell logits, boxes as shares, picture logits."""
    held = []
    with torch.no_grad():
        for start in range(0, len(pictures), 8):
            x = torch.from_numpy(np.stack([fitted(p, side) for p in pictures[start : start + 8]]))
            logits, boxes, picture = net(x)
            for i in range(len(x)):
                held.append((logits[i].numpy(), (boxes[i].clamp(0, side) / side).numpy(), picture[i].numpy()))
    return held


def fitted(picture, side):
    """Scaled evenly into the upper left corner, grey below and to the right; planes, 0..1."""
    from PIL import Image

    scale = side / max(picture.shape[:2])
    height, width = (min(side, round(n * scale)) for n in picture.shape[:2])
    canvas = np.full((side, side, 3), 114, np.uint8)
    canvas[:height, :width] = np.asarray(Image.fromarray(picture).resize((width, height), Image.BILINEAR))
    return canvas.transpose(2, 0, 1).astype(np.float32) / 255


def fit(cell, picture, truth, weight):
    """Logistic regression with a little pull to (1, 0.3)."""
    x = torch.tensor(np.stack([cell, picture, np.ones_like(cell)], 1), dtype=torch.float64)
    y, w = torch.tensor(truth, dtype=torch.float64), torch.tensor(weight / weight.sum(), dtype=torch.float64)
    aim = torch.tensor([1.0, 0.3, 0.0], dtype=torch.float64)
    p = aim.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([p], max_iter=200)

    def closure():
        optimiser.zero_grad()
        pull = 0.01 * ((p[:2] - aim[:2]) ** 2).sum()
        value = (w * torch.nn.functional.binary_cross_entropy_with_logits(x @ p, y, reduction="none")).sum() + pull
        value.backward()
        return value

    optimiser.step(closure)
    a, b, c = p.detach().tolist()
    a, b = max(a, 0.05), max(b, 0.0)
    threshold, f1 = measure.best_threshold(a * cell + b * picture, truth, weight)
    return {"cell": round(a, 4), "picture": round(b, 4), "offset": round(-threshold, 4), "edge": round(EDGE * (a + b), 4)}, f1


def scored(raw, calibration):
    """Kept boxes by label."""
    logits, boxes, picture = raw
    found = []
    for label, name in enumerate(measure.LABELS):
        k = calibration[name]
        most = logits[:, label].max()
        logit = k["cell"] * most + k["picture"] * picture[label] + k["offset"] + k["edge"] * (logits[:, label] - most)
        score = 1 / (1 + np.exp(-logit))
        found.append(measure.kept(boxes, score))
    return found


def conditions(picture, boxes, source):
    """In words: light and place as far as they can be told, size of the greatest box."""
    light = "night" if np.median(picture.max(-1)) < 70 or source in ("street-night", "night-blaze") else "day or lit"
    indoor = {"window", "queue", "fog-machine", "cellar", "kitchen", "hand", "office", "shed", "test2", "pink-room", "dark-window"}
    size = max(((x1 - x0) * (y1 - y0) for _, x0, y0, x1, y1 in boxes), default=0)
    named = "none" if not boxes else "box under 5 %" if size < 0.05 else "box 5 to 30 %" if size < 0.3 else "box 30 to 80 %" if size < 0.8 else "box over 80 %"
    return light, "indoors" if source in indoor else "outdoors", named


def f1_report(best, truth, sources_):
    out = {}
    for label, name in enumerate(measure.LABELS):
        out[name] = measure.rates(best[:, label], truth[:, label])
        out[name]["by source (said / pictures with it / pictures)"] = {
            s: f"{int((best[m, label] >= 0.5).sum())} / {int(truth[m, label].sum())} / {int(m.sum())}" for s in sorted(set(sources_.tolist())) for m in [sources_ == s]
        }
    return out


def main(out, figures, weights):
    torch.set_num_threads(1)
    root = pathlib.Path(os.environ["SHAODIAN_DATA"]) / "images" / "fire-smoke"
    side = SIDE
    rows = sources.pictures(root)
    raws, truths, origin, folds, marks = [], [], [], [], []
    for path in weights:
        fold = torch.load(path)["fold"]
        mine = [r for r in rows if sources.fold_of(r[2]) == fold]
        pictures = [data.small(r[0]) for r in mine]
        raws += look(export.load(path), pictures, side)
        for picture, (_, boxes, source) in zip(pictures, mine):
            truths.append(data.corners(boxes))
            origin.append(source)
            folds.append(fold)
            marks.append(conditions(picture, truths[-1], source))
    origin, folds = np.array(origin), np.array(folds)
    present = np.array([[any(b[0] == label for b in t) for label in (0, 1)] for t in truths])
    cell = np.array([r[0].max(0) for r in raws])
    whole = np.array([r[2] for r in raws])
    weight = np.array([1 / np.sqrt((origin == o).sum()) for o in origin])

    def fitted_to(mask):
        made = {name: fit(cell[mask, l], whole[mask, l], present[mask, l], weight[mask])[0] for l, name in enumerate(measure.LABELS)}
        for l, name in enumerate(measure.LABELS):  # the threshold itself by plain pictures
            k = made[name]
            k["offset"] = -round(measure.best_threshold(k["cell"] * cell[mask, l] + k["picture"] * whole[mask, l], present[mask, l])[0], 4)
        return made

    def values(k, mask):
        k = [k[name] for name in measure.LABELS]
        logit = np.stack([k[l]["cell"] * cell[mask, l] + k[l]["picture"] * whole[mask, l] + k[l]["offset"] for l in (0, 1)], 1)
        return 1 / (1 + np.exp(-logit))

    calibration = fitted_to(np.ones(len(cell), bool))
    best = values(calibration, np.ones(len(cell), bool))
    report = {"side": side, "folds": sorted(set(folds.tolist())), "calibration": calibration, "pictures": f1_report(best, present, origin)}
    report["areas"] = {}
    for label, name in enumerate(measure.LABELS):
        rank = lambda v: float((v[present[:, label]][:, None] > v[~present[:, label]][None]).mean())  # noqa: E731
        report["areas"][name] = {"cell": round(rank(cell[:, label]), 4), "picture": round(rank(whole[:, label]), 4), "both": round(rank(best[:, label]), 4)}
    if len(set(folds)) > 1:
        nested = np.zeros_like(best)
        for fold in set(folds):
            nested[folds == fold] = values(fitted_to(folds != fold), folds == fold)
        report["nested"] = {name: measure.rates(nested[:, l], present[:, l]) for l, name in enumerate(measure.LABELS)}
    found = [scored(raw, calibration) for raw in raws]
    report["ap50"] = {name: round(measure.average_precision(found, truths, l), 3) for l, name in enumerate(measure.LABELS)}
    for fold in sorted(set(folds)):
        pick = np.where(folds == fold)[0]
        aps = [measure.average_precision([found[i] for i in pick], [truths[i] for i in pick], l) for l in (0, 1)]
        report[f"fold {fold}"] = {n: {**measure.rates(best[pick, l], present[pick, l]), "ap50": aps[l] and round(aps[l], 3)} for l, n in enumerate(measure.LABELS)}
    report["by condition"] = {}
    for axis in range(3):
        for mark in sorted({m[axis] for m in marks}):
            pick = np.array([m[axis] == mark for m in marks])
            report["by condition"][mark] = {n: measure.rates(best[pick, l], present[pick, l]) for l, n in enumerate(measure.LABELS)}
    pathlib.Path(out).write_text(json.dumps(calibration, indent=1) + "\n")
    pathlib.Path(figures).write_text(json.dumps(report, indent=1) + "\n")
    short = {k: report[k] for k in ("calibration", "areas", "ap50", "nested") if k in report}
    print(json.dumps(short), json.dumps({n: {k: v for k, v in report["pictures"][n].items() if "source" not in k} for n in measure.LABELS}))
    for name in measure.LABELS:
        print(name, report["pictures"][name]["by source (said / pictures with it / pictures)"])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
