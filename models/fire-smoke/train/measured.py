"""Puts the figures together.

    python measured.py HELD-OUT.json CLIPS.json MEASURED.json
"""

import json
import pathlib
import sys

if __name__ == "__main__":
    held_out, clips, out = map(pathlib.Path, sys.argv[1:4])
    both = {"held-out folds": json.loads(held_out.read_text()), "exported file": json.loads(clips.read_text())}
    out.write_text(json.dumps(both, indent=1) + "\n")
