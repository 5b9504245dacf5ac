#!/usr/bin/env bash
# usage: image.sh FOLDER     (as root)
# Builds the guest of the vm tier: Debian with its own kernel, systemd, udev and networkd. Makes FOLDER, and in it
#   rootfs.ext4   the root file system; never written to by a run
#   vmlinuz       Debian's kernel
#   initrd.gz     busybox and the three modules that are needed to mount the root, where Debian's own has 37 MB
# DEBIAN_MIRROR names the mirror; else it is the one that apt uses here, where this is Debian, or debootstrap's own.
set -euo pipefail
folder=${1:?usage: image.sh FOLDER}
[ ! -e "$folder" ] || exit 0
suite=bookworm
packages=systemd,systemd-sysv,udev,kmod,iproute2,procps,busybox-static,cpio,linux-image-amd64,dbus,ethtool

for tool in debootstrap mkfs.ext4 chroot; do
  command -v "$tool" >/dev/null || { echo "the vm tier needs $tool; test/setup.sh installs it" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "debootstrap makes device nodes: build the guest as root" >&2; exit 1; }

mirror=${DEBIAN_MIRROR:-}
if [ -z "$mirror" ] && grep --quiet '^ID=debian$' /etc/os-release; then
  mirror=$({ cat /etc/apt/sources.list{,.d/*.list,.d/*.sources} 2>/dev/null || true; } |
    sed --quiet --regexp-extended 's/^(URIs:|deb( \[[^]]*\])?) +(http[^ ]*).*/\3/p' | sed --quiet 1p)
fi

work=$(mktemp --directory "$folder.build.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root image=$work/image
mkdir "$image"
step() { echo "image: $* (${SECONDS} s)"; }

step "debootstrap $suite${mirror:+ from $mirror}"
debootstrap --variant=minbase --include="$packages" "$suite" "$root" ${mirror:+"$mirror"} >"$work/log" 2>&1 ||
  { tail --lines=30 "$work/log" >&2; exit 1; }
kernel=$(ls "$root/lib/modules" | head --lines=1)

# debootstrap cannot configure polkitd, which it needs; nothing is started here.
step "network-manager"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
chroot "$root" sh -euc '
  export DEBIAN_FRONTEND=noninteractive
  apt-get update --option Acquire::Check-Valid-Until=false --option Acquire::Check-Date=false
  apt-get install --yes --no-install-recommends network-manager
  apt-get clean' >"$work/log" 2>&1 || { tail --lines=30 "$work/log" >&2; exit 1; }
rm "$root/usr/sbin/policy-rc.d"

step "configure"
echo guest >"$root/etc/hostname"
echo uninitialized >"$root/etc/machine-id"
echo '/dev/vda / ext4 rw,noatime 0 1' >"$root/etc/fstab"
units=$root/etc/systemd/system
mkdir -p "$units" "$root/payload" "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\n' >"$root/etc/systemd/journald.conf.d/volatile.conf"
# What the guest is there for is on the second disk; the second serial line tells what came of it.
cat >"$root/usr/local/sbin/payload" <<'PAYLOAD'
#!/bin/bash
exec </dev/null >/dev/ttyS1 2>&1
stty -F /dev/ttyS1 raw -echo
echo "GUEST_UP after $(cut --delimiter=' ' --fields=1 /proc/uptime) s"
mount -o rw,noatime /dev/vdb /payload && cd /payload && bash ./run.sh
echo "GUEST_END $?"
sync
systemctl poweroff --force --force
PAYLOAD
chmod 755 "$root/usr/local/sbin/payload"
cat >"$units/payload.service" <<'UNIT'
[Unit]
After=multi-user.target systemd-networkd.service
[Service]
Type=exec
ExecStart=/usr/local/sbin/payload
Environment=HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
KillMode=process
UNIT
cat >"$units/guest.target" <<'UNIT'
[Unit]
Requires=multi-user.target
Wants=payload.service
After=multi-user.target
AllowIsolate=yes
UNIT
ln --symbolic --force guest.target "$units/default.target"
ln --symbolic --force /lib/systemd/system/systemd-networkd.service "$units/multi-user.target.wants/systemd-networkd.service"
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
  fstrim.timer getty@tty1.service serial-getty@ttyS0.service ldconfig.service systemd-binfmt.service \
  systemd-hwdb-update.service systemd-journal-flush.service systemd-update-utmp.service \
  systemd-networkd-wait-online.service; do
  ln --symbolic --force /dev/null "$units/$unit"
done

# NetworkManager runs in its own scenarios alone, and touches nothing there but what they name.
# Each boot is a first one, at which systemd enables what its presets do not forbid.
mkdir -p "$root/etc/systemd/system-preset"
printf 'disable NetworkManager%s.service\n' '' '-*' >"$root/etc/systemd/system-preset/00-guest.preset"
chroot "$root" systemctl --quiet disable NetworkManager.service
mkdir -p "$root/etc/NetworkManager/conf.d"
printf '[main]\nno-auto-default=*\n' >"$root/etc/NetworkManager/conf.d/10-guest.conf"

step "initrd"
initrd=$root/var/tmp/initrd
mkdir -p "$initrd"/{bin,modules,dev,proc,sys,mnt}
cp "$root/bin/busybox" "$initrd/bin/busybox"
ln --symbolic busybox "$initrd/bin/sh"
order=""
add() {
  local name
  name=$(basename "$1")
  [ ! -e "$initrd/modules/$name" ] || return 0
  cp "$root/$1" "$initrd/modules/$name"
  order="$order $name"
}
# Of ext4 the checksums are asked for by name, so that its dependencies do not tell of them.
add "lib/modules/$kernel/kernel/crypto/crc32c_generic.ko"
for module in virtio_pci virtio_blk ext4; do
  for file in $(chroot "$root" modprobe --set-version "$kernel" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'); do
    add "$file"
  done
done
cat >"$initrd/init" <<INIT
#!/bin/sh
b=/bin/busybox
\$b mount -t devtmpfs d /dev; \$b mount -t proc p /proc; \$b mount -t sysfs s /sys
for module in $order; do \$b insmod /modules/\$module; done
n=0; while [ ! -b /dev/vda ] && [ \$n -lt 200 ]; do \$b sleep 0.1; n=\$((n + 1)); done
\$b mount -t ext4 -o rw,noatime /dev/vda /mnt
\$b umount /sys; \$b umount /proc; \$b mount --move /dev /mnt/dev
exec \$b switch_root /mnt /sbin/init
INIT
chmod 755 "$initrd/init"
chroot "$root" sh -c 'cd /var/tmp/initrd && find . | cpio --create --format=newc --quiet' | gzip -1 >"$image/initrd.gz"
rm -rf "$initrd"
cp "$root/boot/vmlinuz-$kernel" "$image/vmlinuz"

step "file system"
# What no guest of ours reads.
rm -rf "$root"/boot/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,locale,man}/* \
  "$root/lib/modules/$kernel/kernel"/{sound,drivers/{gpu,media,usb,scsi,staging,iio,net/wireless},fs/{xfs,btrfs,ocfs2}}
truncate --size="$(($(du --summarize --block-size=1M "$root" | cut --fields=1) + 256))M" "$image/rootfs.ext4"
mkfs.ext4 -q -F -O ^has_journal -m 0 -d "$root" "$image/rootfs.ext4"
# All of it or none: whoever finds the folder finds what belongs in it.
mv "$image" "$folder"
step "done"
