# Progress on terminals of several widths, on a dumb one and in a pipe: no line is wider than the terminal, and no escape
# sequence is written where none belongs.
. "$(dirname "$0")/harness.sh"

# Runs a command with a terminal of WIDTH columns as stderr, and writes what it wrote there to $work/err.
on_terminal() { # WIDTH TERM COMMAND...
    python3 - "$work/err" "$@" <<'END' >"$work/out"
import fcntl, os, pty, struct, subprocess, sys, termios
path, width, kind, *command = sys.argv[1:]
ours, theirs = pty.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(width), 0, 0))
child = subprocess.Popen(command, stderr=theirs, stdin=subprocess.DEVNULL, env=dict(os.environ, TERM=kind))
os.close(theirs)
with open(path, "wb") as log:
    while True:
        try:
            some = os.read(ours, 65536)
        except OSError: # the other end is closed
            break
        if not some:
            break
        log.write(some)
sys.exit(child.wait())
END
    code=$?
}

# The longest of the progress lines, and of what is drawn over them.
fits() { # WIDTH
    python3 - "$work/err" "$1" <<'END' || problem "lines that do not fit into $1 columns"
import re, sys
text = open(sys.argv[1], newline="").read().replace("\r\n", "\n")
text = re.sub(r"\x1b\[K", "", text)
assert "\x1b" not in text, text
drawn = [line for line in re.split("[\r\n]", text) if line.startswith("  ")]
wide = [line for line in drawn if len(line) >= int(sys.argv[2])]
assert any("epoch" in line for line in drawn) and not wide, wide[:3]
END
}

train=("$dae_cl" run tests/cli/small.yaml --platform cpu --force --out "$work/run" --set data.train=4096 --set train.epochs=2)
for width in 30 40 80 200; do
    case_is "a terminal of $width columns"
    on_terminal $width xterm "${train[@]}"
    code_is 0
    fits $width
    grep -q $'\x1b\\[K' "$work/err" || problem "nothing was drawn over: $(head -c 300 "$work/err")"
done

case_is "a wide terminal has room for the bar and the speed"
grep -qE 'epoch 1/2 \[[=.]{24}\]  loss .* left  [0-9]+ samples/s' "$work/err" || problem "$(head -c 600 "$work/err")"

case_is "TERM=dumb and a pipe get plain lines"
on_terminal 80 dumb "${train[@]}"
code_is 0
! grep -q $'\x1b' "$work/err" || problem "an escape sequence on a dumb terminal"
grep -q "  epoch 2/2  loss " "$work/err" || problem "no line of an epoch"
run "${train[@]}"
code_is 0
! grep -q $'[\x1b\r]' "$work/err" || problem "an escape sequence in a pipe"
err_has "  epoch 2/2  loss "

finish
