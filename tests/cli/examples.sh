# Plugins outside of the tree: those of tests/plugins and copies of shipped ones are built in a folder of their own with only
# what `make install` ships, and pass the conformance suite in both shapes.
. "$(dirname "$0")/harness.sh"

case_is "what make install ships builds them"
run bash tests/sdk.sh "$work/sdk"
code_is 0

case_is "they conform"
DAE_CL_SHAPE=both run "$BUILD/tests/graph/test_conformance" "$work/sdk/plugins"
code_is 0
out_has "comparisons of"

finish
