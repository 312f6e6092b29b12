#!/usr/bin/env bash
# mnist.sh DIR: fetches the four files of MNIST (about 11 MB) into DIR, normally ./data/mnist. Files that are there and
# whole are kept. What arrives is checked by the SHA-256 of its unpacked content before it gets its name.
set -euo pipefail

mirrors=(
    https://ossci-datasets.s3.amazonaws.com/mnist
    https://storage.googleapis.com/cvdf-datasets/mnist
)
sums=(
    train-images-idx3-ubyte=ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
    train-labels-idx1-ubyte=65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
    t10k-images-idx3-ubyte=0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
    t10k-labels-idx1-ubyte=ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2
)

if [ $# -ne 1 ] || [ -z "$1" ]; then
    echo "usage: $0 DIR" >&2
    exit 2
fi
dir=$1

fail() {
    echo "mnist.sh: error: $1" >&2
    exit 1
}

# Without network the files can come by other ways.
give_up() {
    cat >&2 <<END
mnist.sh: error: $1
Without network access, either copy these files, with or without .gz, from another machine into $dir:
    train-images-idx3-ubyte.gz  train-labels-idx1-ubyte.gz
    t10k-images-idx3-ubyte.gz   t10k-labels-idx1-ubyte.gz
or write "fallback: digits" into the data section of the config and train on generated digits.
END
    exit 1
}

if command -v curl >/dev/null; then
    download() {
        curl --fail --silent --show-error --location --retry 2 --connect-timeout 20 --max-time 600 -o "$2" "$1"
    }
elif command -v wget >/dev/null; then
    download() { wget --quiet --tries=3 --timeout=20 -O "$2" "$1"; }
else
    download() { return 127; }
    downloader_missing=yes
fi
if command -v sha256sum >/dev/null; then
    sha256() { sha256sum | cut -d' ' -f1; }
elif command -v shasum >/dev/null; then
    sha256() { shasum -a 256 | cut -d' ' -f1; }
else
    fail "neither sha256sum nor shasum is installed"
fi

# Whether the gzip file $1 unpacks to content with the sum $2.
is_whole() {
    local actual
    actual=$(gzip -dc <"$1" 2>/dev/null | sha256) && [ "$actual" = "$2" ]
}

mkdir -p "$dir" || fail "cannot create $dir"
temporary=$dir/.mnist.tmp.$$
trap 'rm -f "$temporary"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fetch() {
    local name=$1 sum=$2 mirror
    for mirror in "${mirrors[@]}"; do
        echo "fetching $mirror/$name.gz"
        if ! download "$mirror/$name.gz" "$temporary"; then
            echo "mnist.sh: $mirror did not deliver $name.gz" >&2
        elif ! is_whole "$temporary" "$sum"; then
            echo "mnist.sh: $mirror delivered a $name.gz that is not MNIST's (SHA-256 differs)" >&2
        else
            chmod 644 "$temporary"
            mv -f "$temporary" "$dir/$name.gz" || fail "cannot write $dir/$name.gz"
            return
        fi
        rm -f "$temporary"
    done
    give_up "could not fetch $name.gz"
}

for entry in "${sums[@]}"; do
    name=${entry%%=*} sum=${entry#*=}
    if [ -f "$dir/$name" ] && [ "$(sha256 <"$dir/$name")" = "$sum" ]; then
        continue
    fi
    if [ -f "$dir/$name" ]; then
        fail "$dir/$name is damaged (SHA-256 differs); remove it and run this again"
    fi
    if [ -f "$dir/$name.gz" ] && is_whole "$dir/$name.gz" "$sum"; then
        continue
    fi
    if [ -n "${downloader_missing:-}" ]; then
        give_up "neither curl nor wget is installed"
    fi
    fetch "$name" "$sum"
done
echo "MNIST is in $dir"
