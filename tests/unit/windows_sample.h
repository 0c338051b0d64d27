/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Windows guest in memory: a few files, and a hive SYSTEM that hivexregedit made. */
#ifndef TESTS_UNIT_WINDOWS_SAMPLE_H
#define TESTS_UNIT_WINDOWS_SAMPLE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/pe.h"
#include "guest/windows_enable.h"
#include "hive_sample.h"

enum { STUB_SIZE = 512, SAMPLE_FILES = 128 };

/* Files by path, in folders that are there because of them. */
struct sample_fs {
	struct fs fs;
	struct sample_file {
		char path[96]; /* "Windows/System32/drivers/disk.sys" */
		uint8_t bytes[STUB_SIZE];
		size_t len;
	} file[SAMPLE_FILES];
	size_t count;
	/* Folders: node SAMPLE_FILES and up. */
	char folder[16][96];
	size_t folder_count;
};

struct sample {
	struct sample_fs fs;
	struct guest_image g;
	struct windows_info info;
	struct windows_guest w;
	struct buffer reg; /* what hivexregedit merges */
	struct target_list targets;
	struct report report;
};

static inline struct sample_fs *sample_of(struct fs *fs)
{
	return (struct sample_fs *)(void *)fs;
}

static inline const char *sample_path(const struct sample_fs *s, uint64_t node)
{
	return node >= SAMPLE_FILES ? s->folder[node - SAMPLE_FILES] : s->file[node].path;
}

static inline uint64_t sample_node(const struct sample_fs *s, const char *path)
{
	for (size_t i = 0; i < s->count; i++)
		if (!strcmp(s->file[i].path, path))
			return i;
	for (size_t i = 0; i < s->folder_count; i++)
		if (!strcmp(s->folder[i], path))
			return SAMPLE_FILES + i;
	return UINT64_MAX;
}

static inline int sample_lookup(
	struct fs *fs, uint64_t dir, const char *name, uint64_t *node, struct error *e)
{
	struct sample_fs *s = sample_of(fs);
	const char *base = sample_path(s, dir);
	char path[256];

	snprintf(path, sizeof(path), "%s%s%s", base, *base ? "/" : "", name);
	*node = sample_node(s, path);
	return *node == UINT64_MAX ? error_set(e, ERR_NOTFOUND, "%s: not there", path) : 0;
}

static inline int sample_list(struct fs *fs, uint64_t dir,
	int (*each)(void *arg, const char *name, uint64_t node), void *arg, struct error *e)
{
	struct sample_fs *s = sample_of(fs);
	const char *base = sample_path(s, dir);
	const size_t len = strlen(base);
	int rc = 0;

	(void)e;
	for (uint64_t n = 0; n < SAMPLE_FILES + s->folder_count && !rc; n++) {
		const char *path = n < SAMPLE_FILES && n >= s->count ? "" : sample_path(s, n);
		const char *name = path + len + (len ? 1 : 0);

		if (*path && !strncmp(path, base, len) && (!len || path[len] == '/') && *name &&
			!strchr(name, '/'))
			rc = each(arg, name, n);
	}
	return rc;
}

static inline int sample_stat(struct fs *fs, uint64_t node, struct fs_stat *out, struct error *e)
{
	(void)e;
	*out = (struct fs_stat){ .node = node, .links = 1 };
	out->mode = node >= SAMPLE_FILES ? S_IFDIR | 0755 : S_IFREG | 0644;
	out->size = node >= SAMPLE_FILES ? 0 : sample_of(fs)->file[node].len;
	return 0;
}

static inline int sample_read(
	struct fs *fs, uint64_t node, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct sample_file *f = &sample_of(fs)->file[node];

	if (off > f->len || len > f->len - off)
		return error_set(e, ERR_RANGE, "past the end");
	memcpy(buf, f->bytes + off, len);
	return 0;
}

static inline void sample_close(struct fs *fs)
{
	(void)fs;
}

static const struct fs_ops sample_ops = { .lookup = sample_lookup,
	.list = sample_list,
	.stat = sample_stat,
	.read = sample_read,
	.close = sample_close };

static inline void stub_set(uint8_t *bytes, size_t at, size_t len, uint64_t value)
{
	for (size_t i = 0; i < len; i++)
		bytes[at + i] = (uint8_t)(value >> (8 * i));
}

/* Headers of a PE image with one section, which is empty. */
static inline void stub_make(uint8_t *bytes, uint16_t machine)
{
	const bool wide = machine != PE_MACHINE_I386;

	memcpy(bytes, "MZ", 2);
	stub_set(bytes, 60, 4, 64);
	memcpy(bytes + 64, "PE\0", 4);
	stub_set(bytes, 68, 2, machine);
	stub_set(bytes, 70, 2, 1);
	stub_set(bytes, 84, 2, wide ? 240 : 224);
	stub_set(bytes, 88, 2, wide ? 0x20b : 0x10b);
	stub_set(bytes, 88 + 32, 4, 4096);
	stub_set(bytes, 88 + 36, 4, 512);
	stub_set(bytes, 88 + 56, 4, 4096);
	stub_set(bytes, 88 + 60, 4, 512);
	stub_set(bytes, 88 + (wide ? 108 : 92), 4, 16);
}

static inline uint16_t sample_machine(const struct sample *s)
{
	return s->w.platform.arch == INF_X86 ? PE_MACHINE_I386 : PE_MACHINE_X86_64;
}

static inline struct sample_file *sample_file(struct sample *s, const char *path)
{
	struct sample_file *f = &s->fs.file[s->fs.count++];

	assert_true(s->fs.count <= SAMPLE_FILES);
	snprintf(f->path, sizeof(f->path), "%s", path);
	f->len = STUB_SIZE;
	stub_make(f->bytes, sample_machine(s));
	return f;
}

static inline struct sample_file *sample_driver(struct sample *s, const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "Windows/System32/drivers/%s", name);
	return sample_file(s, path);
}

static inline struct sample_file *sample_driver_of(struct sample *s, const char *name)
{
	for (size_t i = 0; i < s->fs.count; i++) {
		const char *last = strrchr(s->fs.file[i].path, '/');

		if (last && !strcmp(last + 1, name))
			return &s->fs.file[i];
	}
	fail_msg("no file %s", name);
	return NULL;
}

/* Windows of that build, with the files that every one has. */
static inline void sample_start(struct sample *s, uint32_t build, enum inf_arch arch)
{
	static const char *const folders[] = { "", "Windows", "Windows/System32",
		"Windows/System32/drivers", "Windows/System32/DriverStore",
		"Windows/System32/DriverStore/FileRepository" };
	static const char *const files[] = { "disk.sys", "partmgr.sys", "mountmgr.sys",
		"volmgr.sys", "intelide.sys", "pciidex.sys", "atapi.sys", "ataport.sys",
		"vmbus.sys", "winhv.sys", "vmbkmcl.sys", "storvsc.sys", "storport.sys",
		"vmstorfl.sys", "netvsc.sys", "netvsc63.sys" };

	*s = (struct sample){ .w.platform = { .arch = arch, .build = build } };
	s->fs.fs = (struct fs){ .ops = &sample_ops, .type = "ntfs", .root = SAMPLE_FILES };
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		strcpy(s->fs.folder[s->fs.folder_count++], folders[i]);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		sample_driver(s, files[i]);
	s->w.root = strdup("/Windows");
	s->w.system32 = strdup("/Windows/System32");
	assert_int_equal(
		buffer_string(&s->reg, "Windows Registry Editor Version 5.00\n\n[\\]\n\n", NULL),
		0);
}

/* hivexregedit wants every key above named too. */
static inline void reg_key(struct sample *s, const char *key)
{
	for (size_t i = 0;; i++) {
		if (key[i] && key[i] != '\\')
			continue;
		assert_int_equal(buffer_format(&s->reg, NULL, "\n[\\%.*s]\n", (int)i, key), 0);
		if (!key[i])
			return;
	}
}

static inline void reg_number(struct sample *s, const char *name, uint32_t value)
{
	assert_int_equal(buffer_format(&s->reg, NULL, "\"%s\"=dword:%08x\n", name, value), 0);
}

/* With types as hex() of a .reg file has them; `parts` of a list are apart by '|'. */
static inline void reg_text(struct sample *s, const char *name, unsigned type, const char *text)
{
	if (*name)
		assert_int_equal(buffer_format(&s->reg, NULL, "\"%s\"=hex(%x):", name, type), 0);
	else
		assert_int_equal(buffer_format(&s->reg, NULL, "@=hex(%x):", type), 0);
	for (; *text; text++)
		assert_int_equal(
			buffer_format(&s->reg, NULL, "%02x,00,", *text == '|' ? 0 : *text), 0);
	assert_int_equal(
		buffer_string(&s->reg, type == HIVE_MULTI_SZ ? "00,00,00,00\n" : "00,00\n", NULL),
		0);
}

static inline void reg_service(
	struct sample *s, const char *set, const char *name, uint32_t start, const char *image)
{
	char key[128];

	snprintf(key, sizeof(key), "%s\\Services\\%s", set, name);
	reg_key(s, key);
	reg_number(s, "Type", 1);
	reg_number(s, "Start", start);
	if (image)
		reg_text(s, "ImagePath", HIVE_EXPAND_SZ, image);
}

static inline void reg_override(struct sample *s, const char *set, const char *name)
{
	char key[128];

	snprintf(key, sizeof(key), "%s\\Services\\%s\\StartOverride", set, name);
	reg_key(s, key);
	reg_number(s, "0", 3);
}

/* Reads a file whole. */
static inline void sample_slurp(const char *path, struct buffer *out)
{
	uint8_t part[4096];
	size_t got;
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	while ((got = fread(part, 1, sizeof(part), f)) > 0)
		assert_int_equal(buffer_append(out, part, got, NULL), 0);
	fclose(f);
}

static inline void sample_dump(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* Makes the hive, opens it, and is ready to be asked for the targets. */
static inline void sample_open(struct sample *s, const char *targets)
{
	static const struct hive_options o = { .write = true };
	char folder[] = "/tmp/hvimg-enable-XXXXXX", hive[64], reg[64], command[256];
	struct buffer bytes = { 0 };
	struct hive_files files = { 0 };
	struct error e = { 0 };
	uint8_t empty[SAMPLE_SIZE];

	assert_non_null(mkdtemp(folder));
	snprintf(hive, sizeof(hive), "%s/SYSTEM", folder);
	snprintf(reg, sizeof(reg), "%s/reg", folder);
	snprintf(command, sizeof(command), "hivexregedit --merge %s %s", hive, reg);
	sample_hive(empty, 5);
	sample_dump(hive, empty, sizeof(empty));
	sample_dump(reg, s->reg.data, s->reg.len);
	assert_int_equal(system(command), 0);
	sample_slurp(hive, &bytes);
	unlink(hive);
	unlink(reg);
	rmdir(folder);
	files.primary = bytes.data;
	files.primary_len = bytes.len;
	if (hive_open(&files, &o, &s->w.hive[WINDOWS_SYSTEM].hive, &e))
		fail_msg("%s", e.text);
	buffer_free(&bytes);
	buffer_free(&s->reg);
	if (targets_load("recipes", targets, &s->targets, &e))
		fail_msg("%s", e.text);
	assert_int_equal(tree_open(&s->fs.fs, "p1", NULL, &s->g.tree, &e), 0);
	s->g.state = &s->w;
	s->g.guest.windows = &s->info;
	if (hive_has_key(s->w.hive[WINDOWS_SYSTEM].hive, "ControlSet001"))
		assert_int_equal(strings_add(&s->w.control_sets, "ControlSet001", &e), 0);
	if (hive_has_key(s->w.hive[WINDOWS_SYSTEM].hive, "ControlSet002"))
		assert_int_equal(strings_add(&s->w.control_sets, "ControlSet002", &e), 0);
}

static inline void sample_end(struct sample *s)
{
	tree_close(s->g.tree);
	hive_close(s->w.hive[WINDOWS_SYSTEM].hive);
	strings_free(&s->w.control_sets);
	targets_free(&s->targets);
	report_free(&s->report);
	buffer_free(&s->reg);
	free(s->w.root);
	free(s->w.system32);
}

/* What readiness says of the first target now. */
static inline const struct report *sample_ask(struct sample *s)
{
	struct error e = { 0 };

	report_free(&s->report);
	s->report = (struct report){ 0 };
	if (windows_enable_readiness(&s->g, &s->targets.target[0], &s->report, &e))
		fail_msg("%s", e.text);
	return &s->report;
}

static inline void sample_apply(struct sample *s)
{
	const struct guest_changes c = { .targets = &s->targets };
	struct error e = { 0 };

	if (windows_enable_apply(&s->g, &c, &e))
		fail_msg("%s", e.text);
}

/* The finding of that code whose text has the word; NULL: none. */
static inline const struct finding *sample_finding(
	const struct report *r, const char *code, const char *word)
{
	for (size_t i = 0; i < r->count; i++)
		if (!strcmp(r->finding[i].code, code) && strstr(r->finding[i].text, word))
			return &r->finding[i];
	return NULL;
}

static inline uint32_t sample_number(struct sample *s, const char *key, const char *name)
{
	struct error e = { 0 };
	uint32_t value;

	if (hive_get_dword(s->w.hive[WINDOWS_SYSTEM].hive, key, name, &value, &e))
		fail_msg("%s", e.text);
	return value;
}

static inline bool sample_has_text(
	struct sample *s, const char *key, const char *name, const char *text)
{
	struct error e = { 0 };
	char *value = NULL;
	bool same;

	if (hive_get_text(s->w.hive[WINDOWS_SYSTEM].hive, key, name, &value, &e))
		fail_msg("%s: %s", key, e.text);
	same = !strcmp(value, text);
	if (!same)
		print_message("%s: %s is \"%s\"\n", key, name, value);
	free(value);
	return same;
}

static inline bool sample_has_key(struct sample *s, const char *key)
{
	return hive_has_key(s->w.hive[WINDOWS_SYSTEM].hive, key);
}

#endif
