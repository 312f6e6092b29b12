#!/usr/bin/env bash
# rusticl.sh [FOLDER]: unpacks Mesa's OpenCL drivers, for tests, into a folder of their own (build/platforms/rusticl); nothing
# global is touched, so no other program meets them. Does nothing when they are there already. Wants Debian's or Ubuntu's
# apt-get, which gives the packages' files without installing them.
# Prints what selects rusticl on the processor (llvmpipe); FOLDER/clover/vendors selects Clover, Mesa's older driver, which has
# no device on a machine without a GPU. Mesa looks for libclc, the built-in functions, in a folder of the system: a preloaded
# library leads it to the unpacked one.
set -euo pipefail

folder=${1:-build/platforms/rusticl}
package=mesa-opencl-icd
here=$(cd "$(dirname "$0")/.." && pwd)

fail() {
    echo "rusticl.sh: error: $1" >&2
    exit 1
}

# The package and all it needs that is not installed.
missing() {
    local name
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$package" |
        grep '^[a-z0-9]' | sort -u | while read -r name; do
        [ "$(dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | head -n 1)" = installed ] || echo "$name"
    done
}

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ ! -e "$folder/complete" ]; then
    command -v apt-get dpkg >/dev/null || fail "no apt-get here, which brings Mesa's packages"
    mapfile -t packages < <(missing)
    [ ${#packages[@]} -gt 0 ] || packages=("$package")
    rm -rf "$folder/packages" "$folder/root"
    mkdir -p "$folder/packages"
    if ! (cd "$folder/packages" && apt-get download "${packages[@]}" >"$folder/apt.log" 2>&1); then
        cat "$folder/apt.log" >&2
        fail "apt-get could not download ${packages[*]}; is there a network, and has apt-get update been run?"
    fi
    for file in "$folder/packages"/*.deb; do
        dpkg -x "$file" "$folder/root"
    done
    rm -rf "$folder/packages"
    touch "$folder/complete"
fi

library=$(find "$folder/root" -name 'libRusticlOpenCL.so.1')
[ -n "$library" ] || fail "the packages brought no libRusticlOpenCL.so.1"
libraries=$(dirname "$library")
${CC:-cc} -std=c11 -shared -fPIC -o "$folder/moved_files.so" "$here/tests/device/moved_files.c" -ldl
mkdir -p "$folder/vendors" "$folder/clover/vendors"
echo "$library" >"$folder/vendors/rusticl.icd"
echo "$libraries/libMesaOpenCL.so.1" >"$folder/clover/vendors/mesa.icd"
echo "export OCL_ICD_VENDORS=$folder/vendors LD_LIBRARY_PATH=$libraries RUSTICL_ENABLE=llvmpipe" \
    "LD_PRELOAD=$folder/moved_files.so MOVED_FROM=/usr/lib/clc/ MOVED_TO=$folder/root/usr/lib/clc/"
