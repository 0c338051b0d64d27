# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # the variant sets disk_mib
#
# What the variants share that need root: the tree they all start from, ways into it, a partitioned disk, GRUB for both
# firmwares. A variant sources this file, sets disk_mib and the like, defines customize (the tree in $tree becomes its
# guest) and assemble (the disk $disk from the tree), and calls make_variant OUT.
set -euo pipefail
umask 022

suite=bookworm
# Everything that some variant needs; each takes out what is not its own.
packages=(
	linux-image-amd64 linux-image-cloud-amd64 initramfs-tools dracut-core gzip zstd xz-utils lz4
	systemd-sysv udev kmod dbus sudo ifupdown isc-dhcp-client iproute2 netbase
	e2fsprogs xfsprogs btrfs-progs dosfstools fdisk lvm2
	grub-pc-bin grub2-common grub-efi-amd64-signed shim-signed systemd-boot-efi
)

# What no virtual machine misses, and would only take time.
left_out=(
	/usr/share/doc /usr/share/man /usr/share/locale
	'/lib/modules/*/kernel/sound' '/lib/modules/*/kernel/drivers/gpu' '/lib/modules/*/kernel/drivers/media'
	'/lib/modules/*/kernel/drivers/net/wireless' '/lib/modules/*/kernel/drivers/net/ethernet'
	'/lib/modules/*/kernel/drivers/staging' '/lib/modules/*/kernel/drivers/infiniband' '/lib/modules/*/kernel/drivers/iio'
	'/lib/modules/*/kernel/drivers/usb' '/lib/modules/*/kernel/drivers/isdn'
)

# 512-byte sectors; core.img of GRUB is in the BIOS boot partition
boot_start=2048 boot_sectors=2048
esp_start=4096 esp_sectors=$((64 * 2048))
# shellcheck disable=SC2034 # the variants use it
first_start=$((esp_start + esp_sectors)) # of the first partition that is the variant's own

# shellcheck disable=SC2034 # the variants use it
console='console=tty0 console=ttyS0,115200n8'
variant=$(basename "$0")
# shellcheck disable=SC2034 # likewise
self=$(readlink -f "$0")
PATH=$PATH:/usr/sbin:/sbin
export SOURCE_DATE_EPOCH=1735689600 E2FSPROGS_FAKE_TIME=1735689600 TZ=UTC LC_ALL=C

die() {
	echo "$variant: $*" >&2
	exit 1
}
say() { printf '%s: %3ds %s\n' "$variant" "$SECONDS" "$*" >&2; }

cannot() {
	echo "$variant: $*" >&2
	exit 77
}

# require PROGRAM...: and root, since the trees are entered and file systems mounted
require() {
	local tool
	[ "$(id -u)" -eq 0 ] || cannot "only root can make it: its tree is entered and its file system mounted"
	for tool in mmdebstrap sgdisk mke2fs e2fsck mformat mcopy qemu-img grub-mkimage "$@"; do
		command -v "$tool" >/dev/null || cannot "$tool is missing; run scripts/setup"
	done
}

# ---------------------------------------------------------------- the tree

# The tree that all start from, made once for a list of packages; dracut.deb is left in it, since dracut and
# initramfs-tools exclude each other.
base_tree() {
	local cache=${XDG_CACHE_HOME:-$HOME/.cache}/hvimg list folder excludes=()
	list=$(IFS=,; echo "${packages[*]}")
	base=$cache/tree-$(echo "$suite $list ${left_out[*]}" | sha256sum | cut -c1-16).tar
	mkdir -p "$cache"
	exec 8>"$base.lock"
	flock 8
	[ ! -e "$base" ] || { exec 8>&-; return 0; }
	say "installing Debian ($suite)"
	for folder in "${left_out[@]}"; do excludes+=(--dpkgopt="path-exclude=$folder/*"); done
	# shellcheck disable=SC2016 # mmdebstrap's shell is to expand it
	mmdebstrap --quiet --mode=root --variant=minbase --components=main --format=tar \
		--aptopt='Acquire::Retries "3"' --include="$list" \
		"${excludes[@]}" \
		--essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"; echo "MODULES=list" >"$1/etc/initramfs-tools/conf.d/list"' \
		--customize-hook='cd "$1" && APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q download dracut && mv dracut_*.deb dracut.deb' \
		--customize-hook='rm -f "$1/etc/initramfs-tools/conf.d/list" "$1"/boot/initrd.img-*' \
		"$suite" - >"$base.part" 2>"$base.log" || { tail -n 40 "$base.log" >&2; die "mmdebstrap failed"; }
	rm -f "$base.log"
	mv "$base.part" "$base"
	exec 8>&-
}

# inside COMMAND...: in the tree, with /proc and /dev; the mounts end with it
inside() {
	# shellcheck disable=SC2016 # the inner shell is to expand it
	unshare --mount --propagation private sh -c 'mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" &&
		mount -t sysfs sysfs "$1/sys" && t=$1 && shift && exec chroot "$t" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		LC_ALL=C HOME=/root DEBIAN_FRONTEND=noninteractive SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" "$@"' \
		sh "$tree" "$@" 8>&- 9>&- >>"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; die "failed in the tree: $*"; }
}

# keep_kernel PATTERN: the other flavour's packages go; sets kernel
# shellcheck disable=SC2016 # dpkg-query is to expand its format
keep_kernel() {
	local package
	while read -r package; do
		case $package in
		linux-image-*cloud*) [ "$1" = cloud ] || inside dpkg --purge "$package" ;;
		*) [ "$1" != cloud ] || inside dpkg --purge "$package" ;;
		esac
	done < <(chroot "$tree" dpkg-query -W -f '${Package}\n' 'linux-image-*' | sort -r)
	kernel=$(basename "$tree"/boot/vmlinuz-*)
	kernel=${kernel#vmlinuz-}
	[ -d "$tree/lib/modules/$kernel" ] || die "no single kernel in the tree"
}

use_dracut() {
	inside dpkg --purge --force-depends initramfs-tools initramfs-tools-core
	mkdir -p "$tree/etc/dracut.conf.d"
	cat >"$tree/etc/dracut.conf.d/10-guest.conf"
	inside dpkg -i /dracut.deb
	rm -f "$tree"/boot/initrd.img-*
	inside dracut -q --force "/boot/initrd.img-$kernel" "$kernel"
}

# use_initramfs_tools COMPRESSION MODULE...
use_initramfs_tools() {
	inside dpkg --purge dracut-core
	rm -rf "$tree/etc/dracut.conf.d"
	sed -i -e 's/^MODULES=.*/MODULES=list/' -e "s/^COMPRESS=.*/COMPRESS=$1/" "$tree/etc/initramfs-tools/initramfs.conf"
	grep -qx "COMPRESS=$1" "$tree/etc/initramfs-tools/initramfs.conf" || die "initramfs.conf has no COMPRESS="
	shift
	printf '%s\n' "$@" >>"$tree/etc/initramfs-tools/modules"
	inside update-initramfs -c -k "$kernel"
}

# no_driver NAME...: the initramfs must not have these, or the guest proves nothing
no_driver() {
	local list name
	if [ -x "$tree/usr/bin/lsinitramfs" ]; then
		list=$(chroot "$tree" lsinitramfs "/boot/initrd.img-$kernel")
	else
		list=$(chroot "$tree" lsinitrd "/boot/initrd.img-$kernel")
	fi
	grep -q 'virtio_blk\.ko' <<<"$list" || die "the initramfs has no virtio_blk"
	for name; do
		! grep -q "/$name\.ko" <<<"$list" || die "the initramfs has $name"
	done
}

# What every variant has, whatever it boots from.
write_common() {
	echo debian >"$tree/etc/hostname"
	printf '127.0.0.1\tlocalhost\n127.0.1.1\tdebian\n' >"$tree/etc/hosts"
	: >"$tree/etc/resolv.conf"
	: >"$tree/etc/machine-id"
	mkdir -p "$tree/boot/efi"
	printf 'auto lo\niface lo inet loopback\n\nallow-hotplug ens3\niface ens3 inet dhcp\n' >"$tree/etc/network/interfaces"
}

# write_default_grub OPTIONS
write_default_grub() {
	mkdir -p "$tree/etc/default"
	cat >"$tree/etc/default/grub" <<-END
		GRUB_DEFAULT=0
		GRUB_TIMEOUT=1
		GRUB_CMDLINE_LINUX_DEFAULT=""
		GRUB_CMDLINE_LINUX="$1"
		GRUB_TERMINAL="console serial"
		GRUB_SERIAL_COMMAND="serial --speed=115200 --unit=0 --word=8 --parity=no --stop=1"
		GRUB_DISABLE_LINUX_UUID=true
		GRUB_DISABLE_OS_PROBER=true
	END
}

# write_menu FOLDER UUID PREFIX OPTIONS [INSMOD...]: grub.cfg in FOLDER of the tree, kernels at PREFIX on the file
# system with that UUID
write_menu() {
	local folder=$1 uuid=$2 prefix=$3 options=$4 title
	shift 4
	mkdir -p "$tree$folder"
	{
		cat <<-'END'
			#
			# DO NOT EDIT THIS FILE
			#
			# It is automatically generated by grub-mkconfig using templates
			# from /etc/grub.d and settings from /etc/default/grub
			#
			set default="0"
			serial --speed=115200 --unit=0 --word=8 --parity=no --stop=1
			terminal_input console serial
			terminal_output console serial
			set timeout=1
		END
		for title in "Debian GNU/Linux" "Debian GNU/Linux, with Linux $kernel (recovery mode)"; do
			cat <<-END
				menuentry '$title' --class debian --class gnu-linux --class gnu --class os {
				        $(printf 'insmod %s; ' "$@")
				        search --no-floppy --fs-uuid --set=root $uuid
				        echo    'Loading Linux $kernel ...'
				        linux   $prefix/vmlinuz-$kernel $options$([[ $title != *recovery* ]] || echo ' single')
				        echo    'Loading initial ramdisk ...'
				        initrd  $prefix/initrd.img-$kernel
				}
			END
		done
	} >"$tree$folder/grub.cfg"
}

# ---------------------------------------------------------------- the disk

# little endian, 8 bytes, for printf
le64() {
	local i value=$1
	for ((i = 0; i < 8; i++)); do printf '\\x%02x' $((value >> (8 * i) & 255)); done
}

# patch FILE OFFSET ESCAPES
patch() { printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

# partition GUID [SGDISK-ARG...]: a GPT with BIOS boot partition and ESP; further partitions by the arguments
partition() {
	local guid=$1
	shift
	gpt=yes
	truncate -s "${disk_mib}M" "$disk"
	sgdisk --disk-guid="$guid" \
		-n "1:$boot_start:$((boot_start + boot_sectors - 1))" -t 1:ef02 -c 1:bios -u "1:${guid%?}a" \
		-n "2:$esp_start:$((esp_start + esp_sectors - 1))" -t 2:ef00 -c 2:esp -u "2:${guid%?}b" "$@" "$disk" >/dev/null
}

make_esp() { # serial
	esp=$disk@@$((esp_start * 512))
	mformat -i "$esp" -F -T "$esp_sectors" -h 255 -s 63 -c 1 -H "$esp_start" -N "$1" -v ESP ::
	mmd -i "$esp" ::EFI ::EFI/BOOT
}

# grub_esp SERIAL UUID PREFIX [fallback]: the vendor's folder as Debian installs it, and with "fallback" EFI/BOOT too
grub_esp() {
	local stub=$work/stub.cfg shim=$tree/usr/lib/shim grub=$tree/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed
	# shellcheck disable=SC2016 # GRUB is to expand it
	printf 'search.fs_uuid %s root\nset prefix=($root)'"'%s'"'\nconfigfile $prefix/grub.cfg\n' "$2" "$3" >"$stub"
	make_esp "$1"
	mmd -i "$esp" ::EFI/debian
	mcopy -i "$esp" "$shim/shimx64.efi.signed" ::EFI/debian/shimx64.efi
	mcopy -i "$esp" "$grub" ::EFI/debian/grubx64.efi
	mcopy -i "$esp" "$shim/mmx64.efi.signed" ::EFI/debian/mmx64.efi
	mcopy -i "$esp" "$stub" ::EFI/debian/grub.cfg
	if [ "${4-}" = fallback ]; then
		mcopy -i "$esp" "$shim/shimx64.efi.signed" ::EFI/BOOT/BOOTX64.EFI
		mcopy -i "$esp" "$grub" ::EFI/BOOT/grubx64.efi
	fi
}

# grub_bios UUID PREFIX CORE-SECTOR MODULE...: boot.img in the first 440 bytes, core.img from that sector on
grub_bios() {
	local core=$work/core.img at=$3
	# shellcheck disable=SC2016 # GRUB is to expand it
	printf 'search.fs_uuid %s root\nset prefix=($root)'"'%s'"'\n' "$1" "$2" >"$work/load.cfg"
	shift 3
	grub-mkimage -d "$tree/usr/lib/grub/i386-pc" -O i386-pc -p /boot/grub -c "$work/load.cfg" -o "$core" biosdisk \
		search search_fs_uuid normal linux configfile serial terminal echo test minicmd "$@"
	[ "$(stat -c %s "$core")" -le $((2046 * 512)) ] || die "core.img is too large"
	dd if="$tree/usr/lib/grub/i386-pc/boot.img" of="$disk" bs=440 count=1 conv=notrunc status=none
	patch "$disk" $((0x5c)) "$(le64 "$at")" # where core.img is
	patch "$disk" $((0x66)) '\x90\x90'      # trust the drive number that the BIOS gave
	dd if="$core" of="$disk" bs=512 seek="$at" conv=notrunc status=none
	patch "$disk" $((at * 512 + 0x1f4)) "$(le64 $((at + 1)))" # where the rest of it is
}

# fill FILE [COMMAND...]: the tree into the file system in FILE, through the kernel; COMMAND runs on the mount point
fill() {
	local file=$1
	shift
	mkdir -p "$work/mnt"
	# shellcheck disable=SC2016 # the inner shell is to expand it
	unshare --mount --propagation private sh -c 'file=$1 tree=$2 mnt=$3; shift 3
		mount -o loop "$file" "$mnt" && { [ $# -eq 0 ] || "$@" "$mnt"; } &&
		cp -a "$tree/." "$mnt$SUBFOLDER" && umount "$mnt"' sh "$file" "$tree" "$work/mnt" "$@" 8>&- 9>&- ||
		cannot "the kernel does not mount its file system"
}

# place FILE SECTOR: a file system into the disk
place() {
	dd if="$1" of="$disk" bs=1M seek=$(($2 * 512)) oflag=seek_bytes conv=sparse,notrunc status=none
	rm "$1"
}

make_ext() { # TYPE START SECTORS UUID LABEL TREE
	mke2fs -q -F -t "$1" -b 4096 -I 256 -L "$5" -U "$4" -O '^orphan_file,^metadata_csum_seed' \
		-E "offset=$(($2 * 512)),hash_seed=$4,root_owner=0:0,nodiscard,assume_storage_prezeroed=1" \
		-d "$6" "$disk" "$(($3 / 2))k"
	e2fsck -fn "$disk?offset=$(($2 * 512))" >"$work/fsck" 2>&1 || die "$(cat "$work/fsck")"
}

# ---------------------------------------------------------------- the whole

# make_variant OUT
make_variant() {
	out=$1
	base_tree
	work=$(mktemp -d "${TMPDIR:-/var/tmp}/make-guest.XXXXXX")
	trap 'rm -rf "$work" "$out.part"' EXIT
	tree=$work/tree disk=$work/disk.raw
	mkdir "$tree"
	tar --numeric-owner --xattrs --xattrs-include='*' -xpf "$base" -C "$tree"
	say "making it what it is"
	write_common
	customize
	rm -f "$tree/dracut.deb"
	say "writing the disk"
	assemble
	[ -z "${gpt-}" ] || sgdisk -v "$disk" | grep -q 'No problems found' || die "sgdisk finds a problem"
	rm -rf "$tree"
	say "compressing"
	qemu-img convert -q -c -m 2 -W -O qcow2 -o compression_type=zstd "$disk" "$out.part"
	[ ! -d "$work/drivers" ] || mv "$work/drivers" "${out%.qcow2}-drivers"
	mv "$out.part" "$out"
}
