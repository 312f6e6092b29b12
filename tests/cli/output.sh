# Standard output that cannot be written: exit code 5 instead of a signal, and nothing printed to another file.
. "$(dirname "$0")/harness.sh"

commands=("--help" "--version" "help --man" "devices" "devices --json" "plugins" "plugins dense" "plugins --markdown"
    "check tests/cli/small.yaml" "check tests/cli/small.yaml --json")

case_is "a full disk"
for command in "${commands[@]}"; do
    "$dae_cl" $command >/dev/full 2>"$work/err"
    code=$?
    code_is 5
    err_is <<'END'
dae-cl: error: standard output: No space left on device
END
done

case_is "a closed standard output"
for command in "${commands[@]}"; do
    "$dae_cl" $command >&- 2>"$work/err"
    code=$?
    code_is 5
    err_has "dae-cl: error: standard output: "
done

case_is "what cannot be printed does not end up in a file of the run"
for closed in '2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
    rm -rf "$work/run"
    eval "\"\$dae_cl\" run tests/cli/small.yaml --out \"\$work/run\" >\"\$work/out\" $closed"
    code=$?
    [[ $closed == *'>&- 2'* ]] && code_is 5 || code_is 0
    grep -rqI -e 'comparing on' -e 'report.html$' "$work/run" --include='*.json*' --include='.*' --include=lock &&
        problem "$closed: a file of the run has what was to be printed"
    python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1])]' "$work/run/log.jsonl" 2>"$work/err" ||
        problem "$closed: log.jsonl: $(tail -n 1 "$work/err")"
done

case_is "closed standard input and error"
"$dae_cl" check tests/cli/small.yaml <&- 2>&- >"$work/out"
code=$?
code_is 0
out_has "total"
"$dae_cl" check "$work/absent.yaml" <&- 2>&- >"$work/out"
code=$?
code_is 2
out_is </dev/null

case_is "a reader that stops reading"
for command in "${commands[@]}"; do
    "$dae_cl" $command 2>"$work/err" | head -n 1 >/dev/null
    code=${PIPESTATUS[0]}
    [ "$code" -eq 0 ] || [ "$code" -eq 5 ] || problem "$command: exit status $code"
    err_is </dev/null
done

case_is "a reader that never reads"
for command in "${commands[@]}"; do
    { sleep 0.2; "$dae_cl" $command 2>"$work/err"; echo $? >"$work/code"; } | true
    code=$(cat "$work/code")
    code_is 5
    err_is </dev/null
done

case_is "another locale changes nothing"
run "$dae_cl" check tests/cli/small.yaml
cp "$work/out" "$work/expected"
for locale in de_DE.UTF-8 tr_TR.UTF-8 C.UTF-8; do
    run env LC_ALL="$locale" LANG="$locale" "$dae_cl" check tests/cli/small.yaml
    code_is 0
    out_is <"$work/expected"
done

finish
