/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files in a tar, without unpacking it (POSIX.1, pax: ustar and extended headers). */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/ova.h"

enum {
	RECORD = 512,
	EXTENDED_MAX = 64 << 10, /* bytes of an extended header */
};

struct tar_header {
	char name[100];
	char mode[8]; /* offset 100 */
	char uid[8];
	char gid[8];
	char size[12]; /* offset 124 */
	char mtime[12];
	char checksum[8]; /* offset 148 */
	char type; /* offset 156 */
	char link[100];
	char magic[6]; /* offset 257, "ustar" */
	char version[2];
	char owner[32];
	char group[32];
	char major[8];
	char minor[8];
	char prefix[155]; /* offset 345 */
	char rest[12];
};
_Static_assert(sizeof(struct tar_header) == RECORD, "a tar header");

/* What extended headers say of the file that follows them. */
struct extended {
	char *name;
	uint64_t size;
	bool has_size;
};

struct walk {
	struct disk *file;
	uint64_t off;
	struct ova_members *out;
	struct extended next;
	size_t headers;
};

void ova_members_free(struct ova_members *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->member[i].name);
	free(m->member);
	*m = (struct ova_members){ 0 };
}

const struct ova_member *ova_member_named(const struct ova_members *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (!strcmp(m->member[i].name, name))
			return &m->member[i];
	return NULL;
}

int ova_member_text(
	struct disk *file, const struct ova_member *m, struct buffer *out, struct error *e)
{
	int rc;

	if (m->len > OVA_TEXT_MAX)
		return error_set(e, ERR_RANGE, "%s: has %llu bytes, more than %d", m->name,
			(unsigned long long)m->len, OVA_TEXT_MAX);
	rc = buffer_zeros(out, (size_t)m->len, e);
	return rc ? rc : disk_read(file, m->off, out->data, (size_t)m->len, e);
}

/* Octal digits, or binary with the highest bit set, as GNU tar writes what octal cannot hold. */
static bool number_read(const char *field, size_t len, uint64_t *out)
{
	uint64_t n = 0;
	size_t i = 0;

	if ((uint8_t)field[0] == 0x80) {
		for (i = 1; i < len; i++) {
			if (n >> 56)
				return false;
			n = n << 8 | (uint8_t)field[i];
		}
		*out = n;
		return true;
	}
	while (i < len && field[i] == ' ')
		i++;
	if (i == len || field[i] < '0' || field[i] > '7')
		return false;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
		n = n << 3 | (uint64_t)(field[i] - '0');
	*out = n;
	return i == len || field[i] == ' ' || !field[i];
}

static bool checksum_is_right(const struct tar_header *h)
{
	const uint8_t *bytes = (const uint8_t *)h;
	size_t from = offsetof(struct tar_header, checksum), to = from + sizeof(h->checksum);
	uint64_t sum = 0, said;

	for (size_t i = 0; i < RECORD; i++)
		sum += i >= from && i < to ? ' ' : bytes[i];
	return number_read(h->checksum, sizeof(h->checksum), &said) && said == sum;
}

/* "LENGTH KEY=VALUE\n", where the length counts all of it. */
static int record_read(struct walk *w, const char *text, size_t left, size_t *len, struct error *e)
{
	char *end;
	const char *value;
	unsigned long n = strtoul(text, &end, 10);

	if (n > left || end == text || *end != ' ' || n < (size_t)(end - text) + 2 ||
		text[n - 1] != '\n')
		return error_set(e, ERR_CORRUPT, "a broken extended header before %llu",
			(unsigned long long)w->off);
	*len = n;
	end++;
	n -= (size_t)(end - text) + 1;
	value = memchr(end, '=', n);
	if (!value)
		return 0;
	value++;
	n -= (size_t)(value - end);
	if (!strncmp(end, "path=", 5)) {
		free(w->next.name);
		w->next.name = strndup(value, n);
		return w->next.name ? 0 : error_nomem(e, "a file name");
	}
	if (!strncmp(end, "size=", 5)) {
		w->next.size = strtoull(value, &end, 10);
		w->next.has_size = true;
		if (end != value + n)
			return error_set(e, ERR_CORRUPT, "a broken size in an extended header");
	}
	return 0;
}

static int records_read(struct walk *w, const struct buffer *text, struct error *e)
{
	size_t at = 0, len = 0;
	int rc = 0;

	for (; !rc && at < text->len; at += len)
		rc = record_read(w, buffer_text(text) + at, text->len - at, &len, e);
	return rc;
}

/* Headers that tell of the next file: pax's of one file, and GNU's of a long name. */
static int extended_read(struct walk *w, char type, uint64_t size, struct error *e)
{
	struct buffer text = { 0 };
	int rc;

	if (size > EXTENDED_MAX)
		return error_set(
			e, ERR_RANGE, "an extended header of %llu bytes", (unsigned long long)size);
	rc = buffer_zeros(&text, (size_t)size, e);
	if (!rc)
		rc = disk_read(w->file, w->off, text.data, (size_t)size, e);
	if (!rc && type == 'x')
		rc = records_read(w, &text, e);
	if (!rc && type == 'L') {
		free(w->next.name);
		w->next.name = strdup(buffer_text(&text));
		rc = w->next.name ? 0 : error_nomem(e, "a file name");
	}
	buffer_free(&text);
	return rc;
}

/* Nothing is unpacked by its name; one that leads elsewhere is still nobody's honest work. */
static int name_check(const char *name, struct error *e)
{
	bool out = *name == '/' || !*name || strchr(name, '\\');

	for (const char *part = name; part && !out; part = strchr(part, '/')) {
		part += *part == '/';
		out = !strncmp(part, "..", 2) && (!part[2] || part[2] == '/');
	}
	if (strlen(name) > OVA_NAME_MAX)
		return error_set(e, ERR_RANGE, "a name of %zu bytes", strlen(name));
	return out ? error_set(e, ERR_REFUSED, "%s: this name leads out of the archive", name) : 0;
}

static int name_read(
	const struct walk *w, const struct tar_header *h, struct buffer *out, struct error *e)
{
	int rc = 0;

	if (w->next.name)
		return buffer_string(out, w->next.name, e);
	/* GNU tar keeps something else where the prefix is; then the version is a space. */
	if (h->prefix[0] && !memcmp(h->magic, "ustar", 6))
		rc = buffer_format(out, e, "%.*s/", (int)sizeof(h->prefix), h->prefix);
	return rc ? rc : buffer_format(out, e, "%.*s", (int)sizeof(h->name), h->name);
}

static int member_add(struct walk *w, const struct tar_header *h, uint64_t size, struct error *e)
{
	struct ova_members *m = w->out;
	struct buffer name = { 0 };
	struct ova_member *grown;
	const char *plain;
	int rc = name_read(w, h, &name, e);

	plain = buffer_text(&name);
	while (!strncmp(plain, "./", 2))
		plain += 2;
	if (!rc)
		rc = name_check(plain, e);
	if (!rc && ova_member_named(m, plain))
		rc = error_set(e, ERR_CORRUPT, "%s: is there twice", plain);
	grown = rc ? NULL : realloc(m->member, (m->count + 1) * sizeof(*grown));
	if (grown) {
		m->member = grown;
		grown += m->count;
		*grown = (struct ova_member){ strdup(plain), w->off, size };
		m->count += grown->name ? 1 : 0;
	}
	if (!rc && (!grown || !grown->name))
		rc = error_nomem(e, "a member of the archive");
	buffer_free(&name);
	return rc;
}

static void next_forget(struct walk *w)
{
	free(w->next.name);
	w->next = (struct extended){ 0 };
}

static int entry_read(struct walk *w, const struct tar_header *h, struct error *e)
{
	bool plain = h->type == '0' || !h->type || h->type == '7';
	bool more = h->type == 'x' || h->type == 'L';
	uint64_t size;
	int rc = 0;

	if (!checksum_is_right(h) || !number_read(h->size, sizeof(h->size), &size))
		return error_set(e, ERR_CORRUPT, "no tar header at %llu",
			(unsigned long long)w->off - RECORD);
	if (plain && w->next.has_size)
		size = w->next.size;
	if (!range_fits(w->off, size, w->file->size))
		return error_set(e, ERR_CORRUPT,
			"a file of %llu bytes at %llu reaches past the end at %llu",
			(unsigned long long)size, (unsigned long long)w->off,
			(unsigned long long)w->file->size);
	if (more)
		rc = extended_read(w, h->type, size, e);
	else if (plain)
		rc = member_add(w, h, size, e);
	if (!more && h->type != 'g')
		next_forget(w);
	w->off = min_u64(w->file->size, round_up(w->off + size, RECORD));
	return rc;
}

static bool is_end(const struct tar_header *h)
{
	const uint8_t *bytes = (const uint8_t *)h;

	for (size_t i = 0; i < RECORD; i++)
		if (bytes[i])
			return false;
	return true;
}

int ova_members_read(struct disk *file, struct ova_members *out, struct error *e)
{
	struct ova_members members = { 0 };
	struct walk w = { .file = file, .out = &members };
	struct tar_header h;
	int rc = 0;

	while (!rc && file->size - w.off >= RECORD) {
		rc = disk_read(file, w.off, &h, RECORD, e);
		if (rc || is_end(&h))
			break;
		w.off += RECORD;
		if (++w.headers > OVA_MEMBERS_MAX)
			rc = error_set(e, ERR_RANGE, "an archive of more than %d entries",
				OVA_MEMBERS_MAX);
		else
			rc = entry_read(&w, &h, e);
	}
	next_forget(&w);
	if (rc)
		ova_members_free(&members);
	else
		*out = members;
	return rc;
}
