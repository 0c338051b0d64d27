# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For tests against the Keystone and Glance of OPENSTACK, the folder of scripts/openstack-up that tests/run started.
# shellcheck source=tests/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
need jq curl
# shellcheck disable=SC2034 # of those who source this
TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
for variable in "${!OS_@}"; do unset "$variable"; done
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
export HOME=$WORK
cd "$WORK" || exit 1

# cloud_use DIR: the environment of that cloud
cloud_use() {
	OPENSTACK=$1
	# shellcheck source=/dev/null
	source "$OPENSTACK/env"
}

# A token of our own, for looking at Glance without hvimg.
token() {
	jq -n 'env | {auth: {identity: {methods: ["password"], password: {user: {name: .OS_USERNAME, domain: {id: "default"},
		password: .OS_PASSWORD}}}, scope: {project: {name: .OS_PROJECT_NAME, domain: {id: "default"}}}}}' |
		curl -sS -D - -o /dev/null -H 'Content-Type: application/json' -d @- "$OS_AUTH_URL/auth/tokens" |
		tr -d '\r' | sed -n 's/^x-subject-token: //Ip'
}

# glance PATH [CURL-OPTION...]
glance() {
	local path=$1
	shift
	curl -sS -H "X-Auth-Token: $TOKEN" "$@" "$GLANCE_URL/v2$path"
}

# names NAME: the ids of the images of that name, whatever their state
names() {
	glance "/images?name=$1&limit=100" | jq -r '.images[].id'
	glance "/images?name=$1&limit=100&os_hidden=true" | jq -r '.images[].id'
}

# nothing_left NAME
nothing_left() {
	local left
	left=$(names "$1")
	[[ ! $left ]] || fail "$1: left behind: $(glance "/images/${left%%$'\n'*}")"
}

# upload ARGUMENT...: as expect 0, its JSON in $WORK/stdout
upload() { expect 0 "$HVIMG" upload --json "$@"; }

# fails PATTERN ARGUMENT...: status 1 with an error like that, and no secret in it
fails() {
	local pattern=$1
	shift
	expect 1 "$HVIMG" upload --log "$WORK/log" "$@"
	grep -qE "$pattern" "$WORK/stderr" || fail "wanted $pattern: $(cat "$WORK/stderr")"
	no_secret
}

# no_secret: neither password nor token nor secret in what was said
no_secret() {
	local secret
	for secret in "${OS_PASSWORD:-}" "${TOKEN:-}" "${SECRET:-}" gAAAA; do
		[[ $secret ]] || continue
		! grep -qF -- "$secret" "$WORK/stdout" "$WORK/stderr" "$WORK/log" 2>/dev/null || fail "a secret was printed"
	done
}

# a_disk NAME.raw: 8 MiB, half of it data, the same each time
a_disk() {
	head -c 4194304 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null >"$1"
	truncate -s 8M "$1"
}

[[ -s ${OPENSTACK:-}/env ]] || skip "${OPENSTACK_MISSING:-no Keystone and Glance: tests/run starts them}"
cloud_use "$OPENSTACK"
TOKEN=$(token)
[[ $TOKEN ]] || fail "no token from Keystone"
