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
err_has "grey.yaml: byte 0: neither an image of a known kind (dae-cl help formats lists them) nor an archive"

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

case_is "a model is found behind a link and in a run's folder, and everything else is named as what it is"
ln -s grey/model.safetensors linked
run "$dae_cl" denoise linked large.png -o by_link
code_is 0
run "$dae_cl" denoise grey/ large.png -o by_folder
code_is 0
cmp -s by_link/large.png by_folder/large.png || problem "link and folder differ"
other_file() { # FILE MESSAGE
    run "$dae_cl" denoise "$1" large.png -o nothing
    code_is 9
    err_has "$1: $2"
    [ ! -e nothing ] || problem "a folder was made"
}
other_file names/B.PNG "it is an image, PNG, not a model; MODEL is the first argument"
other_file grey.yaml "it is a config, not a model; dae-cl run trains one"
cp grey/checkpoint/*.safetensors grey.checkpoint
other_file grey.checkpoint "it is the checkpoint of a training, not a model"
other_file names "the folder contains no model.safetensors"

case_is "EXIF's orientation is kept with a line, or applied"
python '
def exif(n): return chunk(b"eXIf", b"II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0" + bytes([n]) + b"\0\0\0\0\0\0\0")
values = picture(16, 20)
png("turned.png", 16, 20, 1, values, exif(6))
png("upright.png", 20, 16, 1, [values[(15 - x) * 20 + y] for y in range(20) for x in range(16)], exif(1))
'
run "$dae_cl" denoise $model turned.png -o kept
code_is 0
err_has "turned.png: its pixels are not turned, and its EXIF orientation stays 6; --orient apply turns them"
run "$dae_cl" denoise $model turned.png -o kept_word --orient keep
code_is 0
cmp -s kept/turned.png kept_word/turned.png || problem "keep is not the default"
run "$dae_cl" denoise $model turned.png upright.png -o applied --orient apply
code_is 0
err_lacks "turned.png: "
cmp -s applied/turned.png applied/upright.png || problem "turned and upright differ"
python '
assert dict(chunks("kept/turned.png"))[b"eXIf"] == dict(chunks("turned.png"))[b"eXIf"]
assert dict(chunks("kept/turned.png"))[b"IHDR"][:8] == struct.pack(">II", 20, 16)
assert dict(chunks("applied/turned.png"))[b"IHDR"][:8] == struct.pack(">II", 16, 20)
'
run "$dae_cl" denoise $model turned.png -o nothing --compare upright.png
code_is 4
err_has "upright.png has the EXIF orientation 1, but turned.png has 6; --orient apply turns both"
run "$dae_cl" denoise $model turned.png -o compared --compare upright.png --orient apply
code_is 0
run "$dae_cl" denoise $model turned.png -o nothing --orient other
code_is 2
err_has "--orient expects keep or apply, got 'other'"

case_is "pairs that are turned differently are turned, or refused, and never trained as they are"
mkdir -p pairs/noisy pairs/clean && cp turned.png pairs/noisy/a.png && cp upright.png pairs/clean/a.png
sides='{noisy: pairs/noisy, clean: pairs/clean}'
pairs="data={source: image_pairs, train: $sides, test: $sides, patch: 16, patches: 32, test_patches: 8}"
sed 's/^corruption.*//' grey.yaml >pairs.yaml
run "$dae_cl" run pairs.yaml --out pairs/run --set "$pairs"
code_is 0
run "$dae_cl" run pairs.yaml --out pairs/refused --set "$pairs" --set data.orient=keep
code_is 4
err_has "pairs/noisy/a.png has the EXIF orientation 6, but its partner pairs/clean/a.png has 1; turn them with data.orient=apply"

case_is "a grey image goes through a colour model, and stays grey"
run "$dae_cl" run grey.yaml --out colour --set data.channels=colour --set 'model.input=[16, 16, 3]' \
    --set 'model.layers=[conv2d: {filters: 3, kernel: 3, pad: 1}]'
code_is 0
python 'png("colour.png", 20, 24, 3, picture(20, 24, 3))
png("grey.png", 20, 24, 1, picture(20, 24))
png("same.png", 20, 24, 3, [v for v in picture(20, 24) for _ in range(3)])'
run "$dae_cl" denoise colour colour.png grey.png same.png -o mixed
code_is 0
err_has "grey.png: it is grey: denoised as three equal channels, and written grey"
python '
def pixels(path):
    data = zlib.decompress(dict(chunks(path))[b"IDAT"])
    return len(data), dict(chunks(path))[b"IHDR"][9]
assert pixels("mixed/grey.png")[1] == 0 and pixels("mixed/colour.png")[1] == 2
'
run "$dae_cl" run grey.yaml --out fixed --set 'model.layers=[flatten, dense: {units: 256}, reshape: {shape: [16, 16, 1]}]'
code_is 0
python 'png("rgb16.png", 16, 16, 3, picture(16, 16, 3))'
run "$dae_cl" denoise fixed rgb16.png -o nothing # colour cannot become grey unasked
code_is 4
err_has "rgb16.png: samples of 16x16x3, but fixed/model.safetensors takes 16x16x1"

case_is "folders in folders keep their structure, and a second run only adds what is missing"
mkdir -p tree/2024/may tree/empty && cp large.png tree/a.png && cp large.png tree/2024/b.png && cp photo.jpg tree/2024/may/c.jpg
ln -s .. tree/2024/loop
run "$dae_cl" denoise $model tree -o flat
code_is 0
[ "$(ls flat)" = a.png ] || problem "without --recursive: $(ls flat)"
run "$dae_cl" denoise $model tree -o tree/out --recursive
code_is 0
err_has "tree/2024/loop: left out: it leads back to tree"
[ "$(cd tree/out && find . -type f | sort | tr '\n' ' ')" = "./2024/b.png ./2024/may/c.png ./a.png " ] ||
    problem "in the folder: $(cd tree/out && find . -type f | sort | tr '\n' ' ')"
rm tree/out/a.png
run "$dae_cl" denoise $model tree -o tree/out --recursive --skip-existing
code_is 0
err_has "tree/out: left out: the results go there"
out_has "2 files left out: their results exist in tree/out"
out_has "1 file, 1 sample denoised into tree/out"
run "$dae_cl" denoise $model tree -o tree/again --recursive --compare tree --skip-existing
code_is 0 # the partner of tree/2024/b.png is tree/2024/b.png
out_has "tree/2024/b.png: "

case_is "clean files in folders are not written over"
cp -r tree/2024 copies && rm -rf copies/loop && mkdir -p originals/2024 && cp copies/b.png originals/2024 && cp copies/b.png originals/a.png
run "$dae_cl" denoise $model originals/2024 --recursive -o originals/2024/. --compare originals/2024
code_is 2
mkdir -p other/2024 && cp copies/b.png other/2024
run "$dae_cl" denoise $model other -o originals --recursive --compare originals
code_is 2
err_has "originals/2024/b.png would overwrite the clean files originals/2024/b.png"

case_is "a list of files"
printf 'large.png\r\n\nnames/B.PNG\nstrays\n' >list.txt
run "$dae_cl" denoise $model @list.txt -o listed
code_is 0
out_has "5 files, 5 samples denoised into listed"
run "$dae_cl" denoise $model @absent.txt -o nothing
code_is 5
err_has "absent.txt"

case_is "with --keep-going the others are denoised, and the bad ones are listed at the end"
mkdir some && cp large.png some/a.png && head -c 50 large.png >some/b.png && cp photo.jpg some/c.jpg
run "$dae_cl" denoise $model some absent.png -o going --keep-going
code_is 4
err_has "  some/b.png: byte 41: PNG: the file is truncated"
err_has "  cannot open absent.png: No such file or directory"
err_has "2 of 4 files could not be denoised"
out_has "2 files, 2 samples denoised into going"
[ "$(ls going | tr '\n' ' ')" = "a.png c.png " ] || problem "in the folder: $(ls going)"

case_is "--compare measures what was written, passes over sidecars, and writes its scores"
mkdir noisy clean
python '
import random
random.seed(1)
for i in range(3):
    values = picture(20, 24, seed=i * 30)
    png("clean/%d.png" % i, 20, 24, 1, values)
    png("noisy/%d.png" % i, 20, 24, 1, [min(255, max(0, v + random.randrange(-20, 21))) for v in values])
    open("clean/%d.xmp" % i, "w").write("<x:xmpmeta/>")
'
mv noisy/0.png noisy/0.PNG
run "$dae_cl" denoise $model noisy -o measured --compare clean --scores scores.csv --scores scores.json
code_is 0
cp "$work/out" said
python '
import csv, json, math
def gray(path):
    data, w = zlib.decompress(dict(chunks(path))[b"IDAT"]), 24
    out, before = [], bytes(w)
    for y in range(20):
        kind, line = data[y * 25], bytearray(data[y * 25 + 1:y * 25 + 25])
        for i in range(w):
            a, c = (line[i - 1], before[i - 1]) if i else (0, 0)
            p = a + before[i] - c
            near = min((abs(p - a), 0, a), (abs(p - before[i]), 1, before[i]), (abs(p - c), 2, c))[2]
            line[i] = (line[i] + (0, a, before[i], (a + before[i]) // 2, near)[kind]) % 256
        out, before = out + list(line), line
    return out
rows = list(csv.DictReader(open("scores.csv")))
files = json.load(open("scores.json"))
assert [r["file"] for r in rows] == ["noisy/0.PNG", "noisy/1.png", "noisy/2.png"], rows
for row, other in zip(rows, files["files"]):
    a, b = gray(row["result"]), gray("clean/%s.png" % row["file"][6])
    want = -10 * math.log10(sum((p - q) ** 2 for p, q in zip(a, b)) / len(a) / 255 ** 2)
    assert abs(float(row["psnr_denoised"]) - want) < 1e-5, (row, want) # of the bytes in the file
    assert abs(other["psnr_denoised"] - want) < 1e-5 and float(row["seconds"]) > 0 and 0 < float(row["ssim_noisy"]) < 1
assert abs(files["mean"]["psnr_noisy"] - sum(float(r["psnr_noisy"]) for r in rows) / 3) < 1e-5
'
run "$dae_cl" denoise $model noisy -o nothing --compare clean --scores scores.txt
code_is 2
err_has "--scores expects a name that ends in .csv or .json, got 'scores.txt'"
run "$dae_cl" denoise $model noisy -o nothing --scores scores.csv
code_is 2
err_has "--scores requires --compare"
cp list.txt list.csv
run "$dae_cl" denoise $model noisy @list.csv -o nothing --compare clean --scores list.csv
code_is 2
err_has "list.csv would overwrite the list list.csv"

case_is "another kind of result"
run "$dae_cl" denoise $model large.png deep.pgm -o pgms --format ppm
code_is 0
[ "$(ls pgms | tr '\n' ' ')" = "deep.pgm large.ppm " ] || problem "in the folder: $(ls pgms)"
run "$dae_cl" denoise $model large.png deep.pgm -o pngs --format png
code_is 0
[ "$(ls pngs | tr '\n' ' ')" = "deep.png large.png " ] || problem "in the folder: $(ls pngs)"
run "$dae_cl" denoise $model large.png -o nothing --format jpg
code_is 2
err_has "--format: jpg is not written; dae-cl help formats lists what is"
run "$dae_cl" denoise $model large.png -o nothing --format nope
code_is 2
err_has "--format expects same or an ending such as png or tif, got 'nope'"

case_is "TIFF, WebP and BMP keep their kinds, and a kind that cannot hold something says so"
if "$dae_cl" help formats | grep -q 'this build lacks'; then
    skip "this build lacks a library of images"
else
    python '
png("rich.png", 16, 16, 3, picture(16, 16, 3), chunk(b"tEXt", b"Title\0a picture") + chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1)))
png("deep.png", 16, 16, 1, [257 * v for v in picture(16, 16)], bits=16)'
    run "$dae_cl" denoise $model rich.png deep.png -o tiffs --format tif
    code_is 0
    err_has "rich.png: its text: left out, since TIFF cannot hold it"
    err_lacks "deep.png: "
    [ "$(ls tiffs | tr '\n' ' ')" = "deep.tif rich.tif " ] || problem "in the folder: $(ls tiffs)"
    run "$dae_cl" denoise $model tiffs -o tiffs_again --format same
    code_is 0
    [ "$(head -c 4 tiffs_again/deep.tif | od -An -tx1)" = " 49 49 2a 00" ] || problem "not a TIFF"
    run "$dae_cl" denoise $model rich.png deep.png -o webps --format webp
    code_is 0
    err_has "deep.png: 8 of its 16 bits: left out, since WebP cannot hold it"
    run "$dae_cl" denoise $model webps -o webps_again
    code_is 0
    [ "$(head -c 4 webps_again/deep.webp)" = RIFF ] || problem "not a WebP"
    run "$dae_cl" denoise $model rich.png -o bmps --format bmp
    code_is 0
    [ "$(head -c 2 bmps/rich.bmp)" = BM ] || problem "not a BMP"
    head -c 300 tiffs/rich.tif >cut.tif
    run "$dae_cl" denoise $model cut.tif -o nothing
    code_is 4
    err_has "cut.tif: TIFF: "
    python 'open("floats.pfm", "wb").write(b"Pf\n16 16\n-1.0\n" + struct.pack("<256f", *(v / 9 for v in picture(16, 16))))'
    run "$dae_cl" denoise $model floats.pfm -o pfms
    code_is 0
    run "$dae_cl" denoise $model floats.pfm -o nothing --format png
    code_is 4
    err_has "floats.pfm stores floats, which PNG cannot"
    run "$dae_cl" run grey.yaml --out refused --set 'data={source: images, train: floats.pfm, test: floats.pfm, patch: 16}'
    code_is 4
    err_has "is beyond what training takes for floats, 0 to 1"
fi

case_is "thousands of small files are listed and matched at once"
mkdir many many_clean
python '
png("small.png", 16, 16, 1, picture(16, 16))
import shutil
for i in range(5000):
    shutil.copy("small.png", "many/%05d.png" % i)
    shutil.copy("small.png", "many_clean/%05d.png" % i)
'
cp small.png out_of_line && head -c 40 small.png >many/00000.png # ends the run as soon as the first file is read
run timeout 5 "$dae_cl" denoise $model many -o nothing --compare many_clean
code_is 4
seconds=$(TIMEFORMAT=%R; { time "$dae_cl" denoise $model many -o nothing --compare many_clean >/dev/null 2>&1; } 2>&1)
python "assert $seconds < 2, $seconds # 0.3 s on an idle machine: a quadratic listing takes far longer"

finish
