# The source archive, and what debian/ says twice. `make deb` builds the packages, and `make deb-test` installs them.
. "$(dirname "$0")/harness.sh"
version=$(sed -n 's/.*DAE_CL_VERSION "\(.*\)"/\1/p' src/base/version.h)
released=$(sed -n 's/.*DAE_CL_RELEASED "\(.*\)"/\1/p' src/base/version.h)

case_is "changelogs and the program have one version, and one date"
grep -q "^dae-cl ($version-" <<<"$(sed -n 1p debian/changelog)" || problem "debian/changelog: $(sed -n 1p debian/changelog)"
[ "$(sed -n '/^ -- /{s/.*>  //p;q}' debian/changelog | date -u -f - +%F)" = "$released" ] || problem "debian/changelog has another date"
[ "$(sed -n 's/^## //p' CHANGELOG.md | head -n 1)" = "$version" ] || problem "CHANGELOG.md begins with another version"

case_is "the packages are built with what make deps installs"
sed -n '/^Build-Depends:/,/^[A-Z]/s/^ \([a-z].*\),$/\1/p' debian/control | grep -vE '^(debhelper|dh-|python3)' | sort >"$work/control"
(eval "$(sed -n '/^build=(/,/)$/p' tools/packages.sh)"; printf '%s\n' "${build[@]}") |
    grep -vxE 'build-essential|pocl-opencl-icd|gnuplot-nox' | sort >"$work/build"
run diff "$work/control" "$work/build"
code_is 0

case_is "the symbols of libdae1 are those of libdae.map"
sed -n 's/^ \(dae_[a-z_]*\)@DAE_.*/\1/p' debian/libdae1.symbols | sort >"$work/symbols"
sed -n 's/^ *\(dae_[a-z_]*\);$/\1/p' src/lib/libdae.map | sort >"$work/map"
run diff "$work/symbols" "$work/map"
code_is 0

case_is "the archive is made twice with the same bytes"
run bash tools/dist.sh "$version" "$released" "$work/one"
code_is 0
run bash tools/dist.sh "$version" "$released" "$work/two"
code_is 0
cmp "$work/one/dae-cl-$version.tar.gz" "$work/two/dae-cl-$version.tar.gz" || problem "the archives differ"

case_is "it has what building needs, and nothing that was built"
tar -xf "$work/one/dae-cl-$version.tar.gz" -C "$work"
folder=$work/dae-cl-$version
for file in Makefile LICENSE debian/rules src/dae/dae.h plugins/relu.c configs/conv_mnist.yaml tools/template/Makefile; do
    [ -s "$folder/$file" ] || problem "$file is missing"
done
[ -z "$(find "$folder" -name build -o -name '*.o' -o -name '*.so' -o -name .git -o -name __pycache__)" ] || problem "$(ls -a "$folder")"
run make -n -C "$folder" all install
code_is 0

case_is "an unpacked archive is packed again, twice with the same bytes"
mkdir -p "$folder/build/x" "$folder/runs"
touch "$folder/build/x/y" "$folder/runs/z"
cp tools/dist.sh "$folder/tools" # that of the checkout may not be committed
run env GIT_CEILING_DIRECTORIES="$work" bash "$folder/tools/dist.sh" "$version" "$released" "$work/three"
code_is 0
touch "$folder/Makefile"
run env GIT_CEILING_DIRECTORIES="$work" bash "$folder/tools/dist.sh" "$version" "$released" "$work/four"
code_is 0
cmp "$work/three/dae-cl-$version.tar.gz" "$work/four/dae-cl-$version.tar.gz" || problem "the archives differ"
tar -tf "$work/three/dae-cl-$version.tar.gz" | grep -v '/$' | sort >"$work/again"
tar -tf "$work/one/dae-cl-$version.tar.gz" | grep -v '/$' | sort >"$work/first"
run diff "$work/first" "$work/again"
code_is 0

finish
