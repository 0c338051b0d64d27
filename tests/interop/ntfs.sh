# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For tests of NTFS: fs-list and ntfs-put in $WORK, and what is in a volume in the words of others.

build_ntfs_tools() {
	local libraries isal
	need gcc mkntfs ntfsfix ntfsinfo ntfscat ntfssecaudit wimlib-imagex python3
	isal=$(pkg-config --exists libisal && echo libisal) || true
	read -ra libraries < <(pkg-config --libs ext2fs com_err libcrypto libxxhash libntfs-3g zlib ${isal:+"$isal"})
	for tool in fs-list ntfs-put; do
		gcc -o "$WORK/$tool" -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Ilibimg -I. "tests/interop/$tool.c" \
			"$(dirname "$HVIMG")/libimg.a" "${libraries[@]}" -lwim -lcmocka -pthread
	done
}

# capture IMAGE WIM: everything in a volume, by wimlib; it leaves out what Windows makes anew.
capture() {
	wimlib-imagex capture "$1" "$2" --compress=none >"$WORK/log" 2>&1 || fail "$1: $(tail -n 3 "$WORK/log")"
}
