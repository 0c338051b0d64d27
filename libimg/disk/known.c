/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signatures of files that are no raw disks. */
#include <string.h>

#include "base/checked.h"
#include "disk/known.h"

enum where { HEAD, TAIL };

struct signature {
	const char *format; /* name of the format that tells better, where this build has it */
	const char *name;
	enum where where;
	size_t off;
	size_t len;
	const char *bytes;
};

#define BYTES(text) (sizeof(text) - 1), (text)

static const struct signature containers[] = {
	{ "vhdx", "VHDX", HEAD, 0, BYTES("vhdxfile") },
	{ "vhd", "VHD", HEAD, 0, BYTES("conectix") },
	{ "vhd", "VHD", TAIL, 0, BYTES("conectix") },
	/* Virtual PC before 2004 wrote a footer of 511 bytes. */
	{ "vhd", "VHD", TAIL, 1, BYTES("conectix") },
	{ "qcow", "qcow version 1", HEAD, 0, BYTES("QFI\xfb\0\0\0\1") },
	{ "qed", "QED", HEAD, 0, BYTES("QED\0") },
	{ "vmdk", "VMDK", HEAD, 0, BYTES("KDMV") },
	{ "vmdk", "VMDK (ESX sparse)", HEAD, 0, BYTES("COWD") },
	{ "vmdk", "VMDK (SESparse)", HEAD, 0, BYTES("\xbe\xba\xfe\xca\0\0\0\0") },
	{ "vmdk", "VMDK descriptor", HEAD, 0, BYTES("# Disk DescriptorFile") },
	{ "vdi", "VDI", HEAD, 64, BYTES("\x7f\x10\xda\xbe") },
	{ "parallels", "Parallels", HEAD, 0, BYTES("WithoutFreeSpace") },
	{ "parallels", "Parallels", HEAD, 0, BYTES("WithouFreSpacExt") },
	{ "dmg", "DMG", TAIL, 0, BYTES("koly") },
	{ "dmg", "DMG (encrypted)", HEAD, 0, BYTES("encrcdsa") },
	{ "dmg", "DMG (encrypted)", TAIL, 504, BYTES("cdsaencr") },
	{ "asif", "Apple sparse image (ASIF)", HEAD, 0, BYTES("shdw") },
	{ "sparseimage", "Apple sparse image", HEAD, 0, BYTES("sprs") },
	{ "vma", "Proxmox VMA", HEAD, 0, BYTES("VMA\0") },
	{ "bochs", "Bochs", HEAD, 0, BYTES("Bochs Virtual HD Image") },
	{ "cloop", "cloop", HEAD, 0, BYTES("#!/bin/sh\n#V2.0 Format\n") },
	{ "cow", "User Mode Linux COW", HEAD, 0, BYTES("OOOM\0\0\0") },
	{ "ewf", "EWF", HEAD, 0, BYTES("EVF\x09\x0d\x0a\xff\0") },
	{ "ewf", "EWF (logical)", HEAD, 0, BYTES("LVF\x09\x0d\x0a\xff\0") },
	{ "ewf", "EWF version 2", HEAD, 0, BYTES("EVF2\x0d\x0a\x81\0") },
	{ "ewf", "EWF version 2 (logical)", HEAD, 0, BYTES("LEF2\x0d\x0a\x81\0") },
	{ "aff", "AFF", HEAD, 0, BYTES("AFF10\r\n\0") },
	{ "partclone", "partclone", HEAD, 0, BYTES("partclone-image") },
	{ "mds", "Alcohol MDS", HEAD, 0, BYTES("MEDIA DESCRIPTOR") },
	{ "simg", "Android sparse image", HEAD, 0, BYTES("\x3a\xff\x26\xed\1\0") },
	{ "ova", "tar or OVA", HEAD, 257, BYTES("ustar") },
	{ "wim", "WIM", HEAD, 0, BYTES("MSWIM\0\0\0") },
	{ "gzip", "gzip", HEAD, 0, BYTES("\x1f\x8b\x08") },
	{ "xz", "xz", HEAD, 0,
		BYTES("\xfd"
		      "7zXZ\0") },
	{ "zstd", "zstd", HEAD, 0, BYTES("\x28\xb5\x2f\xfd") },
	{ "bzip2", "bzip2", HEAD, 4, BYTES("1AY&SY") },
	{ "lz4", "lz4", HEAD, 0, BYTES("\x04\x22\x4d\x18") },
	{ "lzo", "lzop", HEAD, 0, BYTES("\x89LZO\0\r\n\x1a\n") },
	{ "lzip", "lzip", HEAD, 0, BYTES("LZIP\1") },
	{ "zip", "zip", HEAD, 0, BYTES("PK\3\4") },
	{ "7z", "7-Zip", HEAD, 0, BYTES("7z\xbc\xaf\x27\x1c") },
	{ "cab", "CAB", HEAD, 0, BYTES("MSCF\0\0\0\0") },
	{ "rpm", "RPM", HEAD, 0, BYTES("\xed\xab\xee\xdb") },
	{ "ar", "ar", HEAD, 0, BYTES("!<arch>\n") },
};

/*
 * ECMA-119 volume descriptor and ECMA-167 (UDF) recognition sequence: sector 16 of 2048 bytes.
 * LUKS around a whole disk may be the host's (qemu and Nova read it so) or the guest's own.
 */
static const struct signature contents[] = {
	{ "iso", "ISO 9660", HEAD, 32769, BYTES("CD001") },
	{ "iso", "UDF", HEAD, 32769, BYTES("BEA01") },
	{ "luks", "LUKS (encrypted)", HEAD, 0, BYTES("LUKS\xba\xbe") },
};

static bool matches(const struct probe *p, const struct signature *s)
{
	const uint8_t *bytes = s->where == TAIL ? p->tail : p->head;
	size_t len = s->where == TAIL ? 512 : p->head_len;

	return bytes && range_fits(s->off, s->len, len) &&
		!memcmp(bytes + s->off, s->bytes, s->len);
}

const char *known_container(const struct probe *p, size_t nth)
{
	const char *last = "";

	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++) {
		const struct signature *s = &containers[i];

		/* Head and tail of the same container are one claim. */
		if (!strcmp(s->format, last) || format_by_name(s->format) || !matches(p, s))
			continue;
		if (!nth--)
			return s->name;
		last = s->format;
	}
	return NULL;
}

/* Text has line ends and no control characters but those that move or colour; NUL is none of them.
 */
static bool is_text(const struct probe *p)
{
	bool lines = false;

	for (size_t i = 0; i < p->head_len; i++) {
		uint8_t c = p->head[i];

		if (c < ' ' && !(c >= '\b' && c <= '\r') && c != '\x1b')
			return false;
		lines |= c == '\n';
	}
	return lines;
}

const char *known_content(const struct probe *p)
{
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		if (!format_by_name(contents[i].format) && matches(p, &contents[i]))
			return contents[i].name;
	}
	return is_text(p) ? "text" : NULL;
}
