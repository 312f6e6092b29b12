#!/usr/bin/env bash
# dist.sh VERSION DATE FOLDER: writes the source archive dae-cl-VERSION.tar.gz into FOLDER: the last commit of a git checkout, or,
# where there is none (an unpacked archive), all files but those that make writes. The same files give the same bytes: names
# are sorted, times are the commit's or DATE, nobody owns them, and gzip stores neither name nor time.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -eq 3 ] || { echo "usage: $0 VERSION DATE FOLDER" >&2; exit 2; }
name=dae-cl-$1
mkdir -p "$3"
archive=$3/$name.tar.gz

pack() {
    if changed=$(git status --porcelain 2>/dev/null) && [ -e .git ]; then
        [ -z "$changed" ] || echo "dist.sh: $(wc -l <<<"$changed") files are not as in the last commit, which is what the archive contains" >&2
        git archive --format=tar --prefix="$name/" HEAD -- . ':!.ci'
    else
        tar -c --sort=name --mtime="$2" --owner=0 --group=0 --numeric-owner --mode=u+rw,go=u,go-w --transform="s|^\.|$name|" \
            --exclude=./build --exclude='./build-*' --exclude=./runs --exclude=./data --exclude=./.git --exclude=./.ci \
            --exclude=__pycache__ .
    fi
}
pack "$@" | gzip -9n >"$archive.tmp"
mv "$archive.tmp" "$archive"
echo "$archive"
