# `dae-cl sweep`: its table, what it shares, how it stops and continues, and what it refuses.
. "$(dirname "$0")/harness.sh"

cp tests/cli/small.yaml "$work/small.yaml"
cd "$work" || exit 1
lr=train.optimizer.sgd.lr

sweep_is() { # NAME, with the keys on standard input
    { echo "name: $1" && echo "base: small.yaml" && cat; } >"$work/$1.yaml"
}
column() { # NAME FILE: the cells of a column of a CSV file
    python3 -c 'import csv, sys
for row in csv.DictReader(open(sys.argv[2])): print(row[sys.argv[1]])' "$1" "$2"
}

case_is "a grid runs every combination, the last key first, and leaves a table and light folders"
sweep_is grid <<END
keys:
  $lr: {log_uniform: [0.01, 1], points: 3}
  train.batch: [16, 32]
END
run "$dae_cl" sweep grid.yaml --platform cpu
code_is 0
out_has "Ordered by the error on the test samples"
out_has "table: sweeps/grid/table.csv"
err_has "run 2 of 6: $lr=0.01 train.batch=32: test MSE 0."
[ "$(column $lr sweeps/grid/table.csv | xargs)" = "0.01 0.01 0.1 0.1 1 1" ] || problem "$(cat sweeps/grid/table.csv)"
[ "$(column train.batch sweeps/grid/table.csv | xargs)" = "16 32 16 32 16 32" ] || problem "wrong batches"
[ "$(ls sweeps/grid | xargs)" = "0001 0002 0003 0004 0005 0006 base.yaml sweep.yaml table.csv table.json" ] ||
    problem "$(ls sweeps/grid)"
[ "$(ls sweeps/grid/0003 | xargs)" = "config.yaml log.jsonl run.json test_errors.safetensors" ] ||
    problem "$(ls sweeps/grid/0003)"
python3 - <<'END' || problem "the table, run.json and the order of the rows disagree"
import csv, json
rows = json.load(open("sweeps/grid/table.json"))["rows"]
for row, line in zip(rows, csv.DictReader(open("sweeps/grid/table.csv")), strict=True):
    run = json.load(open(f"sweeps/grid/{row['run']:04}/run.json"))
    assert row["state"] == "finished" and row["test_mse"] == run["test"]["model"]["mse"] == float(line["test_mse"])
    assert line["validation_loss"] == "" and row["validation_loss"] is None
shown = [line.split() for line in open("out") if line[:4].strip().isdigit()]
assert [int(words[0]) for words in shown] == [r["run"] for r in sorted(rows, key=lambda r: r["test_mse"])], shown
END

case_is "--print prints runs that give the same configs and the same numbers"
run "$dae_cl" sweep grid.yaml --platform cpu --print
code_is 0
[ "$(wc -l <out)" -eq 6 ] || problem "$(cat out)"
sed -n 4p out | sed -e "s|^dae-cl |'$dae_cl' |" -e 's|sweeps/grid|alone|' >line
run bash line
code_is 0
cmp alone/0004/config.yaml sweeps/grid/0004/config.yaml || problem "the configs differ"
cmp alone/0004/test_errors.safetensors sweeps/grid/0004/test_errors.safetensors || problem "the errors differ"

case_is "each distinct kernel source is compiled once, and the samples are loaded once"
sweep_is rates <<END
keys: {$lr: [0.01, 0.1, 0.3], seed: {from: 1, to: 3}}
END
if ldd "$dae_cl" | grep -q 'lib[au]bsan\|libasan'; then
    skip "the program is built with sanitizers, which do not share LD_PRELOAD"
elif ${CC:-cc} -shared -fPIC -o log_sources.so "$tree/tests/cli/log_sources.c" -ldl; then
    LOG_SOURCES=$work/sources LD_PRELOAD=$work/log_sources.so run "$dae_cl" sweep rates.yaml --platform cpu
    code_is 0
    [ "$(wc -l <sources)" -ge 3 ] || problem "the library saw $(cat sources)"
    [ -z "$(sort sources | uniq -d)" ] || problem "$(sort sources | uniq -c)"
    [ "$(grep -c '^data:' err)" -eq 1 ] || problem "the samples were loaded again"
else
    problem "no shared library was compiled"
fi

case_is "samples and batches may change from run to run"
sweep_is data <<END
keys: {data.train: [64, 96], train.batch: [16, 32]}
END
run "$dae_cl" sweep data.yaml --platform cpu --set data.validation=0.25
code_is 0
out_lacks "Ordered by"
[ "$(grep -c '^data:' err)" -eq 2 ] || problem "$(cat err)"
for number in 0002 0003; do
    "$dae_cl" sweep data.yaml --platform cpu --set data.validation=0.25 --print | grep "/$number\$" | sed -e "s|^dae-cl |'$dae_cl' |" -e 's|sweeps/data|alone|' >line
    run bash line
    cmp "alone/$number/test_errors.safetensors" "sweeps/data/$number/test_errors.safetensors" || problem "$number differs"
done

case_is "a random search draws within the ranges, and more runs add to fewer"
random_of() { # RUNS
    sweep_is random <<END
search: random
runs: $1
seed: 3
keys:
  $lr: {log_uniform: [0.001, 1]}
  model.layers.1.dense.units: {uniform: [7, 9], integer: true}
  train.batch: [16, 32]
END
}
random_of 4
run "$dae_cl" sweep random.yaml --platform cpu
code_is 0
cp sweeps/random/table.csv four.csv
random_of 6
run "$dae_cl" sweep random.yaml --platform cpu
code_is 2
err_has "sweeps/random holds a sweep"
run "$dae_cl" sweep random.yaml --platform cpu --resume
code_is 0
err_has "4 of them done before"
cmp <(head -n 5 sweeps/random/table.csv) four.csv || problem "earlier rows changed"
[ "$(wc -l <sweeps/random/table.csv)" -eq 7 ] || problem "$(cat sweeps/random/table.csv)"
column $lr sweeps/random/table.csv | awk '$1 < 0.001 || $1 > 1 { exit 1 }' || problem "a rate is outside"
column model.layers.1.dense.units sweeps/random/table.csv | grep -qvE '^[7-9]$' && problem "units are outside"
[ "$(column $lr sweeps/random/table.csv | sort -u | wc -l)" -eq 6 ] || problem "rates were drawn twice"

case_is "a folder with other files is refused and left alone"
mkdir mine && touch mine/notes
run "$dae_cl" sweep random.yaml --platform cpu --out mine
code_is 2
err_has "mine is not empty"
[ "$(ls -A mine)" = notes ] || problem "$(ls -A mine)"
run "$dae_cl" sweep random.yaml --platform cpu --out "$work"
code_is 2
err_has "give another folder to --out"

case_is "another base config or other values are not continued"
run "$dae_cl" sweep random.yaml --platform cpu --resume --set train.epochs=2
code_is 2
err_has "holds a sweep of another base config"
sed -i 's/seed: 3/seed: 4/' random.yaml
run "$dae_cl" sweep random.yaml --platform cpu --resume
code_is 2
err_has "run 1 has other settings than in this sweep"
mkdir -p sweeps/random/mine && touch sweeps/random/mine/notes
run "$dae_cl" sweep random.yaml --platform cpu --force
code_is 0
[ -e sweeps/random/mine/notes ] || problem "--force removed a user's file"

case_is "a run that diverges is a row, the sweep goes on, and it is not repeated"
sed 's/- sigmoid/- dense: {units: 784}/' small.yaml >deep.yaml
sweep_is diverging <<END
keys: {$lr: [0.01, 1e12, 0.02]}
END
sweep_is lost <<END
keys: {$lr: [1e12]}
END
sed -i 's/small.yaml/deep.yaml/' diverging.yaml lost.yaml
run "$dae_cl" sweep diverging.yaml --platform cpu
code_is 0
err_has "1 of 3 runs diverged"
[ "$(column state sweeps/diverging/table.csv | xargs)" = "finished diverged finished" ] ||
    problem "$(cat sweeps/diverging/table.csv)"
[ -n "$(column reason sweeps/diverging/table.csv | xargs)" ] || problem "no reason"
run "$dae_cl" sweep diverging.yaml --platform cpu --resume
code_is 0
err_lacks "run 2 of 3"
run "$dae_cl" sweep lost.yaml --platform cpu
code_is 8
err_has "every run diverged"

case_is "a run whose data do not fit is a row, gives the status, and is tried again"
sweep_is large <<END
keys: {train.batch: [16, 128]}
END
for more in '' --resume; do
    run "$dae_cl" sweep large.yaml --platform cpu $more
    code_is 4
    err_has "1 of 2 runs failed; the first: train.batch is 128, but there are only 64 training samples"
    err_has "run 2 of 2"
done
[ "$(column state sweeps/large/table.csv | xargs)" = "finished failed" ] || problem "$(cat sweeps/large/table.csv)"

case_is "keep decides what a run leaves"
for keep in model everything; do
    sweep_is $keep <<END
keep: $keep
keys: {train.epochs: [1]}
END
    run "$dae_cl" sweep $keep.yaml --platform cpu --set 'compare=[standard_ae]'
    code_is 0
    [ -s sweeps/$keep/0001/model.safetensors ] || problem "$keep: no model"
done
[ ! -e sweeps/model/0001/report.html ] || problem "a report that nobody asked for"
[ -s sweeps/everything/0001/report.html ] || problem "no report"
grep -q '"standard_ae"' sweeps/everything/0001/run.json || problem "no rival"
! grep -q '"standard_ae"' sweeps/model/0001/run.json || problem "a rival that nobody asked for"

case_is "Ctrl-C keeps what is done, and --resume continues"
sweep_is stopped <<END
keys: {seed: {from: 1, to: 4}}
END
"$dae_cl" sweep stopped.yaml --platform cpu --set train.epochs=400 --set data.train=2000 >out 2>err &
for _ in $(seq 600); do
    ! grep -q '^2,' sweeps/stopped/table.csv 2>/dev/null || break
    sleep 0.05
done
kill -INT $!
wait $!
code=$?
code_is 130
err_has "to continue, type the same command with --resume"
out_has "table: sweeps/stopped/table.csv"
done_before=$(($(wc -l <sweeps/stopped/table.csv) - 1))
cp sweeps/stopped/table.csv before.csv
run "$dae_cl" sweep stopped.yaml --platform cpu --set train.epochs=400 --set data.train=2000 --resume
code_is 0
err_has "$done_before of them done before"
cmp <(head -n $((done_before + 1)) sweeps/stopped/table.csv) before.csv || problem "earlier rows changed"
[ "$(wc -l <sweeps/stopped/table.csv)" -eq 5 ] || problem "$(cat sweeps/stopped/table.csv)"

case_is "mistakes are found at their places before anything runs"
refuses() { # WORDS, with the lines of a sweep on standard input
    { echo "base: small.yaml" && cat; } >bad.yaml
    run "$dae_cl" sweep bad.yaml --platform cpu
    code_is 2
    err_has "$1"
    [ ! -e sweeps/sweep ] || problem "something ran"
}
refuses "bad.yaml:2:33: error: unknown key 'epoch' in train (did you mean 'epochs'?)" <<<'keys: {seed: [1], train.epoch: [1, 2]}'
refuses "this is run 2 of 2: seed=-1" <<<'keys: {seed: [1, -1]}'
refuses "bad.yaml:2:18: error: seed: expects an integer of at least 0, got '-1'" <<<'keys: {seed: [1, -1]}'
refuses "unknown key 'lognormal'" <<<'keys: {seed: {lognormal: [1, 2]}}'
refuses "unknown key 'key'" <<<'key: {seed: [1]}'
refuses "say points: N, or search: random" <<<"keys: {$lr: {uniform: [0, 1]}}"
refuses "expects one of" <<<"keys: {$lr: {from: 1, uniform: [0, 1]}}"
refuses "requires the key runs" <<<$'search: random\nkeys: {seed: [1]}'
refuses "all runs of a sweep use the same device" <<<'keys: {device.platform: [cpu]}'
refuses "set the same value" <<<'keys: {train.optimizer: [sgd], train.optimizer.sgd.lr: [1]}'
refuses "this sweep has 1000000 runs; if that is what you want, add --yes" <<<'keys: {seed: {from: 1, to: 1000}, train.epochs: {from: 1, to: 1000}}'
refuses "expects a list of at least 1" <<<'keys: {seed: []}'
refuses "expects a list of values, or a map" <<<'keys: {seed: 1}'

case_is "run --print prints one number and nothing else"
run "$dae_cl" run small.yaml --platform cpu --print test.mse --out printed
code_is 0
python3 -c 'import json; n = float(open("out").read()); assert n == json.load(open("printed/run.json"))["test"]["model"]["mse"]' ||
    problem "$(cat out)"
run "$dae_cl" run small.yaml --platform cpu --print test.msq --out printed --force
code_is 2
err_has "--print: run.json has no number 'test.msq' (did you mean 'test.mse'?)"
[ -s printed/run.json ] || problem "the earlier run is gone"
run "$dae_cl" run small.yaml --platform cpu --print best_validation_loss --out printed2
code_is 2
err_has "the run.json of this run has no number 'best_validation_loss'"

# The program of docs/sweeps.md, with a smaller network and two trials.
case_is "Optuna asks, runs and tells"
python_with optuna
if [ -n "$why" ]; then
    skip "$why"
else
    sed 's/sgd: {lr: 0.1}/adam: {lr: 0.001}/' small.yaml >fc.yaml
    sed -n '/^```python$/,/^```$/p' "$tree/docs/sweeps.md" | sed -e '/^```/d' -e 's|configs/fc_mnist.yaml|fc.yaml|' \
        -e 's/range(20)/range(2)/' -e 's/16, 256, log/8, 8, log/' -e "s|\"dae-cl\"|\"$dae_cl\"|" >search.py
    run env DAE_CL_PLATFORM=cpu "$environment/bin/python" search.py
    code_is 0
    out_has "{'lr': 0.0"
    [ "$(ls search | xargs)" = "0 1" ] || problem "$(ls search)"
fi

finish
