# `dae-cl init`: what it writes is valid, explained line by line, and trains; what exists stays.
. "$(dirname "$0")/harness.sh"
kinds=(tools/init/*.yaml)
kinds=("${kinds[@]##*/}")
kinds=("${kinds[@]%.yaml}")
cd "$work" || exit

case_is "without a kind, it lists them"
run "$dae_cl" init
code_is 0
[ "$(awk '{ print $3 }' "$work/out" | sort | xargs)" = "$(printf '%s\n' "${kinds[@]}" plugin | sort | xargs)" ] || problem "$(cat "$work/out")"
[ ${#kinds[@]} -ge 4 ] || problem "only ${kinds[*]}"

case_is "each config is valid and explained line by line"
for kind in "${kinds[@]}"; do
    run "$dae_cl" init "$kind"
    code_is 0
    out_has "dae-cl run $kind.yaml"
    run "$dae_cl" check "$kind.yaml"
    code_is 0
    ! grep -v '# ' "$kind.yaml" >plain || problem "$kind: not explained: $(cat plain)"
    run "$dae_cl" check "$kind.yaml" --set name=zero --set train.batch=0
    code_is 2 # so that the check above can fail
done

case_is "it trains on digits"
run "$dae_cl" run mnist.yaml --platform cpu --set train.epochs=1 --set 'data={source: digits, train: 256, test: 64}' --set compare=[]
code_is 0
case_is "on images and pairs of the folders that it names"
python3 - <<'END'
import os, random
r = random.Random(1)
for folder in "photos", "others", "noisy", "clean", "test_noisy", "test_clean":
    os.mkdir(folder)
    for i in range(2):
        with open(f"{folder}/{i}.pgm", "wb") as out:
            out.write(b"P5 48 44 255\n" + bytes(r.randrange(256) for _ in range(48 * 44)))
END
for kind in images pairs; do
    run "$dae_cl" run "$kind.yaml" --platform cpu --set train.epochs=1 --set data.patches=64 --set data.test_patches=16 --set compare=[]
    code_is 0
    err_lacks "generated"
done
case_is "on a table, whose holes dae-cl impute then fills"
python3 - <<'END'
import random, datetime
r = random.Random(2)
day = datetime.date(2020, 9, 1)
with open("table.csv", "w") as out:
    out.write("date,a,b,c,d,e\n")
    for i in range(200):
        x = r.gauss(0, 1)
        cells = [f"{x + r.gauss(0, 0.3):.4f}" for _ in range(5)]
        if i % 20 == 3:
            cells[2] = ""
        out.write(f"{day + datetime.timedelta(i)},{','.join(cells)}\n")
END
run "$dae_cl" run table.yaml --platform cpu --set train.epochs=2
code_is 0
run "$dae_cl" impute runs/table table.csv -o filled.csv --platform cpu
code_is 0
[ "$(grep -c ',,' filled.csv)" = 0 ] && [ "$(wc -l <filled.csv)" = 201 ] || problem "$(grep ',,' filled.csv)"

case_is "what exists is not overwritten"
cp mnist.yaml before && chmod 600 mnist.yaml && echo own >other.yaml && ln -s nowhere.yaml link.yaml && mkdir folder
for out in mnist.yaml other.yaml link.yaml folder; do
    run "$dae_cl" init images -o "$out"
    code_is 5
    err_has "$out exists; -o names another"
done
cmp -s before mnist.yaml && [ "$(cat other.yaml)" = own ] && [ ! -e nowhere.yaml ] || problem "a file was changed"
run "$dae_cl" init plugin own_relu -o folder
code_is 5
err_has "folder exists; -o names another folder"
[ -z "$(ls folder)" ] || problem "the folder has $(ls folder)"

case_is "another name, and a folder that is not there"
run "$dae_cl" init pairs -o 'my scans.yaml'
code_is 0
cmp -s 'my scans.yaml' pairs.yaml || problem "it has another content"
run "$dae_cl" init pairs -o nowhere/x.yaml
code_is 5
err_has "cannot create nowhere/x.yaml: No such file or directory"

case_is "a plugin is built and passes its test with what make install ships"
run make -C "$tree" BUILD="$BUILD" DESTDIR="$work/root" install
code_is 0
prefix=$work/root/usr/local
run "$prefix/bin/dae-cl" init plugin smooth_relu
code_is 0
out_has "make -C smooth_relu verify"
[ "$(ls smooth_relu | xargs)" = "Makefile smooth_relu.c smooth_relu.yaml" ] || problem "$(ls smooth_relu)"
! grep -rn my_gelu smooth_relu >plain || problem "$(cat plain)"
mkdir pc && sed "s|^prefix=.*|prefix=$prefix|" "$prefix/lib/pkgconfig/dae-cl.pc" >pc/dae-cl.pc
run env PKG_CONFIG_PATH="$work/pc" DAE_CL_PLATFORM=cpu make -C smooth_relu verify
code_is 0
out_has "smooth_relu.yaml, wide:"
out_has "smooth_relu.yaml, grid:"
out_has "computes smooth_relu correctly"
sed -i 's/\.y = "0\.5f/.y = "0.51f/' smooth_relu/smooth_relu.c
run env PKG_CONFIG_PATH="$work/pc" DAE_CL_PLATFORM=cpu make -C smooth_relu verify
[ "$code" -ne 0 ] || problem "a wrong formula passes"

case_is "names that no plugin can have"
for name in 3d 'a b' ../x '' relu "$(printf 'x%.0s' {1..41})"; do
    run "$dae_cl" init plugin "$name"
    code_is 2
done
err_has "at most 40 letters, digits and _"
run "$dae_cl" init plugin relu
err_has "a plugin is called 'relu'; take another name"

case_is "wrong words"
run "$dae_cl" init imgaes
code_is 2
err_has "no file to start from is called 'imgaes' (did you mean 'images'?)"
run "$dae_cl" init plugin
code_is 2
err_has "NAME is missing"
run "$dae_cl" init mnist me
code_is 2
err_has "only a plugin has a NAME"

case_is "a program without its files"
rm -r "$prefix/share/dae-cl/init" "$prefix/share/dae-cl/template"
if [ -d /usr/local/share/dae-cl/init ]; then
    skip "dae-cl is installed in /usr/local, too"
else
    for what in pairs "plugin other_relu"; do
        run "$prefix/bin/dae-cl" init $what -o new
        code_is 5
        err_has "are not installed"
        err_has "looked for $prefix/bin/../share/dae-cl/"
        [ ! -e new ] || problem "something was written"
    done
fi

finish
