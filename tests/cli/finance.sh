# The studies of panels on a small drawn market: tables, findings, what they refuse.
. "$(dirname "$0")/harness.sh"
export DAE_CL_PLUGINS=$BUILD/plugins
data='data={source: factor_panel, train: 600, test: 200, assets: 30, factors: 3, noise: 0.3}'
holes='data={source: factor_panel, train: 600, test: 200, assets: 30, factors: 3, noise: 0.3, missing: 0.05}'
few=(--set "train.epochs=15" --set train.batch=50 --set train.optimizer.adam.lr=0.005)

study() { # NAME DATA OPTIONS...: carries it out, anew unless the options say --resume
    local anew=(--force)
    [[ " $* " != *" --resume "* ]] || anew=()
    run "$dae_cl" study "$1" "configs/$1.yaml" --platform cpu --out "$work/$1" "${anew[@]}" --set "$2" "${few[@]}" \
        --set "studies.$1.seeds=2" "${@:3}"
    folder=$work/$1/studies/$1
}

case_is "finance_impute fills a panel with holes, knows the truth's limit, and walks forward"
study finance_impute "$holes" --set studies.finance_impute.draws=2 --set studies.finance_impute.folds=2 \
    --set 'studies.finance_impute.candidates=[{train.epochs: 1}, {train.epochs: 15}]'
code_is 0
for file in random.csv block.csv late.csv walk_forward.csv assets.csv choice.csv walk_forward.png finance_impute.json; do
    [ -s "$folder/$file" ] || problem "$file is missing"
done
python3 - "$folder" <<'END' || problem "wrong tables"
import csv, sys
def table(name):
    rows = list(csv.reader(open(sys.argv[1] + "/" + name + ".csv")))
    return {r[0]: [float(x) if x else None for x in r[1:]] for r in rows[1:]}
random, choice, walk = table("random"), table("choice"), table("walk_forward")
truth = random["true distribution, known"]
for pattern in "random", "block", "late":
    for name, r in table(pattern).items():
        # The limit is one of expectation: 200 rows of 30 cells tell it to a few hundredths.
        assert r[0] <= truth[0] + 0.03 or pattern != "random", (name, r)
        assert r[0] < 1
assert 0.6 < truth[0] < 0.7 and truth[2] is None
ours, gaussian = random["denoising autoencoder"], random["Gaussian conditional"]
assert ours[0] > random["cross-section mean"][0] and ours[0] > 0.4 and ours[0] < gaussian[0] + 0.02
assert ours[2] > 0 and random["denoising autoencoder, mean of 2"][0] > ours[0]
assert choice["train.epochs=15"][0] > choice["train.epochs=1"][0]
assert list(walk["denoising autoencoder"]) != [] and len(walk["denoising autoencoder"]) == 2
assert len(table("assets")) == 30
END

case_is "a method that cannot be fitted is a row with its reason, and the study goes on"
run "$dae_cl" study finance_impute configs/finance_impute.yaml --platform cpu --out "$work/sparse" "${few[@]}" \
    --set 'data={source: factor_panel, train: 150, test: 60, assets: 30, factors: 3, noise: 0.3, missing: 0.7}' \
    --set train.epochs=1 --set studies.finance_impute.seeds=1 --set studies.finance_impute.draws=2 --set studies.finance_impute.folds=0 \
    --set studies.finance_impute.shares=[0.2]
code_is 0
python3 - "$work/sparse/studies/finance_impute" <<'END' || problem "wrong tables"
import csv, json, sys
rows = {r[0]: r[1] for r in csv.reader(open(sys.argv[1] + "/random.csv"))}
findings = json.load(open(sys.argv[1] + "/finance_impute.json"))["findings"]
why = [f for f in findings if "has no numbers: Gaussian model: " in f]
assert rows["Gaussian conditional"] == "" and len(why) == 4 and "500" in why[0], findings
assert rows["mean"] and rows["soft-impute"] and rows["denoising autoencoder"]
END

case_is "the same bytes again, from the checkpoints"
cp "$folder/random.csv" "$work/random.csv"
study finance_impute "$holes" --set studies.finance_impute.draws=2 --set studies.finance_impute.folds=2 \
    --set 'studies.finance_impute.candidates=[{train.epochs: 1}, {train.epochs: 15}]' --resume
code_is 0
cmp -s "$folder/random.csv" "$work/random.csv" || problem "another table"

case_is "finance_signal: no method beats the Wiener filter by more than chance"
study finance_signal "$data" --set studies.finance_signal.draws=2 --set 'studies.finance_signal.candidates=[{}]' \
    --set studies.finance_signal.levels=[0.7]
code_is 0
[ -s "$folder/noise_left.png" ] && [ -s "$folder/noise_left.svg" ] || problem "no figure"
python3 - "$folder" <<'END' || problem "wrong tables"
import csv, sys
svg = open(sys.argv[1] + "/noise_left.svg").read()
rows = {r[0]: r[1:] for r in csv.reader(open(sys.argv[1] + "/mse.csv"))}
mse = {name: float(r[0]) for name, r in rows.items() if name != "method"}
assert abs(mse["noisy input"] - 0.49) < 0.02
for name, m in mse.items():
    shown = "%#.3g" % (m / 0.7 ** 2)
    brief = {"denoising autoencoder": "DAE, one network"}.get(name, name.replace("denoising autoencoder", "DAE"))
    assert ">%s<" % brief in svg and ">%s<" % shown in svg, (name, shown)
assert all(m > 0.98 * mse["Wiener filter"] for m in mse.values()), mse
assert mse["denoising autoencoder, mean of 2"] < mse["plain autoencoder"] < 1
assert mse["denoising autoencoder, mean of 2"] < 0.6 * mse["noisy input"]
END

case_is "finance_factors: stability lies between 0 and 1, PCA finds the drawn factors"
study finance_factors "$data" --set 'studies.finance_factors.corruptions=[{masking: {p: 0.2}}]'
code_is 0
[ -s "$folder/factors.png" ] && [ -s "$folder/factors.svg" ] || problem "no figure"
python3 - "$folder" <<'END' || problem "wrong tables"
import csv, sys
rows = list(csv.reader(open(sys.argv[1] + "/stability.csv")))
svg = open(sys.argv[1] + "/factors.svg").read()
for r in rows[1:]:
    assert r[0].replace("denoising autoencoder", "DAE") in svg, r[0]
    assert all(">%#.3g<" % float(x) in svg for x in r[1::2]), r
assert [r[0] for r in rows[1:]] == ["PCA, 5", "plain autoencoder", "denoising autoencoder, masking: p: 0.2"]
for r in rows[1:]:
    assert all(0 < float(x) <= 1 for x in r[1::2])
assert float(rows[1][1]) > 0.6 and float(rows[1][5]) > 0.7 # three of five components are factors
END

case_is "what the studies refuse"
study finance_impute 'data={source: digits, train: 100, test: 50}' --set model.input=[28,28,1]
code_is 2
study finance_signal "$holes"
code_is 4
err_has "finance_signal: the panel has holes; choose windows without"
err_lacks "training plain"
run "$dae_cl" study finance_impute configs/finance_signal.yaml --set "$data" --out "$work/none"
code_is 2
err_has "finance_impute: the network does not read the mask"
run "$dae_cl" study finance_factors configs/finance_signal.yaml --set "$data" --out "$work/none"
code_is 2
err_has "finance_factors: factors are the code; name its layer in model.code"
study finance_impute "$holes" --set 'studies.finance_impute.candidates=[{train.epochs: many}]'
code_is 2
err_has "expects an integer"
[ ! -e "$work/none" ] || problem "a folder was made"

finish
