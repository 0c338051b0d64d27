# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For tests of sources that are downloaded: a server, a recipe whose source is what --set url, sha and sha512 say, and a file.
# shellcheck source=tests/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
need jq sha256sum openssl
[[ -x /usr/bin/python3 ]] || skip "no /usr/bin/python3"
FETCH_SERVER=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/fetch_server.py
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY XDG_CACHE_HOME
export HOME=$WORK
cd "$WORK" || exit 1
mkdir www
servers=()
trap 'kill "${servers[@]}" 2>/dev/null' EXIT

# server NAME [CERTIFICATE KEY]: its port is then in the file NAME, its requests in NAME.log
server() {
	: >"$1.log"
	/usr/bin/python3 "$FETCH_SERVER" www "$1" "$1.log" "${@:2}" &
	servers+=($!)
	for _ in {1..100}; do
		[[ -s $1 ]] && return
		sleep 0.1
	done
	fail "no server"
}

# some_bytes SEED: 3 MB, the same each time
some_bytes() { head -c 3145728 /dev/zero | openssl enc -aes-128-ctr -K "$1" -iv 00 2>/dev/null; }

some_bytes 01 >www/disk.raw
sum=$(sha256sum www/disk.raw | cut -d' ' -f1)
cat >r.xml <<'END'
<recipe name="r" tested="plan">
	<title>What a server has</title>
	<parameter name="url"/>
	<parameter name="sha" default=""/>
	<source image="${url}" format="raw" sha256="${sha}"/>
	<output file="a.raw" format="raw"/>
</recipe>
END

# until_true COMMAND...: waits for it, not for ever
until_true() {
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" && return
		sleep 0.05
	done
	fail "'$*' did not come true: $(cat stderr ./*.err 2>/dev/null)"
}

builds=0
# build STATUS URL [OPTION...]: the bundle is in $made, what was said in stdout and stderr
build() {
	made=made$((++builds))
	expect "$1" "$HVIMG" build --no-sync r.xml -d $made --set url="$2" "${@:3}"
	[[ $1 == 0 || ! -e $made ]] || fail "$2: a bundle was made"
}

# got URL [OPTION...]: it is there, and right
got() {
	build 0 "$@"
	cmp $made/a.raw www/disk.raw || fail "$1: other bytes"
	[[ $(jq -r .source.sha256 $made/plan.json) == "$(sha256sum <www/disk.raw | cut -d' ' -f1)" ]] ||
		fail "$1: $(jq -c .source $made/plan.json)"
}

# refused PATTERN URL [OPTION...]: that is what is said
refused() {
	build 1 "${@:2}"
	grep -qE "$1" stderr || fail "$2: wanted $1: $(<stderr)"
}

# asked LINE...: the requests since the last time, their paths left out, are like these
asked() {
	diff <(printf '%s\n' "$@") <(cut -d' ' -f2- http.log) || fail "other requests"
	: >http.log
}

all='- - - - - identity'

# place URL: the file in the cache, which need not be there
place() {
	echo "$WORK/.cache/hvimg/downloads/$(printf %s "$1" | sha256sum | cut -d' ' -f1)-$(basename "$1")"
}
