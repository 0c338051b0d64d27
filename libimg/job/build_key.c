/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an output depends on, as a digest: one that was made for the same is the same. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "disk/hash.h"
#include "disk/host_file.h"
#include "disk/overlay.h"
#include "job/build_private.h"

enum { PROGRAM_MAX = 1 << 30 };

/* hvimg itself, whose next build may write other bytes. */
static int program_add(struct buffer *key, struct error *e)
{
	struct buffer program = { 0 };
	char hex[DIGEST_HEX_MAX];
	int rc = file_read("/proc/self/exe", PROGRAM_MAX, &program, e);

	if (!rc)
		rc = digest_bytes("sha256", program.data, program.len, hex, e);
	if (!rc)
		rc = buffer_format(key, e, "program %s\n", hex);
	buffer_free(&program);
	return rc;
}

static int content_add(struct building *b, struct buffer *key, struct error *e)
{
	struct strings algorithm = { 0 };
	struct hash_values value;
	int rc = strings_add(&algorithm, "sha256", e);

	if (!rc)
		rc = disk_hash(b->overlay, &algorithm, &b->job->engine, &value, e);
	if (!rc)
		rc = buffer_format(key, e, "content %s\n", value.hex[0]);
	strings_free(&algorithm);
	return rc;
}

/* The source's file as it lies there; of one that is no file of its own, the content. */
static int source_add(struct building *b, struct buffer *key, struct error *e)
{
	struct stat st;

	if (!b->source.watch || b->job->recipe->source.allow_parent)
		return content_add(b, key, e);
	if (fstat(host_file_descriptor(b->source.watch), &st))
		return error_errno(e, errno, "cannot look at the source");
	return buffer_format(key, e, "source %llu %llu %llu %lld.%09ld at %lld\n",
		(unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
		(unsigned long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
		(long long)build_time(b)); /* a root tar's disk has it in it */
}

/* What was edited says more than the steps do: files that they copy may have changed, too. */
static int guest_add(struct building *b, struct buffer *key, struct error *e)
{
	char hex[DIGEST_HEX_MAX];
	int rc = overlay_digest(b->overlay, hex, e);

	return rc ? rc
		  : buffer_format(key, e, "size %llu sector %u edits %s\n",
			    (unsigned long long)b->overlay->size, b->overlay->logical_sector, hex);
}

static int output_add(
	const struct building *b, const struct build_output *o, struct buffer *key, struct error *e)
{
	int rc = buffer_format(key, e, "bundle %s\nformat %s compress %d unit %llu\n",
		b->job->recipe->bundle, o->convert.format->name, o->convert.compress,
		(unsigned long long)o->convert.size_unit);

	for (size_t i = 0; !rc && i < o->convert.options.count; i++)
		rc = buffer_format(key, e, "option %s\n", o->convert.options.item[i]);
	return rc;
}

int build_keys_make(struct building *b, struct error *e)
{
	struct buffer all = { 0 };
	int rc = program_add(&all, e);

	if (!rc)
		rc = source_add(b, &all, e);
	if (!rc)
		rc = guest_add(b, &all, e);
	for (size_t i = 0; !rc && i < b->job->recipe->output_count; i++) {
		struct build_output *o = &b->output[i];
		struct buffer key = { 0 };

		rc = buffer_append(&key, all.data, all.len, e);
		if (!rc)
			rc = output_add(b, o, &key, e);
		if (!rc)
			rc = digest_bytes("sha256", key.data, key.len, o->key, e);
		buffer_free(&key);
	}
	buffer_free(&all);
	return rc;
}
