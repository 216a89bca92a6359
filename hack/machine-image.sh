#!/usr/bin/env bash
# Makes the image of the lab's virtual machine, a bare Debian 12 server with the
# packages of a gateway: DIRECTORY/{kernel,initrd,disk}. Needs root and the
# network; takes about a minute. The lab makes it anew when this file changes.
set -euo pipefail

directory=${1:?usage: machine-image.sh DIRECTORY}
packages=(
    linux-image-cloud-amd64 systemd-sysv udev dbus # a Debian server
    openssh-server nftables iproute2 python3 sudo  # what a gateway needs
    frr frr-pythontools                            # what it routes with, if asked to
    qemu-guest-agent                               # lets the lab in beside SSH
)
part=$(mktemp --directory "$directory/part.XXXXXX")
trap 'rm -rf "$part"' EXIT
root=$part/root

# What makes a server of the lab: an administrator, as Debian's own images have
# one, and less to do at boot. The rest, addresses and keys, is each machine's.
configure() {
    useradd --create-home --shell /bin/bash --password '*' debian
    echo 'debian ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/debian
    chmod 0440 /etc/sudoers.d/debian
    echo '/dev/vda / ext4 defaults 0 1' >/etc/fstab
    systemctl enable systemd-networkd.service
    systemctl disable frr.service nftables.service # as if they were not installed yet
    mkdir /etc/systemd/system/qemu-guest-agent.service.d
    printf '[Service]\nLogLevelMax=notice\n' >/etc/systemd/system/qemu-guest-agent.service.d/quiet.conf
    # An emulated processor has no time for what no test looks at.
    systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
        e2scrub_reap.service getty@tty1.service serial-getty@ttyS0.service systemd-networkd-wait-online.service
    # A small initrd: emulation unpacks slowly.
    echo MODULES=list >/etc/initramfs-tools/conf.d/gateway
    printf '%s\n' virtio_pci virtio_blk ext4 >>/etc/initramfs-tools/modules
    update-initramfs -u
}

mmdebstrap --quiet --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' bookworm "$root"
{ declare -f configure; echo 'set -euo pipefail; configure'; } | chroot "$root" /bin/bash

cp --dereference "$root/vmlinuz" "$part/kernel"
cp --dereference "$root/initrd.img" "$part/initrd"
mkfs.ext4 -q -L root -d "$root" "$part/disk" 1G
# The disk comes last: where it is, the image is whole.
for file in kernel initrd disk; do
    mv "$part/$file" "$directory/$file"
done
