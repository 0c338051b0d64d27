/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/linux_names_scan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool begins(const char *text, size_t len, const char *with)
{
	return len >= strlen(with) && !strncmp(text, with, strlen(with));
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '/' || c == '.';
}

static size_t run_length(const char *text, size_t len, int (*is)(int))
{
	size_t n = 0;

	while (n < len && is((unsigned char)text[n]))
		n++;
	return n;
}

/* What follows the number of a disk that is named by numbers: "n1p2", "p2". */
static size_t numbered_tail(const char *text, size_t len, bool nvme, bool *partition)
{
	size_t at = 0;

	if (nvme) {
		if (!len || text[0] != 'n')
			return 0;
		at = 1 + run_length(text + 1, len - 1, isdigit);
	}
	*partition = at + 1 < len && text[at] == 'p' && isdigit((unsigned char)text[at + 1]);
	return *partition ? at + 1 + run_length(text + at + 1, len - at - 1, isdigit) : at;
}

/* Of "vda3", "xvdf", "nvme0n1p2": its length, 0: no such name.  *partition: a number is at the end.
 */
static size_t disk_name(const char *text, size_t len, bool *partition)
{
	static const char *const kinds[] = { "xvd", "vd", "sd", "hd" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t at = strlen(kinds[i]), letters, digits;

		if (!begins(text, len, kinds[i]))
			continue;
		letters = run_length(text + at, len - at, islower);
		digits = run_length(text + at + letters, len - at - letters, isdigit);
		*partition = digits > 0;
		return letters >= 1 && letters <= 3 ? at + letters + digits : 0;
	}
	for (size_t i = 0; i < 2; i++) {
		const char *kind = i ? "mmcblk" : "nvme";
		size_t name = strlen(kind), at = name, tail;

		if (!begins(text, len, kind))
			continue;
		at += run_length(text + at, len - at, isdigit);
		tail = numbered_tail(text + at, len - at, !i, partition);
		return at > name && (i || tail) ? at + tail : 0;
	}
	return 0;
}

/* Names made from a controller's place or a virtual disk's serial number. */
static size_t link_name(const char *text, size_t len)
{
	static const char *const kinds[] = { "disk/by-path/", "disk/by-id/virtio-",
		"disk/by-id/ata-", "disk/by-id/scsi-", "disk/by-id/nvme-", "disk/by-id/wwn-",
		"disk/by-id/google-", "disk/by-id/usb-", "disk/azure/" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t at = 0;

		if (!begins(text, len, kinds[i]))
			continue;
		while (at < len && (is_word(text[at]) || text[at] == ':'))
			at++;
		return at;
	}
	return 0;
}

unsigned linux_link_partition(const char *device, size_t *disk_len)
{
	size_t len = strlen(device), digits = 0;

	if (strncmp(device, "/dev/disk/", 10))
		return 0;
	while (digits < len && isdigit((unsigned char)device[len - digits - 1]))
		digits++;
	if (!digits || digits > 3 || len < digits + 5 ||
		strncmp(device + len - digits - 5, "-part", 5))
		return 0;
	*disk_len = len - digits - 5;
	return (unsigned)strtoul(device + len - digits, NULL, 10);
}

/* Length of an unstable name at the start of `text`, 0: there is none. */
static size_t name_length(const char *text, size_t len, bool *partition)
{
	size_t n;

	*partition = false;
	if (!begins(text, len, "/dev/"))
		return 0;
	n = link_name(text + 5, len - 5);
	*partition = n > 0;
	if (n)
		return 5 + n;
	n = disk_name(text + 5, len - 5, partition);
	if (!n || (5 + n < len && is_word(text[5 + n])))
		return 0;
	return 5 + n;
}

bool linux_name_is_unstable(const char *device)
{
	size_t len = strlen(device);
	bool partition;

	return len && name_length(device, len, &partition) == len;
}

/* Field `index` of a line; a length of 0: it has none. */
static const char *field(const char *line, size_t len, int index, size_t *field_len)
{
	size_t at = 0;

	*field_len = 0;
	for (int i = 0;; i++) {
		size_t start;

		while (at < len && isspace((unsigned char)line[at]))
			at++;
		for (start = at; at < len && !isspace((unsigned char)line[at]);)
			at++;
		if (i < index && at < len)
			continue;
		*field_len = i == index ? at - start : 0;
		return line + start;
	}
}

static bool field_has(const char *line, size_t len, int index, const char *word)
{
	size_t field_len;
	const char *text = field(line, len, index, &field_len);

	for (size_t at = 0; at < field_len;) {
		size_t end = at;

		while (end < field_len && text[end] != ',')
			end++;
		if (end - at == strlen(word) && !strncmp(text + at, word, end - at))
			return true;
		at = end + 1;
	}
	return false;
}

static int table_line(enum name_syntax syntax, const char *line, size_t len, uint64_t number,
	name_visit visit, void *arg, struct error *e)
{
	struct name_found n = { .line = number, .required = true };
	int options = 3;
	bool partition;

	n.device = field(line, len, syntax == FSTAB ? 0 : 1, &n.len);
	if (!n.len || name_length(n.device, n.len, &partition) != n.len)
		return 0;
	/* The start waits for what is not optional; a missing swap space only delays it. */
	if (field_has(line, len, options, "nofail") || field_has(line, len, options, "noauto") ||
		(syntax == FSTAB && field_has(line, len, 2, "swap")))
		n.required = false;
	n.root = syntax == FSTAB && field_has(line, len, 1, "/");
	return visit(arg, &n, e);
}

static bool follows(const char *line, size_t at, const char *word)
{
	size_t len = strlen(word);

	return at >= len && !strncasecmp(line + at - len, word, len);
}

static int words_line(enum name_syntax syntax, const char *line, size_t len, uint64_t number,
	name_visit visit, void *arg, struct error *e)
{
	int rc = 0;

	for (size_t at = 0; at < len && !rc; at++) {
		struct name_found n = { .device = line + at,
			.line = number,
			.command_line = syntax == WORDS,
			.path_only = syntax == SETTINGS };
		bool partition;

		if (line[at] != '/' || (at && is_word(line[at - 1])))
			continue;
		n.len = name_length(line + at, len - at, &partition);
		n.root = follows(line, at, "root=");
		n.required = n.root;
		n.resume = follows(line, at, "resume=");
		if (!n.len || !(partition || n.required))
			continue;
		rc = visit(arg, &n, e);
		at += n.len - 1;
	}
	return rc;
}

int linux_names_scan(
	enum name_syntax syntax, const char *text, name_visit visit, void *arg, struct error *e)
{
	uint64_t number = 1;
	int rc = 0;

	for (const char *line = text; *line && !rc; number++) {
		size_t len = strcspn(line, "\n");
		size_t blank = strspn(line, " \t");

		if (line[blank] != '#')
			rc = syntax == WORDS || syntax == SETTINGS
				? words_line(syntax, line, len, number, visit, arg, e)
				: table_line(syntax, line, len, number, visit, arg, e);
		line += len + (line[len] != 0);
	}
	return rc;
}
