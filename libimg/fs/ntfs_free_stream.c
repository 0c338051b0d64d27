/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of an attribute, in its record or in runs of clusters. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ntfs_free.h"

enum {
	RUNS_MAX = 1 << 20, /* of a stream */
};

struct in_runs {
	uint8_t header[16]; /* +0x00 */
	le64 first; /* +0x10 cluster of the stream */
	le64 last; /* +0x18 */
	le16 runs; /* +0x20 */
	uint8_t unit[6]; /* +0x22 of compression */
	le64 allocated; /* +0x28 bytes */
	le64 size; /* +0x30 */
	le64 initialized; /* +0x38 */
};
_Static_assert(sizeof(struct in_runs) == 64, "NTFS attribute in runs");

static int run_add(struct ntfs_stream *s, uint64_t lcn, uint64_t count, struct error *e)
{
	if (s->count == RUNS_MAX)
		return error_set(e, ERR_UNSUPPORTED, "a file in more than %d pieces", RUNS_MAX);
	if (s->count == s->capacity) {
		size_t capacity = s->capacity ? s->capacity * 2 : 8;
		struct ntfs_run *run = reallocarray(s->run, capacity, sizeof(*run));

		if (!run)
			return error_nomem(e, "runs of clusters");
		s->run = run;
		s->capacity = capacity;
	}
	s->run[s->count++] = (struct ntfs_run){ .vcn = s->clusters, .count = count, .lcn = lcn };
	s->clusters += count;
	return 0;
}

/* A number of up to 8 bytes, little endian. */
static uint64_t number_take(const uint8_t *at, unsigned bytes, bool is_signed)
{
	uint64_t n = is_signed && bytes && at[bytes - 1] & 0x80 ? UINT64_MAX : 0;

	while (bytes)
		n = n << 8 | at[--bytes];
	return n;
}

/* Each run is a byte with two lengths, the number of clusters, and how far they are from those of
 * the run before. */
int ntfs_runs_add(const struct ntfs_volume *v, struct ntfs_stream *s,
	const struct ntfs_attribute *a, struct error *e)
{
	struct in_runs h;
	uint64_t lcn = 0, first, end;
	uint32_t at;

	memcpy(&h, a->bytes, sizeof(h));
	first = get_le64(h.first);
	end = get_le64(h.last) + 1;
	at = get_le16(h.runs);
	if (first != s->clusters || end < first || end > INT64_MAX / v->cluster)
		return error_set(e, ERR_CORRUPT,
			"runs for clusters %" PRIu64 " to %" PRIu64 " behind %" PRIu64, first, end,
			s->clusters);
	while (at < a->len && a->bytes[at]) {
		unsigned size = a->bytes[at] & 15, step = a->bytes[at] >> 4;
		uint64_t count;
		int rc;

		if (!size || size > 8 || step > 8 || size + step >= a->len - at)
			return error_set(e, ERR_CORRUPT, "a run 0x%02x", a->bytes[at]);
		count = number_take(a->bytes + at + 1, size, false);
		lcn += number_take(a->bytes + at + 1 + size, step, true);
		if (!count || count > end - s->clusters ||
			(step && !range_fits(lcn, count, v->clusters)))
			return error_set(e, ERR_CORRUPT,
				"a run of %" PRIu64 " clusters at %" PRIu64 " of %" PRIu64, count,
				lcn, v->clusters);
		rc = run_add(s, step ? lcn : NTFS_HOLE, count, e);
		if (rc)
			return rc;
		at += 1 + size + step;
	}
	if (s->clusters != end)
		return error_set(e, ERR_CORRUPT, "runs for %" PRIu64 " clusters, not %" PRIu64,
			s->clusters, end);
	return 0;
}

static int resident_add(struct ntfs_stream *s, const struct ntfs_attribute *a, struct error *e)
{
	le32 len;
	le16 at;

	memcpy(&len, a->bytes + 16, sizeof(len));
	memcpy(&at, a->bytes + 20, sizeof(at));
	if (s->found || !range_fits(get_le16(at), get_le32(len), a->len))
		return error_set(e, ERR_CORRUPT,
			"an attribute of type 0x%x with %u bytes at %u of %u", a->type,
			get_le32(len), get_le16(at), a->len);
	s->resident = malloc(get_le32(len) + 1);
	if (!s->resident)
		return error_nomem(e, "an attribute");
	memcpy(s->resident, a->bytes + get_le16(at), get_le32(len));
	s->size = s->initialized = get_le32(len);
	s->flags = a->flags;
	s->found = true;
	return 0;
}

int ntfs_stream_add(const struct ntfs_volume *v, struct ntfs_stream *s,
	const struct ntfs_attribute *a, struct error *e)
{
	struct in_runs h;

	if (a->resident)
		return resident_add(s, a, e);
	memcpy(&h, a->bytes, sizeof(h));
	if (!s->found) {
		s->size = get_le64(h.size);
		s->initialized = get_le64(h.initialized);
		s->flags = a->flags;
	}
	if (s->resident)
		return error_set(e, ERR_CORRUPT, "an attribute of type 0x%x twice", a->type);
	s->found = true;
	return ntfs_runs_add(v, s, a, e);
}

int ntfs_stream_check(const struct ntfs_volume *v, const struct ntfs_stream *s, struct error *e)
{
	uint64_t room;

	if (!s->found || s->resident)
		return 0;
	if (!mul_fits(s->clusters, v->cluster, &room) || s->size > room || s->initialized > s->size)
		return error_set(e, ERR_CORRUPT,
			"%" PRIu64 " bytes of %" PRIu64 " written, in %" PRIu64 " clusters of %u",
			s->initialized, s->size, s->clusters, v->cluster);
	return 0;
}

struct wanted {
	const struct ntfs_volume *v;
	const char *name;
	struct ntfs_stream *stream;
};

static bool name_is(const struct ntfs_attribute *a, const char *name)
{
	size_t units = strlen(name);

	for (size_t i = 0; i < units && i < a->name_units; i++)
		if (a->name[2 * i] != name[i] || a->name[2 * i + 1])
			return false;
	return units == a->name_units;
}

static int wanted_add(void *arg, const struct ntfs_attribute *a, struct error *e)
{
	const struct wanted *w = arg;

	return name_is(a, w->name) ? ntfs_stream_add(w->v, w->stream, a, e) : 0;
}

int ntfs_stream_open(const struct ntfs_volume *v, uint64_t number, uint32_t type, const char *name,
	struct ntfs_stream *out, struct error *e)
{
	struct ntfs_stream s = { 0 };
	struct wanted w = { .v = v, .name = name, .stream = &s };
	int rc = ntfs_attributes(v, number, type, wanted_add, &w, e);

	if (!rc)
		rc = ntfs_stream_check(v, &s, e);
	if (rc)
		ntfs_stream_close(&s);
	else
		*out = s;
	return rc;
}

static size_t run_find(const struct ntfs_stream *s, uint64_t vcn)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->run[mid].vcn + s->run[mid].count <= vcn)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int ntfs_stream_read(const struct ntfs_volume *v, const struct ntfs_stream *s, uint64_t off,
	void *buf, size_t len, struct error *e)
{
	uint8_t *to = buf;
	size_t i;

	if (!range_fits(off, len, s->resident ? s->size : s->clusters * v->cluster))
		return error_set(e, ERR_CORRUPT, "%zu bytes at %" PRIu64 " of a stream of %" PRIu64,
			len, off, s->size);
	if (s->resident) {
		memcpy(to, s->resident + off, len);
		return 0;
	}
	for (i = run_find(s, off / v->cluster); len; i++) {
		const struct ntfs_run *r = &s->run[i];
		uint64_t in = off - r->vcn * v->cluster;
		size_t n = (size_t)min_u64(len, r->count * v->cluster - in);
		int rc = 0;

		if (r->lcn == NTFS_HOLE || off >= s->initialized)
			memset(to, 0, n);
		else
			rc = disk_read(v->disk, r->lcn * v->cluster + in, to, n, e);
		if (rc)
			return rc;
		if (off < s->initialized && n > s->initialized - off)
			memset(to + (s->initialized - off), 0, n - (s->initialized - off));
		off += n;
		to += n;
		len -= n;
	}
	return 0;
}

void ntfs_stream_close(struct ntfs_stream *s)
{
	free(s->run);
	free(s->resident);
	*s = (struct ntfs_stream){ 0 };
}
