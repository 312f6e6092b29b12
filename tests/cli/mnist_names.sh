# MNIST is found under every name that copies of it have.
. "$(dirname "$0")/harness.sh"
export DAE_CL_PLUGINS=$BUILD/plugins
small=tests/cli/small.yaml

lay_out() { # FORMAT: a name of each file, in which {} stands for the part before idx and %d for its number of dimensions
    rm -rf "$work/data"
    python3 - "$work/data/mnist" "$1" <<'END'
import os, sys
for part, sizes in (("train-images", (64, 28, 28)), ("train-labels", (64,)), ("t10k-images", (32, 28, 28)), ("t10k-labels", (32,))):
    name = os.path.join(sys.argv[1], sys.argv[2].replace("{}", part).replace("%d", str(len(sizes))))
    os.makedirs(os.path.dirname(name), exist_ok=True)
    n = 1
    head = bytes([0, 0, 8, len(sizes)])
    for size in sizes:
        n *= size
        head += size.to_bytes(4, "big")
    open(name, "wb").write(head + bytes(i * 7 % 10 for i in range(n)))
END
}

for form in '{}-idx%d-ubyte' '{}.idx%d-ubyte' '{}-idx%d-ubyte/{}-idx%d-ubyte' '{}-idx%d-ubyte/{}.idx%d-ubyte'; do
    case_is "files named $form"
    lay_out "$form"
    run env DAE_CL_DATA="$work/data" "$dae_cl" run "$small" --platform cpu --out "$work/r" --force \
        --set 'data={source: mnist, fallback: digits}'
    code_is 0
    err_has "data: mnist (64 training, 32 test samples of 28x28x1)"
done

case_is "folders without the files are no files"
rm -rf "$work/data"
mkdir -p "$work/data/mnist/train-images-idx3-ubyte"
run env DAE_CL_DATA="$work/data" "$dae_cl" run "$small" --platform cpu --out "$work/r" --force --set 'data={source: mnist}'
[ "$code" -ne 0 ] || problem "it trained"

finish
