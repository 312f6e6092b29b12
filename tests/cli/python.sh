# The Python package as a user gets it: one wheel below 5 MB, installed into a fresh environment, three lines to a denoised
# image; then its own tests, with scikit-learn's checks of the estimators.
. "$(dirname "$0")/harness.sh"
export PYTHONPYCACHEPREFIX=$work/bytecode

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
python_with cffi numpy scikit-learn pytest
if [ -n "$why" ]; then
    skip "$why"
    finish
fi
run "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --force-reinstall --no-deps \
    "$wheel"
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

case_is "a table's holes are filled in its own units, as dae-cl impute fills them"
cat >panel.yaml <<'END'
name: panel
data: {source: csv, path: train.csv, returns: none, train_until: 2002-06-30}
corruption: {masking: {p: 0.3}}
model: {input: [3], layers: [{concat: {}, from: [input, mask]}, dense: {units: 8}, tanh, dense: {units: 3}]}
train: {loss: mse, optimizer: {adam: {lr: 0.01}}, batch: 64, epochs: 20}
END
cat >train.py <<'END'
import datetime
import numpy as np
import dae_cl

def write(path, rows):
    with open(path, "w") as out:
        out.write("date,a,b,c\n")
        for i, row in enumerate(rows):
            day = datetime.date(2001, 1, 1) + datetime.timedelta(i)
            out.write(f"{day}," + ",".join("" if np.isnan(x) else repr(float(x)) for x in row) + "\n")

factor = np.random.default_rng(1).normal(size=(700, 1))
rows = (np.array([100, -5, 0.02]) + factor * np.array([30, 2, 0.001])).astype(np.float32)
holes = rows[:60].copy()
holes[np.arange(60), np.arange(60) % 3] = np.nan
write("train.csv", rows)
write("holes.csv", holes)
model = dae_cl.train("panel.yaml")
model.save("panel.safetensors")
assert model.info["columns"] == ["a", "b", "c"]
np.save("filled.npy", model.impute(holes))
END
run "$environment/bin/python" train.py
code_is 0
run "$dae_cl" impute panel.safetensors holes.csv -o whole.csv
code_is 0
cat >compare.py <<'END'
import numpy as np

filled = np.load("filled.npy")
whole = np.loadtxt("whole.csv", delimiter=",", skiprows=1, usecols=(1, 2, 3))
truth = np.loadtxt("train.csv", delimiter=",", skiprows=1, usecols=(1, 2, 3))[:60]
hole = np.arange(3) == (np.arange(60) % 3)[:, None]
assert np.allclose(filled, whole, rtol=1e-5, atol=0), np.abs(filled / whole - 1).max()
assert np.array_equal(filled[~hole], truth[~hole].astype(np.float32))
assert np.mean(((filled - truth) / truth.std(axis=0))[hole] ** 2) < 0.2
END
run "$environment/bin/python" compare.py
code_is 0

case_is "pytest"
run "$environment/bin/python" -m pytest -q -p no:cacheprovider "$tree/python/tests"
code_is 0
[ "$code" -eq 0 ] || problem "$(tail -n 30 "$work/out")"
grep -qE '^[0-9]+ passed' "$work/out" || problem "no test was run"

finish
