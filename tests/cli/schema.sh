# The JSON Schema of configs accepts what dae-cl check accepts.
. "$(dirname "$0")/harness.sh"
small=tests/cli/small.yaml

case_is "it is printed"
run "$dae_cl" schema
code_is 0
cp "$work/out" "$work/schema.json"

# What both accept, and what both refuse.
cat >"$work/changes" <<'END_OF_CHANGES'
yes name=a.b
no name=.hidden
no naem=x
yes seed=7
no seed=-1
no seed=1.5
yes device=cpu
yes device={platform: cpu, shape: grid, join: false}
no device={platfrom: cpu}
no device={join: 1}
yes data={source: digits, train: 5}
no data={source: digits, train: 0}
no data={source: digits, path: x}
no data={source: digitz}
no data={train: 5}
no data={source: idx}
yes data={source: csv, path: x, returns: log, train_until: 2020-01-03, clip: 1e2}
no data={source: csv, path: x, returns: logg, train_until: 2020-01-03}
yes data={source: image_pairs, train: {noisy: a, clean: b}, test: {noisy: a, clean: b}, patch: [8, 9]}
no data={source: image_pairs, train: {noisy: a}, test: {noisy: a, clean: b}}
yes corruption=gaussian
yes corruption={gaussian: {sigma: [0.1, 0.5]}}
yes corruption=[gaussian, {one_of: [{masking: {p: 0.5}}, masking]}]
no corruption=gausian
no corruption={masking: {p: 2}}
no corruption={masking: {q: 0.5}}
no corruption={gaussian: {}, masking: {}}
no corruption=[]
yes compare=[standard_ae, pca]
no compare=[standard]
yes studies=[noise_levels, {compare: {corruptions: [gaussian, [blur, masking]]}}]
yes studies={noise_levels: {levels: [0, 0.5]}}
no studies=[noise_level]
no studies={noise_levels: {levls: [0]}}
no studies={noise_levels: {levels: [x]}}
no model.layers=[]
no model.layers=[{dens: {units: 3}}]
no model.layers=[dense]
no model.input=[]
no model.colour=x
yes train.loss=mse
no train.loss=msa
no train.loss={mse: {x: 1}}
yes train.optimizer={adam: {lr: 0.1}}
no train.optimizer={adam: {lr: -1}}
no train.optimizer={adam: {}, sgd: {}}
yes train.batch=65536
no train.batch=65537
no train.batch='8'
yes train.schedule={step: {after: [1, 2], factor: 0.5}}
no train.schedule={step: {}}
no train.schedule={step: {after: [1.5]}}
no train.schedule={linear: {}}
yes train.average={decay: 0.9}
no train.average={decai: 0.9}
no train.average=0.9
END_OF_CHANGES

case_is "it is a schema, takes each shipped config and its own defaults, and judges changes as it should"
run python3 tests/cli/schema.py "$work/schema.json" "$work/changes" "$small" configs/*.yaml
code_is 0
out_has "$(wc -l <"$work/changes") changes"

case_is "dae-cl check judges them in the same way"
while read -r wanted change; do
    run "$dae_cl" check "$small" --set "$change"
    if [ "$wanted" = no ]; then
        [ "$code" -eq 2 ] || problem "$change: exit status $code"
    elif grep -qE "unknown key|expects|no [a-z]+ is called|is missing" "$work/err"; then
        problem "$change: $(cat "$work/err")"
    fi
done <"$work/changes"

case_is "sweep files have a schema, which judges as the sweep does"
run "$dae_cl" schema --sweep
code_is 0
cp "$work/out" "$work/sweep.json"
cp "$small" "$work"
printf '%s\n' 'base: small.yaml' 'keys: {train.batch: [16, 32], seed: {from: 1, to: 2}}' >"$work/sweep.yaml"
cat >"$work/sweep_changes" <<'END'
yes seed=3
no sead=3
yes keep=model
no keep=models
no search=gird
yes name=a.b
no keys={}
no keys={seed: 1}
no keys={seed: []}
yes keys={seed: {values: [1]}, train.batch: [16]}
no keys={seed: {form: 1, to: 2}}
no keys={seed: {from: 1, to: x}}
yes keys={train.optimizer.sgd.lr: {log_uniform: [0.1, 1], points: 2}}
no keys={train.optimizer.sgd.lr: {log_uniform: [0, 1], points: 2}}
no keys={train.optimizer.sgd.lr: {uniform: [1], points: 2}}
no keys={train.batch: {uniform: [1, 9], points: 2, integer: 1}}
END
run python3 tests/cli/schema.py "$work/sweep.json" "$work/sweep_changes" "$work/sweep.yaml"
code_is 0
out_has "16 changes"
while read -r wanted change; do
    python3 - "$work/sweep.yaml" "$change" >"$work/changed.yaml" <<'END'
import sys
key, value = sys.argv[2].split("=", 1)
print("".join(line for line in open(sys.argv[1]) if not line.startswith(key + ":")) + f"{key}: {value}")
END
    run "$dae_cl" sweep "$work/changed.yaml" --print
    [ "$code" -eq "$([ "$wanted" = yes ] && echo 0 || echo 2)" ] || problem "$change: exit status $code: $(cat "$work/err")"
done <"$work/sweep_changes"

case_is "wrong use"
run "$dae_cl" schema extra
code_is 2

finish
