# Completion in real shells: what they offer is what the parser takes.
. "$(dirname "$0")/harness.sh"
commands=$(sed -n 's/^ *X(\([a-z_]*\)).*/\1/p' src/cli/command.h)
configs=(configs/*.yaml)
configs=("${configs[@]##*/}")
configs=${configs[*]%.yaml}

case_is "make completion writes three scripts"
run make BUILD="$BUILD" completion
code_is 0
for shell in bash fish zsh; do
    run "$dae_cl" help --completion "$shell"
    code_is 0
    cmp -s "$work/out" "$BUILD/completion/$shell" || problem "$shell: build/completion has another script"
done

case_is "another shell"
run "$dae_cl" help --completion ksh
code_is 2
err_has "no supported shell is called 'ksh' (did you mean 'zsh'?)"

options_of() { # COMMAND: as --help lists them
    "$dae_cl" "$1" --help | sed -n '/^options:/,/^examples:/s/^  \(-[-a-z]*\).*/\1/p' | sort
}
folder=$work/folder
mkdir -p "$folder/photos" && touch "$folder/a model.safetensors" "$folder/own.yaml"
cd "$folder" || exit

# Cases of all shells: what is offered after the words, of which the last is not complete.
check_offers() { # SHELL FUNCTION
    local offers=$2 command
    case_is "$1: commands"
    [ "$($offers dae-cl '' | grep -v '^-' | sort)" = "$(sort <<<"$commands")" ] || problem "$($offers dae-cl '')"
    [ "$($offers dae-cl stu)" = study ] || problem "stu: $($offers dae-cl stu)"
    case_is "$1: the options of each command"
    for command in $commands; do
        [ "$($offers dae-cl "$command" -- | sort)" = "$(options_of "$command" | grep -- --)" ] ||
            problem "$command: $($offers dae-cl "$command" --)"
    done
    case_is "$1: configs by name, and files"
    for command in run check verify bench tune; do
        for config in $configs; do
            $offers dae-cl "$command" "$config" | grep -qx "$config" || problem "$command: no $config"
        done
        [ "$($offers dae-cl "$command" o)" = own.yaml ] || problem "$command o: $($offers dae-cl "$command" o)"
    done
    case_is "$1: words, folders, files, and nothing"
    [ "$($offers dae-cl export m --dtype f | xargs)" = "f16 f32" ] || problem "--dtype: $($offers dae-cl export m --dtype f)"
    [ "$($offers dae-cl run x --out p)" = photos/ ] || problem "--out p: $($offers dae-cl run x --out p)"
    [ -z "$($offers dae-cl run x --out o)" ] || problem "--out o: $($offers dae-cl run x --out o)"
    [ "$($offers dae-cl denoise a)" = "a model.safetensors" ] || problem "MODEL: $($offers dae-cl denoise a)"
    [ "$($offers dae-cl denoise m x p)" = photos/ ] || problem "INPUT: $($offers dae-cl denoise m x p)"
    [ -z "$($offers dae-cl bench x --batch '')" ] || problem "--batch: $($offers dae-cl bench x --batch '')"
    [ "$($offers dae-cl help fo)" = formats ] || problem "help fo: $($offers dae-cl help fo)"
    [ "$($offers dae-cl study level)" = level_sweep ] || problem "study level: $($offers dae-cl study level)"
}

in_bash() { # WORD...: the last is not complete
    bash --norc -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dae_cl 2>&1
        for word in "${COMPREPLY[@]}"; do [ ! -d "$word" ] || word+=/; echo "$word"; done | sort -u' \
        "$BUILD/completion/bash" "$@"
}
check_offers bash in_bash
case_is "bash: --option=VALUE, which bash cuts into three words"
[ "$(in_bash dae-cl export m --dtype = f1)" = f16 ] || problem "$(in_bash dae-cl export m --dtype = f1)"
[ "$(in_bash dae-cl export m --dtype =)" = "$(printf 'f16\nf32')" ] || problem "$(in_bash dae-cl export m --dtype =)"
[ "$(in_bash dae-cl denoise --format = png a)" = "a model.safetensors" ] || problem "MODEL after --format=png"
case_is "bash: an option's value is no argument"
[ -z "$(in_bash dae-cl run own.yaml c)" ] || problem "a second CONFIG: $(in_bash dae-cl run own.yaml c)"
[ "$(in_bash dae-cl run --out x conv)" = conv_mnist ] || problem "$(in_bash dae-cl run --out x conv)"
[ "$(in_bash dae-cl init im)" = images ] || problem "init im: $(in_bash dae-cl init im)"
[ -z "$(in_bash dae-cl init plugin i)" ] || problem "a plugin's name: $(in_bash dae-cl init plugin i)"
case_is "bash: the package bash-completion loads it"
if [ -e /usr/share/bash-completion/bash_completion ]; then
    mkdir -p "$work/home/bash-completion/completions"
    cp "$BUILD/completion/bash" "$work/home/bash-completion/completions/dae-cl"
    run env BASH_COMPLETION_USER_DIR="$work/home/bash-completion" bash --norc -ic \
        '. /usr/share/bash-completion/bash_completion; _completion_loader dae-cl; complete -p dae-cl'
    out_has "complete -F _dae_cl dae-cl"
else
    skip "it is not installed"
fi

in_fish() { # WORD...
    local line
    printf -v line '%s ' "${@:1:$#-1}"
    HOME=$work/home fish --no-config -c 'source $argv[1]; complete -C "$argv[2]"' "$BUILD/completion/fish" \
        "$line${*: -1}" | cut -f 1 | sort -u
}
if command -v fish >/dev/null; then
    check_offers fish in_fish
else
    case_is fish
    skip "it is not installed"
fi

# A line as typed into a terminal, with a tab at its end; prints what the line has become.
in_zsh() { # LINE
    zsh -f -c '
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell "fpath=($1 \$fpath); autoload -Uz compinit; compinit -D -u; PS1=; show() { print -rn -- \$BUFFER >$2; exit }"
        zpty -w shell "zle -N show; bindkey \"^X\" show; cd $4; print ready >$2.ready"
        for ((i = 0; i < 100; ++i)); do [[ ! -s $2.ready ]] || break; sleep 0.1; done
        zpty -w -n shell "$3"$'"'\t'"'
        zpty -w -n shell $'"'\x18'"'
        for ((i = 0; i < 100; ++i)); do [[ ! -s $2 ]] || break; sleep 0.1; done
    ' zsh "$work/zsh" "$work/line" "$1" "$folder"
    cat "$work/line" 2>/dev/null
    rm -f "$work/line" "$work/line.ready"
}
if command -v zsh >/dev/null; then
    mkdir "$work/zsh" && cp "$BUILD/completion/zsh" "$work/zsh/_dae-cl"
    case_is "zsh: what can be completed is"
    while IFS='>' read -r typed becomes; do
        line=$(in_zsh "$typed")
        [ "$line" = "$becomes" ] || problem "'$typed' becomes '$line', not '$becomes'"
    done <<'END'
dae-cl stu>dae-cl study 
dae-cl run conv>dae-cl run conv_mnist 
dae-cl check ow>dae-cl check own.yaml 
dae-cl run x --trust>dae-cl run x --trust-device 
dae-cl export m --dtype f1>dae-cl export m --dtype f16 
dae-cl run x --out p>dae-cl run x --out photos/
dae-cl run x --out o>dae-cl run x --out o
dae-cl denoise a>dae-cl denoise a\ model.safetensors 
dae-cl denoise m x p>dae-cl denoise m x photos/
dae-cl help fo>dae-cl help formats 
dae-cl study level>dae-cl study level_sweep 
END
    case_is "zsh: the script has every option"
    for command in $commands; do
        sed -n "/^    ($command)\$/,/;;/p" "$work/zsh/_dae-cl" >"$work/part"
        for option in $(options_of "$command"); do
            grep -qE "^ +'\*?$option\[" "$work/part" || problem "$command: no $option"
        done
    done
else
    case_is zsh
    skip "it is not installed"
fi

finish
