# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For the tests of registry hives: $WORK/hive-tool edits, other programs judge.  Runs in $WORK.
here=$PWD/$(dirname "$0")
[[ $0 == /* ]] && here=$(dirname "$0")
need gcc python3 hivexml hivexregedit
gcc -O1 -o "$WORK/hive-tool" -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Ilibimg "$here/hive-tool.c" "$(dirname "$HVIMG")/libimg.a"
# shellcheck disable=SC2034 # for the tests
HIVES=${HVIMG_CORPUS:-$PWD/../shared/corpus}/hives
cd "$WORK" || exit 1

# make MINOR FILE [big]
make_hive() { python3 "$here/hive_make.py" "$@"; }

# edit HIVE OUT [LOG1 LOG2 [force]]: edits come from standard input; what is said goes to $WORK/said.
edit() {
	./hive-tool "$1" "${3:--}" "${4:--}" "${5:--}" "$2" >said 2>said.err || {
		cat said.err >&2
		return 1
	}
}

judge() { python3 "$here/hive_judge.py" "$1"; }

# agree HIVE: all readers take it, and count the same keys and values.
agree() {
	local keys values
	read -r keys values _ < <(judge "$1") || fail "$1 is judged bad"
	[[ ${keys:-} ]] || fail "$1 is judged bad"
	hivexml "$1" >xml || fail "hivexml refuses $1"
	[[ $(grep -o '<node ' xml | wc -l) == "$keys" ]] || fail "hivexml counts other keys in $1 than $keys"
	[[ $(grep -o '<value ' xml | wc -l) == "$values" ]] || fail "hivexml counts other values in $1 than $values"
	if command -v regfexport >/dev/null; then
		regfinfo "$1" >/dev/null || fail "regfinfo refuses $1"
		regfexport "$1" >regf.text || fail "regfexport refuses $1"
		[[ $(grep -ac '^Key path: ' regf.text) == "$keys" ]] || fail "regfexport counts other keys in $1 than $keys"
	fi
	if command -v reged >/dev/null; then
		reged -x "$1" HKEY "\\" reged.text </dev/null >/dev/null || true
		[[ $(grep -ac '^\[HKEY' reged.text) == "$keys" ]] || fail "reged exports other keys of $1 than $keys"
	fi
	if perl -MParse::Win32Registry -e1 2>/dev/null; then
		# shellcheck disable=SC2016 # perl's
		[[ $(perl -MParse::Win32Registry -e '
			sub walk { my $key = shift; $keys++; $values += () = $key->get_list_of_values; walk($_) for $key->get_list_of_subkeys }
			walk(Parse::Win32Registry->new($ARGV[0])->get_root_key);
			print "$keys ", $values + 0' "$1") == "$keys $values" ]] || fail "Parse::Win32Registry does not count $keys $values in $1"
	fi
}

# text HIVE: every key and value, sorted, as hivexregedit has them.
text() { hivexregedit --export --prefix K "$1" "\\"; }

# places HIVE: a line for each key and value, with its place in the file.
places() { hivexml "$1" | sed 's/></>\n</g'; }
