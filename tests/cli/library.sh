# libdae.so.1 as another program sees it: only what `make install` ships, the header in C99 and C++, the exported symbols,
# and the example against `dae-cl denoise`, byte for byte.
. "$(dirname "$0")/harness.sh"
prefix=$work/root/usr/local
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/root LD_LIBRARY_PATH=$prefix/lib
mkdir "$work/host" && cp examples/*.c "$work/host"
nm -D "$BUILD/libdae.so.1" >"$work/symbols"
sanitizers=$(grep -q __asan "$work/symbols" && echo -fsanitize=address,undefined)

case_is "make install ships the library"
run make BUILD="$BUILD" DESTDIR="$work/root" install
code_is 0
for file in lib/libdae.so lib/libdae.so.1 lib/dae-cl/dae-probe include/dae/dae.h; do
    [ -e "$prefix/$file" ] || problem "$file is missing"
done

case_is "it exports the functions of dae.h and nothing else"
nm -D --defined-only "$prefix/lib/libdae.so.1" | sed -n 's/.* T \(.*\)@@DAE_.*/\1/p' | sort >"$work/exported"
nm -D --defined-only "$prefix/lib/libdae.so.1" | grep -v ' A DAE_\| T dae_.*@@DAE_' >"$work/strange"
[ ! -s "$work/strange" ] || [ -n "$sanitizers" ] || problem "also exported: $(head -3 "$work/strange")"
sed -n 's/^    \(dae_.*\);$/\1/p' src/lib/libdae.map | sort >"$work/listed"
gcc -E -P -I"$prefix/include" -include dae/dae.h -x c /dev/null | grep -o '\bdae_[a-z_]*(' | tr -d '(' | sort -u >"$work/declared"
run diff "$work/exported" "$work/listed"
code_is 0
run diff "$work/declared" "$work/listed"
code_is 0
[ "$(wc -l <"$work/listed")" -ge 19 ] || problem "only $(wc -l <"$work/listed") functions"

case_is "it calls nothing that prints, ends its host, or changes what belongs to it"
nm -D --undefined-only "$prefix/lib/libdae.so.1" >"$work/called"
grep -E ' (exit|abort|atexit|v?f?printf|v?dprintf|puts|putchar|perror|stdout|stderr|system|popen|f?chdir|setlocale|umask)(@|$)' "$work/called" >"$work/strange"
[ ! -s "$work/strange" ] || problem "it calls $(cat "$work/strange")"
grep -q ' uselocale' "$work/called" || problem "nm does not list what it calls"

case_is "the header is C99 and C++ without a warning"
cd "$work/host" || exit
printf '#include <dae/dae.h>\nint main(void) { return dae_version() == NULL; }\n' >header.c
cp header.c header.cpp
run gcc -std=c99 -Wall -Wextra -pedantic -Werror $sanitizers $(pkg-config --cflags dae-cl) header.c \
    $(pkg-config --libs dae-cl) -o header_c
code_is 0
run ./header_c
code_is 0
if command -v g++ >/dev/null; then
    run g++ -Wall -Wextra -pedantic -Werror $sanitizers $(pkg-config --cflags dae-cl) header.cpp \
        $(pkg-config --libs dae-cl) -o header_cpp
    code_is 0
    run ./header_cpp
    code_is 0
fi

case_is "the example is built from what is installed"
run gcc -std=c99 -Wall -Wextra -pedantic -Werror $sanitizers $(pkg-config --cflags dae-cl) denoise.c \
    $(pkg-config --libs dae-cl) -o denoise
code_is 0
[ "$(wc -l <denoise.c)" -lt 50 ] || problem "the example has $(wc -l <denoise.c) lines"

case_is "a model and a noisy image"
cat >digits.yaml <<'END'
name: digits
data: {source: digits, train: 256, test: 64}
corruption: {gaussian: {sigma: 0.3}}
model:
  input: [28, 28, 1]
  layers: [conv2d: {filters: 4, kernel: 3, pad: 1}, relu, conv2d: {filters: 1, kernel: 3, pad: 1}, sigmoid]
train: {loss: mse, optimizer: {adam: {lr: 0.003}}, batch: 32, epochs: 1}
END
run "$prefix/bin/dae-cl" run digits.yaml --out run
code_is 0
python3 - <<'END'
import random
random.seed(7)
for name, width, height in ("own", 28, 28), ("large", 150, 93):
    open(name + ".pgm", "wb").write(b"P5\n%d %d\n255\n" % (width, height) + bytes(random.randrange(256) for _ in range(width * height)))
END

case_is "its bytes are those of dae-cl denoise, for the model's size and another one"
run "$prefix/bin/dae-cl" denoise run/model.safetensors own.pgm large.pgm -o wanted
code_is 0
for image in own large; do
    run ./denoise run/model.safetensors $image.pgm $image.out.pgm
    code_is 0
    out_is </dev/null
    err_is </dev/null
    cmp -s wanted/$image.pgm $image.out.pgm || problem "$image.pgm: other bytes than dae-cl denoise"
    ! cmp -s $image.pgm $image.out.pgm || problem "$image.pgm: nothing was done"
done

case_is "errors are the command's"
run ./denoise header.c own.pgm x.pgm
code_is 9
err_has "denoise: header.c: "
run env DAE_CL_PLATFORM=nothing ./denoise run/model.safetensors own.pgm x.pgm
code_is 3
err_has "platform 'nothing': no OpenCL device of that name"
err_has "'nothing' comes from \$DAE_CL_PLATFORM"
[ ! -e x.pgm ] || problem "a failure left a file"

case_is "a driver that crashes is probed outside of the program"
gcc -shared -fPIC -o broken.so -x c - <<'END'
#include <stdlib.h>
__attribute__((constructor)) static void crash(void) { abort(); }
END
mkdir vendors && echo "$PWD/broken.so" >vendors/broken.icd && cp /etc/OpenCL/vendors/pocl.icd vendors 2>/dev/null ||
    skip "PoCL is not installed in /etc/OpenCL/vendors"
if [ -n "$name" ]; then
    rm -f "$work/cache"/probe-*
    run env OCL_ICD_VENDORS="$PWD/vendors" DAE_CL_PLATFORM=pocl ./denoise run/model.safetensors own.pgm x.pgm
    code_is 0
    cmp -s wanted/own.pgm x.pgm || problem "other bytes than dae-cl denoise"
    rm -f "$work/cache"/probe-* && mv "$prefix/lib/dae-cl/dae-probe" "$work/probe"
    run ./denoise run/model.safetensors own.pgm y.pgm
    code_is 5
    err_has "there is no dae-probe where the library is"
    mv "$work/probe" "$prefix/lib/dae-cl/dae-probe"
fi

finish
