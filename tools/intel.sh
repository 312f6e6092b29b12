#!/usr/bin/env bash
# intel.sh [FOLDER]: installs Intel's OpenCL runtime for CPUs, for tests, into an environment of its own (build/platforms/intel);
# nothing global is touched. Does nothing when it is there already. PYTHON chooses the interpreter (python3).
# The runtime's own .icd file names a folder of the machine it was packed on, so one with the real path is written, and it
# needs libsvml, which another package holds.
set -euo pipefail

folder=${1:-build/platforms/intel}
python=${PYTHON:-python3}
opencl=2026.2.0 # both packages bear one number

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ "$(cat "$folder/version" 2>/dev/null)" != "$opencl" ] || [ ! -e "$folder/lib/libintelocl.so" ]; then
    rm -f "$folder/version"
    "$python" -m venv "$folder" || { echo "intel.sh: error: no venv; on Debian: apt-get install python3-venv" >&2; exit 1; }
    if ! "$folder/bin/python" -m pip --quiet --disable-pip-version-check install "intel-opencl-rt==$opencl" \
        "intel-cmplr-lib-rt==$opencl" 2>"$folder/pip.log"; then
        cat "$folder/pip.log" >&2
        echo "intel.sh: error: pip could not install Intel's runtime; is there a network?" >&2
        exit 1
    fi
    rm -f "$folder"/lib/libOpenCL.so* # a loader of its own, which LD_LIBRARY_PATH would put before the system's
    [ -e "$folder/lib/libsvml.so" ] || { echo "intel.sh: error: the packages brought no libsvml.so" >&2; exit 1; }
fi
mkdir -p "$folder/vendors"
echo "$folder/lib/libintelocl.so" >"$folder/vendors/intel.icd"
echo "$opencl" >"$folder/version"
echo "export OCL_ICD_VENDORS=$folder/vendors LD_LIBRARY_PATH=$folder/lib"
