#!/usr/bin/env bash
# sdk.sh FOLDER: installs dae-cl into FOLDER/root, then builds the example plugins of tests/plugins in FOLDER/plugins as a
# stranger would, with only what was installed.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
BUILD=${BUILD:-build}
unset MAKEFLAGS MAKELEVEL MFLAGS

mkdir -p "$1/plugins"
folder=$(cd "$1" && pwd)
make -s BUILD="$BUILD" DESTDIR="$folder/root" install
cp tests/plugins/*.c tests/plugins/*.cl tests/plugins/*.yaml "$folder/plugins"
names=$(cd tests/plugins && echo ./*.c)
printf 'PLUGINS = %s\ninclude %s/usr/local/share/dae-cl/plugin.mk\n' "${names//.c/.so}" "$folder/root" >"$folder/plugins/Makefile"
make -s -C "$folder/plugins" CFLAGS=-Werror
