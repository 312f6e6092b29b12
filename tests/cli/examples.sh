# Plugins outside of the tree: those of tests/plugins and copies of shipped ones are built in a folder of their own with only
# what `make install` ships, and pass the conformance suite. The tree's suite has all cases of the copies, so the first of
# each is enough here; on PoCL cases take turns between the two shapes, and `make test-platforms` runs all on both.
. "$(dirname "$0")/harness.sh"
export POCL_CACHE_DIR=$work/kernels # of many programs that no other script compiles

case_is "what make install ships builds them"
run bash tests/sdk.sh "$work/sdk"
code_is 0

case_is "they conform"
DAE_CL_REDUCED=1 run "$BUILD/tests/graph/test_conformance" "$work/sdk/plugins"
code_is 0
out_has "comparisons of"

case_is "so does every case of what the tree has no copy of"
for source in tests/plugins/*.c; do
    DAE_CL_CASES=$(basename "$source" .c) run "$BUILD/tests/graph/test_conformance" "$work/sdk/plugins"
    code_is 0
    out_has "comparisons of"
done

finish
