"""The network of every detector that is trained here: a small residual network, three scales joined from above, one answer at each, and one for the whole picture.

    picture -> 1/4 -> 1/8 -> 1/16 -> 1/32 -> (from above) 1/16 -> 1/8, boxes at all three
                                        \\-> mean and greatest value -> is there any of either label

Every cell answers two logits, one for each label, and the distances to the four sides of a box.
"""

import torch
from torch import nn
from torch.nn import functional as F

STRIDES = (8, 16, 32)
WIDTHS, DEPTHS, NECK = (32, 48, 96, 160), (1, 2, 3), 48


def conv(i, o, size=3, stride=1, padding=None):
    padding = size // 2 if padding is None else padding
    return nn.Sequential(nn.Conv2d(i, o, size, stride, padding, bias=False), nn.BatchNorm2d(o, momentum=0.03), nn.ReLU(inplace=True))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.narrow, self.wide = conv(width, width // 2, 1), conv(width // 2, width)

    def forward(self, x):
        return x + self.wide(self.narrow(x))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv(3, WIDTHS[0], 6, 4, 1)
        self.stages = nn.ModuleList(
            nn.Sequential(conv(WIDTHS[i], WIDTHS[i + 1], 3, 2), *(Block(WIDTHS[i + 1]) for _ in range(DEPTHS[i]))) for i in range(3)
        )
        self.sides = nn.ModuleList(conv(width, NECK, 1) for width in WIDTHS[1:])
        self.joins = nn.ModuleList(conv(NECK, NECK) for _ in range(3))
        self.context = nn.Linear(WIDTHS[3], NECK)
        self.answers = nn.ModuleList(nn.Conv2d(NECK, 6, 1) for _ in range(3))
        self.whole = nn.Sequential(nn.BatchNorm1d(2 * WIDTHS[3], momentum=0.03), nn.Dropout(0.2), nn.Linear(2 * WIDTHS[3], 2))
        nn.init.normal_(self.whole[2].weight, std=0.01)
        for answer in self.answers:
            nn.init.normal_(answer.weight, std=0.01)
            answer.bias.data = torch.tensor([-4.0, -4.0, 0.5, 0.5, 0.5, 0.5])

    def forward(self, x):
        """x: planes RGB, 0..1. Logits [B, N, 2], boxes [B, N, 4] as corners in pixels, logits of the picture [B, 2]."""
        x = self.stem((x - 0.45) * 4)
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        mean, most = x.mean((2, 3)), x.amax((2, 3))
        picture = self.whole(torch.cat([mean, most], 1))
        above, logits, boxes = self.context(mean)[:, :, None, None], [], []
        for i in (2, 1, 0):
            side = self.sides[i](levels[i])
            if i < 2:
                above = F.interpolate(above, scale_factor=2.0, mode="nearest")
            above = self.joins[i](side + above)
            answer = self.answers[i](above).flatten(2).transpose(1, 2)
            height, width = side.shape[2:]
            points = torch.stack(
                [
                    (torch.arange(width, dtype=x.dtype, device=x.device) + 0.5).repeat(height),
                    (torch.arange(height, dtype=x.dtype, device=x.device) + 0.5).repeat_interleave(width),
                ],
                1,
            )
            far = answer[..., 2:].clamp(-5, 5).exp()
            boxes.append(torch.cat([points - far[..., :2], points + far[..., 2:]], 2) * STRIDES[i])
            logits.append(answer[..., :2])
        return torch.cat(logits, 1), torch.cat(boxes, 1), picture


def centres(size, device=None):
    """Middle of every cell of a picture of `size` (height, width), in the order of the answers."""
    held = []
    for stride in reversed(STRIDES):
        rows, columns = ((torch.arange(n // stride, dtype=torch.float32, device=device) + 0.5) * stride for n in size)
        held.append(torch.stack([columns.repeat(len(rows)), rows.repeat_interleave(len(columns))], 1))
    return torch.cat(held)


def overlap(a, b, generalised=False):
    """Intersection over union of corner boxes, pairs along broadcast axes."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    inter = (high - low).clamp(min=0).prod(-1)
    both = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inter
    iou = inter / (both + 1e-6)
    if not generalised:
        return iou
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    return iou - (hull - both) / (hull + 1e-6)


def loss(answers, truths, size):
    """truths: for each picture an [n, 5] tensor: label, corners. The nine cells that fit a box best answer for it."""
    logits, boxes, picture = answers
    points = centres(size)
    targets, chosen = torch.zeros_like(logits), []
    present = torch.zeros_like(picture)
    with torch.no_grad():
        scores = logits.sigmoid()
        for b, rows in enumerate(truths):
            owner = torch.full((len(points),), -1, dtype=torch.long)
            best = torch.zeros(len(points))
            for g, row in enumerate(rows):
                label, box = int(row[0]), row[1:]
                present[b, label] = 1
                middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
                near = ((points - middle).abs() < torch.maximum(half * 0.6, torch.tensor(6.0))).all(1)
                fit = overlap(boxes[b], box)
                metric = (scores[b, :, label] + 0.02) ** 0.5 * (fit + 0.05) ** 3 * near
                value, index = metric.topk(9)
                index, value = index[value > 0], value[value > 0]
                if not len(index):
                    index, value = metric.new_zeros(1).long() + (points - middle).pow(2).sum(1).argmin(), metric.new_ones(1)
                share = (value / value.max()) ** 0.5
                targets[b, index, label] = torch.maximum(targets[b, index, label], share)
                better = metric[index] >= best[index]
                owner[index[better]], best[index[better]] = g, metric[index[better]]
            for cell in torch.nonzero(owner >= 0).flatten().tolist():
                chosen.append((b, cell, *rows[owner[cell], 1:].tolist(), float(targets[b, cell].max())))
    probability = logits.detach().sigmoid()
    weight = torch.where(targets > 0, targets, 0.75 * probability**2)
    total = targets.sum().clamp(min=4)
    boxes_loss = logits.new_zeros(())
    if chosen:
        held = torch.tensor(chosen)
        mine = boxes[held[:, 0].long(), held[:, 1].long()]
        boxes_loss = ((1 - overlap(mine, held[:, 2:6], True)) * held[:, 6]).sum() / total
    cells = (F.binary_cross_entropy_with_logits(logits, targets, reduction="none") * weight).sum() / total
    whole = F.binary_cross_entropy_with_logits(picture, present * 0.96 + 0.02)
    return cells + 1.5 * boxes_loss + whole, (cells.item(), float(boxes_loss.detach()), whole.item())
