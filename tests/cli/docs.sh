# The commands in the README and in docs/: each exists, with its options, configs and keys; those of the tutorial are
# typed, in its order, on little data.
. "$(dirname "$0")/harness.sh"
unset DAE_CL_DATA

# dae-cl WORD...: that the program takes these words, and, of a config that is there, the keys.
understands() {
    local config='' sets=() command=$1 word
    run "$dae_cl" "$@" --help
    [ "$code" -eq 0 ] || problem "$page: dae-cl $*: $(head -n 1 "$work/err")"
    case $command in run | check | verify | bench | tune | study) ;; *) return ;; esac
    while [ $# -gt 0 ]; do
        word=${1#configs/}
        [ ! -e "configs/${word%.yaml}.yaml" ] || config=configs/${word%.yaml}.yaml
        [ "$1" != --set ] || sets+=(--set "$2")
        shift
    done
    [ -n "$config" ] || return
    run "$dae_cl" check "$config" "${sets[@]}"
    [ "$code" -eq 0 ] || problem "$page: check $config ${sets[*]}: $(head -n 2 "$work/err")"
    n=$((n + 1))
}

n=0 total=0
for page in README.md docs/*.md; do
    case_is "commands of $page"
    while read -r line; do
        eval "set -- $line"
        case $1 in
        dae-cl | build/dae-cl)
            shift
            understands "$@"
            total=$((total + 1))
            ;;
        make) # in README.md; other pages may be in a folder of the reader's
            [ "$page" != README.md ] || make -n "${@:2}" >"$work/out" 2>&1 || problem "$page: $line: $(tail -n 1 "$work/out")" ;;
        esac
    done < <(python3 -B tests/cli/doc_commands.py "$page")
done

case_is "there were commands to look at"
[ "$total" -ge 50 ] && [ "$n" -ge 20 ] || problem "only $total commands, $n of them with a config"

# The tutorial at small size: only the sizes of its networks' trainings differ, and where its folders of images come from.
case_is "the tutorial, typed from its first line to its last"
python3 -B tests/cli/doc_commands.py docs/tutorial.md | grep -v '^make\|^xdg-open' >"$work/lines"
export POCL_CACHE_DIR=$work/kernels
cd "$work" || exit 1
"$dae_cl" init mnist >out && rm mnist.yaml
while read -r line; do
    eval "set -- $line"
    small=()
    case "$1 ${2-}" in
    "dae-cl run" | "dae-cl study")
        small=(--trust-device --set train.epochs=1)
        [[ $line == *score* ]] || small+=(--set 'data={source: digits, train: 256, test: 64}')
        ;;
    esac
    [ "$1" = dae-cl ] || problem "what is $1? $line"
    run "$dae_cl" "${@:2}" "${small[@]}"
    [ "$code" -eq 0 ] || problem "$line: exit status $code: $(tail -n 3 "$work/err")"
done <"$work/lines"
[ "$(wc -l <"$work/lines")" -ge 12 ] || problem "few commands: $(cat "$work/lines")"
for file in runs/mnist/report.html runs/mnist/studies/noise_levels/levels.csv comparison.html model.onnx; do
    [ -s "$file" ] || problem "no $file"
done

finish
