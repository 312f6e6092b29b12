#!/usr/bin/env bash
# gpu_day.sh [FOLDER]: everything worth doing on a borrowed GPU, within 25 minutes, into FOLDER (build/gpu_day): what the
# machine has, whether the GPU computes all configs correctly, how fast, before and after tuning, with CLBlast's products and
# our own, PyTorch's speed with CUDA if it is installed, and as much of the conformance suite as there is time for.
#
# Each task leaves NAME.json, and its messages in NAME.log; one that fails, NAME.part and in NAME.why the reason. Started again in the same folder, it does only what is not done.
# summary.json and section.md, a section for docs/performance.md, hold all of it. Build first: make all tests.
#
#   MINUTES           in all (25)
#   DAE_CL_PLATFORM   the device, as for --platform (gpu). A rehearsal: DAE_CL_PLATFORM=cpu
#   CONFIGS           to verify, by name (all that are shipped)
#   PYTHON            with PyTorch (python3; build/peers/bin/python if that exists)
#
# The exit status is 0, or 1 if a task failed or there was no time for it, or 3 if there is no usable device.
set -uo pipefail
cd "$(dirname "$0")/.."

folder=${1:-build/gpu_day}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
BUILD=${BUILD:-build}
dae_cl=$BUILD/dae-cl
export DAE_CL_PLATFORM=${DAE_CL_PLATFORM:-gpu} DAE_CL_CACHE_DIR=$folder/cache
grid=(--set device.shape=grid)
end=$((SECONDS + ${MINUTES:-25} * 60))
python=${PYTHON:-python3}
[ -n "${PYTHON:-}" ] || [ ! -x build/peers/bin/python ] || python=build/peers/bin/python
failed=0

for program in "$dae_cl" "$BUILD/tests/graph/test_conformance"; do
    [ -x "$program" ] || { echo "gpu_day.sh: error: $program is not built: make all tests" >&2; exit 1; }
done

# An .icd file for a driver whose library is here without one, as in containers; the loader then sees it and all others.
add_driver() { # LIBRARY-NAME
    local place
    for place in /usr/lib/x86_64-linux-gnu /usr/lib/aarch64-linux-gnu /usr/lib64 /usr/lib /usr/local/nvidia/lib64 \
        /usr/local/cuda/lib64 /opt/rocm/lib /usr/lib/wsl/lib; do
        [ -e "$place/$1" ] || continue
        grep -qsF "$1" "${OCL_ICD_VENDORS:-/etc/OpenCL/vendors}"/*.icd && return
        mkdir -p "$folder/vendors"
        cp "${OCL_ICD_VENDORS:-/etc/OpenCL/vendors}"/*.icd "$folder/vendors/" 2>/dev/null
        echo "$place/$1" >"$folder/vendors/${1%%.so*}.icd"
        export OCL_ICD_VENDORS=$folder/vendors
        echo "driver: $place/$1 has no .icd file; $folder/vendors has one now"
        return
    done
}

no_device() {
    cat "$folder/devices.log" >&2
    echo "gpu_day.sh: error: there is no usable device '$DAE_CL_PLATFORM'" >&2
    if command -v nvidia-smi >/dev/null && ! ls "$folder"/vendors/libnvidia* /etc/OpenCL/vendors/nvidia* >/dev/null 2>&1; then
        echo "  NVIDIA's driver is here, but its libnvidia-opencl.so.1 is not: install nvidia-opencl-icd of the same version," >&2
        echo "  or start the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility" >&2
    fi
    echo "  $dae_cl doctor says what is wrong with each driver, and what to type" >&2
    exit 3
}

# Runs a command as the task NAME, for at most LIMIT seconds; its output is NAME.json.
task() { # NAME LIMIT COMMAND...
    local name=$1 limit=$2 left=$((end - SECONDS)) code=0 began=$SECONDS
    shift 2
    [ ! -e "$folder/$name.json" ] || { echo "done   $name"; return; }
    if [ "$left" -lt 5 ]; then
        echo "left   $name: no time" | tee "$folder/$name.why"
        failed=1
        return
    fi
    [ "$limit" -lt "$left" ] || limit=$left
    timeout -k 5 "$limit" "$@" >"$folder/$name.part" 2>"$folder/$name.log" || code=$?
    if [ "$code" -eq 0 ]; then
        mv "$folder/$name.part" "$folder/$name.json"
        rm -f "$folder/$name.why"
        echo "ok     $name, $((SECONDS - began)) s"
    else
        [ "$code" -ne 124 ] || echo "stopped after $limit s" >>"$folder/$name.log"
        echo "FAILED $name, status $code: $(tail -n 1 "$folder/$name.log")" | tee "$folder/$name.why"
        failed=1
    fi
}

machine() {
    "$python" - <<'PY'
import json, platform, subprocess
def said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        return ""
print(json.dumps({"system": platform.platform(), "commit": said("git", "rev-parse", "--short", "HEAD"),
                  "gpu": said("nvidia-smi", "--query-gpu=name,driver_version,clocks.max.sm,memory.total", "--format=csv,noheader")}))
PY
}

conformance() { # PART
    DAE_CL_PART=$1 DAE_CL_SHAPE=grid DAE_CL_PLUGINS=$BUILD/plugins "$BUILD/tests/graph/test_conformance" >&2 && echo '{"passed": true}'
}

# PyTorch's rate, asked twice because the first answer compiles.
peer() { # WORK BATCH WHAT MODE
    local question="{\"work\": \"$1\", \"batch\": $2, \"what\": \"$3\", \"mode\": \"$4\", \"seconds\": 1}"
    PEER_DEVICE=cuda "$python" tools/peers/torch_peer.py <<<"$question"$'\n'"$question" | tail -n 1 | grep '"rate"'
}
export -f machine conformance peer
export BUILD python

for library in libnvidia-opencl.so.1 libamdocl64.so libigdrcl.so; do add_driver "$library"; done
"$dae_cl" devices --json >"$folder/devices.part" 2>"$folder/devices.log" && mv "$folder/devices.part" "$folder/devices.json"
"$dae_cl" verify tests/cli/small.yaml "${grid[@]}" >/dev/null 2>>"$folder/devices.log"
[ $? -ne 3 ] || no_device

task machine 30 bash -c machine
task doctor 120 "$dae_cl" doctor --json
read -ra configs <<<"${CONFIGS:-$(cd configs && ls ./*.yaml | sed 's,./,,; s,.yaml,,' | tr '\n' ' ')}"
for config in "${configs[@]}"; do task "verify-$config" 120 "$dae_cl" verify "$config" "${grid[@]}" --json; done
for config in conv_mnist fc_mnist image_gray; do task "bench-$config" 120 "$dae_cl" bench "$config" --batch 128 "${grid[@]}" --json; done
for gemm in own clblast; do
    task "products-$gemm" 120 "$dae_cl" bench fc_mnist --batch 512 "${grid[@]}" --set device.gemm=$gemm --json
done
for config in conv_mnist fc_mnist; do
    task "tune-$config" 180 "$dae_cl" tune "$config" "${grid[@]}" --json
    task "tuned-$config" 120 "$dae_cl" bench "$config" --batch 128 "${grid[@]}" --json
done
if "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    for work in conv_mnist fc_mnist residual; do
        for what in train infer; do
            for mode in eager graphs; do
                task "torch-$work-$what-$mode" 120 bash -c 'peer "$@"' peer $work 128 $what $mode
            done
        done
    done
else
    echo "left   PyTorch: $python has none that sees CUDA"
fi
for part in {1..16}; do task "conformance-$part" 300 bash -c 'conformance "$1"' conformance "$part/16"; done

"$python" tools/gpu_day.py "$folder" && echo "results: $folder/summary.json, $folder/section.md"
exit $failed
