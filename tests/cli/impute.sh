# `dae-cl impute`: what is filled and what is left alone, byte for byte; how sure it is; bad files at their place.
. "$(dirname "$0")/harness.sh"
cat >"$work/panel.py" <<'END'
import datetime, random, sys
folder = sys.argv[1]
r = random.Random(5)
names = ["X0", "X1", "with; semicolon", "X3", "X4", "X5"]
loading = [[r.gauss(0, 1) for _ in range(2)] for _ in names]
day = datetime.date(2001, 1, 1)
def row():
    f = [r.gauss(0, 1), r.gauss(0, 1)]
    return [10 * (j + 1) + 5 * (l[0] * f[0] + l[1] * f[1] + 0.3 * r.gauss(0, 1)) for j, l in enumerate(loading)]
def quote(s):
    return '"' + s + '"'
with open(folder + "/train.csv", "w") as out:
    out.write("date," + ",".join(names) + "\n")
    for i in range(1500):
        out.write(str(day + datetime.timedelta(i)) + "," + ",".join("" if r.random() < 0.05 else "%.4f" % x for x in row()) + "\n")
order = [3, 0, 2, 5, 4, 1]
holes = ["", "NA", '"NA"', '""', " ", "NaN"]
new, truth, n = [], [], 0
for i in range(120):
    x, cells = row(), []
    for j in order:
        hole = r.random() < 0.2
        cells.append(holes[n % 6] if hole else "%.5f" % x[j])
        if hole:
            truth.append((str(day + datetime.timedelta(3000 + i)), names[j], x[j]))
            n += 1
    new.append(str(day + datetime.timedelta(3000 + i)) + ";" + ";".join(cells) + "\r\n" + ("\r\n" if i == 7 else ""))
head = "\ufeffday;" + ";".join(quote(names[j]) for j in order) + "\r\n"
open(folder + "/new.csv", "wb").write((head + "".join(new)).encode())
open(folder + "/truth", "w").write(repr(truth))
END
cat >"$work/model.yaml" <<'END'
seed: 1
data: {source: csv, path: train.csv, returns: none, train_until: 2004-06-30}
corruption: {masking: {p: [0.05, 0.5]}}
model:
  input: [6]
  layers:
    - {dense: {units: 6}, name: guess, from: input}
    - {multiply: {}, name: gaps, from: [mask, guess]}
    - {add: {}, name: filled, from: [input, gaps]}
    - {dense: {units: 6}, name: again}
    - {multiply: {}, name: gaps_again, from: [mask, again]}
    - {add: {}, from: [input, gaps_again]}
    - dense: {units: 6}
train: {loss: {mse: {unmasked_weight: 0}}, optimizer: {adam: {lr: 0.01}}, batch: 64, epochs: 60}
END
export DAE_CL_PLUGINS=$BUILD/plugins
cd "$work" || exit 1
python3 panel.py . || exit 1

case_is "a model learns from rows with holes"
run "$dae_cl" run model.yaml --platform cpu --out run
code_is 0
model=run/model.safetensors

case_is "holes are filled, every other byte is left, each fill says how sure it is"
run "$dae_cl" impute "$model" new.csv -o filled.csv --platform cpu
code_is 0
out_has "cells filled: filled.csv; how sure: filled.uncertainty.csv"
python3 - <<'END' || problem "wrong results"
import csv, io, math
before, after = open("new.csv", "rb").read(), open("filled.csv", "rb").read()
holes = {b"", b"NA", b'"NA"', b'""', b" ", b"NaN"}
old, new = before.split(b"\r\n"), after.split(b"\r\n")
assert len(old) == len(new)
for a, b in zip(old, new):
    if a.startswith(b"20"):
        for x, y in zip(a.split(b";"), b.split(b";")):
            if x in holes:
                assert y.strip() == b"%s" % y.strip() and math.isfinite(float(y)), y
            else:
                assert x == y
    else:
        assert a == b
truth = eval(open("truth").read())
rows = list(csv.reader(open("filled.uncertainty.csv")))
assert rows[0] == ["date", "column", "value", "spread", "error"]
rows = rows[1:]
assert [(r[0], r[1]) for r in rows] == [(t[0], t[1]) for t in truth]
off = [abs(float(r[2]) - t[2]) for r, t in zip(rows, truth)]
within = sum(o <= float(r[4]) for o, r in zip(off, rows)) / len(off)
# Near 0.68 for normal errors; 144 fills, five standard errors.
assert abs(within - 0.68) <= 5 * math.sqrt(0.68 * 0.32 / len(off)), within
assert all(float(r[3]) > 0 and float(r[3]) < 2 * float(r[4]) for r in rows)
# The columns' means, 10 to 60, are off by 5 times the loadings' length; the rows' other cells tell most of that.
mean = {t[1]: 10 * (["X0", "X1", "with; semicolon", "X3", "X4", "X5"].index(t[1]) + 1) for t in truth}
assert sum(o * o for o in off) < 0.5 * sum((t[2] - mean[t[1]]) ** 2 for t in truth)
END

case_is "the same bytes again; names as asked for; nothing to fill"
run "$dae_cl" impute "$model" new.csv -o again.csv --uncertainty sure.csv --platform cpu
code_is 0
cmp -s filled.csv again.csv && cmp -s filled.uncertainty.csv sure.csv || problem "other bytes"
run "$dae_cl" impute "$model" filled.csv -o nothing.csv --platform cpu
code_is 0
out_has "0 of 720 cells filled"
cmp -s filled.csv nothing.csv || problem "a file without holes has changed"
[ "$(cat nothing.uncertainty.csv)" = "date,column,value,spread,error" ] || problem "fills of nothing"
[ -z "$(find . -name '*.tmp.*')" ] || problem "temporary files are left"

refused() { # STATUS FILE: the message stands on standard input; nothing is written
    run "$dae_cl" impute "$model" "$2" -o out.csv --platform cpu
    code_is "$1"
    err_is
    [ ! -e out.csv ] && [ ! -e out.uncertainty.csv ] || problem "results were written"
}

case_is "bad files are refused at their place"
sed 's/"X5"/"X9"/' new.csv >other.csv
refused 4 other.csv <<'END'
other.csv:1:5: error: no column is named 'X5'; the model was trained on 6 columns and wants them all
END
printf 'day,X0,X1,with; semicolon,X3,X4,X5,X6\n2001-01-01,1,2,3,4,5,6,7\n' >more.csv
refused 4 more.csv <<'END'
more.csv:1:36: error: the model knows no column 'X6'; leave it out
END
printf 'day,X0,X1,with; semicolon,X3,X4,X5\n2001-01-01,1,2,3,4,5,6\n2001-01-02,1,2,x,4,5,6\n' >text.csv
refused 4 text.csv <<'END'
text.csv:3:16: error: column 'with; semicolon': wants a number, got 'x'
END
printf 'day,X0,X1,with; semicolon,X3,X4,X5\n2001-01-01,1,2,3,4,5,6\n2001-01-02,1,2,3,4,5\n' >ragged.csv
refused 4 ragged.csv <<'END'
ragged.csv:3:20: error: a row of 6 fields, but the first row has 7
END
printf 'day,X0,X1,with; semicolon,X3,X4,X5\n2001-01-02,1,2,3,4,5,6\n2001-01-01,1,2,3,4,5,6\n' >unsorted.csv
refused 4 unsorted.csv <<'END'
unsorted.csv:3:1: error: 2001-01-01 follows 2001-01-02 on line 2; sort the rows, oldest first
END
printf 'day,X0,X1,with; semicolon,X3,X4,X5\n2001-01-01,1,,3,4,5,6\n2001-01-02,1,,3,4,5,6\n' >empty.csv
refused 4 empty.csv <<'END'
empty.csv:1:8: error: column 'X1' holds no observation; leave it out
END
refused 5 absent.csv <<'END'
dae-cl: error: cannot open absent.csv: No such file or directory
END

case_is "the input is not overwritten"
cp new.csv kept.csv
run "$dae_cl" impute "$model" kept.csv -o ./kept.csv --platform cpu
code_is 2
err_has "impute: ./kept.csv would overwrite the input kept.csv; give another name to -o"
cmp -s new.csv kept.csv || problem "the input has changed"

case_is "models that cannot fill"
sed -e 's/from: \[mask, guess\]/from: [guess, guess]/' -e 's/from: \[mask, again\]/from: [again, again]/' \
    -e 's/train.csv/whole.csv/' -e 's/epochs: 60/epochs: 1/' model.yaml >blind.yaml
grep -v ',,\|,$' train.csv >whole.csv
run "$dae_cl" run blind.yaml --platform cpu --out blind
code_is 0
run "$dae_cl" impute blind/model.safetensors new.csv -o out.csv --platform cpu
code_is 9
err_has "blind/model.safetensors: the model is not told what is missing; train one whose layers read the mask"
sed -e 's/returns: none/returns: simple/' -e 's/epochs: 60/epochs: 1/' -e 's/clip: 8/clip: 4/' model.yaml >prices.yaml
sed 's/-\([0-9][0-9]*\.\)/\1/g' train.csv >prices.csv
sed -i 's/train.csv/prices.csv/' prices.yaml
run "$dae_cl" run prices.yaml --platform cpu --out prices
code_is 0
run "$dae_cl" impute prices/model.safetensors new.csv -o out.csv --platform cpu
code_is 9
err_has "the model was trained on returns that were taken of prices"
[ ! -e out.csv ] || problem "results were written"

finish
