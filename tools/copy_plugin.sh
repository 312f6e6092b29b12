#!/usr/bin/env bash
# copy_plugin.sh NAME FOLDER: copies the plugin NAME of this tree, with its kernel file if it has one, into FOLDER as
# my_NAME. A program refuses two plugins of one name, so a copy needs another one to be loaded beside the original.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: $0 NAME FOLDER" >&2; exit 2; }
tree=$(dirname "$0")/..
sed "s/\"$1\",/\"my_$1\",/; s/\"$1\.cl\.inc\"/\"my_$1.cl.inc\"/" "$tree/plugins/$1.c" >"$2/my_$1.c"
[ ! -e "$tree/kernels/$1.cl" ] || cp "$tree/kernels/$1.cl" "$2/my_$1.cl"
