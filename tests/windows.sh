# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For tests of Windows guests: phony disks, and what other software reads in them.
need python3 jq sfdisk mkntfs wimlib-imagex ntfscat ntfsls ntfsinfo ntfsfix ntfssecaudit hivexml regfexport reged mcopy
PATH=$PATH:/usr/sbin:/sbin
TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
perl -MParse::Win32Registry -e1 2>/dev/null || skip "Parse::Win32Registry is not installed"

# make_windows VERSION OUT.raw [OPTION...]
make_windows() { "$TESTS/../scripts/make-windows-guest" "$@" || fail "make-windows-guest $1"; }

# windows_volume IMAGE.raw OUT: the last partition, which is that of Windows
windows_volume() {
	local place
	place=$(sfdisk -J "$1" | jq -r '.partitiontable.partitions[-1] | "\(.start) \(.size)"')
	dd if="$1" of="$2" bs=512 skip="${place% *}" count="${place#* }" conv=sparse status=none
}
# system_volume IMAGE.raw OUT: the first one
system_volume() {
	local place
	place=$(sfdisk -J "$1" | jq -r '.partitiontable.partitions[0] | "\(.start) \(.size)"')
	dd if="$1" of="$2" bs=512 skip="${place% *}" count="${place#* }" conv=sparse status=none
}

# take VOLUME PATH OUT: a file out of an NTFS volume
take() { ntfscat -f "$1" "$2" >"$3" 2>"$WORK/ntfscat.err" || fail "no $2: $(cat "$WORK/ntfscat.err")"; }

# hive_rows HIVE: keys and values, a line each, sorted as Windows sorts
hive_rows() { perl "$TESTS/hive_rows.pl" "$1"; }

# hive_sound HIVE: four readers that share no code take all of it; its header says that it is clean.
hive_sound() {
	hivexml "$1" >"$WORK/hivexml" 2>"$WORK/err" || fail "hivexml refuses $1: $(cat "$WORK/err")"
	[[ ! -s $WORK/err ]] || fail "hivexml on $1: $(cat "$WORK/err")"
	regfexport "$1" >"$WORK/regfexport" 2>"$WORK/err" || fail "regfexport refuses $1: $(cat "$WORK/err")"
	[[ ! -s $WORK/err ]] || fail "regfexport on $1: $(cat "$WORK/err")"
	hive_rows "$1" >"$WORK/rows" || fail "Parse::Win32Registry refuses $1"
	[[ $(grep -o '<value ' "$WORK/hivexml" | wc -l) == $(grep -c "$(printf '\t')" "$WORK/rows") ]] ||
		fail "$1: hivexml and Parse::Win32Registry count other values"
	python3 - "$1" <<-'END' || fail "$1: the header is not that of a clean hive"
		import functools, operator, os, struct, sys
		data = open(sys.argv[1], "rb").read()
		words = struct.unpack("<127I", data[:508])
		check = functools.reduce(operator.xor, words)
		check = {0: 1, 0xFFFFFFFF: 0xFFFFFFFE}.get(check, check)
		assert data[:4] == b"regf" and words[1] == words[2], "sequence numbers"
		assert check == struct.unpack("<I", data[508:512])[0], "checksum"
		assert len(data) % 4096 == 0 and 4096 + words[10] <= len(data), "size"
	END
}

# volume_sound NTFS: nothing for chkdsk to do, and nobody but who should may write.
volume_sound() {
	ntfsfix -n "$1" >"$WORK/ntfsfix" 2>&1 || fail "ntfsfix: $(cat "$WORK/ntfsfix")"
	ntfsinfo -m "$1" >"$WORK/ntfsinfo" 2>&1 || fail "ntfsinfo: $(cat "$WORK/ntfsinfo")"
	grep -q 'Volume Flags: *0x0000' "$WORK/ntfsinfo" || fail "the volume is not clean: $(cat "$WORK/ntfsinfo")"
	ntfssecaudit -ar "$1" >"$WORK/audit" 2>&1 || fail "ntfssecaudit: $(tail -n 20 "$WORK/audit")"
}

# inspect IMAGE FILTER: what jq says of `inspect --json`
inspect() {
	local status=0
	"$HVIMG" inspect --json "$1" >"$WORK/inspect.json" 2>"$WORK/stderr" || status=$?
	[[ $status == 0 ]] || fail "inspect ended with $status: $(cat "$WORK/stderr")"
	jq -r "$2" "$WORK/inspect.json"
}
