# Photographs: training on patches of generated images, whole test images, and `dae-cl denoise` on images of other sizes.
. "$(dirname "$0")/harness.sh"
mkdir "$work/files" && cd "$work/files" || exit 1

cat >small.yaml <<'END'
name: small
data: {source: dead_leaves, train: 8, test: 3, patch: 16, patches: 640, test_patches: 32}
corruption: {gaussian: {sigma: 0.1}}
model:
  input: [16, 16, 1]
  layers:
    - conv2d: {filters: 16, kernel: 3, pad: 1}
    - relu
    - {conv2d: {filters: 1, kernel: 3, pad: 1}, name: correction}
    - {add: {}, from: [correction, input]}
train: {loss: mse, optimizer: {adam: {lr: 0.003}}, schedule: {cosine: {to: 0.1}}, clip_gradient: 1, batch: 32, epochs: 4}
END
cat >files.py <<'END'
import json, math, random, re
def ppm(path, height, width, channels, values):
    open(path, "wb").write(b"P%d %d %d 255 " % (6 if channels == 3 else 5, width, height) + bytes(values))
def read(path):
    b = open(path, "rb").read()
    h = re.match(rb"P(\d)\s+(\d+)\s+(\d+)\s+255\s", b)
    return (int(h[3]), int(h[2]), 3 if h[1] == b"6" else 1), list(b[h.end():])
def psnr(a, b):
    return -10 * math.log10(sum((x - y) ** 2 for x, y in zip(a, b)) / len(a) / 255 ** 2)
def picture(height, width, channels, noise):
    r = random.Random(5)
    return [min(255, max(0, round(60 + 80 * (y // 9 % 2) + 40 * (x // 11 % 2) + 5 * c + r.gauss(0, noise))))
            for y in range(height) for x in range(width) for c in range(channels)]
END
export PYTHONPATH=$PWD
python() {
    python3 -B -c "from files import *
$1" 2>"$work/trace" || problem "$(tail -n 1 "$work/trace")"
}

case_is "a run measures the whole test images"
run "$dae_cl" run small.yaml --out run
code_is 0
out_has "3 whole test images: noisy 20."
python '
whole = json.load(open("run/run.json"))["whole_images"]
assert whole["n"] == len(whole["model_psnr_each"]) == 3
assert all(abs(p - 20) < 0.05 for p in whole["noisy_psnr_each"]), whole # 32,400 draws: 0.03 dB is 4 deviations
assert abs(sum(whole["model_psnr_each"]) / 3 - whole["model_psnr"]) < 1e-9
assert whole["model_psnr"] > whole["noisy_psnr"] + 1.5, whole
'

case_is "images of any size, grey and in colour"
python '
for name, h, w, c in (("wide", 37, 90, 1), ("tall", 70, 5, 3), ("own", 16, 16, 1), ("dot", 1, 1, 1)):
    ppm("noisy_%s.ppm" % name, h, w, c, picture(h, w, c, 25))
    ppm("clean_%s.ppm" % name, h, w, c, picture(h, w, c, 0))
'
mkdir noisy clean
for file in wide tall own dot; do mv noisy_$file.ppm noisy/$file.ppm && mv clean_$file.ppm clean/$file.ppm; done
run "$dae_cl" denoise run/model.safetensors noisy -o out --compare clean
code_is 0
out_has "4 files, 4 samples denoised into out"
cp "$work/out" said
python '
said = dict((l.split(":")[0], re.findall(r"[-\d.]+(?= dB)", l)) for l in open("said") if "dB" in l)
for name in ("wide", "tall", "own"):
    shape, clean = read("clean/%s.ppm" % name)
    assert read("out/%s.ppm" % name)[0] == shape, name
    before, after = (psnr(read("%s/%s.ppm" % (f, name))[1], clean) for f in ("noisy", "out"))
    assert after > before + 1, (name, before, after)
    told = [float(v) for v in said["noisy/%s.ppm" % name]]
    assert abs(told[0] - before) < 0.006 and abs(told[1] - after) < 0.05, (name, told, before, after)
means = [sum(float(said["noisy/%s.ppm" % n][i]) for n in ("wide", "tall", "own", "dot")) / 4 for i in (0, 1)]
assert all(abs(float(said["mean"][i]) - means[i]) < 0.011 for i in (0, 1)), (said, means)
'

case_is "each channel of a colour image goes through by itself"
python '
(h, w, c), values = read("noisy/tall.ppm")
ppm("red.ppm", h, w, 1, values[::3])
'
run "$dae_cl" denoise run/model.safetensors red.ppm -o out
code_is 0
python 'assert read("out/red.ppm")[1] == read("out/tall.ppm")[1][::3]'

case_is "tiles in little memory give the same bytes"
run "$dae_cl" denoise run/model.safetensors noisy -o tiles --memory 1
code_is 0
for file in wide tall own dot; do
    cmp -s out/$file.ppm tiles/$file.ppm || problem "$file.ppm differs"
done

case_is "a JPEG becomes a PNG"
base64 -d >photo.jpg <<'END'
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19i
Z2hnPk1xeXBkeFxlZ2P/wAALCAAQABABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAABQID/8QAFRABAQAAAAAAAAAAAAAAAAAAAwD/
2gAIAQEAAD8AkCkAKzApACv/2Q==

END
run "$dae_cl" denoise run/model.safetensors photo.jpg -o out
code_is 0
[ "$(head -c 4 out/photo.png | tail -c 3)" = PNG ] || problem "out/photo.png is no PNG"
[ ! -e out/photo.jpg ] || problem "out/photo.jpg is there, too"
head -c 120 photo.jpg >cut.jpg
run "$dae_cl" denoise run/model.safetensors cut.jpg -o nothing
code_is 4
err_has "cut.jpg: byte "
[ ! -e nothing ] || problem "a folder was made"

case_is "what --compare and --memory cannot use is refused before anything is written"
rm clean/dot.ppm
run "$dae_cl" denoise run/model.safetensors noisy -o nothing --compare clean
code_is 5
err_has "clean/dot.ppm"
run "$dae_cl" denoise run/model.safetensors noisy/wide.ppm -o nothing --compare clean/tall.ppm
code_is 4
err_has "clean/tall.ppm: 1 samples of 70x5x3, but noisy/wide.ppm has 1 of 37x90x1"
run "$dae_cl" denoise run/model.safetensors noisy -o nothing --compare clean/tall.ppm
code_is 2
err_has "is one file, but there are 4 inputs; give a folder"
run "$dae_cl" denoise run/model.safetensors noisy -o nothing --memory 0
code_is 2
err_has "--memory wants a number of MiB"
[ ! -e nothing ] || problem "a folder was made"

case_is "images that cannot be trained on are named"
mkdir photos && cp noisy/wide.ppm photos/a.ppm && head -c 100 noisy/wide.ppm >photos/b.ppm
run "$dae_cl" run small.yaml --out other --set 'data={source: images, train: photos, test: photos, patch: 16}'
code_is 4
err_has "photos/b.ppm: byte 100: truncated"
run "$dae_cl" run small.yaml --out other --set 'data={source: images, train: absent, test: photos, patch: 16}'
code_is 5
err_has "cannot open absent"
run "$dae_cl" run small.yaml --out other --set train.epochs=1 \
    --set 'data={source: images, train: absent, test: photos, patch: 16, patches: 32, test_patches: 8, fallback: dead_leaves}'
code_is 0
err_has "no absent; training on generated dead leaves instead (fallback: dead_leaves)"

case_is "a study that patches are no use to is refused before anything is trained, by run and by study"
leaves='data={source: dead_leaves, train: 3, test: 1, patch: 16, patches: 32, test_patches: 8}'
for command in "run small.yaml" "study contraction small.yaml"; do
    run "$dae_cl" $command --out refused --set studies=[contraction] --set "$leaves"
    code_is 2
    err_has "contraction: wants samples that are there, and patches of images are cut anew each time"
    [ ! -e refused ] || problem "$command: a folder was made"
done

case_is "some of the images choose the epoch"
run "$dae_cl" run small.yaml --out chosen --set 'train.average={decay: 0.9}' --set 'train.early_stop={patience: 1}' \
    --set "$leaves" --set data.validation=1
code_is 0
err_has "data: dead_leaves (32 training, 8 validation, 8 test samples of 16x16x1)"
err_has "is kept, of the lowest validation loss"

case_is "noise on whole Set12, as published"
if [ ! -r "${DAE_CL_DATA:-}/images/set12.tar" ]; then
    skip "no images/set12.tar in DAE_CL_DATA"
else
    run "$dae_cl" run small.yaml --out set12 --set train.epochs=1 --set corruption.gaussian.sigma=0.09803921568627451 \
        --set 'data={source: images, train: images/set12.tar, test: images/set12.tar, patch: 16, patches: 32, test_patches: 8}'
    code_is 0
    out_has "12 whole test images: noisy 20.17 dB"
fi

finish
