#!/usr/bin/env bash
# mutations.sh: proof that the tests can fail. Each block of tests/mutations.list breaks one line of a kernel, of a plugin's formula or
# of the host's code, and names what must catch it. First everything must pass unbroken. The Makefile sets BUILD, MUTANT_CC and
# MUTANT_PLUGIN (the compiler with all its flags, for the host and for plugins) and MUTANT_LIBS. MUTATIONS=N runs only block N.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${BUILD:=build}" "${MUTANT_CC:?run it by: make mutations}" "${MUTANT_LIBS:?}" "${MUTANT_PLUGIN:?}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export DAE_CL_CACHE_DIR=$folder/cache DAE_CL_PLUGINS=$BUILD/plugins
list=tests/mutations.list
files=() whats=() catchers=() edits=()

# Blocks into the arrays above; an edit is "find\x1ereplace\x1f..." with \n for a line's end.
read_list() {
    local line n=-1
    while IFS= read -r line; do
        case $line in
        '= '*)
            n=$((n + 1))
            IFS='|' read -r files[n] whats[n] catchers[n] <<<"${line#= }"
            files[n]=${files[n]% } whats[n]=${whats[n]# } catchers[n]=${catchers[n]# } edits[n]=
            whats[n]=${whats[n]% }
            ;;
        '- '*) edits[n]+=${line#- }$'\x1e' ;;
        '+ '* | +) edits[n]+=${line#+}$'\x1f' ;;
        '' | '#'*) ;;
        *) echo "mutations.sh: error: $list: '$line' is no line of a block" >&2 && exit 1 ;;
        esac
    done <"$list"
}

# Writes the broken file of block $1 to $2. A text that does not occur exactly once is an error: the list is stale.
mutate() {
    local text find with rest edit
    text=$(cat "${files[$1]}" && echo .)
    while IFS= read -r -d $'\x1f' edit; do
        find=${edit%%$'\x1e'*} with=${edit#*$'\x1e'}
        find=${find//\\n/$'\n'} with=${with//\\n/$'\n'}
        with=${with# }
        rest=${text/"$find"/}
        if [ "$rest" = "$text" ] || [ "${rest/"$find"/}" != "$rest" ]; then
            echo "mutations.sh: error: ${files[$1]} does not hold exactly once: $find" >&2
            return 1
        fi
        text=${text/"$find"/"$with"}
    done <<<"${edits[$1]}"
    printf '%s' "${text%.}" >"$2"
}

# What catches ends within a second or a few; a mutant that runs on and on is not caught.
most_seconds=300

is_program() {
    [[ $1 == tests/*/test_* ]]
}

# Runs what must catch ($1: "PLUGIN/CASE SHAPE", "CONFIG SHAPE" or "tests/.../test_NAME") with the test program $2; output in $3.
run_catcher() {
    local what=${1% *} shape=${1#* }
    if is_program "$1"; then
        timeout "$most_seconds" "$2" >"$3" 2>&1
    elif [[ $what == *.yaml ]]; then
        "$BUILD/dae-cl" verify "$what" --set "device={shape: $shape, gemm: own}" >"$3" 2>&1
    else
        DAE_CL_CASES=$what DAE_CL_SHAPE=$shape "$2" >"$3" 2>&1
    fi
}

# The source of the program that catches ($1, as above), without its ending.
program_of() {
    is_program "$1" && echo "$1" || echo tests/graph/test_conformance
}

# What a catcher prints about what it has caught: a row of the verification, or the first failed test.
caught_in() {
    grep -m 1 -oE '[^:]+: error [^ ]+, bound .*|WRONGLY: .*|\[  FAILED  \] [a-z_]+' "$1" | sed 's/^\[  FAILED  \] //'
}

# What a catcher prints if it could not judge.
crash_of() {
    is_program "$1" && echo 'Test failed with exception' || echo 'dae-cl: error: '
}

# The result of block $1: one line, and status 0 only if failed rows or tests, and not a crash, caught it.
try_block() {
    local own=$folder/$1 plugins=$BUILD/plugins code=0 caught program
    program=$(program_of "${catchers[$1]}")
    local test=$BUILD/$program
    mkdir -p "$own/kernels"
    if [[ ${files[$1]} == kernels/* ]]; then
        mutate "$1" "$own/${files[$1]}" || return 1
    elif [[ ${files[$1]} == plugins/* ]]; then
        plugins=$own/plugins
        cp -r "$BUILD/plugins" "$plugins"
        mutate "$1" "$own/mutant.c" || return 1
        # shellcheck disable=SC2086 # lists of words
        $MUTANT_PLUGIN -shared -o "$plugins/$(basename "${files[$1]}" .c).so" "$own/mutant.c" || return 1
    else
        mutate "$1" "$own/mutant.c" || return 1
        test=$own/test
        # shellcheck disable=SC2086 # lists of words
        $MUTANT_CC -o "$test" "$program.c" "$own/mutant.c" $MUTANT_LIBS || return 1
    fi
    DAE_CL_KERNELS=$own/kernels DAE_CL_PLUGINS=$plugins run_catcher "${catchers[$1]}" "$test" "$own/log" || code=$?
    caught=$(caught_in "$own/log") || true
    if [ "$code" -ne 0 ] && [ -n "$caught" ] && ! grep -qE "$(crash_of "${catchers[$1]}")" "$own/log"; then
        echo "caught  ${files[$1]}: ${whats[$1]} ($caught)"
        return
    fi
    echo "MISSED  ${files[$1]}: ${whats[$1]}: ${catchers[$1]} ended with status $code" >&2
    tail -n 5 "$own/log" >&2
    return 1
}

try_unbroken() {
    local log=$folder/unbroken.$BASHPID
    if run_catcher "$1" "$BUILD/$(program_of "$1")" "$log" && ! grep -q 'no case' "$log"; then
        return
    fi
    echo "FAILED unbroken: $1" >&2
    tail -n 20 "$log" >&2
    return 1
}

# Runs "$1 WORD" for each word that follows, as many at a time as there are processors, and counts failures.
jobs=${JOBS:-$(nproc)} failed=0
each() {
    local verb=$1 running=0
    shift
    for word in "$@"; do
        if [ "$running" -eq "$jobs" ]; then
            wait -n || failed=$((failed + 1))
            running=$((running - 1))
        fi
        "$verb" "$word" &
        running=$((running + 1))
    done
    for (( ; running > 0; --running)); do
        wait -n || failed=$((failed + 1))
    done
}

read_list
numbers=("${!files[@]}")
if [ -n "${MUTATIONS:-}" ]; then
    [ -n "${files[MUTATIONS]:-}" ] || { echo "mutations.sh: error: there is no block $MUTATIONS" >&2 && exit 2; }
    numbers=("$MUTATIONS")
fi
if [ -z "${MUTATIONS:-}" ]; then
    mapfile -t distinct < <(printf '%s\n' "${catchers[@]}" | sort -u)
    each try_unbroken "${distinct[@]}"
    [ "$failed" -eq 0 ] || exit 1
fi
each try_block "${numbers[@]}"
echo "$((${#numbers[@]} - failed)) of ${#numbers[@]} mutations caught"
[ "$failed" -eq 0 ] && [ "${#numbers[@]}" -gt 0 ]
