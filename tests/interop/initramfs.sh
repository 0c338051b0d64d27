# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For the tests of initramfs made by real generators: the host's own kernel, in a guest that has that initramfs and few modules.

need lz4 mke2fs debugfs modprobe qemu-system-x86_64 sfdisk cpio
kernel=$(find /lib/modules -mindepth 2 -maxdepth 2 -name modules.dep -printf '%h\n' | sed 's,.*/,,' | sort -V | tail -n 1)
[[ -n $kernel && -f /boot/vmlinuz-$kernel ]] || skip "no kernel is installed"

# make_guest INITRAMFS: guest.raw.
make_guest() {
	local tree=$WORK/guest modules path
	modules=$tree/usr/lib/modules/$kernel
	mkdir -p "$tree"/{boot,etc,usr/bin} "$modules"
	ln -s usr/lib "$tree/lib"
	printf 'ID=made-up\nVERSION_ID=1\n' >"$tree/etc/os-release"
	echo 'UUID=11111111-2222-3333-4444-555555555555 / ext4 defaults 0 1' >"$tree/etc/fstab"
	cp "/boot/vmlinuz-$kernel" "/boot/config-$kernel" "$tree/boot/"
	cp "$1" "$tree/boot/initramfs-$kernel.img"
	cp /lib/modules/"$kernel"/modules.* "$modules/"
	find "$HVIMG_RECIPES/targets" -name '*.xml' -exec sed -n 's/.*<module name="\([^"]*\)".*/\1/p' {} + | sort -u | while read -r path; do
		modprobe -S "$kernel" --show-depends "$path" 2>/dev/null || true
	done | sed -n 's/^insmod //p' | sort -u | while read -r path; do
		install -D -m 644 "$path" "$modules/${path#"/lib/modules/$kernel/"}"
	done
	truncate -s 120M "$WORK/guest.raw"
	echo 2048,,L | sfdisk -q "$WORK/guest.raw"
	printf '\353\143\220' | dd of="$WORK/guest.raw" conv=notrunc status=none
	mke2fs -q -t ext4 -d "$tree" -U 11111111-2222-3333-4444-555555555555 -E offset=1048576,root_owner=0:0,nodiscard \
		"$WORK/guest.raw" 118M >/dev/null
}

# inject_guest: new.raw and its initramfs, new.img; a second time nothing is to be done.
inject_guest() {
	cd "$WORK" || exit
	"$HVIMG" inject -q --no-sync -t hyperv guest.raw new.raw
	"$HVIMG" inspect --json -t hyperv-gen1 new.raw >inspect.json || fail "it is not ready: $(<inspect.json)"
	"$HVIMG" inject -q --no-sync -t hyperv new.raw again.raw
	cmp new.raw again.raw || fail "a second inject changes the image"
	rm again.raw
	debugfs -R "dump /boot/initramfs-$kernel.img new.img" 'new.raw?offset=1048576' 2>/dev/null
	[[ -s new.img ]] || fail "no initramfs"
}

# boot_guest ARGUMENT...: the kernel with the new initramfs must try hv_vmbus, which says that this is no Hyper-V (ENODEV); that
# is what hv_storvsc needs first.
boot_guest() {
	local pid tries=0
	qemu-system-x86_64 -accel tcg -m 1024 -nic none -display none -no-reboot -serial "file:$WORK/console" \
		-kernel "/boot/vmlinuz-$kernel" -initrd "$WORK/new.img" \
		-append "console=ttyS0,115200n8 ignore_loglevel initcall_debug panic=-1 $*" &
	pid=$!
	until grep -aqE 'initcall hv_acpi_init.* returned -19' "$WORK/console" 2>/dev/null; do
		if ((++tries > 1200)) || ! kill -0 "$pid" 2>/dev/null ||
			grep -aqE 'Kernel panic|Initramfs unpacking failed|Entering emergency' "$WORK/console" 2>/dev/null; then
			kill "$pid" 2>/dev/null || true
			fail "hv_vmbus was not tried: $(tail -n 20 "$WORK/console")"
		fi
		sleep 0.2
	done
	kill "$pid"
	wait "$pid" 2>/dev/null || true
}
