# Training on shards: whole samples, patches and pairs; any number of ranks; what is refused, with its place.
. "$(dirname "$0")/harness.sh"
mkdir "$work/shards" && cd "$work/shards" || exit 1

cat >make.py <<'PY'
import gzip, io, random, struct, sys, tarfile
def pgm(values, height, width): return b"P5 %d %d 255\n" % (width, height) + bytes(values)
def deep(values, height, width): return b"P5 %d %d 65535\n" % (width, height) + struct.pack(">%dH" % len(values), *values)
def npy(values, shape):
    head = ("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % (shape,)).encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + struct.pack("<%df" % len(values), *values)
def shard(path, members, form=tarfile.USTAR_FORMAT):
    with tarfile.open(path, "w", format=form) as tar:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
r = random.Random(3)
for s in range(4):
    images, arrays = [], []
    for i in range(20 + s):
        clean = [min(255, 60 + 80 * (y // 5 % 2) + 40 * (x // (3 + i % 4) % 2)) for y in range(24) for x in range(20 + i % 3)]
        noisy = [min(255, max(0, round(v + r.gauss(0, 25)))) for v in clean]
        stem = "set/%d-%02d" % (s, i)
        images += [(stem + ".clean.pgm", pgm(clean, 24, 20 + i % 3)), (stem + ".json", b"{}"),
                   (stem + ".noisy.pgm.gz", gzip.compress(pgm(noisy, 24, 20 + i % 3)))]
        arrays += [(stem + ".npy", npy([r.random() for _ in range(256)], (16, 16)))]
    shard("images-%02d.tar" % s, images)
    shard("arrays-%02d.tar" % s, arrays)
shard("other-00.tar", [("a.npy", npy([0.5] * 64, (8, 8)))])
shard("alone-00.tar", images[:3] + [("b.clean.pgm", images[0][1])] + images[3:])
shard("two.tar", [("a.png", b"x"), ("a.pgm", b"y")])
images[6:6] = [("set/deep.clean.pgm", deep([257 * v + 3 for v in range(576 // 4)] * 4, 24, 24)),
               ("set/deep.noisy.pgm", deep([257 * v for v in range(576 // 4)] * 4, 24, 24))]
shard("deep-00.tar", images)
shard("long-00.tar", [("n" * 1020 + ".pgm", pgm([0] * 576, 24, 24))], tarfile.PAX_FORMAT)
shard("nan-00.tar", [("a.npy", npy([0.5] * 255 + [float("nan")], (16, 16)))])
PY
python3 make.py || exit 1

cat >net.yaml <<'YAML'
# Patches of images in shards.
name: net
seed: 5
data:
  source: shards
  train: images-{00..03}.tar
  test: images-00.tar
  clean: clean.pgm
  patch: 16
  crops: 4
  window: 64
  test_patches: 32
corruption: {gaussian: {sigma: 0.1}}
model:
  input: [16, 16, 1]
  layers:
    - conv2d: {filters: 4, kernel: 3, pad: 1}
    - relu
    - {conv2d: {filters: 1, kernel: 3, pad: 1}, name: correction}
    - {add: {}, from: [correction, input]}
train: {loss: mse, optimizer: {adam: {lr: 0.003}}, batch: 32, epochs: 2}
compare: []
YAML
sed '/patch: 16/d; /crops/d; /clean:/d; /test_patches/d; s/images-/arrays-/' net.yaml >arrays.yaml
sed '/^corruption/d; s/source: shards/source: shard_pairs/; s/clean: clean.pgm/clean: clean.pgm\n  noisy: noisy.pgm/' net.yaml >pairs.yaml

for config in net arrays pairs; do
    case_is "$config: trains, and again to the same bytes with an index"
    run "$dae_cl" run $config.yaml --platform cpu --out $config
    code_is 0
    for turn in written read; do
        run "$dae_cl" run $config.yaml --platform cpu --set data.index=$config.json --out $config.$turn
        code_is 0
        cmp -s $config/test_errors.safetensors $config.$turn/test_errors.safetensors || problem "other errors with an index $turn"
    done
done
for config in net pairs; do
    case_is "$config: any number of ranks, the same bytes"
    for ranks in 1 2 3 4; do
        run "$dae_cl" run $config.yaml --platform cpu --set train.parts=4 --ranks $ranks --out $config-$ranks
        code_is 0
        cmp -s $config-1/model.safetensors $config-$ranks/model.safetensors || problem "$ranks ranks give other bytes"
    done
done

case_is "the output of commands, compressed or not: the bytes of the files"
for command in "cat images-{00..03}.tar" "gzip -c images-{00..03}.tar"; do
    run "$dae_cl" run net.yaml --platform cpu --set "data.train=pipe: $command" --set data.index=pipe.json --out pipe
    code_is 0
    cmp -s net/test_errors.safetensors pipe/test_errors.safetensors || problem "other errors from $command"
    rm -rf pipe pipe.json
done

refused() { # STATUS TEXT CONFIG OPTION...
    local status=$1 text=$2 config=$3
    shift 3
    run "$dae_cl" run $config.yaml --platform cpu --out refused "$@"
    code_is "$status"
    err_has "$text"
    [ ! -e refused/model.safetensors ] || problem "a model was written"
    rm -rf refused
}
case_is "more ranks than shards"
refused 2 "2 ranks are more than the 1 training shards" net --set train.parts=2 --set data.train=images-00.tar --ranks 2
case_is "a shard is missing"
refused 5 "images-04.tar" net --set 'data.train=images-{00..04}.tar'
case_is "a command that fails, at once or in the middle, or whose output ends too soon"
refused 5 "ended with exit status 3" net --set 'data.train=pipe: exit 3'
refused 5 "ended with exit status 1" net --set 'data.train=pipe: head -c 9999 images-00.tar; false'
refused 4 "head -c 9999 images-00.tar/set/0-02.json: the archive is damaged, or not one that is read: Truncated" net --set 'data.train=pipe: head -c 9999 images-00.tar'
case_is "a range that does not rise, one of too many shards"
refused 2 "{3..1}" net --set 'data.train=images-{3..1}.tar'
refused 2 "at most 1048576 shards" net --set 'data.train=images-{0..9999999}.tar'
case_is "a truncated shard, with the file in it"
head -c 30000 images-01.tar >short-01.tar
refused 4 "short-01.tar/set/1-07.json: the archive is damaged, or not one that is read: Truncated" net --set data.train=short-01.tar
case_is "a shard that ends between two files, in a file and from a command"
head -c 1024 images-01.tar >cut-01.tar
refused 4 "cut-01.tar: byte 1024: the archive is truncated" net --set data.train=cut-01.tar
refused 4 "images-01.tar: byte 1024: the archive is truncated" net --set 'data.train=pipe: head -c 1024 images-01.tar'
case_is "an image with more bits than the first, unless a depth is given"
refused 4 "deep-00.tar: set/deep.clean.pgm: its numbers have 16 bits, but those of the first sample 8" pairs --set data.train=deep-00.tar
for depth in 8 16 float; do
    run "$dae_cl" run pairs.yaml --platform cpu --set data.train=deep-00.tar --set data.depth=$depth --out deep.$depth
    code_is 0
    cmp -s deep.8/test_errors.safetensors deep.$depth/test_errors.safetensors && same=yes || same=no
    [ $same = "$([ $depth = 8 ] && echo yes || echo no)" ] || problem "depth $depth: the errors of depth 8: $same"
done
case_is "a name that is too long"
refused 4 "long-00.tar: the name of file 0 has 1024 bytes; 1023 are the most" net --set data.train=long-00.tar
case_is "a sample of another shape"
refused 4 "other-00.tar: a.npy is floats 8x8x1, but the first sample is floats 16x16x1" arrays --set data.test=other-00.tar
case_is "NaN"
refused 4 "nan-00.tar: a.npy: element 255 is not finite" arrays --set data.test=nan-00.tar
case_is "a sample without its partner, or without its image"
refused 4 "alone-00.tar: sample 1, b, has no file b.noisy.pgm" pairs --set data.train=alone-00.tar
refused 4 "images-00.tar: sample 0, set/0-00, has no file set/0-00.png" net --set data.clean=png
case_is "two images in a sample, of which none is named"
refused 4 "two.tar: a.png and a.pgm are of one sample" arrays --set data.train=two.tar
case_is "an image smaller than a patch"
refused 4 "smaller than a patch of 32x32x1" net --set 'data.patch=[32, 32]' --set 'model.input=[32, 32, 1]'
case_is "an index of other shards, of other files in them, of a shard that has changed"
refused 4 "it is the index of 4 shards, not of 1" net --set data.index=net.json --set data.train=images-00.tar
refused 4 "or of other files in them" pairs --set data.index=net.json
cp images-03.tar kept.tar
printf X | dd of=images-03.tar bs=1 seek=600 conv=notrunc status=none
refused 4 "images-03.tar: it has changed since it was indexed" net --set data.index=net.json --set train.epochs=20
cat kept.tar kept.tar >images-03.tar
refused 4 "images-03.tar: it has 184320 bytes, but had 92160 when it was indexed" net --set data.index=net.json
cp kept.tar images-03.tar
case_is "what shards cannot do"
refused 2 "data.validation" net --set data.validation=10
refused 2 "one of the sizes is 0" net --set 'data.patch=[0, 16]'
refused 2 "which nobody has checked in shards of floats" arrays --set train.loss=bce
finish
