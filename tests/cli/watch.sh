# `dae-cl watch`: lines in a pipe, curves on terminals of several sizes, and a log that grows, stops and is replaced.
. "$(dirname "$0")/harness.sh"

cd "$work" || exit 1
mkdir run
epoch() { # EPOCH TRAIN VALIDATION
    echo "{\"event\":\"epoch\",\"network\":\"model\",\"epoch\":$1,\"train_loss\":$2,\"validation_loss\":$3,\"images_per_second\":1000}"
}
{
    echo '{"event":"start","text":"device: CPU"}'
    for i in 1 2 3 4 5 6 7 8 9 10; do epoch $i "0.$((60 / i))" "0.$((80 / i))"; done
    echo '{"event":"done"}'
} >run/log.jsonl

case_is "in a pipe each event is a line"
run timeout 20 "$dae_cl" watch run
code_is 0
[ "$(wc -l <out)" -eq 12 ] || problem "$(cat out)"
out_has "model: epoch 10, loss 0.60000, validation 0.80000, 1000 samples/s"
! grep -q $'\x1b' out || problem "an escape sequence in a pipe"

# The last picture drawn on a terminal of ROWS x COLUMNS.
picture() { # ROWS COLUMNS
    python3 - "$dae_cl" "$1" "$2" <<'END' >picture
import fcntl, os, pty, struct, subprocess, sys, termios
program, rows, columns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ours, theirs = pty.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
child = subprocess.Popen([program, "watch", "run"], stdout=theirs, stdin=subprocess.DEVNULL,
                         env=dict(os.environ, TERM="xterm"))
os.close(theirs)
text = b""
while True:
    try:
        some = os.read(ours, 65536)
    except OSError:
        break
    if not some:
        break
    text += some
assert child.wait() == 0
lines = text.decode().split("\x1b[H\x1b[J")[-1].replace("\r", "").rstrip("\n").split("\n")
assert len(lines) <= rows and max(map(len, lines)) < columns, (len(lines), max(map(len, lines)))
print("\n".join(lines))
END
}
for size in "24 80" "10 40" "50 200"; do
    case_is "curves on a terminal of $size"
    picture $size || problem "it does not fit, or the command failed"
    grep -q "10 epochs of model" picture || problem "$(cat picture)"
    [ "$(tr -cd o <picture | wc -c)" -gt 8 ] || problem "no curve: $(cat picture)"
    grep -q '^ *0.8[0-9]* |.*o' picture || problem "the largest loss is not in the first row: $(cat picture)"
done

case_is "it follows a log that grows by half lines, and ends with the run"
mkdir live
epoch 1 0.5 0.6 >live/log.jsonl
timeout 60 "$dae_cl" watch live >out 2>err &
sleep 0.5
printf '{"event":"ep' >>live/log.jsonl
sleep 0.5
epoch 2 0.4 0.5 | cut -c 13- >>live/log.jsonl
echo '{"event":"stopped","text":"stopped by Ctrl-C\nnote: x"}' >>live/log.jsonl
wait $!
code=$?
code_is 0
out_is <<'END'
model: epoch 1, loss 0.50000, validation 0.60000, 1000 samples/s
model: epoch 2, loss 0.40000, validation 0.50000, 1000 samples/s
stopped: stopped by Ctrl-C
END

cat >board.py <<'END'
"""Reads event files: python3 board.py FOLDER prints each network's tags, steps and numbers."""
import pathlib, struct, sys
table = []
for i in range(256):
    for _ in range(8):
        i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
    table.append(i)
def masked(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
def varint(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return number, at
def fields(data):
    at, found = 0, []
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size, at = varint(data, at) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], at)
            value, at = data[at:at + size], at + size
            assert len(value) == size
        found.append((key >> 3, value))
    return found
for path in sorted(pathlib.Path(sys.argv[1]).glob("*/*tfevents*")):
    data, at, first, before = path.read_bytes(), 0, True, 0
    while at < len(data):
        size, = struct.unpack("<Q", data[at:at + 8])
        event = data[at + 12:at + 12 + size]
        assert struct.unpack("<I", data[at + 8:at + 12])[0] == masked(data[at:at + 8])
        assert struct.unpack("<I", data[at + 12 + size:at + 16 + size])[0] == masked(event)
        at += 16 + size
        event = dict(fields(event))
        time, = struct.unpack("<d", event[1])
        assert time >= before > -1 and time > 1e9
        before = time
        assert (event.get(3) == b"brain.Event:2") == first
        first = False
        for _, value in fields(event.get(5, b"")):
            value = dict(fields(value))
            print(path.parent.name, event[2], value[1].decode(), "%.5f" % struct.unpack("<f", value[2]))
END

case_is "--tensorboard writes event files, which its own reader and ours read the same"
{ cat run/log.jsonl; epoch 1 0.25 NaN | sed 's/NaN/null/; s/"model"/"..\/standard AE"/'; } >log.jsonl && mkdir two && mv log.jsonl two
sed -i '/done/d' two/log.jsonl
run "$dae_cl" watch two --once --tensorboard board
code_is 0
run python3 -B board.py board
code_is 0
[ "$(wc -l <out)" -eq 32 ] || problem "$(cat out)"
out_has "model 10 loss/validation 0.80000"
out_has "._standard_AE 1 loss/training 0.25000"
cp out ours
python_with tensorboard
if [ -n "$why" ]; then
    echo "note: tensorboard's own reader is not here: $why"
else
    cat >theirs.py <<'END'
import pathlib, sys
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util import tensor_util
for path in sorted(pathlib.Path("board").glob("*/*tfevents*")):
    for event in EventFileLoader(str(path)).Load():
        for value in event.summary.value:
            print(path.parent.name, event.step, value.tag, "%.5f" % tensor_util.make_ndarray(value.tensor))
END
    run "$environment/bin/python" -B theirs.py
    code_is 0
    out_is <ours
fi

case_is "event files are never overwritten, and grow with the log"
run "$dae_cl" watch two --once --tensorboard board
code_is 5
err_has "board/model/events.out.tfevents.dae-cl exists already"
mkdir grows && epoch 1 0.5 0.6 >grows/log.jsonl
timeout 60 "$dae_cl" watch grows --tensorboard grown >out 2>err &
sleep 1
epoch 2 0.4 0.5 >>grows/log.jsonl
sleep 1
echo '{"event":"done"}' >>grows/log.jsonl
wait $!
code=$?
code_is 0
run python3 -B board.py grown
code_is 0
[ "$(grep -c loss/training out)" -eq 2 ] || problem "$(cat out)"
out_has "model 2 loss/validation 0.50000"

case_is "--once does not wait; what is no event is left out; no run is an error"
mkdir odd
printf 'not JSON\n[1]\n{"event":"epoch","train_loss":null}\n{"event":"start","text":"\\u001b[2J"}\n' >odd/log.jsonl
run timeout 20 "$dae_cl" watch odd --once
code_is 0
[ "$(wc -l <out)" -eq 2 ] || problem "$(cat out)"
! grep -q $'\x1b' out || problem "an escape sequence from the log"
run "$dae_cl" watch nosuch
code_is 5
err_has "cannot open nosuch/log.jsonl"

finish
