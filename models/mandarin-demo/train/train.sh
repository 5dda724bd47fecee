#!/bin/sh
# Makes the model from nothing: about an hour on two cores. Needs Python 3.11 and espeak-ng 1.51.
#     sh train.sh WORK      WORK holds the environment, the features and the weights
set -eu
work=$1
here=$(dirname "$0")
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -r "$here/requirements.txt"
run() { "$work/venv/bin/python" "$here/$1.py" "$2" ${3:+"$3"}; }
run features "$work/data"
run train "$work/data" "$work/weights.pkl"
run export "$work/weights.pkl" "$here/.."
run evaluate "$here/.."
