# Panels as other programs write them: days and zones, separators, missing words, and what is refused, by name.
. "$(dirname "$0")/harness.sh"
export DAE_CL_PLUGINS=$BUILD/plugins
cd "$work" || exit 1
cat >p.yaml <<'END'
data: {source: csv, path: p.csv, returns: none, train_until: 2020-06-30}
corruption: {gaussian: {sigma: 0.3}}
model:
  input: [3]
  layers:
    - dense: {units: 3}
train: {loss: mse, optimizer: {adam: {lr: 0.01}}, batch: 16, epochs: 1}
END
cat >days.py <<'END'
import datetime, sys
# Rows of 2020, one a day, each followed by the text of the first argument.
print("date,A,B,C")
for i in range(366):
    day = datetime.date(2020, 1, 1) + datetime.timedelta(i)
    print("%s%s,%d,%d,%d" % (day, sys.argv[1], i % 7, i % 5, i % 3))
END
run_panel() {
    run "$dae_cl" run p.yaml --platform cpu --out r --force "$@"
}

case_is "the day that is written is the day, whatever its zone"
for zone in "" " 00:00:00" " 00:00:00+09:00" "T23:59:59.999999999-11:00" " 23:30:00 UTC"; do
    python3 days.py "$zone" >p.csv
    run_panel
    code_is 0
    err_has "182 training, 184 test samples"
done
run_panel --set data.train_until=2020-06
code_is 0
err_has "182 training, 184 test samples"
run_panel --set data.train_until=2020-06 --set data.from=2020-02 --set data.test_from=2020-08
code_is 0
err_has "151 training, 153 test samples"

case_is "a month's number is known when the month has ended"
awk 'BEGIN { print "date,A,B,C"; for (i = 0; i < 48; ++i) printf "%d-%02d,%d,%d,%d\n", 2017 + i / 12, i % 12 + 1, i % 7, i % 5, i % 3 }' >p.csv
run_panel --set data.train_until=2020-06-29
code_is 0
err_has "41 training, 7 test samples"

case_is "keys that are no days, and windows without rows, at the key"
run_panel --set 'data.train_until=2020-06-30 12:00'
code_is 2
err_has "data.train_until: expects a day like 2024-12-31 or a month like 2024-12, got '2020-06-30 12:00'"
run_panel --set data.train_until=2020-06 --set data.test_from=2020-06-30
code_is 2
err_has "data.test_from: expects a date after train_until"
run_panel --set data.train_until=2021-06
code_is 4
err_has "--set data.train_until=2021-06"
err_has "no row of p.csv is in the test window; its dates run from 2017-01-31 to 2020-12-31"
run_panel --set data.test_from=2023-06
code_is 4
err_has "--set data.test_from=2023-06"

case_is "--set takes names as typed, and says how to replace an item"
cp p.csv 'run #2: a.csv'
run_panel --set 'data.path=run #2: a.csv' --set data.train_until=2019-06
code_is 0
grep -qxF "  path: 'run #2: a.csv'" r/config.yaml || problem "the config has another path"
run_panel --set train.optimizer.sgd.lr=1
code_is 2
err_has "--set train.optimizer.sgd.lr=1: 'adam' and 'sgd' in one item"
err_has "note: to replace 'adam', type --set 'train.optimizer={sgd: {lr: 1}}'"
run_panel --set 'data.path=~/x.csv'
code_is 5
err_has "cannot open ~/x.csv: No such file"
err_has "note: only a shell expands ~, and only at the beginning of a word; write \$HOME"

case_is "decimal commas and words for holes by explicit keys, and a notice of a sentinel"
python3 days.py "" | awk -F, 'BEGIN { OFS = ";" } NR > 1 { $2 = $2 ",5"; if (NR % 50 == 0) $3 = "-99,99"; if (NR % 60 == 0) $4 = "halted" } { print $1, $2, $3, $4 }' >p.csv
run_panel
code_is 4
err_has "p.csv:2:12: error: column 'A': expects a number, got '0,5'"
err_has "or set data.decimal: comma"
run_panel --set data.decimal=comma
code_is 4
err_has "p.csv:60:18: error: column 'C': expects a number, got 'halted'"
err_has "list the word in data.missing"
sed 's/halted/1/' p.csv >q.csv
run_panel --set data.decimal=comma --set data.path=q.csv
code_is 0
err_has "data: csv: column 'B' contains -99.99 7 times; it counts as observed: list it in data.missing if it means that nothing is known (182 training"
run_panel --set data.decimal=comma --set 'data.missing=[-99.99, halted]'
code_is 4
err_has "column 'B' is missing on 2020-02-18"
run_panel --set 'data.missing={a: 1}'
code_is 2
err_has "data.missing: expects a list of words and numbers, got a map"

finish
