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
