# Broken OpenCL set-ups: each gives a clear report within ten seconds. Alone it ends with exit code 3; next to a good driver,
# the good one is used. The faulty drivers are built here from broken_driver.c.
. "$(dirname "$0")/harness.sh"

limit=10 # seconds; a bound on hanging, not on speed
unset OCL_ICD_VENDORS OPENCL_VENDOR_PATH
export DAE_CL_CACHE_DIR=$work/cache
export POCL_CACHE_DIR=$work/compiled # the good driver's probe is compiled once, not for each of a hundred commands
export ASAN_OPTIONS=detect_leaks=0 # caches are new here, and PoCL's compiler leaks when it compiles

good=$(ls /etc/OpenCL/vendors/pocl*.icd 2>/dev/null | head -n 1)
if [ -z "$good" ]; then
    case_is "broken drivers"
    skip "PoCL is not installed in /etc/OpenCL/vendors"
    finish
fi

build() { # MACRO: the driver $work/MACRO.so
    cc -shared -fPIC -Wl,-Bsymbolic -D"$1" -o "$work/$1.so" tests/cli/broken_driver.c -ldl 2>"$work/log" ||
        problem "cannot build the driver $1: $(head -n 3 "$work/log")"
}

in_time() {
    [ "$code" -ne 124 ] || problem "did not end within $limit s"
}

# Creates $work/alone-NAME with the file from standard input, and $work/beside-NAME with PoCL's in addition.
set_up() { # NAME
    mkdir -p "$work/alone-$1" "$work/beside-$1"
    tee "$work/alone-$1/bad.icd" >"$work/beside-$1/bad.icd"
    cp "$good" "$work/beside-$1/good.icd"
}

# Runs both set-ups and checks what each says about the driver.
reports() { # NAME TEXT
    run env OCL_ICD_VENDORS="$work/alone-$1" timeout $limit "$dae_cl" devices
    in_time
    code_is 3
    out_lacks "Portable Computing Language"
    err_has "dae-cl: error: no usable OpenCL platform"
    err_has "driver $work/alone-$1/bad.icd is not used: $2"
    run env OCL_ICD_VENDORS="$work/beside-$1" timeout $limit "$dae_cl" devices
    in_time
    code_is 0
    out_has "Portable Computing Language"
    err_has "driver $work/beside-$1/bad.icd is not used: $2"
    [ "$(wc -l <"$work/err")" -eq 1 ] || problem "more than the one line: $(head -c 600 "$work/err")"
}

# ---- Nothing there. -------------------------------------------------------------------------------------------------
case_is "no folder"
run env OCL_ICD_VENDORS="$work/none" timeout $limit "$dae_cl" devices
code_is 3
err_has "no OpenCL platform: $work/none: No such file or directory (named by OCL_ICD_VENDORS); install one"

case_is "an empty folder"
mkdir "$work/empty"
run env OCL_ICD_VENDORS="$work/empty" timeout $limit "$dae_cl" devices
code_is 3
err_has "the folder $work/empty contains no .icd file (named by OCL_ICD_VENDORS)"

case_is "an empty folder, in the loader's other variable"
run env OPENCL_VENDOR_PATH="$work/empty" timeout $limit "$dae_cl" devices
code_is 3
err_has "the folder $work/empty contains no .icd file (named by OPENCL_VENDOR_PATH)"

case_is "a text file in the place of a library"
echo "some text, and no library" >"$work/text"
run env OCL_ICD_VENDORS="$work/text" timeout $limit "$dae_cl" devices
code_is 3
err_has "driver $work/text is not used: its library $work/text: it is not a library (not an ELF file)"

# ---- Files that name no driver. -------------------------------------------------------------------------------------
case_is "a file full of garbage"
printf '\x7fA\x01\x02 garbage \xff\xfe!' | set_up garbage
reports garbage "it is not an .icd file: its first line is not the name of a library"

case_is "an empty file"
set_up empty </dev/null
reports empty "it names no library: its first line is empty"

case_is "a folder named like a file"
mkdir -p "$work/alone-folder/bad.icd" "$work/beside-folder/bad.icd"
cp "$good" "$work/beside-folder/good.icd"
reports folder "it is a folder, not a file"

case_is "a line that ends like DOS's"
sed 's/$/\r/' "$good" | set_up dos
reports dos "its first line ends with a blank or a carriage return"

case_is "a missing library"
echo "$work/none.so" | set_up missing
reports missing "its library $work/none.so: there is no such file"

case_is "a missing library, without its folder"
echo libnothing-of-that-name.so.1 | set_up unknown
reports unknown "libnothing-of-that-name.so.1: cannot open shared object file: No such file or directory"

case_is "a missing dependency"
printf 'int libdependency(void) { return 1; }\n' >"$work/dependency.c"
printf 'int libdependency(void); int use(void) { return libdependency(); }\n' >"$work/dependent.c"
cc -shared -fPIC -o "$work/libsvml.so" "$work/dependency.c" &&
    cc -shared -fPIC -o "$work/dependent.so" "$work/dependent.c" -L"$work" -l:libsvml.so
rm -f "$work/libsvml.so"
echo "$work/dependent.so" | set_up dependency
reports dependency "libsvml.so: cannot open shared object file: No such file or directory"

case_is "a library of another kind of machine"
build NO_DEVICE
python3 - "$work/NO_DEVICE.so" "$work/foreign.so" <<'END'
import sys
library = bytearray(open(sys.argv[1], "rb").read())
library[18] ^= 0x40 # e_machine
open(sys.argv[2], "wb").write(library)
END
echo "$work/foreign.so" | set_up foreign
reports foreign "its library $work/foreign.so: it was built for another kind of machine"

case_is "a library cut short"
head -c 5000 "$work/NO_DEVICE.so" >"$work/cut.so"
echo "$work/cut.so" | set_up cut
reports cut "its library $work/cut.so: it is truncated"

case_is "a library that is no driver"
echo "$work/ordinary.so" | set_up ordinary
cc -shared -fPIC -o "$work/ordinary.so" "$work/dependency.c"
reports ordinary "its library loads, but the loader gets no platform from it"

# ---- Drivers that go wrong. -----------------------------------------------------------------------------------------
goes_wrong() { # MACRO TEXT
    build "$1"
    echo "$work/$1.so" | set_up "$1"
    reports "$1" "$2"
}
case_is "a driver that crashes when it is loaded"
goes_wrong CRASH_LOAD "it crashed (SIGSEGV) while loading its library"
case_is "a driver that exits when it is loaded"
goes_wrong EXIT_LOAD "it ended the program (exit status 0) while loading its library"
case_is "a driver that hangs when it is loaded"
goes_wrong HANG_LOAD "it hung (no progress in 6 s) while loading its library"
case_is "a driver that crashes when it lists its platforms"
goes_wrong CRASH_PLATFORMS "it crashed (SIGSEGV) while listing its platforms"
case_is "a driver that hangs when it lists its platforms"
goes_wrong HANG_PLATFORMS "it hung (no progress in 6 s) while listing its platforms"
case_is "a driver without a platform"
goes_wrong NO_PLATFORM "its library loads, but the loader gets no platform from it"
case_is "a driver that crashes when it lists its devices"
goes_wrong CRASH_DEVICES "it crashed (SIGSEGV) while listing the devices of platform 'Test platform'"
case_is "a driver that exits when it lists its devices"
goes_wrong EXIT_DEVICES "it ended the program (exit status 0) while listing the devices of platform 'Test platform'"
case_is "a platform without a device"
goes_wrong NO_DEVICE "platform 'Test platform' has no device (clGetDeviceIDs: CL_DEVICE_NOT_FOUND (-1))"
case_is "a driver that crashes when it is asked about its device"
goes_wrong CRASH_QUERY "it crashed (SIGSEGV) while asking platform 'Test platform' what its devices can do"
case_is "a driver that crashes when it is used"
goes_wrong CRASH_CONTEXT "it crashed (SIGSEGV) while opening device 'OpenCL 1.2 test'"
case_is "a driver that prints garbage"
goes_wrong GARBAGE "platform 'Test platform' has no device"
err_lacks "all is well"

case_is "a device that answers nonsense"
build ODD
echo "$work/ODD.so" | set_up ODD
run env OCL_ICD_VENDORS="$work/alone-ODD" timeout $limit "$dae_cl" devices
code_is 3
err_has "not usable: it is older than OpenCL 1.2"
run env OCL_ICD_VENDORS="$work/beside-ODD" timeout 60 "$dae_cl" run tests/cli/small.yaml --out "$work/odd"
code_is 0
err_has "device '' on 'Test platform' is not used: it is older than OpenCL 1.2"
err_has "device: CPU '"

# The wrong device is a good one that gets a wrong kernel.
case_is "a device that computes wrong numbers"
mkdir "$work/wrong" "$work/unbuilt"
sed 's/+ 1.0f/+ 1.5f/' kernels/probe.cl >"$work/wrong/probe.cl"
! cmp -s kernels/probe.cl "$work/wrong/probe.cl" || problem "the kernel is as it was"
run env DAE_CL_KERNELS="$work/wrong" timeout $limit "$dae_cl" devices
code_is 3
err_has "not usable: it computes wrong numbers: 49.5, but 49 is right"

case_is "a device that cannot compile"
sed 's/barrier(/no_such_function(/' kernels/probe.cl >"$work/unbuilt/probe.cl"
run env DAE_CL_KERNELS="$work/unbuilt" timeout $limit "$dae_cl" devices
code_is 3
err_has "not usable: clBuildProgram failed: probe: CL_BUILD_PROGRAM_FAILURE (-11)"
err_lacks "warning"
[ "$(grep -c . "$work/err")" -eq 2 ] || problem "the compiler's own words are on the terminal: $(cat "$work/err")"

case_is "a run beside a bad driver"
run env OCL_ICD_VENDORS="$work/beside-CRASH_QUERY" timeout 60 "$dae_cl" run tests/cli/small.yaml --out "$work/run"
code_is 0
err_has "driver $work/beside-CRASH_QUERY/bad.icd is not used: it crashed (SIGSEGV)"
err_has "device: CPU '"

case_is "a run on nothing but a bad driver"
run env OCL_ICD_VENDORS="$work/alone-CRASH_QUERY" "$dae_cl" run tests/cli/small.yaml --out "$work/no_run" --platform test
code_is 3
err_has "platform 'test': no OpenCL device of that name; no usable OpenCL platform"
err_has "driver $work/alone-CRASH_QUERY/bad.icd is not used: it crashed (SIGSEGV)"
[ ! -e "$work/no_run" ] || problem "the folder was made"

case_is "a library that two files name"
cat "$good" | set_up twice
run env OCL_ICD_VENDORS="$work/beside-twice" "$dae_cl" devices
code_is 0
err_is </dev/null
[ "$(grep -c "^Portable" "$work/out")" -eq 1 ] || problem "listed more than once: $(cat "$work/out")"

case_is "a platform that vanishes between probe and use"
build VANISH
echo "$work/VANISH.so" | set_up VANISH
export GONE=$work/gone REAL_DRIVER
REAL_DRIVER=$("$dae_cl" doctor --json 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["drivers"][0]["library"])')
run env OCL_ICD_VENDORS="$work/alone-VANISH" timeout $limit "$dae_cl" run tests/cli/small.yaml --out "$work/no_run"
code_is 3
err_has "not usable: it existed when its driver was probed, but has vanished"
[ ! -e "$work/no_run" ] || problem "the folder was made"
run env OCL_ICD_VENDORS="$work/alone-VANISH" timeout $limit "$dae_cl" devices
code_is 3
err_has "driver $work/alone-VANISH/bad.icd is not used: its library loads, but the loader gets no platform from it"
rm "$GONE"

# ---- What is remembered. --------------------------------------------------------------------------------------------
memos() {
    ls "$DAE_CL_CACHE_DIR"/probe-* 2>/dev/null | wc -l
}
case_is "a probe is remembered, until its environment, its file or its library changes"
rm -rf "$DAE_CL_CACHE_DIR"
mkdir "$work/memo"
cp "$good" "$work/memo/a.icd"
run env OCL_ICD_VENDORS="$work/memo" "$dae_cl" devices
[ "$(memos)" -eq 1 ] || problem "not remembered"
stamp=$(sha256sum "$DAE_CL_CACHE_DIR"/probe-*)
run env OCL_ICD_VENDORS="$work/memo" "$dae_cl" devices
[ "$stamp" = "$(sha256sum "$DAE_CL_CACHE_DIR"/probe-*)" ] || problem "probed again, though nothing has changed"
run env OCL_ICD_VENDORS="$work/memo" POCL_MAX_PTHREAD_COUNT=1 "$dae_cl" devices
[ "$(memos)" -eq 2 ] || problem "not probed for another environment"
echo "$REAL_DRIVER" >"$work/memo/a.icd"
run env OCL_ICD_VENDORS="$work/memo" "$dae_cl" devices
[ "$(memos)" -eq 3 ] || problem "not probed for another content"

case_is "a driver that is mended is taken at once"
cp "$work/CRASH_LOAD.so" "$work/mended.so"
echo "$work/mended.so" | set_up mended
run env OCL_ICD_VENDORS="$work/alone-mended" "$dae_cl" devices
code_is 3
err_has "crashed (SIGSEGV)"
build VANISH
cp "$work/VANISH.so" "$work/mended.so"
run env OCL_ICD_VENDORS="$work/alone-mended" GONE="$work/nowhere/gone" "$dae_cl" devices
code_is 0
out_has "Portable Computing Language"

case_is "a good driver that turns bad is not loaded"
cp "$work/CRASH_LOAD.so" "$work/mended.so"
run env OCL_ICD_VENDORS="$work/alone-mended" GONE="$work/nowhere/gone" "$dae_cl" devices
code_is 3
err_has "crashed (SIGSEGV) while loading its library"

case_is "a good driver that turns bad by a library that it needs"
cc -shared -fPIC -o "$work/libneeded.so" "$work/dependency.c"
cc -shared -fPIC -Wl,-Bsymbolic -DVANISH -o "$work/needing.so" tests/cli/broken_driver.c -ldl \
    -Wl,--no-as-needed -L"$work" -l:libneeded.so -Wl,-rpath,"$work"
echo "$work/needing.so" | set_up needing
run env OCL_ICD_VENDORS="$work/alone-needing" GONE="$work/nowhere/gone" "$dae_cl" devices
code_is 0
cp "$work/CRASH_LOAD.so" "$work/libneeded.so"
run env OCL_ICD_VENDORS="$work/alone-needing" GONE="$work/nowhere/gone" "$dae_cl" devices
code_is 3
err_has "crashed (SIGSEGV) while loading its library"

# Writes a memo with other content and a valid seal, which shows whether the program trusts it.
forge() { # KEY VALUE
    python3 - "$(grep -l SIGSEGV "$DAE_CL_CACHE_DIR"/probe-*)" "$1" "$2" <<'END'
import hashlib, json, sys
path, key, value = sys.argv[1:]
memo = json.load(open(path))
memo["value"]["fault"] = "forged"
if key == "time":
    memo["value"]["time"] += int(value)
elif key:
    memo["value"][key] = value
text = json.dumps(memo["value"], separators=(",", ":"), ensure_ascii=False)
memo["sha256"] = hashlib.sha256((memo["key"] + "\0" + text).encode()).hexdigest()
json.dump(memo, open(path, "w"))
END
}
believed() { # yes|no KEY VALUE
    rm -rf "$DAE_CL_CACHE_DIR"
    run env OCL_ICD_VENDORS="$work/beside-CRASH_LOAD" "$dae_cl" devices
    forge "$2" "$3"
    run env OCL_ICD_VENDORS="$work/beside-CRASH_LOAD" "$dae_cl" devices
    code_is 0
    if [ "$1" = yes ]; then
        err_has "is not used: forged"
    else
        err_has "is not used: it crashed (SIGSEGV)"
    fi
}
case_is "a bad verdict is believed for an hour, within one boot"
believed yes '' ''
believed yes time -3000
believed no time -3700
believed no time 3600
believed no boot another

case_is "before exit status 3 a remembered refusal is probed once more"
rm -rf "$DAE_CL_CACHE_DIR"
export FAULT=$work/fault
build PASSING
echo "$work/PASSING.so" | set_up PASSING
echo crash >"$FAULT"
run env OCL_ICD_VENDORS="$work/alone-PASSING" "$dae_cl" devices
code_is 3
[ "$(memos)" -eq 1 ] || problem "a crash is not remembered"
rm "$FAULT"
run env OCL_ICD_VENDORS="$work/alone-PASSING" "$dae_cl" devices
code_is 0
echo crash >"$FAULT"
rm -rf "$DAE_CL_CACHE_DIR"
run env OCL_ICD_VENDORS="$work/beside-PASSING" "$dae_cl" devices
rm "$FAULT"
run env OCL_ICD_VENDORS="$work/beside-PASSING" "$dae_cl" devices
code_is 0
err_has "bad.icd is not used: it crashed (SIGSEGV)" # what is there does, so the memo counts
run env OCL_ICD_VENDORS="$work/beside-PASSING" "$dae_cl" verify tests/cli/small.yaml --platform portable:1 --json
code_is 0
err_lacks "is not used"

case_is "a probe that failed for want of memory or time is not remembered"
for fault in memory kill hang; do
    rm -rf "$DAE_CL_CACHE_DIR"
    echo "$fault" >"$FAULT"
    run env OCL_ICD_VENDORS="$work/beside-PASSING" timeout $limit "$dae_cl" devices
    code_is 0
    err_has "bad.icd is not used: it "
    rm "$FAULT"
    run env OCL_ICD_VENDORS="$work/beside-PASSING" timeout $limit "$dae_cl" devices
    code_is 0
    err_lacks "is not used"
done

case_is "a probe in a small address space is not remembered"
rm -rf "$DAE_CL_CACHE_DIR"
for space in 250000 400000 600000; do
    run bash -c "ulimit -v $space; OCL_ICD_VENDORS='$work/beside-PASSING' exec timeout $limit '$dae_cl' devices"
done
run env OCL_ICD_VENDORS="$work/beside-PASSING" timeout $limit "$dae_cl" devices
code_is 0
err_lacks "is not used"
[ "$(grep -c "^Portable" "$work/out")" -eq 2 ] || problem "not both: $(cat "$work/out")"

case_is "a damaged memo counts for nothing"
rm -rf "$DAE_CL_CACHE_DIR"
run env OCL_ICD_VENDORS="$work/beside-CRASH_LOAD" "$dae_cl" devices
for memo in "$DAE_CL_CACHE_DIR"/probe-*; do
    sed -i 's/"verdict":.*4/"verdict": 0/' "$memo"
done
run env OCL_ICD_VENDORS="$work/beside-CRASH_LOAD" "$dae_cl" devices
code_is 0
err_has "bad.icd is not used: it crashed (SIGSEGV) while loading its library"

# ---- The kernel cache. ----------------------------------------------------------------------------------------------
unset POCL_CACHE_DIR
few_kernels=(--set 'model.layers=[{conv2d: {filters: 1, kernel: 1}}]') # each is compiled often
small_run() { # FOLDER [VARIABLE=VALUE]...
    local out=$1
    shift
    run env "$@" TMPDIR="$work" "$dae_cl" run tests/cli/small.yaml "${few_kernels[@]}" --out "$out"
}
fallback=$work/dae-cl-$(id -u)/

case_is "kernels are kept in a private folder, and stay there"
small_run "$work/run-a"
code_is 0
[ "$(stat -c %a "$DAE_CL_CACHE_DIR/pocl")" = 700 ] || problem "mode $(stat -c %a "$DAE_CL_CACHE_DIR/pocl")"
before=$(find "$DAE_CL_CACHE_DIR/pocl" -name '*.so' | sort)
[ -n "$before" ] || problem "no kernels in $DAE_CL_CACHE_DIR/pocl"
small_run "$work/run-b"
[ "$before" = "$(find "$DAE_CL_CACHE_DIR/pocl" -name '*.so' | sort)" ] || problem "compiled again"

case_is "the user's folder for kernels is used"
small_run "$work/run-c" POCL_CACHE_DIR="$work/mine"
code_is 0
err_lacks "kernel cache"
[ -n "$(find "$work/mine" -name '*.so')" ] || problem "no kernels there"

case_is "a folder for kernels that others can write to"
mkdir -m 777 "$work/open"
chmod 777 "$work/open"
small_run "$work/run-d" POCL_CACHE_DIR="$work/open"
code_is 0
err_has "kernel cache: cannot use $work/open: other users may write to it (mode 0777); kernels are kept in ${fallback%/}"
[ -z "$(ls -A "$work/open")" ] || problem "it was used"
run env TMPDIR="$work" POCL_CACHE_DIR="$work/open" "$dae_cl" doctor
code_is 0
out_has "chmod go-w '$work/open'"

case_is "a folder for kernels of somebody else"
mkdir "$work/theirs"
if chown 65534 "$work/theirs" 2>/dev/null; then
    small_run "$work/run-e" POCL_CACHE_DIR="$work/theirs"
    code_is 0
    err_has "kernel cache: cannot use $work/theirs: it belongs to user 65534; kernels are kept in ${fallback%/}"
else
    skip "only root can give a folder away"
fi

case_is "a folder for kernels that cannot be made"
echo file >"$work/file"
small_run "$work/run-f" POCL_CACHE_DIR="$work/file/cache"
code_is 0
err_has "kernel cache: cannot use $work/file/cache: it cannot be created (Not a directory); kernels are kept in ${fallback%/}"

case_is "no folder to remember anything in"
small_run "$work/run-g" -u HOME -u DAE_CL_CACHE_DIR -u XDG_CACHE_HOME
code_is 0
err_has "kernel cache: there is no folder for the cache"
err_has "kernels are kept in ${fallback%/}"

case_is "a planted link in the place of the last resort"
mkdir "$work/tmp" "$work/trap"
ln -s "$work/trap" "$work/tmp/dae-cl-$(id -u)"
run env TMPDIR="$work/tmp" POCL_CACHE_DIR="$work/file/cache" "$dae_cl" devices
[ -z "$(ls -A "$work/trap")" ] || problem "the link was followed"
err_has "there is no other place for it"

case_is "a folder for kernels that cannot be written"
if [ "$(id -u)" -ne 0 ]; then
    mkdir -m 555 "$work/read_only"
    small_run "$work/run-h" POCL_CACHE_DIR="$work/read_only"
    code_is 0
    err_has "kernel cache: cannot use $work/read_only: no file can be created there (Permission denied)"
elif ! command -v setpriv >/dev/null; then
    skip "root may write everywhere, and there is no setpriv"
elif ! setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$dae_cl" 2>/dev/null; then
    skip "nobody else may run $dae_cl"
else
    nobody=$(mktemp -d /tmp/dae-cl-nobody-XXXXXX) # where everybody may pass
    trap 'rm -rf "$work" "$nobody"' EXIT
    mkdir -m 555 "$nobody/read_only"
    chown -R 65534 "$nobody"
    run env TMPDIR="$nobody" HOME="$nobody" DAE_CL_CACHE_DIR="$nobody/memos" POCL_CACHE_DIR="$nobody/read_only" \
        setpriv --reuid=65534 --regid=65534 --clear-groups \
        timeout 60 "$dae_cl" run tests/cli/small.yaml "${few_kernels[@]}" --out "$nobody/run"
    code_is 0
    err_has "kernel cache: cannot use $nobody/read_only: no file can be created there (Permission denied)"
    err_has "kernels are kept in $nobody/dae-cl-65534"
fi

case_is "a folder for kernels from which no program can be run"
no_programs=$(awk '$2 !~ /^\/(proc|sys)/ && $3 == "tmpfs" && $4 ~ /(^|,)rw/ && $4 ~ /(^|,)noexec/ { print $2; exit }' /proc/mounts)
if [ -z "$no_programs" ] || ! mkdir "$no_programs/dae-cl-test-$$" 2>/dev/null; then
    skip "there is no place mounted noexec that can be written"
else
    small_run "$work/run-i" POCL_CACHE_DIR="$no_programs/dae-cl-test-$$"
    code_is 0
    err_has "kernel cache: cannot use $no_programs/dae-cl-test-$$: no program can be run from there"
    rm -rf "$no_programs/dae-cl-test-$$"
fi

# Each way of damaging a file of the cache: what is left of it.
emptied() { : >"$1"; }
cut() { truncate -s 100 "$1"; }
overwritten() { head -c "$(stat -c %s "$1")" /dev/urandom >"$work/noise" && cat "$work/noise" >"$1"; }
scrambled() { # keeps the head, which looks as it should
    python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.seek(600); f.write(bytes(range(1, 256)) * 60)' "$1"
}
# Every turn damages what the one before has compiled again.
rm -rf "$DAE_CL_CACHE_DIR"
small_run "$work/run-sound"
for way in emptied cut overwritten scrambled; do
    for kind in so bc; do
        case_is "a kernel cache whose .$kind files are $way costs a line, and they are compiled again"
        find "$DAE_CL_CACHE_DIR/pocl" -name "*.$kind" >"$work/files"
        [ -s "$work/files" ] || problem "there are none"
        while read -r file; do
            "$way" "$file"
        done <"$work/files"
        small_run "$work/run-$way-$kind"
        code_is 0
        [ "$(grep -c "^kernel cache: [0-9]* damaged programs were removed; they are compiled again" "$work/err")" -eq 1 ] ||
            problem "$(cat "$work/err")"
        small_run "$work/run-$way-$kind-again"
        code_is 0
        err_lacks "kernel cache"
    done
done

case_is "what another process puts in the place of a file is no damage"
file=$(find "$DAE_CL_CACHE_DIR/pocl" -name "*.so" | head -n 1)
cp -p "$file" "$file.new" && strip "$file.new" 2>/dev/null
mv "$file.new" "$file"
small_run "$work/run-moved"
code_is 0
err_lacks "kernel cache"

finish
