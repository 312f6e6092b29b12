# Which device is used, and the message if there is none (exit code 3).
. "$(dirname "$0")/harness.sh"

case_is "the list"
run "$dae_cl" devices
code_is 0
err_is </dev/null
out_has "platform  "
out_has "without --platform, device: "

case_is "the list as JSON"
run "$dae_cl" devices --json
code_is 0
python3 - "$work/out" <<'END' || problem "wrong JSON"
import json, sys
devices = json.load(open(sys.argv[1]))["devices"]
assert devices and all(d["type"] in ("CPU", "GPU", "other") and d["memory_bytes"] > 0 for d in devices)
assert any(d["usable"] and d["reason"] == "" for d in devices)
END
device_name=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["devices"][0]["name"])' "$work/out")

# No platform at all; drivers.sh has the other ways.
case_is "no platform"
run env OCL_ICD_VENDORS=/nonexistent "$dae_cl" devices
code_is 3
out_is </dev/null
err_is <<'END'
dae-cl: error: no OpenCL platform: /nonexistent: No such file or directory (named by OCL_ICD_VENDORS); install one, on Debian or Ubuntu: apt-get install pocl-opencl-icd
END

case_is "no platform, as JSON"
run env OCL_ICD_VENDORS=/nonexistent "$dae_cl" devices --json
code_is 3
[ "$(tr -d ' \t\n' <"$work/out")" = '{"devices":[]}' ] || problem "$(cat "$work/out")"

case_is "no platform, in a run"
run env OCL_ICD_VENDORS=/nonexistent "$dae_cl" run tests/cli/small.yaml --out "$work/run"
code_is 3
err_has "apt-get install pocl-opencl-icd"
[ ! -e "$work/run" ] || problem "the folder was made"

# A platform without a device; these are PoCL's settings.
if "$dae_cl" devices --json | grep -q 'Portable Computing Language'; then
    pocl=$work/pocl
    mkdir "$pocl"
    cp /etc/OpenCL/vendors/pocl*.icd "$pocl" 2>/dev/null
    case_is "a platform without a device"
    run env OCL_ICD_VENDORS="$pocl" POCL_DEVICES=bogus "$dae_cl" devices
    code_is 3
    err_has "platform 'Portable Computing Language' has no device"
    err_has "a cache folder that it cannot create"
else
    case_is "a platform without a device"
    skip "PoCL is not installed"
fi

# What --platform, the environment and the config mean, and which of them comes first.
used() { # NAME: exit status 3 that names the words of the winner
    code_is 3
    err_has "platform '$1': no OpenCL device of that name"
    err_has "note: '$1' comes from $2"
    err_has "note: found: "
    [ ! -e "$work/run" ] || problem "the folder was made"
}
case_is "a platform that does not exist, by --platform"
run env DAE_CL_PLATFORM=second "$dae_cl" run tests/cli/small.yaml --out "$work/run" --set device=third --platform first
used first --platform
case_is "a platform that does not exist, by the environment"
run env DAE_CL_PLATFORM=second "$dae_cl" run tests/cli/small.yaml --out "$work/run" --set device=third
used second '$DAE_CL_PLATFORM'
case_is "a platform that does not exist, by the config"
run "$dae_cl" run tests/cli/small.yaml --out "$work/run" --set device=third
used third 'the config'
case_is "a platform that does not exist, by a map in the config"
run "$dae_cl" run tests/cli/small.yaml --out "$work/run" --set 'device={platform: third}'
used third 'the config'

case_is "a device number that does not exist"
run "$dae_cl" run tests/cli/small.yaml --out "$work/run" --platform "$device_name:999"
code_is 3
err_has "only "

case_is "a device number that is none"
run "$dae_cl" run tests/cli/small.yaml --out "$work/run" --platform cpu:x
code_is 2
err_has "write NAME or NAME:N"

case_is "a device number that is too large to be one"
run "$dae_cl" run tests/cli/small.yaml --out "$work/run" --platform cpu:99999999999999999999
code_is 2
err_has "write NAME or NAME:N"

# Two drivers with the same names: both are real, one has another path.
library=$("$dae_cl" doctor --json 2>/dev/null | python3 -c '
import json, sys
drivers = json.load(sys.stdin)["drivers"]
print(next((d["library"] for d in drivers if d["devices"] and d["verdict"] == "good"), ""))')
case_is "two names for one device"
if [ -z "$library" ]; then
    skip "no driver's library is known"
else
    mkdir "$work/two"
    echo "$library" >"$work/two/a.icd"
    echo "${library%/*}/./${library##*/}" >"$work/two/b.icd"
    run env OCL_ICD_VENDORS="$work/two" "$dae_cl" devices --json
    code_is 0
    python3 - "$work/out" <<'END' || problem "listed twice: $(cat "$work/out")"
import json, sys
names = [(d["platform"], d["name"]) for d in json.load(open(sys.argv[1]))["devices"]]
assert len(names) == len(set(names)) and names
END
fi

finish
