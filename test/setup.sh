#!/bin/sh
# Installs what the tests need beside Node.js and npm, where it is missing: on Debian and its likes.
set -eu
missing=""
need() { command -v "$1" >/dev/null || missing="$missing $2"; }
need ip iproute2
need nsenter util-linux
need systemd-analyze systemd
need curl curl
need runc runc
need crun crun
need busybox busybox-static
need podman "podman conmon netavark"
need strace strace
need systemd-nspawn systemd-container
need debootstrap debootstrap
need lintian lintian
# The executable for arm64 is run on x86-64 too.
if [ "$(uname -m)" = x86_64 ]; then
  need qemu-aarch64-static qemu-user-static
  [ -e /usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1 ] || missing="$missing libc6-arm64-cross"
fi
# The guest of the vm tier; it brings its own QEMU.
need mkfs.ext4 e2fsprogs
if [ -z "$missing" ]; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  echo "the tests need these packages:$missing" >&2
  exit 1
fi
apt-get update
# Unquoted: one word for each package.
apt-get install --yes --no-install-recommends $missing
