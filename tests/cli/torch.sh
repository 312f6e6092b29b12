# Random networks over the layers, losses and optimisers, trained by dae-cl and by PyTorch from the same weights: values,
# gradients and updates agree. TORCH_PEER names a Python with torch, numpy and safetensors; TORCH_NETWORKS is how many
# networks are drawn (6).
. "$(dirname "$0")/harness.sh"
export PYTHONDONTWRITEBYTECODE=1
cd "$work" || exit 1

case_is "random networks train as in PyTorch"
if [ -z "${TORCH_PEER:-}" ] || ! run "$TORCH_PEER" -c 'import torch, numpy, safetensors' || [ "$code" -ne 0 ]; then
    skip "TORCH_PEER names no Python with torch, numpy and safetensors"
    finish
fi
run "$TORCH_PEER" "$tree/tests/cli/torch_judge.py" "$dae_cl" "${TORCH_NETWORKS:-6}"
cat out
code_is 0
out_has " networks, 0 of them beyond 0.0001; largest differences: value "
finish
