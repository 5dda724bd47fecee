"""Measures of detectors: average precision, precision and recall by picture."""

import numpy as np

LABELS = ("fire", "smoke")
OVERLAP, FLOOR = 0.45, 0.02


def iou(box, others):
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    inter = np.clip(high - low, 0, None).prod(1)
    return inter / ((box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1) - inter + 1e-9)


def kept(corners, scores, floor=FLOOR, most=20):
    """Non-maximum suppression of one label: [(score, corners)], the surest first."""
    order = np.argsort(-scores)[:300]
    order = order[scores[order] >= floor]
    held = []
    while len(order) and len(held) < most:
        first, rest = order[0], order[1:]
        held.append((float(scores[first]), corners[first]))
        order = rest[iou(corners[first], corners[rest]) <= OVERLAP] if len(rest) else rest
    return held


def average_precision(found, truths, label, least=0.5):
    """found: for each picture the kept boxes of each label; truths: for each picture its boxes (label, corners)."""
    rows, total = [], 0
    for boxes, truth in zip(found, truths):
        wanted = np.array([t[1:] for t in truth if t[0] == label], float).reshape(-1, 4)
        total += len(wanted)
        taken = np.zeros(len(wanted), bool)
        for score, box in boxes[label]:
            hit = False
            if len(wanted):
                fit = iou(box, wanted) * ~taken
                best = int(fit.argmax())
                if fit[best] >= least:
                    hit, taken[best] = True, True
            rows.append((score, hit))
    if not total:
        return None
    rows.sort(key=lambda r: -r[0])
    hits = np.cumsum([r[1] for r in rows])
    recall, precision = hits / total, hits / np.arange(1, len(rows) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0], recall])) * precision)) if len(rows) else 0.0


def rates(score, truth, threshold=0.5):
    said = score >= threshold
    hit, false, missed = int((said & truth).sum()), int((said & ~truth).sum()), int((~said & truth).sum())
    precision, recall = hit / max(1, hit + false), hit / max(1, hit + missed)
    return {
        "pictures": len(truth), "with": int(truth.sum()), "hit": hit, "false": false, "missed": missed,
        "precision": round(precision, 3), "recall": round(recall, 3), "f1": round(2 * hit / max(1, 2 * hit + false + missed), 3),
    }  # fmt: skip


def best_threshold(score, truth, weight=None):
    """The threshold of the best F1, in the middle of its plateau's gap."""
    weight = np.ones(len(score)) if weight is None else weight
    order = np.argsort(-score)
    s, t, w = score[order], truth[order], weight[order]
    hit, said = np.cumsum(w * t), np.cumsum(w)
    f1 = 2 * hit / (said + (w * t).sum())
    best = int(f1.argmax())
    after = s[best + 1] if best + 1 < len(s) else s[best] - 1
    return float((s[best] + after) / 2), float(f1[best])
