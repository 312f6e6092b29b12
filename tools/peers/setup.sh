#!/usr/bin/env bash
# Installs the peers that dae-cl is measured against into an environment of their own, build/peers; nothing global is
# touched. Does nothing when it is there already.
#
#   tools/peers/setup.sh [FOLDER]      PYTHON chooses the interpreter (python3)
set -euo pipefail

folder=${1:-build/peers}
python=${PYTHON:-python3}
torch=2.13.0
jax=0.10.0
onnxruntime=1.32.0
openvino=2026.4.1

ready() {
    "$folder/bin/python" - "$torch" "$jax" "$onnxruntime" "$openvino" 2>/dev/null <<'END'
import sys
from importlib.metadata import version
found = [version(name).split("+")[0] for name in ("torch", "jax", "onnxruntime", "openvino")]
sys.exit(not (found == sys.argv[1:] and version("numpy")))
END
}

if ready; then
    echo "peers: $folder is ready"
    exit 0
fi
"$python" -m venv "$folder"
pip=("$folder/bin/python" -m pip --quiet --disable-pip-version-check)
# The wheel for CPUs only, if pip can see it; else the ordinary one, which also brings libraries for GPUs.
if ! "${pip[@]}" install "torch==$torch+cpu" numpy setuptools 2>/dev/null; then
    "${pip[@]}" install "torch==$torch" numpy setuptools
fi
"${pip[@]}" install "jax[cpu]==$jax" "onnxruntime==$onnxruntime" "openvino==$openvino"
ready || { echo "peers: the environment in $folder is not what was asked for" >&2; exit 1; }
echo "peers: installed in $folder"
