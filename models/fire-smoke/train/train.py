"""Trains one network.

    python train.py STEPS OUT.pt --fold FOLD [--cache PICTURES.pkl] [--start WEIGHTS.pt] [--threads 2]

FOLD is the fold that is held out (0 to 3), or -1: train on everything. SHAODIAN_DATA names the folder with images/ and
video/.
"""

import os

import data
import learn

SIDES = (160, 192, 224, 256, 256)

if __name__ == "__main__":
    parser = learn.arguments(__doc__)
    parser.add_argument("--fold", type=int, required=True)
    parser.add_argument("--cache")
    args = parser.parse_args()
    store = data.Store(os.environ["SHAODIAN_DATA"], args.fold, args.cache)
    learn.learn(data.Stream(store, learn.BATCH, SIDES, learn.SEED + args.fold), args, {"fold": args.fold})
