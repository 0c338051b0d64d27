# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For tests that look into a guest by other people's tools.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=tests/guests.sh
. "$(dirname "${BASH_SOURCE[0]}")/../guests.sh"
PATH=$PATH:/usr/sbin:/sbin

# logical_volume RAW OFFSET SIZE: offset and size of vg/root in that physical volume, by lvm2 itself; needs root
logical_volume() {
	local loop range extent size start
	loop=$(losetup -r -f --show -o "$2" --sizelimit "$3" "$1")
	lvm_says "$loop" >"$WORK/lvm" 2>"$WORK/lvm.errors" || { losetup -d "$loop"; fail "lvm: $(cat "$WORK/lvm.errors")"; }
	losetup -d "$loop"
	{
		read -r range extent size
		read -r start
	} <"$WORK/lvm"
	range=${range#*:}
	echo "$((${range%-*} * extent + start + $2)) $size"
}

lvm_says() {
	local options=(--driverloaded n --readonly --noheadings --units b --nosuffix
		--config "devices{filter=[\"a|^$1\$|\",\"r|.*|\"] use_devicesfile=0} activation{udev_sync=0 udev_rules=0}")
	export LVM_SUPPRESS_FD_WARNINGS=1
	lvs "${options[@]}" -o seg_pe_ranges,vg_extent_size,seg_size vg/root && pvs "${options[@]}" -o pe_start
}

# volumes_of RAW: a line "OFFSET SIZE TYPE" for each file system
volumes_of() {
	local start size type
	while read -r start size; do
		type=$(blkid -p -o value -s TYPE -O "$start" -S "$size" "$1" || true)
		case $type in
		'') ;;
		LVM2_member) echo "$(logical_volume "$1" "$start" "$size") ext4" ;;
		*) echo "$start $size $type" ;;
		esac
	done < <(sfdisk --json "$1" | jq -r '.partitiontable.partitions[] | "\(.start * 512) \(.size * 512)"')
}

# mounted RAW OFFSET SIZE TYPE COMMAND...: with the mount point behind it; read-only, gone afterwards. Two file systems
# of one identity are never mounted at a time.
mounted() {
	local flags=ro,loop,offset=$2,sizelimit=$3 raw=$1 type=$4
	shift 4
	[[ $type != btrfs ]] || flags+=,subvolid=5
	[[ $type != ext4 ]] || flags+=,noload
	[[ $type != xfs ]] || flags+=,norecovery,nouuid
	mkdir -p "$WORK/mnt"
	# shellcheck disable=SC2016 # the inner shell is to expand it
	flock "${TMPDIR:-/tmp}/hvimg-tests-mount.lock" unshare --mount --propagation private sh -c '
		mount -t "$3" -o "$4" "$1" "$2" || exit 99
		mnt=$2; shift 4; "$@" "$mnt"; status=$?; umount "$mnt"; exit "$status"' sh "$raw" "$WORK/mnt" "$type" "$flags" "$@"
}
