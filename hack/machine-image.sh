#!/usr/bin/env bash
# Makes the image of the lab's virtual machine, a stock Debian 12 gateway:
# DIRECTORY/{kernel,initrd,disk}. Needs root and the network; takes about a
# minute. The lab makes it anew when this file changes.
set -euo pipefail

directory=${1:?usage: machine-image.sh DIRECTORY}
packages=(
    linux-image-cloud-amd64 systemd-sysv udev dbus # a Debian server
    openssh-server nftables iproute2 python3 sudo  # what a gateway needs
    qemu-guest-agent                               # lets the lab in beside SSH
)
part=$(mktemp --directory "$directory/part.XXXXXX")
trap 'rm -rf "$part"' EXIT
root=$part/root

# What makes Debian a gateway of the lab. The rest, addresses and keys, is
# each machine's own.
configure() {
    useradd --create-home --shell /bin/sh --password '*' nftop
    echo 'nftop ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/nftop
    chmod 0440 /etc/sudoers.d/nftop
    cat >/etc/ssh/sshd_config.d/gateway.conf <<END
PermitRootLogin no
PasswordAuthentication no
END
    cat >/etc/sysctl.d/gateway.conf <<END
net.ipv4.ip_forward = 1
net.ipv6.conf.all.forwarding = 1
END
    echo '/dev/vda / ext4 defaults 0 1' >/etc/fstab
    systemctl enable systemd-networkd.service nftables.service
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
