# Images in archives, in several folders and behind patterns, for training and for denoise.
. "$(dirname "$0")/harness.sh"
cd "$work"
cat >small.yaml <<'END'
name: small
data: {source: images, train: one, test: two, patch: 8, patches: 32, test_patches: 8}
corruption: {gaussian: {sigma: 0.1}}
model:
  input: [8, 8, 1]
  layers:
    - {conv2d: {filters: 1, kernel: 3, pad: 1}, name: noise}
    - {add: {}, from: [noise, input]}
train: {loss: mse, optimizer: {sgd: {lr: 0.001}}, batch: 8, epochs: 1}
END

if ! python3 - <<'END'; then
"""Folders with PGMs of smooth pictures, and the same in archives, whose names try to lead elsewhere."""
import io, os, tarfile, zipfile
def pgm(k, side=24):
    return b"P5 %d %d 255\n" % (side, side) + bytes((7 * x + 5 * y + 31 * k) % 256 for y in range(side) for x in range(side))
files = {"one/a.pgm": pgm(1), "one/b.pgm": pgm(2), "two/c.pgm": pgm(3), "two/ü.pgm": pgm(4)}
for name, content in files.items():
    os.makedirs(os.path.dirname(name), exist_ok=True)
    open(name, "wb").write(content)
extra = {"../../evil.pgm": pgm(5), "/root.pgm": pgm(6), "one/readme": b"no image", "one/._a.pgm": b"of macOS",
         "long/" + "n" * 180 + "/" + "m" * 90 + ".pgm": pgm(7)}
for mode, name in (("w", "all.tar"), ("w:gz", "all.tar.gz")):
    with tarfile.open(name, mode) as tar:
        for path, content in (files | extra).items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("one/link.pgm")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
with zipfile.ZipFile("all.zip", "w", zipfile.ZIP_DEFLATED) as file:
    for path, content in (files | extra).items():
        file.writestr(path, content)
with zipfile.ZipFile("plain.zip", "w") as file:
    for path, content in files.items():
        file.writestr(path, content)
with zipfile.ZipFile("empty.zip", "w") as file:
    file.writestr("readme", "no image")
with zipfile.ZipFile("big.zip", "w", zipfile.ZIP_DEFLATED) as file: # 300 MB of zeros after a name that promises an image
    file.writestr("a.png", bytes(300 << 20))
open("cut.tar", "wb").write(open("all.tar", "rb").read()[:2048]) # between two files
open("cut.zip", "wb").write(open("all.zip", "rb").read()[:900])
open("cut.tar.gz", "wb").write(open("all.tar.gz", "rb").read()[:300])
bad = bytearray(open("plain.zip", "rb").read())
bad[bad.index(b"P5 ", 200) + 40] ^= 255 # in the second file: its checksum is wrong
open("damaged.zip", "wb").write(bad)
END
    echo "FAIL files could not be written"
    exit 1
fi

case_is "a model"
run "$dae_cl" run small.yaml --out model
code_is 0
first=$(grep loss "$work/out")

if "$dae_cl" denoise model/model.safetensors plain.zip -o lacks 2>&1 | grep -q "this build lacks libarchive"; then
    case_is "archives"
    skip "this build lacks libarchive"
    finish
fi

case_is "denoise takes an archive, whose folders the results get; a name in it is only a name"
run "$dae_cl" denoise model/model.safetensors one two -o plain
code_is 0
for archive in all.tar all.tar.gz all.zip; do
    run "$dae_cl" denoise model/model.safetensors $archive -o "out_$archive"
    code_is 0
    err_has "$archive: 2 items left out"
    for file in one/a.pgm one/b.pgm two/c.pgm two/ü.pgm; do
        cmp -s "out_$archive/$file" "plain/${file##*/}" || problem "$archive: $file differs"
    done
    n=$(find "out_$archive" -type f | wc -l)
    [ "$n" -eq 7 ] || problem "$archive: $n files, not 7"
    [ -e "out_$archive/evil.pgm" ] && [ -e "out_$archive/root.pgm" ] || problem "$archive: names with .. or / are lost"
done

case_is "an archive whose results exist is left out"
run "$dae_cl" denoise model/model.safetensors all.zip -o out_all.zip --skip-existing
code_is 0
out_has "7 files left out: their results exist"

case_is "a truncated, damaged or empty archive is an error, and nothing is written"
for archive in cut.tar cut.zip cut.tar.gz damaged.zip empty.zip; do
    run "$dae_cl" denoise model/model.safetensors $archive -o bad
    code_is 4
    err_has "$archive"
    [ ! -e bad ] || problem "$archive: a folder was made"
done

case_is "--keep-going denoises what a damaged archive has besides"
run "$dae_cl" denoise model/model.safetensors damaged.zip -o rest --keep-going
code_is 4
err_has "damaged.zip/one/b.pgm: the archive is damaged"
[ "$(find rest -type f | wc -l)" -eq 3 ] || problem "not the three other files"

case_is "a file that unpacks to hundreds of megabytes is refused by its first bytes"
(
    ulimit -v 4000000
    run "$dae_cl" denoise model/model.safetensors big.zip -o bomb
    [ "$code" -eq 4 ]
) || problem "exit status"
run "$dae_cl" denoise model/model.safetensors big.zip -o bomb
err_has "big.zip/a.png: byte 0: its name is that of a PNG file, but it does not begin like one"

case_is "training takes a folder, an archive, a list of folders, or a pattern, with the same result"
count=0
for train in one '[one/a.pgm, one/b.pgm]' '"one/*.pgm"' '"on[e]"'; do
    run "$dae_cl" run small.yaml --out again$((++count)) --set "data.train=$train"
    code_is 0
    [ "$(grep loss "$work/out")" = "$first" ] || problem "$train: $(grep loss "$work/out"), not $first"
done
mkdir pattern && cp -r one two pattern
for train in '[one, two]' plain.zip '"*/"'; do
    run env -C pattern "$dae_cl" run ../small.yaml --out ../again$((++count)) --set "data.train=${train/plain/..\/plain}"
    code_is 0
    grep loss "$work/out" >all
    [ -e all.first ] || cp all all.first
    cmp -s all all.first || problem "$train: $(cat all), not $(cat all.first)"
done

case_is "what does not exist is named, also a pattern without a match"
for train in '[one, none]' '"none/*.png"'; do
    run "$dae_cl" run small.yaml --out none_out --set "data.train=$train"
    code_is 5
    err_has "cannot open none"
done
run "$dae_cl" run small.yaml --out none_out --set 'data.train=[[one]]'
code_is 2
err_has "expects a folder, archive or file, or a list of them"

finish
