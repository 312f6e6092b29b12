# Files may be named by any bytes: what is printed is safe for a terminal, every JSON is UTF-8, and figures are drawn.
. "$(dirname "$0")/harness.sh"
export DAE_CL_PLUGINS=$BUILD/plugins
cd "$work" || exit 1
cat >g.yaml <<'END'
data: {source: images, train: a, test: b, patch: 16, patches: 8, test_limit: 9}
corruption: {gaussian: {sigma: 0.2}}
model:
  input: [16, 16, 1]
  layers:
    - conv2d: {filters: 8, kernel: 3, pad: 1}
    - relu
    - conv2d: {filters: 1, kernel: 3, pad: 1}
train: {loss: mse, optimizer: {adam: {lr: 0.01}}, batch: 4, epochs: 1}
END
python3 - <<'END' || exit 1
import os, random
r = random.Random(1)
names = [b"a", b"\xe9t\xe9", b"x\x1b[31m", b"'q", b"'';x'", b"{B x}_y^z@&", b'"; system "touch pwned"; "',
         b"'; system 'touch pwned'; '", b"`touch pwned`\\n"]
for folder in "a", "b":
    os.mkdir(folder)
    for name in names:
        with open(folder.encode() + b"/" + name + b".pgm", "wb") as out:
            out.write(b"P5 24 24 255\n" + bytes(r.randrange(256) for _ in range(576)))
END

is_safe() { # FILE: no control characters but line feeds and tabs, and UTF-8
    python3 - "$1" <<'END' || problem "$1 is not safe for a terminal"
import sys
text = open(sys.argv[1], "rb").read().decode("utf-8")
assert all(c in "\n\t" or ord(c) >= 0x20 and not 0x7f <= ord(c) < 0xa0 for c in text)
END
}

case_is "a run on images of such names"
run "$dae_cl" run g.yaml --platform cpu --out r
code_is 0
is_safe "$work/err"
is_safe "$work/out"
[ -s r/figures/whole_images.svg ] || problem "no figure"
[ ! -e pwned ] || problem "a name was run"
python3 - <<'END' 2>"$work/trace" || problem "$(tail -n 1 "$work/trace")"
import json, struct
names = json.load(open("r/run.json", encoding="utf-8"))["whole_images"]["names"]
assert "\ufffdt\ufffd.pgm" in names and "x\x1b[31m.pgm" in names and len(names) == 9, names
for line in open("r/log.jsonl", encoding="utf-8"):
    json.loads(line)
model = open("r/model.safetensors", "rb").read()
json.loads(model[8:8 + struct.unpack("<Q", model[:8])[0]].decode("utf-8"))
END

case_is "messages about them"
run "$dae_cl" denoise r/model.safetensors b -o $'made\e[31m' --compare a --platform cpu
code_is 0
is_safe "$work/err"
is_safe "$work/out"
printf '\e]0;x\a,\xe9\n2020-01-02,1\n' >$'t\e[31m.csv'
run "$dae_cl" run g.yaml --platform cpu --out s --set 'data={source: csv, path: "t\u001b[31m.csv", returns: none, train_until: 2020-01-01}'
is_safe "$work/err"
printf 'date,\e]0;x\a\n2020-01-02,\e[31m\n' >t.csv
run "$dae_cl" run g.yaml --platform cpu --out s --set 'data={source: csv, path: t.csv, returns: none, train_until: 2020-01-01}'
code_is 4
is_safe "$work/err"

finish
