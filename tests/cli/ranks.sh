# Several processes that train one network: the same bytes for any number of them, over local sockets and over MPI; what is
# refused; and how they end when one of them is killed, hangs or is told to stop. RANKS_KILLS is how often a random rank is
# killed at a random moment (3).
. "$(dirname "$0")/harness.sh"
config=tests/cli/ranks.yaml
RANDOM=${SEED:-1}

train() { # FOLDER [OPTION...]
    local out=$work/$1
    shift
    run "$dae_cl" run "$config" --out "$out" "$@"
}
same_as() { # FOLDER FOLDER
    for file in model.safetensors checkpoint/model.safetensors; do
        cmp -s "$work/$1/$file" "$work/$2/$file" || problem "$file of $2 differs from that of $1"
    done
}
logged() { # FOLDER KEY: of the first event "ranks"
    sed -n '/"event":"ranks"/{s/.*"'"$2"'":\([0-9.e+-]*\).*/\1/p;q}' "$work/$1/log.jsonl"
}

case_is "one rank alone, in four parts"
train one
code_is 0
err_has "1 rank, 4 parts"

for ranks in 2 3 4; do
    case_is "$ranks ranks: the same bytes, told once"
    train $ranks --ranks $ranks --platform cpu,cpu
    code_is 0
    same_as one $ranks
    cmp -s "$work/one/checkpoint/standard_ae.safetensors" "$work/$ranks/checkpoint/standard_ae.safetensors" ||
        problem "the standard autoencoder differs"
    [ "$(grep -c '^training' "$work/err")" -eq 2 ] || problem "not rank 0 alone speaks: $(cat "$work/err")"
done

case_is "a step sends 2 (R - 1) / R of a gradient if R divides the parts"
for ranks in 2 4; do
    awk -v sent="$(logged $ranks sent_bytes_per_step)" -v gradient="$(logged $ranks gradient_bytes)" -v r=$ranks \
        'BEGIN { x = sent / (2 * (r - 1) / r * gradient); exit !(x > 0.95 && x < 1.05) }' ||
        problem "$ranks ranks send $(logged $ranks sent_bytes_per_step) bytes for $(logged $ranks gradient_bytes)"
done

case_is "check predicts what a step sends, and when ranks are faster"
for ranks in 2 4; do
    run "$dae_cl" check "$config" --ranks $ranks --network 1G,50us --json
    code_is 0
    predicted=$(sed -n 's/.*"sent_bytes_per_step":[^0-9]*\([0-9]*\).*/\1/p' "$work/out")
    awk -v a="$predicted" -v b="$(logged $ranks sent_bytes_per_step)" 'BEGIN { exit !(a / b > 0.999 && a / b < 1.001) }' ||
        problem "$ranks ranks: $predicted bytes predicted, $(logged $ranks sent_bytes_per_step) sent"
done
run "$dae_cl" check "$config" --ranks 4 --network 1G,50us --images-per-second 1000
code_is 0
out_has "4 ranks, 4 parts, over 1G,50us: in a step each sends 0.16 MB, which takes 1.35 ms"
out_has "they are faster than one rank if its step takes more than 1.8 ms (fewer than 17827 samples/s)"
out_has "from 1000 samples/s, a step of 32 ms, to 3424 samples/s, a step of 9.35 ms: 3.42 times as fast"
for wrong in "5 1G,50us" "1 1G,50us" "2 1Gb,50us" "2 1G" "2 -1G,50us" "2 1G,50" "2 nanG,50us"; do
    read -r ranks network <<<"$wrong"
    run "$dae_cl" check "$config" --ranks "$ranks" --network "$network"
    code_is 2
    err_has "expects a"
done
run "$dae_cl" check "$config" --ranks 2
code_is 2
err_has "--ranks N and --network RATE,LATENCY belong together"

case_is "samples that are streamed to the device: the same bytes"
for ranks in 1 3; do
    train streamed$ranks --ranks $ranks --set data.train=2600 --set data.memory=1 --set train.epochs=1
    code_is 0
    err_has "the training samples are streamed"
done
same_as streamed1 streamed3

case_is "one part gives the bytes of no parts, and another number of parts gives others"
train whole --set train.epochs=1 --set train.parts=1
code_is 0
err_lacks "parts"
sed '/parts:/d' "$config" >"$work/none.yaml"
run "$dae_cl" run "$work/none.yaml" --out "$work/none" --set train.epochs=1
code_is 0
cmp -s "$work/whole/checkpoint/model.safetensors" "$work/none/checkpoint/model.safetensors" || problem "1 part is not as none"
train halves --set train.epochs=1 --set train.parts=2
! cmp -s "$work/whole/checkpoint/model.safetensors" "$work/halves/checkpoint/model.safetensors" || problem "2 parts are as one"

refused() { # CASE WORDS OPTION...
    case_is "refused: $1"
    local words=$2
    shift 2
    train refused "$@"
    code_is 2
    err_has "$words"
    [ ! -e "$work/refused/checkpoint/model.safetensors" ] || problem "it trained"
}
refused "more ranks than parts" "5 ranks are more than the 4 parts of a batch; set train.parts to 5 or more" --ranks 5
refused "ranks without parts" "2 ranks are more than the 1 part of a batch" --ranks 2 --set train.parts=1
refused "parts that are no power of two" "a power of two" --set train.parts=3
refused "parts that do not divide the batch" "a batch of 30 samples cannot be cut into 4 equal parts" --set train.batch=30
refused "too many ranks" "--ranks expects a number from 1 to 16, not '17'" --ranks 17
sed 's/- relu$/- batchnorm2d/; 0,/batchnorm2d/b; s/- batchnorm2d/- relu/' "$config" >"$work/coupled.yaml"
case_is "refused: a layer that couples the samples of a batch"
run "$dae_cl" run "$work/coupled.yaml" --out "$work/refused" --ranks 2
code_is 2
err_has 'coupled.yaml:9:'
err_has "couples the samples of a batch, which train.parts cuts"

# ---- MPI, and transports in files. ----------------------------------------------------------------------------------------

case_is "started by mpirun, but without its transport"
mkdir -p "$work/bare"
cp "$dae_cl" "$work/bare/"
ln -s "$BUILD/plugins" "$work/bare/plugins"
OMPI_COMM_WORLD_SIZE=3 run "$work/bare/dae-cl" run "$config" --out "$work/bare/run"
code_is 10
err_has 'mpirun of Open MPI has started 3 processes ($OMPI_COMM_WORLD_SIZE), but this build has no transport over that MPI'
err_has "install libopenmpi-dev and build again, or use --ranks 3 on one machine"
OMPI_COMM_WORLD_SIZE=3 run "$dae_cl" run "$config" --out "$work/bare/run" --ranks 2
code_is 2
err_has "--ranks would start 2 in each of them"
OMPI_COMM_WORLD_SIZE=3 run "$dae_cl" run "$config" --out "$work/alone" --ranks 1 --set train.epochs=1 --set compare=[]
code_is 0
err_has "1 rank, 4 parts"

case_is "a file that is no transport, and one of another contract"
echo 'int nothing;' | ${CC:-cc} -shared -fPIC -x c - -o "$work/nothing.so"
printf '#include <dae/transport.h>\nconst struct dae_transport dae_transport_v1 = {.bytes = 8, .name = "old"};\n' |
    ${CC:-cc} -shared -fPIC -I "$BUILD/include" -x c - -o "$work/old.so"
OMPI_COMM_WORLD_SIZE=2 DAE_CL_TRANSPORT=$work/nothing.so run "$dae_cl" run "$config" --out "$work/refused"
code_is 10
err_has "does not export dae_transport_v1"
OMPI_COMM_WORLD_SIZE=2 DAE_CL_TRANSPORT=$work/old.so run "$dae_cl" run "$config" --out "$work/refused"
code_is 10
err_has "its table has 8 bytes"

mpirun_of() { # KIND: fills the array `mpirun`, which is empty without it
    mpirun=()
    [ -e "$BUILD/transports/dae-mpi-$1.so" ] || return
    case $1 in
    openmpi) ! command -v mpirun.openmpi >/dev/null || mpirun=(mpirun.openmpi --allow-run-as-root --oversubscribe) ;;
    mpich) ! command -v mpirun.mpich >/dev/null || mpirun=(mpirun.mpich) ;;
    esac
}
for mpi in openmpi mpich; do
    mpirun_of $mpi
    for ranks in 2 3; do
        case_is "$mpi, $ranks ranks: the same bytes"
        if [ ${#mpirun[@]} -eq 0 ]; then
            skip "this machine or this build lacks $mpi"
            continue
        fi
        run timeout 300 "${mpirun[@]}" -n $ranks "$dae_cl" run "$config" --out "$work/$mpi$ranks"
        code_is 0
        same_as one $mpi$ranks
    done
    case_is "$mpi: ranks that do not train the same"
    if [ ${#mpirun[@]} -eq 0 ]; then
        skip "this machine or this build lacks $mpi"
        continue
    fi
    run timeout 300 "${mpirun[@]}" -n 1 "$dae_cl" run "$config" --out "$work/mixed" : \
        -n 1 "$dae_cl" run "$config" --out "$work/mixed" --set seed=6
    [ "$code" -ne 0 ] || problem "it trained"
    err_has 'rank 1 does not train what rank 0 trains: it has "seed: 6", rank 0 has "seed: 5"'
done

# ---- How they end. --------------------------------------------------------------------------------------------------------

long=(--set data.train=2000 --set train.epochs=12 --set train.checkpoint_minutes=0.01 --set compare=[])
begin_ranks() { # FOLDER RANKS [OPTION...]: in the background; $parent, and the ranks' processes in $rank
    local out=$work/$1 ranks=$2
    shift 2
    rm -f "$work/err"
    "$dae_cl" run "$config" --out "$out" --ranks "$ranks" "${long[@]}" "$@" >"$work/out" 2>"$work/err" </dev/null &
    parent=$!
    for _ in $(seq 1200); do
        grep -qs "^training" "$work/err" && break
        sleep 0.05
    done
    read -ra rank </proc/$parent/task/$parent/children
    [ ${#rank[@]} -eq "$ranks" ] || problem "${#rank[@]} ranks, not $ranks"
}
end_ranks() { # SECONDS: the most that it may take
    local begin=$SECONDS
    wait $parent
    code=$?
    [ $((SECONDS - begin)) -le "$1" ] || problem "it took $((SECONDS - begin)) s"
    for process in "${rank[@]}"; do
        ! kill -0 "$process" 2>/dev/null || problem "process $process is still there"
    done
}

case_is "a long training, not disturbed"
train undisturbed --ranks 2 "${long[@]}"
code_is 0

case_is "SIGTERM to one rank stops all after the same step, and another number of them goes on"
begin_ranks stopped 3
kill -TERM "${rank[1]}"
end_ranks 15
code_is 143
err_has "stopped in epoch"
err_has "type the same command with --resume"
train stopped --resume --ranks 2 "${long[@]}"
code_is 0
same_as undisturbed stopped

case_is "SIGINT to the parent stops all"
begin_ranks interrupted 2
kill -INT $parent
end_ranks 15
code_is 130
train interrupted --resume "${long[@]}"
code_is 0
same_as undisturbed interrupted

counts=(2 3 4 1)
for i in $(seq "${RANKS_KILLS:-3}"); do
    ranks=$((2 + RANDOM % 3)) next=${counts[RANDOM % 4]}
    case_is "kill $i: a random rank of $ranks at a random moment, then $next"
    begin_ranks "killed$i" $ranks
    sleep 0.$((RANDOM % 900 + 100))
    victim=$((RANDOM % ranks))
    if kill -KILL "${rank[victim]}" 2>/dev/null; then
        end_ranks 15
        if [ "$code" -ne 0 ]; then
            code_is 11
            err_has "rank $victim was ended by signal 9"
            err_has "rank $victim died: its connection is closed"
        fi
    else
        wait $parent
    fi
    train "killed$i" --resume --ranks "$next" "${long[@]}"
    code_is 0
    same_as undisturbed "killed$i"
done

case_is "a training that diverges: all end, and rank 0 says why"
sed '/- sigmoid/d; /- relu/d; /clip_gradient/d; /dropout/d' "$config" >"$work/linear.yaml"
for ranks in 1 3; do
    run "$dae_cl" run "$work/linear.yaml" --out "$work/diverged$ranks" --ranks $ranks --set 'train.optimizer={sgd: {lr: 1000}}'
    code_is 8
    [ "$(grep -c "training diverged: the loss of epoch 1, step 3 is not finite" "$work/err")" -eq 1 ] ||
        problem "$ranks ranks: $(cat "$work/err")"
done

case_is "rank 0 fails by itself: it says why, and the others which rank failed"
mkdir -p "$work/junk/checkpoint"
echo junk >"$work/junk/checkpoint/model.safetensors"
train junk --ranks 3 --resume
code_is 9
err_has "this is rank 0 of 3"
[ "$(grep -c "rank 0 ended with exit status 9 (a checkpoint or model file is unusable); its own message says why" "$work/err")" -eq 2 ] ||
    problem "$(cat "$work/err")"

case_is "a rank that hangs: the others say so and end"
begin_ranks hung 3
kill -STOP "${rank[2]}"
begin=$SECONDS
until grep -qs "rank 2 has given no sign of life" "$work/err" || [ $((SECONDS - begin)) -gt 20 ]; do
    sleep 0.2
done
for i in 0 1; do
    for _ in $(seq 40); do
        [[ $(cat "/proc/${rank[i]}/stat" 2>/dev/null) =~ ^[0-9]+\ \(.*\)\ [^Z] ]] || break
        sleep 0.1
    done
    [[ ! $(cat "/proc/${rank[i]}/stat" 2>/dev/null) =~ ^[0-9]+\ \(.*\)\ [^Z] ]] || problem "rank $i is still there"
done
[ $((SECONDS - begin)) -le 15 ] || problem "they took $((SECONDS - begin)) s"
end_ranks 25
code_is 11
[ "$(grep -c "rank 2 has given no sign of life for 8 s" "$work/err")" -eq 2 ] || problem "$(cat "$work/err")"
err_has "rank 2 is ended, because"
train hung --resume --ranks 4 "${long[@]}"
code_is 0
same_as undisturbed hung

finish
