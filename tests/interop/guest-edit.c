/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * guest-edit RAW KIND [NAME=VALUE]... [-- KIND [NAME=VALUE]...]...: edits the guest of a raw image
 * in place, and prints the journal, "ACTION PATH" a line.  group= and key= may be there several
 * times.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/guest.h"
#include "guest/guest_edit.h"

static struct error e;

struct file_disk {
	struct disk disk;
	int fd;
};

static void must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "%s: %s\n", what, e.text);
	exit(1);
}

static int file_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *why)
{
	const ssize_t got = pread(((struct file_disk *)d)->fd, buf, len, (off_t)off);

	return got == (ssize_t)len ? 0 : error_set(why, ERR_IO, "read");
}

static int file_write(struct disk *d, uint64_t off, const void *buf, size_t len, struct error *why)
{
	const ssize_t put = pwrite(((struct file_disk *)d)->fd, buf, len, (off_t)off);

	return put == (ssize_t)len ? 0 : error_set(why, ERR_IO, "write");
}

static void file_close(struct disk *d)
{
	(void)d;
}

static const struct disk_ops file_ops = {
	.read = file_read, .write = file_write, .close = file_close
};

static enum guest_edit_kind kind_of(const char *name)
{
	static const char *const names[] = { [GUEST_COPY] = "copy",
		[GUEST_WRITE] = "write",
		[GUEST_APPEND] = "append",
		[GUEST_REMOVE] = "remove",
		[GUEST_LINK] = "link",
		[GUEST_MKDIR] = "mkdir",
		[GUEST_MODE] = "mode",
		[GUEST_OWNER] = "owner",
		[GUEST_ENABLE] = "enable",
		[GUEST_DISABLE] = "disable",
		[GUEST_USER] = "user",
		[GUEST_HOSTNAME] = "hostname",
		[GUEST_TIMEZONE] = "timezone",
		[GUEST_DATASOURCES] = "datasources",
		[GUEST_FIRST_BOOT] = "first-boot",
		[GUEST_REGISTRY] = "registry" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name))
			return (enum guest_edit_kind)i;
	fprintf(stderr, "no edit %s\n", name);
	exit(2);
}

static void assign(struct guest_edit *edit, const char *word)
{
	const struct {
		const char *name;
		char **to;
	} texts[] = { { "path=", &edit->path }, { "from=", &edit->from },
		{ "target=", &edit->target }, { "name=", &edit->name }, { "text=", &edit->text },
		{ "shell=", &edit->shell }, { "comment=", &edit->comment },
		{ "owner=", &edit->owner }, { "group-owner=", &edit->group },
		{ "type=", &edit->type } };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!strncmp(word, texts[i].name, strlen(texts[i].name)))
			*texts[i].to = strdup(word + strlen(texts[i].name));
	if (!strncmp(word, "group=", 6))
		must(strings_add(&edit->list, word + 6, &e), word);
	if (!strncmp(word, "key=", 4))
		must(strings_add(&edit->keys, word + 4, &e), word);
	if (!strncmp(word, "mode=", 5)) {
		edit->has_mode = true;
		edit->mode = (uint32_t)strtoul(word + 5, NULL, 8);
	}
	if (!strcmp(word, "sudo"))
		edit->sudo = true;
}

static void edits_read(char **word, struct guest_edits *out)
{
	bool first = true;

	for (; *word; word++) {
		if (!strcmp(*word, "--")) {
			first = true;
			continue;
		}
		if (!first) {
			assign(&out->edit[out->count - 1], *word);
			continue;
		}
		out->edit = reallocarray(out->edit, out->count + 1, sizeof(*out->edit));
		out->edit[out->count++] = (struct guest_edit){ .kind = kind_of(*word) };
		first = false;
	}
}

int main(int argc, char **argv)
{
	struct file_disk f = { .disk = { .ops = &file_ops, .logical_sector = 512 } };
	const struct target_list none = { 0 };
	struct journal journal = { 0 };
	struct guest_edits edits = { 0 };
	struct guest_image *g = NULL;
	struct stat st;

	if (argc < 3)
		return 2;
	f.fd = open(argv[1], O_RDWR);
	if (f.fd < 0 || fstat(f.fd, &st))
		return 1;
	f.disk.size = (uint64_t)st.st_size;
	edits_read(argv + 2, &edits);
	must(guest_image_open(&f.disk,
		     &(struct guest_options){ .write = true, .journal = &journal, .known = &none },
		     &g, &e),
		argv[1]);
	must(guest_image_apply(g, &(struct guest_changes){ .targets = &none, .edits = &edits }, &e),
		argv[1]);
	must(guest_image_sync(g, &e), argv[1]);
	guest_image_close(g);
	for (size_t i = 0; i < journal.count; i++)
		printf("%s %s\n", edit_action_name(journal.edit[i].action), journal.edit[i].path);
	journal_free(&journal);
	guest_edits_free(&edits);
	return 0;
}
