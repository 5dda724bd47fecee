#!/bin/sh
# Makes the model from the pictures. Needs Python 3.11, ffmpeg, and SHAODIAN_DATA: the folder with images/ and video/.
#     SHAODIAN_DATA=DATA sh train.sh WORK      WORK holds the environment, the pictures in memory's form and the weights
# Three plans one after the other, each begun with the weights of the one before; the steps are those that were reached when
# the weights of this folder were made. The first part of the shipped network saw fold 1 only later.
set -eu
work=$1
here=$(dirname "$0")
export SIDE=192 OMP_WAIT_POLICY=passive
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -r "$here/requirements.txt"
run() { name=$1; shift; "$work/venv/bin/python" "$here/$name.py" "$@"; }
learn() { run train "$@" --threads 1 --cache "$work/pictures.pkl"; }
run sources "$work/sheets"
# the network that is measured: it never sees fold 0
learn 0 1200 "$work/held-1.pt" --stop 400 --sides 160,192,192,224
learn 0 1117 "$work/held-2.pt" --stop 800 --start "$work/held-1.pt" --peak 2e-3
learn 0 1026 "$work/held.pt" --start "$work/held-2.pt" --peak 2e-3
# the network that is shipped
learn 1 1200 "$work/all-1.pt" --stop 400 --sides 160,192,192,224
learn -1 1117 "$work/all-2.pt" --stop 800 --start "$work/all-1.pt" --peak 2e-3
learn -1 1007 "$work/all.pt" --start "$work/all-2.pt" --peak 2e-3
run calibrate "$work/calibration.json" "$work/held-out.json" "$work/held.pt"
run export "$work/all.pt" "$work/calibration.json" "$here/../fire-smoke.onnx"
run evaluate "$here/../fire-smoke.onnx" "$work/clips.json"
run golden "$here/../fire-smoke.onnx" "$here/.."
run measured "$work/held-out.json" "$work/clips.json" "$here/measured.json"
