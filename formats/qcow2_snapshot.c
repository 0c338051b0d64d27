/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Internal snapshots ("Snapshots"): what a table says of each, and reading one in place of the
 * active disk. */
#include "formats/qcow2_snapshot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/checked.h"

enum {
	COUNT_MAX = 65536, /* what qemu opens */
	NAMED = 8, /* in a message */
	LISTED = 1024, /* for info: names are bounded, and so is all of it */
};

/* Of a longer text the start is read. */
static int text_read(
	struct qcow2 *q, uint64_t off, size_t len, char text[QCOW2_SNAPSHOT_TEXT], struct error *e)
{
	if (len >= QCOW2_SNAPSHOT_TEXT)
		len = QCOW2_SNAPSHOT_TEXT - 1;
	text[len] = '\0';
	return len ? disk_read(q->file, off, text, len, e) : 0;
}

static int extra_read(
	struct qcow2 *q, uint64_t off, uint32_t len, struct qcow2_snapshot *out, struct error *e)
{
	be64 size;
	int rc;

	/* Older than this field: the size could not change while there were snapshots. */
	out->size = q->disk.size;
	if (len < 2 * sizeof(be64))
		return 0;
	rc = disk_read(q->file, off + sizeof(be64), &size, sizeof(size), e);
	if (!rc)
		out->size = get_be64(size);
	return rc;
}

static int past_end(const struct qcow2 *q, uint64_t off, struct error *e)
{
	return error_set(e, ERR_CORRUPT,
		"the snapshot table's entry at %" PRIu64
		" runs past the end of the file at %" PRIu64,
		off, q->file->size);
}

int qcow2_snapshot_read(struct qcow2 *q, uint64_t *off, struct qcow2_snapshot *out, struct error *e)
{
	struct qcow2_snapshot_entry entry;
	uint64_t at = *off + sizeof(entry), len;
	int rc;

	if (!range_fits(*off, sizeof(entry), q->file->size))
		return past_end(q, *off, e);
	rc = disk_read(q->file, *off, &entry, sizeof(entry), e);
	if (rc)
		return rc;
	*out = (struct qcow2_snapshot){
		.l1_off = get_be64(entry.l1_off),
		.l1_size = get_be32(entry.l1_size),
		.seconds = get_be32(entry.seconds),
	};
	len = (uint64_t)get_be32(entry.extra_len) + get_be16(entry.id_len) +
		get_be16(entry.name_len);
	if (!range_fits(at, len, q->file->size))
		return past_end(q, *off, e);
	rc = extra_read(q, at, get_be32(entry.extra_len), out, e);
	at += get_be32(entry.extra_len);
	if (!rc)
		rc = text_read(q, at, get_be16(entry.id_len), out->id, e);
	at += get_be16(entry.id_len);
	if (!rc)
		rc = text_read(q, at, get_be16(entry.name_len), out->name, e);
	*off = round_up(at + get_be16(entry.name_len), 8);
	return rc;
}

/* Calls `visit` for each snapshot until it returns other than 0. */
typedef int visit_snapshot(void *arg, const struct qcow2_snapshot *s, struct error *e);
static int each(struct qcow2 *q, visit_snapshot *visit, void *arg, struct error *e)
{
	uint64_t off = q->snapshots_off;
	int rc = 0;

	if (!q->snapshots)
		return 0;
	if (q->snapshots > COUNT_MAX || off % q->cluster)
		return error_set(e, ERR_CORRUPT,
			"snapshot table of %u entries at %" PRIu64
			": there are at most %u, on a cluster",
			q->snapshots, off, (unsigned)COUNT_MAX);
	for (uint32_t i = 0; i < q->snapshots && !rc; i++) {
		struct qcow2_snapshot s;

		rc = qcow2_snapshot_read(q, &off, &s, e);
		if (!rc)
			rc = visit(arg, &s, e);
	}
	return rc;
}

/* What is looked for: either may be missing. */
struct search {
	const char *id, *name;
	struct qcow2_snapshot found;
	unsigned count;
};

static int search_visit(void *arg, const struct qcow2_snapshot *s, struct error *e)
{
	struct search *look = arg;

	(void)e;
	if ((look->id && strcmp(look->id, s->id) != 0) ||
		(look->name && strcmp(look->name, s->name) != 0))
		return 0;
	look->found = *s;
	look->count++;
	return 0;
}

static int search_run(struct qcow2 *q, struct search *look, const char *what, struct error *e)
{
	int rc = each(q, search_visit, look, e);

	if (!rc && look->count > 1)
		return error_set(e, ERR_USAGE,
			"%u snapshots are named %.200s: snapshot.id=ID picks one of them",
			look->count, what);
	return rc;
}

/* The known ones, as far as a message has room. */
struct names {
	struct buffer text;
	unsigned count;
};

static int names_visit(void *arg, const struct qcow2_snapshot *s, struct error *e)
{
	struct names *n = arg;

	if (n->count++ >= NAMED)
		return 0;
	return buffer_format(
		&n->text, e, "%s%.40s (id %.16s)", n->text.len ? ", " : "", s->name, s->id);
}

static int not_found(struct qcow2 *q, const char *what, struct error *e)
{
	struct names n = { 0 };
	int rc = each(q, names_visit, &n, e);

	if (!rc && n.count > NAMED)
		rc = buffer_format(&n.text, e, " and %u more", n.count - NAMED);
	if (!rc && !n.count)
		rc = error_set(e, ERR_NOTFOUND, "no snapshot %.200s: the image has none", what);
	else if (!rc)
		rc = error_set(e, ERR_NOTFOUND, "no snapshot %.200s; there are %s", what,
			buffer_text(&n.text));
	buffer_free(&n.text);
	return rc;
}

/* "snapshot.id=ID,snapshot.name=NAME", as qemu-img takes it; `pairs` keeps the texts. */
static int search_parse(
	const char *what, struct strings *pairs, struct search *look, struct error *e)
{
	int rc = strings_split(pairs, what, ",", e);

	for (size_t i = 0; i < pairs->count && !rc; i++) {
		if (strncmp(pairs->item[i], "snapshot.id=", 12) == 0)
			look->id = pairs->item[i] + 12;
		else if (strncmp(pairs->item[i], "snapshot.name=", 14) == 0)
			look->name = pairs->item[i] + 14;
		else
			rc = error_set(e, ERR_USAGE,
				"snapshot %.200s: it is NAME, or snapshot.id=ID,snapshot.name=NAME",
				what);
	}
	return rc;
}

static int find(struct qcow2 *q, const char *what, struct qcow2_snapshot *out, struct error *e)
{
	struct search look = { 0 };
	struct strings pairs = { 0 };
	int rc;

	if (strncmp(what, "snapshot.", 9) == 0) {
		rc = search_parse(what, &pairs, &look, e);
		if (!rc)
			rc = search_run(q, &look, what, e);
	} else {
		look.name = what;
		rc = search_run(q, &look, what, e);
		if (!rc && !look.count) {
			look = (struct search){ .id = what };
			rc = search_run(q, &look, what, e);
		}
	}
	strings_free(&pairs);
	if (!rc && !look.count)
		return not_found(q, what, e);
	if (!rc)
		*out = look.found;
	return rc;
}

int qcow2_snapshot_select(struct qcow2 *q, const char *what, struct error *e)
{
	struct qcow2_snapshot s = { 0 };
	int rc = find(q, what, &s, e);

	if (!rc)
		rc = qcow2_use_l1(q, s.l1_off, s.l1_size, s.size, e);
	return rc ? error_prefix(e, "snapshot") : 0;
}

struct listing {
	struct image_info *info;
	size_t room;
};

static int listing_visit(void *arg, const struct qcow2_snapshot *s, struct error *e)
{
	struct listing *l = arg;
	struct snapshot_info *one = &l->info->snapshot[l->info->snapshots_listed];

	if (l->info->snapshots_listed == l->room)
		return 0;
	l->info->snapshots_listed++;
	*one = (struct snapshot_info){
		.id = strdup(s->id),
		.name = strdup(s->name),
		.virtual_size = s->size,
		.date = s->seconds,
	};
	return one->id && one->name ? 0 : error_nomem(e, "a snapshot's name");
}

int qcow2_snapshot_list(struct qcow2 *q, struct image_info *out, struct error *e)
{
	struct listing l = { out, (size_t)min_u64(q->snapshots, LISTED) };

	if (!l.room)
		return 0;
	out->snapshot = calloc(l.room, sizeof(*out->snapshot));
	if (!out->snapshot)
		return error_nomem(e, "a list of snapshots");
	return each(q, listing_visit, &l, e);
}
