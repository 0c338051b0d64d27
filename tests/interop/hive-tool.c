/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hive-tool HIVE LOG1 LOG2 force|- OUT|-: reads edits from standard input, one a line, fields
 * parted by tabs, makes them and writes the hive to OUT: dword KEY NAME NUMBER | text KEY NAME TEXT
 * | expand KEY NAME TEXT | list KEY NAME TEXT... | bytes KEY NAME TYPE HEX | key KEY | remove KEY
 * NAME | remove-key KEY | dump `dump` shows every key and value.  Afterwards it says what was
 * recorded, whether the hive was dirty, from how many entries it was brought up to date, and
 * whether it has changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/hive.h"

static struct error e;

static void check(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "%s: %s\n", what, e.text);
	exit(-rc == ERR_REFUSED ? 3 : -rc == ERR_UNSUPPORTED ? 4 : 1);
}

static struct buffer loaded[3];

static void *load(const char *path, struct buffer *b, size_t *len)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "rb") : NULL;
	char part[65536];
	size_t n;

	if (!f && strcmp(path, "-"))
		perror(path), exit(1);
	while (f && (n = fread(part, 1, sizeof(part), f)) > 0)
		check(buffer_append(b, part, n, &e), path);
	if (f)
		fclose(f);
	*len = b->len;
	return b->data;
}

static void hex(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", bytes[i]);
}

static void dump(struct hive *h, const char *key)
{
	struct strings names = { 0 };
	struct hive_value *v;
	size_t count;

	printf("[%s]\n", key);
	check(hive_values(h, key, &v, &count, &e), key);
	for (size_t i = 0; i < count; i++) {
		printf("%s=%x:", v[i].name, v[i].type);
		hex(v[i].data, v[i].len);
		putchar('\n');
	}
	hive_values_free(v, count);
	check(hive_keys(h, key, &names, &e), key);
	for (size_t i = 0; i < names.count; i++) {
		struct buffer path = { 0 };

		check(buffer_format(&path, &e, "%s%s%s", key, *key ? "\\" : "", names.item[i]),
			key);
		dump(h, buffer_text(&path));
		buffer_free(&path);
	}
	strings_free(&names);
}

static void set_bytes(struct hive *h, char **field, size_t count)
{
	static uint8_t data[1 << 20];
	const char *digits = count > 4 ? field[4] : "";
	struct hive_value v = { .name = field[2],
		.type = (uint32_t)strtoul(field[3], NULL, 16),
		.data = data,
		.len = strlen(digits) / 2 };

	for (size_t i = 0; i < v.len && i < sizeof(data); i++) {
		unsigned byte;

		sscanf(digits + 2 * i, "%2x", &byte);
		data[i] = (uint8_t)byte;
	}
	check(hive_set(h, field[1], &v, "bytes", &e), field[1]);
}

static void edit(struct hive *h, char **f, size_t count)
{
	struct strings list = { 0 };
	int rc = 0;

	if (!strcmp(f[0], "dump"))
		dump(h, "");
	else if (!strcmp(f[0], "dword"))
		rc = hive_set_dword(
			h, f[1], f[2], (uint32_t)strtoul(f[3], NULL, 0), "a number", &e);
	else if (!strcmp(f[0], "text"))
		rc = hive_set_text(h, f[1], f[2], HIVE_SZ, f[3], "a text", &e);
	else if (!strcmp(f[0], "expand"))
		rc = hive_set_text(h, f[1], f[2], HIVE_EXPAND_SZ, f[3], "a path", &e);
	else if (!strcmp(f[0], "bytes"))
		set_bytes(h, f, count);
	else if (!strcmp(f[0], "key"))
		rc = hive_add_key(h, f[1], "a key", &e);
	else if (!strcmp(f[0], "remove"))
		rc = hive_remove_value(h, f[1], f[2], "not wanted", &e);
	else if (!strcmp(f[0], "remove-key"))
		rc = hive_remove_key(h, f[1], "not wanted", &e);
	else if (!strcmp(f[0], "list")) {
		for (size_t i = 3; i < count; i++)
			check(strings_add(&list, f[i], &e), f[1]);
		rc = hive_set_list(h, f[1], f[2], &list, "a list", &e);
		strings_free(&list);
	} else
		fprintf(stderr, "%s?\n", f[0]), exit(2);
	check(rc, f[0]);
}

static void edits(struct hive *h)
{
	static char line[1 << 20], *field[4096];

	while (fgets(line, sizeof(line), stdin)) {
		size_t count = 0;

		line[strcspn(line, "\n")] = 0;
		for (char *p = line; p && count < 4096; count++) {
			field[count] = p;
			p = strchr(p, '\t');
			if (p)
				*p++ = 0;
		}
		edit(h, field, count);
	}
}

static void show(const struct journal *j)
{
	for (size_t i = 0; i < j->registry_count; i++) {
		const struct registry_edit *r = &j->registry[i];

		printf("%s %s %s %s ", edit_action_name(r->action), r->key,
			r->value ? r->value : "-", r->why);
		hex(r->before.data, r->before.len);
		printf(" -> ");
		hex(r->after.data, r->after.len);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	struct journal journal = { 0 };
	struct hive_options o = { .write = true, .journal = &journal, .volume = "p1", .path = "h" };
	struct hive_files files = { 0 };
	struct buffer out = { 0 };
	struct hive *h;
	FILE *f;

	if (argc != 6)
		return 2;
	files.primary = load(argv[1], &loaded[0], &files.primary_len);
	files.log1 = load(argv[2], &loaded[1], &files.log1_len);
	files.log2 = load(argv[3], &loaded[2], &files.log2_len);
	o.force_dirty = !strcmp(argv[4], "force");
	check(hive_open(&files, &o, &h, &e), argv[1]);
	edits(h);
	show(&journal);
	printf("dirty %d entries %zu changed %d\n", hive_was_dirty(h), hive_entries_applied(h),
		hive_changed(h));
	check(hive_finish(h, &out, &e), "finish");
	if (strcmp(argv[5], "-")) {
		f = fopen(argv[5], "wb");
		if (!f || fwrite(out.data, 1, out.len, f) != out.len || fclose(f))
			perror(argv[5]), exit(1);
	}
	hive_close(h);
	buffer_free(&out);
	journal_free(&journal);
	for (int i = 0; i < 3; i++)
		buffer_free(&loaded[i]);
	return 0;
}
