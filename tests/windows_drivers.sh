# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For tests of driver packages in Windows guests, after windows.sh: a medium made here, and what has to be in a guest.
need openssl xorriso gcab zip iconv xxd
cd "$WORK"
python3 "$TESTS/windows_packages.py" medium
xorriso -as mkisofs -quiet -J -r -o virtio.iso medium 2>/dev/null

# hex TEXT...: of a REG_SZ, or of the strings of a REG_MULTI_SZ
hex() { printf '%s\0' "$@" | iconv -f utf-8 -t utf-16le | xxd -p | tr -d '\n'; }
sz() { printf '1\t%s' "$(hex "$1")"; }
expand() { printf '2\t%s' "$(hex "$1")"; }
multi() { printf '7\t%s0000' "$(hex "$@")"; }
dword() { printf '4\t%02x%02x%02x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24)); }

# edited IMAGE: the guest's volume and hives, which are sound
edited() {
	windows_volume "$1" volume
	volume_sound volume
	for hive in SYSTEM SOFTWARE; do
		take volume "/Windows/System32/config/$hive" "$hive"
		hive_sound "$hive"
		hive_rows "$hive" >"$hive.rows"
	done
}
# has HIVE KEY NAME DATA: the value, whatever the case of the names
has() {
	grep -qixF "$(printf '%s\t%s\t%s' "$2" "$3" "$4")" "$1.rows" ||
		fail "$1: $2 has not $3 = $4, but: $(grep -iF "$2" "$1.rows" | head -n 20)"
}
lacks() { ! grep -qiF "$2" "$1.rows" || fail "$1 has $(grep -iF "$2" "$1.rows" | head -n 3)"; }
# same PATH FILE: the guest's file is that of the medium
same() { ntfscat -f volume "$1" 2>ntfscat.err | cmp -s - "$2" || fail "$1 is not $2: $(cat ntfscat.err)"; }
# refused STATUS TEXT ARGUMENT...: says that, and writes nothing
refused() {
	rm -f out.raw out.raw.edits.json
	expect "$1" "$HVIMG" inject --no-sync "${@:3}" out.raw
	grep -q "$2" stderr || fail "not '$2': $(cat stderr)"
	[[ ! -e out.raw && ! -e out.raw.edits.json ]] || fail "something was written"
}
# inject ARGUMENT... SOURCE DEST
inject() {
	rm -f "${*: -1}" "${*: -1}.edits.json"
	expect 0 "$HVIMG" inject --no-sync "$@"
}

SERVICE='ControlSet001\Services\viostor'
own='/Windows/Drivers/hvimg'

staged() { # SYSTEM ARCH: both packages are there whole, and found by Windows
	local from
	for name in viostor netkvm; do
		from=medium/viostor/$1/$2
		[[ $name == netkvm ]] && from=medium/NetKVM/$1/$2
		for file in $(cd "$from" && find . -type f | sort); do same "$own/$name/${file#./}" "$from/${file#./}"; done
	done
	has SOFTWARE 'Microsoft\Windows\CurrentVersion' DevicePath \
		"$(expand '%SystemRoot%\inf;%SystemRoot%\Drivers\hvimg\netkvm;%SystemRoot%\Drivers\hvimg\viostor')"
}

service() { # SYSTEM ARCH: the boot driver as its INF has it
	has SYSTEM "$SERVICE" Type "$(dword 1)"
	has SYSTEM "$SERVICE" Start "$(dword 0)"
	has SYSTEM "$SERVICE" ErrorControl "$(dword 1)"
	has SYSTEM "$SERVICE" Group "$(sz 'SCSI miniport')"
	has SYSTEM "$SERVICE" DisplayName "$(sz 'Disk Service of Ours')"
	has SYSTEM "$SERVICE" ImagePath "$(expand 'System32\drivers\viostor.sys')"
	has SYSTEM "$SERVICE\\Parameters" BusType "$(dword 10)"
	has SYSTEM "$SERVICE\\Parameters\\PnpInterface" 5 "$(dword 1)"
	has SYSTEM "$SERVICE\\Parameters" Label "$(expand '%SystemRoot%\of ours')"
	lacks SYSTEM 'ControlSet001\Services\netkvm'
	same /Windows/System32/drivers/viostor.sys "medium/viostor/$1/$2/viostor.sys"
	same "/Windows/System32/CatRoot/{F750E6C3-38EE-11D1-85E5-00C04FC295EE}/hvimg-viostor.cat" "medium/viostor/$1/$2/viostor.cat"
}

first_boot() { # what Windows runs at its next start
	local key='ControlSet001\Services\hvimg-first-boot'
	has SYSTEM "$key" Type "$(dword 16)"
	has SYSTEM "$key" Start "$(dword 2)"
	has SYSTEM "$key" ErrorControl "$(dword 0)"
	has SYSTEM "$key" ObjectName "$(sz LocalSystem)"
	has SYSTEM "$key" ImagePath "$(expand '%SystemRoot%\System32\cmd.exe /d /c start "" /b "%SystemRoot%\System32\cmd.exe" /d /c "%SystemRoot%\Drivers\hvimg\first-boot\run.cmd"')"
	take volume "$own/first-boot/10-viostor-001.cmd" first.cmd
	take volume "$own/first-boot/20-netkvm-001.cmd" second.cmd
	printf '@echo off\r\n"%%SystemRoot%%\\System32\\pnputil.exe" -i -a "%%SystemRoot%%\\Drivers\\hvimg\\%s"\r\n' \
		'viostor\viostor.inf' | cmp - first.cmd || fail "the boot driver is not the first: $(cat first.cmd)"
	printf '@echo off\r\n"%%SystemRoot%%\\System32\\pnputil.exe" -i -a "%%SystemRoot%%\\Drivers\\hvimg\\%s"\r\n' \
		'netkvm\netkvm.inf' | cmp - second.cmd || fail "$(cat second.cmd)"
	take volume "$own/first-boot/run.cmd" run.cmd
	python3 - run.cmd <<-'END' || fail "run.cmd is no sound script: $(cat run.cmd)"
		import re, sys
		data = open(sys.argv[1], "rb").read()
		text = data.decode("ascii")
		lines = text.split("\r\n")
		assert lines.pop() == "" and not any("\n" in line or "\r" in line for line in lines), "line ends"
		assert all(line.count('"') % 2 == 0 for line in lines), "quotation marks"
		labels = {m.group(1) for line in lines if (m := re.match(r":(\w+)$", line))}
		used = set(re.findall(r"(?:goto|call) :?(\w+)", text))
		assert used == labels, (used, labels)
		# A variable is one of Windows or set above; of %% there are loop variables alone.
		known = {"SystemRoot", "DATE", "TIME", "ERRORLEVEL"} | set(re.findall(r'set (?:/a |/p |")(\w+)', text))
		for rest in (re.sub(r"%%[A-Z]|%~1", "", line) for line in lines): assert rest.count("%") % 2 == 0, rest
		assert {name for line in lines for name in re.sub(r"%%[A-Z]|%~1", "", line).split("%")[1::2]} <= known, "variables"
	END
}

database() { # ARCH
	local inf=hvimg-viostor.inf id
	id=hvimg-viostor.inf_$1_0000000000000000
	local package="DriverDatabase\\DriverPackages\\$id"
	has SYSTEM 'DriverDatabase\DeviceIds\PCI\VEN_1AF4&DEV_1042&SUBSYS_11001AF4&REV_01' $inf "$(printf '3\t01ff0000')"
	has SYSTEM 'DriverDatabase\DeviceIds\PCI\VEN_1AF4&DEV_1001' $inf "$(printf '3\t02ff0000')"
	has SYSTEM 'DriverDatabase\DeviceIds\{4d36e97b-e325-11ce-bfc1-08002be10318}' $inf "$(printf '0\t')"
	has SYSTEM "DriverDatabase\\DriverInfFiles\\$inf" "" "$(multi "$id")"
	has SYSTEM "DriverDatabase\\DriverInfFiles\\$inf" Active "$(sz "$id")"
	has SYSTEM "DriverDatabase\\DriverInfFiles\\$inf" Configurations "$(multi scsi_inst)"
	has SYSTEM "$package" "" "$(sz $inf)"
	has SYSTEM "$package" Provider "$(sz 'Some Maker')"
	has SYSTEM "$package\\Configurations\\scsi_inst" Service "$(sz viostor)"
	has SYSTEM "$package\\Configurations\\scsi_inst\\Services\\viostor\\Parameters" BusType "$(dword 10)"
	has SYSTEM "$package\\Configurations\\scsi_inst\\Device\\Interrupt Management\\MessageSignaledInterruptProperties" \
		MSISupported "$(dword 1)"
	has SYSTEM "$package\\Descriptors\\PCI\\VEN_1AF4&DEV_1042" Configuration "$(sz scsi_inst)"
	has SYSTEM "$package\\Descriptors\\PCI\\VEN_1AF4&DEV_1042" Description "$(sz '%disk.devicedesc%')"
	has SYSTEM "$package\\Strings" disk.devicedesc "$(sz 'A Disk of Ours')"
}

# twice SOURCE ARGUMENT...: nothing of it is done again
twice() {
	expect 0 "$HVIMG" inject --no-sync --json "${@:2}" "$1" again.raw
	jq -e '.edits == [] and (.registry // []) == []' stdout >/dev/null || fail "a second time: $(head -c 2000 stdout)"
	cmp "$1" again.raw || fail "a second time changes the image"
	rm again.raw again.raw.edits.json
}
