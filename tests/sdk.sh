#!/usr/bin/env bash
# sdk.sh FOLDER: installs dae-cl into FOLDER/root, then builds plugins in FOLDER/plugins as a stranger would, with only what
# was installed: those of tests/plugins, and copies of some shipped ones, of every kind, which are called my_NAME there.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
BUILD=${BUILD:-build}
copies=(gelu huber laplace rmsprop layernorm gru attention)
unset MAKEFLAGS MAKELEVEL MFLAGS

mkdir -p "$1/plugins"
folder=$(cd "$1" && pwd)
make -s BUILD="$BUILD" DESTDIR="$folder/root" install
cp tests/plugins/*.c tests/plugins/*.cl tests/plugins/*.yaml "$folder/plugins"
for plugin in "${copies[@]}"; do
    bash tools/copy_plugin.sh "$plugin" "$folder/plugins"
    sed -E "s/\b$plugin\b/my_$plugin/g" "tests/layers/$plugin.yaml" >"$folder/plugins/my_$plugin.yaml"
done
names=$(cd "$folder/plugins" && echo ./*.c)
printf 'PLUGINS = %s\ninclude %s/usr/local/share/dae-cl/plugin.mk\n' "${names//.c/.so}" "$folder/root" \
    >"$folder/plugins/Makefile"
make -s -C "$folder/plugins" CFLAGS=-Werror
