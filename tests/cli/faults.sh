# A short part of the proving ground (tests/faults): calls that fail, kills and stops at random moments. make soak runs
# the rest.
. "$(dirname "$0")/harness.sh"

# Under sanitizers the stand-ins would have to be loaded after their runtime.
if ldd "$dae_cl" | grep -q 'lib[au]bsan\|libasan'; then
    case_is "calls that fail, kills"
    skip "the program is built with sanitizers, which do not share LD_PRELOAD"
    finish
fi
proved() { # PROGRAM [OPTION...]
    run env BUILD="$BUILD" python3 "tests/faults/$@"
    code_is 0
    [ "$code" -eq 0 ] || problem "$(cat "$work/out")"
}

case_is "when any of 50 calls fails, nothing is lost, left behind or misreported"
proved faults.py --faults 50 --jobs 1

case_is "after 40 kills, every command is continued or repeated to the same bytes"
proved kills.py --kills 40 --jobs 1

case_is "after 10 signals that ask it to end, every command ends cleanly and is continued to the same bytes"
proved kills.py --stops --kills 10 --jobs 1

finish
