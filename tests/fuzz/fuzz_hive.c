/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a registry hive and its logs: opened, walked, edited, written, opened again.  The
 * first eight bytes are flags and the lengths of both logs in sectors; logs come before the hive.
 * Checksums and hashes are put right first, unless a flag says not to.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "guest/hive_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { SECTOR = 512, HEAD = 8, KEYS_SEEN = 2000, RAW = 1, FORCE = 2 };

static void sum_right(uint8_t *file, size_t len)
{
	if (len >= sizeof(struct hive_base))
		((struct hive_base *)(void *)file)->sum = put_le32(hive_sum((void *)file));
}

static void hashes_right(uint8_t *log, size_t len)
{
	sum_right(log, len);
	for (size_t at = SECTOR; at + 40 <= len;) {
		le32 *word = (void *)(log + at);
		uint32_t size = get_le32(word[1]);

		if (memcmp(word, "HvLE", 4) || size < 40 || size % SECTOR || size > len - at)
			break;
		*(le64 *)(void *)(log + at + 24) = put_le64(hive_marvin(log + at + 40, size - 40));
		*(le64 *)(void *)(log + at + 32) = put_le64(hive_marvin(log + at, 32));
		at += size;
	}
}

static void values_use(struct hive *h, const char *key)
{
	struct strings list = { 0 };
	struct hive_value *v;
	size_t count;
	uint32_t n;
	char *text;

	if (hive_values(h, key, &v, &count, NULL))
		return;
	for (size_t i = 0; i < count; i++) {
		hive_get_dword(h, key, v[i].name, &n, NULL);
		if (hive_get_text(h, key, v[i].name, &text, NULL) == 0)
			free(text);
		hive_get_list(h, key, v[i].name, &list, NULL);
	}
	strings_free(&list);
	hive_values_free(v, count);
}

/* The paths of the first keys, each before those below it. */
static void walk(struct hive *h, struct strings *paths)
{
	strings_add(paths, "", NULL);
	for (size_t i = 0; i < paths->count && paths->count < KEYS_SEEN; i++) {
		struct strings names = { 0 };
		struct buffer path = { 0 };

		values_use(h, paths->item[i]);
		hive_keys(h, paths->item[i], &names, NULL);
		for (size_t n = 0; n < names.count; n++) {
			path.len = 0;
			buffer_format(&path, NULL, "%s\\%s", paths->item[i], names.item[n]);
			strings_add(paths, buffer_text(&path), NULL);
		}
		buffer_free(&path);
		strings_free(&names);
	}
}

/* What is done must be done; only a list that is not sorted stops a new key. */
static void must(int rc)
{
	if (rc && rc != -ERR_CORRUPT && rc != -ERR_UNSUPPORTED && rc != -ERR_USAGE)
		abort();
}

static void edit(struct hive *h, const struct strings *paths)
{
	static const char text[] = "a text that is longer than the one that was here before";

	for (size_t i = 0; i < paths->count && i < 40; i++) {
		const char *key = paths->item[i * 7 % paths->count];
		struct hive_value *v;
		struct buffer below = { 0 };
		size_t count;

		if (hive_values(h, key, &v, &count, NULL) == 0) {
			if (count) {
				const char *name = v[i % count].name;

				must(hive_set_text(h, key, name, HIVE_SZ, text + i, "w", NULL));
				must(hive_remove_value(h, key, v[0].name, "w", NULL));
			}
			hive_values_free(v, count);
		}
		must(hive_set_dword(h, key, "new", (uint32_t)i, "w", NULL));
		buffer_format(&below, NULL, "%s\\k%zu\\sub", key, i);
		must(hive_add_key(h, buffer_text(&below), "w", NULL));
		buffer_free(&below);
		if (i % 3 == 2)
			must(hive_remove_key(h, key, "w", NULL));
	}
}

static void use(const struct hive_files *files, bool force)
{
	struct journal journal = { 0 };
	struct hive_options o = {
		.write = true, .force_dirty = force, .journal = &journal, .volume = "v", .path = "p"
	};
	struct hive_files second = { 0 };
	struct strings paths = { 0 };
	struct buffer out = { 0 };
	struct hive *h;

	if (hive_open(files, &o, &h, NULL))
		return;
	walk(h, &paths);
	edit(h, &paths);
	if (hive_finish(h, &out, NULL))
		abort();
	hive_close(h);
	second.primary = out.data;
	second.primary_len = out.len;
	if (hive_open(&second, &o, &h, NULL) || hive_was_dirty(h))
		abort();
	hive_close(h);
	strings_free(&paths);
	buffer_free(&out);
	journal_free(&journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct hive_files files = { 0 };
	uint8_t *copy[3];
	size_t part[3], at = HEAD;

	if (len < HEAD)
		return 0;
	part[0] = min_u64((size_t)SECTOR * (bytes[1] | bytes[2] << 8), len - at);
	part[1] = min_u64((size_t)SECTOR * (bytes[3] | bytes[4] << 8), len - at - part[0]);
	part[2] = len - at - part[0] - part[1];
	for (int i = 0; i < 3; i++) {
		copy[i] = malloc(part[i] + 1);
		if (!copy[i])
			abort();
		memcpy(copy[i], bytes + at, part[i]);
		at += part[i];
		if (!(bytes[0] & RAW))
			i < 2 ? hashes_right(copy[i], part[i]) : sum_right(copy[i], part[i]);
	}
	files = (struct hive_files){ .log1 = copy[0],
		.log1_len = part[0],
		.log2 = copy[1],
		.log2_len = part[1],
		.primary = copy[2],
		.primary_len = part[2] };
	use(&files, bytes[0] & FORCE);
	for (int i = 0; i < 3; i++)
		free(copy[i]);
	return 0;
}
