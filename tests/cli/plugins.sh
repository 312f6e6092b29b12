# Plugins: the lists, the installed SDK, and those that must be refused (exit code 10).
. "$(dirname "$0")/harness.sh"
small=tests/cli/small.yaml

case_is "the list has every plugin of the tree"
run "$dae_cl" plugins
code_is 0
for source in plugins/*.c; do
    plugin=$(basename "$source" .c)
    grep -qE "^(layer|corruption|loss|optimizer) +$plugin  " "$work/out" || problem "no $plugin"
done

case_is "one plugin"
run "$dae_cl" plugins conv2d
code_is 0
out_is <<'END'
conv2d (layer): two-dimensional convolution with bias
Use it for images and for all that has neighbours in two directions. With as many groups as channels it is depthwise, and cheap: follow it by one of kernel 1, which mixes the channels. Padding by reflection or replication avoids the dark rim that zeros draw.

  filters: integer, 1 to 65536, required
      output channels

  kernel: integer or [h, w], 1 to 256, default 3
      kernel size, n or [h, w]

  stride: integer or [h, w], 1 to 256, default 1
      distance between windows, n or [h, w]

  pad: integer or [h, w], 0 to 255, default 0
      pixels of padding around the image, n or [h, w]

  padding_mode: zeros, reflect, replicate, default zeros
      what the padding contains: zeros, the image mirrored at its edge, or its edge pixels repeated

  dilation: integer or [h, w], 1 to 256, default 1
      distance between the pixels of a window, n or [h, w]

  groups: integer, 1 to 65536, default 1
      groups of channels that are convolved apart; as many as there are channels: depthwise
END

case_is "a plugin that does not exist"
run "$dae_cl" plugins conv2x
code_is 2
err_is <<'END'
dae-cl: error: no plugin is called 'conv2x' (did you mean 'conv2d'?)
note: dae-cl plugins lists them
END

case_is "the config reference has every key that a config may have"
run "$dae_cl" check tests/cli/small.yaml --set zzzzzz=1
keys=$(sed -n 's/.*known are: //p' "$work/err" | tr -d ,)
run "$dae_cl" check tests/cli/small.yaml --set train.zzzzzz=1
keys+=" $(sed -n 's/.*known are: //p' "$work/err" | tr -d ,)"
run "$dae_cl" check tests/cli/small.yaml --set model.zzzzzz=1
keys+=" $(sed -n 's/.*known are: //p' "$work/err" | tr -d ,)"
[ "$(wc -w <<<"$keys")" -ge 15 ] || problem "found only: $keys"
run "$dae_cl" plugins --markdown
for key in $keys; do
    out_has "| $key |"
done

case_is "it has every row of every plugin"
cp "$work/out" "$work/reference"
run "$dae_cl" plugins
awk 'NR > 1 { print $2 }' "$work/out" >"$work/names"
[ "$(wc -l <"$work/names")" -eq "$(ls plugins/*.c | wc -l)" ] || problem "lists $(wc -l <"$work/names") plugins"
while read -r plugin; do
    run "$dae_cl" plugins "$plugin"
    sed -n "/^### $plugin\$/,/^##/p" "$work/reference" >"$work/section"
    [ -s "$work/section" ] || problem "no section $plugin"
    grep -q '^Use it ' "$work/section" || problem "does not say when to use $plugin"
    for key in $(sed -n 's/^  \([a-z0-9_]*\): .*/\1/p' "$work/out"); do
        grep -q "^| $key | " "$work/section" || problem "no row $key of $plugin"
    done
done <"$work/names"

# ---- The installed SDK: a plugin built in another folder with what `make install` ships, and nothing else. ----------

prefix=$work/root/usr/local
case_is "make install"
run make BUILD="$BUILD" DESTDIR="$work/root" install
code_is 0
for file in bin/dae-cl include/dae/plugin.h include/dae/status.h share/dae-cl/plugin.mk lib/pkgconfig/dae-cl.pc \
    share/man/man1/dae-cl.1 share/dae-cl/configs/conv_mnist.yaml lib/dae-cl/plugins/relu.so; do
    [ -f "$prefix/$file" ] || problem "$file was not installed"
done

case_is "the guide is installed, and its links lead to installed files"
guide=$prefix/share/dae-cl/docs/plugins.md
links=$(grep -o '](\.\./[^)]*)' "$guide" | sed 's/^](//; s/)$//' | sort -u)
[ "$(wc -w <<<"$links")" -ge 10 ] || problem "found only: $links"
for link in $links; do
    [ -f "$prefix/share/dae-cl/docs/$link" ] || problem "$link was not installed"
done

case_is "its examples are shipped plugins, line by line"
for plugin in gelu huber laplace rmsprop; do
    while IFS= read -r line; do
        grep -qFx -- "$line" "$guide" || problem "$plugin.c: the guide lacks '$line'"
    done < <(grep -v '^/\*\|^$' "plugins/$plugin.c")
done

case_is "the template builds, and its config names what it builds"
cp -r "$prefix/share/dae-cl/template" "$work/template"
mkdir "$work/pc"
sed "s|^prefix=.*|prefix=$prefix|" "$prefix/lib/pkgconfig/dae-cl.pc" >"$work/pc/dae-cl.pc"
run env PKG_CONFIG_PATH="$work/pc" make -C "$work/template"
code_is 0
run "$prefix/bin/dae-cl" check "$work/template/try.yaml" --plugins "$work/template"
code_is 0
for plugin in gelu huber laplace; do
    out_has "my_$plugin"
done

case_is "make verify: both shapes of device, and an error if a check fails"
run env PKG_CONFIG_PATH="$work/pc" make -C "$work/template" verify DAE_CL=echo
code_is 0
out_has "verify try.yaml --plugins . --set device.shape=wide"
out_has "verify try.yaml --plugins . --set device.shape=grid"
run env PKG_CONFIG_PATH="$work/pc" make -C "$work/template" verify DAE_CL=false
code_is 2
run env PKG_CONFIG_PATH="$work/pc" make -C "$work/template" verify CASES=
code_is 2
err_has "make verify: no *.yaml names a network to verify"

case_is "the installed program finds its plugins"
run "$prefix/bin/dae-cl" check "$small"
code_is 0

case_is "pkg-config knows it"
run env PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config --variable=plugin_mk dae-cl
code_is 0
out_is <<<"/usr/local/share/dae-cl/plugin.mk"

sdk=$work/sdk
mkdir "$sdk"
cp tests/cli/swish.c "$sdk"
printf 'PLUGINS = swish.so\ninclude %s/share/dae-cl/plugin.mk\n' "$prefix" >"$sdk/Makefile"
case_is "a plugin outside the tree"
run make -C "$sdk"
code_is 0
run "$prefix/bin/dae-cl" plugins swish --plugins "$sdk"
code_is 0
out_has "swish (layer): x * sigmoid(beta * x)"
out_has "beta: number, -100 to 100, default 1"
run "$prefix/bin/dae-cl" check "$small" --plugins "$sdk" --set 'model.layers.2={swish: {beta: 2}}'
code_is 0
out_has "swish_1"

case_is "it trains"
run "$prefix/bin/dae-cl" run "$small" --plugins "$sdk" --set 'model.layers.2={swish: {beta: 2}}' --out "$work/run"
code_is 0
[ -f "$work/run/model.safetensors" ] || problem "no model"

case_is "a plugin with a kernel file"
mkdir "$work/kernel"
cp tests/cli/swish.c "$sdk/Makefile" "$work/kernel"
cat >"$work/kernel/swish.cl" <<'END'
/* "swish\" */
INLINE void FN(forward)(FORWARD_ARGS)
{
    FOR_LANES(i, OUT_LEN)
        y[i] = x[0][i] / (1.0f + exp(-P_BETA * x[0][i]));
}
INLINE void FN(backward)(BACKWARD_ARGS)
{
    FOR_LANES(i, OUT_LEN) {
        const float g = 1.0f / (1.0f + exp(-P_BETA * x[0][i]));
        const float d = dy[i] * (g + P_BETA * x[0][i] * g * (1.0f - g));
        dx[0][i] = add_dx[0] ? dx[0][i] + d : d;
    }
}
END
run make -C "$work/kernel" CPPFLAGS=-DWITH_KERNEL
code_is 0
run "$dae_cl" run "$small" --plugins "$work/kernel" --set 'model.layers.2=swish' --out "$work/run_kernel"
code_is 0

case_is "a kernel that does not compile: exit code 10, with the plugin, the file and the line"
mkdir "$work/broken"
cp tests/cli/swish.c "$sdk/Makefile" "$work/broken"
{
    cat "$work/kernel/swish.cl"
    echo "INLINE void FN(third)(void) { int a = undefined_name; }"
} >"$work/broken/swish.cl"
run make -C "$work/broken" CPPFLAGS=-DWITH_KERNEL
code_is 0
run "$dae_cl" run "$small" --plugins "$work/broken" --set 'model.layers.2=swish' --out "$work/run_broken"
code_is 10
err_has "plugin 'swish' ($work/broken/swish.so): its member 'kernel' does not compile"
err_has "kernels/swish.cl:15"
err_has "undefined_name"

case_is "make uninstall leaves nothing"
run make BUILD="$BUILD" DESTDIR="$work/root" uninstall
code_is 0
left=$(find "$work/root" -type f)
[ -z "$left" ] || problem "left: $left"

# ---- Plugins that must be refused. ------------------------------------------------------------------------------------

bash tools/embed.sh string "$work/kernel/swish.cl" >"$work/kernel/swish.cl.inc"
compile() { # FOLDER FLAG...: swish.so with faults
    local folder=$1
    shift
    mkdir -p "$folder"
    cc -shared -fPIC -Isrc -I"$work/kernel" "$@" -o "$folder/swish.so" tests/cli/swish.c
}
refused() { # FOLDER MESSAGE: by every command that loads plugins, before any code of it runs
    local command
    for command in plugins "check $small"; do
        run "$dae_cl" $command --plugins "$1"
        code_is 10
        err_has "$2"
        out_is </dev/null
        [ "$(grep -c 'error: ' "$work/err")" -eq 1 ] || problem "not one error: $(cat "$work/err")"
    done
}
bad=$work/bad

case_is "a folder that does not exist"
refused "$bad/none" "plugin folder $bad/none cannot be read: No such file or directory"

case_is "a file for a folder"
refused "$PWD/$small" "plugin folder $PWD/$small cannot be used: it is not a folder; name the folder that contains"

case_is "a folder without a plugin"
mkdir -p "$bad/nothing"
refused "$bad/nothing" "plugin folder $bad/nothing contains no plugin (*.so); run make in it"

mkdir -p "$bad"/{text,empty,cut,pipe,link,dir}
case_is "a text file"
echo "not a library" >"$bad/text/a.so"
refused "$bad/text" "plugin $bad/text/a.so cannot be used: it is not a library (not an ELF file)"

case_is "an empty file"
: >"$bad/empty/a.so"
refused "$bad/empty" "plugin $bad/empty/a.so cannot be used: it is empty"

case_is "a library cut short"
head -c 5000 "$sdk/swish.so" >"$bad/cut/a.so"
refused "$bad/cut" "plugin $bad/cut/a.so cannot be used: it is truncated"

case_is "a pipe"
mkfifo "$bad/pipe/a.so"
refused "$bad/pipe" "it is not a regular file"

case_is "a symbolic link"
ln -s "$sdk/swish.so" "$bad/link/a.so"
refused "$bad/link" "it is not a regular file"

case_is "a folder named like a library"
mkdir "$bad/dir/a.so"
refused "$bad/dir" "it is not a regular file"

case_is "a library that is no plugin"
compile "$bad/no_table" -DNO_TABLE
refused "$bad/no_table" "it exports none of dae_pointwise_v4"

case_is "another contract, by number"
compile "$bad/abi" -DABI=1
refused "$bad/abi" "its table says contract 1, but this program uses contract 4; begin the table with DAE_TABLE"

case_is "a default that no config could contain"
compile "$bad/default" '-DROW=DAE_FLOAT(struct swish, beta, ONE, -100, 100, "slope")'
refused "$bad/default" "plugin $bad/default/swish.so cannot be used: the default of its row 'beta': expects a number, got 'ONE'"
compile "$bad/default_range" '-DROW=DAE_FLOAT(struct swish, beta, 101, -100, 100, "slope")'
refused "$bad/default_range" "the default of its row 'beta'"

case_is "a plugin of contract 3, with the page that tells what has changed"
compile "$bad/old" -DCONTRACT_3
refused "$bad/old" "it was written for plugin contract 3, but this program uses contract 4"
err_has 'docs/plugins.md, "From contract 3"'

case_is "another size"
compile "$bad/size" -DSIZE=64
refused "$bad/size" "its table has another size"

case_is "no name"
compile "$bad/no_name" -DNAME=NULL
refused "$bad/no_name" "it has no name"

case_is "a name that is a path"
compile "$bad/path" '-DNAME="../relu"'
refused "$bad/path" "its name must consist of a-z, 0-9 and _"

case_is "no reference"
compile "$bad/reference" -DREFERENCE=NULL
refused "$bad/reference" "it needs a reference"

case_is "the name of another plugin"
compile "$bad/again" '-DNAME="relu"'
refused "$bad/again" "defines layer 'relu' again"

case_is "a file that others may write; its code does not run"
compile "$bad/file_mode" -DHOSTILE
chmod 666 "$bad/file_mode/swish.so"
refused "$bad/file_mode" "others may write to it"

case_is "a folder that others may write; no code of it runs"
compile "$bad/folder_mode" -DHOSTILE
chmod 777 "$bad/folder_mode"
refused "$bad/folder_mode" "others may write to it"

case_is "a file of another user; its code does not run"
if [ "$(id -u)" -eq 0 ]; then
    compile "$bad/owner" -DHOSTILE
    chown 65534 "$bad/owner/swish.so"
    refused "$bad/owner" "it belongs to user 65534"
else
    skip "only root can give a file away"
fi

case_is "the hostile code would have shown"
compile "$bad/control" -DHOSTILE
run "$dae_cl" plugins swish --plugins "$bad/control"
code_is 0
out_has "HOSTILE CODE RAN"

case_is "no plugin comes from the current folder or the library path"
(cd "$bad/control" && LD_LIBRARY_PATH=:"$bad/control" "$dae_cl" plugins >"$work/out" 2>"$work/err")
code=$?
code_is 0
out_lacks HOSTILE
out_lacks swish

case_is "a plan that fails: exit code 2, in its words"
compile "$bad/fails" -DWITH_KERNEL -DFAIL
run "$dae_cl" check "$small" --plugins "$bad/fails" --set model.layers.2=swish
code_is 2
err_has "it does not like this shape"

case_is "a plan that makes no sense: plugin and member"
compile "$bad/lies" -DWITH_KERNEL -DLIE
run "$dae_cl" check "$small" --plugins "$bad/lies" --set model.layers.2=swish
code_is 2
err_has "swish_1: its output of -1 is empty or too large"

case_is "more macros than a plan may have"
compile "$bad/defines" -DWITH_KERNEL -DMANY_DEFINES
run "$dae_cl" check "$small" --plugins "$bad/defines" --set model.layers.2=swish
code_is 10
err_has "plugin 'swish' defines 33 macros in its plan; the limit is 32"

case_is "a plan that changes the state: plugin and member"
compile "$bad/changes" -DWITH_KERNEL -DCHANGE
run "$dae_cl" check "$small" --plugins "$bad/changes" --set model.layers.2=swish
code_is 10
err_has "plan of plugin 'swish' changed its state (beta), which is constant"

case_is "a formula that does not compile: exit code 10, with plugin and member, and without a word against the device"
compile "$bad/formula" '-DFORMULA="x / (1.0f + exp(-P_GAMMA * x))"'
run "$dae_cl" run "$small" --plugins "$bad/formula" --set model.layers.2=swish --out "$work/run_formula"
code_is 10
err_has "plugin 'swish' ($bad/formula/swish.so): its member 'y' does not compile"
err_has "swish.y:1"
err_has "P_GAMMA"
err_lacks "clBuildProgram"
err_lacks "first use"

case_is "a reference that writes past its output: layer, plugin, file and reason"
compile "$bad/beyond" -DWITH_KERNEL -DBEYOND
run "$dae_cl" verify "$small" --plugins "$bad/beyond" --set model.layers.2=swish
code_is 10
err_has "swish_1: the reference of plugin 'swish' ($bad/beyond/swish.so) writes past its output, whose length is "

case_is "a reference that crashes: the driver is not the only suspect"
compile "$bad/crash" -DWITH_KERNEL -DCRASH
run "$dae_cl" verify "$small" --plugins "$bad/crash" --set model.layers.2=swish
code_is 7
err_has "plugin 'swish' ($bad/crash/swish.so), which is not part of dae-cl, or the OpenCL driver of "

finish
