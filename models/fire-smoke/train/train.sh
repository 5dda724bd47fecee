#!/bin/sh
# Makes the model from the pictures. Needs Python 3.11, ffmpeg, and SHAODIAN_DATA: the folder with images/ and video/.
#     SHAODIAN_DATA=DATA sh train.sh WORK      WORK holds the environment, the pictures in memory's form and the weights
# Two networks made alike: one that never sees fold 0 and is measured, and the one that is shipped, which sees all. Each is
# the mean of its weights after 3,200 steps, which know strange sources better, and of those after many more, which
# raise fewer false alarms. (The later weights of the measured one come from a shorter plan: 2,800 steps more.)
set -eu
work=$1
here=$(dirname "$0")
export OMP_WAIT_POLICY=passive PYTHONPATH="$here/../../train"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -r "$here/../../train/requirements.txt"
run() { "$work/venv/bin/python" "$@"; }
learn() { out=$1 fold=$2; shift 2; run "$here/train.py" "$@" "$work/$out.pt" --fold "$fold" --threads 1 --cache "$work/pictures.pkl"; }
run "$here/sources.py" "$work/sheets"
learn held-early 0 --stop 3200 9000
learn held-late 0 --start "$work/held-early.pt" --peak 1.8e-3 2800
learn all-early -1 --stop 3200 9000
learn all-late -1 9000
run "$here/../../train/average.py" "$work/held-out.pt" "$work/held-early.pt" "$work/held-late.pt"
run "$here/../../train/average.py" "$work/all.pt" "$work/all-early.pt" "$work/all-late.pt"
run "$here/calibrate.py" "$work/calibration.json" "$work/held-out.json" "$work/held-out.pt"
run "$here/../../train/export.py" "$work/all.pt" "$work/calibration.json" "$here/../fire-smoke.onnx" 256 256
run "$here/evaluate.py" "$here/../fire-smoke.onnx" "$work/clips.json"
run "$here/golden.py" "$here/../fire-smoke.onnx" "$here/.."
run "$here/measured.py" "$work/held-out.json" "$work/clips.json" "$here/measured.json"
