# Too little of what the machine gives (address space, files, disk): the documented status and a message in time, nothing
# half-written, and the next command works.
. "$(dirname "$0")/harness.sh"

if ldd "$dae_cl" | grep -q 'lib[aut]*san'; then
    case_is "an address space that is too small"
    skip "sanitizers reserve terabytes of it"
    finish
fi
export DAE_CL_PLUGINS=$BUILD/plugins
small=tests/cli/small.yaml
limit=120 # seconds on a busy machine; what is measured is the processor's time

run "$dae_cl" run "$small" --out "$work/trained" # compiles what the others need
printf "P2\n28 28\n255\n" >"$work/a.pgm"
seq 784 | awk '{ print $1 % 256 }' >>"$work/a.pgm"
commands=("check $small" "devices" "run $small --out $work/run --force" "export $work/trained -o $work/out.onnx")

# The status is a documented one, and unless it is 0 there is a message. Of a folder or file there is all or nothing.
ends_well() { # WORDS...
    local before after status
    before=$(times | awk 'NR == 2 { split($1, u, /[ms]/); split($2, s, /[ms]/); print 60 * (u[1] + s[1]) + u[2] + s[2] }')
    run timeout "$limit" "$@"
    after=$(times | awk 'NR == 2 { split($1, u, /[ms]/); split($2, s, /[ms]/); print 60 * (u[1] + s[1]) + u[2] + s[2] }')
    status=$code
    [[ " 0 3 5 6 7 10 " == *" $status "* ]] || problem "$*: exit status $status; stderr: $(tail -c 300 "$work/err")"
    [ "$status" -eq 0 ] || [ -s "$work/err" ] || problem "$*: no message with status $status"
    awk -v a="$after" -v b="$before" 'BEGIN { exit !(a - b < 5) }' || problem "$*: took from $before to $after s of the processor"
    find "$work" -name '*.tmp.*' | grep -q . && problem "$*: left $(find "$work" -name '*.tmp.*')"
}

all_is_well() {
    run "$dae_cl" run "$small" --out "$work/run" --force
    code_is 0
    err_lacks "is not used"
}

case_is "an address space of 100 to 1000 MB: no hang and no abort, and nothing is remembered"
for megabytes in 100 150 200 250 300 350 400 450 500 700 1000; do
    for command in "${commands[@]}"; do
        ends_well bash -c "ulimit -v $((1024 * megabytes)); exec $dae_cl $command"
    done
done
all_is_well

case_is "few open files: a documented status, and the next command works"
for files in 4 5 6 8 10 12 16 20 24 32 48 64; do
    for command in "${commands[@]}"; do
        ends_well bash -c "exec 3>&-; ulimit -n $files; exec $dae_cl $command"
    done
done
all_is_well

case_is "a full disk: a documented status, and the next command works"
mkdir "$work/disk"
if ! mount -t tmpfs -o size=64m none "$work/disk" 2>/dev/null; then
    skip "only root can mount a small disk"
else
    trap 'umount "$work/disk"; rm -rf "$work"' EXIT
    for kilobytes in 0 4 16 64 256; do
        rm -rf "$work/disk/"* "$work/disk/.[a-z]*"
        dd if=/dev/zero of="$work/disk/filler" bs=1024 count=$((65536 - kilobytes)) status=none
        ends_well "$dae_cl" run "$small" --out "$work/disk/run"
        ends_well "$dae_cl" export "$work/trained" -o "$work/disk/out.onnx"
        ends_well "$dae_cl" denoise "$work/trained/model.safetensors" "$work/a.pgm" -o "$work/disk/out"
        ends_well env DAE_CL_CACHE_DIR="$work/disk/cache" POCL_CACHE_DIR="$work/disk/pocl" "$dae_cl" run "$small" --out "$work/run" --force
    done
    rm "$work/disk/filler"
    run "$dae_cl" run "$small" --out "$work/disk/run" --force
    code_is 0
    all_is_well
fi

finish
