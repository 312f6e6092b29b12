# `dae-cl study` and the key `studies`: what is left behind, and each kind of error at its place (exit code 2, before any
# data is read).
. "$(dirname "$0")/harness.sh"
small=tests/cli/small.yaml
study() { # NAME [OPTIONS]: carries it out; the folder is $work/NAME
    run "$dae_cl" study "$1" "$small" --platform cpu --out "$work/$1" "${@:2}"
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
out_has "### noise_levels"
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
page = open(sys.argv[1] + "/report.html").read()
assert study["findings"][0] in page and page.count("data:image/svg") == 2
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
    err_has "studies.noise_levels.levels.0: wants a number from 0 to 100, got '-1'"
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
err_has "studies: wants a list of studies"

case_is "levels that are no levels"
for wrong in '[]' '[a]' '[0.1, 0.1]' '[101]'; do
    study noise_levels --set "studies.noise_levels.levels=$wrong"
    code_is 2
    err_has "noise_levels.levels"
done

case_is "what features and progressive want"
study features
code_is 2
err_has "a study of features wants a code; name a layer, and give its name to model.code"
study progressive --set corruption=masking
code_is 2
err_has "wants one corruption, \`gaussian\`"

case_is "another corruption than gaussian"
study noise_levels --set corruption=masking
code_is 2
err_has "wants one corruption, \`gaussian\`"
sed '/^corruption/d' "$small" >"$work/none.yaml"
run "$dae_cl" study noise_levels "$work/none.yaml"
code_is 2
err_has "there is none"

finish
