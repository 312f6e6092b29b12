# How a run ends: its numbers are written first, figures are left out if none can be drawn, and signals stop it cleanly at
# any time.
. "$(dirname "$0")/harness.sh"
small=tests/cli/small.yaml
train() { # FOLDER [OPTION...]
    local out=$work/$1
    shift
    run "$dae_cl" run "$small" --out "$out" --set data.train=64 --set data.test=32 "$@"
}
whole() { # FOLDER: everything but figures
    for file in run.json model.safetensors report.html log.jsonl config.yaml; do
        [ -s "$work/$1/$file" ] || problem "$file is missing"
    done
    grep -q "How it compares" "$work/$1/report.html" || problem "the report lacks the table"
    grep -q '"done"' "$work/$1/log.jsonl" || problem "the log does not end"
    out_has "denoising AE"
    [ "$(grep -c "warning: figures are left out" "$work/err")" -eq 1 ] || problem "warnings: $(grep warning "$work/err")"
}

# All programs except gnuplot, and a stand-in with its name.
mkdir "$work/bin"
ln -s /usr/bin/* /bin/* "$work/bin/" 2>/dev/null
rm -f "$work"/bin/gnuplot*
tools=$PATH
fake() { # a gnuplot, from standard input
    { echo '#!/bin/bash'; cat; } >"$work/bin/gnuplot"
    chmod +x "$work/bin/gnuplot"
}

case_is "without gnuplot: said before training, and everything else is there"
PATH=$work/bin train none
code_is 0
whole none
err_has "warning: figures are left out: gnuplot, which draws them, is not installed"
[[ $(grep -n "warning: figures" "$work/err" | cut -d: -f1) -lt $(grep -n "^training" "$work/err" | cut -d: -f1) ]] || problem "said too late"
PATH=$work/bin run "$dae_cl" study noise_levels "$small" --out "$work/none" --set data.train=64 --set data.test=32
code_is 0
[ -s "$work/none/studies/noise_levels/noise_levels.json" ] || problem "the study's numbers are missing"
grep -q "Noise levels" "$work/none/report.html" || problem "the study is not in the report"

case_is "a gnuplot that fails"
fake <<<'echo "no fonts" >&2; exit 3'
PATH=$work/bin train fails
code_is 0
whole fails
err_has "warning: figures are left out: gnuplot failed with exit status 3"

case_is "a gnuplot that hangs is waited for once"
fake <<<'sleep 1000 & wait'
begin=$SECONDS
PATH=$work/bin train hangs
code_is 0
whole hangs
err_has "warning: figures are left out: gnuplot has not finished a figure within 30 s"
[ $((SECONDS - begin)) -lt 90 ] || problem "it took $((SECONDS - begin)) s"
PATH=$tools

case_is "the numbers are written before figures are drawn"
fake <<<"cp '$work/order/run.json' '$work/seen' 2>/dev/null; exit 3"
PATH=$work/bin train order
code_is 0
PATH=$tools
cmp -s "$work/seen" "$work/order/run.json" || problem "run.json was not there"

# Sends a signal after a line has appeared.
stop_at() { # SIGNAL FOLDER LINE [OPTION...]
    local signal=$1 out=$work/$2 line=$3
    shift 3
    rm -f "$work/err"
    env --default-signal=INT,HUP "$dae_cl" run "$small" --out "$out" "$@" >"$work/out" 2>"$work/err" </dev/null &
    local process=$!
    for _ in $(seq 1200); do
        grep -qs -- "$line" "$work/err" && break
        sleep 0.05
    done
    kill "-$signal" $process
    begin=$SECONDS
    wait $process
    code=$?
    [ $((SECONDS - begin)) -lt 20 ] || problem "it took $((SECONDS - begin)) s"
}
long=(--set data.train=20000 --set train.epochs=200)

for signal in HUP INT TERM USR1 USR2; do
    case_is "SIG$signal in training: a checkpoint, its own exit status, and --resume"
    stop_at $signal "stop_$signal" "^training" "${long[@]}"
    case $signal in HUP) code_is 129 ;; INT) code_is 130 ;; TERM) code_is 143 ;; USR1) code_is 138 ;; USR2) code_is 140 ;; esac
    err_has "stopping cleanly; a second signal ends the program at once"
    err_has "type the same command with --resume"
    [ -s "$work/stop_$signal/checkpoint/model.safetensors" ] || problem "no checkpoint"
done

case_is "what killed processes left in a run's folder goes away, and nothing else"
mkdir -p "$work/litter/checkpoint"
touch "$work/litter/checkpoint/model.safetensors.tmp.99999.7" "$work/litter/run.json.tmp.1.0" "$work/litter/notes.tmp.txt"
train litter
code_is 0
left=$(cd "$work/litter" && find . -name '*.tmp.*')
[ "$left" = ./notes.tmp.txt ] || problem "left: $left"

case_is "under nohup, the end of the terminal is not heard"
(
    trap '' HUP
    exec "$dae_cl" run "$small" --out "$work/nohup" --set data.train=2000 --set train.epochs=20 >"$work/out" 2>"$work/err" </dev/null
) &
process=$!
for _ in $(seq 1200); do
    grep -qs "^training" "$work/err" && break
    sleep 0.05
done
kill -HUP $process
wait $process
code=$?
code_is 0

case_is "Ctrl-C in the comparison is heard, and --resume makes up for it"
compared=(--set data.train=64 --set data.test=200000)
stop_at INT comparing "^comparing on" "${compared[@]}"
code_is 130
err_has "type the same command with --resume"
[ ! -e "$work/comparing/run.json" ] || problem "it went on to the end"
train comparing --resume "${compared[@]}"
code_is 0
[ -s "$work/comparing/run.json" ] || problem "no run.json"

finish
