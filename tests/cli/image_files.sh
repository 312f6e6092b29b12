# Image files as people have them: names and contents that disagree, metadata, stray bytes. A small model denoises them.
. "$(dirname "$0")/harness.sh"
documents=$PWD/docs
mkdir "$work/files" && cd "$work/files"

cat >pictures.py <<'EOF'
"""Writes and reads small PNG and PNM files with nothing but the standard library."""
import struct, zlib

def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

def png(path, h, w, channels, values, more=b"", bits=8, after=b""):
    row = w * channels
    raw = b"".join(b"\0" + (bytes(values[y * row:(y + 1) * row]) if bits == 8 else
                            struct.pack(">%dH" % row, *values[y * row:(y + 1) * row])) for y in range(h))
    head = struct.pack(">IIBBBBB", w, h, bits, 2 if channels == 3 else 0, 0, 0, 0)
    open(path, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", zlib.compress(raw))
                           + chunk(b"IEND", b"") + after)

def chunks(path):
    b, at, out = open(path, "rb").read(), 8, []
    while at < len(b):
        size, name = struct.unpack(">I4s", b[at:at + 8])
        out.append((name, b[at + 8:at + 8 + size]))
        at += size + 12
    return out

def picture(h, w, channels=1, seed=0):
    return [(seed + 3 * y + 5 * x + 40 * c) % 256 for y in range(h) for x in range(w) for c in range(channels)]
EOF
export PYTHONPATH=$PWD
python() {
    python3 -B -c "from pictures import *
$1" 2>"$work/trace" || problem "$(tail -n 1 "$work/trace")"
}
# A grey JPEG of 16x16 pixels.
base64 -d >photo.jpg <<'EOF'
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19i
Z2hnPk1xeXBkeFxlZ2P/wAALCAAQABABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAABQID/8QAFRABAQAAAAAAAAAAAAAAAAAAAwD/
2gAIAQEAAD8AkCkAKzApACv/2Q==
EOF

case_is "a model of one channel"
cat >grey.yaml <<'EOF'
name: grey
data: {source: dead_leaves, train: 2, test: 1, patch: 16, patches: 32, test_patches: 8}
corruption: {gaussian: {sigma: 0.1}}
model:
  input: [16, 16, 1]
  layers: [conv2d: {filters: 1, kernel: 3, pad: 1}]
train: {loss: mse, optimizer: {adam: {lr: 0.003}}, batch: 8, epochs: 1}
EOF
run "$dae_cl" run grey.yaml --out grey
code_is 0
model=grey/model.safetensors

case_is "the table in docs/images.md is the one that the program prints"
run "$dae_cl" help formats --markdown
code_is 0
sed -n '/^<!-- dae-cl help formats/,/^<!-- end/p' "$documents/images.md" | sed '1d;$d' | out_is
run "$dae_cl" help formats
code_is 0
out_has "JPEG (.jpg .jpeg .jpe .jfif), written as PNG"

case_is "content comes before the name, and a result's ending fits what it is"
mkdir names
cp photo.jpg names/DSC_0001.JPG && cp photo.jpg names/s.png && cp photo.jpg names/no_ending
python '
png("names/B.PNG", 16, 16, 1, picture(16, 16))
png("names/called.jpg", 16, 16, 1, picture(16, 16))
png("names/v1.2", 16, 16, 1, picture(16, 16))
'
run "$dae_cl" denoise $model names -o named
code_is 0
[ "$(ls named | tr '\n' ' ')" = "B.PNG DSC_0001.png called.png no_ending.png s.png v1.2 " ] || problem "in the folder: $(ls named)"
for file in named/*; do
    [ "$(head -c 4 "$file" | tail -c 3)" = PNG ] || problem "$file is no PNG"
done
cmp -s named/s.png named/DSC_0001.png || problem "the same JPEG differs"

case_is "a damaged file is an error whatever its letter case"
mkdir damaged && head -c 60 names/B.PNG >damaged/B.PNG && cp names/B.PNG damaged/a.png
run "$dae_cl" denoise $model damaged -o nothing
code_is 4
err_has "damaged/B.PNG: byte 41: PNG: the file is truncated"
run "$dae_cl" run grey.yaml --out refused --set 'data={source: images, train: damaged, test: damaged, patch: 16}'
code_is 4
err_has "damaged/B.PNG: byte 41: PNG: the file is truncated"
[ ! -e nothing ] && [ ! -e refused ] || problem "a folder was made"

case_is "one image is a data set"
python 'png("large.png", 40, 50, 1, picture(40, 50))'
run "$dae_cl" run grey.yaml --out single --set 'data={source: images, train: large.png, test: large.png, patch: 16, patches: 32, test_patches: 8}'
code_is 0
run "$dae_cl" run grey.yaml --out refused --set 'data={source: images, train: grey.yaml, test: large.png, patch: 16}'
code_is 4
err_has "grey.yaml: byte 0: this is not the header of a tar archive"

case_is "a kind that is not read is named, with the program that converts it"
mkdir unread && cp large.png unread
printf '\0\0\0\030ftypheic\0\0\0\0' >unread/IMG_1.HEIC
printf '\377\012abc' >unread/a.jxl
printf 'II*\0\20\0\0\0CR\2\0' >unread/b.dat
printf 'II*\0\10\0\0\0\0\0' >unread/c.NEF
printf 'GIF89a' >unread/d.gif
for file in IMG_1.HEIC:heif-convert a.jxl:djxl b.dat:dcraw c.NEF:dcraw d.gif:convert; do
    run "$dae_cl" denoise $model "unread/${file%:*}" -o nothing
    code_is 4
    err_has "unread/${file%:*}: "
    err_has " is not read: "
    err_has "${file#*:}"
done
run "$dae_cl" denoise $model unread -o read
code_is 0
err_has "unread: 2 files left out: camera raw is not read: develop it with dcraw"
err_has "unread: 1 file left out: HEIF is not read: convert it with heif-convert"
[ "$(ls read)" = large.png ] || problem "in the folder: $(ls read)"

case_is "what every other program ignores is ignored, and said once"
python '
jpeg = open("photo.jpg", "rb").read()
for name in ("s1.jpg", "s2.jpg"):
    open(name, "wb").write(jpeg[:20] + b"\1\2" + jpeg[20:])
png("after.png", 16, 16, 1, picture(16, 16), after=b"tail")
open("comment.pgm", "wb").write(b"P5\n16#wide\n16 255\n" + bytes(picture(16, 16)))
'
run "$dae_cl" denoise $model s1.jpg s2.jpg after.png comment.pgm -o ignored
code_is 0
err_has "s1.jpg: 2 stray bytes before a marker ignored"
err_has "1 more file: 2 stray bytes before a marker ignored"
err_has "after.png: 4 bytes after the image are ignored"
err_lacks "comment.pgm: "
mkdir strays && cp s1.jpg s2.jpg after.png strays
run "$dae_cl" run grey.yaml --out strayed --set 'data={source: images, train: strays, test: strays, patch: 16, patches: 32, test_patches: 8}'
code_is 0
err_has "strays/s1.jpg: 2 stray bytes before a marker ignored (also 1 more file)"

case_is "a PGM keeps its largest value"
python 'open("deep.pgm", "wb").write(b"P5\n16 16\n4095\n" + struct.pack(">256H", *(16 * v for v in picture(16, 16))))'
run "$dae_cl" denoise $model deep.pgm -o deep
code_is 0
[ "$(head -n 3 deep/deep.pgm | tail -n 1)" = 4095 ] || problem "largest value: $(head -n 3 deep/deep.pgm)"

case_is "a PNG's text is kept byte for byte, however much of it there is"
python '
text = [(b"tEXt", b"k%d\0value %d" % (i, i)) for i in range(1500)] + [(b"tEXt", b"long\0" + b"x" * 9000000)]
png("text.png", 16, 16, 1, picture(16, 16), b"".join(chunk(n, d) for n, d in text))
'
run "$dae_cl" denoise $model text.png -o texts
code_is 0
python '
kept = [c for c in chunks("texts/text.png") if c[0] == b"tEXt"]
assert kept == [c for c in chunks("text.png") if c[0] == b"tEXt"], len(kept)
'
finish
