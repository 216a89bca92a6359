#!/usr/bin/env bash
# Fetches Debian's containerd, runc and CNI plugins for the lab's node, and
# busybox for its images, into DIRECTORY, without installing them: a machine that
# has others keeps those, and no service starts. The lab fetches them anew when
# this file changes.
set -euo pipefail

directory=$(realpath "${1:?usage: node-programs.sh DIRECTORY}")
cd "$(dirname "$0")/.."
packages=(containerd runc containernetworking-plugins busybox-static)
programs=(
    bin/busybox
    usr/bin/containerd usr/bin/containerd-shim-runc-v2 usr/bin/ctr
    usr/sbin/runc
    usr/lib/cni/bridge usr/lib/cni/host-local usr/lib/cni/loopback
)

hack/as-root.sh apt-get update -qq

part=$(mktemp --directory)
trap 'rm -rf "$part"' EXIT
chmod 0755 "$part"
if [ "$(id -u)" -eq 0 ]; then
    chown _apt "$part" # as which apt fetches for root
fi
cd "$part"
apt-get download -qq "${packages[@]}"
for package in *.deb; do
    dpkg-deb --extract "$package" root
done
for program in "${programs[@]}"; do
    install --mode=0755 "root/$program" "$directory/$(basename "$program").part"
done
for program in "${programs[@]}"; do
    mv "$directory/$(basename "$program").part" "$directory/$(basename "$program")"
done
