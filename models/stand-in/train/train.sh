#!/bin/sh
# Makes the model from drawn pictures. Needs Python 3.11, ffmpeg, and the built `simulate`.
#     [SHAODIAN_DATA=DATA] sh train.sh WORK    WORK holds the environment, the pictures and the weights; with DATA real
#                                              pictures are measured too
set -eu
work=$1
here=$(dirname "$0")
simulate=${SIMULATE:-$here/../../../target/release/simulate}
export OMP_WAIT_POLICY=passive PYTHONPATH="$here/../../train"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -r "$here/../../train/requirements.txt"
run() { "$work/venv/bin/python" "$@"; }
"$simulate" stills --out "$work/pictures" --set tuning --scenes 2500
"$simulate" stills --out "$work/unseen" --set reporting --scenes 150
run "$here/train.py" 2600 "$work/stand-in.pt" --pictures "$work/pictures" --threads 1
run "$here/../../train/export.py" "$work/stand-in.pt" "$here/calibration.json" "$here/../stand-in.onnx" 192 320
run "$here/evaluate.py" "$here/../stand-in.onnx" "$work/unseen" "$here/measured.json"
run "$here/golden.py" "$here/../stand-in.onnx" "$work/unseen" "$here/.."
