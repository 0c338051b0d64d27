# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Compares our module indexes with those of depmod(8), and has modprobe(8) read ours.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
PATH=$PATH:/usr/sbin:/sbin
tool=${B:-build}/tests/unit/test_kmod
[[ -x $tool ]] || skip "$tool is not built"

sorted_needs() {
	local path needs
	while read -r path needs; do
		# shellcheck disable=SC2046,SC2086 # one need a word
		echo "$path" $(printf '%s\n' $needs | sort)
	done <"$1"
}

# compare OURS THEIRS TITLE: byte by byte; only the order among the needs of one module may differ.
compare() {
	local f name
	for f in "$1"/modules.*; do
		name=${f##*/}
		case $name in
		modules.dep)
			cmp -s <(sorted_needs "$f") <(sorted_needs "$2/$name") || fail "$3: $name differs"
			;;
		modules.dep.bin) ;;
		*)
			cmp -s "$f" "$2/$name" || fail "$3: $name differs"
			;;
		esac
	done
}

# loads ROOT V NAME: what modprobe would insert, as a set
loads() {
	modprobe -d "$1" -S "$2" --show-depends "$3" 2>/dev/null | sed "s|$1||" | sort
}

# check TITLE MODULES V NAME... : a subset, and the whole set
check() {
	local title=$1 from=$2 v=$3 stage=$WORK/stage ours=$WORK/ours both=$WORK/both name
	shift 3
	rm -rf "$stage" "$ours" "$both"
	mkdir -p "$stage/lib/modules/$v" "$ours"
	"$tool" indexes "$from" "$ours" "$@" >"$WORK/list"
	[ -s "$WORK/list" ] || fail "$title: empty closure"
	(cd "$from" && xargs -a "$WORK/list" cp --parents -t "$stage/lib/modules/$v" modules.order \
		modules.builtin modules.builtin.modinfo)
	depmod -b "$stage" "$v"
	compare "$ours" "$stage/lib/modules/$v" "$title subset"
	cp -r "$stage" "$both"
	cp "$ours"/modules.* "$both/lib/modules/$v"
	for name in "$@"; do
		[ -n "$(loads "$both" "$v" "$name")" ] || fail "$title: modprobe finds no $name"
		[ "$(loads "$stage" "$v" "$name")" = "$(loads "$both" "$v" "$name")" ] ||
			fail "$title: modprobe $name differs"
	done
	rm -rf "$ours"
	mkdir "$ours"
	# shellcheck disable=SC2046 # one name a word
	"$tool" indexes "$from" "$ours" $(sed 's/:.*//; s|.*/||; s/\.ko.*//' "$from/modules.dep") >/dev/null
	for name in "$ours"/modules.*; do
		cmp -s "$name" "$from/${name##*/}" || fail "$title, whole set: ${name##*/} differs"
	done
	echo "ok   kmod $title: $(wc -l <"$WORK/list") of $(wc -l <"$from/modules.dep") modules"
}
