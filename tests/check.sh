# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For the tests of check: FORMAT is what the images are, plant.py plants the faults.
need python3 jq

plant() { python3 "$TESTS/plant.py" "$FORMAT" "$@"; }

# good IMAGE [OPTION...]: the check finds nothing at all.
good() {
	expect 0 "$HVIMG" check --json "$@"
	jq -e '.schema == 1 and .errors == 0 and .leaks == 0 and .findings == []' "$WORK/stdout" >/dev/null ||
		fail "$1 is good, but: $(cat "$WORK/stdout")"
}

# found SEVERITY CODES IMAGE [OPTION...]: exactly these codes are found, the worst of that severity.
found() {
	local severity=$1 codes=$2 status=0
	shift 2
	[[ $severity == error ]] && status=3
	expect $status "$HVIMG" check --json "$@"
	jq -e --arg codes "$codes" --arg severity "$severity" '
		([.findings[].code] | unique) == ($codes | split(",") | sort) and
		([.findings[].severity] | index($severity)) != null and (.errors > 0) == ($severity == "error") and
		(.findings | all(.text != null and has("fix") and has("offset") and has("path")))' \
		"$WORK/stdout" >/dev/null || fail "wanted $severity $codes: $(jq -c . "$WORK/stdout")"
}

# fault SEVERITY CODES SOURCE CHANGE...: as found, in a copy of SOURCE with the changes, bad.$FORMAT.
fault() {
	local severity=$1 codes=$2
	shift 2
	plant "$1" "bad.$FORMAT" "${@:2}"
	echo "$codes: ${*:2}"
	found "$severity" "$codes" "bad.$FORMAT" "${CHECK_OPTIONS[@]}"
}

# mended SOURCE RAW: the repaired copy of bad.$FORMAT is good, has SOURCE's identifiers, and RAW's content for qemu-img,
# libvhdi and us; the damaged image is as it was.
mended() {
	local before
	before=$(sha256sum <"bad.$FORMAT")
	rm -f "mended.$FORMAT"
	expect 0 "$HVIMG" check --json --no-sync --repair "mended.$FORMAT" "bad.$FORMAT"
	jq -e --arg new "mended.$FORMAT" '.repaired == $new' "$WORK/stdout" >/dev/null || fail "$(cat "$WORK/stdout")"
	[[ $(sha256sum <"bad.$FORMAT") == "$before" ]] || fail "the damaged image was written"
	good "mended.$FORMAT"
	good "mended.$FORMAT" --cross
	expect 0 "$HVIMG" compare --strict "mended.$FORMAT" "$2"
	expect 0 qemu-img compare -q -f "${QEMU_FORMAT:-$FORMAT}" -F raw "mended.$FORMAT" "$2"
	diff <("$HVIMG" info --json "$1" | jq '.identifiers, .subformat, .block_size, .physical_sector_size') \
		<("$HVIMG" info --json "mended.$FORMAT" | jq '.identifiers, .subformat, .block_size, .physical_sector_size') ||
		fail "the repaired copy is another disk"
}

# hopeless CODES: bad.$FORMAT is not repaired: that is said, and nothing is written.
hopeless() {
	rm -f "mended.$FORMAT"
	found error "$1,repair-impossible" "bad.$FORMAT" --no-sync --repair "mended.$FORMAT"
	jq -e '.repaired == null and (.findings | all(.text | test("[^: ]$")))' "$WORK/stdout" >/dev/null || fail "$(cat "$WORK/stdout")"
	[[ ! -e mended.$FORMAT ]] || fail "$1: a copy was written"
}

# corpus FOLDER EXCEPTION...: images by other software have no fault and no leak; an exception is NAME=CODES.
corpus() {
	local folder=${HVIMG_CORPUS:-$TESTS/../../shared/corpus}/$1 file image exception count=0
	shift
	[[ -d $folder ]] || return 0
	for file in "$folder"/*/*; do
		image=corpus-$(basename "${file%.zst}")
		if [[ $file == *.zst ]]; then zstd -qdf --sparse "$file" -o "$image"; else cp "$file" "$image"; fi
		for exception; do
			[[ $image == "corpus-${exception%=*}" ]] && break
			exception=
		done
		if [[ ${exception:-} ]]; then found warning "${exception#*=}" "$image"; else good "$image"; fi
		rm -f "$image"
		count=$((count + 1))
	done
	((count > 0)) || fail "no images in $folder"
}
