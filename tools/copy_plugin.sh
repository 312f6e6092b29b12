#!/usr/bin/env bash
# copy_plugin.sh NAME FOLDER: copies the plugin NAME of this tree, with its kernel file if it has one, into FOLDER as
# my_NAME. dae-cl refuses two plugins with the same name, so a copy that is loaded beside the original needs its own.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: $0 NAME FOLDER" >&2; exit 2; }
tree=$(dirname "$0")/..
sed "s/\"$1\",/\"my_$1\",/; s/\"$1\.cl\.inc\"/\"my_$1.cl.inc\"/" "$tree/plugins/$1.c" >"$2/my_$1.c"
[ ! -e "$tree/kernels/$1.cl" ] || cp "$tree/kernels/$1.cl" "$2/my_$1.cl"
