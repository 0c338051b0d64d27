# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For test scripts: each is one behaviour, gets HVIMG (the program) and WORK (an empty folder of its own), and ends with
# status 0, or 77 after saying why it was skipped.

: "${HVIMG:?}" "${WORK:?}"
export LIBGUESTFS_BACKEND_SETTINGS=force_tcg # as tests/run, for a test that is run by itself

fail() {
	echo "$*" >&2
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

# need PROGRAM...: skips when one is missing.
need() {
	local program
	for program; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

# expect STATUS COMMAND...: runs it; its output is left in $WORK/stdout and $WORK/stderr.
expect() {
	local want=$1 got=0
	shift
	"$@" >"$WORK/stdout" 2>"$WORK/stderr" || got=$?
	[[ $got == "$want" ]] || fail "'$*' ended with $got, not $want: $(head -c 2000 "$WORK/stderr")"
}

# luks COMMAND...: runs it with ITER in its arguments replaced by a number.  qemu-img measures the processor to make a key, which
# fails now and then on a busy machine; longer measures fail less.
luks() {
	local try
	for try in 1 2 3 4 5 6 7 8; do
		"${@//ITER/$((try * 10))}" 2>"$WORK/luks.err" && return
	done
	fail "qemu-img makes no luks: $(cat "$WORK/luks.err")"
}
