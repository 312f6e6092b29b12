#!/usr/bin/env bash
# check.sh [TARGET...]: plans every config of configs/ and others.yaml on a GPU that is played, and compiles what that
# generates for the targets of tests/gpu/check.py, or for all of them. In $BUILD/gpu: the sources, ptxas of NVIDIA's Python
# package, which is the only download, and what is known of programs that did not change. Runs in the checkout.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=${BUILD:-build}
folder=$build/gpu
package=nvidia-cuda-nvcc-cu12==12.9.86
mkdir -p "$folder"

if [ ! -e "$folder/python/$package" ]; then
    rm -rf "$folder/python"
    if python3 -m venv "$folder/python" && "$folder/python/bin/pip" install --quiet --no-deps "$package"; then
        touch "$folder/python/$package"
    fi
fi
assembler=$(echo "$folder"/python/lib/python3*/site-packages/nvidia/cuda_nvcc/bin/ptxas)
[ ! -x "$assembler" ] || export PTXAS=$assembler

DAE_CL_PLUGINS=$build/plugins DAE_CL_CACHE_DIR=$folder/dae-cl \
    "$build/tests/gpu/generated" "$folder" configs/*.yaml tests/gpu/*.yaml
exec python3 tests/gpu/check.py "$folder" "$@"
