"""Trains the stand-in detector.

    python train.py STEPS OUT.pt --pictures FOLDER [--start WEIGHTS.pt] [--threads 2]

FOLDER: what `simulate stills --out FOLDER --scenes 2500` draws.
"""

import data
import learn

if __name__ == "__main__":
    parser = learn.arguments(__doc__)
    parser.add_argument("--pictures", required=True)
    args = parser.parse_args()
    learn.learn(data.Stream(data.drawn(args.pictures), learn.BATCH, learn.SEED), args, {"about": "stand-in"})
