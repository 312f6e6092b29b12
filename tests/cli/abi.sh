# The binary interface of libdae.so.1 is the recorded one, tests/lib/libdae.abi, so that a linked program continues to work.
. "$(dirname "$0")/harness.sh"

nm -D "$BUILD/libdae.so.1" >"$work/symbols"
case_is "libdae.so.1 has the interface that is recorded"
if ! command -v abidiff >/dev/null || [ "$(uname -m)" != x86_64 ]; then
    skip "needs abigail-tools, and x86-64, for which it was recorded"
    finish
elif grep -q __asan "$work/symbols"; then
    skip "sanitizers change the library's symbols"
    finish
fi
run bash tools/abi.sh "$BUILD/libdae.so.1"
code_is 0
cp "$work/out" "$work/now.abi"
[ "$(grep -c '<function-decl name=.dae_' "$work/now.abi")" -ge 30 ] || problem "it has no debugging information"
run abidiff tests/lib/libdae.abi "$work/now.abi"
# abidiff's status: 4 is a change, 8 one that breaks programs.
[ $((code & 8)) -eq 0 ] || problem "linked programs break; keep the function, or the library becomes libdae.so.2: $(cat "$work/out")"
[ "$code" -eq 0 ] || problem "if this was meant, and only adds, type make abi: $(cat "$work/out")"

# What a change of the header does, in a library of stubs.
interface_of() { # SED-EXPRESSION NAME: of dae.h, changed so
    mkdir -p "$work/$2/src/dae" "$work/$2/tools"
    cp src/dae/status.h "$work/$2/src/dae" && cp tools/abi.sh "$work/$2/tools"
    sed "$1" src/dae/dae.h >"$work/$2/src/dae/dae.h"
    cat >"$work/$2/stub.c" <<'END'
#include "dae/dae.h"
enum dae_status dae_denoise(struct dae_model *model, const struct dae_image *in, const struct dae_image *out)
{
    return model && in && out ? DAE_OK : DAE_BUG;
}
END
    gcc -g -shared -fPIC -I"$work/$2/src" -o "$work/$2/libdae.so.1" "$work/$2/stub.c" &&
        bash "$work/$2/tools/abi.sh" "$work/$2/libdae.so.1" >"$work/$2.abi"
}
case_is "a member that is added to the middle of a structure would be found"
interface_of '' same
interface_of 's/^    void \*data;$/    int extra; void *data;/' moved
run abidiff "$work/same.abi" "$work/same.abi"
code_is 0
run abidiff "$work/same.abi" "$work/moved.abi"
[ $((code & 4)) -ne 0 ] || problem "exit status $code"
out_has "dae_image"

finish
