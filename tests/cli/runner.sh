# tests/run.sh gives the right verdict for programs that pass, fail, crash, hang, or do nothing.
. "$(dirname "$0")/harness.sh"

program() { # NAME: a test program, from standard input
    { echo '#!/bin/bash'; cat; } >"$work/$1"
    chmod +x "$work/$1"
}
runs() { # the sum, for the programs named
    run env TEST_SECONDS=2 BUILD="$BUILD" bash tests/run.sh "$@"
    last=$(tail -n 1 "$work/out")
}
sum_is() {
    [ "$last" = "$1" ] || problem "the last line is '$last'"
}
program good <<'END'
echo '[       OK ] first'
echo '[  PASSED  ] 2 test(s).' >&2
echo '[  SKIPPED ] 1 test(s), listed below:' >&2
echo '[  SKIPPED ] third' >&2
END
program bad <<'END'
echo '[  PASSED  ] 2 test(s).' >&2
echo '[  FAILED  ] 3 test(s), listed below:' >&2
echo '[  PASSED  ] 4 test(s).' >&2
exit 3
END
program lies <<'END'
echo '[  PASSED  ] 2 test(s).' >&2
echo '[  FAILED  ] 1 test(s), listed below:' >&2
exit 0
END
program status <<<'echo "[  PASSED  ] 2 test(s)." >&2; exit 1'
program crash <<<'echo "[       OK ] first"; kill -SEGV $$'
program hang <<<'echo "[  PASSED  ] 2 test(s)." >&2; sleep 30'
program nothing </dev/null
program zero <<<'echo "[  PASSED  ] 0 test(s)." >&2'
program script.sh <<<'echo "FAIL it"; echo "5 passed, 1 failed, 2 skipped"; exit 1'

case_is "all is well"
runs "$work/good"
code_is 0
sum_is "2 passed, 0 failed, 1 skipped"
out_has "[  SKIPPED ] third"

case_is "failed cases of all groups are summed, and the log is shown"
runs "$work/good" "$work/bad" "$work/script.sh"
code_is 1
sum_is "13 passed, 4 failed, 3 skipped"
out_has "FAIL it"

case_is "variables before a program are in its environment"
program counts <<<'echo "[  PASSED  ] $FIRST$SECOND test(s)." >&2'
runs "FIRST=1 SECOND=2 $work/counts" "$work/good"
code_is 0
sum_is "14 passed, 0 failed, 1 skipped"

case_is "a verdict that the exit status hides"
runs "$work/lies"
code_is 1
sum_is "2 passed, 1 failed, 0 skipped"

for wrong in status crash hang nothing zero absent; do
    case_is "a program that ends wrongly: $wrong"
    runs "$work/good" "$work/$wrong"
    code_is 1
    [[ $last == *" passed, 1 failed, 1 skipped" ]] || problem "the last line is '$last'"
done

program meets <<'END'
echo "[  PASSED  ] 1 test(s)." >&2
touch "$MEETING/$(basename "$0")"
for _ in $(seq 100); do
    [ "$(ls "$MEETING" | wc -l)" -eq 2 ] && break
    sleep 0.1
done
[ "$(ls "$MEETING" | wc -l)" -eq 2 ] && touch "$TMPDIR/mine" && [ "$(ls "$TMPDIR")" = mine ]
END
cp "$work/meets" "$work/meets_too"
case_is "programs run side by side, each with temporary files of its own"
mkdir "$work/meeting"
run env MEETING="$work/meeting" JOBS=2 BUILD="$BUILD" bash tests/run.sh "$work/meets" "$work/meets_too"
code_is 0
out_has "2 passed, 0 failed, 0 skipped"

case_is "one by one where that is asked"
rm "$work"/meeting/*
program alone <<'END'
echo "[  PASSED  ] 1 test(s)." >&2
mkdir "$MEETING/alone" && sleep 0.2 && rmdir "$MEETING/alone"
END
run env MEETING="$work/meeting" JOBS=1 BUILD="$BUILD" bash tests/run.sh "$work/alone" "$work/alone"
code_is 0

case_is "stopped by a signal, it stops its programs and leaves nothing"
program long <<<'trap "touch $DONE.$$; exit 1" TERM; touch "$DONE.started.$$"; sleep 20 & wait'
DONE=$work/done TMPDIR=$work JOBS=2 BUILD=$BUILD bash tests/run.sh "$work/long" "$work/long" "$work/long" >"$work/out" 2>&1 &
runner=$!
reaches() { # PATTERN NUMBER: so many files are there within 10 seconds
    for _ in $(seq 100); do
        [ "$(find "$work" -maxdepth 1 -name "$1" | wc -l)" -eq "$2" ] && return
        sleep 0.1
    done
    problem "there are not $2 files $1"
}
reaches 'done.started.*' 2
kill -TERM "$runner"
wait "$runner"
code=$?
code_is 143
reaches 'done.[0-9]*' 2
reaches 'done.started.*' 2
left=$(find "$work" -mindepth 1 -maxdepth 1 -name 'tmp.*')
[ -z "$left" ] || problem "left: $left"

finish
