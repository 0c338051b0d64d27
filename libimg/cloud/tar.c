/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/tar.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { RECORD = 512, NAME = 100, MODE = 0644 };

#define SIZE_LIMIT ((uint64_t)1 << 33) /* what eleven octal digits hold */

struct ustar {
	char name[NAME];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char time[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6];
	char version[2];
	char owner[32];
	char group[32];
	char major[8];
	char minor[8];
	char prefix[155];
	char rest[12];
};
_Static_assert(sizeof(struct ustar) == RECORD, "a tar header");

size_t tar_padding(uint64_t size)
{
	return (size_t)((RECORD - size % RECORD) % RECORD);
}

/* The checksum is taken with blanks in its own place. */
static void checksum_set(struct ustar *h)
{
	const uint8_t *bytes = (const uint8_t *)h;
	unsigned sum = 0;

	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < RECORD; i++)
		sum += bytes[i];
	snprintf(h->checksum, sizeof(h->checksum) - 1, "%06o", sum & 0777777);
}

static void octal(char *field, size_t len, uint64_t value)
{
	field[--len] = '\0';
	for (; len; value >>= 3)
		field[--len] = (char)('0' + (value & 7));
}

static int record_append(struct buffer *out, char type, const struct tar_file *f, struct error *e)
{
	struct ustar h = { .type = type, .magic = "ustar", .version = { '0', '0' } };

	memcpy(h.name, f->name, strnlen(f->name, NAME));
	octal(h.mode, sizeof(h.mode), f->mode);
	octal(h.uid, sizeof(h.uid), 0);
	octal(h.gid, sizeof(h.gid), 0);
	octal(h.size, sizeof(h.size), f->size < SIZE_LIMIT ? f->size : 0);
	octal(h.time, sizeof(h.time), f->time < SIZE_LIMIT ? f->time : 0);
	octal(h.major, sizeof(h.major), 0);
	octal(h.minor, sizeof(h.minor), 0);
	checksum_set(&h);
	return buffer_append(out, &h, sizeof(h), e);
}

/* "LENGTH KEY=VALUE\n", where the length counts its own digits. */
static int pax_append(struct buffer *out, const char *key, const char *value, struct error *e)
{
	size_t rest = strlen(key) + strlen(value) + 3;
	size_t len = rest + 1;
	char digits[24];

	while (len != rest + (size_t)snprintf(digits, sizeof(digits), "%zu", len))
		len++;
	return buffer_format(out, e, "%s %s=%s\n", digits, key, value);
}

static bool is_ascii(const char *text)
{
	while (*text > 0)
		text++;
	return !*text;
}

static int pax_records(const struct tar_file *f, struct buffer *out, struct error *e)
{
	char number[24];
	int rc = 0;

	if (strlen(f->name) > NAME || !is_ascii(f->name))
		rc = pax_append(out, "path", f->name, e);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)f->size);
	if (!rc && f->size >= SIZE_LIMIT)
		rc = pax_append(out, "size", number, e);
	return rc;
}

int tar_header(const struct tar_file *f, struct buffer *out, struct error *e)
{
	struct buffer pax = { 0 };
	int rc = pax_records(f, &pax, e);

	if (!rc && pax.len) {
		const struct tar_file extended = {
			.name = "pax_header", .size = pax.len, .mode = MODE, .time = f->time
		};

		rc = record_append(out, 'x', &extended, e);
		if (!rc)
			rc = buffer_append(out, pax.data, pax.len, e);
		if (!rc)
			rc = buffer_zeros(out, tar_padding(pax.len), e);
	}
	buffer_free(&pax);
	return rc ? rc : record_append(out, '0', f, e);
}
