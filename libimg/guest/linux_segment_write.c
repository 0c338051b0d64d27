/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Puts the new segments into their files, when there is room for all of them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "guest/linux_segment.h"
#include "guest/pe_grow.h"

/* Of all segments together. */
#define SEGMENTS_LIMIT (UINT64_C(512) << 20)

/* The old archives, zeros, the new one. */
struct joined {
	struct linux_file old;
	const struct linux_segment *segment;
};

static int joined_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct joined *j = arg;
	const struct linux_segment *s = j->segment;
	uint8_t *to = buf;

	while (len) {
		size_t part;

		if (off < s->end) {
			part = (size_t)min_u64(len, s->end - off);
			int rc = linux_tree_read(&j->old, off, to, part, e);

			if (rc)
				return rc;
		} else if (off < s->start) {
			part = (size_t)min_u64(len, s->start - off);
			memset(to, 0, part);
		} else {
			part = (size_t)min_u64(len, s->bytes.len - (off - s->start));
			if (!part)
				return error_set(e, ERR_RANGE, "read past the new initramfs");
			memcpy(to, s->bytes.data + (off - s->start), part);
		}
		to += part;
		off += part;
		len -= part;
	}
	return 0;
}

/* What is written for one segment. */
struct product {
	struct linux_file file; /* the old one, whole */
	struct initramfs_source whole;
	struct joined joined;
	struct initramfs_source initramfs;
	struct pe_grown grown;
	uint64_t size;
	int (*read)(void *arg, uint64_t off, void *buf, size_t len, struct error *e);
	void *arg;
};

static int product_open(
	struct tree *t, const struct linux_segment *s, struct product *p, struct error *e)
{
	const char *path = buffer_text(&s->path);
	struct fs_stat st;
	int rc = tree_stat(t, path, TREE_FOLLOW, &st, e);

	*p = (struct product){ .file = { .tree = t, .path = path },
		.joined = { .old = { .tree = t, .path = path, .offset = s->uki.offset },
			.segment = s } };
	if (rc)
		return rc;
	p->size = s->start + s->bytes.len;
	p->read = joined_read;
	p->arg = &p->joined;
	if (!s->uki.present)
		return 0;
	p->initramfs = (struct initramfs_source){ p->size, p->read, p->arg };
	p->whole = (struct initramfs_source){ st.size, linux_tree_read, &p->file };
	rc = pe_grow(&p->whole, ".initrd", &p->initramfs, &p->grown, e);
	p->size = p->grown.size;
	p->read = pe_grown_read;
	p->arg = &p->grown;
	return rc;
}

static int segment_write(struct tree *t, const struct linux_segment *s, struct error *e)
{
	const struct tree_put put = { .mtime = s->mtime,
		.why = "modules that the hypervisor needs before the root file system" };
	struct product p;
	int rc = product_open(t, s, &p, e);

	if (!rc)
		rc = tree_put_reader(t, buffer_text(&s->path), p.size, p.read, p.arg, &put, e);
	pe_grown_free(&p.grown);
	return rc;
}

/* A volume that gets new files.  The old one goes when the new one is there. */
struct room {
	const char *volume;
	uint64_t free, used, most;
};

static int room_take(struct tree *t, const struct linux_segment *s, struct room *rooms,
	size_t *count, struct error *e)
{
	struct room *r = rooms;
	struct room now = { 0 };
	struct product p;
	struct fs_stat st;
	int rc = tree_stat(t, buffer_text(&s->path), TREE_FOLLOW, &st, e);

	if (!rc)
		rc = tree_free_bytes(t, buffer_text(&s->path), &now.volume, &now.free, e);
	if (!rc)
		rc = product_open(t, s, &p, e);
	if (rc)
		return rc;
	for (; r < rooms + *count && strcmp(r->volume, now.volume);)
		r++;
	if (r == rooms + *count) {
		*r = now;
		++*count;
	}
	r->most = max_u64(r->most, r->used + p.size);
	r->used += p.size > st.size ? p.size - st.size : 0;
	pe_grown_free(&p.grown);
	return 0;
}

static int room_check(struct tree *t, const struct linux_segment *s, size_t count, struct error *e)
{
	struct room *rooms = calloc(count + 1, sizeof(*rooms));
	size_t used = 0;
	int rc = rooms ? 0 : error_nomem(e, "volumes");

	for (size_t i = 0; i < count && !rc; i++)
		if (s[i].bytes.len)
			rc = room_take(t, &s[i], rooms, &used, e);
	for (size_t i = 0; i < used && !rc; i++)
		if (rooms[i].most > rooms[i].free)
			rc = error_set(e, ERR_NOTREADY,
				"volume %s has %" PRIu64 " bytes free, and the initramfs with the "
				"added modules need %" PRIu64
				": make room there, or remove old kernels",
				rooms[i].volume, rooms[i].free, rooms[i].most);
	free(rooms);
	return rc;
}

int linux_segments_apply(struct guest_image *g, const struct target_list *targets, struct error *e)
{
	const size_t count = g->guest.kernel_count;
	struct linux_segment *s = calloc(count + 1, sizeof(*s));
	uint64_t total = 0;
	int rc = s ? 0 : error_nomem(e, "segments");

	for (size_t i = 0; i < count && !rc; i++) {
		rc = linux_segment_make(g, i, targets, &s[i], e);
		total += s[i].bytes.len;
		if (!rc && total > SEGMENTS_LIMIT)
			rc = error_set(e, ERR_RANGE,
				"more than %" PRIu64 " bytes of modules to add to %zu kernels",
				(uint64_t)SEGMENTS_LIMIT, count);
	}
	if (!rc)
		rc = room_check(g->tree, s, count, e);
	for (size_t i = 0; i < count && !rc; i++)
		if (s[i].bytes.len)
			rc = segment_write(g->tree, &s[i], e);
	for (size_t i = 0; s && i < count; i++) {
		buffer_free(&s[i].path);
		buffer_free(&s[i].bytes);
	}
	free(s);
	return rc;
}
