#!/usr/bin/env bash
# layers.sh [TREE]: the rules that keep the house in order. A file under src/ includes its own floor and floors below; a
# library's header has one home; plugins see only the public header; files are short; the host names no plugin.
set -euo pipefail
cd "${1:-.}"
shopt -s nullglob

floors=(dae base config stats format data device driver graph model train study check report lib cli) # from the ground up
max_lines=600

# header pattern -> the place that may include it
homes='
yaml.h          src/config/
CL/*            src/device/ src/driver/details.c
clblast_c.h     src/device/
dlfcn.h         src/graph/ src/train/transport_file.c src/base/library_file.c src/driver/probe.c src/driver/details.c
elf.h           src/base/library_file.c
link.h          src/base/library_file.c src/driver/probe.c
png.h           src/format/
zlib.h          src/format/ src/data/source.c src/data/image_store.c src/data/shard_set.c src/data/shard_reader.c
jpeglib.h       src/format/jpeg.c
jerror.h        src/format/jpeg.c
tiffio.h        src/format/tiff_stream.h
webp/*          src/format/webp_image.c
OpenEXR/*       src/format/exr_stream.h
archive*.h      src/format/archive_reader.c
protobuf-c/*    src/format/
cjson/*         src/base/json.h
sha2.h          src/base/cache.c src/base/sha256.c src/format/safetensors.c
lapacke.h       src/stats/
cblas.h         src/stats/
'
libc=' pwd.h assert.h ctype.h dirent.h errno.h fcntl.h fenv.h float.h ftw.h glob.h inttypes.h libgen.h limits.h locale.h math.h poll.h
 pthread.h sched.h setjmp.h signal.h spawn.h stdalign.h stdarg.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h
 sys/file.h sys/ioctl.h sys/mman.h sys/prctl.h sys/resource.h sys/socket.h sys/stat.h sys/statvfs.h sys/time.h sys/types.h sys/utsname.h sys/wait.h time.h
 unistd.h '
libc=${libc//$'\n'/}

failed=0
complain() {
    echo "layers: $1" >&2
    failed=1
}

declare -A floor_number
for i in "${!floors[@]}"; do
    floor_number[${floors[i]}]=$i
done

# One line for each header that one of the files includes: FILE < HEADER, or FILE " HEADER.
includes() { # /dev/null: not the terminal, where a tree has none of them
    grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+' /dev/null "$@" |
        sed -E 's/^([^:]*):[[:space:]]*#[[:space:]]*include[[:space:]]*([<"])/\1 \2 /' | sort -u
}

check_library() { # FILE HEADER
    local pattern places place
    [[ $libc != *" $2 "* ]] || return 0
    while read -r pattern places; do
        # shellcheck disable=SC2053 # the pattern is one
        if [ -n "$pattern" ] && [[ $2 == $pattern ]]; then
            for place in $places; do
                [[ $1 != "$place"* ]] || return 0
            done
            complain "$1: <$2> may only be included in $places"
            return 0
        fi
    done <<<"$homes"
    complain "$1: <$2> has no home; name one in tools/layers.sh"
}

check_floor() { # FILE HEADER
    local own=${1#src/} other=${2%%/*} own_floor other_floor
    own=${own%%/*}
    own_floor=${floor_number[$own]:-}
    other_floor=${floor_number[$other]:-}
    if [ -z "$own_floor" ]; then
        complain "$1: src/$own is no floor"
    elif [ -z "$other_floor" ]; then
        complain "$1: \"$2\" names no floor"
    elif [ "$other_floor" -gt "$own_floor" ]; then
        complain "$1: \"$2\" is on a floor above"
    elif [ "$own" = report ] && [[ $other != report && $other != base && $other != dae ]]; then
        complain "$1: \"$2\": report draws what it is given, and includes base alone"
    fi
}

while read -r file kind header; do
    if [ "$kind" = '<' ]; then
        check_library "$file" "$header"
    else
        check_floor "$file" "$header"
    fi
done < <(includes src/*/*.[ch] src/*/*/*.[ch])
while read -r file kind header; do
    if [ "$kind" = '<' ]; then
        [[ $libc == *" $header "* ]] || complain "$file: <$header>: a plugin links to nothing"
    else
        [[ $header == dae/plugin.h || $header == *.cl.inc ]] || complain "$file: \"$header\": a plugin sees dae/plugin.h alone"
    fi
done < <(includes plugins/*.c)
while read -r file kind header; do
    [[ $libc == *" $header "* || $header == mpi.h || $header == dae/transport.h ]] ||
        complain "$file: $header: a transport sees dae/transport.h and its own library alone"
done < <(includes plugins/transports/*.c)
while read -r lines file; do
    [ "$lines" -le "$max_lines" ] || [ "$file" = total ] ||
        complain "$file: $lines lines; more than $max_lines: is there a second room inside?"
done < <(wc -l /dev/null src/*/*.[ch] src/*/*/*.[ch] plugins/*.c plugins/transports/*.c kernels/*.cl kernels/*.clh tests/*/*.[ch] tests/*/*/*.[ch])

# The host knows nothing by name: what it asks of a plugin, a source or a study is a member or a flag. A name is written
# only in its own file; sources may name others as their fallbacks, and one table says which layers ONNX's operators
# are. These names are words with other meanings as well:
# of them, only comparisons are refused.
words=' block compare contraction digits features images memory mse score '
names=(plugins/*.c src/data/sources/*.c)
names=("${names[@]##*/}")
names=("${names[@]%.c}")
if [ -f src/study/study.h ]; then
    mapfile -t -O "${#names[@]}" names < <(sed -nE 's/^ +X\((\w+)\).*/\1/p' src/study/study.h)
fi
pattern=$(IFS='|' && echo "\"(${names[*]})\"")
while IFS=: read -r file _ text; do
    rest=$text
    while [[ $rest =~ $pattern ]]; do
        name=${BASH_REMATCH[1]} rest=${rest#*"${BASH_REMATCH[0]}"}
        [[ $file != */"$name".c && $file != src/data/sources/* && $file != src/model/onnx_@(operators|channels).c ]] || continue
        [[ $words != *" $name "* || $text =~ (strcmp|strncmp|_find)\( ]] || continue
        complain "$file: \"$name\": the host knows no plugin, source or study by name"
    done
done < <(grep -rnE --include='*.[ch]' "$pattern" src || true)
exit "$failed"
