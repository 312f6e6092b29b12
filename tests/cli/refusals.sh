# Layers, losses and noises refuse what does not fit them: at their line of the config, with the reason and both numbers.
. "$(dirname "$0")/harness.sh"
config=$work/config.yaml

# refused NAME INPUT LAYERS MESSAGE [LOSS [CORRUPTION]]: `check` of a config whose line 3 is the corruption, line 4 the model
# and line 5 the loss; the message begins with the line.
refused() {
    local corruption=${6:-gaussian}
    case_is "$1"
    cat >"$config" <<YAML
name: refused
data: {source: npy, train: none.npy, test: none.npy}
corruption: $corruption
model: {input: $2, layers: $3}
train: {loss: ${5:-mse}, optimizer: sgd, batch: 4, epochs: 1}
YAML
    run "$dae_cl" check "$config"
    code_is 2
    err_has "$config:$4"
}

refused "heads that do not divide the channels" "[5, 6]" "[{attention: {heads: 4}}]" \
    '4:34: error: attention "attention_1": has 4 heads, which do not divide the 6 channels'
refused "attention of an image" "[5, 6, 1]" "[attention]" '4:36: error: attention "attention_1": expects a sequence (T,C)'
refused "a recurrent layer of a vector" "[6]" "[{gru: {units: 6}}]" '4:31: error: gru "gru_1": expects a sequence (T,C)'
refused "groups that do not divide the channels" "[4, 4, 6]" "[{groupnorm: {groups: 4}}]" \
    '4:37: error: groupnorm "groupnorm_1": has 4 groups, which do not divide the 6 channels'
refused "groups that do not divide channels and filters" "[4, 4, 6]" "[{conv2d: {filters: 6, groups: 4}}]" \
    '4:37: error: conv2d "conv2d_1": its 4 groups do not divide 6 channels of the input and 6 filters'
refused "a reflection wider than the image" "[4, 9, 1]" "[{conv2d: {filters: 1, kernel: 9, pad: 4, padding_mode: reflect}}]" \
    '4:37: error: conv2d "conv2d_1": it reflects 4 pixels of an image that is 4 high; reflect at most 3, or use padding_mode replicate'
refused "groups of one number" "[6]" "[{groupnorm: {groups: 6}}]" \
    '4:31: error: groupnorm "groupnorm_1": a group of one number has no variance; use fewer groups'
refused "an odd number of channels in two halves" "[4, 4, 3]" "[gate]" \
    '4:36: error: gate "gate_1": multiplies two halves of the channels, but there are 3, an odd number'
refused "channels that are no blocks of pixels" "[4, 4, 6]" "[pixel_shuffle]" \
    '4:36: error: pixel_shuffle "pixel_shuffle_1": makes 4 pixels of each, but the 6 channels are not a multiple of that'
refused "pixels of a vector" "[4]" "[pixel_shuffle]" '4:30: error: pixel_shuffle "pixel_shuffle_1": expects an image (H, W, C)'
refused "a window larger than the image" "[4, 3, 1]" "[{avgpool2d: {kernel: 4}}]" \
    '4:37: error: avgpool2d "avgpool2d_1": its window of 4 is larger than the image, 3'
refused "the mean of a vector" "[4]" "[global_avgpool2d]" \
    '4:30: error: global_avgpool2d "global_avgpool2d_1": expects an image (H, W, C)'
refused "similarity of a small image" "[10, 12, 1]" "[{conv2d: {filters: 1, kernel: 1}}]" \
    '5:15: error: ssim "loss": its window of 11 is larger than the image, 10x12' ssim
refused "a reflection longer than the signal" "[4, 1]" "[{conv1d: {filters: 1, kernel: 9, pad: 4, padding_mode: reflect}}]" \
    '4:34: error: conv1d "conv1d_1": it reflects 4 points of a signal of 4; reflect at most 3, or use padding_mode replicate'
refused "a blur without a middle" "[6, 6, 1]" "[{blur_pool: {kernel: 4}}]" \
    '4:37: error: blur_pool "blur_pool_1": its kernel of 4 has no middle; use 3, 5 or 7'
refused "a blur wider than the image" "[6, 2, 1]" "[{blur_pool: {kernel: 5}}]" \
    '4:37: error: blur_pool "blur_pool_1": it reflects 2 pixels of an image that is 2 wide; use a smaller kernel'
refused "a sum of no losses" "[6]" "[{dense: {units: 6}}]" \
    '5:15: error: train.loss: expects a list of 1 to 8, got a list of 0' "[]"
refused "an unknown loss in a sum" "[6]" "[{dense: {units: 6}}]" \
    "5:21: error: no loss is called 'l11' (did you mean 'l1'?)" "[mse, l11]"
refused "an unknown key of a loss in a sum" "[6]" "[{dense: {units: 6}}]" \
    "5:27: error: unknown key 'wieght' in l1 (did you mean 'weight'?)" "[mse, {l1: {wieght: 2}}]"
refused "a negative weight" "[6]" "[{dense: {units: 6}}]" \
    "5:35: error: train.loss.1.l1.weight: expects a number from 0 to 1000000, got '-1'" "[mse, {l1: {weight: -1}}]"
refused "similarity in a sum, of vectors" "[144]" "[{dense: {units: 144}}]" \
    '5:21: error: ssim "loss.ssim": expects an image (H, W, C)' "[mse, ssim]"
refused "similarity of vectors" "[144]" "[{dense: {units: 144}}]" '5:15: error: ssim "loss": expects an image (H, W, C)' ssim
refused "the channels of a vector" "[6]" "[{dense: {units: 6}}]" \
    '3:14: error: dropout_channels "dropout_channels_1": expects several positions with channels' mse "{dropout_channels: {p: 0.1}}"
refused "a step of zero" "[6]" "[{dense: {units: 6}}]" \
    '3:31: error: corruption.quantise.step: expects a number or a range [low, high] from 1e-06 to 1000000, got '"'0'" \
    mse "{quantise: {step: 0}}"

# ---- Labels. ----------------------------------------------------------------------------------------------------------

cat >"$work/labels.py" <<'END'
import struct, sys

def npy(path, rows):
    shape = "(%d, %d)" % (len(rows), len(rows[0]))
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % shape
    head += " " * (-(10 + len(head) + 1) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode())
        for row in rows:
            file.write(struct.pack("<%df" % len(row), *row))

labels = [[float(k == i % 3) for k in range(3)] for i in range(32)]
npy(sys.argv[1] + "/labels.npy", labels)
npy(sys.argv[1] + "/none.npy", labels[:5] + [[0, 0, 0]] + labels[6:])
END
python3 "$work/labels.py" "$work"
cat >"$work/labels.yaml" <<END
name: labels
data: {source: npy, train: $work/labels.npy, test: $work/labels.npy}
corruption: {masking: {p: 0.3}}
model: {input: [3], layers: [{dense: {units: 3}}, softmax]}
train: {loss: cross_entropy, optimizer: adam, batch: 8, epochs: 1}
END
case_is "labels train"
run "$dae_cl" run "$work/labels.yaml" --out "$work/run"
code_is 0
case_is "a sample without a label: which one, and what its channels sum to"
run "$dae_cl" run "$work/labels.yaml" --set "data.train=$work/none.npy" --out "$work/none"
code_is 2
err_has "labels.yaml:5:15: error: train.loss: cross_entropy requires labels, whose channels sum to 1, but those of training sample 5 sum to 0"
case_is "images are no labels"
run "$dae_cl" run tests/cli/no_sigmoid.yaml --set train.loss=cross_entropy --out "$work/images"
code_is 2
err_has "train.loss: cross_entropy requires labels, which patches of images are not"

finish
