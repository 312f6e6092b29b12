# The manual pages and the examples at the end of each --help.
. "$(dirname "$0")/harness.sh"
commands=$(sed -n 's/^ *X(\([a-z_]*\)).*/\1/p' src/cli/command.h)
[ "$(wc -w <<<"$commands")" -ge 15 ] || { echo "found only: $commands"; exit 1; }

case_is "make man writes a page for each command"
run make BUILD="$BUILD" man
code_is 0
for command in '' $commands; do
    [ -s "$BUILD/man/dae-cl${command:+-$command}.1" ] || problem "no page on '$command'"
done

case_is "each has its sections, options and examples"
for command in $commands; do
    page=$BUILD/man/dae-cl-$command.1
    for section in NAME SYNOPSIS OPTIONS EXAMPLES FILES "EXIT STATUS" "SEE ALSO"; do
        grep -qx "\.SH $section" "$page" || problem "$command: no $section"
    done
    "$dae_cl" "$command" --help >"$work/help"
    for option in $(sed -n '/^options:/,/^examples:/s/^  \(-[-a-z]*\).*/\1/p' "$work/help"); do
        grep -qF "fB${option//-/\\-}" "$page" || problem "$command: no $option"
    done
    grep -q '^.fB143' "$page" || problem "$command: no exit code 143"
done

case_is "dae-cl(1) names every command, exit code and variable"
page=$BUILD/man/dae-cl.1
for command in $commands; do
    grep -q "^\.TP" "$page" && grep -q "^.fB$command" "$page" || problem "no $command"
done
for word in 143 DAE_CL_PLATFORM POCL_CACHE_DIR /usr/local/share/dae.-cl/configs; do
    grep -q "^.fB$word" "$page" || problem "no $word"
done

case_is "no formatter complains"
for page in "$BUILD"/man/*.1; do
    if command -v mandoc >/dev/null; then
        warnings=$(mandoc -Tlint "$page" 2>&1)
        [ -z "$warnings" ] || problem "$warnings"
    fi
    if command -v groff >/dev/null; then
        warnings=$(groff -man -Tascii -ww "$page" 2>&1 >/dev/null)
        [ -z "$warnings" ] || problem "$warnings"
    fi
done
command -v mandoc >/dev/null || command -v groff >/dev/null || skip "there is neither mandoc nor groff"

case_is "whatis finds the pages"
if command -v lexgrog >/dev/null; then
    for page in "$BUILD"/man/*.1; do
        run lexgrog "$page"
        code_is 0
    done
else
    skip "man-db is not installed"
fi

# Line by line what stands below "examples:" of a command.
examples() { # COMMAND
    "$dae_cl" "$1" --help | sed -n '/^examples:/,$s/^  \(dae-cl .*\)/\1/p'
}

case_is "every command has an example, whose options it takes"
for command in $commands; do
    [ -n "$(examples "$command")" ] || problem "$command has no example"
    while read -r example; do
        [[ $example == "dae-cl $command"* ]] || problem "$command: $example"
        eval "set -- ${example%%[|>]*}" # as a shell reads it
        run "$dae_cl" "${@:2}" --help
        code_is 0
        out_has "usage: dae-cl $command"
    done < <(examples "$command")
done

case_is "an option that a command does not have is found out"
run "$dae_cl" run conv_mnist --platfrom gpu --help
code_is 2

case_is "and whose number of arguments is right"
for command in $commands; do
    "$dae_cl" "$command" --help >"$work/help"
    least=0 most=0
    for word in $(sed -n '1s/usage: dae-cl [a-z_]*//p' "$work/help"); do
        [[ $word != -* && $word != '[options]' ]] || break
        [[ $word == '['* ]] || least=$((least + 1))
        most=$((most + 1))
        [[ $word != *... ]] || most=99
    done
    while read -r example; do
        eval "set -- ${example%%[|>]*}"
        shift 2
        n=0
        while [ $# -gt 0 ]; do
            if [[ $1 != -* ]]; then
                n=$((n + 1))
            elif grep -qE "^  $1 [^ ]" "$work/help"; then # it takes a value
                shift
            fi
            shift
        done
        [ "$n" -ge "$least" ] && [ "$n" -le "$most" ] || problem "$n arguments, not $least to $most: $example"
    done < <(examples "$command")
done

case_is "configs and keys of the examples exist"
n=0
for command in run check verify bench tune study; do
    while read -r example; do
        eval "set -- ${example%%[|>]*}"
        config='' sets=()
        while [ $# -gt 0 ]; do
            [ ! -e "$tree/configs/$1.yaml" ] || config=$1
            [ "$1" != --set ] || sets+=(--set "$2")
            shift
        done
        [ -n "$config" ] || continue
        run "$dae_cl" check "$config" "${sets[@]}"
        code_is 0
        n=$((n + 1))
    done < <(examples "$command")
done
[ "$n" -ge 10 ] || problem "only $n examples have a config"

finish
