#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Uploads the images beside this script to OpenStack and verifies what the server says of them.  Needs curl.
#
#   ./upload.sh [image-....json ...]
#
# Every description becomes an image; without one named, all that SHA512SUMS lists.  The ids of the new images go to standard
# output, one a line.  When one fails, those before it stay.  From the environment, as an openrc file sets it:
#   OS_TOKEN and OS_IMAGE_ENDPOINT_OVERRIDE, or OS_AUTH_URL with one of
#     OS_TOKEN
#     OS_APPLICATION_CREDENTIAL_ID and OS_APPLICATION_CREDENTIAL_SECRET
#     OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME (or OS_PROJECT_ID), OS_USER_DOMAIN_NAME, OS_PROJECT_DOMAIN_NAME (or _ID)
#   OS_REGION_NAME, OS_INTERFACE (default public), OS_CACERT
set -eu
umask 077
LC_ALL=C
export LC_ALL

say() { printf 'upload.sh: %s\n' "$*" >&2; }
die() {
	say "$@"
	exit 1
}

cd "$(dirname "$0")"
work=$(mktemp -d)
token=
id=
endpoint=
sent=

# Secrets reach curl through files that only this user can read, never through its arguments.
settings() {
	printf 'silent\nshow-error\n'
	[ -z "${OS_CACERT:-}" ] || printf 'cacert = "%s"\n' "$(printf %s "$OS_CACERT" | sed 's/[\\"]/\\&/g')"
	[ -z "$token" ] || printf 'header = "X-Auth-Token: %s"\n' "$token"
}

# call METHOD URL [CURL OPTION...]: the answer is in $work/answer, its header in $work/header; fails unless the status is 2xx.
call() {
	method=$1 url=$2
	shift 2
	: >"$work/answer"
	settings >"$work/settings"
	status=$(curl -K "$work/settings" --globoff -X "$method" -D "$work/header" -o "$work/answer" -w '%{http_code}' "$@" "$url") ||
		status="no answer"
	case $status in
	2??) return 0 ;;
	esac
	say "$method $url: $status $(head -c 500 "$work/answer" | tr -d '\000-\037\177')"
	return 1
}

cleanup() {
	code=$?
	trap - EXIT HUP INT TERM
	if [ -n "$id" ]; then
		say "removing the image $id, which is not complete"
		call DELETE "$endpoint/v2/images/$id" || say "$id: could not be removed"
	fi
	[ "$code" = 0 ] || [ -z "$sent" ] || say "there, and verified:$sent"
	rm -rf "$work"
	exit "$code"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# flatten FILE: a line "PATH<tab>VALUE" for each value of a JSON document, as "token.catalog.0.type<tab>image".
flatten() {
	tr '\n\r\t' '   ' <"$1" | awk '
		function path(i, p) {
			for (i = 1; i <= depth; i++) p = p (i > 1 ? "." : "") key[i]
			return p
		}
		function value(v) {
			if (depth && kind[depth] == "{" && want) { key[depth] = v; want = 0; return }
			print path() "\t" v
		}
		{
			text = $0
			while (length(text)) {
				if (match(text, /^ +/) || match(text, /^:/)) {
				} else if (match(text, /^"([^"\\]|\\.)*"/)) {
					v = substr(text, 2, RLENGTH - 2)
					gsub(/\\\//, "/", v)
					n = RLENGTH; value(v); text = substr(text, n + 1); continue
				} else if (match(text, /^[{[]/)) {
					depth++; kind[depth] = substr(text, 1, 1); key[depth] = 0; want = kind[depth] == "{"
				} else if (match(text, /^[]}]/)) {
					depth--
				} else if (match(text, /^,/)) {
					if (kind[depth] == "{") want = 1
					else key[depth]++
				} else if (match(text, /^[^]},: ]+/)) {
					print path() "\t" substr(text, 1, RLENGTH)
				} else exit 1
				text = substr(text, RLENGTH + 1)
			}
		}'
}

# field NAME: of the last answer.
field() {
	flatten "$work/answer" | awk -F '\t' -v name="$1" '$1 == name { print $2; exit }'
}

# A text as a JSON string; what would need more than a backslash is refused.
json() {
	case $1 in
	*[[:cntrl:]]*) die "a setting in the environment has control characters" ;;
	esac
	printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')"
}

# domain ID NAME
domain() {
	if [ -n "$1" ]; then printf '{"id":%s}' "$(json "$1")"; else printf '{"name":%s}' "$(json "${2:-Default}")"; fi
}

login_body() {
	if [ -n "$token" ]; then
		printf '{"auth":{"identity":{"methods":["token"],"token":{"id":%s}}' "$(json "$token")"
	elif [ -n "${OS_APPLICATION_CREDENTIAL_ID:-}" ]; then
		printf '{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":%s,"secret":%s}}}}' \
			"$(json "$OS_APPLICATION_CREDENTIAL_ID")" "$(json "${OS_APPLICATION_CREDENTIAL_SECRET:-}")"
		return
	else
		printf '{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%s,"domain":%s,"password":%s}}}' \
			"$(json "${OS_USERNAME:-}")" "$(domain "${OS_USER_DOMAIN_ID:-}" "${OS_USER_DOMAIN_NAME:-}")" "$(json "${OS_PASSWORD:-}")"
	fi
	if [ -n "${OS_PROJECT_ID:-}" ]; then
		printf ',"scope":{"project":{"id":%s}}}}' "$(json "$OS_PROJECT_ID")"
	elif [ -n "${OS_PROJECT_NAME:-}" ]; then
		printf ',"scope":{"project":{"name":%s,"domain":%s}}}}' \
			"$(json "$OS_PROJECT_NAME")" "$(domain "${OS_PROJECT_DOMAIN_ID:-}" "${OS_PROJECT_DOMAIN_NAME:-}")"
	else
		printf '}}'
	fi
}

catalog_endpoint() {
	flatten "$work/answer" | awk -F '\t' -v region="${OS_REGION_NAME:-}" -v interface="${OS_INTERFACE:-public}" '
		{ n = split($1, part, "."); service = part[3]; point = service "." part[5] }
		$1 ~ /^token\.catalog\.[0-9]+\.type$/ { type[service] = $2 }
		$1 ~ /^token\.catalog\.[0-9]+\.endpoints\.[0-9]+\./ {
			if (part[n] == "url") { url[point] = $2; of[point] = service; order[++count] = point }
			if (part[n] == "interface") face[point] = $2
			if (part[n] == "region") place[point] = $2
		}
		END {
			for (i = 1; i <= count; i++) {
				point = order[i]
				if (type[of[point]] == "image" && face[point] == interface && (region == "" || place[point] == region)) {
					print url[point]
					exit
				}
			}
		}'
}

login() {
	token=${OS_TOKEN:-}
	endpoint=${OS_IMAGE_ENDPOINT_OVERRIDE:-}
	if [ -z "$token" ] || [ -z "$endpoint" ]; then
		auth=${OS_AUTH_URL:-}
		[ -n "$auth" ] || die "set OS_AUTH_URL, or OS_TOKEN and OS_IMAGE_ENDPOINT_OVERRIDE"
		auth=${auth%/}
		login_body >"$work/login"
		token=
		call POST "${auth%/v3}/v3/auth/tokens" -H 'Content-Type: application/json' --data-binary "@$work/login" ||
			die "no token from $auth"
		rm -f "$work/login"
		token=$(tr -d '\r' <"$work/header" | awk 'tolower($1) == "x-subject-token:" { print $2 }')
		[ -n "$endpoint" ] || endpoint=$(catalog_endpoint)
	fi
	case $token in
	'' | *[!A-Za-z0-9_.=+/-]*) die "there is no token that can be used" ;;
	esac
	[ -n "$endpoint" ] || die "the catalog has no image service for region '${OS_REGION_NAME:-}'"
	endpoint=${endpoint%/}
	endpoint=${endpoint%/v2}
}

# sum FILE NAME: the digest of NAME in FILE.
sum() {
	awk -v name="$2" 'substr($0, index($0, "  ") + 2) == name { print $1; exit }' "$1"
}

# compare WHAT REPORTED EXPECTED
compare() {
	[ "$2" = "$3" ] || die "$1: the server has '$2', not '$3'"
}

verify() {
	call GET "$endpoint/v2/images/$id" || die "the image cannot be looked at"
	compare status "$(field status)" active
	compare size "$(field size)" "$size"
	checksum=$(field checksum)
	algorithm=$(field os_hash_algo)
	known=
	case $checksum in
	'' | null) ;;
	*) compare checksum "$checksum" "$(sum MD5SUMS "$image")" && known=1 ;;
	esac
	case $algorithm in
	sha512) compare os_hash_value "$(field os_hash_value)" "$(sum SHA512SUMS "$image")" && known=1 ;;
	sha256) compare os_hash_value "$(field os_hash_value)" "$(sum SHA256SUMS "$image")" && known=1 ;;
	esac
	[ -n "$known" ] || die "the server reports no digest that could be compared"
}

# The names in SHA512SUMS that an awk condition on `name` picks.
listed() { awk '{ name = substr($0, index($0, "  ") + 2) } '"$1"' { print name }' SHA512SUMS; }

# image_of DESCRIPTION: the image after which it is called, of several the longest name; else the only one there is.
image_of() {
	listed 'name !~ /[.](json|sh|html|css|xml)$/' | description=$1 awk '
		BEGIN { text = ENVIRON["description"] }
		{
			rest = substr(text, 7 + length($0))
			if (substr(text, 1, 6 + length($0)) == "image-" $0 && rest ~ /^(-.*)?[.]json$/ && length($0) > longest) {
				longest = length($0)
				best = $0
			}
		}
		END { print longest ? best : NR == 1 ? $0 : "" }'
}

# find DESCRIPTION: sets image and size.
find() {
	[ -f "./$1" ] || die "$1: not there; name one of: $(echo image*.json)"
	case $1 in
	image.json | image-*.json) image=$(image_of "$1") ;;
	*) die "$1: not called image.json or image-....json" ;;
	esac
	[ -f "./${image:-.}" ] || die "$1: the image that it describes is not there"
	size=$(wc -c <"./$image" | tr -d ' ')
}

# upload DESCRIPTION
upload() {
	find "$1"
	login
	call POST "$endpoint/v2/images" -H 'Content-Type: application/json' --data-binary "@$1" || die "$1: the image was not created"
	new=$(field id)
	case $new in
	'' | *[!A-Za-z0-9-]*) die "the server gave the new image no id" ;;
	esac
	id=$new
	call PUT "$endpoint/v2/images/$id/file" -H 'Content-Type: application/octet-stream' -H 'Expect:' -T "./$image" ||
		die "$1: the upload failed"
	verify
	id=
	sent="$sent $new ($1)"
	printf '%s\n' "$new"
}

if [ $# -eq 0 ]; then
	listed 'name ~ /^image(-.*)?[.]json$/' >"$work/descriptions"
else
	printf '%s\n' "$@" >"$work/descriptions"
fi
[ -s "$work/descriptions" ] || die "SHA512SUMS names no image.json"
while IFS= read -r description; do find "$description"; done <"$work/descriptions"
while IFS= read -r description; do upload "$description"; done <"$work/descriptions"
