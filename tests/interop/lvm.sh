# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For tests of LVM: physical volumes made by LVM's own tools on parts of an image, without a device mapper.

# pv_attach IMAGE OFFSET SIZE (bytes): prints the loop device of that part.
pv_attach() {
	losetup --show -f -o "$2" --sizelimit "$3" "$1" 2>"$WORK/stderr" || skip "no loop device: $(cat "$WORK/stderr")"
}

# pv_detach_all: for a trap.
pv_detach_all() {
	local device
	for device in "${pvs[@]}"; do losetup -d "$device" || true; done
	pvs=()
}

# lvm_run COMMAND...: one of LVM's, which sees the devices in `pvs` alone.
lvm_run() {
	local command=$1 filter device
	shift
	filter=
	for device in "${pvs[@]}"; do filter+="\"a|^$device\$|\","; done
	DM_DISABLE_UDEV=1 LVM_SUPPRESS_FD_WARNINGS=1 "$command" --driverloaded n --config "
		devices { filter=[${filter}\"r|.*|\"] use_devicesfile=0 md_component_detection=0 multipath_component_detection=0 }
		activation { udev_sync=0 udev_rules=0 monitoring=0 } backup { backup=0 archive=0 }" "$@" 2>"$WORK/lvm.err" ||
		fail "$command: $(cat "$WORK/lvm.err")"
}

# lv_make GROUP NAME ARGUMENTS...
lv_make() {
	local group=$1 name=$2
	shift 2
	lvm_run lvcreate -q -y -an -Zn -Wn -n "$name" "$group" "$@" >/dev/null
}

# lvm_layout: what LVM itself says of where everything is, as JSON, and where the devices are in the image.
lvm_layout() {
	lvm_run lvs --reportformat json --units b --nosuffix --segments \
		-o vg_name,lv_name,seg_start,seg_size,stripes,stripe_size,vg_extent_size,seg_pe_ranges >"$WORK/layout.lvs"
	lvm_run pvs --reportformat json --units b --nosuffix -o pv_name,pe_start >"$WORK/layout.pvs"
	losetup --json --bytes -l -O NAME,OFFSET "${pvs[@]}" >"$WORK/layout.loop" 2>/dev/null || {
		for device in "${pvs[@]}"; do losetup --json -l -O NAME,OFFSET "$device"; done
	} >"$WORK/layout.loop"
}

# lv_copy out|in IMAGE GROUP/NAME FILE: the content of a logical volume, by the layout that lvm_layout has left.
lv_copy() {
	python3 "$(dirname "${BASH_SOURCE[0]}")/lvm_copy.py" "$WORK/layout" "$@"
}
