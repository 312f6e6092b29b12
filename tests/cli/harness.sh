# Shared by the scripts in this folder: each sources it and ends with `finish`. A case begins with `case_is NAME` and
# fails if one of its expectations does.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
tree=$PWD
BUILD=${BUILD:-build}
[[ $BUILD == /* ]] || BUILD=$tree/$BUILD
dae_cl=$BUILD/dae-cl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DAE_CL_PLATFORM DAE_CL_KERNELS
export DAE_CL_TUNE=off # tests/cli/tune.sh turns it on
export DAE_CL_CACHE_DIR=$work/cache # verdicts on devices; the user's own stay as they are

passed=0 failed=0 skipped=0 name='' problems='' code=0

close_case() {
    if [ -n "$name" ] && [ -n "$problems" ]; then
        printf 'FAIL %s\n%s' "$name" "$problems"
        failed=$((failed + 1))
    elif [ -n "$name" ]; then
        echo "ok   $name"
        passed=$((passed + 1))
    fi
    name='' problems=''
}

case_is() {
    close_case
    name=$1
}

# Ends the case without a verdict.
skip() {
    echo "skip $name: $1"
    skipped=$((skipped + 1))
    name='' problems=''
}

finish() {
    close_case
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit
}

problem() {
    problems+="    $1"$'\n'
}

# Runs a command; its status is in $code, its output in $work/out and $work/err.
run() {
    "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
}

code_is() {
    [ "$code" -eq "$1" ] || problem "exit status $code, not $1; stderr: $(head -c 600 "$work/err")"
}

# Compares all of stdout or stderr with the here-document or file on standard input.
out_is() {
    local difference
    difference=$(diff -u - "$work/out") || problem "stdout differs:"$'\n'"$difference"
}
err_is() {
    local difference
    difference=$(diff -u - "$work/err") || problem "stderr differs:"$'\n'"$difference"
}

# A piece of it, taken literally.
out_has() {
    grep -qF -- "$1" "$work/out" || problem "stdout lacks '$1': $(head -c 600 "$work/out")"
}
err_has() {
    grep -qF -- "$1" "$work/err" || problem "stderr lacks '$1': $(head -c 600 "$work/err")"
}
out_lacks() {
    ! grep -qF -- "$1" "$work/out" || problem "stdout has '$1'"
}
err_lacks() {
    ! grep -qF -- "$1" "$work/err" || problem "stderr has '$1'"
}

# Installs packages into $environment, a Python that the scripts share. Without them $why has the reason.
python_with() { # PACKAGE...
    local lock
    environment=$BUILD/python why=''
    exec {lock}>"$BUILD/python.lock"
    flock "$lock"
    "$environment/bin/python" -c 'import pip' 2>/dev/null || run python3 -m venv "$environment"
    # Only the modules that are imported are compiled: see PYTHONPYCACHEPREFIX.
    run "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile "$@"
    [ "$code" -eq 0 ] || why="python3 -m venv or pip cannot install $*: $(tail -n 1 "$work/err")"
    exec {lock}>&-
}
