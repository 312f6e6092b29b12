#!/usr/bin/env bash
# Writes kernel sources as C. `embed.sh string FILE`: one string literal, for a plugin's kernel_source.
# `embed.sh table FILE...`: a table of name, source and the floor's lookup function, for the host's own kernels.
set -euo pipefail

literal() {
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$1"
}

mode=$1
shift
if [ "$mode" = string ]; then
    literal "$1"
    exit
fi
echo '#include "device/sources.h"'
echo '#include <stddef.h>'
echo 'const struct kernel_source kernel_sources[] = {'
for file in "$@"; do
    printf '  {"%s",\n' "$(basename "$file")"
    literal "$file"
    echo '  },'
done
echo '  {NULL, NULL}};'
