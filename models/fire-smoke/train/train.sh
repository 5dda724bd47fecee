#!/bin/sh
# Makes the model from the pictures. Needs Python 3.11, ffmpeg, and SHAODIAN_DATA: the folder with images/ and video/.
#     SHAODIAN_DATA=DATA sh train.sh WORK      WORK holds the environment, the pictures in memory's form and the weights
# Two networks of the same plan: one that never sees fold 0 and is measured, and the one that is shipped, which sees all.
set -eu
work=$1
here=$(dirname "$0")
export OMP_WAIT_POLICY=passive PYTHONPATH="$here/../../train"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -r "$here/../../train/requirements.txt"
run() { "$work/venv/bin/python" "$@"; }
learn() { run "$here/train.py" 9000 "$work/$1.pt" --fold "$2" --threads 1 --cache "$work/pictures.pkl"; }
run "$here/sources.py" "$work/sheets"
learn held-out 0
learn all -1
run "$here/calibrate.py" "$work/calibration.json" "$work/held-out.json" "$work/held-out.pt"
run "$here/../../train/export.py" "$work/all.pt" "$work/calibration.json" "$here/../fire-smoke.onnx" 256 256
run "$here/evaluate.py" "$here/../fire-smoke.onnx" "$work/clips.json"
run "$here/golden.py" "$here/../fire-smoke.onnx" "$here/.."
run "$here/measured.py" "$work/held-out.json" "$work/clips.json" "$here/measured.json"
