# tools/packages.sh with stand-ins for dpkg-query, apt-get, sudo and id, which show what would be done.
. "$(dirname "$0")/harness.sh"

bin=$work/bin
mkdir "$bin"
stand_in() { # NAME: from standard input
    { echo '#!/bin/bash'; cat; } >"$bin/$1"
    chmod +x "$bin/$1"
}
stand_in dpkg-query <<'END'
case " $INSTALLED " in
*" ${*: -1} "* | *" all "*) echo installed ;;
*" half "*) echo config-files ;;
*) exit 1 ;;
esac
END
stand_in apt-get <<<'echo "apt-get $*" >>"$APT_LOG"; exit ${APT_CODE:-0}'
stand_in sudo <<<'echo "sudo $*" >>"$APT_LOG"; exec "$@"'
stand_in id <<<'echo "${FAKE_ID:-0}"'
export PATH=$bin:$PATH APT_LOG=$work/apt

case_is "nothing is missing"
run env INSTALLED=all bash tools/packages.sh build test
code_is 0
out_is </dev/null
[ ! -e "$APT_LOG" ] || problem "apt-get was called"

almost="build-essential pkg-config ocl-icd-opencl-dev opencl-headers pocl-opencl-icd libclblast-dev libyaml-dev \
libpng-dev libjpeg-dev libtiff-dev libwebp-dev libopenexr-dev libarchive-dev libprotobuf-c-dev protobuf-c-compiler zlib1g-dev libcjson-dev libmd-dev \
liblapacke-dev libopenblas-dev"
case_is "NO_INSTALL prints the command to type, and fails"
run env NO_INSTALL=1 INSTALLED="$almost" bash tools/packages.sh build
code_is 1
err_is <<'END'
packages are missing; as root, type:
    apt-get install -y --no-install-recommends gnuplot-nox
END
[ ! -e "$APT_LOG" ] || problem "apt-get was called"

case_is "NO_INSTALL with nothing missing"
run env NO_INSTALL=1 INSTALLED=all bash tools/packages.sh build
code_is 0

case_is "make run stops there, too, and make test always does"
for command in "make NO_INSTALL=1 run" "make test"; do
    run env INSTALLED="$almost" $command BUILD="$BUILD"
    [ "$code" -ne 0 ] || problem "$command went on"
    err_has "apt-get install -y --no-install-recommends gnuplot-nox"
    [ ! -e "$APT_LOG" ] || problem "$command called apt-get"
done

case_is "a removed package whose settings remain is missing"
run env NO_INSTALL=1 INSTALLED=half bash tools/packages.sh build
code_is 1
err_has "build-essential pkg-config"

case_is "root installs what is missing, and it is named before"
rm -f "$APT_LOG"
run env INSTALLED="$almost" bash tools/packages.sh build test
code_is 0
out_is <<'END'
installing: gnuplot-nox abigail-tools bash-completion fish libcmocka-dev locales mandoc oclgrind python3 python3-jsonschema python3-venv python3-yaml zsh
END
[ "$(cat "$APT_LOG")" = "apt-get update
apt-get install -y --no-install-recommends gnuplot-nox abigail-tools bash-completion fish libcmocka-dev locales mandoc oclgrind python3 python3-jsonschema python3-venv python3-yaml zsh" ] || problem "$(cat "$APT_LOG")"

case_is "make deps installs what building and testing require"
rm -f "$APT_LOG"
run env -u NO_INSTALL INSTALLED="$almost" make deps
code_is 0
out_has "installing: gnuplot-nox abigail-tools bash-completion fish libcmocka-dev locales mandoc oclgrind python3 python3-jsonschema python3-venv python3-yaml zsh"

case_is "others by sudo"
rm -f "$APT_LOG"
run env FAKE_ID=1000 INSTALLED="$almost" bash tools/packages.sh build
code_is 0
grep -qx "sudo apt-get install -y --no-install-recommends gnuplot-nox" "$APT_LOG" || problem "$(cat "$APT_LOG")"

case_is "an installation that fails"
run env APT_CODE=100 INSTALLED="$almost" bash tools/packages.sh build
code_is 1
err_has "could not be installed"

case_is "no dpkg: it is said what is needed, and the build goes on"
mkdir "$work/bare"
ln -s "$(command -v bash)" "$work/bare/bash"
run env PATH="$work/bare" bash tools/packages.sh build
code_is 0
out_has "libyaml-dev"

case_is "a group that does not exist"
run bash tools/packages.sh everything
code_is 2

finish
