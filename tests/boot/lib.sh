# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# What the boot tests share. A test is a script that sources this file and ends with 0 (passed), 77 (skipped, having
# said why) or anything else. It is given, in the environment:
#
#   GUEST     the source image, as scripts/make-guest makes it
#   HVIMG     the program
#   GUESTS, INJECTED_GUESTS   see tests/guests.sh; the tests of a run share what is made there
#   WORK      a scratch folder
#   BOOTS     "all": also what only shows that the source was sound
#
# Evidence is always something that the guest printed. That time ran out never proves anything.
set -euo pipefail

PATH=$PATH:/usr/sbin:/sbin
LC_ALL=C
export PATH LC_ALL

test_name=$(basename "$0")
: "${HVIMG:?the program}" "${WORK:?a scratch folder}" "${GUEST:?the source image}" "${INJECTED_GUESTS:=$WORK/injected}"
: "${BOOT_SECONDS:=600}" # for one boot; half a minute suffices on an idle machine
scratch=$WORK/$test_name
console=
qemu=

rm -rf "$scratch"
mkdir -p "$scratch"

leave() {
	local status=$?
	[ -z "$qemu" ] || kill "$qemu" 2>/dev/null || true
	[ "$status" -ne 0 ] || rm -rf "$scratch"
}
trap leave EXIT
trap 'exit 1' INT TERM

skip() {
	echo "$test_name: skipped: $*"
	exit 77
}

# With what the guest said last, when it was running.
fail() {
	echo "$test_name: $*"
	if [ -n "$console" ] && [ -s "$console" ]; then
		echo "the last lines of the console ($console):"
		plain "$console" | tail -n 25 | sed 's/^/  | /'
	fi
	exit 1
}

need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || skip "$tool is missing; run scripts/setup"
	done
}

# A console log without escape sequences, NULs and carriage returns.
plain() { tr -d '\000\r' <"$1" | sed 's/\x1b\[[0-9;?=]*[a-zA-Z]//g'; }

# says PATTERN: did the guest? (no pipe: grep stops reading early)
says() { grep -aqE -- "$1" <(plain "$console"); }

# quote PATTERN: where it first did, with a little around it
quote() { grep -aoE -m1 -- ".{0,60}($1).{0,60}" <(plain "$console") || true; }

# injected: sets image to the VHDX that inject makes of GUEST for Hyper-V alone
injected() {
	local lock
	image=$INJECTED_GUESTS/hyperv.vhdx
	mkdir -p "$INJECTED_GUESTS"
	exec {lock}>"$image.lock"
	flock "$lock"
	[ -e "$image" ] || "$HVIMG" inject -q --no-sync -t hyperv "$GUEST" "$image" 2>"$scratch/said" ||
		fail "$GUEST is not injected: $(cat "$scratch/said")"
	exec {lock}>&-
}

image_format() { qemu-img info --output=json "$1" | jq -r .format; }

# ---------------------------------------------------------------- booting

firmware=/usr/share/OVMF
# What a boot can end in. The one that is waited for is success, any other one failure, at once.
ends='login:|ALERT!|Kernel panic|Initramfs unpacking failed|Give root password|Press Enter for maintenance|emergency mode'
ends+='|Warning: .*does not exist|Entering emergency mode|No bootable device|BdsDxe: No bootable|BdsDxe: failed to load|grub rescue>|^grub>|error: .*(not found|no such)'

# start NAME QEMU-ARG...: a machine without network whose console goes to a file
start() {
	local name=$1
	shift
	console=$WORK/$test_name-$name.console
	: >"$console"
	qemu-system-x86_64 -accel tcg -m 1024 -smp 1 -display none -monitor none -nic none -no-reboot -rtc base=utc \
		-serial "file:$console" "$@" </dev/null 2>"${console%.console}.stderr" &
	qemu=$!
}

stop() {
	[ -n "$qemu" ] || return 0
	kill "$qemu" 2>/dev/null || true
	wait "$qemu" 2>/dev/null || true
	qemu=
}

# await WANTED: until the console shows it (an extended regular expression)
await() {
	local wanted=$1 deadline=$((SECONDS + BOOT_SECONDS))
	until says "$wanted"; do
		if says "$ends"; then
			sleep 1 # the line may have been half written
			says "$wanted" || fail "'$wanted' expected, the console shows: $(quote "$ends")"
			return 0
		fi
		kill -0 "$qemu" 2>/dev/null ||
			{ says "$wanted" || fail "QEMU ended before '$wanted' $(cat "${console%.console}.stderr")"; return 0; }
		[ "$SECONDS" -lt "$deadline" ] || fail "'$wanted' did not come within $BOOT_SECONDS s"
		sleep 0.5
	done
}

# use_firmware CODE VARIABLES: for boot; UEFI with a fresh copy of those variables. Nobody looks at a screen, and drawing it
# takes a quarter of the time.
use_firmware() {
	if [ ! -e "$firmware/$1" ] || [ ! -e "$firmware/$2" ]; then skip "no OVMF; run scripts/setup"; fi
	cp "$firmware/$2" "$scratch/nvram"
	arguments+=(-vga none -drive "if=pflash,format=raw,readonly=on,file=$firmware/$1"
		-drive "if=pflash,format=raw,file=$scratch/nvram")
}

# What a kernel says when the emulator was not given the time that a clock needs: of the host, not of the guest.
starved="IO-APIC \\+ timer doesn.t work"

# boot MACHINE IMAGE WANTED: the whole way, firmware, loader, kernel; the image is not written
# MACHINE: virtio (BIOS), ide (BIOS), ahci (UEFI with empty NVRAM), secure (the same with Secure Boot, Microsoft's keys),
# virtio-uefi and scsi-uefi (virtio-blk and virtio-scsi by UEFI with empty NVRAM)
boot() {
	local machine=$1 image=$2 wanted=$3 disk arguments=()
	disk=$scratch/$machine.qcow2
	qemu-img create -q -f qcow2 -F "$(image_format "$image")" -b "$(readlink -f "$image")" "$disk"
	arguments=(-drive "if=none,id=disk,format=qcow2,cache=unsafe,file=$disk")
	case $machine in
	virtio) arguments+=(-machine pc -device 'virtio-blk-pci,drive=disk,bootindex=1') ;;
	ide) arguments+=(-machine pc -device 'ide-hd,drive=disk,bus=ide.0,bootindex=1') ;;
	ahci)
		use_firmware OVMF_CODE_4M.fd OVMF_VARS_4M.fd
		arguments+=(-machine q35 -device 'ide-hd,drive=disk,bus=ide.0,bootindex=1')
		;;
	virtio-uefi)
		use_firmware OVMF_CODE_4M.fd OVMF_VARS_4M.fd
		arguments+=(-machine q35 -device 'virtio-blk-pci,drive=disk,bootindex=1')
		;;
	scsi-uefi)
		use_firmware OVMF_CODE_4M.fd OVMF_VARS_4M.fd
		arguments+=(-machine q35 -device virtio-scsi-pci -device 'scsi-hd,drive=disk,bootindex=1')
		;;
	secure)
		use_firmware OVMF_CODE_4M.secboot.fd OVMF_VARS_4M.ms.fd
		arguments+=(-machine 'q35,smm=on' -global 'driver=cfi.pflash01,property=secure,value=on'
			-device 'ide-hd,drive=disk,bus=ide.0,bootindex=1')
		;;
	esac
	for _ in 1 2 3 4 5; do
		start "$machine" "${arguments[@]}"
		await "$wanted|$starved"
		stop
		says "$starved" || break
	done
	says "$wanted" || fail "the machine was never given enough time"
	rm -f "$disk"
	echo "$test_name: $machine: $(quote "$wanted")"
}

# ---------------------------------------------------------------- the other guests

# boots MACHINE IMAGE ROOT: to the login prompt, with the root that the kernel names so, waiting for no absent device
boots() {
	boot "$1" "$2" 'debian login:'
	says "$3" || fail "the root on $1 is not '$3'"
	! says 'Dependency failed|Timed out waiting for device' ||
		fail "it waited for a device that is not there: $(quote 'Dependency failed|Timed out waiting for device')"
}

# lost MACHINE IMAGE WANTED: the kernel starts and does not find its disk, which no driver has claimed
lost() {
	boot "$1" "$2" "$3"
	says 'Linux version' || fail "no kernel started on $1"
	! says ' sda: ' || fail "a driver for the disk was there on $1: this is no proof of anything"
}

# ---------------------------------------------------------------- looking into an image, by other people's tools

# open_root IMAGE: sets root (for debugfs), kernel (its version)
open_root() {
	local raw=$scratch/disk.raw start
	qemu-img convert -O raw "$1" "$raw"
	start=$(sfdisk --json "$raw" | jq '.partitiontable.partitions | max_by(.size).start')
	root="$raw?offset=$((start * 512))"
	kernel=$(debugfs -R 'ls -p /boot' "$root" 2>/dev/null | sed -n 's|.*/vmlinuz-\([^/]*\)/.*|\1|p' | sort -V | tail -n 1)
	[ -n "$kernel" ] || fail "no kernel in /boot of $1"
}

# get PATH FILE: a file of the opened root
get() {
	debugfs -R "dump $1 $2" "$root" >/dev/null 2>&1
	[ -s "$2" ] || fail "the guest has no $1"
}

# The kernel command line that the image's own loader would give.
command_line() {
	get /boot/grub/grub.cfg "$scratch/grub.cfg"
	sed -n 's/^[[:space:]]*linux[[:space:]]\{1,\}[^ ]* //p' "$scratch/grub.cfg" | head -n 1
}

# append_segment INITRD FOLDER: the way the kernel documents it: zeros, alignment, another archive
append_segment() {
	local size
	size=$(stat -c %s "$1")
	truncate -s $(((size + 4 + 511) / 512 * 512)) "$1"
	(cd "$2" && find . -mindepth 1 | sort | cpio --quiet -o -H newc -R 0:0) >>"$1"
}
