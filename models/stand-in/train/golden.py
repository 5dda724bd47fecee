"""Takes some drawn pictures on which the model is sure as golden ones, and writes down what it answers.

    python golden.py MODEL.onnx PICTURES FOLDER

They show that a file was loaded and is fed rightly; they do not measure how good it is.
"""

import json
import pathlib
import sys

import data
import evaluate

SURE, MOST = 0.6, 4


def told(session, jpeg):
    """What it names with 0.6 or more, and the score of what comes nearest to that from below."""
    found = evaluate.detect(session, data.opened(jpeg))
    scored = [(label, score, box) for label, boxes in zip(("person", "car"), found) for score, box in boxes]
    rows = [
        {"label": label, "score": round(score, 3), "box": [round(float(v), 4) for v in (b[0], b[1], b[2] - b[0], b[3] - b[1])]}
        for label, score, b in scored if score >= SURE
    ]  # fmt: skip
    return rows, max((score for _, score, _ in scored if score < SURE), default=0), min((r["score"] for r in rows), default=1)


def main(model, folder, out):
    session, held = evaluate.opened(model), []
    out = pathlib.Path(out)
    names = [json.loads(line)["file"] for line in (pathlib.Path(folder) / "truth.jsonl").read_text().splitlines()]
    for name, (jpeg, boxes) in zip(names, data.drawn(folder)):
        rows, below, least = told(session, jpeg)
        right = len(rows) == len(boxes)
        empty = sum(not case["detections"] for case in held)
        if right and below < 0.45 and least > 0.68 and len(jpeg) < 45_000 and (rows or not empty) and len(rows) <= 4:
            file = f"golden-{len(held) + 1}.jpg"
            (out / file).write_bytes(jpeg)
            held.append({"file": file, "drawn": name, "detections": rows})
        if len(held) == MOST:
            break
    if not held:
        sys.exit("the model is not sure enough on any of these pictures")
    golden = {
        "about": "Drawn pictures (`simulate stills --set reporting`); what the model answers at a score of 0.6 or more. Boxes: x, y, width, height as shares of the picture.",
        "threshold": SURE, "tolerance": {"score": 0.1, "iou": 0.8}, "pictures": held,
    }  # fmt: skip
    (out / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
    print([(h["file"], h["drawn"], len(h["detections"])) for h in held])


if __name__ == "__main__":
    main(*sys.argv[1:4])
