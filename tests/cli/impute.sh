# `dae-cl impute`: what is filled and what stays, byte for byte; the uncertainties; bad files at their place.
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
out_has "cells filled: filled.csv; uncertainties: filled.uncertainty.csv"
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
other.csv:1:5: error: no column is named 'X5'; the model was trained on 6 columns and needs all of them
END
printf 'day,X0,X1,with; semicolon,X3,X4,X5,X6\n2001-01-01,1,2,3,4,5,6,7\n' >more.csv
refused 4 more.csv <<'END'
more.csv:1:36: error: the model knows no column 'X6'; leave it out
END
printf 'day,X0,X1,with; semicolon,X3,X4,X5\n2001-01-01,1,2,3,4,5,6\n2001-01-02,1,2,x,4,5,6\n' >text.csv
refused 4 text.csv <<'END'
text.csv:3:16: error: column 'with; semicolon': expects a number, got 'x'
note: list the word in data.missing if it means that no number is known
END
printf 'day,X0,X1,with; semicolon,X3,X4,X5\n2001-01-01,1,2,3,4,5,6\n2001-01-02,1,2,3,4,5\n' >ragged.csv
refused 4 ragged.csv <<'END'
ragged.csv:3:20: error: a row of 6 fields, but the first row has 7
END
printf 'day,X0,X1,with; semicolon,X3,X4,X5\n2001-01-02,1,2,3,4,5,6\n2001-01-01,1,2,3,4,5,6\n' >unsorted.csv
refused 4 unsorted.csv <<'END'
unsorted.csv:3:1: error: 2001-01-01 follows 2001-01-02 on line 2; sort the rows, oldest first
END
refused 5 absent.csv <<'END'
dae-cl: error: cannot open absent.csv: No such file or directory
END

case_is "a column without a number, rows that are counted, rows without anything, compressed files"
printf ',X0,X1,with; semicolon,X3,X4,X5\n0,10,,30.10,4e1,50,60\n1,11,,31,41,51,\n' >COUNTED.CSV
run "$dae_cl" impute "$model" COUNTED.CSV -o OUT.CSV.GZ --platform cpu
code_is 0
err_has "column 'X1' contains no number, so all of it is filled from the others"
out_has "3 of 12 cells filled: OUT.CSV.GZ; uncertainties: OUT.uncertainty.csv.GZ"
cut -d, -f2- COUNTED.CSV | gzip >bare.csv.gz
run "$dae_cl" impute "$model" bare.csv.gz -o bare.out --platform cpu
code_is 0
run "$dae_cl" impute "$model" COUNTED.CSV -o again.csv.gz --platform cpu
cmp -s OUT.CSV.GZ again.csv.gz || problem "compressed files differ"
python3 - <<'PY' || problem "wrong results"
import csv, gzip
old = [line.split(",") for line in open("COUNTED.CSV").read().split("\n")]
new = [line.split(",") for line in gzip.open("OUT.CSV.GZ", "rt").read().split("\n")]
bare = [line.split(",") for line in open("bare.out").read().split("\n")]
assert len(old) == len(new) and old[0] == new[0]
for a, b, c in zip(old, new, bare):
    assert b[1:] == c or b == c == [""]
    for x, y in zip(a, b):
        assert x == y or x == "" and float(y) == float(y), (x, y)
rows = list(csv.reader(gzip.open("OUT.uncertainty.csv.GZ", "rt")))[1:]
assert [(r[0], r[1]) for r in rows] == [("0", "X1"), ("1", "X1"), ("1", "X5")]
PY

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
err_has "blind/model.safetensors: the model does not read the mask; train one whose layers do"
[ ! -e out.csv ] || problem "results were written"

# Prices, their log or simple returns as a separate file, and further prices with holes: single ones, runs
# of three, the days before the columns P1 and P4 begin.
cat >prices.py <<'END'
import datetime, math, random, sys
r = random.Random(6)
names = ["P%d" % j for j in range(6)]
loading = [[r.gauss(0, 1) for _ in range(2)] for _ in names]
first = datetime.date(2001, 1, 1)
def walk(n):
    p, rows = [10.0 * (j + 1) for j in range(6)], []
    for _ in range(n):
        f = [r.gauss(0, 1), r.gauss(0, 1)]
        p = [x * math.exp(0.01 * (l[0] * f[0] + l[1] * f[1] + 0.3 * r.gauss(0, 1))) for x, l in zip(p, loading)]
        rows.append(["%.6f" % x for x in p])
    return rows
def write(path, start, rows):
    with open(path, "w") as out:
        out.write("date," + ",".join(names) + "\n")
        for i, row in enumerate(rows):
            out.write(str(first + datetime.timedelta(start + i)) + "," + ",".join(row) + "\n")
def returns(rows, kind):
    def one(a, b):
        if not a or not b:
            return ""
        return repr(math.log(float(b)) - math.log(float(a)) if kind == "log" else float(b) / float(a) - 1)
    return [[one(a, b) for a, b in zip(x, y)] for x, y in zip(rows, rows[1:])]
train, new = walk(1400), walk(150)
train = [["" if r.random() < 0.03 else x for x in row] for row in train]
write("truth_prices.csv", 3000, new)
first_1, first_4 = new[7][1], new[2][4]
for i in range(2, 150):
    for j in range(6):
        if r.random() < 0.08:
            for k in range(i, min(i + r.choice([1, 3]), 150)):
                new[k][j] = ""
for i in range(150):
    new[i][1] = new[i][1] if i >= 7 else ""
    new[i][4] = new[i][4] if i >= 2 else ""
new[7][1], new[2][4] = first_1, first_4
write("train_prices.csv", 0, train)
write("new_prices.csv", 3000, new)
for kind in "log", "simple":
    write("train_%s.csv" % kind, 1, returns(train, kind))
    write("new_%s.csv" % kind, 3001, returns(new, kind))
END
python3 prices.py || exit 1
for kind in log simple; do
    case_is "prices are filled by the returns that the same model gives for a file of returns: $kind"
    sed -e "s/train.csv/train_$kind.csv/" -e 's/epochs: 60/epochs: 30/' model.yaml >of_returns.yaml
    sed -e "s/train_$kind.csv/train_prices.csv/" -e "s/returns: none/returns: $kind/" of_returns.yaml >of_prices.yaml
    run "$dae_cl" run of_returns.yaml --platform cpu --out "returns_$kind"
    code_is 0
    run "$dae_cl" run of_prices.yaml --platform cpu --out "prices_$kind"
    code_is 0
    run "$dae_cl" impute "returns_$kind/model.safetensors" "new_$kind.csv" -o "filled_$kind.csv" --platform cpu
    code_is 0
    run "$dae_cl" impute "prices_$kind/model.safetensors" new_prices.csv -o "filled_prices_$kind.csv" --platform cpu
    code_is 0
    out_has "9 cells before the first price of a column stay empty"
    python3 - "$kind" "$work/out" <<'PY' || problem "wrong prices"
import csv, math, sys
kind = sys.argv[1]
def read(path):
    return list(csv.reader(open(path)))
def reports(path):
    return {(r[0], r[1]): [float(x) for x in r[2:]] for r in read(path)[1:]}
old, new, truth = read("new_prices.csv"), read("filled_prices_%s.csv" % kind), read("truth_prices.csv")
of_return, of_price = reports("filled_%s.uncertainty.csv" % kind), reports("filled_prices_%s.uncertainty.csv" % kind)
assert old[0] == new[0] and len(old) == len(new)
chained = n = within = 0
error_of = {"ours": 0, "line": 0, "last": 0}
def meet(pending, price, following, first):
    """What the rows of a gap must contain: forward, then bent by their part of the difference at its end."""
    steps = len(pending) + 1
    for k, (date, name, b, t, value, squares) in enumerate(pending, 1):
        part = k / steps if following else 0
        value *= math.exp(part * math.log(following / price)) if following else 1
        filled, *sure = of_price[date, name]
        assert abs(float(b) / value - 1) < 2e-5 and float(b) == filled, (date, name, b, value)
        for s, q in zip(sure, squares): # of four digits each
            assert abs(s / (value * math.sqrt(q * (1 - part))) - 1) < 3e-3, (date, name, s, value * math.sqrt(q))
        yield abs(filled - float(t)) <= sure[1]
        if following:
            line = math.exp(math.log(first) + part * math.log(following / first))
            for rival, x in ("ours", filled), ("line", line), ("last", first):
                error_of[rival] += math.log(x / float(t)) ** 2
for j, name in enumerate(old[0][1:], 1):
    price, first, squares, pending = None, None, [0, 0], []
    for a, b, t in zip(old[1:], new[1:], truth[1:]):
        assert a[0] == b[0]
        if price is None and not a[j]:
            assert b[j] == "" and (a[0], name) not in of_price
            continue
        if price is not None and (not a[j] or pending):
            r, spread, error = of_return[a[0], name]
            growth = math.exp(r) if kind == "log" else 1 + r
            unit = 1 if kind == "log" else growth
            price *= growth
        if a[j]:
            assert a[j] == b[j]
            within += sum(meet(pending, price, float(a[j]), first))
            price, first, squares, pending = float(a[j]), float(a[j]), [0, 0], []
            continue
        squares = [squares[0] + (spread / unit) ** 2, squares[1] + (error / unit) ** 2]
        pending.append((a[0], name, b[j], t[j], price, squares))
        n, chained = n + 1, chained + (len(pending) > 1)
    within += sum(meet(pending, price, None, first))
# Both ends and the other columns tell more than both ends do.
assert error_of["ours"] < 0.8 * error_of["line"] < error_of["last"], error_of
assert n == len(of_price) and chained > 30
assert open(sys.argv[2]).read().startswith("%d of 900 cells filled" % n)
# 0.68 for normal errors, more where a fifth more hidden cells make `error` wide (docs/finance.md). Cells of a run share
# their errors: the runs count, about half of the cells.
assert abs(within / n - 0.68) <= 5 * math.sqrt(0.68 * 0.32 / (n / 2)), within / n
PY
done

case_is "a column without a price is named and stays empty"
awk -F, 'BEGIN { OFS = "," } NR > 1 { $3 = "" } { print }' new_prices.csv >no_price.csv
run "$dae_cl" impute prices_log/model.safetensors no_price.csv -o no_price.out --platform cpu
code_is 0
err_has "column 'P1' contains no price, so it stays empty"
out_has "152 cells before the first price of a column stay empty"
[ "$(tail -n +2 no_price.out | cut -d, -f3 | tr -d '\n')" = "" ] || problem "prices without a price"

case_is "prices that are none"
sed '2s/,[^,]*$/,-1/' new_prices.csv >negative.csv
run "$dae_cl" impute prices_log/model.safetensors negative.csv -o out.csv --platform cpu
code_is 4
err_has "negative.csv:2:"
err_has "a price of -1 has no return"
printf 'date,P0,P1,P2,P3,P4,P5\n2001-01-01,1,2,3,4,5,6\n' >single.csv
run "$dae_cl" impute prices_log/model.safetensors single.csv -o out.csv --platform cpu
code_is 4
err_has "the file ends after 1 rows of numbers; expects at least 2"
[ ! -e out.csv ] || problem "results were written"

finish
