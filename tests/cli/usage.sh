# Wrong usage gives one error, exit code 2 and a pointer to the help; and that help.
. "$(dirname "$0")/harness.sh"

case_is "no command"
run "$dae_cl"
code_is 2
err_is <<'END'
dae-cl: error: no command given
note: dae-cl --help lists them
END
out_is </dev/null

case_is "a command that does not exist"
run "$dae_cl" chec
code_is 2
err_is <<'END'
dae-cl: error: no command is called 'chec' (did you mean 'check'?)
note: dae-cl --help lists the commands
END

case_is "a command that resembles nothing"
run "$dae_cl" $'quux\e[31m'
code_is 2
err_is <<'END'
dae-cl: error: no command is called 'quux?[31m'
note: dae-cl --help lists the commands
END

case_is "an option that does not exist"
run "$dae_cl" check --jsn x.yaml
code_is 2
err_is <<'END'
dae-cl: error: check: unknown option '--jsn' (did you mean '--json'?)
note: dae-cl check --help lists its arguments
END

case_is "an option of another command"
run "$dae_cl" devices --set a=1
code_is 2
err_is <<'END'
dae-cl: error: devices: unknown option '--set'
note: dae-cl devices --help lists its arguments
END

case_is "an option without its value"
run "$dae_cl" check x.yaml --set
code_is 2
err_is <<'END'
dae-cl: error: check: option --set expects a value, KEY.PATH=VALUE
note: dae-cl check --help lists its arguments
END

case_is "an option with an empty value"
run "$dae_cl" check x.yaml --set=
code_is 2
err_has "check: option --set= expects a value"

case_is "a value for a flag"
run "$dae_cl" check x.yaml --json=yes
code_is 2
err_has "check: this option takes no value: --json=yes"

case_is "a missing argument"
run "$dae_cl" denoise
code_is 2
err_is <<'END'
dae-cl: error: denoise: MODEL is missing
note: dae-cl denoise --help lists its arguments
END

case_is "an argument too many"
run "$dae_cl" check a.yaml b.yaml
code_is 2
err_has "check: too many arguments: 'b.yaml'"

case_is "a file whose name begins with a dash"
run "$dae_cl" check -- --json.yaml
code_is 2
err_has "--json.yaml: "
err_lacks "unknown option"

case_is "--help of every command"
commands=$("$dae_cl" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p;/^commands:/,/^$/s/^  \([a-z]*\)$/\1/p')
[ "$(wc -w <<<"$commands")" -ge 6 ] || problem "found only: $commands"
for command in $commands; do
    run "$dae_cl" "$command" --help
    code_is 0
    out_has "usage: dae-cl $command"
    cp "$work/out" "$work/first"
    run "$dae_cl" help "$command"
    out_is <"$work/first"
    run "$dae_cl" "$command" --no-such-option
    code_is 2
done

case_is "help is at most 79 wide"
for command in '' $commands; do
    run "$dae_cl" help $command
    ! grep -E '^.{80}' "$work/out" || problem "$command has longer lines"
done

case_is "help of a command that does not exist"
run "$dae_cl" help plugin
code_is 2
err_has "no command is called 'plugin' (did you mean 'plugins'?)"

case_is "--help names every exit code"
run "$dae_cl" --help
code_is 0
for exit_code in 0 1 2 3 4 5 6 7 8 9 10 129 130 138 140 143; do
    grep -qE "^ +$exit_code  " "$work/out" || problem "no exit code $exit_code"
done

case_is "--version, -V, version"
for word in --version -V version; do
    run "$dae_cl" $word
    code_is 0
    grep -qE '^dae-cl [0-9]+\.[0-9]+\.[0-9]+$' "$work/out" || problem "$word: $(cat "$work/out")"
done

finish
