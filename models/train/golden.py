"""Writes the golden pictures of a detector that was not trained here, from what `edge-agent detect` answered on drawn ones.

    simulate stills --out STILLS --set reporting --scenes 120
    edge-agent detect --models FOLDER --model NAME STILLS/*.jpg >ANSWERS
    python golden.py ANSWERS STILLS models/NAME PICTURE...

Of each picture everything with a score of 0.8 or more is expected. They show that a file was loaded and is fed rightly; they do not
measure how good it is. The pictures of models/movenet-lightning are cut out of STILLS (`cut` in its golden.json, in pixels: left, top,
right, bottom) and hold what the box itself found.
"""

import json
import pathlib
import shutil
import sys

SURE = 0.8
TOLERANCE = {"score": 0.12, "iou": 0.7}


def main(answers, stills, out, *pictures):
    rows = [json.loads(line) for line in pathlib.Path(answers).read_text().splitlines()]
    told = {pathlib.Path(row["file"]).name: row["detections"] for row in rows}
    out, cases = pathlib.Path(out), []
    for number, name in enumerate(pictures, 1):
        file = f"golden-{number}.jpg"
        shutil.copy(pathlib.Path(stills) / name, out / file)
        sure = [
            {"label": d["label"], "score": d["score"], "box": [round(v, 4) for v in d["box"]]}
            for d in told[name] if d["score"] >= SURE
        ]  # fmt: skip
        cases.append({"file": file, "drawn": name, "detections": sure})
    golden = {
        "about": f"Drawn pictures (`simulate stills --set reporting`); what the model answers at a score of {SURE} or more. Boxes: x, y, width, height as shares of the picture.",
        "threshold": SURE, "tolerance": TOLERANCE, "pictures": cases,
    }  # fmt: skip
    (out / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
