/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as an initramfs, and as the module index texts. */
#include <stdlib.h>
#include <string.h>

#include "guest/initramfs.h"
#include "guest/kmod.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int input_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	(void)e;
	memcpy(buf, (const uint8_t *)arg + off, len);
	return 0;
}

static bool want_small(void *arg, const struct initramfs_entry *entry)
{
	(void)arg;
	return entry->size < 100000;
}

static int take(void *arg, const struct initramfs_entry *entry, const void *data, size_t len,
	struct error *e)
{
	volatile uint8_t last = len ? ((const uint8_t *)data)[len - 1] : 0;

	(void)arg;
	(void)entry;
	(void)e;
	(void)last;
	return 0;
}

static void kmod_use(char *text)
{
	struct kmod_texts texts = { .dep = text, .alias = text, .softdep = text, .symbols = text };
	struct strings paths = { 0 };
	struct kmod_file *files;
	struct kmod *k;
	struct error e;
	size_t count;

	if (kmod_open(&texts, &k, &e))
		return;
	kmod_closure(k, "a", &paths, &e);
	if (kmod_indexes(k, &paths, &files, &count, &e) == 0)
		kmod_files_free(files, count);
	strings_free(&paths);
	kmod_close(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = malloc(len + 1);
	struct initramfs_source source = { .size = len, .read = input_read, .arg = text };
	struct initramfs_visitor visitor = { .entry = want_small, .data = take };
	struct initramfs_layout layout;
	struct error e;

	if (!text)
		return 0;
	memcpy(text, bytes, len);
	text[len] = 0;
	initramfs_walk(&source, &visitor, &layout, &e);
	kmod_use(text);
	free(text);
	return 0;
}
