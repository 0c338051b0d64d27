# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For tests with the guests of scripts/make-guest: needs HVIMG, WORK, fail and skip. Injected images are shared by the
# tests of a run (INJECTED_GUESTS, a folder), since some take a while to make.

guests_top=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
: "${GUESTS:=$guests_top/build/guest}" "${INJECTED_GUESTS:=$WORK/injected}"
# Those beside debian-12-kvm.
# shellcheck disable=SC2034 # the tests go through it
guest_variants=(dracut-xfs dracut-btrfs lvm old-kernel uki)

# guest_image VARIANT: sets guest, made if it is not there
guest_image() {
	local status=0 said
	guest=$GUESTS/$1.qcow2
	[[ ! -e $guest ]] || return 0
	said=$("$guests_top/scripts/make-guest" "$1" "$guest" 2>&1) || status=$?
	case $status in
	0) ;;
	77) skip "$(tail -n 1 <<<"$said")" ;;
	*) fail "no guest $1: $said" ;;
	esac
}

# guest_drivers VARIANT: sets drivers to the options that its injection needs
guest_drivers() {
	local package
	drivers=()
	for package in "$GUESTS/$1-drivers"/*.rpm; do
		[[ ! -e $package ]] || drivers+=(--drivers "$package")
	done
}

# injected_image VARIANT: sets guest, injected (a VHDX) and manifest
injected_image() {
	local lock
	guest_image "$1"
	guest_drivers "$1"
	injected=$INJECTED_GUESTS/$1.vhdx
	# shellcheck disable=SC2034 # the tests read it
	manifest=$injected.edits.json
	mkdir -p "$INJECTED_GUESTS"
	exec {lock}>"$INJECTED_GUESTS/$1.lock"
	flock "$lock"
	[[ -e $injected ]] ||
		"$HVIMG" inject -q --no-sync -t "${INJECT_TARGETS:-hyperv,kvm}" "${drivers[@]}" "$guest" "$injected" 2>"$INJECTED_GUESTS/$1.said" ||
		fail "$1 is not injected: $(cat "$INJECTED_GUESTS/$1.said")"
	exec {lock}>&-
}
