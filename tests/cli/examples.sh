# Plugins outside of the tree: each of tests/plugins is built in its own folder with only what `make install` ships, and
# passes the conformance suite.
. "$(dirname "$0")/harness.sh"
prefix=$work/root/usr/local
sdk=$work/sdk
mkdir "$sdk"

case_is "what make install ships builds them"
run make BUILD="$BUILD" DESTDIR="$work/root" install
code_is 0
cp tests/plugins/*.c tests/plugins/*.cl tests/plugins/*.yaml "$sdk"
names=$(cd tests/plugins && ls ./*.c)
printf 'PLUGINS =%s\ninclude %s/share/dae-cl/plugin.mk\n' "$(printf ' %s' ${names//.c/.so})" "$prefix" >"$sdk/Makefile"
run make -C "$sdk" CFLAGS=-Werror
code_is 0

case_is "they conform"
run "$BUILD/tests/graph/test_conformance" "$sdk"
code_is 0
out_has "comparisons of"

finish
