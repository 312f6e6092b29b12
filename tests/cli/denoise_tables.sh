# `dae-cl denoise` on tables: against a double-precision forward pass in Python, moments and all; holes; what is refused,
# with nothing written.
. "$(dirname "$0")/harness.sh"
cat >"$work/tables.py" <<'END'
import datetime, gzip, json, math, random, struct
names = ["A", "B", "with; semicolon", "D"]
order = [2, 0, 3, 1] # of the new files
clip = 2.5
day = datetime.date(2001, 1, 1)

def generate():
    r = random.Random(4)
    def row():
        f = r.gauss(0, 1)
        return [10 * (j + 1) + (j + 1) * (f + 0.5 * r.gauss(0, 1)) for j in range(4)]
    with open("train.csv", "w") as out:
        out.write("date," + ",".join(names) + "\n")
        for i in range(400):
            out.write("%s,%s\n" % (day + datetime.timedelta(i), ",".join("%.4f" % x for x in row())))
    text, holed = "\ufeffday;" + ";".join('"%s"' % names[j] for j in order) + "\r\n", ""
    for i in range(90):
        x = row()
        line = [('"%.5f"' if i == 3 else " %.5f " if i == 5 else "%.5f") % x[j] for j in order]
        date = str(day + datetime.timedelta(3000 + i))
        text += date + ";" + ";".join(line) + "\r\n" + ("\r\n" if i == 7 else "")
        line[i % 4] = ["", "NA", '""'][i % 3] if i % 2 else line[i % 4]
        holed += ("" if holed else text.split("\n")[0] + "\n") + date + ";" + ";".join(line) + "\r\n"
    open("new.csv", "wb").write(text.encode())
    gzip.open("packed.csv.gz", "wb").write(text.encode())
    open("holed.csv", "wb").write(holed.encode())

def rows(path):
    """Lines of fields, without blanks and quotes."""
    lines = open(path, "rb").read().decode("utf-8-sig").split("\r\n")
    return [[f.strip().strip('"') for f in line.split(";")] for line in lines[1:] if line]

def moments():
    x = [[float(f) for f in line.split(",")[1:]] for line in open("train.csv").read().split("\n")[1:301]]
    mean = [sum(row[j] for row in x) / len(x) for j in range(4)]
    return mean, [math.sqrt(sum((row[j] - mean[j]) ** 2 for row in x) / len(x)) for j in range(4)]

def layers(path):
    """Dense layers in order: 16 weights (in,out), then 4 of bias."""
    b = open(path, "rb").read()
    start = 8 + struct.unpack("<Q", b[:8])[0]
    tensors = {}
    for name, t in json.loads(b[8:start]).items():
        if name != "__metadata__":
            first, end = t["data_offsets"]
            tensors[tuple(name.rsplit(".", 1))] = struct.unpack("<%df" % ((end - first) // 4), b[start + first:start + end])
    nodes = {}
    for (node, _), value in tensors.items():
        nodes.setdefault(node, {})[len(value)] = value
    return {node: (v[16], v[4]) for node, v in nodes.items()}

def dense(layer, x):
    w, b = layer
    return [b[o] + sum(x[i] * w[4 * i + o] for i in range(4)) for o in range(4)]

def expect(before, after, forward):
    mean, sd = moments()
    old, new = rows(before), rows(after)
    head = open(after, "rb").read().split(b"\r\n")[0]
    assert head == open(before, "rb").read().split(b"\r\n")[0] and len(old) == len(new) == 90
    for a, b in zip(old, new):
        assert a[0] == b[0], (a, b)
        z, mask = [0.0] * 4, [1.0] * 4
        for k, j in enumerate(order):
            if a[k + 1] not in ("", "NA"):
                z[j] = max(-clip, min(clip, (float(a[k + 1]) - mean[j]) / sd[j]))
                mask[j] = 0.0
        y = forward(z, mask)
        for k, j in enumerate(order):
            want, got = y[j] * sd[j] + mean[j], float(b[k + 1])
            # Six digits of numbers up to 100, and single precision of numbers near 1 times sd up to 5.
            assert abs(got - want) <= 1e-4, (a[0], names[j], want, got)
END
cat >"$work/blind.yaml" <<'END'
seed: 1
data: {source: csv, path: train.csv, returns: none, train_until: 2001-10-27, clip: 2.5}
corruption: {gaussian: {sigma: 0.5}}
model:
  input: [4]
  layers:
    - {dense: {units: 4}, name: only}
train: {loss: mse, optimizer: {adam: {lr: 0.01}}, batch: 32, epochs: 20}
END
cat >"$work/told.yaml" <<'END'
seed: 1
data: {source: csv, path: train.csv, returns: none, train_until: 2001-10-27, clip: 2.5}
corruption: {masking: {p: [0.05, 0.5]}}
model:
  input: [4]
  layers:
    - {dense: {units: 4}, name: guess, from: input}
    - {multiply: {}, name: gaps, from: [mask, guess]}
    - {add: {}, name: filled, from: [input, gaps]}
    - {dense: {units: 4}, name: last}
train: {loss: mse, optimizer: {adam: {lr: 0.01}}, batch: 32, epochs: 20}
END
export DAE_CL_PLUGINS=$BUILD/plugins
cd "$work" || exit 1
export PYTHONPATH=$work
python() {
    python3 -B -c "from tables import *
$1" 2>"$work/trace" || problem "$(tail -n 1 "$work/trace")"
}
python3 -B -c 'import tables; tables.generate()' || exit 1

case_is "two models, one that is told what is missing"
for model in blind told; do
    run "$dae_cl" run $model.yaml --platform cpu --out $model
    code_is 0
done
blind=blind/model.safetensors told=told/model.safetensors

case_is "every row is denoised, header and dates stay; a compressed table comes out plain"
run "$dae_cl" denoise $blind new.csv packed.csv.gz -o made --platform cpu
code_is 0
out_is <<'END'
2 files, 180 samples denoised into made
END
python '
layer = layers("blind/model.safetensors")["only"]
expect("new.csv", "made/new.csv", lambda z, mask: dense(layer, z))'
cmp -s made/new.csv made/packed.csv || problem "the compressed table gives another one"
python 'assert open("made/new.csv", "rb").read().count(b"\r\n") == open("new.csv", "rb").read().count(b"\r\n")'

case_is "a network that reads the mask is told of the holes"
run "$dae_cl" denoise $told holed.csv -o made --platform cpu
code_is 0
err_lacks "here nothing is masked"
python '
l = layers("told/model.safetensors")
def forward(z, mask):
    return dense(l["last"], [x + m * g for x, m, g in zip(z, mask, dense(l["guess"], z))])
expect("holed.csv", "made/holed.csv", forward)'

refused() { # STATUS, arguments: the message stands on standard input; nothing is written
    run "$dae_cl" denoise "${@:2}" -o nothing --platform cpu
    code_is "$1"
    err_is
    [ ! -e nothing ] || problem "a folder was made"
}

case_is "holes where they are not known of, at their place"
refused 4 $blind new.csv holed.csv <<'END'
holed.csv:3:21: error: column 'A': the number is missing, and the model does not read the mask; fill it, or leave the row out
END

case_is "other columns: the first that differs"
sed 's/"B"/"C"/; s/"D"/"E"/' new.csv >other.csv
refused 4 $blind other.csv <<'END'
other.csv:1:5: error: no column is named 'B'; the model was trained on 4 columns and needs all of them
END
printf 'day,A,B,with; semicolon,D,E\n2001-01-01,1,2,3,4,5\n' >more.csv
refused 4 $blind more.csv <<'END'
more.csv:1:27: error: the model knows no column 'E'; leave it out
END

case_is "models and options that do not go with tables"
sed -e 's/returns: none/returns: log/' -e 's/epochs: 20/epochs: 1/' blind.yaml >log.yaml
run "$dae_cl" run log.yaml --platform cpu --out log
code_is 0
refused 9 log/model.safetensors new.csv <<'END'
dae-cl: error: log/model.safetensors: the model was trained on returns computed from prices; to denoise a file of returns, train one on returns (returns: none)
END
sed -e 's/clip: 2.5/clip: 2.5, window: 2/' -e 's/input: .4./input: [8]/' -e 's/units: 4/units: 8/' \
    -e 's/epochs: 20/epochs: 1/' blind.yaml >two.yaml
run "$dae_cl" run two.yaml --platform cpu --out two
code_is 0
refused 9 two/model.safetensors new.csv <<'END'
dae-cl: error: two/model.safetensors: the model takes windows of several rows; train one with window: 1
END
sed -e 's/data: .*/data: {source: digits, train: 64, test: 32}/' -e 's/input: .4./input: [28, 28, 1]/' \
    -e 's/layers:/layers:\n    - flatten: {}/' -e 's/units: 4/units: 784/' -e 's/epochs: 20/epochs: 1/' blind.yaml >digits.yaml
sed -i 's/^train:/    - reshape: {shape: [28, 28, 1]}\ntrain:/' digits.yaml
run "$dae_cl" run digits.yaml --platform cpu --out digits
code_is 0
refused 9 digits/model.safetensors new.csv <<'END'
dae-cl: error: digits/model.safetensors: the model was not trained on a panel (data.source: csv)
END
refused 2 $blind new.csv --compare train.csv <<'END'
dae-cl: error: --compare: new.csv is a table; only images and arrays are compared
END

case_is "the input is not overwritten"
cp new.csv kept.csv
run "$dae_cl" denoise $blind kept.csv -o . --platform cpu
code_is 2
err_has "would overwrite the input kept.csv"
cmp -s new.csv kept.csv || problem "the input has changed"

finish
