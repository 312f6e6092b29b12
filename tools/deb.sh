#!/usr/bin/env bash
# deb.sh ARCHIVE FOLDER: builds the Debian packages of a source archive, dae-cl-VERSION.tar.gz, in FOLDER, which is emptied
# before, and shows them to lintian, whose errors are failures.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: $0 ARCHIVE FOLDER" >&2; exit 2; }
archive=$(realpath "$1")
name=$(basename "$archive" .tar.gz)
rm -rf "$2"
mkdir -p "$2"
cd "$2"
ln "$archive" "dae-cl_${name#dae-cl-}.orig.tar.gz" 2>/dev/null || cp "$archive" "dae-cl_${name#dae-cl-}.orig.tar.gz"
tar xf "$archive"
(cd "$name" && dpkg-buildpackage -us -uc -j"${JOBS:-$(nproc)}") >build.log 2>&1 || { tail -n 40 build.log; exit 1; }
rm -rf "$name"
lintian --no-cfg --allow-root --fail-on error ./*.changes
ls ./*.deb
