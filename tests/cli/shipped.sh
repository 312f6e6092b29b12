# The configs that come with dae-cl, by name: from the build tree and installed.
. "$(dirname "$0")/harness.sh"
configs=(configs/*.yaml)
configs=("${configs[@]##*/}")
configs=("${configs[@]%.yaml}")

case_is "the first line of each is one short sentence"
for config in configs/*.yaml; do
    sed -n 1p "$config" | grep -qE '^# [A-Z].{20,86}\.$' || problem "$config: $(sed -n 1p "$config")"
done

case_is "dae-cl help configs lists them"
run "$dae_cl" help configs
code_is 0
[ "$(awk '{ print $1 }' "$work/out" | xargs)" = "${configs[*]}" ] || problem "$(cat "$work/out")"
out_has "conv_mnist      A small convolutional network that denoises digits: MNIST, or generated ones"

cd "$work" || exit
case_is "every command that takes a config takes its name, and says which file it reads"
for command in run check verify bench tune "study features"; do
    run "$dae_cl" $command conv_mnist --set train.loss=nothing
    code_is 2
    err_has "/share/configs/conv_mnist.yaml"
    err_has "nothing"
done

case_is "a run by name"
run "$dae_cl" run conv_mnist --platform cpu --set train.epochs=1 --set 'data={source: digits, train: 256, test: 64}'
code_is 0
[ -s runs/conv_mnist/report.html ] || problem "no report"

case_is "a file of that name wins"
sed 's/filters: 16/filters: 3/' "$tree/configs/conv_mnist.yaml" >conv_mnist
run "$dae_cl" check conv_mnist
code_is 0
err_lacks "config: "
out_has "28x28x3 "
rm conv_mnist

case_is "so does a folder, which is no config"
mkdir conv_mnist
run "$dae_cl" check conv_mnist
[ "$code" -ne 0 ] || problem "a folder was read"
err_lacks "config: "
rmdir conv_mnist

case_is "a name that no config has"
run "$dae_cl" check conv_mnst
code_is 2
err_has "no file or config is called 'conv_mnst' (did you mean 'conv_mnist'?)"
for config in "${configs[@]}"; do
    err_has "note: $config "
done

case_is "no name at all"
for command in run check verify bench tune; do
    run "$dae_cl" $command
    code_is 2
    err_has "$command: CONFIG is missing"
    err_has "note: score_spiral    Points of a spiral in the plane, for the study score"
done

case_is "a path is not looked up"
for path in conv_mnist.yaml ./conv_mnist configs/conv_mnist; do
    run "$dae_cl" check "$path"
    code_is 2
    err_has "$path: cannot be opened: No such file or directory"
done

case_is "and a note says how the config of that name is read"
for path in conv_mnist.yaml configs/conv_mnist.yaml; do
    run "$dae_cl" check "$path"
    err_has "note: conv_mnist, without a folder and .yaml, is the config that comes with dae-cl"
done
run "$dae_cl" check conv_mnst.yaml
err_lacks "that comes with dae-cl"
echo 'data: [' >fc_mnist.yaml
run "$dae_cl" check fc_mnist.yaml
code_is 2
err_lacks "that comes with dae-cl"

case_is "installed"
run make -C "$tree" BUILD="$BUILD" DESTDIR="$work/root" install
code_is 0
prefix=$work/root/usr/local
run "$prefix/bin/dae-cl" check fc_mnist
code_is 0
err_is <<<"config: $prefix/bin/../share/dae-cl/configs/fc_mnist.yaml"

case_is "a config that is added to them"
echo 'data: [' >"$prefix/share/dae-cl/configs/own.yaml"
printf '# Colours \e[31m the terminal' >"$prefix/share/dae-cl/configs/red.yaml"
touch "$prefix/share/dae-cl/configs/"{.hidden,'$(reboot)','a b',$'z\e[31m'}.yaml "$prefix/share/dae-cl/configs/"{.yaml,x.yml}
run "$prefix/bin/dae-cl" help configs
code_is 0
grep -qx 'own *' "$work/out" && grep -q '^red  *Colours' "$work/out" || problem "own or red is not listed"
[ "$(wc -l <"$work/out")" -eq $((${#configs[@]} + 2)) ] || problem "also listed: $(cat "$work/out")"
! grep -q $'\e' "$work/out" || problem "an escape sequence was printed"

case_is "a program without them"
rm -r "$prefix/share/dae-cl/configs"
run "$prefix/bin/dae-cl" check fc_mnist
if [ -d /usr/local/share/dae-cl/configs ]; then
    skip "dae-cl is installed in /usr/local, too"
else
    code_is 2
    err_has "fc_mnist: cannot be opened: No such file or directory"
fi

finish
