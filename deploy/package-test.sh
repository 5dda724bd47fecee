#!/usr/bin/env bash
# Installs both packages for real, runs what they brought, removes and purges them, and looks for leftovers.
#
#   deploy/package-test.sh           those that lie in target/debian
#   deploy/package-test.sh FOLDER    those that lie in FOLDER
#
# Everything happens in a throw-away layer over this machine's files (overlay mount): the machine stays as it is.
# Needs root and the right to mount; says "skipped: …" and ends with 0 where it has neither.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
packages=$(realpath -m -- "${1:-$root/target/debian}")
cd "$root"

if [ "${2:-}" != inside ]; then
    [ "$(id -u)" = 0 ] || { say "skipped: installing packages needs root"; exit 0; }
    unshare --mount true 2>/dev/null || { say "skipped: this container may not mount, so packages cannot be installed aside"; exit 0; }
    exec unshare --mount --propagation private -- "${BASH_SOURCE[0]}" "$packages" inside
fi

layer=$(mktemp -d)
trap 'umount -R "$layer" 2>/dev/null; rmdir "$layer"' EXIT
mount -t tmpfs -o size=2g shaodian-package-test "$layer"
mkdir "$layer"/{upper,work,machine}
machine=$layer/machine
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$machine" 2>/dev/null ||
    { say "skipped: no overlay mounts here, so packages cannot be installed aside"; exit 0; }
mount --rbind /dev "$machine/dev"
mount -t proc proc "$machine/proc"
mount -t tmpfs tmpfs "$machine/run" # no systemd in there, whatever runs outside
mkdir "$layer/packages"
cp "$packages"/shaodian-*.deb "$layer/packages" ||
    fail "no packages lie in $packages" "deploy/package.sh makes them"
mkdir "$machine/packages"
cp "$layer"/packages/*.deb "$machine/packages/"

inside() { env -u LD_LIBRARY_PATH chroot "$machine" "$@"; }
check() { "$@" || fail "after ${step}: $* does not hold" "install $packages/*.deb by hand and look"; }

step="installing"
inside sh -c 'DEBIAN_FRONTEND=noninteractive dpkg --install /packages/*.deb' >"$layer/log" 2>&1 ||
    { cat "$layer/log"; fail "the packages do not install" "see the message above"; }
for binary in hub edge-agent; do check inside "/usr/bin/$binary" --version; done
# The libraries are those of the package, not those of the checkout.
check inside sh -c 'ldd /usr/bin/edge-agent | grep -q "libsherpa-onnx-c-api.so => /usr/bin/../lib/shaodian/"'
check inside sh -c '! ldd /usr/bin/edge-agent /usr/bin/hub | grep -q "not found"'
# Both services' users can read the configuration that came along, and it is valid.
check inside setpriv --reuid=shaodian-edge --regid=shaodian-edge --clear-groups edge-agent --config /etc/shaodian/edge.toml check
check inside setpriv --reuid=shaodian-hub --regid=shaodian-hub --clear-groups hub --config /etc/shaodian/hub.toml check
# Commands typed by hand work on the service's folder, wherever they are typed.
code=$(inside setpriv --reuid=shaodian-hub --regid=shaodian-hub --clear-groups hub --config /etc/shaodian/hub.toml device add east-gate 2>/dev/null)
check test -n "$code"
check test -f "$machine/var/lib/shaodian-hub/hub.db"
check inside sh -c 'edge-agent --config /etc/shaodian/edge.toml check | grep "data: /var/lib/shaodian-edge$" >/dev/null'
# What has Mosquitto read its new certificates came along and is a unit that systemd understands.
check inside systemd-analyze verify --man=no /lib/systemd/system/shaodian-hub-broker.path /lib/systemd/system/shaodian-hub-broker.service
for unit in shaodian-hub shaodian-edge; do
    exposure=$(inside systemd-analyze security --offline=true "$unit.service" 2>/dev/null | sed -n 's/^→ Overall exposure level.*: \([0-9.]*\) .*/\1/p')
    say "$unit.service: systemd-analyze security says $exposure (0 best, 10 worst)"
    check awk -v exposure="$exposure" 'BEGIN {exit !(exposure != "" && exposure <= 2.0)}'
done

step="removing"
inside dpkg --remove shaodian-hub shaodian-edge >/dev/null 2>&1
check test ! -e "$machine/usr/bin/hub"
check test ! -e "$machine/usr/lib/shaodian"
check test -d "$machine/var/lib/shaodian-hub"
step="purging"
inside dpkg --purge shaodian-hub shaodian-edge >/dev/null 2>&1
for leftover in var/lib/shaodian-hub var/lib/shaodian-edge etc/shaodian; do check test ! -e "$machine/$leftover"; done
check inside sh -c '! getent passwd shaodian-hub shaodian-edge'
say "packages install, run, are removed and purged"
