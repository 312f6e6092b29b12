# The Python package as a user gets it: one wheel below 5 MB, installed into a fresh environment, three lines to a denoised
# image; then its own tests, with scikit-learn's checks of the estimators.
. "$(dirname "$0")/harness.sh"
environment=$BUILD/python
export PYTHONDONTWRITEBYTECODE=1

nm -D "$BUILD/libdae.so.1" >"$work/symbols"
if grep -q __asan "$work/symbols"; then
    case_is "the package"
    skip "a Python without sanitizers cannot load a library with them"
    finish
fi

case_is "make wheel writes one small wheel"
run make BUILD="$BUILD" wheel
code_is 0
wheel=$(ls "$BUILD"/wheel/dae_cl-*.whl)
[ "$(stat -c %s "$wheel")" -lt 5000000 ] || problem "it has $(stat -c %s "$wheel") bytes"
case_is "cffi reads the declarations of every exported function"
python3 - "$wheel" >"$work/declared" <<'END'
import re, sys, zipfile
text = zipfile.ZipFile(sys.argv[1]).read("dae_cl/_declarations.py").decode()
print("\n".join(sorted(set(re.findall(r"\b(dae_[a-z_]*)\(", text)))))
END
sed -n 's/^    \(dae_.*\);$/\1/p' src/lib/libdae.map | sort >"$work/exported"
run diff "$work/declared" "$work/exported"
code_is 0

case_is "it is installed into a fresh environment"
if ! run python3 -m venv "$environment" || [ "$code" -ne 0 ]; then
    skip "python3 -m venv does not work here"
    finish
fi
run "$environment/bin/python" -m pip install --quiet --disable-pip-version-check cffi numpy scikit-learn pytest
if [ "$code" -ne 0 ]; then
    skip "pip cannot install cffi, numpy, scikit-learn and pytest: $(tail -n 1 "$work/err")"
    finish
fi
run "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$wheel"
code_is 0

case_is "it brings all libraries but the C runtime and the OpenCL loader"
package=$("$environment/bin/python" -c 'import dae_cl, os; print(os.path.dirname(dae_cl.__file__))')
for file in libdae.so.1 dae-probe; do
    ldd "$package/lib/$file" | awk '/=>/ { print $1, $3 }' | grep -vE "^lib(c|m|stdc\+\+|gcc_s|OpenCL)\.so" >"$work/libraries"
    [ -s "$work/libraries" ] || problem "$file needs no library at all"
    ! grep -v " $package/lib/libs/" "$work/libraries" >"$work/strange" || problem "$file: $(cat "$work/strange")"
done

case_is "three lines denoise an image within a minute, with the bytes of dae-cl denoise"
cat >"$work/digits.yaml" <<'END'
name: digits
data: {source: digits, train: 256, test: 64}
corruption: {gaussian: {sigma: 0.3}}
model:
  input: [28, 28, 1]
  layers: [conv2d: {filters: 4, kernel: 3, pad: 1}, relu, conv2d: {filters: 1, kernel: 3, pad: 1}, sigmoid]
train: {loss: mse, optimizer: {adam: {lr: 0.003}}, batch: 32, epochs: 1}
END
cd "$work" || exit
run "$dae_cl" run digits.yaml --out run
code_is 0
"$environment/bin/python" -c 'import numpy as np; np.save("noisy.npy", np.random.default_rng(3).random((1, 93, 150, 1), np.float32))'
run "$dae_cl" denoise run/model.safetensors noisy.npy -o wanted
code_is 0
run timeout 60 "$environment/bin/python" -c '
import dae_cl, numpy as np
noisy = np.load("noisy.npy")
np.save("clean.npy", dae_cl.load("run/model.safetensors").denoise(noisy))'
code_is 0
cmp -s clean.npy wanted/noisy.npy || problem "other bytes than dae-cl denoise"

case_is "pytest"
run "$environment/bin/python" -m pytest -q -p no:cacheprovider "$tree/python/tests"
code_is 0
[ "$code" -eq 0 ] || problem "$(tail -n 30 "$work/out")"
grep -qE '^[0-9]+ passed' "$work/out" || problem "no test was run"

finish
