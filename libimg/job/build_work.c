/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder in which outputs grow, and where the finished ones of an interrupted build are found
 * again. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "job/build_private.h"
#include "job/manifest.h"

enum { RECORD_MAX = 64 << 10 };

int build_work_open(struct building *b, struct error *e)
{
	/* Nobody else puts outputs there that would be taken for ours. */
	int rc = work_folder_open(b->job->destination, "hvimg-build", 0700, &b->work, e);

	if (rc)
		return error_prefix(e, "%s", b->job->destination);
	if (b->job->restart)
		work_folder_empty(&b->work, NULL);
	return 0;
}

int build_work_path(const struct building *b, size_t index, const char *ending, struct buffer *out,
	struct error *e)
{
	return buffer_format(out, e, "/proc/self/fd/%d/%s%s", b->work.folder,
		b->output[index].recipe->file, ending);
}

int build_work_note(struct building *b, size_t index, struct error *e)
{
	const struct build_output *o = &b->output[index];
	const struct build_made *m = &o->made;
	struct buffer path = { 0 }, text = { 0 };
	json_t *record = json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:s}", "key", o->key,
		"file_size", (json_int_t)m->file_size, "virtual_size", (json_int_t)m->virtual_size,
		"data_bytes", (json_int_t)m->data_bytes, "sha512", m->hex[SUM_SHA512], "sha256",
		m->hex[SUM_SHA256], "md5", m->hex[SUM_MD5]);
	int rc = record ? json_text(record, &text, e) : error_nomem(e, "a record");

	if (!rc)
		rc = build_work_path(b, index, ".json", &path, e);
	if (!rc)
		rc = output_file(buffer_text(&path), text.data, text.len, &b->job->output, e);
	json_decref(record);
	buffer_free(&path);
	buffer_free(&text);
	return rc;
}

static void hex_read(const json_t *record, const char *name, char hex[DIGEST_HEX_MAX])
{
	const char *text = json_string_value(json_object_get(record, name));

	snprintf(hex, DIGEST_HEX_MAX, "%s", text ? text : "");
}

static uint64_t number_read(const json_t *record, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(record, name));
}

/* Whether there is a record of this very output; its file is still to be looked at. */
static bool record_read(struct building *b, size_t index)
{
	struct build_output *o = &b->output[index];
	struct buffer path = { 0 }, text = { 0 };
	json_t *record = NULL;
	const char *key;
	bool found;

	if (!build_work_path(b, index, ".json", &path, NULL) &&
		!file_read(buffer_text(&path), RECORD_MAX, &text, NULL))
		record = json_loadb((const char *)text.data, text.len, 0, NULL);
	key = json_string_value(json_object_get(record, "key"));
	found = key && !strcmp(key, o->key);
	if (found) {
		o->made = (struct build_made){ .file_size = number_read(record, "file_size"),
			.virtual_size = number_read(record, "virtual_size"),
			.data_bytes = number_read(record, "data_bytes") };
		hex_read(record, "sha512", o->made.hex[SUM_SHA512]);
		hex_read(record, "sha256", o->made.hex[SUM_SHA256]);
		hex_read(record, "md5", o->made.hex[SUM_MD5]);
	}
	json_decref(record);
	buffer_free(&path);
	buffer_free(&text);
	return found;
}

static int names_add(const struct build_output *o, struct strings *kept, struct error *e)
{
	struct buffer record = { 0 };
	int rc = strings_add(kept, o->recipe->file, e);

	if (!rc)
		rc = buffer_format(&record, e, "%s.json", o->recipe->file);
	if (!rc)
		rc = strings_add(kept, buffer_text(&record), e);
	buffer_free(&record);
	return rc;
}

int build_work_check(struct building *b, struct error *e)
{
	const size_t count = b->job->recipe->output_count;
	struct strings kept = { 0 };
	bool *found = calloc(count, sizeof(*found));
	int rc = found ? build_keys_make(b, e) : error_nomem(e, "a build");

	for (size_t i = 0; !rc && i < count; i++) {
		found[i] = record_read(b, i);
		if (found[i])
			rc = names_add(&b->output[i], &kept, e);
	}
	if (!rc) {
		b->checked = true;
		work_folder_empty(&b->work, &kept);
	}
	for (size_t i = 0; !rc && i < count; i++)
		if (found[i])
			rc = build_output_reuse(b, i, e);
	strings_free(&kept);
	free(found);
	return rc;
}

void build_work_forget(struct building *b, size_t index)
{
	struct strings names = { 0 };

	b->output[index].made = (struct build_made){ 0 };
	if (!names_add(&b->output[index], &names, NULL))
		for (size_t i = 0; i < names.count; i++)
			unlinkat(b->work.folder, names.item[i], 0);
	strings_free(&names);
}

/* Of the outputs, those that another run would find. */
static size_t kept_count(const struct building *b)
{
	struct stat st;
	size_t count = 0;

	for (size_t i = 0; i < b->job->recipe->output_count; i++) {
		struct buffer record = { 0 };

		if (!buffer_format(&record, NULL, "%s.json", b->output[i].recipe->file) &&
			!fstatat(b->work.folder, buffer_text(&record), &st, AT_SYMLINK_NOFOLLOW))
			count++;
		buffer_free(&record);
	}
	return count;
}

int build_work_close(struct building *b, int rc, struct error *e)
{
	size_t kept = rc == -ERR_CANCELLED && b->work.temporary ? kept_count(b) : 0;

	/* What an earlier run left was not looked at when the source could not be read. */
	if (b->work.temporary && !kept && (!rc || b->checked))
		work_folder_empty(&b->work, NULL);
	if (kept)
		rc = error_set(e, ERR_CANCELLED,
			"cancelled: %zu of %zu outputs are kept in %s beside %s, and the same "
			"command goes on from there",
			kept, b->job->recipe->output_count, b->work.temporary, b->job->destination);
	work_folder_close(&b->work);
	return rc;
}
