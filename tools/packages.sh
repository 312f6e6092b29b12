#!/usr/bin/env bash
# packages.sh GROUP...: installs the Debian or Ubuntu packages of each group (build, test, mpi, format, fuzz, deb, gpu) that are
# missing, and names them before. With NO_INSTALL set it only prints the command to type, and fails when something is missing.
set -euo pipefail

build=(build-essential pkg-config ocl-icd-opencl-dev opencl-headers pocl-opencl-icd libclblast-dev libyaml-dev
    libpng-dev libjpeg-dev libtiff-dev libwebp-dev libopenexr-dev libarchive-dev libprotobuf-c-dev protobuf-c-compiler zlib1g-dev libcjson-dev libmd-dev
    liblapacke-dev libopenblas-dev gnuplot-nox)
test=(abigail-tools bash-completion fish libcmocka-dev locales mandoc oclgrind python3 python3-jsonschema python3-venv python3-yaml zsh)
mpi=(libopenmpi-dev openmpi-bin libmpich-dev mpich) # optional: without it, several machines cannot train together
format=(clang-format)
fuzz=(clang-15)
deb=(debhelper dh-python fakeroot lintian python3)
gpu=(clang-15 libclc-15 python3 python3-venv)

wanted=()
for group in "$@"; do
    case $group in
    build) wanted+=("${build[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    mpi) wanted+=("${mpi[@]}") ;;
    format) wanted+=("${format[@]}") ;;
    deb) wanted+=("${deb[@]}") ;;
    fuzz) wanted+=("${fuzz[@]}") ;;
    gpu) wanted+=("${gpu[@]}") ;;
    *)
        echo "usage: $0 build|test|mpi|format|fuzz|deb|gpu..." >&2
        exit 2
        ;;
    esac
done

if ! command -v dpkg-query >/dev/null; then
    echo "packages.sh: no dpkg here, so nothing was checked; this is what Debian calls what is needed:"
    echo "    ${wanted[*]}"
    exit 0
fi

missing=()
for package in "${wanted[@]}"; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | head -n 1)" != installed ]; then
        missing+=("$package")
    fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

command=(apt-get install -y --no-install-recommends "${missing[@]}")
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
fi
if [ -n "${NO_INSTALL:-}" ] || { [ ${#as_root[@]} -gt 0 ] && ! command -v sudo >/dev/null; }; then
    echo "packages are missing; as root, type:" >&2
    echo "    ${command[*]}" >&2
    exit 1
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
if ! { "${as_root[@]}" apt-get update && "${as_root[@]}" "${command[@]}"; }; then
    echo "packages.sh: error: the packages above could not be installed; is there a network? By hand, type:" >&2
    echo "    ${as_root[*]} ${command[*]}" >&2
    exit 1
fi
