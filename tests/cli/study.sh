# `dae-cl study` and the key `studies`: the files, and each kind of error at its place (exit code 2, before any data is read).
. "$(dirname "$0")/harness.sh"
small=tests/cli/small.yaml
study() { # NAME [OPTIONS]: carries it out, anew unless --resume is given; the folder is $work/NAME
    local anew=--force
    [[ " $* " != *" --resume "* ]] || anew=
    run "$dae_cl" study "$1" "$small" --platform cpu --out "$work/$1" $anew "${@:2}"
}

case_is "the list, and the options of one"
run "$dae_cl" study
code_is 0
out_has noise_levels
run "$dae_cl" study noise_levels
code_is 0
out_has "levels: list of numbers, 0 to 100, default [0, 0.1"
run "$dae_cl" help study
out_has noise_levels

case_is "every study and option is in the config reference"
run "$dae_cl" plugins --markdown
for study in noise_levels compare level_sweep type_matrix features progressive; do
    out_has "### $study"
done
out_has "| levels | list of numbers | 0 to 100 | [0, 0.1, 0.2, 0.3, 0.5, 0.7] |"

case_is "noise_levels: tables, figures, findings, report"
study noise_levels --set studies.noise_levels.levels=[0,0.1,0.7]
code_is 0
out_has "report: $work/noise_levels/report.html"
for file in config.yaml log.jsonl report.html studies/noise_levels/{noise_levels.json,levels.csv,error.png,error.svg,images.png,images.svg}; do
    [ -s "$work/noise_levels/$file" ] || problem "$file is missing"
done
python3 - "$work/noise_levels" <<'END' || problem "wrong files"
import csv, json, math, sys
folder = sys.argv[1] + "/studies/noise_levels/"
rows = list(csv.reader(open(folder + "levels.csv")))
study = json.load(open(folder + "noise_levels.json"))
table = study["tables"]["levels"]
assert rows[0][1:] == table["columns"] and [r[0] for r in rows[1:]] == table["rows"] == ["0", "0.1", "0.7"]
for row, values in zip(rows[1:], table["values"]):
    assert len(row) == 1 + len(values)
    for text, value in zip(row[1:], values): # cJSON may lose the last bit
        assert text == "" if value is None else math.isclose(float(text), value, rel_tol=1e-14)
noisy = [v[0] for v in table["values"]]
assert noisy[0] == 0 and table["values"][0][1] is None
assert math.isclose(noisy[1], 0.01, rel_tol=0.05) and math.isclose(noisy[2], 0.49, rel_tol=0.05), noisy
assert all(math.isclose(v[4], v[0] / v[2]) for v in table["values"])
assert len(study["findings"]) == 3 and study["figures"] == ["images", "error"]
page = open(sys.argv[1] + "/report.html", encoding="utf-8").read()
assert study["findings"][0].replace("sigma", "\u03c3") in page and page.count('<svg class="plot"') == 2
END

case_is "--json prints the study's file"
study noise_levels --json --resume
code_is 0
python3 - "$work/out" "$work/noise_levels/studies/noise_levels/noise_levels.json" <<'END' || problem "stdout is another"
import json, sys
assert json.load(open(sys.argv[1])) == json.load(open(sys.argv[2]))
END

case_is "a run carries out the studies of its config on its own network"
run "$dae_cl" run "$small" --platform cpu --out "$work/run" --set studies=[noise_levels] \
    --set studies.noise_levels.levels=[0.3]
code_is 0
out_has "Noise levels"
err_lacks "training model"
python3 - "$work/run" <<'END' || problem "the study has another network or noise than the comparison"
import json, math, sys
run = json.load(open(sys.argv[1] + "/run.json"))
row = run["studies"]["noise_levels"]["tables"]["levels"]["values"][0]
assert math.isclose(row[0], run["test"]["noisy"]["mse"], rel_tol=1e-12)
assert math.isclose(row[2], run["test"]["model"]["mse"], rel_tol=1e-12)
assert "Noise levels" in open(sys.argv[1] + "/report.html").read()
END
run "$dae_cl" check "$work/run/config.yaml"
code_is 0

case_is "studies as a list, as a map and by --set are the same"
sed '$ a studies: [{noise_levels: {levels: [0.3]}}]' "$small" >"$work/list.yaml"
sed '$ a studies: {noise_levels: {levels: [0.3]}}' "$small" >"$work/map.yaml"
for config in "$work/list.yaml" "$work/map.yaml"; do
    run "$dae_cl" check "$config" --set studies.noise_levels.levels.0=-1
    code_is 2
    err_has "studies.noise_levels.levels.0: expects a number from 0 to 100, got '-1'"
done

case_is "features: codes beside pixels, maps of them"
study features --set 'model.layers.2={relu: {}, name: code}' --set model.code=code --set data.test=60
code_is 0
for file in features.json features.csv codes_{standard,denoising}_{clean,noisy}.{png,svg}; do
    [ -s "$work/features/studies/features/$file" ] || problem "$file is missing"
done
python3 - "$work/features" <<'END' || problem "wrong files"
import csv, json, sys
folder = sys.argv[1] + "/studies/features/"
study = json.load(open(folder + "features.json"))
table = study["tables"]["features"]
assert table["rows"] == ["pixels", "PCA", "standard AE", "denoising AE"], table["rows"]
for row in table["values"]:
    assert all(0 <= v <= 1 for v in row[:6])
assert [row[7] for row in table["values"]] == [784, 8, 8, 8]
assert [row[8] is None for row in table["values"]] == [True, True, False, False]
assert len(study["findings"]) == 6 and len(study["figures"]) == 4
END

case_is "progressive: each pass is of the last output"
study progressive --set studies.progressive.levels=[0.3,0.5] --set studies.progressive.passes=2
code_is 0
for file in progressive.json {mse,psnr}.csv passes.{png,svg} passes_from_{0.3,0.5}.{png,svg}; do
    [ -s "$work/progressive/studies/progressive/$file" ] || problem "$file is missing"
done
study noise_levels --set studies.noise_levels.levels=[0.3,0.5]
code_is 0
python3 - "$work" <<'END' || problem "the first pass is not what noise_levels measures"
import json, math, sys
load = lambda name: json.load(open(f"{sys.argv[1]}/{name}/studies/{name}/{name}.json"))["tables"]
passes, levels = load("progressive")["mse"]["values"], load("noise_levels")["levels"]["values"]
for row, level in zip(passes, levels): # another schedule, so other roundings
    assert math.isclose(row[0], level[0], rel_tol=1e-6) and math.isclose(row[1], level[2], rel_tol=1e-5), (row, level)
    assert row[2] != row[1]
END

case_is "compare: the same numbers as the run's own comparison"
run "$dae_cl" run "$small" --platform cpu --out "$work/cmp" --set studies=[compare] --set compare=[standard_ae,affine,pca,wiener,median] \
    --set model.code=relu_1
code_is 0
err_lacks "training model"
python3 - "$work/cmp" <<'END' || problem "wrong numbers"
import json, math, sys
run = json.load(open(sys.argv[1] + "/run.json"))
tables = run["studies"]["compare"]["tables"]
table = tables["under_1"]
assert table["rows"] == ["noisy input", "denoising AE", "standard AE", "best affine map", "PCA",
                         "Wiener filter", "median filter 3x3"]
for key, values in zip("noisy model standard_ae affine pca wiener median".split(), table["values"], strict=True):
    test = run["test"][key]
    for name, value in zip(["mse", "psnr"], values):
        assert math.isclose(test[name], value, rel_tol=1e-12), (key, name)
    if key != "model":
        assert math.isclose(test["model_mse_less_this"], -values[2], rel_tol=1e-12), key
        assert math.isclose(test["model_mse_less_this_margin"], values[3], rel_tol=1e-12) and values[3] > 0, key
        assert math.isclose(test["model_mse_less_this"], run["test"]["model"]["mse"] - values[0], rel_tol=1e-6), key
assert table["values"][6][0] < table["values"][0][0] # three by three, the noise's variance falls
assert tables["mse"]["values"] == [[row[0] for row in table["values"]]] and tables["mse"]["rows"] == ["gaussian 0.3"]
END

case_is "compare: a list of corruptions, each at its own noise"
study compare --set 'studies.compare.corruptions=[{masking: {p: 1}}, [{gaussian: {sigma: 0.1}}, blur]]'
code_is 0
python3 - "$work/compare/studies/compare" <<'END' || problem "wrong numbers"
import json, sys
table = json.load(open(sys.argv[1] + "/compare.json"))["tables"]["mse"]
assert table["rows"] == ["masking 1", "gaussian 0.1 + blur"] and "PCA" not in table["columns"] # there is no code
first = dict(zip(table["columns"], table["values"][0])) # of a black image only the mean can be told
assert first["noisy input"] == first["median filter 3x3"] > first["best affine map"] > 0
assert first["Wiener filter"] < first["noisy input"]
END

case_is "level_sweep: a cell is what a network of that level has at that level"
study level_sweep --set studies.level_sweep.levels=[0.1,0.3] --set studies.level_sweep.test_levels=[0,0.3] \
    --set studies.level_sweep.epochs=2
code_is 0
run "$dae_cl" study noise_levels "$small" --platform cpu --out "$work/one" --set studies.noise_levels.levels=[0,0.3] \
    --set train.epochs=2
code_is 0
for seed in 5 6; do
    run "$dae_cl" study level_sweep "$small" --platform cpu --out "$work/seed$seed" --set seed=$seed \
        --set studies.level_sweep.levels=0.3 --set studies.level_sweep.test_levels=0.3
done
run "$dae_cl" study level_sweep "$small" --platform cpu --out "$work/seeds" --set seed=5 --set studies.level_sweep.seeds=2 \
    --set studies.level_sweep.levels=0.3 --set studies.level_sweep.test_levels=0.3
code_is 0
python3 - "$work" <<'END' || problem "wrong numbers"
import json, math, sys
def tables(folder, study):
    return json.load(open(f"{sys.argv[1]}/{folder}/studies/{study}/{study}.json"))["tables"]
sweep, one = tables("level_sweep", "level_sweep"), tables("one", "noise_levels")["levels"]["values"]
assert sweep["mse"]["rows"] == ["0.1", "0.3", "noisy input"] and sweep["mse"]["columns"] == ["0", "0.3"]
assert "spread" not in sweep
assert all(math.isclose(a, b[2], rel_tol=1e-12) for a, b in zip(sweep["mse"]["values"][1], one))
assert all(math.isclose(a, b[0], rel_tol=1e-12) for a, b in zip(sweep["mse"]["values"][2], one))
assert sweep["mse"]["values"][0] != sweep["mse"]["values"][1]
a, b = (tables(f"seed{i}", "level_sweep")["mse"]["values"] for i in (5, 6))
both = tables("seeds", "level_sweep")
for row in range(2):
    assert math.isclose(both["mse"]["values"][row][0], (a[row][0] + b[row][0]) / 2, rel_tol=1e-12)
assert math.isclose(both["spread"]["values"][0][0], abs(a[0][0] - b[0][0]) / math.sqrt(2), rel_tol=1e-4)
END

case_is "type_matrix: rows and columns are what they say"
study type_matrix --set 'studies.type_matrix.types=[{gaussian: {sigma: 0.3}}, {masking: {p: 0.3}}, {block: {size: 28}}]' \
    --set model.code=relu_1 --set train.epochs=2
code_is 0
run "$dae_cl" run "$small" --platform cpu --out "$work/standard" --set compare=[standard_ae] --set train.epochs=2
code_is 0
python3 - "$work" <<'END' || problem "wrong numbers"
import json, math, sys
def load(folder, study):
    return json.load(open(f"{sys.argv[1]}/{folder}/studies/{study}/{study}.json"))
study = load("type_matrix", "type_matrix")
mse, means = study["tables"]["mse"], study["tables"]["means"]
kinds = ["gaussian 0.3", "masking 0.3", "block 28", "no noise"]
assert mse["columns"] == kinds and mse["rows"] == kinds + ["noisy input"] and means["rows"] == kinds
sweep = load("level_sweep", "level_sweep")["tables"]["mse"]["values"]
assert math.isclose(mse["values"][0][0], sweep[1][1], rel_tol=1e-12)
assert math.isclose(mse["values"][0][3], sweep[1][0], rel_tol=1e-6) # clean, and noise of sigma 0
test = json.load(open(sys.argv[1] + "/standard/run.json"))["test"]
assert math.isclose(mse["values"][3][0], test["standard_ae"]["mse"], rel_tol=1e-12)
assert math.isclose(mse["values"][0][0], test["model"]["mse"], rel_tol=1e-12)
noisy = mse["values"][4]
assert noisy[3] == 0 and math.isclose(noisy[1], 0.3 * noisy[2], rel_tol=0.05) # the block takes all, the mask 0.3
for row, (mean, knn) in zip(mse["values"], means["values"]):
    assert math.isclose(mean, sum(row[:3]) / 3, rel_tol=1e-12) and 0 <= knn <= 1
END

case_is "without labels or a code there are no features, and all else"
run "$dae_cl" study type_matrix "$small" --platform cpu --out "$work/plain" --set 'studies.type_matrix.types=[masking]'
code_is 0
out_lacks kNN
[ "$(tail -1 "$work/plain/studies/type_matrix/means.csv" | cut -d, -f3)" = "" ] || problem "features of no code"

case_is "--resume goes on with networks that are there, unless they are of another config"
sweep=(study level_sweep "$small" --platform cpu --out "$work/again" --set studies.level_sweep.levels=[0.1,0.3] --json)
tables_of() { python3 -c 'import json, sys; print(json.load(sys.stdin)["tables"])' <"$work/out"; }
run "$dae_cl" "${sweep[@]}"
first=$(tables_of)
stamp() { stat -c %y "$work"/again/studies/level_sweep/checkpoint/network1*; }
before=$(stamp)
run "$dae_cl" "${sweep[@]}" --resume
code_is 0
[ "$first" = "$(tables_of)" ] || problem "other numbers"
[ "$before" = "$(stamp)" ] || problem "trained anew"
run "$dae_cl" "${sweep[@]}" --force
[ "$first" = "$(tables_of)" ] || problem "the same command, other numbers"
[ "$before" != "$(stamp)" ] || problem "not trained anew"
run "$dae_cl" "${sweep[@]}" --resume --set studies.level_sweep.levels=[0.2,0.3]
code_is 0
[ "$first" != "$(tables_of)" ] || problem "the checkpoint of another level was taken"

case_is "Ctrl-C leaves checkpoints, and --resume ends with the same numbers"
long=(study level_sweep "$small" --platform cpu --set data.train=20000 --set studies.level_sweep.levels=[0.1,0.3]
    --set studies.level_sweep.epochs=12 --set studies.level_sweep.test_levels=0.3 --json)
run "$dae_cl" "${long[@]}" --out "$work/whole"
whole=$(tables_of)
rm "$work/err" # of the study before: its lines are not to be waited for
env --default-signal=INT "$dae_cl" "${long[@]}" --out "$work/cut" >"$work/out" 2>"$work/err" &
pid=$!
for ((i = 0; i < 600; ++i)); do
    grep -qs "training network1" "$work/err" && break
    sleep 0.05
done
kill -INT $pid
wait $pid
code=$?
code_is 130
err_has "with --resume"
run "$dae_cl" "${long[@]}" --out "$work/cut" --resume
code_is 0
[ "$whole" = "$(tables_of)" ] || problem "other numbers than of a study that was never stopped"

case_is "a study that fails leaves the run its report"
mkdir -p "$work/fails/studies" && touch "$work/fails/studies/level_sweep"
run "$dae_cl" run "$small" --platform cpu --out "$work/fails" --set studies=[noise_levels,level_sweep] \
    --set studies.noise_levels.levels=0.3
code_is 5
err_has "studies/level_sweep"
grep -q "Noise levels" "$work/fails/report.html" || problem "the first study is not in the report"
grep -q '"stopped"' "$work/fails/log.jsonl" || problem "the log does not say it"

export OCL_ICD_VENDORS=/nonexistent # no driver takes part in anything below

case_is "unknown studies, options and what is neither"
run "$dae_cl" study noise_level "$small"
code_is 2
err_has "no study is called 'noise_level' (did you mean 'noise_levels'?)"
study noise_levels --set studies.noise_levels.levls=1
code_is 2
err_has "unknown key 'levls' in studies.noise_levels (did you mean 'levels'?)"
for command in run check; do
    run "$dae_cl" $command "$small" --set studies=[noise_levls]
    code_is 2
    err_has "no study is called 'noise_levls' (did you mean 'noise_levels'?)"
done
printf 'studies:\n  - noise_levels\n  - noise_levels: {}\n' | cat "$small" - >"$work/twice.yaml"
run "$dae_cl" check "$work/twice.yaml"
code_is 2
err_has "twice.yaml:$(grep -c '' "$work/twice.yaml"):5: error: studies: 'noise_levels' is in the list twice"
run "$dae_cl" check "$small" --set studies=3
code_is 2
err_has "studies: expects a list of studies"

case_is "levels that are no levels"
for wrong in '[]' '[a]' '[0.1, 0.1]' '[101]'; do
    study noise_levels --set "studies.noise_levels.levels=$wrong"
    code_is 2
    err_has "noise_levels.levels"
done

case_is "what features and progressive want"
study features
code_is 2
err_has "a study of features requires a code; name a layer, and set model.code to its name"
study progressive --set corruption=masking
code_is 2
err_has "requires Gaussian noise as the only corruption"

case_is "options of compare, level_sweep and type_matrix, at their places"
while read -r options what; do
    printf 'studies:\n  %s\n' "$options" | sed 's/_/ /g; s/level sweep/level_sweep/; s/type matrix/type_matrix/; s/salt pepper/salt_pepper/; s/test levels/test_levels/' |
        cat "$small" - >"$work/wrong.yaml"
    for command in "check" "study ${options%%:*}"; do
        run "$dae_cl" $command "$work/wrong.yaml"
        code_is 2
        err_has "wrong.yaml:$(grep -c '' "$work/wrong.yaml"):"
        err_has "$what"
    done
done <<'END'
compare:_{corruptions:_[{masking:_{p:_1.5}}]} expects a number or a range [low, high] from 0 to 1, got '1.5'
compare:_{corruptions:_[{block:_{size:_29}}]} a block of 29x29 is larger than the image
compare:_{corruptions:_[]} expects a list of 1 to 12
compare:_{corruptions:_[{maskin:_{}}]} did you mean 'masking'?
level_sweep:_{levels:_[0,_0.1]} studies.level_sweep.levels.0: expects a number from
level_sweep:_{test_levels:_[-0.1]} studies.level_sweep.test_levels.0: expects a number from 0 to 100, got '-0.1'
level_sweep:_{seeds:_0} studies.level_sweep.seeds: expects an integer from 1 to 100, got '0'
level_sweep:_{epochs:_1.5} studies.level_sweep.epochs: expects an integer
type_matrix:_{types:_[{salt_pepper:_{p:_2}}]} expects a number or a range [low, high] from 0 to 1, got '2'
type_matrix:_{types:_masking} studies.type_matrix.types: expects a list of 1 to 8, got 'masking'
type_matrix:_{type:_[masking]} unknown key 'type' in studies.type_matrix (did you mean 'types'?)
END

case_is "another corruption than gaussian"
for study in noise_levels level_sweep; do
    study $study --set corruption=masking
    code_is 2
    err_has "requires Gaussian noise as the only corruption"
done
sed '/^corruption/d' "$small" >"$work/clean.yaml"
run "$dae_cl" study compare "$work/clean.yaml"
code_is 2
err_has "has no corruption to train it on"
sed '/^corruption/d' "$small" >"$work/none.yaml"
run "$dae_cl" study noise_levels "$work/none.yaml"
code_is 2
err_has "the config has no corruption"

finish
