#!/usr/bin/env bash
# deb.sh FOLDER: installs the Debian packages of FOLDER into a new, bare Debian 12 and runs debian/tests/first-steps there, as
# root. The system is made by debootstrap in a temporary folder, and removed afterwards.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "deb.sh: error: only root can make a system of its own" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "deb.sh: error: debootstrap is missing; as root, type: apt-get install debootstrap" >&2; exit 1; }
packages=("$1"/*_*.deb)
[ -e "${packages[0]}" ] || { echo "deb.sh: error: $1 has no packages; make deb writes them" >&2; exit 1; }

root=$(mktemp -d)
chmod 755 "$root" # apt and man drop root's rights
remove() {
    local folder
    for folder in dev sys proc; do
        ! mountpoint -q "$root/$folder" || umount "$root/$folder"
    done
    # Never into a folder of this machine that is still mounted there.
    rm -rf --one-file-system "$root"
}
trap remove EXIT

debootstrap --variant=minbase bookworm "$root" "${MIRROR:-http://deb.debian.org/debian}" >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log"; rm -f "$root.log"; exit 1; }
rm -f "$root.log"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --bind /dev "$root/dev"
cp debian/tests/first-steps "$root/tmp"
mkdir "$root/tmp/packages"
for package in "${packages[@]}"; do
    [[ $package == *-dbgsym_* ]] || cp "$package" "$root/tmp/packages"
done
needed=$(sed -n 's/^Depends: //p' debian/tests/control | tr , '\n' | grep -v dae | xargs) # by first-steps
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # nothing is started
chmod 755 "$root/usr/sbin/policy-rc.d"
chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive bash -c "
    set -e
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends /tmp/packages/*.deb $needed >/dev/null
    /tmp/first-steps
    apt-get purge -y -qq dae-cl libdae1 libdae-dev python3-dae-cl >/dev/null
    [ -z \"\$(find / -xdev -path '*dae-cl*' ! -path '/tmp/*' ! -path '/var/*' -print -quit)\" ]"
echo "the packages install, work and are purged"
