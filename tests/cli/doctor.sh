# dae-cl doctor: facts and remedies, with good drivers, bad ones and none.
. "$(dirname "$0")/harness.sh"
export DAE_CL_CACHE_DIR=$work/cache

case_is "this machine"
run "$dae_cl" doctor
code_is 0
for piece in "OpenCL works here: " "loader  " "drivers  " "kernel cache  " "environment  " \
    "a kernel compiles, runs, and computes the right numbers" " us queued, " " GFLOP/s; copies "; do
    out_has "$piece"
done
[ "$(head -c 17 "$work/out")" = "OpenCL works here" ] || problem "the verdict is not first"

case_is "the same as JSON"
run "$dae_cl" doctor --json
code_is 0
python3 - "$work/out" <<'END' || problem "wrong JSON: $(head -c 2000 "$work/out")"
import json, sys
facts = json.load(open(sys.argv[1]))
for key in "dae_cl system loader drivers_from drivers kernel_cache memo_folder environment graphics findings verdict".split():
    assert key in facts, key
assert facts["loader"]["library"].startswith("/")
usable = [d for driver in facts["drivers"] for d in driver["devices"] if d["usable"]]
assert len(usable) == facts["usable_devices"] > 0
for device in usable:
    assert not device["fault"] and "fault" not in device["measured"], device
    assert device["memory_bytes"] > 0 and device["max_work_group"] > 0 and device["extensions"], device
    for rate in "launch_queued_us launch_waited_us gemm_gflops copy_gb_per_second".split():
        assert device["measured"][rate] > 0, rate
cache = facts["kernel_cache"]
assert cache["path"] and cache["programs_run"] and cache["free_bytes"] > 0 and len(cache["mode"]) == 4
END

case_is "no driver"
run env OCL_ICD_VENDORS=/nonexistent "$dae_cl" doctor
code_is 3
out_has "OpenCL does not work here: there is no driver"
out_has "OCL_ICD_VENDORS=/nonexistent: changes which drivers the OpenCL loader loads"
out_has "1. OCL_ICD_VENDORS names no driver: /nonexistent: No such file or directory"
out_has "unset OCL_ICD_VENDORS"
err_has "dae-cl: error: OpenCL does not work here"

case_is "no driver, as JSON"
run env OCL_ICD_VENDORS=/nonexistent "$dae_cl" doctor --json
code_is 3
python3 - "$work/out" <<'END' || problem "wrong JSON: $(head -c 2000 "$work/out")"
import json, sys
facts = json.load(open(sys.argv[1]))
assert facts["drivers"] == [] and facts["usable_devices"] == 0
assert any(f["debian"] == f["fedora"] == f["arch"] == "unset OCL_ICD_VENDORS" for f in facts["findings"])
END

case_is "bad drivers, each with what to type"
mkdir "$work/bad"
cc -shared -fPIC -Wl,-Bsymbolic -DCRASH_DEVICES -o "$work/crash.so" tests/cli/broken_driver.c -ldl
cc -shared -fPIC -Wl,-Bsymbolic -DGARBAGE -o "$work/garbage.so" tests/cli/broken_driver.c -ldl
echo 'int libsvml(void) { return 1; }' >"$work/svml.c"
echo 'int libsvml(void); int use(void) { return libsvml(); }' >"$work/use.c"
cc -shared -fPIC -o "$work/libsvml.so" "$work/svml.c"
cc -shared -fPIC -o "$work/libother.so.7" -Wl,-soname,libother.so.7 "$work/svml.c"
cc -shared -fPIC -o "$work/svml_user.so" "$work/use.c" -L"$work" -l:libsvml.so
cc -shared -fPIC -o "$work/other_user.so" "$work/use.c" -L"$work" -l:libother.so.7
rm "$work/libsvml.so" "$work/libother.so.7"
for driver in crash garbage svml_user other_user; do
    echo "$work/$driver.so" >"$work/bad/$driver.icd"
done
run env OCL_ICD_VENDORS="$work/bad" "$dae_cl" doctor
code_is 3
out_has "OpenCL does not work here: 0 of 4 drivers good, 0 of 0 devices usable"
out_has "$work/bad/crash.icd: crashes: it crashed (SIGSEGV) while listing the devices of platform 'Test platform'"
out_has "$work/bad/garbage.icd: no device: platform 'Test platform' has no device"
out_has "sudo usermod -aG render,video"
out_has "python3 -m pip install intel-cmplr-lib-rt"
out_has "sudo dnf install '*/libother.so.7'"
out_has "sudo pacman -Fy 'libother.so.7'"
out_has "apt-file search 'libother.so.7'"
out_has "sudo mv '$work/bad/crash.icd'{,.off}"
out_has "sudo apt-get install pocl-opencl-icd"
out_has "sudo dnf install pocl"
out_has "sudo pacman -S pocl"
out_lacks "all is well"

case_is "what it found is remembered"
run env OCL_ICD_VENDORS="$work/bad" "$dae_cl" devices
code_is 3
err_has "driver $work/bad/crash.icd is not used: it crashed (SIGSEGV)"

finish
