#!/usr/bin/env bash
# abi.sh LIBRARY: prints the binary interface of libdae.so.1, as libabigail reads it from the debugging information: exported
# functions with their types, as far as dae.h shows them, and nothing of places or folders.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 LIBRARY" >&2; exit 2; }
exec abidw --headers-dir "$(dirname "$0")/../src/dae" --drop-private-types --exported-interfaces-only --no-show-locs \
    --no-comp-dir-path --no-corpus-path --no-elf-needed --no-parameter-names --type-id-style hash "$1"
