/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TOOLS_CONVERSION_H
#define TOOLS_CONVERSION_H

#include <jansson.h>
#include <stdio.h>

#include "job/job.h"
#include "tools/command.h"

/* The options that convert and inject have in common. */
struct conversion {
	const char *source_format; /* -f */
	const char *allow_parent;
	const char *snapshot;
	struct parent_choice parent; /* --parent, -F */
	const char *format; /* -O */
	struct strings options; /* -o */
	struct strings hash, guest_hash; /* --hash, --guest-hash */
	const char *profile, *identifier, *reflink;
	struct size_change size; /* --size */
	uint64_t fit_flavor; /* GiB */
	bool compress; /* -c */
	bool force, no_sync, verify, no_scan, no_holes, drop_free, drop_paging;
};

/* Of the help of commands that take --size, --fit-flavor and --drop-free: their paragraphs. */
#define VIEWS_HELP                                                                                 \
	"--size and --fit-flavor change the disk and its partition table, not the partitions: "    \
	"these and their file systems are grown inside the guest. Shrinking cuts only what no "    \
	"partition holds; a disk without a partition table is not cut.\n\n"                        \
	"--drop-free goes by the file systems' own records of free space, so blocks of deleted "   \
	"files are not in DEST: those of ext2, ext3, ext4, FAT, XFS, btrfs and NTFS, of swap "     \
	"space, and of LVM. What was not shut down cleanly, is damaged, or holds what hvimg does " \
	"not know is left whole, and a note tells which and why; so is NTFS while Windows' fast "  \
	"startup or its shadow copies need it.\n\n"                                                \
	"--drop-paging leaves files and swap space as large as they are; what is in them reads "   \
	"as zeros. Windows may find a crash dump in pagefile.sys at its next start: there is "     \
	"none then. Compressed or sparse files and those of a volume that was not shut down are "  \
	"kept. The swap space is gone with --drop-free as well."

/* Rows of an option table; FIELD(name) gives the offset of a member of struct conversion. */
#define CONVERSION_OPTIONS(FIELD)                                                                  \
	{ "format", 'f', "FORMAT", "SOURCE's format; without it the content decides.",             \
		option_text, FIELD(source_format) },                                               \
		{ "output-format", 'O', "FORMAT",                                                  \
			"DEST's format; without it the file name's ending decides.", option_text,  \
			FIELD(format) },                                                           \
		{ "options", 'o', "K=V,...", "Options of DEST's format, see below.", option_pairs, \
			FIELD(options) },                                                          \
		{ "compress", 'c', NULL, "Compress the clusters of a qcow2; a VMDK always is.",    \
			option_flag, FIELD(compress) },                                            \
		ALLOW_PARENT_OPTION(FIELD(allow_parent)), SNAPSHOT_OPTION(FIELD(snapshot)),        \
		{ "hash", 0, "ALG,...", "Print digests of DEST: md5, sha1, sha256, sha512.",       \
			option_words, FIELD(hash) },                                               \
		{ "guest-hash", 0, "ALG,...",                                                      \
			"Print digests of the guest's content, the same for any container.",       \
			option_words, FIELD(guest_hash) },                                         \
		{ "profile", 0, "hyperv|azure|xen|glance",                                         \
			"Choose format, options and size for that destination.", option_text,      \
			FIELD(profile) },                                                          \
		{ "size", 0, "SIZE|+SIZE|-SIZE",                                                   \
			"Grow or shrink the disk, to or by SIZE; a backup GPT follows. "           \
			"Partitions are never cut.",                                               \
			option_size_change, FIELD(size) },                                         \
		{ "fit-flavor", 0, "GIB",                                                          \
			"Instead of --size: the largest disk that OpenStack on Hyper-V boots on "  \
			"a flavor with GIB GiB of disk. For VHD and VHDX.",                        \
			option_gib, FIELD(fit_flavor) },                                           \
		{ "drop-free", 0, NULL,                                                            \
			"Leave out what the guest's file systems, its swap space and LVM hold "    \
			"free; what is in doubt is left whole.",                                   \
			option_flag, FIELD(drop_free) },                                           \
		{ "drop-paging", 0, NULL,                                                          \
			"Leave out the content of Windows' page files (pagefile.sys, "             \
			"swapfile.sys, a hiberfil.sys that nothing resumes from) and of swap "     \
			"space.",                                                                  \
			option_flag, FIELD(drop_paging) },                                         \
		{ "verify", 0, NULL,                                                               \
			"Read DEST back and compare it with the source before it appears; VHD "    \
			"and VHDX by libvhdi too, but for a child VHDX, which it misreads.",       \
			option_flag, FIELD(verify) },                                              \
		{ "reflink", 0, "auto|always|never",                                               \
			"Share extents of SOURCE's file with DEST where the file system can: "     \
			"when "                                                                    \
			"it can (the default), or fail, or never.",                                \
			option_text, FIELD(reflink) },                                             \
		{ "no-scan", 0, NULL,                                                              \
			"Take what SOURCE says is allocated as data and read none of it to look "  \
			"for zeros. Identifiers are then random, and there are no digests.",       \
			option_flag, FIELD(no_scan) },                                             \
		{ "no-holes", 0, NULL,                                                             \
			"Give every byte of DEST storage: Hyper-V refuses sparse files.",          \
			option_flag, FIELD(no_holes) },                                            \
		{ "identifier", 0, "GUID",                                                         \
			"Identifier of a VHD or VHDX, instead of one that follows from the "       \
			"content.",                                                                \
			option_text, FIELD(identifier) },                                          \
		{ "force", 0, NULL, "Replace an existing DEST, or write to a block device.",       \
			option_flag, FIELD(force) },                                               \
	{                                                                                          \
		"no-sync", 0, NULL, "Do not wait until DEST is on stable storage.", option_flag,   \
			FIELD(no_sync)                                                             \
	}

/* The format that -O names (NULL: no -O), else that of the ending, else `usual` (may be NULL); one
 * that is written. */
/* *out stays as it is when `name` is NULL, the `option` not given. */
int format_option(const char *option, const char *name, const struct format **out, struct error *e);
int choose_format(const char *name, const char *usual, const char *destination,
	const struct format **out, struct error *e);
/* The value of --identifier. */
int take_identifier(const char *text, const struct format *f, struct guid *out, struct error *e);
/* What is to be done.  The job points into `c`; free it with conversion_job_free, also after a
 * failure. */
int conversion_job(const struct conversion *c, const struct common *common, const char *source,
	const char *destination, struct convert_job *out, struct error *e);
void conversion_job_free(struct convert_job *j);
json_t *conversion_json(const struct convert_job *j, const struct convert_outcome *r);
/* Adds "volumes", each with its "dropped" bytes, and "findings" to `o`. */
void dropped_json(const struct dropped *d, json_t **o);
/* What was dropped and what was left whole, as notes. */
void say_dropped(const struct dropped *d);
/* The digests, a line each, as the sum programs print them. */
void print_hashes(FILE *out, const struct convert_job *j, const struct convert_outcome *r);

#endif
