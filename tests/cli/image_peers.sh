# Image files that other programs wrote (tests/format/peers.py), through a network that returns its input. IMAGE_PEERS
# names a Python with Pillow, OpenCV, tifffile, imageio, astropy, libvips and OpenEXR: python3 -m venv DIR && DIR/bin/pip install
# pillow opencv-python-headless tifffile imagecodecs imageio astropy pyvips-binary OpenEXR; IMAGE_PEERS=DIR/bin/python. ImageMagick and GraphicsMagick are
# Debian's.
. "$(dirname "$0")/harness.sh"
script=$PWD/tests/format/peers.py python=${IMAGE_PEERS:-python3}
cd "$work"

cat >same.yaml <<'END'
name: same
data: {source: dead_leaves, train: 2, test: 1, patch: 16, patches: 32, test_patches: 8}
corruption: {gaussian: {sigma: 0.1}}
model:
  input: [16, 16, 1]
  layers:
    - {conv2d: {filters: 1, kernel: 1}, name: nothing}
    - {add: {}, from: [nothing, input]}
train: {loss: mse, optimizer: {sgd: {lr: 0.001}}, batch: 8, epochs: 1}
END

case_is "files of other programs are read as their writers mean them, or refused by name"
if ! "$python" -c 'import numpy, PIL, cv2, tifffile, imageio.v3' 2>"$work/err"; then
    skip "$(tail -n 1 "$work/err"); tests/cli/image_peers.sh says what to install"
elif "$dae_cl" help formats | grep -q 'this build lacks'; then
    skip "this build lacks a library of images"
else
    run "$dae_cl" run same.yaml --out same
    code_is 0
    python3 -B - same/model.safetensors <<'END'
"""Sets all weights to 0, and seals the file again."""
import hashlib, sys
b = bytearray(open(sys.argv[1], "rb").read())
start = 8 + int.from_bytes(b[:8], "little")
at = b.index(b'"sha256":"') + 10
b[start:] = bytes(len(b) - start)
b[at:at + 64] = b"0" * 64
b[at:at + 64] = hashlib.sha256(b).hexdigest().encode()
open(sys.argv[1], "wb").write(b)
END
    run env TMPDIR="$work" timeout 240 "$python" -B "$script" "$dae_cl" "$work/same"
    code_is 0
    tail -n 2 "$work/out"
    [ "$code" -eq 0 ] || problem "$(head -n 60 "$work/out")"
    n=$(sed -n 's/^\([0-9]*\) files: .*/\1/p' "$work/out")
    [ "${n:-0}" -ge 250 ] || problem "only ${n:-0} files"
fi
finish
