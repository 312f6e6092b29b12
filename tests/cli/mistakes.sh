# The commonest first mistakes: each gets a line that helps, and its exit status. More are in the scripts of their
# commands: doctor.sh (no OpenCL that works), output.sh (a full disk), plugins.sh, shipped.sh.
. "$(dirname "$0")/harness.sh"
unset DAE_CL_DATA
cd "$work" || exit 1
cp "$tree/tests/cli/small.yaml" small.yaml
"$dae_cl" run small.yaml --out run --trust-device >out 2>err || { cat err; exit 1; }
printf 'P5 28 28 255\n' >x.pgm
head -c 784 /dev/zero >>x.pgm
mkdir empty

mistake() { # NAME STATUS WORDS COMMAND...
    case_is "$1"
    run "$dae_cl" "${@:4}"
    code_is "$2"
    err_has "$3"
    [ ! -e made ] || problem "it has written something"
    rm -rf made
}
mistake "model and input exchanged" 9 \
    "x.pgm: it is an image, PNM, not a model; MODEL is the first argument" denoise x.pgm run/model.safetensors -o made
mistake "a config for a model" 9 "small.yaml: it is a config, not a model" denoise small.yaml x.pgm -o made
printf 'PK\3\4 and so on, as a zip archive begins' >net.pt
mistake "a file of PyTorch for a model" 9 "files of PyTorch are not read; save the state_dict as safetensors" \
    denoise net.pt x.pgm -o made
printf '\10\7 and so on' >net.onnx
mistake "an ONNX file for a model" 9 "dae-cl import net.onnx -o FOLDER" denoise net.onnx x.pgm -o made
mistake "a folder without a model" 9 "empty: the folder contains no model.safetensors" denoise empty x.pgm -o made
mistake "a folder without images" 4 "empty: the folder contains no image" denoise run empty -o made
mistake "a model for a config" 2 "it is a model, and CONFIG is a text" run run/model.safetensors --out made
mistake "an image for a config" 2 "it contains data, and CONFIG is a text that names them" run x.pgm --out made
mistake "a run for a config" 2 "it is the folder of a run, whose config is run/config.yaml" run run --out made
mistake "a folder for a config" 2 "it is a folder, and CONFIG is a file or the name of a config" check empty
mistake "the wrong working folder" 2 "the working folder is $PWD" run experiments/my.yaml --out made
mistake "a shipped config from another folder" 2 "conv_mnist, without a folder and .yaml, is the config that comes" \
    run configs/conv_mnist.yaml --out made
mistake "a plugin that is not there" 2 "no layer is called 'conv4d' (did you mean 'conv1d'?)" \
    run small.yaml --set 'model.layers.1={conv4d: {}}' --out made
mistake "no data" 4 "no MNIST in" run small.yaml --set 'data={source: mnist}' --out made
mistake "a folder of data that is not there" 5 "cannot open photos/: No such file or directory" run image_gray --set data.train=photos/ --set data.test=photos/ --out made
mistake "a batch that is too large" 2 "expects an integer from 1 to 65536" run small.yaml --set train.batch=100000000 --out made
case_is "no OpenCL"
run env OCL_ICD_VENDORS=/nonexistent "$dae_cl" run small.yaml --out made
code_is 3
err_has "install one, on Debian or Ubuntu: apt-get install pocl-opencl-icd"
case_is "a run that is there already"
run "$dae_cl" run small.yaml --out run
code_is 2
err_has "--force"

finish
