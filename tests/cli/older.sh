# Files that an earlier dae-cl wrote still load. tests/cli/older holds a model and a checkpoint that the last version with
# plugin contract 3 made of config.yaml in one epoch, an image, and what that version made of it with the model.
. "$(dirname "$0")/harness.sh"

export DAE_CL_PLUGINS=$BUILD/plugins
older=tests/cli/older

case_is "an older model denoises as it did"
run "$dae_cl" denoise "$older/model.safetensors" "$older/bands.pgm" -o "$work/denoised"
code_is 0
# Another processor may round an output to the neighbouring byte.
cmp -l "$older/denoised.pgm" "$work/denoised/bands.pgm" | awk '
    { a = oct($2); b = oct($3); if (a - b > 1 || b - a > 1) bad = 1 }
    function oct(text,  i, n) { for (i = 1; i <= length(text); ++i) n = 8 * n + substr(text, i, 1); return n }
    END { exit bad }' || problem "an output differs by more than 1 from what it was"
[ "$(wc -c <"$work/denoised/bands.pgm")" = "$(wc -c <"$older/denoised.pgm")" ] || problem "the outputs differ in size"

# The earlier version ended at this error, too, with a stop or without.
case_is "an older checkpoint is resumed"
mkdir -p "$work/run/checkpoint"
cp "$older/checkpoint.safetensors" "$work/run/checkpoint/model.safetensors"
run "$dae_cl" run "$older/config.yaml" --resume --out "$work/run"
code_is 0
err_has 'epoch 2, step 0'
mse=$(sed -n '/"model"/,/}/s/.*"mse":[^0-9]*\([0-9.]*\).*/\1/p' "$work/run/run.json")
awk -v mse="$mse" 'BEGIN { exit !(mse > 0.1975 && mse < 0.1979) }' || problem "the test MSE is $mse, not 0.1977"

# The older version had neither `groups` nor `padding_mode`, and did what is their default now.
case_is "options that the older version lacked make a difference only if they are not at their default"
rm -r "$work/run"
mkdir -p "$work/run/checkpoint"
cp "$older/checkpoint.safetensors" "$work/run/checkpoint/model.safetensors"
run "$dae_cl" run "$older/config.yaml" --resume --out "$work/run" --set model.layers.0.conv2d.padding_mode=reflect
code_is 9
err_has "differ at 'model.layers.0.conv2d.padding_mode: reflect'"
run "$dae_cl" run "$older/config.yaml" --resume --out "$work/run" --set model.layers.0.conv2d.groups=1 \
    --set train.optimizer.adam.beta2=0.9990
code_is 0
err_has 'epoch 2, step 0'

finish
