# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For tests of guests on XFS and btrfs: made and judged with the host's kernel, edited through libguestfs.

# need_appliance: skips where the fixtures can't be mounted or libguestfs starts no appliance.
need_appliance() {
	[[ $(id -u) == 0 ]] || skip "needs root to make the fixtures"
	need mkfs.xfs mkfs.btrfs sfdisk guestfish losetup jq python3 setfattr
	truncate -s 320M "$WORK/try"
	mkfs.xfs -q "$WORK/try"
	mkdir -p "$WORK/mount"
	mount -o loop "$WORK/try" "$WORK/mount" 2>/dev/null || skip "this kernel mounts no XFS"
	umount "$WORK/mount"
	rm "$WORK/try"
	LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg guestfish -a /dev/null run >"$WORK/start" 2>&1 ||
		skip "libguestfs starts no appliance here: $(grep -m1 error "$WORK/start")"
}

# part_out IMAGE PART: copies the first partition out of a raw image.
part_out() {
	dd if="$1" of="$2" bs=1M skip=1 count=400 conv=sparse status=none
}

# guest TYPE IMAGE COMMANDS: a guest of tests/unit/linux-guest whose root is a TYPE file system of 400 MiB.  COMMANDS run while
# it is mounted, with $M its mount point, $U "UUID=..." and $T the tree.
guest() {
	local type=$1 image=$2 fill=$3
	TYPE=$type FILL=$fill PART=$WORK/part AT=$WORK/mount AFTER='
		rm "$IMAGE"
		truncate -s 402M "$IMAGE"
		printf "2048,819200,L,*\n" | sfdisk -q "$IMAGE"
		printf "\353\143\220" | dd of="$IMAGE" conv=notrunc status=none
		rm -f "$PART"
		truncate -s 400M "$PART"
		case $TYPE in
		xfs) mkfs.xfs -q -m uuid=11111111-2222-3333-4444-555555555555 "$PART" ;;
		btrfs) mkfs.btrfs -q "$PART" ;;
		esac
		mkdir -p "$AT"
		export M=$AT U=UUID=$(blkid -p -s UUID -o value "$PART")
		mount -o loop "$PART" "$M"
		sed -i "s/ext4/$TYPE/" "$T/etc/fstab"
		eval "$FILL"
		umount "$M"
		dd if="$PART" of="$IMAGE" bs=1M seek=1 conv=sparse,notrunc status=none
	' tests/unit/linux-guest "$image"
}

# look PART [OPTIONS]: one line a file of a file system: type, mode, owner, links, time, size, digest or target, attributes.
look() {
	mount -o "loop,ro${2:+,$2}" "$1" "$WORK/mount"
	python3 - "$WORK/mount" <<-'X'
		import hashlib, os, stat, sys
		top = sys.argv[1]
		for folder, dirs, files in os.walk(top):
		    dirs.sort()
		    for name in sorted(dirs + files):
		        path = os.path.join(folder, name)
		        s = os.lstat(path)
		        what = ''
		        if stat.S_ISREG(s.st_mode):
		            what = str(s.st_size) + ' ' + hashlib.sha256(open(path, 'rb').read()).hexdigest()
		        elif stat.S_ISLNK(s.st_mode):
		            what = os.readlink(path)
		        x = sorted((n, os.getxattr(path, n, follow_symlinks=False).hex()) for n in os.listxattr(path, follow_symlinks=False))
		        time = '' if stat.S_ISDIR(s.st_mode) else s.st_mtime_ns
		        print(path[len(top):], oct(s.st_mode), s.st_uid, s.st_gid, s.st_nlink if not stat.S_ISDIR(s.st_mode) else '', time, what, x)
	X
	umount "$WORK/mount"
}

# judge_edits MOUNT-OPTIONS ROOT [MOUNT=FOLDER]: of $WORK/part-before and part-after, only what $WORK/after.edits.json names differs.
# ROOT is where the guest's root lies in the file system; MOUNT of the guest is FOLDER there.  Leaves $WORK/look-before and look-after.
judge_edits() {
	look "$WORK/part-before" "$1" >"$WORK/look-before"
	look "$WORK/part-after" "$1" >"$WORK/look-after"
	jq -r '.edits[].path' "$WORK/after.edits.json" |
		sed "s,^,$2,${3:+;s,^$2${3%%=*}/,${3#*=}/,}" | sort >"$WORK/edited"
	[[ -s $WORK/edited ]] || fail "nothing was edited"
	# Another name of an edited file changes, too.
	{ diff "$WORK/look-before" "$WORK/look-after" || true; } | sed -n 's/^[<>] \(\S*\) .*/\1/p' | grep -v '[.]link$' |
		sort -u >"$WORK/differ"
	diff "$WORK/edited" "$WORK/differ" || fail "what changed is not what the manifest says"
}

# judge_again: injecting into $WORK/after changes no byte.
judge_again() {
	expect 0 "$HVIMG" inject -t hyperv-gen1 -O raw "$WORK/after" "$WORK/again"
	cmp "$WORK/after" "$WORK/again" || fail "a second run changed the image"
	[[ $(jq '.edits | length' "$WORK/again.edits.json") == 0 ]] || fail "a second run edited"
}
