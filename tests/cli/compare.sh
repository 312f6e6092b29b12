# `dae-cl compare`: the table of runs, the paired differences, the page, and runs that lost files.
. "$(dirname "$0")/harness.sh"

cp tests/cli/small.yaml "$work/small.yaml"
cd "$work" || exit 1
cat >seeds.yaml <<'END'
name: seeds
base: small.yaml
keys: {train.optimizer.sgd.lr: [0.1, 0.5], model.layers.1.dense.units: [8, 16]}
END
"$dae_cl" sweep seeds.yaml --platform cpu >/dev/null 2>&1 || echo "the sweep failed: the cases below will tell"

case_is "a folder of runs is a table with the settings that differ, best first"
run "$dae_cl" compare sweeps/seeds -o table.csv
code_is 0
python3 - <<'END' || problem "wrong table: $(cat table.csv)"
import csv, json
rows = list(csv.DictReader(open("table.csv")))
assert len(rows) == 4 and [float(r["test_mse"]) for r in rows] == sorted(float(r["test_mse"]) for r in rows)
keys = list(rows[0])[1:3]
assert set(keys) == {"train.optimizer.sgd.lr", "model.layers.1.dense.units"}, keys
assert {tuple(float(r[k]) for k in sorted(keys)) for r in rows} == {(8, .1), (8, .5), (16, .1), (16, .5)}
for row in rows:
    run = json.load(open(row["run"] + "/run.json"))
    assert run["test"]["model"]["mse"] == float(row["test_mse"]) and run["parameters"] == int(row["parameters"])
END
run "$dae_cl" compare sweeps/seeds
code_is 0
out_has "MSE less the first's"
out_has "(the first)"
out_has "the best of many on the same samples looks better than it is"

# The kept errors give run.json's own numbers, and the same interval as Student's from SciPy's table: for 31 degrees of
# freedom the 97.5 % quantile is 2.03951, which the expansion in stats/paired.c meets within 1e-4.
case_is "the paired differences are those of the kept errors"
python3 - <<'END' || problem "wrong differences"
import csv, json, math, struct
def errors(folder):
    bytes = open(folder + "/test_errors.safetensors", "rb").read()
    n = struct.unpack("<Q", bytes[:8])[0]
    head = json.loads(bytes[8:8 + n])
    assert head["__metadata__"]["samples"].startswith("32 samples of 28x28x1, checksum "), head
    a, b = head["model"]["data_offsets"]
    assert head["model"]["dtype"] == "F64"
    return struct.unpack(f"<{(b - a) // 8}d", bytes[8 + n + a:8 + n + b])
first = errors("sweeps/seeds/0001")
for row in csv.DictReader(open("table.csv")):
    own = errors(row["run"])
    mse = sum(own) / len(own)
    assert abs(mse - float(row["test_mse"])) <= 1e-12 * mse, (mse, row)
    if row["run"] == "sweeps/seeds/0001":
        assert row["mse_less_first"] == "" and row["against_first"] == ""
        continue
    d = [x - y for x, y in zip(own, first)]
    mean = sum(d) / len(d)
    error = math.sqrt(sum((x - mean) ** 2 for x in d) / (len(d) - 1) / len(d))
    assert abs(float(row["mse_less_first"]) - mean) < 1e-12 and abs(float(row["standard_error"]) - error) < 1e-12
    low, high = float(row["interval_low"]), float(row["interval_high"])
    assert abs((high - low) / 2 - 2.03951 * error) < 1e-4 * error + 1e-12
    assert row["against_first"] == ("better" if high < 0 else "worse" if low > 0 else "no difference seen")
END

case_is "other test samples and other noise are told apart"
"$dae_cl" run small.yaml --platform cpu --set data.test=48 --out more >/dev/null 2>&1
"$dae_cl" run small.yaml --platform cpu --set seed=2 --out noise >/dev/null 2>&1
run "$dae_cl" compare noise sweeps/seeds/0001 more
code_is 0
out_has "sweeps/seeds/0001: under other noise"
out_has "more: other test samples: 48 samples of 28x28x1"

case_is "a run without results is a row with the reason"
mkdir -p broken empty
cp sweeps/seeds/0002/{config.yaml,log.jsonl} broken
cp -r sweeps/seeds/0003 halved
echo '{"test": ' >halved/run.json
cp -r sweeps/seeds/0003 bare
rm bare/config.yaml bare/test_errors.safetensors
run "$dae_cl" compare sweeps/seeds/0001 broken empty halved bare nosuch table.csv
code_is 0
out_has "broken: cannot open broken/run.json"
out_has "empty: there is neither a run nor a folder of a run in it"
out_has "halved: halved/run.json: it is not a JSON object"
out_has "bare: "
out_has "nosuch: cannot open folder nosuch"
out_has "table.csv: "
run "$dae_cl" compare broken empty
code_is 2
err_has "no run has results"
err_has "note: empty: there is neither a run"

case_is "a stopped run says why"
sed 's/- sigmoid/- dense: {units: 784}/' small.yaml >deep.yaml
"$dae_cl" run deep.yaml --platform cpu --set train.optimizer.sgd.lr=1e12 --out diverged >/dev/null 2>&1
run "$dae_cl" compare sweeps/seeds/0001 diverged
code_is 0
out_has "diverged: it did not finish: "
out_has "training diverged"

case_is "the page has both tables and the curves, sorts by its own script, and runs no other"
run "$dae_cl" compare sweeps/seeds diverged -o page.html
code_is 0
[ "$(cat out)" = page.html ] || problem "$(cat out)"
python3 - <<'END' || problem "wrong page"
import base64, hashlib, re
page = open("page.html").read()
script = re.findall("<script>(.*?)</script>", page, re.S)
assert len(script) == 1 and page.count("<script") == 1
digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
assert "default-src 'none'" in page and f"script-src 'sha256-{digest}'" in page, digest
assert page.count("<table>") == 2 and page.count("<figure>") == 2, "tables or figures are missing"
assert "it did not finish" in page and not re.search(r"https?://", page.replace("http://www.w3.org", ""))
END
if command -v node >/dev/null; then
    python3 -c 'import re; print(re.findall("<script>(.*?)</script>", open("page.html").read(), re.S)[0])' >script.js
    run node --check script.js
    code_is 0
fi

case_is "names are escaped, and inputs are not overwritten"
cp -r sweeps/seeds/0001 '<b>&'
run "$dae_cl" compare sweeps/seeds '<b>&' -o page.html
code_is 0
grep -q '&lt;b&gt;&amp;' page.html || problem "the name is not escaped"
run "$dae_cl" compare sweeps/seeds -o page.txt
code_is 2
err_has "-o expects a name that ends in .csv or .html"
ln -s "$PWD/sweeps/seeds/table.csv" link.csv
run "$dae_cl" compare sweeps/seeds -o link.csv
code_is 2
err_has "would overwrite"

finish
