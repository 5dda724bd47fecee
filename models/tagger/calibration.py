#!/usr/bin/env python3
"""Draws how often the tagger is right against how sure it says it is.

    calibration.py EDGE-AGENT eval/*.jsonl > calibration.svg

Of each call all three offered categories count, as said. A bar stands for a tenth of confidence: its height is the share
that was right, its line Wilson's interval at 95 %, the number below how many there were. On the diagonal it is as sure as
it is right. On standard error: the mean distance from it, weighed by how many there are.
"""

import json
import pathlib
import subprocess
import sys

SIDE, EDGE = 360, 46


def offered(program, files):
    """(confidence, whether it was right) of every category offered."""
    calls = [json.loads(line) for file in files for line in pathlib.Path(file).read_text().splitlines() if line.strip()]
    said = "\n".join(call["text"].replace("\n", " ") for call in calls) + "\n"
    answer = subprocess.run([program, "screen"], input=said, capture_output=True, text=True, check=True).stdout
    for call, line in zip(calls, answer.splitlines(), strict=True):
        for category in json.loads(line)["category_top3"]:
            yield category["confidence"], category["id"] == call["category"]


def wilson(hits, count, z=1.96):
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * ((share * (1 - share) + z * z / (4 * count)) / count) ** 0.5 / (1 + z * z / count)
    return middle - half, middle + half


def main(program, files):
    bins = [[0, 0, 0.0] for _ in range(10)]
    for confidence, right in offered(program, files):
        held = bins[min(9, int(confidence * 10))]
        held[0] += 1
        held[1] += right
        held[2] += confidence
    count = sum(b[0] for b in bins)
    off = sum(abs(b[1] - b[2]) for b in bins) / count
    print(f"{count} categories offered, off by {off:.3f} on average", file=sys.stderr)
    x = lambda v: EDGE + v * SIDE  # noqa: E731
    y = lambda v: 16 + (1 - v) * SIDE  # noqa: E731
    wide = SIDE + EDGE + 24
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {SIDE + 86}" font-family="sans-serif" font-size="11" fill="#333">',
        f'<rect width="{wide}" height="{SIDE + 86}" fill="#fff"/>',
        f'<path d="M{x(0)} {y(0)} L{x(1)} {y(1)}" stroke="#999" stroke-dasharray="4 4"/>',
        f'<path d="M{x(0)} {y(1)} V{y(0)} H{x(1)}" fill="none" stroke="#333"/>',
    ]
    for at, (number, hits, sure) in enumerate(bins):
        out.append(f'<text x="{x(at / 10)}" y="{y(0) + 14}" text-anchor="middle">{at / 10:.1f}</text>')
        out.append(f'<text x="{x(0) - 6}" y="{y(at / 10) + 4}" text-anchor="end">{at / 10:.1f}</text>')
        if not number:
            continue
        share, (low, high) = hits / number, wilson(hits, number)
        out.append(f'<rect x="{x(at / 10) + 3:.1f}" y="{y(share):.1f}" width="{SIDE / 10 - 6:.1f}" height="{share * SIDE:.1f}" fill="#7aa5d2"/>')
        out.append(f'<path d="M{x(sure / number):.1f} {y(high):.1f} V{y(low):.1f}" stroke="#1b3a5c" stroke-width="2"/>')
        out.append(f'<text x="{x(at / 10 + 0.05):.1f}" y="{y(0) + 28}" text-anchor="middle" fill="#777">{number}</text>')
    out.append(f'<text x="{x(0.5)}" y="{y(0) + 48}" text-anchor="middle">所说的把握 · confidence</text>')
    out.append(f'<text x="{x(0.5)}" y="{y(0) + 64}" text-anchor="middle" fill="#777">灰数字：次数 · how often; 平均偏差 · off by {off:.3f}</text>')
    out.append(f'<text transform="translate(12 {y(0.5)}) rotate(-90)" text-anchor="middle">确实如此 · share that was right</text></svg>')
    print("\n".join(out))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
