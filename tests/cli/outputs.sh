# No command overwrites its inputs, and no run another: every output against every input, the alternatives for a folder
# that contains a run, and what a study adds to it.
. "$(dirname "$0")/harness.sh"
small=$tree/tests/cli/small.yaml
cd "$work" || exit 1

same() { # FILE COPY
    cmp -s "$1" "$2" || problem "$1 was written over"
}
refused() { # PIECE: exit status 2, and what the message says
    code_is 2
    err_has "$1"
    err_lacks "device:"
}
train() { # FOLDER [OPTION...]
    local out=$1
    shift
    run "$dae_cl" run "$small" --out "$out" --set data.train=32 --set data.test=16 "$@"
}
picture() { # FILE: 28x28 grey noise, as PGM
    python3 -c 'import sys; sys.stdout.buffer.write(b"P5 28 28 255\n" + bytes((i * 7919) % 256 for i in range(784)))' >"$1"
}

train first
cp first/model.safetensors m.st
mkdir noisy clean plugins
for file in noisy/a noisy/b clean/a clean/b; do picture $file.pgm; done
cp m.st m.st.copy
cp noisy/a.pgm picture.copy

# ---- Outputs against what is read. ----------------------------------------------------------------------------------
case_is "denoise: the model, an input, a clean file and their folders are not written over"
run "$dae_cl" denoise m.st noisy -o noisy
refused "denoise: noisy/a.pgm would overwrite the input noisy/a.pgm; give another folder to -o"
run "$dae_cl" denoise m.st noisy -o clean --compare clean
refused "denoise: clean/a.pgm would overwrite the clean files clean/a.pgm; give another folder to -o"
mkdir elsewhere && ln -s "$work/clean" elsewhere/link
run "$dae_cl" denoise m.st noisy -o elsewhere/link --compare clean
refused "would overwrite the clean files clean/a.pgm"
mkdir hard && ln clean/a.pgm hard/a.pgm
run "$dae_cl" denoise m.st noisy -o hard --compare clean
refused "denoise: hard/a.pgm would overwrite the clean files clean/a.pgm"
mkdir other && cp clean/a.pgm other/z.pgm
run "$dae_cl" denoise m.st noisy/a.pgm -o other --compare other
refused "denoise: results would go to other, the folder of the clean files, which is an input"
mkdir models && cp m.st models/a.pgm
run "$dae_cl" denoise models/a.pgm clean/a.pgm -o models
refused "denoise: models/a.pgm would overwrite the model models/a.pgm"
same models/a.pgm m.st.copy
for file in noisy/*.pgm clean/*.pgm; do same "$file" picture.copy; done
[ "$(find noisy clean other hard -name "*.pgm" | wc -l)" -eq 6 ] || problem "files came: $(ls noisy clean other hard)"

case_is "run: the config, the data and the plugins are not written over"
cp "$small" config.yaml
cp config.yaml config.copy
for out in . ./ "$work" noisy/..; do
    run "$dae_cl" run config.yaml --out "$out"
    refused "config.yaml would overwrite the config config.yaml; give another folder to --out"
    run "$dae_cl" run config.yaml --out "$out" --force
    refused "would overwrite the config"
done
same config.yaml config.copy
mkdir target && ln -s "$work/config.yaml" target/report.html
run "$dae_cl" run config.yaml --out target
refused "run: target/report.html would overwrite the config config.yaml"
run "$dae_cl" study noise_levels config.yaml --out .
refused "study: ./config.yaml would overwrite the config config.yaml"
same config.yaml config.copy
python3 - data.npy <<'PY'
import array, struct, sys
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (64, 8), }".ljust(117) + "\n"
open(sys.argv[1], "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() +
                              array.array("f", [i % 255 / 255.0 for i in range(512)]).tobytes())
PY
mkdir -p sets x/figures x/studies && cp data.npy sets/run.json && cp data.npy x/figures/data.npy && cp data.npy data.copy
cat >npy.yaml <<'YAML'
name: npy
data: {source: npy, train: data.npy, test: data.npy}
corruption: {gaussian: {sigma: 0.1}}
model: {input: [8], layers: [{dense: {units: 8}}, sigmoid]}
train: {loss: mse, optimizer: {sgd: {lr: 0.1}}, batch: 16, epochs: 1}
YAML
run "$dae_cl" run npy.yaml --set data.test=sets/run.json --out sets
refused "run: sets/run.json would overwrite the data sets/run.json"
run "$dae_cl" run npy.yaml --set data.train=x/figures/data.npy --out x --force
refused "run: x/figures is written to, but it contains the data x/figures/data.npy, which is an input"
same x/figures/data.npy data.copy
run "$dae_cl" run "$small" --set 'data={source: images, train: noisy, test: other}' --out other
refused "run: results would go to other, the folder of the data, which is an input"
cc -shared -fPIC -I"$tree/src" -o plugins/swish.so "$tree/tests/cli/swish.c" || problem "cannot compile"
run "$dae_cl" run "$small" --plugins plugins --out plugins
refused "run: results would go to plugins, the folder of the plugins, which is an input"
[ "$(ls -A plugins)" = swish.so ] || problem "something was written: $(ls -A plugins)"

case_is "a config in the folder above the run's, and data beside it, are as they should be"
run "$dae_cl" run npy.yaml --set data.train=data.npy --out runs/npy
code_is 0
[ -s runs/npy/report.html ] || problem "no report"

# ---- Pipes, devices and links. --------------------------------------------------------------------------------------
case_is "impute: the model, the table and the other result are not written over"
python3 - <<'PY'
import datetime
with open("panel.csv", "w") as file:
    file.write("date,A,B,C\n")
    for i in range(60):
        day = datetime.date(2020, 1, 1) + datetime.timedelta(i)
        file.write("%s,%g,%g,%g\n" % (day, i % 7 / 7, i % 5 / 5, i % 3 / 3))
lines = open("panel.csv").read().splitlines()
lines[50] = lines[50].rsplit(",", 1)[0] + ","
open("holes.csv", "w").write("\n".join(lines) + "\n")
PY
cat >panel.yaml <<'YAML'
name: panel
data: {source: csv, path: panel.csv, returns: none, train_until: 2020-02-10}
corruption: {masking: {p: 0.3}}
model:
  input: [3]
  layers:
    - {dense: {units: 3}, name: guess, from: input}
    - {multiply: {}, name: gaps, from: [mask, guess]}
    - {add: {}, name: filled, from: [input, gaps]}
    - dense: {units: 3}
train: {loss: {mse: {unmasked_weight: 0}}, optimizer: {adam: {lr: 0.01}}, batch: 8, epochs: 1}
YAML
run "$dae_cl" run panel.yaml --out panel
code_is 0
cp panel/model.safetensors p.st
cp p.st p.copy
cp holes.csv holes.copy
run "$dae_cl" impute p.st holes.csv -o p.st
refused "impute: p.st would overwrite the model p.st; give another name to -o"
run "$dae_cl" impute p.st holes.csv -o filled.csv --uncertainty p.st
refused "impute: p.st would overwrite the model p.st; give another name to --uncertainty"
ln -s p.st link.st
run "$dae_cl" impute p.st holes.csv -o link.st
refused "impute: link.st would overwrite the model p.st"
run "$dae_cl" impute p.st holes.csv -o filled.csv --uncertainty ./filled.csv
refused "impute: the filled file and the table of uncertainties would both be written to ./filled.csv; give another name to --uncertainty"
mkdir -p sub
run "$dae_cl" impute p.st holes.csv -o sub/x.csv --uncertainty sub/../sub/x.csv
refused "would both be written to"
same p.st p.copy
same holes.csv holes.copy
[ ! -e filled.csv ] || problem "results were written"

case_is "-o naming a pipe, a device or a link writes to where it leads"
run "$dae_cl" impute p.st holes.csv -o plain.csv
code_is 0
mkfifo pipe
timeout 60 cat pipe >from_pipe.csv &
reader=$!
run "$dae_cl" impute p.st holes.csv -o pipe --uncertainty /dev/null
code_is 0
wait $reader
[ -p pipe ] || problem "the pipe is gone"
[ -c /dev/null ] || problem "/dev/null is gone"
same from_pipe.csv plain.csv
echo old >target.csv
mkdir -p far && ln -s ../target.csv far/link.csv
run "$dae_cl" impute p.st holes.csv -o far/link.csv
code_is 0
[ -L far/link.csv ] || problem "the link is gone"
same target.csv plain.csv
ln -s not_yet.csv dangling.csv
run "$dae_cl" impute p.st holes.csv -o dangling.csv
code_is 0
[ -L dangling.csv ] && same not_yet.csv plain.csv
ln -s circle circle
run "$dae_cl" impute p.st holes.csv -o circle
code_is 5
err_has "cannot write circle: Too many levels of symbolic links"
run "$dae_cl" impute p.st holes.csv -o sub
code_is 5
err_has "cannot write sub: it is a folder"
long=$(printf 'n%.0s' $(seq 240)).csv
run "$dae_cl" impute p.st holes.csv -o "$long" --uncertainty u.csv
code_is 0
same "$long" plain.csv
[ -z "$(find . -name '*.tmp.*')" ] || problem "temporaries are left"

# ---- One run's folder. ----------------------------------------------------------------------------------------------
state() { # FOLDER: its files, but for the log
    (cd "$1" && find . -type f ! -name log.jsonl ! -name .lock -exec sha256sum {} + | sort -k 2)
}
case_is "a finished run is refused before data are read, with the three ways on"
state first >before
for extra in "" "--set train.epochs=2" "--set train.optimizer.sgd.lr=0.2"; do
    # shellcheck disable=SC2086
    train first $extra
    code_is 2
    err_is <<'TEXT'
dae-cl: error: first holds a finished run
note: --resume continues it
note: --force discards it and starts from scratch
note: --out DIR uses another folder, and --out auto numbers one: runs/NAME-2, runs/NAME-3, ...
TEXT
done
state first | diff -q - before >/dev/null || problem "something was written"

case_is "--resume goes on with it"
train first --resume --set train.epochs=2
code_is 0
grep -q '"epochs":.*2' first/run.json || problem "not two epochs"
grep -q 'epochs: 2' first/config.yaml || problem "the config is the old one"

case_is "--resume with another config: refused, and model and config stay those of one run"
state first >before
train first --resume --set train.epochs=2 --set train.optimizer.sgd.lr=0.3
code_is 9
state first | diff - before >"$work/difference" || problem "$(cat "$work/difference")"

case_is "--force discards it, --force with --resume makes no sense"
train first --force --set train.optimizer.sgd.lr=0.3
code_is 0
grep -q 'lr: 0.3' first/config.yaml || problem "the config is the old one"
[ "$(grep -c '"start"' first/log.jsonl)" -eq 1 ] || problem "the log goes on"
train first --force --resume
code_is 2
err_has "--resume continues the run that --force discards"

case_is "--force discards nothing before the data and the device are known to be good"
state first >before
train first --force --set data.train=10000001
[ "$code" -ne 0 ] || problem "it was done"
train first --force --platform nosuchthing
code_is 3
run "$dae_cl" run npy.yaml --set data.train=nothing.npy --out first --force
[ "$code" -ne 0 ] || problem "it was done"
state first | diff -q - before >/dev/null || problem "something was removed"

case_is "--out auto numbers"
for folder in small small-2 small-3; do
    train auto
    code_is 0
    out_has "report: runs/$folder/report.html"
    [ -s "runs/$folder/model.safetensors" ] || problem "no runs/$folder"
done
train auto --resume
code_is 2
err_has "--out auto chooses a folder without a run"
train auto --force
code_is 2

case_is "where a file system has no locks, runs go on; a lock that is held is respected"
cat >noflock.c <<'C'
#include <errno.h>
int flock(int file, int what)
{
    (void)file, (void)what;
    errno = NO_LOCK;
    return -1;
}
C
for code_of in ENOSYS ENOLCK EOPNOTSUPP EWOULDBLOCK; do
    cc -shared -fPIC -DNO_LOCK=$code_of -o noflock.so noflock.c || problem "cannot compile"
    run env LD_PRELOAD="$work/noflock.so" ASAN_OPTIONS=verify_asan_link_order=0 "$dae_cl" run "$small" \
        --out "locks_$code_of" --set data.train=32 --set data.test=16
    if [ $code_of = EWOULDBLOCK ]; then
        code_is 5
        err_has "is in use by another run"
    else
        code_is 0
        err_has "locks_$code_of: the file system has no locks ("
    fi
done

case_is "whole lines in the log, whatever a machine left that stopped while it wrote"
run "$dae_cl" run "$small" --out halves --set data.train=32 --set data.test=16
code_is 0
lines=$(wc -l <halves/log.jsonl)
printf '{"event": "epo' >>halves/log.jsonl
run "$dae_cl" run "$small" --out halves --resume --set data.train=32 --set data.test=16
code_is 0
python3 -c 'import json; n = sum(1 for line in open("halves/log.jsonl") if json.loads(line)); assert n > '"$lines" \
    2>"$work/trace" || problem "$(tail -n 1 "$work/trace")"

case_is "a full disk leaves no half line"
cat >full.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
/* Writes five bytes of the line that contains "epoch", then none. */
ssize_t write(int file, const void *bytes, size_t len)
{
    static int full;
    ssize_t (*real)(int, const void *, size_t);
    *(void **)&real = dlsym(RTLD_NEXT, "write");
    if (full && len == (size_t)full) {
        errno = ENOSPC;
        return -1;
    }
    if (!full && len > 20 && memmem(bytes, len, "\"train_loss\"", 12) && ((const char *)bytes)[0] == '{') {
        full = (int)len - 5;
        return real(file, bytes, 5);
    }
    return real(file, bytes, len);
}
C
cc -shared -fPIC -o full.so full.c -ldl || problem "cannot compile"
run env LD_PRELOAD="$work/full.so" ASAN_OPTIONS=verify_asan_link_order=0 "$dae_cl" run "$small" --out full \
    --set data.train=32 --set data.test=16
code_is 5
err_has "cannot write full/log.jsonl: No space left on device"
[ -s full/log.jsonl ] || problem "the lines before are lost"
python3 -c 'import json; [json.loads(line) for line in open("full/log.jsonl")]' 2>"$work/trace" ||
    problem "$(tail -n 1 "$work/trace")"

case_is "a run that was interrupted is refused as well"
env --default-signal=INT "$dae_cl" run "$small" --out stopped --set train.epochs=100000 --set data.train=256 >out 2>err </dev/null &
process=$!
for _ in $(seq 400); do
    [ -s stopped/checkpoint/model.safetensors ] && break
    sleep 0.05
done
kill -INT $process
wait $process
code=$?
code_is 130
run "$dae_cl" run "$small" --out stopped
code_is 2
err_has "stopped holds an interrupted run"

case_is "a run that diverged and left nothing may be repeated"
train diverged --set train.optimizer.sgd.lr=1e12 --set 'model.layers=[flatten, {dense: {units: 784}}, {reshape: {shape: [28, 28, 1]}}]' --set train.epochs=5
code_is 8
train diverged
code_is 0

case_is "a run that is killed after --force leaves no mixture"
for delay in 0.05 0.2 0.4 0.8 1.2; do
    rm -rf mixed
    train mixed
    timeout -s KILL $delay "$dae_cl" run "$small" --out mixed --force --set train.epochs=3000 --set train.optimizer.sgd.lr=0.7 >/dev/null 2>&1
    if [ -e mixed/model.safetensors ]; then
        grep -q 'lr: 0.1' mixed/config.yaml || problem "after $delay s: the old model beside the new config"
    fi
    [ ! -e mixed/run.json ] || [ -e mixed/model.safetensors ] || problem "after $delay s: run.json without its model"
done

# ---- A study in the run's folder. -----------------------------------------------------------------------------------
case_is "a study after a run: its section joins the report, and nothing of the run changes"
train both
state both | grep -v 'report.html\|\.report' >before
run "$dae_cl" study noise_levels "$small" --out both --set data.train=32 --set data.test=16 --set train.epochs=2
code_is 0
out_has "report: both/report.html"
grep -q "How it compares" both/report.html || problem "the run's table is gone"
title=$(sed -n 's/^\([A-Z].*\) ([0-9.]* s)$/\1/p' out | head -n 1)
grep -qF "$title" both/report.html || problem "the study '$title' is not there"
state both | grep -v 'report.html\|\.report\|studies/' | diff - before >"$work/difference" || problem "$(cat "$work/difference")"
[ "$(grep -c '"event":"start"' both/log.jsonl)" -eq 1 ] || problem "the log began anew"
grep -q '"study"' both/log.jsonl || problem "the log does not know the study"

case_is "the same study again is refused; --force makes it anew; another joins"
run "$dae_cl" study noise_levels "$small" --out both --set data.train=32 --set data.test=16
code_is 2
err_has "both holds results of the study noise_levels"
run "$dae_cl" study noise_levels "$small" --out both --set data.train=32 --set data.test=16 --force
code_is 0
[ "$(grep -o "<h2>$title" both/report.html | wc -l)" -eq 1 ] || problem "the section is there more than once"
run "$dae_cl" study level_sweep "$small" --out both --set data.train=32 --set data.test=16
code_is 0
[ "$(grep -c "<h2>" both/report.html)" -ge 6 ] || problem "sections: $(grep -o '<h2>[^<]*' both/report.html)"
grep -q "How it compares" both/report.html || problem "the run's table is gone"

case_is "--resume of the run keeps the studies' sections"
train both --resume
code_is 0
grep -qF "$title" both/report.html || problem "the study '$title' is gone"

case_is "a run after a study keeps it"
run "$dae_cl" study noise_levels "$small" --out other_order --set data.train=32 --set data.test=16
code_is 0
train other_order
code_is 0
grep -qF "$title" other_order/report.html || problem "the study is gone"
grep -q "How it compares" other_order/report.html || problem "the run's table is missing"

case_is "a report of an older version is left alone"
rm -r both/.report
cp both/report.html report.copy
run "$dae_cl" study noise_levels "$small" --out both --set data.train=32 --set data.test=16 --force
code_is 0
same both/report.html report.copy
out_has "report: both/studies/noise_levels/report.html"
grep -qF "$title" both/studies/noise_levels/report.html || problem "no report of its own"

finish
